"""history.json, as the template's cell writes it: losses by epoch, and how many of the test images were told right.

Why separate: the file has a form of its own and is no text to be understood. Whatever in it cannot be used is left out
and named; nothing here may fail on what a student wrote.
"""

from __future__ import annotations

from collections.abc import Mapping

from autograder.core.policy import FILES, TRAINING
from autograder.handin.evidence import task
from autograder.handin.evidence.record import MAX_POINTS, Evidence, is_loss

_ALIASES = {
    "train_loss": ("train_loss", "train_losses", "training_loss"),
    "validation_loss": ("validation_loss", "validation_losses", "val_loss", "val_losses"),
}

# So many times more losses than the epochs that the file tells, and than the other set has, are of steps within them.
_STEPWISE = 5


def from_history(history: Mapping[str, object]) -> Evidence:
    """What history.json tells. Whatever in it cannot be used is left out and named in `problems`."""
    problems: list[str] = []
    train = _losses(history, "train_loss", problems)
    validation = _losses(history, "validation_loss", problems)
    if train and validation and len(train) != len(validation):
        problems.append(f"{FILES.history}: {_said(train)} training losses but {_said(validation)} validation losses.")
    epochs = _whole(history, "epochs", problems) or 0
    shorter, length = sorted((len(train), len(validation)))
    if 0 < shorter == epochs <= length / _STEPWISE:
        length = epochs  # the other losses are of steps within each epoch
    if epochs and length and epochs != length:
        found = f"epochs is {epochs}, but there are losses of {length}"
        problems.append(f"{FILES.history}: {found}; the losses were counted.")
    accuracy, images = _counted(history, problems)
    batch = _whole(history, "batch_size", problems)
    if batch not in (None, TRAINING.batch_size):
        problems.append(f"{FILES.history}: batch_size is {batch}; the handout asks for {TRAINING.batch_size}.")
    doubts = task.doubts_about(train, FILES.history)
    return Evidence(
        FILES.history, train, validation, accuracy, images, length or epochs, 0, tuple(problems), curve_doubts=doubts
    )


def _losses(history: Mapping[str, object], key: str, problems: list[str]) -> tuple[float, ...]:
    name = next((alias for alias in _ALIASES[key] if alias in history), None)
    if name is None:
        problems.append(f"{FILES.history}: {key} is missing.")
        return ()
    values = history[name]
    if not isinstance(values, (list, tuple)) or not all(_is_number(value) for value in values):
        problems.append(f"{FILES.history}: {name} should be a list of numbers, one for each epoch.")
        return ()
    numbers = tuple(float(value) for value in values[:MAX_POINTS])
    if not all(map(is_loss, numbers)):
        problems.append(f"{FILES.history}: {name} holds a value that is no cross-entropy (negative, nan or infinite).")
        return ()
    return numbers


def _said(values: tuple[float, ...]) -> str:
    return str(len(values)) if len(values) < MAX_POINTS else f"{MAX_POINTS} or more"


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
        problems.append(f"{FILES.history}: {key} should be a whole number.")
        return None
    return value


def _counted(history: Mapping[str, object], problems: list[str]) -> tuple[float | None, int]:
    """(accuracy in percent, images), from test_correct and test_total."""
    correct, total = _whole(history, "test_correct", problems), _whole(history, "test_total", problems)
    if correct is None or total is None:
        missing = "test_correct" if correct is None else "test_total"
        problems.append(f"{FILES.history}: there is no usable {missing}, so it tells no test accuracy.")
        return None, 0
    if total == 0 or correct > total:
        problems.append(f"{FILES.history}: {correct} right of {total} is no accuracy.")
        return None, 0
    return 100 * correct / total, total
