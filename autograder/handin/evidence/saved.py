"""The notebook's saved outputs as evidence: of several runs and accuracies, the ones that count.

Why separate: how lines are understood is one question (`printed_run`), which of them are of this homework another
(`task`), and which of several counts a third. Nothing here may fail on what a student's notebook holds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from autograder.core.policy import TRAINING
from autograder.core.records import Cell
from autograder.handin.evidence import columns, printed_accuracy, printed_run, task, words
from autograder.handin.evidence.record import MAX_POINTS, Evidence, is_loss

Curve = tuple[float, ...]
_NEAR_LAST = 1.5  # times the last loss: Adam that begins anew may rise a little
_THING = re.compile(r"""\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'|[^\W\d]\w{0,60}""")  # a text or a name
_DRAWS = re.compile(r"\bplot|\bplt\.|\.plot|\b(?:px|go|sns|alt|hv)\.|\bChart\(|\bfigure\(|\.line\(")


class _Run(NamedTuple):
    cell: Cell
    train: Curve
    validation: Curve
    epochs: int
    guessed: bool = False  # by the order of columns

    @property
    def worth(self) -> tuple[int, bool, int, int]:
        """Both curves over all epochs first; among such runs one of this homework's model, then the longest."""
        lengths = len(self.train), len(self.validation)
        return min(*lengths, TRAINING.epochs), task.is_tied(self.cell), min(lengths), sum(lengths)


class _Tested(NamedTuple):
    cell: Cell
    found: printed_accuracy.Accuracy

    @property
    def worth(self) -> tuple[bool, bool, bool, bool, float]:
        """Of this homework's model first, then what says "test"; then the best: a test before training is no result."""
        enough = self.found.images == 0 or self.found.images >= TRAINING.least_images
        tied = task.is_tied(self.cell)
        return not self.found.guessed, enough, tied, self.found.surely_test, self.found.percent


def from_outputs(cells: Sequence[Cell]) -> Evidence:
    """What the saved outputs tell, whatever the order of the cells."""
    runs = _continued([_Run(cell, *_curves(run), run.epochs) for cell in cells for run in printed_run.runs([cell])])
    tests = [_Tested(cell, found) for cell in cells for found in printed_accuracy.accuracies([cell])]
    pictured = [cell for cell in cells if _pictures_losses(cell, cells)]
    drawn = plotted(cells)
    if not drawn and not any(min(map(len, run[1:3])) > 1 for run in runs):  # no words and no picture tell of both
        runs += _by_columns(cells)
    good = sorted((run for run in runs if not task.refusal(run.cell, run.train)), key=lambda run: run.worth)
    tested = max((test for test in tests if not task.refusal(test.cell)), key=lambda test: test.worth, default=None)
    train, validation, problems = _best_curves(good[::-1])
    return Evidence(
        source="the notebook's saved outputs",
        train_loss=train,
        validation_loss=validation,
        accuracy=tested.found.percent if tested else None,
        images=tested.found.images if tested else 0,
        epochs=max(
            [
                len(train),
                len(validation),
                *(run.epochs for run in good if {run.train, run.validation} & {train, validation} - {()}),
            ]
        ),
        plots=0 if problems else sum(cell.images for cell in drawn),  # what is nan draws no curve
        plots_both=any(_draws_both(cell, cells) for cell in drawn),
        problems=problems,
        curve_doubts=_curve_doubts(good[-1]) if good else task.doubts(drawn[0]) if drawn else (),
        accuracy_doubts=_doubts(tested) if tested else (),
        refused_curves=_refusals([*((run.cell, run.train) for run in runs), *((cell, ()) for cell in pictured)]),
        refused_accuracy=_refusals([(test.cell, ()) for test in tests]),
    )


def _by_columns(cells: Sequence[Cell]) -> list[_Run]:
    """Runs whose lines say in no known word what they are of, where the code names the training and another set."""
    found = []
    for cell in cells:
        sets = words.sets(_drawing(cell, cells))
        both = columns.of_lines(printed_run.lines_of(cell.outputs, bars=False)) if len(sets) > 1 else None
        if both and words.TRAIN in sets:
            found.append(_Run(cell, both.train, both.validation, len(both.train), guessed=True))
    return found


def _curve_doubts(run: _Run) -> tuple[str, ...]:
    unsaid = f"which losses in cell {run.cell.number} are whose was told by the order of their columns"
    return (*((unsaid,) if run.guessed else ()), *task.doubts(run.cell, run.train))


