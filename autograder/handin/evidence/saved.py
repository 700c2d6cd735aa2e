"""The notebook's saved outputs as evidence: of several runs and accuracies, the ones that count.

Why separate: how lines are understood is one question (`printed_run`), which of them are of this homework another
(`task`), and which of several counts a third. Where the strict readers find nothing, it is looked for once more, more
generously, and in the text beside the code; staff then look. Nothing here may fail on what a student's notebook holds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from autograder.core.policy import TRAINING
from autograder.core.records import Cell
from autograder.handin.evidence import columns, given, likely, pictured, printed_accuracy, printed_run, task, words
from autograder.handin.evidence.record import MAX_POINTS, Evidence, is_loss

Curve = tuple[float, ...]
_PASTED = re.compile(r"!\[[^\]\n]{0,200}\]\((?:attachment:|data:image)|<img[^>\n]{0,200}src=.data:image")
_FIRST = re.compile(r"epoch\W{0,3}0{0,2}[01]\b(?!\s?/\s?(?:[2-9]|1\d))", re.IGNORECASE)  # not the first of ten
_NEAR_LAST = 1.5  # times the last loss: Adam that begins anew may rise a little


class _Run(NamedTuple):
    cell: Cell
    train: Curve
    validation: Curve
    epochs: int
    doubt: str = ""  # why staff should look

    @property
    def worth(self) -> tuple[int, bool, int, int]:
        """Both curves over all epochs first; among such runs one of this homework's model, then the longest."""
        lengths = len(self.train), len(self.validation)
        return min(*lengths, TRAINING.epochs), task.is_tied(self.cell), min(lengths), sum(lengths)


class _Tested(NamedTuple):
    cell: Cell
    found: printed_accuracy.Accuracy
    doubt: str = ""

    @property
    def worth(self) -> tuple[bool, bool, bool, float]:
        """Of this homework's model first, then what says "test"; then the best: a test before training is no result."""
        enough = self.found.images == 0 or self.found.images >= TRAINING.least_images
        tied = task.is_tied(self.cell)
        return enough, tied, self.found.surely_test, self.found.percent


def from_outputs(cells: Sequence[Cell]) -> Evidence:
    """What the saved outputs tell, whatever the order of the cells; where they tell nothing, what the text says."""
    runs = _continued(_runs(cells))
    drawn = [cell for cell in pictured.plotted(cells) if cell.images > cell.empty]
    tests = _tests(cells)
    runs += _by_columns(cells) if _lacks_one(runs, drawn, cells) else []
    typed = _in_text(cells) if not runs and not drawn else []
    tests = tests or _more_tests(cells, trained_here=bool(runs or drawn), typed=bool(typed))
    runs += _runs(typed, "the losses were typed in the text below cell {}, and no output shows them")
    drawn += [cell for cell in typed if cell.images]
    good = sorted((run for run in runs if not task.refusal(run.cell, run.train)), key=lambda run: run.worth)
    tested = max((test for test in tests if not task.refusal(test.cell)), key=lambda test: test.worth, default=None)
    train, validation, problems = _best_curves(good[::-1])
    once = bool(good) and _only_one_epoch(good[-1], cells)
    both = not once and any(pictured.draws_both(cell, cells) for cell in drawn)
    perhaps = [cell for cell in drawn if not (both or once) and pictured.perhaps_both(cell, cells)]
    shown = [
        *((run.cell, run.train) for run in runs),
        *((cell, ()) for cell in cells if pictured.of_losses(cell, cells)),
    ]
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
        plots=0 if problems else sum(cell.images - cell.empty for cell in drawn),  # what is nan draws no curve
        plots_both=both or bool(perhaps),
        problems=problems,
        curve_doubts=(*_curve_doubts(good, drawn), *_unsaid(perhaps, train, validation)),
        accuracy_doubts=_doubts(tested) if tested else (),
        refused_curves=_refusals(shown),
        refused_accuracy=_refusals([(test.cell, ()) for test in tests]),
    )


def _runs(cells: Sequence[Cell], doubt: str = "") -> list[_Run]:
    return [
        _Run(cell, *_curves(run), run.epochs, doubt.format(cell.number))
        for cell in cells
        for run in printed_run.runs([cell])
    ]


