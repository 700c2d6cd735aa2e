"""Decimal commas: "0,25" where the answer's file has points.

Why separate: a comma between digits is a separator to every reader here, as it is in Python and TOML. Where an answer
makes no sense so, it is read once more with points, and the student is told, whatever comes of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from autograder.judging.written.verdict import Unreadable

Read = TypeVar("Read")

NAMED = "a comma between digits was read as a decimal comma: write 0.25 for 0,25, since a comma separates entries"
_GLUED = re.compile(r"(?<=\d),(?=\d)")


def read_either_way(
    raw: object, read: Callable[[object], Read], right: Callable[[Read], bool] = lambda _: True
) -> tuple[Read, tuple[str, ...]]:
    """What `read` makes of `raw`, else of `raw` with decimal points and a remark: the first that is `right`.

    Raises Unreadable when neither can be read.
    """
    problem: Unreadable | None = None
    plainly: Read | None = None
    try:
        plainly = read(raw)
        if right(plainly):
            return plainly, ()
    except Unreadable as unreadable:
        problem = unreadable
    pointed = _pointed(raw)
    if pointed != raw:
        try:
            other = read(pointed)
            if problem or right(other):
                return other, (NAMED,)
        except Unreadable:
            pass
    if problem:
        raise _named(problem, raw, typed=pointed != raw)
    assert plainly is not None
    return plainly, ()


def _pointed(raw: object) -> object:
    if isinstance(raw, list):
        return [_pointed(entry) for entry in raw[:100]]
    return _GLUED.sub(".", raw) if isinstance(raw, str) and len(raw) < 4000 else raw


def _named(problem: Unreadable, raw: object, typed: bool) -> Unreadable:
    """The problem, and that a comma may be it: typed in text, or in a list of whole numbers such as [0, 25, 0, 75]."""
    if not typed and not _halves(raw):
        return problem
    return Unreadable(problem.found, f"if you mean decimals, write a point: 0.25, not 0,25; else {problem.fix}")


def _halves(raw: object) -> bool:
    """Whether it is a list of whole numbers, as many as twice the entries of a vector or of a matrix's row."""
    if not isinstance(raw, list) or not raw:
        return False
    if all(isinstance(entry, int) and not isinstance(entry, bool) for entry in raw):
        return len(raw) in (4, 6, 8, 16)
    return all(isinstance(entry, list) and _halves(entry) for entry in raw)
