"""Which sets a cell's code hands on, by the names of what it passes and walks through, and in which order.

Why separate: an output that names no set is of the one that its code was given; several readers ask. Code is looked at
as words: it may not parse. Nothing here runs it, and every pattern's work is linear in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from autograder.core.records import Cell
from autograder.handin.evidence import words

MOST_CODE = 20_000  # characters of a cell's code, and of the functions that it calls
_MOST_LINES = 500  # of a cell, and of a function
_ROUNDS = 2  # names of names that are followed: the data set, then its loader
_TEXT = re.compile(r"""[rbfu]{0,2}(?:"[^"\n]{0,500}"|'[^'\n]{0,500}')|#[^\n]{0,500}""", re.IGNORECASE)
_KEY = re.compile(r"(?<=\w)\[\s?['\"](\w{1,40})['\"]\s?\]")  # loaders["test"] is loaders_test
_BETWEEN = re.compile(r"(?:^|\})[^{}]*(?:\{|$)")  # the fields of an f-string
_CALLED = re.compile(r"\b\w{1,60}\s?\(")
_KEYWORD = re.compile(r"(?<=[(,])\s{0,40}\w{1,60}\s?=(?!=)")  # evaluate(eval_dataset=test_set)
_TARGETS = re.compile(r"^[ \t]*[\w,. \t\[\]()*]{1,200}?=(?!=)", re.MULTILINE)
_MADE = r"[\w.]{0,40}(?:\bDataLoader\(|\bdatasets\.|\brandom_split\(|MNIST\(|\bmnist\()"
_MAKES = re.compile(rf"^[ \t]*[^=\n]{{1,200}}=[ \t(\[{{]{{0,9}}{_MADE}.*$", re.MULTILINE)
# test_set[3], len(test_set): one of its images, or how many there are; neither tests a model
_LOOKED_AT = re.compile(
    r"\w{1,60}(?:\.\w{1,20})?\[\d{1,6}\]|\blen\(\s?[\w.]{1,60}\s?\)|\bnext\(\s?iter\(\s?\w{1,60}\s?\)\)"
)
_DIVIDED = re.compile(r"/[\s(]{0,3}len\(\s?([\w.]{1,60})")  # right / len(test_set)
_IS_MADE = re.compile(_MADE)
_ASSIGNED = re.compile(r"^[ \t]*(\w{1,60})\s?=(?!=)(.{1,400})$", re.MULTILINE)
_NOT_TRAIN = re.compile(r"train\s?=\s?False|\bmnist\(\s?False|split\s?=\s?.test")
_TRAINS = re.compile(r"backward\(|\bstep\(|\bfit\(|\btrain\w{0,20}\((?!\))|\btrainer?\.")
_IMPORTS = re.compile(r"^[ \t]*(?:from|import)\b.*$", re.MULTILINE)
_NAME = re.compile(r"[^\W\d]\w{0,60}")
_DEFINED = re.compile(r"^([ \t]*)def (\w{1,60})", re.MULTILINE)


class Code:
    """The code of all cells, as words: what its functions do, which sets its names are of. Lives for one reading."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._bodies = dict(body for cell in cells for body in _functions(cell.source[:MOST_CODE]))
        self._other_names: dict[str, str] = {}
        for _ in range(_ROUNDS):
            for cell in cells:
                self._remember(cell.source[:MOST_CODE])

    def _remember(self, source: str) -> None:
        """The sets behind names that say nothing: `c = DataLoader(test_set)`, `held = MNIST(".", train=False)`."""
        for name, value in _ASSIGNED.findall(source):
            surely = bool(_NOT_TRAIN.search(value))
            passed = _CALLED.sub("(", _KEYWORD.sub(" ", _TEXT.sub("''", value)))
            of = {words.TEST} if surely else set(self._named(passed))
            unsaid = surely or not words.sets(name)
            if unsaid and len(of) == 1 and _IS_MADE.search(value):
                self._other_names[name] = of.pop()

    def order(self, cell: Cell) -> list[str]:
        """The sets that the cell and the functions which it calls hand on, as often and in the order in which they do.

        Where there are none, those in the names of what it calls.
        """
        code = _without_texts(_outside(cell.source[:MOST_CODE]))
        return self._passed(code) or self._named(_used(_MAKES.sub("", code)))

    def _passed(self, code: str) -> list[str]:
        # what the cell itself is given comes after what a function of it does
        return [*self._named(_bare(self._called(code))), *self._named(_bare(code))]

    def trains(self, cell: Cell) -> bool:
        """Whether the cell, or a function that it calls, seems to train."""
        code = _without_texts(_outside(cell.source[:MOST_CODE]))
        return bool(_TRAINS.search(f"{code}\n{self._called(code)}"))

    def looks_only_at(self, cell: Cell, which: str) -> bool:
        """Whether the cell hands on this one set alone, not to train by it. What it calls or imports is no set."""
        code = _IMPORTS.sub("", _without_texts(_outside(cell.source[:MOST_CODE])))
        return set(self._passed(code)) == {which} and not self.trains(cell)

    def _called(self, code: str) -> str:
        """The text of the functions that the code calls."""
        names = dict.fromkeys(match[0].rstrip("( ") for match in _CALLED.finditer(code))
        return "\n".join(_without_texts(self._bodies[name]) for name in names if name in self._bodies)[:MOST_CODE]

    def _named(self, code: str) -> list[str]:
        found: list[str] = []
        for name in _NAME.findall(code):
            of = {self._other_names[name]} if name in self._other_names else words.sets(name)
            found += of if len(of) == 1 else ()
        return found


def _functions(source: str) -> Iterator[tuple[str, str]]:
    """The name and the body of each function that the source defines, methods too."""
    lines = source.split("\n") if "def " in source else []
    for number, line in enumerate(lines[:_MOST_LINES]):
        if match := _DEFINED.match(line):
            yield match[2], "\n".join(_indented(lines[number + 1 : number + 1 + _MOST_LINES], len(match[1])))


def _outside(source: str) -> str:
    """The code without the functions that it defines: they are looked at where they are called."""
    kept, inside = [], False
    for line in source.split("\n"):
        inside = line.startswith(("def ", "async def ")) or (inside and (not line.strip() or line[0] in " \t"))
        kept += [] if inside else [line]
    return "\n".join(kept)


def _without_texts(code: str) -> str:
    """The code without what its texts say; the fields of an f-string are code."""
    return _TEXT.sub(_fields, _KEY.sub(r"_\1", code))


def _fields(text: re.Match[str]) -> str:
    if not text[0][:2].lower().startswith(("f", "rf")):
        return "''"
    return _BETWEEN.sub(lambda literal: "/" if "/" in literal[0] else " ", text[0].strip("frFR\"'"))


def _used(code: str) -> str:
    return _LOOKED_AT.sub(" ", _DIVIDED.sub(r"/ \1 ", code))


def _bare(code: str) -> str:
    return _CALLED.sub("(", _KEYWORD.sub(" ", _TARGETS.sub(" ", _used(_MAKES.sub("", code)))))


def _indented(lines: Sequence[str], depth: int) -> list[str]:
    inside = []
    for line in lines:
        if line.strip() and len(line) - len(line.lstrip()) <= depth:
            break
        inside.append(line)
    return inside
