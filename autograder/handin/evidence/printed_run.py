"""Reads a training run from what a notebook printed: loss curves and test accuracies, in the words people use.

Why separate: training loops print in a hundred wordings, and the judge of the evidence should not know one of them.
A line is read as words and numbers: words say which set and which quantity the next number is about. Everything here
is a claim by the student's own text; nothing here may decide points, and nothing is ever run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from autograder.core.records import Cell

MAX_TEXT = 200_000  # characters of one cell that are read; a run of 10 epochs with a progress bar prints about 50,000
MAX_LINE = 2_000

# Every repetition below has a bound: the text is the student's, and no line of it may keep the grader busy.
_NUMBER = r"[-+]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][-+]?\d{1,3})?"
_TOKEN = re.compile(rf"(?P<number>(?<![A-Za-z\d.]){_NUMBER}|\b(?:nan|inf)\b)|(?P<word>[A-Z]?[a-z]+|[A-Z]+)")
_BAR = re.compile(r"(?P<percent>\d{1,3})%\|[^|]{0,300}\|[^\[|]{0,80}\[(?P<inside>[^\]]{0,300})\]?")
_LIST = re.compile(
    rf"\[\s{{0,80}}(?P<numbers>{_NUMBER}(?:\s{{0,80}},\s{{0,80}}{_NUMBER}){{1,999}})\s{{0,80}},?\s{{0,80}}\]"
)

_SETS = {
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(("validation", "valid", "validate", "val", "dev", "eval"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_QUANTITIES = {
    **dict.fromkeys(("loss", "losses", "nll", "cost"), "loss"),
    **dict.fromkeys(("accuracy", "accuracies", "acc", "correct"), "accuracy"),
    **dict.fromkeys(("epoch", "epochs", "ep"), "epoch"),
    **dict.fromkeys(
        (
            "step",
            "steps",
            "iter",
            "iteration",
            "batch",
            "lr",
            "rate",
            "time",
            "sec",
            "seconds",
            "took",
            "elapsed",
            "size",
            "ppl",
            "perplexity",
            "bleu",
            "precision",
            "recall",
        ),
        "other",
    ),
}
_ACCURACY_WORDS = {word for word, quantity in _QUANTITIES.items() if quantity == "accuracy"}


class Run(msgspec.Struct, frozen=True):
    """One run's losses by set ("train", "validation", "test") and then by epoch as printed."""

    losses: dict[str, dict[int, float]]

    def curve(self, which: str) -> tuple[float, ...]:
        """The losses of a set ("train", "validation", "test") by rising epoch; empty where none was printed."""
        by_epoch = self.losses.get(which, {})
        return tuple(by_epoch[epoch] for epoch in sorted(by_epoch))


class Accuracy(msgspec.Struct, frozen=True):
    """One printed accuracy. `images` 0: not said over how many. `surely_test`: the line or its cell says "test"."""

    percent: float
    images: int
    surely_test: bool


def lines_of(text: str, *, bars: bool) -> list[str]:
    """The printed lines without progress bars; with `bars`, what a finished bar says beside itself is a line."""
    lines: list[str] = []
    for line in re.split(r"[\r\n]+", text[:MAX_TEXT]):
        start = 0  # what stands before a bar is the bar's own title
        for bar in _BAR.finditer(line[:MAX_LINE]):
            start = bar.end()
            if bars and bar["percent"] == "100":
                lines.append(bar["inside"])
        lines.append(line[start:MAX_LINE].strip())
    return [line for line in lines if line]


def runs(cells: Sequence[Cell]) -> list[Run]:
    """Every run that the cells print, in notebook order. Bars are looked at only where plain lines say nothing."""
    found: list[Run] = []
    for cell in cells:
        in_cell = _listed(cell) or _runs_of(lines_of(cell.outputs, bars=False))
        found += in_cell or _runs_of(lines_of(cell.outputs, bars=True))
    return found


def _listed(cell: Cell) -> list[Run]:
    """Losses that were printed as lists: `train_losses: [0.41, 0.22]`, or a bare list under a cell that names them."""
    losses: dict[str, dict[int, float]] = {}
    text = cell.outputs[:MAX_TEXT]
    for match in _LIST.finditer(text):
        before = text[max(0, match.start() - 80) : match.start()].rpartition("\n")[2]
        label = before if _words(before) & {*_SETS, *_QUANTITIES} else cell.source
        words = _words(label)
        sets = {_SETS[word] for word in words if word in _SETS}
        if len(sets) == 1 and words & {"loss", "losses"}:
            numbers = [float(number) for number in match["numbers"].split(",")]
            losses[sets.pop()] = dict(enumerate(numbers, 1))
    return [Run(losses)] if losses else []


