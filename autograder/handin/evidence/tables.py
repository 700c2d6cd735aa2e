"""Tables of a training run as lines: "1  0.4  0.2" below "epoch  train  val" is "epoch: 1, train: 0.4, val: 0.2".

Why separate: pandas, tabulate, rich, Lightning and a CSV file lay the same numbers out in columns; who reads lines need
not know any of them. A header is a line whose cells are names, one of a set or a loss; what follows with as many cells,
or with one more before them (an index), is its rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autograder.handin.evidence import words

MOST_CELLS = 20
_COLUMN = re.compile(r"\s*[|│┃║;]\s*|\s{2,}|\t|\s*,\s*")
_RULE = re.compile(r"[\s|+:=\-─━┄═╞╡╪┼┿├┤┏┓┗┛┡┩╇┳┻┬┴└┘┌┐╭╮╰╯│┃║╤╧╟╢╫]+")
_NUMBER = re.compile(r"(?:[-+]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][-+]?\d{1,3})?|nan)\s?%?", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_][\w ./()%\[\]-]{0,40}")


def spelled_out(lines: Sequence[str]) -> list[str]:
    """The lines, with each row of a table told by the names of its columns."""
    header: list[str] = []
    told = []
    for line in lines:
        if _RULE.fullmatch(line):
            continue
        cells = _cells(line)
        if row := _row(header, cells):
            told.append(row)
            continue
        if _is_header(cells):
            header = cells
        elif not (header and len(cells) == 1 and _NAME.fullmatch(cells[0])):  # pandas puts the index's name below
            header = []
        told.append(line)
    return told


def _cells(line: str) -> list[str]:
    inside = line.strip().strip("|│┃║").strip()
    return _COLUMN.split(inside, maxsplit=MOST_CELLS)


def _is_header(cells: Sequence[str]) -> bool:
    if len(cells) < 2 or not all(_NAME.fullmatch(cell) or not cell for cell in cells):
        return False
    return any(words.sets(cell) or words.words(cell) & (words.LOSS | words.ACCURACY) for cell in cells)


def _row(header: Sequence[str], cells: Sequence[str]) -> str:
    """ "" when it is none of the header's. An empty cell says nothing; a name in the first one is of all the others."""
    index = len(cells) - len(header)
    numbers = cells[1:] if cells and words.sets(cells[0]) else cells
    if not header or not all(_NUMBER.fullmatch(cell) or not cell for cell in numbers) or not any(numbers):
        return ""
    if index not in (0, 1):
        return ""
    if numbers is not cells:
        return ", ".join(
            f"{cells[0]} {_said(name)}: {cell}" for name, cell in zip(header[1 - index :], numbers) if cell
        )
    named = list(zip(header, cells[index:]))
    if index and not any(words.words(name) & words.EPOCH for name in header):
        named = [("epoch", cells[0]), *named]
    return ", ".join(f"{name}: {cell}" for name, cell in named if cell)


def _said(name: str) -> str:
    """A column's name where it is a word of a run: the number of "DataLoader 0" is no result."""
    return name if words.sets(name) or words.words(name) & set(words.QUANTITIES) else ""
