"""Where logical lines begin, found without parsing: also in text that Python cannot parse.

Why separate: magics are recognised before a cell is Python, and what is left of a broken cell is found after parsing
has failed; both need to know whether a physical line is inside a string, a bracket or a continuation. Nothing here
parses, runs or rejects anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# Inside a bracket no line can begin like these, so they mark a new statement after a bracket that was never closed.
_SURE_START = re.compile(r"(?:class|def|async\s+def)\s+\w+\s*[(:\[]|import\s+\w|from\s+[\w.]+\s+import\b")
_TOKEN = re.compile(r"'''|\"\"\"|'|\"|#|[\[\](){}]|\\$")
_REST_OF_STRING = {
    "'": re.compile(r"(?:[^'\\]|\\.)*'"),
    '"': re.compile(r'(?:[^"\\]|\\.)*"'),
    "'''": re.compile(r"(?:[^'\\]|\\.|'(?!''))*'''"),
    '"""': re.compile(r'(?:[^"\\]|\\.|"(?!""))*"""'),
}
_ESCAPES = ("!", "%", "?")  # a line that begins so is IPython's: quotes and brackets in it mean nothing


def logical_starts(lines: Sequence[str]) -> tuple[int, ...]:
    """Indices (from 0) of the physical lines on which a logical line begins; blank and comment lines are left out."""
    starts: list[int] = []
    string, depth, continued, escaped = "", 0, False, False
    for index, line in enumerate(lines):
        if not string and not continued and (depth == 0 or _SURE_START.match(line)):
            depth, text = 0, line.strip()
            escaped = text.startswith(_ESCAPES)
            if text and not text.startswith("#"):
                starts.append(index)
        if escaped:
            continued = line.endswith("\\")
            escaped = continued
            continue
        string, depth, continued = _scan(line, string, depth)
    return tuple(starts)


def _scan(line: str, string: str, depth: int) -> tuple[str, int, bool]:
    """State after `line`: the delimiter of an open string, the number of open brackets, whether a backslash ends it."""
    position = 0
    while True:
        if string:
            end = _REST_OF_STRING[string].match(line, position)
            if end is None:
                open_next = len(string) == 3 or _ends_in_backslash(line)
                return (string if open_next else ""), depth, False
            position, string = end.end(), ""
        token = _TOKEN.search(line, position)
        if token is None or token[0] == "#":
            return "", depth, False
        if token[0] == "\\":
            return "", depth, True
        position = token.end()
        if token[0] in _REST_OF_STRING:
            string = token[0]
        else:
            depth = depth + 1 if token[0] in "([{" else max(depth - 1, 0)


def _ends_in_backslash(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1
