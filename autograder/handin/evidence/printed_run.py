"""Reads a training run from what a notebook printed: its loss curves, in the words people use.

Why separate: training loops print in a hundred wordings, and the judge of the evidence should not know one of them.
A line is read as words and numbers: words say which set and which quantity the next number is about. Everything here
is a claim by the student's own text; nothing here may decide points, and nothing is ever run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import msgspec

from autograder.core.records import Cell
from autograder.handin.evidence import words
from autograder.handin.evidence.tables import spelled_out

MAX_TEXT = 200_000  # characters of one cell that are read; a run of 10 epochs with a progress bar prints about 50,000
MAX_LINE = 2_000

# Every repetition below has a bound: the text is the student's, and no line of it may keep the grader busy.
_NUMBER = r"[-+]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][-+]?\d{1,3})?"
_TOKEN = re.compile(rf"(?P<number>(?<![A-Za-z\d.]){_NUMBER}|\b(?:nan|inf)\b)|(?P<word>[A-Z]?[a-z]+|[A-Z]+)")
_BAR = re.compile(r"(?P<percent>\d{1,3})%\|[^|]{0,300}\|[^\[|]{0,80}\[(?P<inside>[^\]]{0,300})\]?")
_ANSI = re.compile(r"\x1b\[[0-9;?]{0,12}[A-Za-z]")
_LIST = re.compile(
    rf"\[\s{{0,80}}(?P<numbers>{_NUMBER}(?:\s{{0,80}},\s{{0,80}}{_NUMBER}){{1,999}})\s{{0,80}},?\s{{0,80}}\]"
)

_NEXT_ROW, _LEAST_ROWS = re.compile(r"([\d'\"][)\]}]),[ \t]{0,3}(?=[(\[{]?[\d'\"])"), 4
_ROW = re.compile(
    rf"(?P<label>[^\d\n]{{2,40}}?)[\s:=|,]{{1,20}}(?P<numbers>{_NUMBER}(?:[\s|,;]{{1,20}}{_NUMBER}){{4,99}})\W{{0,3}}"
)
_NEAR = 1_500  # characters before a list in which "loss" is still about it: a list of ten values takes 300
_OF_EPOCH = re.compile(r"\b(?:of|per|each|this|over)\s(?:the\s|an?\s)?epochs?\b", re.IGNORECASE)  # no number of one
_OF_ALL = re.compile(r"(\bepochs?\W{0,3}\d{1,4})\s?(?:/|of)\s?\d{1,4}\b", re.IGNORECASE)  # epoch 1/10
# "0.41 (train)": the set behind its number, as some write it. A step's count is none.
_BEHIND = re.compile(rf"(?<![\w.])({_NUMBER})\s?[(\[]\s?([A-Za-z]{{2,12}})\s?[)\]]")


class Run(msgspec.Struct, frozen=True):
    """One run's losses by set ("train", "validation", "test") and then by epoch as printed, if epochs were `named`."""

    losses: dict[str, dict[int, float]]
    named: bool = False

    def curve(self, which: str) -> tuple[float, ...]:
        """The losses of a set ("train", "validation", "test") by rising epoch; empty where none was printed."""
        by_epoch = self.losses.get(which, {})
        return tuple(by_epoch[epoch] for epoch in sorted(by_epoch))

    @property
    def epochs(self) -> int:
        """How many were trained: up to the last that is named, though not each need be shown; else as printed."""
        count = max(map(len, self.losses.values()), default=0)
        shown = {epoch for curve in self.losses.values() for epoch in curve}
        return max(count, max(shown) + (min(shown) == 0)) if self.named and count > 1 else count


def lines_of(text: str, *, bars: bool) -> list[str]:
    """The printed lines without progress bars; with `bars`, a finished bar's title and what is inside it are a line."""
    lines: list[str] = []
    text = text[:MAX_TEXT]
    if len(_NEXT_ROW.findall(text)) >= _LEAST_ROWS:  # a list of records is a line for each
        text = _NEXT_ROW.sub("\\1\n", text)
    for line in re.split(r"[\r\n]+", _ANSI.sub("", text)):
        start = 0  # what stands before a bar is the bar's own title
        for bar in _BAR.finditer(line[:MAX_LINE]):
            if bars and bar["percent"] == "100":
                lines.append(f"{line[start : bar.start()]} {bar['inside']}")
            start = bar.end()
        lines.append(line[start:MAX_LINE].strip())
    return [words.english(line) for line in lines if line]


def runs(cells: Sequence[Cell]) -> list[Run]:
    """Every run that the cells print, in notebook order. Bars are looked at only where plain lines say nothing."""
    return [run for cell in cells if cell.outputs for run in _of_cell(cell)]


def _of_cell(cell: Cell) -> list[Run]:
    """By the first way of reading that finds a curve; a last value ("final train loss 0.07") is none."""
    lines = spelled_out(lines_of(cell.outputs, bars=False))
    ways: tuple[Callable[[], list[Run]], ...] = (
        lambda: _listed(cell),
        lambda: _rows(cell),
        lambda: _runs_of(lines),
        lambda: _runs_of(lines_of(cell.outputs, bars=True)),
        lambda: _falling(_runs_of(lines, bare=True)),
    )
    some: list[Run] = []
    for way in ways:
        found = way()
        if any(len(curve) > 1 for run in found for curve in run.losses.values()):
            return found
        some = some or found
    return some