def _continued(runs: Sequence[_Run]) -> list[_Run]:
    """The runs, and of two that follow each other what both are together, where the second goes on where one ended."""
    both: list[_Run] = []
    for run in runs:
        before = both[-1] if both else None
        if before and _goes_on(before, run):
            joined = before.train + run.train, before.validation + run.validation
            run = _Run(run.cell, *joined, max(before.epochs + len(run.train), run.epochs))
        both.append(run)
    return [*runs, *(run for run in both if run not in runs)]


def _goes_on(before: _Run, run: _Run) -> bool:
    """Whether a run begins near the last loss of the one before: a fresh one begins several times higher."""
    if before.cell is run.cell or min(map(len, before[1:3])) < 2 or not (run.train and run.validation):
        return False
    first, last, then = before.train[0], before.train[-1], run.train[0]
    return then < _NEAR_LAST * last and then < first / 2


def _doubts(tested: _Tested) -> tuple[str, ...]:
    cell = tested.cell
    found = [f"no word of cell {cell.number} says that {tested.found.percent:g} is an accuracy"] * tested.found.guessed
    if printed_accuracy.sets_given(cell) == {words.VALIDATION}:
        found.append(f"the code of cell {cell.number} names the validation set, and the test set only in its texts")
    return (*found, *task.doubts(cell))


def plotted(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells with a saved picture of losses that is, as far as can be told, of this homework."""
    return tuple(cell for cell in cells if _pictures_losses(cell, cells) and not task.refusal(cell))


def _best_curves(runs: Sequence[_Run]) -> tuple[Curve, Curve, tuple[str, ...]]:
    """(train, validation, problems): each from the first run that has it."""
    curves: list[Curve] = [
        next((run.train for run in runs if run.train), ()),
        next((run.validation for run in runs if run.validation), ()),
    ]
    problems = tuple(
        f"The printed {name} losses hold a value that is no cross-entropy (negative, nan, infinite)."
        for name, curve in zip(("training", "validation"), curves)
        if not all(map(is_loss, curve))
    )
    train, validation = ((curve if all(map(is_loss, curve)) else ())[:MAX_POINTS] for curve in curves)
    return train, validation, problems


def _refusals(shown: Sequence[tuple[Cell, Curve]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(why for cell, train in shown if (why := task.refusal(cell, train))))


def _curves(run: printed_run.Run) -> tuple[Curve, Curve]:
    """(train, validation). Some call the set they validate on the test set; one value alone is a final test."""
    train, held_out = run.curve("train"), run.curve("test") if len(run.curve("test")) > 1 else ()
    validation = run.curve("validation") or held_out
    return train, () if _are_accuracies(train, validation) else validation


def _are_accuracies(train: Curve, validation: Curve) -> bool:
    """Whether "loss 0.08, validation 0.97" is beside the training loss another thing: it rises, far above that loss."""
    return (
        min(len(train), len(validation)) > 2
        and validation[-1] > validation[0]
        and all(0.5 < value <= 1.0 for value in validation)
        and train[-1] < min(train[0], validation[-1] / 3)
    )


def _pictures_losses(cell: Cell, cells: Sequence[Cell]) -> bool:
    """Whether the cell has a picture and, with the functions of other cells that it calls, plots losses."""
    if not cell.images:
        return False
    text = _drawing(cell, cells)
    sets = words.sets(text)
    of_losses = words.words(text) & words.LOSS or words.TRAIN in sets and len(sets) > 1
    return bool(of_losses) and bool(_DRAWS.search(text))


def _draws_both(cell: Cell, cells: Sequence[Cell]) -> bool:
    """Whether the code of a picture names the training set and a held-out one, and not for its accuracy alone."""
    things = _THING.findall(_drawing(cell, cells))
    sets = {found for thing in things if not words.words(thing) & words.ACCURACY for found in words.sets(thing)}
    return words.TRAIN in sets and len(sets) > 1


def _drawing(cell: Cell, cells: Sequence[Cell]) -> str:
    """The code that draws the cell's picture: its own, and that of the functions of other cells that it calls."""
    defined = {name: other.source for other in cells for name in re.findall(r"^def (\w+)", other.source, re.MULTILINE)}
    called = [text for name, text in defined.items() if re.search(rf"\b{name}\(", cell.source)]
    return "\n".join([cell.source, *called])[: printed_run.MAX_TEXT]
