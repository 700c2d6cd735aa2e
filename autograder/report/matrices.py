"""The matrices within a message of ours, found again in its text: "yours      [[[0.5, 0.5], [0.982, 0.982]]]".

Why separate: a message is text everywhere it goes; where there is room for a table, or none for a long line, its
matrices are laid out. What is not one, to the last sign, stays the text that it was. Pure.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import NamedTuple

MOST = 400  # entries that are laid out; an example has 24 at most
_LIST = r"\[[-+\d.,\s\[\]enaif]+\]"
_LINE = re.compile(rf"(?P<label>\S[^\[\]]{{0,30}}?)\s+(?P<list>{_LIST})")
_PAIR = re.compile(rf"(?P<one>\S[^\[\]]{{0,30}}?\s+{_LIST}) (?P<two>and {_LIST})")  # "read as [[1]] and [[2]]"


class Matrix(NamedTuple):
    """Rows by sample: samples[0][1][2] is feature 2 of row 1 of sample 0. `label`: what it is; `line`: as it stood."""

    label: str
    line: str
    samples: tuple[tuple[tuple[float, ...], ...], ...]

    @property
    def largest(self) -> float:
        """The largest finite number in it without its sign; 0 where there is none."""
        entries = (abs(entry) for sample in self.samples for row in sample for entry in row if math.isfinite(entry))
        return max(entries, default=0.0)


def pieces(text: str) -> Iterator[str | Matrix]:
    """The text in its order: its matrices, and the lines between them together."""
    lines: list[str] = []
    for line in text.split("\n"):
        pair = _PAIR.fullmatch(line)
        found = [_matrix(part) for part in ((pair["one"], pair["two"]) if pair else (line,))]
        if None in found:
            lines.append(line)
            continue
        if lines:
            yield "\n".join(lines)
        lines = []
        yield from (matrix for matrix in found if matrix)
    if lines:
        yield "\n".join(lines)


def _matrix(line: str) -> Matrix | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    try:
        value = json.loads(re.sub(r"\bnan\b", "NaN", re.sub(r"\binf\b", "Infinity", match["list"])))
    except (ValueError, RecursionError):
        return None
    depth, first = 0, value
    while isinstance(first, list) and first:
        depth, first = depth + 1, first[0]
    if depth not in (2, 3):
        return None
    samples = value if depth == 3 else [value]
    return _whole(match["label"], line, samples)


def _whole(label: str, line: str, samples: list[object]) -> Matrix | None:
    """The matrix when all its rows are of one length and hold numbers alone."""
    rows = [row for sample in samples if isinstance(sample, list) for row in sample]
    shapes = {(len(sample), len(row)) for sample in samples if isinstance(sample, list)
              for row in sample if isinstance(row, list)}  # fmt: skip
    entries = [entry for row in rows if isinstance(row, list) for entry in row]
    numbers = all(isinstance(entry, (int, float)) and not isinstance(entry, bool) for entry in entries)
    if len(shapes) != 1 or not numbers or not 0 < len(entries) <= MOST or any(not isinstance(r, list) for r in rows):
        return None
    made = tuple(tuple(tuple(map(float, row)) for row in sample) for sample in samples)  # type: ignore[attr-defined]
    return Matrix(label, line, made)


class Heat(NamedTuple):
    """A matrix as a table: rows of (text, share of the largest number, whether it is not what was expected)."""

    label: str
    rows: tuple[tuple[str, tuple[tuple[str, float, bool], ...]], ...]

    @property
    def off(self) -> bool:
        """Whether something in it is not what was expected."""
        return any(differs for _, cells in self.rows for _, _, differs in cells)


def tables(text: str) -> list[str | Heat]:
    """The text with its matrices as tables on one scale; in the one called "yours" what differs from "expected"."""
    found = list(pieces(text))
    matrices = [piece for piece in found if isinstance(piece, Matrix)]
    top = max((matrix.largest for matrix in matrices), default=0.0) or 1.0
    right = next((matrix for matrix in matrices if matrix.label == "expected"), None)
    return [
        _heat(piece, top, right if piece.label == "yours" else None) if isinstance(piece, Matrix) else piece
        for piece in found
    ]


def _heat(matrix: Matrix, top: float, right: Matrix | None) -> Heat:
    same_sizes = right is not None and _sizes(matrix) == _sizes(right)
    rows = []
    for place, sample in enumerate(matrix.samples):
        for index, row in enumerate(sample):
            wanted = right.samples[place][index] if right is not None and same_sizes else row
            name = f"{place}, {index}" if len(matrix.samples) > 1 else str(index)
            rows.append((name, tuple(_cell(entry, top, other) for entry, other in zip(row, wanted))))
    return Heat(matrix.label, tuple(rows))


def _cell(entry: float, top: float, wanted: float) -> tuple[str, float, bool]:
    """Numbers are of four digits: what is written alike is no difference."""
    share = round(abs(entry) / top, 3) if math.isfinite(entry) else 0.0
    return number(entry), share, number(entry) != number(wanted)


def _sizes(matrix: Matrix) -> tuple[int, int, int]:
    return len(matrix.samples), len(matrix.samples[0]), len(matrix.samples[0][0])


def number(entry: float) -> str:
    """An entry as messages write it: four digits after the point at most, no idle zeros."""
    if not math.isfinite(entry):
        return str(entry)
    text = f"{entry:.4f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def in_columns(matrix: Matrix) -> list[str]:
    """Its rows as lines of aligned numbers; several samples are told apart."""
    wide = max(len(number(entry)) for sample in matrix.samples for row in sample for entry in row)
    lines = []
    for place, sample in enumerate(matrix.samples):
        lines += [f"sample {place}"] if len(matrix.samples) > 1 else []
        lines += [" ".join(number(entry).rjust(wide) for entry in row) for row in sample]
    return lines