def _falling(found: list[Run]) -> list[Run]:
    """Of runs whose lines name sets and no quantity, those that can be of losses."""
    return [run for run in found if len(curve := run.curve(words.TRAIN)) > 1 and curve[-1] < curve[0]]


def _listed(cell: Cell) -> list[Run]:
    """Losses that were printed as lists: `train_losses: [0.41, 0.22]`, or a bare list under a cell that names them."""
    losses: dict[str, dict[int, float]] = {}
    text = cell.outputs[:MAX_TEXT]
    for match in _LIST.finditer(text):
        before = text[max(0, match.start() - 80) : match.start()].rpartition("\n")[2]
        label = before if words.words(before) & {*words.SETS, *words.QUANTITIES} else cell.source[:MAX_LINE]
        sets = words.sets(label)
        above = text[max(0, match.start() - _NEAR) : match.start()].lower()
        nested = label is before and above.rfind("loss") > above.rfind("acc")  # the nearer of the two is what it is of
        if len(sets) == 1 and (words.words(label) & words.LOSS or (nested and not words.words(label) & words.ACCURACY)):
            numbers = [float(number) for number in match["numbers"].split(",")]
            losses[next(iter(sets))] = dict(enumerate(numbers, 1))
    return [Run(losses)] if losses else []


def _rows(cell: Cell) -> list[Run]:
    """Losses in rows: "training  0.5 0.36 0.27 …", a set a line."""
    losses: dict[str, dict[int, float]] = {}
    of_losses = bool(words.words(cell.source[:MAX_LINE]) & words.LOSS)
    for line in lines_of(cell.outputs, bars=False):
        match = _ROW.fullmatch(line)
        label = match["label"] if match else ""
        sets, said = words.sets(label), words.words(label)
        if match and len(sets) == 1 and not said & words.ACCURACY and (of_losses or said & words.LOSS):
            numbers = re.findall(_NUMBER, match["numbers"])
            if all("." in number for number in numbers):
                losses[next(iter(sets))] = dict(enumerate(map(float, numbers), 1))
    return _falling([Run(losses)]) if losses else []


def _runs_of(lines: list[str], *, bare: bool = False) -> list[Run]:
    found: list[dict[str, dict[int, float]]] = [{}]
    epoch, by_name = 0, False
    for line in lines:
        values = dict(_values(line, bare))
        named = values.pop("epoch", None)
        if named is not None:
            by_name = True
            if named < epoch and found[-1]:  # epochs count from the start again: another run
                found.append({})
            epoch = int(named)
        for which, value in values.items():
            curve = found[-1].setdefault(which, {})
            # without an epoch in sight the lines themselves are counted
            curve[epoch if named is not None or epoch not in curve else max(curve) + 1] = value
            epoch = max(epoch, *curve)
    return [Run(losses, by_name) for losses in found if losses]


def _values(line: str, no_words: bool = False) -> Iterator[tuple[str, float]]:
    """("epoch", n) and (set, loss) of one line. The first number after a word is the one that the word is about.

    `no_words`: two sets and their decimals, with no word for what they are, are losses.
    """
    which, quantity, said, fresh, waits = "", "", False, False, False
    known = words.words(line[:MAX_LINE])
    epochs, named_sets = bool(known & words.EPOCH), words.sets(line[:MAX_LINE])
    silent = no_words and len(named_sets) > 1 and not (known & set(words.QUANTITIES)) - words.ACCURACY and "." in line
    bare = "loss" if known & words.LOSS or (epochs and not known & words.ACCURACY) or silent else "other"
    of_training = (
        words.TRAIN if epochs or words.VALIDATION in named_sets - {words.TRAIN} else ""
    )  # "loss 0.4, val_loss 0.2"
    line = _OF_ALL.sub(r"\1", _OF_EPOCH.sub(" ", line))
    for token in _TOKEN.finditer(_BEHIND.sub(_set_first, line)):
        word = (token["word"] or "").lower()
        if word in words.SETS:
            which, fresh = words.SETS[word], True
            if not said or quantity == "epoch":  # "Epoch 1: train 0.41, val 0.21"
                quantity = bare
        elif word in words.QUANTITIES:
            waits = words.QUANTITIES[word] == "epoch" and quantity == "loss" and fresh
            quantity, said, fresh = words.QUANTITIES[word], True, True
        elif token["number"] and fresh:
            fresh = False
            if quantity == "epoch":
                yield "epoch", _small(token["number"])
                quantity, fresh = ("loss", True) if waits else (quantity, False)  # "train loss of epoch 1: 0.41"
            elif quantity == "loss" and (which or of_training):
                yield which or of_training, float(token["number"])


def _set_first(behind: re.Match[str]) -> str:
    return f" {behind[2]} {behind[1]} " if behind[2].lower() in words.SETS else behind[0]


def _small(number: str) -> float:
    value = float(number)
    return value if 0 <= value < 1e6 else 0.0
