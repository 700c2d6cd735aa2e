"""Observations of a training: two visits, one that trains the student's model and a fresh one that is asked what it knows.

Why separate: `observe` looks at one class at a time, this at the whole model of 4(c); what is drawn and what it means
stands in `judging.training`. The second visit shares nothing with the first but the weights, and sees no label.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from autograder.judging.compare import close
from autograder.judging.training import smoke
from autograder.student import Student, Visit
from autograder.student_room.training import prepared

MODEL = "4c"
State = Mapping[str, Tensor]


def smoke_training(student: Student, drawn: smoke.Drawn, seed: int) -> smoke.Trained:
    """Trains with the student's own initial weights, then asks a fresh process. Raises Unmet when either ends early."""
    last = prepared(drawn.images[-smoke.BATCH :])
    with student.visit(MODEL) as visit:
        visit.build(smoke.case(seed))
        before = visit.save()
        losses = visit.train(drawn.images, drawn.labels, batch=smoke.BATCH, rate=smoke.RATE, seed=seed)
        after = {name: value for name, value in visit.save().items() if _fits(value, before.get(name))}
        there = visit.forward(last).output
    with student.visit(MODEL) as visit:
        visit.build(smoke.case(seed + 1))  # other initial weights: what is not loaded is not the same by luck
        visit.load(after)
        here, again = visit.forward(last).output, visit.forward(last, seed=1).output
        held = torch.cat([visit.forward(batch).output for batch in _batches(drawn.held_images)])
        unchanged = [name for name in smoke.matrices(after) if torch.equal(after[name], before[name])]
        idle = tuple(name for name in unchanged if _acts(visit, name, after[name], last, here))
    changed = tuple(name for name in smoke.matrices(after) if name not in unchanged)
    return smoke.Trained(losses, held, there, here, again, changed, idle)


def _fits(value: Tensor, made: Tensor | None) -> bool:
    return made is not None and value.shape == made.shape and value.dtype == made.dtype


def _batches(images: Tensor) -> Iterator[Tensor]:
    """As many at a time as in training: a layer that mixes the samples of a batch is charged in 4(a), not here."""
    yield from prepared(images).split(smoke.BATCH)


def _acts(visit: Visit, name: str, value: Tensor, x: Tensor, output: Tensor) -> bool:
    """Whether another value of this parameter gives another output."""
    visit.load({name: value * 1.5 + 0.1})
    changed = not close(visit.forward(x).output, output)
    visit.load({name: value})
    return changed
