"""What a terminal would still show of text that was written to it: bars drawn over themselves leave their last state.

Why separate: training loops draw progress bars with carriage returns, backspaces and cursor movements, and programs
that run notebooks save every such stroke. Standard output and standard error are saved in turns, as they came, but each
is a text of its own: a bar on one must not tear apart or swallow a line on the other. Pure, and linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, islice
from typing import NamedTuple

# A bar over ten epochs, drawn as often as tqdm draws (ten times a second), is 36,000 pairs of strokes an hour.
MAX_STROKES = 500_000
FARTHEST = 100  # rows that one movement goes at most; nested bars go a few

_SEQUENCE = r"\x1b\[[0-?]*[ -/]*[@-~]"
_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"
_STROKE = re.compile(
    rf"(?P<text>[^\x00-\x08\n\r\x0b-\x1f\x7f-\x9f]+)|\x1b\[(?P<count>\d{{0,4}})(?P<move>[ABCDK])|{_SEQUENCE}|(?s:.)"
)
_MOVING = re.compile("[\r\b\x1b]")
_INVISIBLE = re.compile(f"{_SEQUENCE}|{_CONTROL}")


class Piece(NamedTuple):
    """One saved output: which stream it went to ("" when it was shown as a thing of its own), and its text."""

    stream: str
    text: str


def shown(pieces: Sequence[Piece]) -> str:
    """The lines of all streams as they stand at the end, in the order in which they were begun."""
    streams = dict.fromkeys(piece.stream for piece in pieces)
    if len(streams) < 2 and not any(_MOVING.search(piece.text) for piece in pieces):
        return _INVISIBLE.sub("", "".join(map(_closed, pieces)))
    lines = [line for stream in streams for line in _lines(stream, pieces)]
    return "".join(f"{text}\n" for _, text in sorted(lines, key=lambda line: line[0]))


def _closed(piece: Piece) -> str:
    return piece.text if piece.stream or piece.text.endswith("\n") else f"{piece.text}\n"


def _lines(stream: str, pieces: Sequence[Piece]) -> list[tuple[int, str]]:
    screen = Screen()
    for number, piece in enumerate(pieces):
        if piece.stream == stream:
            screen.write(_closed(piece), number)
    return screen.lines()


class Screen:
    """A terminal without a right and a lower edge: what is written replaces what stood there."""

    def __init__(self) -> None:
        self._rows: list[list[str]] = [[]]
        self._begun = [-1]  # the piece that first wrote on the row; -1: none did
        self._row = self._column = 0
        self._strokes = 0

    def lines(self) -> list[tuple[int, str]]:
        """(number of the piece that began it, text) of each line, without blanks at its end.

        A row without text belongs to the row above it.
        """
        texts = ("".join(row).rstrip() for row in self._rows)
        lines = list(zip(accumulate(self._begun, max), texts))
        while lines and not lines[-1][1]:
            lines.pop()
        return lines

    def write(self, text: str, number: int) -> None:
        """Writes piece `number` from where the cursor stands. Beyond MAX_STROKES only whole lines are added."""
        end = 0
        for stroke in islice(_STROKE.finditer(text), MAX_STROKES - self._strokes):
            self._strokes, end = self._strokes + 1, stroke.end()
            if stroke["text"]:
                self._put(stroke["text"], number)
            elif stroke["move"]:
                self._move(stroke["move"], min(int(stroke["count"] or 1), FARTHEST), stroke["count"])
            else:
                self._control(stroke[0])
        for line in _INVISIBLE.sub("\n", text[end:]).split("\n") if end < len(text) else ():
            self._to_row(len(self._rows))
            self._put(line, number)

    def _put(self, text: str, number: int) -> None:
        row = self._rows[self._row]
        row += " " * (self._column - len(row))
        row[self._column : self._column + len(text)] = text
        self._column += len(text)
        if self._begun[self._row] < 0:
            self._begun[self._row] = number

    def _control(self, character: str) -> None:
        if character == "\n":
            self._to_row(self._row + 1)
        elif character == "\r":
            self._column = 0
        elif character == "\b":
            self._column = max(self._column - 1, 0)

    def _move(self, move: str, steps: int, erase: str) -> None:
        """Cursor up, down, right, left; or erase the row ("K": its rest, "1K": its beginning, "2K": all of it)."""
        row = self._rows[self._row]
        if move == "A":
            self._row = max(self._row - steps, 0)
        elif move == "B":
            self._row = min(self._row + steps, len(self._rows) - 1)
        elif move == "C":  # no further than there is text: a movement alone writes nothing
            self._column = max(self._column, min(self._column + steps, len(row)))
        elif move == "D":
            self._column = max(self._column - steps, 0)
        elif erase == "1":
            row[: self._column] = " " * min(self._column, len(row))
        else:
            del row[0 if erase == "2" else self._column :]

    def _to_row(self, row: int) -> None:
        if row == len(self._rows):
            self._rows.append([])
            self._begun.append(-1)
        self._row, self._column = row, 0
