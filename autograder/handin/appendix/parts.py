"""Which question each piece of code belongs to: by the class that it defines, the heading above it, what it is about.

Why separate: the handout wants no two questions on one page, and notebooks know no questions. Where several classes
stand in one cell or script, it is cut between statements; what cannot be told stays with the code before it. Pure.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from autograder.core.errors import UNPARSABLE
from autograder.core.policy import POLICY
from autograder.handin.files.magics import plain_python
from autograder.handin.files.notebook import SavedCell
from autograder.handin.prose import question_begun

CLASSES = {question.class_name: question.number for question in POLICY.questions if question.class_name}
TRAINING = next((question.number for question in POLICY.questions if question.evidence), "")
CODING = tuple(q.number for q in POLICY.questions if q.class_name or q.evidence)
_TRAINS = re.compile(r"\.backward\(|\brun_training_loop\b|\bDataLoader\b|\bMNIST\b|\btest_performance\b|\bhistory\b")


class Piece(NamedTuple):
    """Some lines of one cell (`cell` 0: of a file), the first of which is line `first` there."""

    number: str
    place: str
    text: str
    first: int
    cell: int


def parted(cells: Sequence[SavedCell], others: Mapping[int, str], plots: frozenset[int], file: str) -> Iterator[Piece]:
    """The code cells in their order, each with its question. `others`: text cells by number; `plots`: of losses.

    A script is one cell with the number 0, which is called by the name of its `file`.
    """
    now, sources = "", {cell.number: cell.source for cell in cells}
    for number in sorted({*sources, *others}):
        if number in others:
            now = _heading(others[number]) or now
            continue
        source, place = sources[number], f"cell {number}" if number else file
        defined = _defined(source)
        if len(defined) > 1 or (defined and not number):
            pieces = list(_cut(source, now, place, number))
            now = pieces[-1].number
            yield from pieces
            continue
        now = next(iter(defined), "") or (TRAINING if _is_training(source, now) else now)
        if source.strip():
            yield Piece(TRAINING if number in plots else now, place, source.strip("\n"), _first(source), number)


def _heading(text: str) -> str:
    """The last coding question that a line of the text begins."""
    begun = [number for line in text.split("\n") if (number := question_begun(line)) in CODING]
    return begun[-1] if begun else ""


def _first(source: str) -> int:
    return 1 + len(source) - len(source.lstrip("\n"))


def _defined(source: str) -> list[str]:
    """The questions whose classes the text defines, in its order."""
    names = re.findall(r"^class[ \t]+(\w+)", source, re.MULTILINE)
    return list(dict.fromkeys(CLASSES[name] for name in names if name in CLASSES))


def _is_training(source: str, now: str) -> bool:
    """Whether code that no heading places is about training: only after the classes, for imports name much."""
    return now == list(CLASSES.values())[-1] and bool(_TRAINS.search(source))


def _cut(source: str, now: str, place: str, cell: int) -> Iterator[Piece]:
    """A text with several classes, between its statements; in one piece where Python cannot read it."""
    lines = source.split("\n")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(plain_python(source)).body
    except UNPARSABLE:
        yield Piece(_defined(source)[0], place, source.strip("\n"), _first(source), cell)
        return
    texts = {CLASSES[node.name]: ast.unparse(node) for node in body
             if isinstance(node, ast.ClassDef) and node.name in CLASSES}  # fmt: skip
    start, number, begun = 0, now, False
    for node in body:
        belongs = _question(node, texts, number if begun else now)
        begun = begun or belongs in CLASSES.values()
        first = _begin(node, lines)
        if belongs != number:
            yield from _piece(number, place, lines, start, first, cell)
            start, number = first, belongs
    yield from _piece(number, place, lines, start, len(lines), cell, last=True)


def _begin(node: ast.stmt, lines: Sequence[str]) -> int:
    """The index of its first line, decorators and the comments right above it included."""
    decorators: list[int] = [one.lineno for one in getattr(node, "decorator_list", ())]
    at = min([node.lineno, *decorators]) - 1
    while at and lines[at - 1].lstrip().startswith("#"):
        at -= 1
    return at


def _piece(
    number: str, place: str, lines: Sequence[str], start: int, end: int, cell: int, last: bool = False
) -> Iterator[Piece]:
    while start < end and not lines[start].strip():
        start += 1
    text = "\n".join(lines[start:end]).rstrip()
    if text or last:
        yield Piece(number, place, text, start + 1, cell)


def _question(node: ast.stmt, texts: Mapping[str, str], now: str) -> str:
    """A class's own question; of what one class alone uses, that one's; what builds on the last class is training."""
    name = getattr(node, "name", "")
    if name in CLASSES:
        return CLASSES[name]
    users = [number for number, text in texts.items() if name and re.search(rf"\b{re.escape(name)}\b", text)]
    if len(users) == 1:
        return users[0]
    if len(users) > 1 or isinstance(node, (ast.Import, ast.ImportFrom)):
        return "" if len(users) > 1 else now
    last = list(CLASSES)[-1]
    text = ast.unparse(node)
    return TRAINING if now and (re.search(rf"\b{last}\b", text) or _TRAINS.search(text)) else now