def _lacks_one(runs: Sequence[_Run], drawn: Sequence[Cell], cells: Sequence[Cell]) -> bool:
    """Whether no words and no picture tell of both curves; any picture of losses does where nothing is printed."""
    if any(min(len(run.train), len(run.validation)) > 1 for run in runs):
        return False
    return not drawn or bool(runs) and not any(pictured.draws_both(cell, cells) for cell in drawn)


def _only_one_epoch(run: _Run, cells: Sequence[Cell]) -> bool:
    """Whether the losses of both sets are of a first epoch after which nothing trains: a picture shows no more."""
    alone = len(run.train) == len(run.validation) == 1 and _FIRST.search(run.cell.outputs)
    later = cells[next((at for at, cell in enumerate(cells) if cell is run.cell), len(cells)) + 1 :]
    code = given.Code(cells)
    return bool(alone) and not any(code.trains(cell) for cell in later)


def _tests(cells: Sequence[Cell]) -> list[_Tested]:
    """Every printed accuracy that can be of the test set, by what is printed and by the sets that the code hands on.

    Over more images than there are to test with, in a cell that only looks at the training set, it is of that, whatever
    it is called. Under the validation set alone, one without a name is of that, where other code names a test set; else
    a name may be wrong, and staff look.
    """
    tests = [_Tested(cell, found) for cell in cells for found in printed_accuracy.accuracies([cell])]
    code = given.Code(cells if tests else ())
    apart = any(words.TEST in printed_accuracy.sets_given(cell) for cell in cells)
    return [
        one
        for one in tests
        if not (one.found.images > TRAINING.test_images and code.looks_only_at(one.cell, words.TRAIN))
        and not (apart and not one.found.surely_test and code.looks_only_at(one.cell, words.VALIDATION))
    ]


def _more_tests(cells: Sequence[Cell], *, trained_here: bool, typed: bool) -> list[_Tested]:
    """Numbers that can be the test accuracy; else what the text says of a run whose losses are shown.

    Where they were printed here, some code must test, too, and the last that does must not have failed.
    """
    found = likely.in_outputs(cells)
    shown = trained_here or typed
    if shown and not any(not task.refusal(one.cell) for one in found):
        code = given.Code(cells)
        tested = [cell for cell in cells if words.TEST in code.order(cell)]
        found += likely.in_notes(cells) if (not tested[-1].raised if tested else typed) else []
    return [_Tested(one.cell, printed_accuracy.Accuracy(one.percent, one.images, True), one.why) for one in found]


def _in_text(cells: Sequence[Cell]) -> list[Cell]:
    """The Markdown below each cell, as if the cell had printed it, where it lists losses or shows a picture of them."""
    typed = []
    for cell in cells:
        named = words.words(cell.notes) & words.LOSS or len(words.sets(cell.notes)) > 1
        pictures = len(_PASTED.findall(cell.notes)) if named else 0
        text = msgspec.structs.replace(cell, source="", outputs=cell.notes, images=pictures, empty=0, notes="")
        if pictures or any(len(run.curve(words.TRAIN)) > 1 for run in printed_run.runs([text])):
            typed.append(text)
    return typed


def _by_columns(cells: Sequence[Cell]) -> list[_Run]:
    """Runs whose lines say in no known word what they are of, where the code names the training and another set."""
    found = []
    for cell in cells:
        both = columns.of_text(cell.outputs)
        sets = words.sets(pictured.drawing(cell, cells)) if both else frozenset()
        if both and words.TRAIN in sets and len(sets) > 1:
            doubt = f"which losses in cell {cell.number} are whose was told by the order of their columns"
            found.append(_Run(cell, both.train, both.validation, len(both.train), doubt))
    return found


def _curve_doubts(good: Sequence[_Run], drawn: Sequence[Cell]) -> tuple[str, ...]:
    if good:
        best = good[-1]
        return (*((best.doubt,) if best.doubt else ()), *task.doubts(best.cell, best.train))
    return task.doubts(drawn[0]) if drawn else ()


def _unsaid(perhaps: Sequence[Cell], train: Curve, validation: Curve) -> tuple[str, ...]:
    if not perhaps or min(len(train), len(validation)) > 1 or not (train or validation):
        return ()
    return (
        f"the picture under cell {perhaps[0].number} draws two curves, and nothing says that they are of both sets",
    )


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
    found = [tested.doubt] if tested.doubt else []
    if printed_accuracy.sets_given(cell) == {words.VALIDATION}:
        found.append(f"the code of cell {cell.number} names the validation set, and the test set only in its texts")
    return (*found, *task.doubts(cell))


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
