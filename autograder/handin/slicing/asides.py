"""Classes that stand in a file where nothing defines them: in text cells, in comments, in quotes, after a magic.

Why separate: only words are looked at, and only to tell a student where a class went that the slice does not find.
Nothing here is ever graded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from autograder.core.records import Place

_CLASS = re.compile(r"^[ \t>]*(?P<marks>#[# \t]*)?class[ \t]+(?P<name>\w{1,80})[ \t]*[(:]", re.MULTILINE)
# every line from the `if` on is empty or stands further in
_GUARDED = re.compile(r"^if[ (]*__name__ *== *['\"]__main__['\"]\)?:[^\n]*\n(?:[ \t][^\n]*\n|\n)*\Z", re.MULTILINE)
_MOST = 50  # classes that are remembered of a file
_CODE_CELL = "make it a code cell (in Colab, paste it into a new code cell; in Jupyter, select the cell and press Y)"


class Text(NamedTuple):
    """The text of a cell, as saved: `kind` is "code", "markdown" or "raw", `language` another one's, after a %%."""

    kind: str
    number: int | None
    source: str
    language: str = ""


class Aside(NamedTuple):
    """Where a class stands that is not defined, in words that go on from "it", and how to mend that."""

    words: str
    fix: str


def asides(texts: Iterable[Text], file: str) -> Mapping[str, Aside]:
    """By the class's name; text cells first, since there it is certain that nothing is defined."""
    found: dict[str, Aside] = {}
    for text in sorted(texts, key=lambda text: text.kind == "code"):
        for match in _CLASS.finditer(text.source):
            if len(found) < _MOST:
                found.setdefault(match["name"], _aside(text, match, file))
    return found


def _aside(text: Text, match: re.Match[str], file: str) -> Aside:
    place = Place(file, text.source.count("\n", 0, match.start("name")) + 1, text.number)
    if text.kind != "code":
        kind = "a Markdown cell" if text.kind == "markdown" else f"a {text.kind} cell"
        return Aside(f"stands in cell {text.number}, which is {kind}: text, which defines nothing", _CODE_CELL)
    if text.language:
        fix = f"delete the %%{text.language} line, so that the cell defines the class"
        return Aside(f"stands at {place}, in a cell that %%{text.language} keeps from being run as Python", fix)
    if match["marks"]:
        return Aside(f"stands at {place} as a comment, behind #", "take the # away from each of its lines")
    if match[0][0] in " \t" and _GUARDED.search(text.source[: match.start()]):
        words = f'stands at {place}, inside `if __name__ == "__main__":`, which is for running the file and left out'
        return Aside(words, "move it out of the `if`, to the beginning of the line")
    return Aside(f"stands at {place}, but not as code of its own: in quotes?", "take the quotes around it away")
