"""IPython's additions to Python made harmless, line for line: the Nth line stays the Nth line.

Why separate: what comes out is plain Python, which is all that the other stages know. Nothing here runs a magic; a
magic becomes `pass` (or `None` where its result is assigned), a cell of another language becomes empty.
"""

from __future__ import annotations

import re
from itertools import pairwise

from autograder.handin.slicing.lines import logical_starts

# Cell magics whose body is not Python run in the notebook's own namespace. Any other keeps its body.
_OTHER_LANGUAGE = frozenset(
    "! bash bigquery cmd cpp cu cuda cython file fortran html javascript js julia latex markdown mermaid node octave "
    "perl powershell pypy python python2 python3 r ruby script sh shell sql svg sx system writefile".split()
)
# IPython reads the whole cell again after each line that it changes, and gives up (RuntimeError) after 500: 100,000
# lines read take a second or two. The longest honest cell has 400 lines, 30 of them with a %, ! or ?.
_MOST_READINGS = 50_000
_CELL_MAGIC = re.compile(r"\s*%%\s*([!\w.]+)")
_SPECIAL = re.compile(
    r"\s*(?:[!%?/,;]|>>>|In \[\d+\]:|get_ipython\(\)|(?:pip3?|conda|mamba)\s+(?:install|uninstall|list)\b)"
)
_ASSIGNED = re.compile(r"([\w.,\s\[\]'\"*()]+?=\s*)[!%](?=[\w!.~/%])")
_TIMED = re.compile(r"^(\s*)%time\s+(?=\S)")
# `%run file.py` (or a notebook) defines in the notebook what the file defines, as an import of all of it does.
_RUN = re.compile(
    r"""(?:%run|get_ipython\(\)\.run_line_magic\('run',\s*['"])\s*(?:-[in]\s+)*\\?['"]?(?:~?/|(?:\.{1,2}/)+)?(\w[^'"\n]*?)\.(?:py|ipynb)\b"""
)
_HELP = re.compile(r"\s*[\w.*%]+\?\??\s*$")
_SHELL_RESULT = re.compile(r"([^=#]+=\s*)get_ipython\(\)\.")


def plain_python(source: str) -> str:
    """`source` with every magic, shell line, prompt and help line made plain Python; the number of lines is kept."""
    lines = source.split("\n")
    if _drop_cell_magics(lines):
        return "\n" * (len(lines) - 1)
    lines = _untimed(lines)
    if any(_is_special(line) for line in lines) or _first_text(lines)[:1].isspace():
        lines = _through_ipython(lines)
    return "\n".join(_harmless(lines))


def as_module(path: str) -> str:
    """A file, without its ending, as the module that it could be: "vit/my-heads" is vit.my_heads."""
    return ".".join(re.sub(r"\W", "_", part) for part in path.split("/"))


def dropped_language(source: str) -> str:
    """The cell magic that makes a cell another language's ("" for a Python cell)."""
    lines = source.split("\n")
    return _drop_cell_magics(lines)


def _drop_cell_magics(lines: list[str]) -> str:
    """Blanks leading Python cell magics (%%time and the like) in place; returns the name of one of another language."""
    for index, line in enumerate(lines):
        match = _CELL_MAGIC.match(line)
        if match is None:
            if line.strip():
                return ""
        elif match[1].lower() in _OTHER_LANGUAGE:
            return match[1]
        else:
            lines[index] = ""
    return ""


def _untimed(lines: list[str]) -> list[str]:
    """`%time statement` runs the statement in the notebook's own namespace: the statement stays."""
    starts = frozenset(logical_starts(lines))
    return [_TIMED.sub(r"\1", line) if index in starts else line for index, line in enumerate(lines)]


def _first_text(lines: list[str]) -> str:
    return next((line for line in lines if line.strip()), "")


def _is_special(line: str) -> bool:
    return bool(_SPECIAL.match(line) or _assigned(_ASSIGNED, line) or _HELP.match(line))


def _assigned(pattern: re.Pattern[str], line: str) -> re.Match[str] | None:
    """The match of "name = ", if that stands in no string: print("x = %d" % x) is Python."""
    match = pattern.match(line)
    open_text = match and any(match[1].count(quote) % 2 for quote in "'\"")
    return None if open_text else match


def _through_ipython(lines: list[str]) -> list[str]:
    """IPython's own reading, if it keeps the number of lines; else the lines as they were."""
    try:
        from IPython.core.inputtransformer2 import TransformerManager
    except ImportError:  # then prompts stay as they are; magics are recognised below all the same
        return lines
    changed_by_it = sum(any(mark in line for mark in "%!?") or line.lstrip()[:1] in tuple(",;/") for line in lines)
    if changed_by_it * len(lines) > _MOST_READINGS:
        return lines
    blank = next((index for index, line in enumerate(lines) if line.strip()), len(lines))
    try:
        text = str(TransformerManager().transform_cell("\n".join(lines[blank:])))  # type: ignore[no-untyped-call]
    except (SyntaxError, ValueError, RuntimeError, IndexError, AttributeError):
        return lines  # it is broken elsewhere: what can be read of it is found by blocks later
    changed = [""] * blank + text.removesuffix("\n").split("\n")
    changed += [""] * (len(lines) - len(changed)) if not any(map(str.strip, lines[len(changed) :])) else []
    return changed if len(changed) == len(lines) else lines


def _harmless(lines: list[str]) -> list[str]:
    """Logical lines that are IPython's, in either spelling, replaced; what they continue over becomes blank."""
    starts = logical_starts(lines)
    out = list(lines)
    for start, after in pairwise([*starts, len(lines)]):
        line = lines[start]
        if not _is_special(line) and not _assigned(_SHELL_RESULT, line):
            continue
        replaced = _replacement(line)
        if replaced != line:
            out[start] = replaced
            for index in range(start + 1, after):
                out[index] = out[index] if _stands_alone(lines, index) else ""
    return out


def _stands_alone(lines: list[str], index: int) -> bool:
    return not lines[index].strip() or lines[index].lstrip().startswith("#")


def _replacement(line: str) -> str:
    assigned = _assigned(_ASSIGNED, line) or _assigned(_SHELL_RESULT, line)
    if assigned:
        return assigned[1] + "None"
    text = line.lstrip()
    if run := _RUN.match(text):
        return f"{line[: len(line) - len(text)]}from {as_module(run[1])} import *"
    ours = (
        text.startswith(("!", "%", "?", "get_ipython()"))
        or _HELP.match(line)
        or re.match(r"(?:pip3?|conda|mamba)\s", text)
    )
    return line[: len(line) - len(text)] + "pass" if ours else line
