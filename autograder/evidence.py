"""The student's own training run for handout 4(c): what they handed in about it.

Why separate: what there is, is one question, what it is worth another (`evidence_judge`). The evidence is
`history.json`, as the notebook's last cell writes it, and beside it the notebook's saved outputs. All of it is the
student's claim. Pure: nothing here may read a file, run a model, award a point, or fail on what a student wrote.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import msgspec

from autograder import printed_run
from autograder.records import Cell

BATCH_SIZE = 32  # handout 4(c): "using batch size 32"
MAX_POINTS = 1_000  # epochs that a curve may have

_ALIASES = {
    "train_loss": ("train_loss", "train_losses", "training_loss"),
    "validation_loss": ("validation_loss", "validation_losses", "val_loss", "val_losses"),
}


class Evidence(msgspec.Struct, frozen=True):
    """What was found. Losses per epoch, accuracy in percent (None: not found), `plots`: pictures of loss curves."""

    source: str
    train_loss: tuple[float, ...] = ()
    validation_loss: tuple[float, ...] = ()
    accuracy: float | None = None
    images: int = 0  # how many the accuracy was measured on; 0: not said
    epochs: int = 0
    plots: int = 0
    problems: tuple[str, ...] = ()


def gather(history: Mapping[str, object] | None, history_problem: str, cells: Sequence[Cell]) -> Evidence:
    """history.json first; what it does not tell is taken from the notebook's saved outputs."""
    printed = from_outputs(cells)
    if history is None:
        problems = (history_problem,) if history_problem else ()
        return msgspec.structs.replace(printed, problems=problems + printed.problems)
    filed = from_history(history)
    both = msgspec.structs.replace(
        filed,
        train_loss=filed.train_loss or printed.train_loss,
        validation_loss=filed.validation_loss or printed.validation_loss,
        accuracy=printed.accuracy if filed.accuracy is None else filed.accuracy,
        images=printed.images if filed.accuracy is None else filed.images,
        plots=printed.plots,
        problems=filed.problems + _disagreement(filed, printed),
    )
    return msgspec.structs.replace(both, epochs=max(filed.epochs, _length(both)))


def _disagreement(filed: Evidence, printed: Evidence) -> tuple[str, ...]:
    if filed.accuracy is None or printed.accuracy is None or abs(filed.accuracy - printed.accuracy) < 0.1:
        return ()
    return (
        f"history.json says {filed.accuracy:.2f} %, the notebook's saved output {printed.accuracy:.2f} %: perhaps they"
        " are of two runs. history.json was used.",
    )


def _length(evidence: Evidence) -> int:
    return max(len(evidence.train_loss), len(evidence.validation_loss))


# -- history.json ------------------------------------------------------------------------------------------------------


def from_history(history: Mapping[str, object]) -> Evidence:
    """What history.json tells. Whatever in it cannot be used is left out and named in `problems`."""
    problems: list[str] = []
    train = _losses(history, "train_loss", problems)
    validation = _losses(history, "validation_loss", problems)
    if train and validation and len(train) != len(validation):
        problems.append(f"history.json: {len(train)} training losses but {len(validation)} validation losses.")
    epochs = _whole(history, "epochs", problems) or 0
    length = max(len(train), len(validation))
    if epochs and length and epochs != length:
        problems.append(f"history.json: epochs is {epochs}, but there are losses of {length}; the losses were counted.")
    accuracy, images = _counted(history, problems)
    batch = _whole(history, "batch_size", problems)
    if batch not in (None, BATCH_SIZE):
        problems.append(f"history.json: batch_size is {batch}; the handout asks for {BATCH_SIZE}.")
    return Evidence("history.json", train, validation, accuracy, images, length or epochs, 0, tuple(problems))


