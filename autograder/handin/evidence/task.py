"""Whether evidence is of this homework's training: a Vision Transformer that tells ten digits apart.

Why separate: the criteria stand here and nowhere else. Only clear signs of another task refuse evidence; what can
merely not be tied to the classes handed in counts, and staff are told. Nothing here may award a point.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autograder.core.policy import POLICY, TRAINING
from autograder.core.records import THIS_HOMEWORK, Cell
from autograder.handin.slicing.trained import other_tasks

_ABOUT_TRAINING = re.compile(r"loss|acc|epoch|bleu|ppl|perplexity", re.IGNORECASE)


def is_tied(cell: Cell) -> bool:
    """Whether the cell's code reaches a class of this homework."""
    return cell.model == THIS_HOMEWORK


def not_of_ten(train: Sequence[float]) -> bool:
    """Whether the losses begin where neither a mean over ten classes nor a sum of such means can."""
    return bool(train) and TRAINING.most_of_ten < train[0] < TRAINING.least_sum


def refusal(cell: Cell, train: Sequence[float] = ()) -> str:
    """Why what the cell shows is of another task, in words for the student; "" when nothing says so clearly."""
    if cell.model and not is_tied(cell):
        return (
            f"cell {cell.number} trains or tests `{cell.model}`, which uses neither {' nor '.join(_CLASSES)} as far as"
            " reading can tell"
        )
    words = _words(cell)
    if words and (not_of_ten(train) or not is_tied(cell)):
        return f"cell {cell.number} seems to be about another task ({', '.join(words[:3])})"
    return ""


def doubts(cell: Cell, train: Sequence[float] = ()) -> tuple[str, ...]:
    """For staff: why what the cell shows, and what counts, could be of another task."""
    place = f"cell {cell.number}"
    found = list(doubts_about(train, place))
    if _words(cell):
        found.append(f"words of other tasks stand near the evidence in {place}: {', '.join(_words(cell)[:5])}")
    if cell.number and not is_tied(cell):
        found.append(f"nothing in the code ties the evidence in {place} to {' or '.join(_CLASSES)}")
    return tuple(found)


def doubts_about(train: Sequence[float], place: str) -> tuple[str, ...]:
    """For staff: losses that do not look like those of ten classes."""
    if not not_of_ten(train):
        return ()
    return (f"the training losses in {place} begin at {train[0]:.3g}; guessing among ten classes costs 2.30",)


def _words(cell: Cell) -> tuple[str, ...]:
    lines = [line for line in cell.outputs.split("\n") if _ABOUT_TRAINING.search(line[:2_000])]
    return tuple(sorted({*cell.other_tasks, *other_tasks(" ".join(line[:2_000] for line in lines[:1_000]))}))


_CLASSES = tuple(question.class_name for question in POLICY.questions if question.class_name)
