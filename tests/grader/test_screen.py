"""What a terminal still shows: text that must come through as it is, then strokes that replace what stood there."""

from __future__ import annotations

import io

import pytest
from tqdm import tqdm

from autograder.handin.files.screen import FARTHEST, MAX_STROKES, Piece, shown
from tests.grader.pace import LINEAR, growth

LINES = "".join(f"Epoch {n}: train loss {1 / n:.4f}\n" for n in range(1, 11))

# (pieces, what is shown): one stream, or "" for a thing of its own.
UNCHANGED = [
    ([], ""),
    ([("stdout", "one\ntwo")], "one\ntwo"),
    ([("stdout", LINES)], LINES),
    ([("stdout", "one "), ("stdout", "line\n")], "one line\n"),
    ([("", "9798"), ("", "<Figure>\n")], "9798\n<Figure>\n"),
    ([("stdout", "\tindented √σ█\n\n\nafter blanks")], "\tindented √σ█\n\n\nafter blanks"),
]
REPLACED = [
    ("a bar and its line", [("stdout", " 50%|█ \r100%|██\nEpoch 1\n")], "100%|██\nEpoch 1\n"),
    ("windows lines", [("stdout", "one\r\ntwo\r\n")], "one\ntwo\n"),
    ("shorter over longer", [("stdout", "abcdef\rxy")], "xycdef\n"),
    ("blanked and left", [("stdout", "100%|██\r       \rEpoch 1\n")], "Epoch 1\n"),
    ("backspaces", [("stdout", "12%\b\b\b99%\n")], "99%\n"),
    ("a spinner", [("stdout", "wait |\b/\b-\bok\n")], "wait ok\n"),
    ("erased to the end", [("stdout", "abcdef\r\x1b[Kxy\n")], "xy\n"),
    ("erased as a whole", [("stdout", "abcdef\x1b[2K\rxy\n")], "xy\n"),
    ("erased to the start", [("stdout", "abc\x1b[1Kdef\n")], "   def\n"),
    ("up and over", [("stdout", "one\ntwo\n\x1b[2Auno\n\nthree\n")], "uno\ntwo\nthree\n"),
    ("no higher than the top", [("stdout", "one\x1b[9999A\rtwo\n")], "two\n"),
    ("colours", [("stdout", "\x1b[1;31mred\x1b[0m\r\x1b[?25lblue\n")], "blue\n"),
    ("a bar between two halves", [("stdout", "train 0.4, "), ("stderr", "\r100%|█\r       \r"), ("stdout", "val 0.2\n")],
     "train 0.4, val 0.2\n"),
    ("turns", [("stderr", "\r1: 50%|█ "), ("stderr", "\r1: 100%|██"), ("stdout", "Epoch 1\n"), ("stderr", "\r2: 50%|█ "),
               ("stdout", "Epoch 2\n")], "2: 50%|█ █\nEpoch 1\nEpoch 2\n"),
    ("results between", [("stdout", "a"), ("", "9798"), ("stdout", "b\n")], "ab\n9798\n"),
]  # fmt: skip


@pytest.mark.parametrize(("pieces", "text"), UNCHANGED)
def test_text_without_movements_is_shown_as_it_is(pieces: list[tuple[str, str]], text: str) -> None:
    assert shown([Piece(*piece) for piece in pieces]) == text


@pytest.mark.parametrize(("pieces", "text"), [entry[1:] for entry in REPLACED], ids=[entry[0] for entry in REPLACED])
def test_what_was_written_over_is_gone(pieces: list[tuple[str, str]], text: str) -> None:
    assert shown([Piece(*piece) for piece in pieces]) == text


class _Saved(io.StringIO):
    """A stream that keeps every write apart, as a program that runs notebooks saves them."""

    def __init__(self, name: str, pieces: list[Piece]) -> None:
        super().__init__()
        self._name, self._pieces = name, pieces

    def write(self, text: str) -> int:
        self._pieces.append(Piece(self._name, text))
        return len(text)


@pytest.mark.parametrize("leave", [True, False])
@pytest.mark.parametrize("outer", [True, False])
def test_lines_between_real_bars_on_the_other_stream_are_whole_and_in_order(outer: bool, leave: bool) -> None:
    pieces: list[Piece] = []
    out, bars = _Saved("stdout", pieces), _Saved("stderr", pieces)
    epochs = tqdm(range(10), file=bars, position=0, mininterval=0) if outer else range(10)
    for epoch in epochs:
        for _ in tqdm(range(20), f"Epoch {epoch}", leave=leave, file=bars, position=int(outer), mininterval=0):
            pass
        print(f"Epoch {epoch}: train loss {1 / (epoch + 1):.4f}", file=out)
    _check_lines(pieces)


@pytest.mark.parametrize("leave", [True, False])
def test_lines_between_real_bars_on_the_same_stream_are_whole_and_in_order(leave: bool) -> None:
    pieces: list[Piece] = []
    out = _Saved("stdout", pieces)
    for epoch in range(10):
        for _ in tqdm(range(20), f"Epoch {epoch}", leave=leave, file=out, mininterval=0):
            pass
        print(f"Epoch {epoch}: train loss {1 / (epoch + 1):.4f}", file=out)
    _check_lines(pieces)


def _check_lines(pieces: list[Piece]) -> None:
    assert len(pieces) > 100, "the bars should have been drawn often"
    lines = [line for line in shown(pieces).split("\n") if "train loss" in line]
    assert lines == [f"Epoch {epoch}: train loss {1 / (epoch + 1):.4f}" for epoch in range(10)]


def test_the_strokes_that_are_followed_are_bounded_and_the_lines_after_them_stay() -> None:
    text = "\ra" * MAX_STROKES + "\nEpoch 1\nEpoch 2\r\n"
    assert shown([Piece("stdout", text)]).split()[-4:] == ["Epoch", "1", "Epoch", "2"]


STROKES = ["\ra", "a\b", "\x1b[A\n", "ab\x1b[D", "x\x1b[K", f"\n\x1b[{FARTHEST}A", "█" * 80 + "\r", "\x1b[", "\x1b[1;"]


@pytest.mark.parametrize("stroke", STROKES, ids=map(ascii, STROKES))
def test_the_work_grows_with_the_strokes_and_no_faster(stroke: str) -> None:
    assert growth(lambda times: shown([Piece("stdout", stroke * times + "\r")]), 500) < LINEAR


def test_turns_of_the_streams_cost_no_more_than_their_number() -> None:
    turns = [Piece("stdout", "a\n"), Piece("stderr", "\r5%"), Piece("", "x")]
    assert growth(lambda times: shown(turns * times), 500) < LINEAR
