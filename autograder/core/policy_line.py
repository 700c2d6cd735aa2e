"""A policy's text as plain data, and where in it something stands that cannot be used: its file, its line, its name.

Why separate: what a policy means is next door; this only reads msgspec's messages and the text, for a person's sake.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from autograder.core.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

WORDS = ("visible", "hidden", "after_due_date", "after_published")  # of a visibility


class BadPolicy(UsageError):
    """The policy cannot be used: the text names file, line and what to change."""


def read(path: Path) -> tuple[str, dict[str, object]]:
    """(text, tables) of a policy; every number in it is finite. Raises BadPolicy.

    TOML has words for what is no number, and no bound refuses all of them: nan is not below 0, and inf is above it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadPolicy(f"the policy {path} cannot be read: {error}") from None
    try:
        table: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadPolicy(f"{path} is no TOML: {error}") from None
    for where, value in _not_finite(table):
        raise BadPolicy(located(path, text, f"the value '{value}' is no finite number", where))
    return text, table


def _not_finite(value: object, where: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], float]]:
    """(place, number) of each that is not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        yield where, value
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inside:
        yield from _not_finite(each, (*where, name))


def parted(error: str) -> tuple[str, tuple[str | int, ...]]:
    """msgspec's message and its place: "… - at `$.questions[3].points`" is ("…", ("questions", 3, "points"))."""
    said, _, path = error.partition(" - at `$")
    parts = re.findall(r"\[(\d+)\]|\[\.\.\.\]|\.([^.\[`]+)", path)
    where: list[str | int] = [int(index) if index else name for index, name in parts if index or name]
    if named := re.search(r"unknown field `(\w+)`", said):
        where.append(named[1])
    return said[:1].lower() + said[1:], tuple(where)


def located(path: Path, text: str, what: str, where: tuple[str | int, ...]) -> str:
    """`what` is wrong with the policy at `where`, with the file, the line and the name."""
    if "enum value" in what and where[-1] in ("visibility", "hidden", "public"):
        what += f"; the words are {', '.join(WORDS)}"
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).removeprefix(".")
    return f"{path}, line {_line(text, where, what)}{f' ({name})' if name else ''}: {what}"


# A key as it stands in a line: at its beginning, after a dot, or inside { }; in quotes or not.
_KEY = r"""(?:^|[{{,.])\s*["']?{}["']?\s*="""


def _line(text: str, where: tuple[str | int, ...], what: str) -> int:
    """The line (from 1) of the innermost part of `where` that is found; keys stand one a line in this file."""
    header, found, loose = "", 1, 0
    quoted = re.search(r"value '([^']+)'", what)
    value, names = quoted[1] if quoted else "", [str(part) for part in where if not isinstance(part, int)]
    key = _KEY.format(re.escape(names[-1] if names else ""))
    index: dict[str, int] = {}
    wanted = where[0] if where else ""
    for number, line in enumerate(text.splitlines(), 1):
        if title := re.match(r"\s*\[+\s*([\w.]+)\s*\]+", line):
            header = title[1]
            index[header] = index.get(header, -1) + 1
        inside = header == wanted and (len(where) < 2 or not isinstance(where[1], int) or where[1] == index[header])
        if inside and title:
            found = number
        elif (inside or not header) and names and re.search(key, line):
            if value in line:
                return number
            loose = loose or number  # the value is not spelled as it was understood: 1e999 is infinite
    return loose or found
