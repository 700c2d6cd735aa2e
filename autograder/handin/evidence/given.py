"""Which sets a cell's code hands on, by the names of what it passes and walks through, and in which order.

Why separate: an output that names no set is of the one that its code was given; several readers ask. Code is looked at
as words: it may not parse. Nothing here runs it, and every pattern's work is linear in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from autograder.core.records import Cell
from autograder.handin.evidence import words

MOST_CODE = 20_000  # characters of a cell's code, and of the functions that it calls
_ROUNDS = 2  # names of names that are followed: the data set, then its loader
_TEXT = re.compile(r"""[rbfu]{0,2}(?:"[^"\n]{0,500}"|'[^'\n]{0,500}')|#[^\n]{0,500}""", re.IGNORECASE)
_CALLED = re.compile(r"\b\w{1,60}\s?\(")
_KEYWORD = re.compile(r"(?<=[(,])\s{0,40}\w{1,60}\s?=(?!=)")  # evaluate(eval_dataset=test_set)
_TARGETS = re.compile(r"^[ \t]*[\w,. \t\[\]()*]{1,200}?=(?!=)", re.MULTILINE)
_MAKES = re.compile(r"^.*(?:\bDataLoader\(|\bdatasets\.|\brandom_split\(|\bMNIST\(|\bmnist\().*$", re.MULTILINE)
_ASSIGNED = re.compile(r"^[ \t]*(\w{1,60})\s?=(?!=)(.{1,400})$", re.MULTILINE)
_NOT_TRAIN = re.compile(r"train\s?=\s?False|\bmnist\(\s?False|split\s?=\s?.test")
_TRAINS = re.compile(r"backward\(|\bstep\(|\bfit\(|\btrain\w{0,20}\((?!\))|\btrainer?\.")
_NAME = re.compile(r"[^\W\d]\w{0,60}")
_DEFINED = re.compile(r"^([ \t]*)def (\w{1,60})", re.MULTILINE)


def aliases(cells: Sequence[Cell]) -> Mapping[str, str]:
    """The sets behind names that say nothing of them: `c = DataLoader(test_set)`, `held = MNIST(".", train=False)`."""
    found: dict[str, str] = {}
    for _ in range(_ROUNDS):
        for cell in cells:
            for name, value in _ASSIGNED.findall(cell.source[:MOST_CODE]):
                of = {words.TEST} if _NOT_TRAIN.search(value) else _sets(_TEXT.sub("''", value), found)
                if not words.sets(name) and len(of) == 1 and len(name) > 0 and _MAKES.search(value):
                    found[name] = of.pop()
    return found


def order(cell: Cell, cells: Sequence[Cell], other_names: Mapping[str, str]) -> list[str]:
    """The sets that the cell and the functions which it calls hand on, as often and in the order in which they do.

    Where there are none, those in the names of what it calls.
    """
    code = _TEXT.sub("''", _outside(cell.source[:MOST_CODE]))
    called = "\n".join(_bodies(code, cells))
    # what the cell itself is given comes after what a function of it does
    passed = [*_named(_bare(called), other_names), *_named(_bare(code), other_names)]
    return passed or _named(_MAKES.sub("", code), other_names)


def trains(cell: Cell, cells: Sequence[Cell]) -> bool:
    """Whether the cell, or a function that it calls, seems to train."""
    code = _TEXT.sub("''", _outside(cell.source[:MOST_CODE]))
    return bool(_TRAINS.search("\n".join([code, *_bodies(code, cells)])))


def _outside(source: str) -> str:
    """The code without the functions that it defines: they are looked at where they are called."""
    kept, inside = [], False
    for line in source.split("\n"):
        inside = line.startswith(("def ", "async def ")) or (inside and (not line.strip() or line[0] in " \t"))
        kept += [] if inside else [line]
    return "\n".join(kept)


def _bare(code: str) -> str:
    return _CALLED.sub("(", _KEYWORD.sub(" ", _TARGETS.sub(" ", _MAKES.sub("", code))))


def _named(code: str, other_names: Mapping[str, str]) -> list[str]:
    found: list[str] = []
    for name in _NAME.findall(code):
        of = {other_names[name]} if name in other_names else words.sets(name)
        found += of if len(of) == 1 else ()
    return found


def _sets(code: str, other_names: Mapping[str, str]) -> set[str]:
    return set(_named(_CALLED.sub("(", _KEYWORD.sub(" ", code)), other_names))


def _bodies(code: str, cells: Sequence[Cell]) -> list[str]:
    """The text of the functions that the code calls, as other cells and its own define them."""
    names = {match[0].rstrip("( ") for match in _CALLED.finditer(code)}
    bodies = []
    for other in cells:
        lines = other.source[:MOST_CODE].split("\n") if "def " in other.source else []
        for number, line in enumerate(lines):
            match = _DEFINED.match(line)
            if match and match[2] in names:
                inside = _indented(lines[number + 1 :], len(match[1]))
                bodies.append(_TEXT.sub("''", "\n".join(inside)))
    return bodies


def _indented(lines: Sequence[str], depth: int) -> list[str]:
    inside = []
    for line in lines:
        if line.strip() and len(line) - len(line.lstrip()) <= depth:
            break
        inside.append(line)
    return inside