def _words(text: str) -> set[str]:
    return {match["word"].lower() for match in _TOKEN.finditer(text[:MAX_LINE]) if match["word"]}


def _runs_of(lines: list[str]) -> list[Run]:
    found: list[dict[str, dict[int, float]]] = [{}]
    epoch = 0
    for line in lines:
        values = dict(_values(line))
        named = values.pop("epoch", None)
        if named is not None:
            if named < epoch and found[-1]:  # epochs count from the start again: another run
                found.append({})
            epoch = int(named)
        for which, value in values.items():
            curve = found[-1].setdefault(which, {})
            # without an epoch in sight the lines themselves are counted
            curve[epoch if named is not None or epoch not in curve else max(curve) + 1] = value
            epoch = max(epoch, *curve)
    return [Run(losses) for losses in found if losses]


def _values(line: str) -> Iterator[tuple[str, float]]:
    """("epoch", n) and (set, loss) of one line. The first number after a word is the one that the word is about."""
    which, quantity, said, fresh = "", "", False, False
    known = _words(line)
    bare = "loss" if known & {"loss", "losses"} or ("epoch" in known and not known & _ACCURACY_WORDS) else "other"
    for token in _TOKEN.finditer(line):
        word = (token["word"] or "").lower()
        if word in _SETS:
            which, fresh = _SETS[word], True
            if not said or quantity == "epoch":  # "Epoch 1: train 0.41, val 0.21"
                quantity = bare
        elif word in _QUANTITIES:
            quantity, said, fresh = _QUANTITIES[word], True, True
        elif token["number"] and fresh:
            fresh = False
            if quantity == "epoch":
                yield "epoch", _small(token["number"])
            elif quantity == "loss" and (which or "epoch" in known):
                yield which or "train", float(token["number"])


def _small(number: str) -> float:
    value = float(number)
    return value if 0 <= value < 1e6 else 0.0


_ACCURACY = (
    re.compile(r"acc(?:uracy)?\b\W{0,10}(?P<correct>\d{1,7})\s*/\s*(?P<images>\d{1,7})\b", re.IGNORECASE),
    re.compile(r"acc(?:uracy)?\b[^\d\n]{0,40}(?P<correct>\d{1,7})\s*/\s*(?P<images>\d{3,7})\b", re.IGNORECASE),
    re.compile(r"\b(?P<correct>\d{1,7})\s*/\s*(?P<images>\d{3,7})\b[^\d\n]{0,40}(?:correct|acc)", re.IGNORECASE),
    re.compile(rf"(?:acc|correct)[^\n]{{0,80}}?(?<![\d.])(?P<percent>{_NUMBER})\s*%", re.IGNORECASE),
    re.compile(rf"(?<![\d.])(?P<percent>{_NUMBER})\s*%[^\d\n]{{0,20}}acc", re.IGNORECASE),
    re.compile(rf"acc(?:uracy)?\b[^\d\n]{{0,40}}?(?P<share>{_NUMBER})", re.IGNORECASE),
)


def accuracies(cells: Sequence[Cell]) -> list[Accuracy]:
    """Every accuracy that the cells print and that is not said to be of the training or validation set."""
    found = []
    for cell in cells:
        for line in lines_of(cell.outputs, bars=False):
            sets = {_SETS[word] for word in _words(line) if word in _SETS}
            if sets and "test" not in sets:
                continue
            text = line[re.search(r"test", line, re.IGNORECASE).start() :] if len(sets) > 1 else line  # type: ignore[union-attr]
            accuracy = _accuracy(text, "test" in sets or "test" in _words(cell.source))
            found += [accuracy] if accuracy else []
    return found


def _accuracy(line: str, surely_test: bool) -> Accuracy | None:
    for pattern in _ACCURACY:
        match = pattern.search(line)
        if not match:
            continue
        groups = match.groupdict()
        if "correct" in groups:
            correct, images = int(groups["correct"]), int(groups["images"])
            return Accuracy(100 * correct / images, images, surely_test) if 0 < images >= correct else None
        number = float(groups.get("percent") or groups["share"])
        # "accuracy 0.9798" is a share, "accuracy 97.98" a percentage
        percent = number * 100 if "share" in groups and number <= 1 else number
        return Accuracy(percent, 0, surely_test) if 0 <= percent <= 100 else None
    return None
