"""What there is of the student's own training run, as one record.

Why separate: history.json and the saved outputs are read apart, and both fill in this. Nothing here may award a point.
"""

from __future__ import annotations

import math

import msgspec

MAX_POINTS = 1_000  # epochs that a curve may have


class Evidence(msgspec.Struct, frozen=True):
    """What was found. Losses per epoch, accuracy in percent (None: not found), `plots`: pictures of loss curves.

    `refused_curves` and `refused_accuracy` say what was found and is of another task, and why; the `doubts` say, for
    staff, why what counts could be of another one.
    """

    source: str
    train_loss: tuple[float, ...] = ()
    validation_loss: tuple[float, ...] = ()
    accuracy: float | None = None
    images: int = 0  # how many the accuracy was measured on; 0: not said
    epochs: int = 0
    plots: int = 0

    problems: tuple[str, ...] = ()
    curve_doubts: tuple[str, ...] = ()
    accuracy_doubts: tuple[str, ...] = ()
    refused_curves: tuple[str, ...] = ()
    refused_accuracy: tuple[str, ...] = ()
    plots_both: bool = False  # the code of a picture names both sets
    accuracy_source: str = ""  # where it is another one than the losses'
    measured: bool = False  # the accuracy is not the student's claim, but was measured with the submitted weights

    @property
    def claimed_in(self) -> str:
        """Where the accuracy is from."""
        return self.accuracy_source or self.source


def is_loss(value: float) -> bool:
    """Whether a cross-entropy can have this value."""
    return math.isfinite(value) and value >= 0