def _losses(history: Mapping[str, object], key: str, problems: list[str]) -> tuple[float, ...]:
    name = next((alias for alias in _ALIASES[key] if alias in history), None)
    if name is None:
        problems.append(f"history.json: {key} is missing.")
        return ()
    values = history[name]
    if not isinstance(values, (list, tuple)) or not all(_is_number(value) for value in values):
        problems.append(f"history.json: {name} should be a list of numbers, one for each epoch.")
        return ()
    numbers = tuple(float(value) for value in values[:MAX_POINTS])
    if not all(map(_possible_loss, numbers)):
        problems.append(f"history.json: {name} holds a value that is no cross-entropy (negative, nan or infinite).")
        return ()
    return numbers


def _possible_loss(value: float) -> bool:
    return math.isfinite(value) and value >= 0


def _is_number(value: object) -> bool:
    # int() of JSON may be too long for a float, hence the bound
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not abs(value) > 1e300


def _whole(history: Mapping[str, object], key: str, problems: list[str]) -> int | None:
    value = history.get(key)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 10**7:
        problems.append(f"history.json: {key} should be a whole number.")
        return None
    return value


def _counted(history: Mapping[str, object], problems: list[str]) -> tuple[float | None, int]:
    """(accuracy in percent, images), from test_correct and test_total."""
    correct, total = _whole(history, "test_correct", problems), _whole(history, "test_total", problems)
    if correct is None or total is None:
        missing = "test_correct" if correct is None else "test_total"
        problems.append(f"history.json: there is no usable {missing}, so it tells no test accuracy.")
        return None, 0
    if total == 0 or correct > total:
        problems.append(f"history.json: {correct} right of {total} is no accuracy.")
        return None, 0
    return 100 * correct / total, total


# -- the notebook's saved outputs --------------------------------------------------------------------------------------


def from_outputs(cells: Sequence[Cell]) -> Evidence:
    """What the saved outputs tell, whatever the order of the cells. Of several runs the most complete one counts."""
    runs = printed_run.runs(cells)
    both = sorted(runs, key=lambda run: (min(map(len, _curves(run))), sum(map(len, _curves(run)))))
    curves = [next((_curves(run)[i] for run in reversed(both) if _curves(run)[i]), ()) for i in (0, 1)]
    problems = []
    for name, curve in zip(("training", "validation"), curves):
        if not all(map(_possible_loss, curve)):
            problems.append(
                f"The printed {name} losses hold a value that is no cross-entropy (negative, nan, infinite)."
            )
    train, validation = ((curve if all(map(_possible_loss, curve)) else ())[:MAX_POINTS] for curve in curves)
    accuracy = _best(printed_run.accuracies(cells))
    return Evidence(
        source="the notebook's saved outputs",
        train_loss=train,
        validation_loss=validation,
        accuracy=accuracy.percent if accuracy else None,
        images=accuracy.images if accuracy else 0,
        epochs=max(len(train), len(validation)),
        plots=_loss_plots(cells),
        problems=tuple(problems),
    )


def _curves(run: printed_run.Run) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(train, validation). Some call the set they validate on the test set; one value alone is a final test."""
    held_out = run.curve("test") if len(run.curve("test")) > 1 else ()
    return run.curve("train"), run.curve("validation") or held_out


def _best(found: Sequence[printed_run.Accuracy]) -> printed_run.Accuracy | None:
    """Lines that say "test" come first; among equals the best counts: a test before training is no result."""
    return max(found, key=lambda one: (one.surely_test, one.percent), default=None)


def _loss_plots(cells: Sequence[Cell]) -> int:
    """Pictures under cells that plot losses, be it in a function that another cell defines."""
    defined = {name: cell.source for cell in cells for name in re.findall(r"^def (\w+)", cell.source, re.MULTILINE)}
    count = 0
    for cell in cells:
        called = (
            [text for name, text in defined.items() if re.search(rf"\b{name}\(", cell.source)] if cell.images else []
        )
        text = "\n".join([cell.source, *called])
        count += cell.images if "loss" in text.lower() and re.search(r"\bplot|\bplt\.|\.plot", text) else 0
    return count
