"""Observations of a training: one visit that trains the student's model, and a fresh one that is asked what it knows.

Why separate: `observe` looks at one class at a time, this at the whole model of 4(c); what is drawn and what it means
stands in `judging.training`. The second visit shares nothing with the first but the weights, and sees no label.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Protocol

import torch
from torch import Tensor

from autograder.core.records import Grid, Panel, Submission
from autograder.judging import find_roles, observe
from autograder.judging.code import attention_roles, weights
from autograder.judging.code.cases import attention_cases, layer_cases
from autograder.judging.code.compare import close
from autograder.judging.expect import Missing, Unmet
from autograder.judging.training import digits, smoke, submitted, trajectory
from autograder.judging.visit import Student, Visit
from autograder.student_room.training import prepared

MODEL = "4c"


def smoke_trained(student: Student, seed: int) -> tuple[smoke.Trained, smoke.Drawn]:
    """What came of the training, and the digits: of the longer one where the first learned little without a reason."""
    drawn = smoke.draw(seed)
    trained = smoke_training(student, drawn, seed)
    if smoke.unexplained(trained, drawn.held_labels):
        drawn = smoke.draw(seed, smoke.longer(smoke.case(seed, student.own_sizes)))
        trained = smoke_training(student, drawn, seed)
    return trained, drawn


def smoke_training(student: Student, drawn: smoke.Drawn, seed: int) -> smoke.Trained:
    """Trains with the student's own initial weights, then asks a process that saw no training.

    Raises Unmet when either ends early.
    """
    last = prepared(drawn.images[-smoke.BATCH :])
    with student.visit(MODEL, alone=True) as visit:
        case = smoke.case(seed, student.own_sizes)
        visit.build(case)
        before = visit.save()
        start = time.monotonic()
        losses = visit.train(drawn.images, drawn.labels, batch=smoke.BATCH, rate=smoke.rate(case), seed=seed)
        seconds = time.monotonic() - start
        after = {name: value for name, value in visit.save().items() if _fits(value, before.get(name))}
        there = _logits(visit, last)
    with student.visit(MODEL) as visit:
        # other initial weights: what is not loaded is not the same by luck
        visit.build(smoke.case(seed + 1, student.own_sizes))
        visit.load(after)
        here, again = _logits(visit, last), _logits(visit, last, seed=1)
        held = torch.cat([_logits(visit, batch) for batch in _batches(drawn.held_images)])
        unchanged = [name for name in smoke.matrices(after) if torch.equal(after[name], before[name])]
        idle = tuple(name for name in unchanged if _acts(visit, name, after[name], last, here))
    changed = tuple(name for name in smoke.matrices(after) if name not in unchanged)
    return smoke.Trained(losses, held, there, here, again, changed, idle, seconds)


class Reference(Protocol):
    """The fixture `reference`."""

    @property
    def attention(self) -> ModuleType:
        """The module of 4(a): `attention.single_head`."""

    @property
    def encoder(self) -> ModuleType:
        """The module of 4(b): `encoder.layer`."""


def first_steps(student: Student, reference: Reference, drawn: smoke.Drawn, seed: int) -> str:
    """What the first steps from weights of ours show, beside the reference's: words for a diagnosis, no verdict."""
    try:
        found = formulas(student, reference, seed)
        if found is None:
            return "fix first what the tests of 4(a) and 4(b) found"
        seen, expected = steps_beside(student, found, drawn, seed)
    except (Unmet, Missing, LookupError, RuntimeError):  # nothing that can be compared: the verdict stands without
        return ""
    step = trajectory.first_departure(seen, expected)
    return trajectory.WORDS[step is None, step == 0]


def formulas(student: Student, reference: Reference, seed: int) -> trajectory.Formulas | None:
    """The reference's formulas with the roles of the student's parameters; None where a class does not match alone."""
    attention, layer = reference.attention.single_head, reference.encoder.layer
    roles = attention_roles.find(attention, observe.attention(student, attention_cases(seed, 2)))
    seen = observe.layer(student, layer_cases(seed, 2))
    attend = reference.attention.multi_head
    parts = find_roles.layer(student, layer, attend, seen)
    return trajectory.Formulas(attention, layer, attend, roles, parts) if roles and parts else None


def attention_panel(
    student: Student, reference: Reference, submission: Submission, image: Tensor, seed: int
) -> tuple[Panel, ...]:
    """Where the submitted model looks on this digit, uint8 (28, 28), by layer; none where it cannot be told."""
    if submission.weights is None:
        return ()
    values = submitted.tensors(submission.weights)
    case = submitted.case(submission.run, values, seed)
    try:
        found = formulas(student, reference, seed)
        if found is None:
            return ()
        maps = trajectory.attention_maps(found, reference.attention.attention_weights, case, values, image)
    except (Unmet, Missing, LookupError, RuntimeError):  # a picture: nothing depends on it
        return ()
    return (panel(image, maps, 28 // case.patch_size),)


def panel(image: Tensor, maps: Sequence[Tensor], side: int) -> Panel:
    """The digit, and for each layer how strongly its class token attends to each patch; the strongest is black."""
    shades = [row / row.max().clamp(min=1e-12) for row in maps]
    grids = [Grid("the digit", _rows(image.double() / 255))]
    grids += [Grid(f"layer {index}", _rows(row.view(side, side))) for index, row in enumerate(shades, 1)]
    return Panel("Where the class token looks: submitted weights, by layer, mean over the heads", tuple(grids))


def _rows(values: Tensor) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(round(value, 3) for value in row) for row in values.tolist())


def steps_beside(
    student: Student, formulas: trajectory.Formulas, drawn: smoke.Drawn, seed: int
) -> tuple[tuple[float, ...], list[float]]:
    """(the student's losses, the reference's) in the first steps from equal weights, without dropout."""
    case, count = smoke.case(seed, student.own_sizes, dropout=0.0), trajectory.STEPS * smoke.BATCH
    images, labels = drawn.images[:count], drawn.labels[:count]
    with student.visit(MODEL, alone=True) as visit:
        chosen = weights.draw(seed, visit.build(case).parameters, biases=False)
        visit.load(chosen)
        seen = visit.train(images, labels, batch=smoke.BATCH, rate=smoke.rate(case), seed=seed)
    return seen, trajectory.losses(formulas, case, chosen, images, labels, smoke.BATCH, smoke.rate(case))


def _fits(value: Tensor, made: Tensor | None) -> bool:
    return made is not None and value.shape == made.shape and value.dtype == made.dtype


def _logits(visit: Visit, images: Tensor, seed: int = 0) -> Tensor:
    """(n, 10) for n prepared images, in eval mode. Raises Unmet on another shape: our ViT gives none."""
    output = visit.forward(images, seed=seed).output
    observe.right_shape(output.shape, (len(images), digits.CLASSES), "(images, classes)")
    return output.float()


def _batches(images: Tensor) -> Iterator[Tensor]:
    """As many at a time as in training: a layer that mixes the samples of a batch is charged in 4(a), not here."""
    yield from torch.split(prepared(images), smoke.BATCH)


def _acts(visit: Visit, name: str, value: Tensor, x: Tensor, output: Tensor) -> bool:
    """Whether another value of this parameter gives another output."""
    visit.load({name: value * 1.5 + 0.1})
    changed = not close(_logits(visit, x), output)
    visit.load({name: value})
    return changed
