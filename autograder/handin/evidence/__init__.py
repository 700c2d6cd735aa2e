"""The student's own training run for handout 4(c): what they handed in about it.

Why separate: what there is, is one question, what it is worth another (`judging.training.judge`). The evidence is
`history.json`, as the template writes it after training, and beside it the notebook's saved outputs. All of it is the
student's claim. Pure: nothing here may read a file, run a model, award a point, or fail on what a student wrote.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import msgspec

from autograder.core.policy import FILES, TRAINING
from autograder.core.records import Cell
from autograder.core.text import counted
from autograder.handin.evidence.history import from_history
from autograder.handin.evidence.pictured import plotted
from autograder.handin.evidence.record import Evidence
from autograder.handin.evidence.saved import from_outputs

_FAR = 3.0  # percent: two runs of the handout's model differ by one


def gather(history: Mapping[str, object] | None, history_problem: str, cells: Sequence[Cell]) -> Evidence:
    """history.json first; what it does not tell is taken from the notebook's saved outputs."""
    printed = _printed(tuple(cells))
    if history is None:
        problems = (history_problem,) if history_problem else ()
        return msgspec.structs.replace(printed, problems=problems + printed.problems)
    filed = from_history(history)
    both = msgspec.structs.replace(
        filed,
        source=_source(filed, printed),
        train_loss=filed.train_loss or printed.train_loss,
        validation_loss=filed.validation_loss or printed.validation_loss,
        accuracy=printed.accuracy if filed.accuracy is None else filed.accuracy,
        accuracy_source=printed.source if filed.accuracy is None and printed.accuracy is not None else filed.source,
        images=printed.images if filed.accuracy is None else filed.images,
        plots=printed.plots,
        plots_both=printed.plots_both,
        curve_doubts=filed.curve_doubts if filed.train_loss and filed.validation_loss else printed.curve_doubts,
        accuracy_doubts=printed.accuracy_doubts if filed.accuracy is None else _far_apart(filed, printed),
        refused_curves=printed.refused_curves,
        refused_accuracy=printed.refused_accuracy,
        problems=filed.problems + _disagreement(filed, printed),
    )
    whole = bool(filed.train_loss and filed.validation_loss)
    return msgspec.structs.replace(both, epochs=filed.epochs if whole else max(filed.epochs, _length(both)))


def _source(filed: Evidence, printed: Evidence) -> str:
    """Where the losses are from: each curve is the file's, where the file has it."""
    pairs = ((filed.train_loss, printed.train_loss), (filed.validation_loss, printed.validation_loss))
    places = [filed.source if own else printed.source for own, shown in pairs if own or shown]
    return " and ".join(dict.fromkeys(places)) or filed.source


@functools.lru_cache(1)
def _printed(cells: tuple[Cell, ...]) -> Evidence:
    """Read once for all tests of a submission."""
    return from_outputs(cells)


def _disagreement(filed: Evidence, printed: Evidence) -> tuple[str, ...]:
    found = []
    if filed.accuracy is not None and printed.accuracy is not None and abs(filed.accuracy - printed.accuracy) >= 0.1:
        found.append(f"says {filed.accuracy:.2f} %, the notebook's saved output {printed.accuracy:.2f} %")
    if filed.train_loss and filed.validation_loss and _length(filed) < min(_length(printed), TRAINING.epochs):
        epochs = counted(_length(filed), "epoch")
        found.append(f"holds losses of {epochs}, the notebook's saved outputs of {_length(printed)}")
    if not found:
        return ()
    return (f"{FILES.history} {', and '.join(found)}: perhaps they are of two runs. {FILES.history} was used.",)


def _far_apart(filed: Evidence, printed: Evidence) -> tuple[str, ...]:
    """For staff: a file that claims far more than the notebook shows."""
    if filed.accuracy is None or printed.accuracy is None or filed.accuracy - printed.accuracy < _FAR:
        return ()
    claimed = f"{FILES.history} says {filed.accuracy:.2f} %"
    return (f"{claimed}, and the notebook's own output shows {printed.accuracy:.2f} %",)


def _length(evidence: Evidence) -> int:
    return max(len(evidence.train_loss), len(evidence.validation_loss))


__all__ = ["Evidence", "from_history", "from_outputs", "gather", "plotted"]
