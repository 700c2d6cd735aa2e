"""Measures submitted weights: the student's own model, built and loaded in the student's room, asked about test images.

Why separate: `observe_training` trains, this only asks; what an answer means stands in `judging.training.measured`. The
room gets weights and images, in an order of ours; the labels stay here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from autograder.core.policy import TRAINING
from autograder.core.records import Submission
from autograder.judging import observe
from autograder.judging.code.cases import ModelCase
from autograder.judging.code.compare import close
from autograder.judging.expect import Missing, Unmet
from autograder.judging.training import digits, submitted
from autograder.judging.training.images import Images
from autograder.judging.training.measured import Measure, contradicts
from autograder.judging.visit import Student, Visit
from autograder.student_room.training import prepared

MODEL = "4c"
# How people prepare MNIST: (words, mean, deviation) of torchvision's Normalize. The notebook's way is the first; the
# others are tried only where it leaves a claim unreached.
PREPARATIONS = (
    ("", 0.0, 1.0),
    ("normalised by MNIST's own mean and deviation", 0.1307, 0.3081),
    ("from -1 to 1", 0.5, 0.5),
    ("from 0 to 255", 0.0, 1 / 255),
)


def measure(
    student: Student, submission: Submission, images: Images, claim: float, claimed_on: int, seed: int
) -> Measure:
    """What the weights reach, or why that could not be measured. `claim` in percent (0: none); nothing is raised."""
    if submission.weights is None:
        return Measure(problem=submission.weights_problem.rstrip("."))
    values = submitted.tensors(submission.weights)
    if problem := submitted.unusable(values):
        return Measure(problem=problem)
    try:
        return _measured(student, values, submitted.case(submission.run, values, seed), images, claim, claimed_on)
    except Missing as missing:
        return Measure(problem=str(missing))
    except Unmet as unmet:
        return Measure(problem=f"your model could not be asked: {unmet.feedback.found}")


def _measured(
    student: Student, values: Mapping[str, Tensor], case: ModelCase, images: Images, claim: float, claimed_on: int
) -> Measure:
    until = time.monotonic() + TRAINING.measuring_seconds
    with student.visit(MODEL) as visit:
        shapes = {parameter.name: tuple(parameter.shape) for parameter in visit.build(case).parameters}
        if problem := submitted.misfit(values, shapes):
            return Measure(problem=f"the weights do not fit the classes handed in: {problem}")
        known = {name: tuple(value.shape) for name, value in visit.save().items()}
        visit.load({name: value for name, value in values.items() if known.get(name) == tuple(value.shape)})
        return _asked(visit, images, lambda found: contradicts(found, claim, claimed_on), until)


def _asked(visit: Visit, images: Images, too_low: Callable[[Measure], bool], until: float) -> Measure:
    """A first part, prepared in the way that suits the model best; then all, where there is time."""
    first, start = TRAINING.first_images, time.monotonic()
    best, logits = PREPARATIONS[0], _logits(visit, images.images[:first], PREPARATIONS[0])
    seconds = time.monotonic() - start
    found = _of(logits, images, best[0])
    for other in PREPARATIONS[1:] if too_low(found) else ():
        if time.monotonic() + seconds > until:
            break
        tried = _logits(visit, images.images[:first], other)
        if _of(tried, images, other[0]).correct > found.correct:
            best, logits, found = other, tried, _of(tried, images, other[0])
    rest = len(images.labels) - first
    if rest > 0 and time.monotonic() + seconds * rest / first < until:
        logits = torch.cat([logits, _logits(visit, images.images[first:], best)])
    return _of(logits, images, best[0])


def _logits(visit: Visit, images: Tensor, preparation: tuple[str, float, float]) -> Tensor:
    """(n, 10) in eval mode, in the handout's batches: a layer that mixes the samples of a batch is charged in 4(a)."""
    _, mean, deviation = preparation
    return torch.cat(
        [_answer(visit, (prepared(batch) - mean) / deviation) for batch in torch.split(images, TRAINING.batch_size)]
    )


def _answer(visit: Visit, batch: Tensor) -> Tensor:
    output = visit.forward(batch).output
    observe.right_shape(output.shape, (len(batch), digits.CLASSES), "(images, classes)")
    if not bool(torch.isfinite(output).all()):
        raise Unmet("with these weights its outputs are nan or inf")
    return output.float()


def _of(logits: Tensor, images: Images, how: str) -> Measure:
    right = int((logits.argmax(-1) == images.labels[: len(logits)]).sum())
    whole = len(logits) == len(images.labels)
    constant = close(logits, logits[:1].expand_as(logits), rtol=1e-3)
    name = f"of {images.name}" if images.mnist else images.name
    return Measure(right, len(logits), name, images.mnist, images.mnist and whole, how, constant)
