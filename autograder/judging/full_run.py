"""The full run of 4(c) with the student's layers: epochs in one visit, the test in a second, fresh one.

Why separate: `observe_training` watches a short training to judge it; this trains in earnest and judges nothing. Every
number that counts is worked out here, from logits on images whose labels never enter the student's room; the losses
of the training itself are the child's word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.core.errors import UsageError
from autograder.core.events import Began, Epoch, Event, Kept, Measured, Stepped, Train
from autograder.core.policy import CAPS, TRAINING
from autograder.core.tensor_file import Stored
from autograder.judging import observe
from autograder.judging.code.cases import ModelCase
from autograder.judging.code.compare import close
from autograder.judging.expect import Unmet
from autograder.judging.training import digits, submitted
from autograder.judging.training.full_data import Digits
from autograder.judging.training.measured import interval
from autograder.judging.visit import Student, Visit
from autograder.sandbox.wire import Reply

MODEL = "4c"
# Steps and images of one request: a second or less on a CPU, so that the progress moves and a limit is noticed.
STEPS, IMAGES = 20, 512
ADAM = ("adam.mean", "adam.square", "adam.steps")  # names in a checkpoint that no parameter has
WEIGHTS = "model."  # what stands before a parameter's own name there
# Of the fresh process's logits against the training one's, relative to the largest. Equal weights give equal numbers.
SAME = 1e-3

_NAMES = {"float32": "F32", "float64": "F64", "float16": "F16", "int64": "I64", "uint8": "U8"}


def run(student: Student, order: Train, drawn: Digits) -> Iterator[Event]:
    """What happens, as it does.

    Raises Unmet or Missing when the student's classes cannot be trained, UsageError when the device cannot be had.
    """
    case = _case(order.seed)
    with student.visit(MODEL, alone=True) as visit:
        visit.build(case)
        if order.saved is not None:
            _load(visit, submitted.tensors(order.saved))
        held = _hold(visit, order, drawn.training, quick=not order.plain)
        if order.saved is not None:
            _resume(visit, submitted.tensors(order.saved))
        device, *notes = held.notes or ("",)
        yield Began(device, drawn.name, len(drawn.training[1]), _digest(drawn), held.made, tuple(notes))
        for number in range(order.done + 1, order.epochs + 1):
            loss = yield from _epoch(visit, order, number, len(drawn.training[1]))
            yield from _kept(visit)
            yield _validated(visit, number, loss, drawn)
        weights, there = visit.save(), _logits(visit, drawn.validation[0][: order.batch_size])
    with student.visit(MODEL) as visit:
        yield _measured(visit, order, drawn, weights, there)


def _case(seed: int) -> ModelCase:
    """The handout's model, with the dropout of the template's own call."""
    sizes = {"dim": 64, **TRAINING.sizes}
    return ModelCase(seed, **sizes, dropout=TRAINING.dropout, emb_dropout=TRAINING.dropout)


def _ask(visit: Visit, op: str, fields: Mapping[str, object], *tensors: Tensor, doing: str) -> list[Tensor]:
    return visit.ask(op, fields, tensors, doing=doing, seconds=CAPS.request_seconds)[1]


def _hold(visit: Visit, order: Train, images: tuple[Tensor, Tensor], *, quick: bool) -> Reply:
    fields = {"batch": order.batch_size, "rate": TRAINING.rate, "quick": quick, "threads": order.threads,
              "device": order.device,
              "seed": seed_of(order.seed, "hold")}  # fmt: skip
    doing, seconds = "beginning the training", CAPS.request_seconds
    held = visit.ask("hold", fields, images, doing=doing, seconds=seconds)[0]
    if not held.made:
        raise UsageError(f"--device {order.device}: {' '.join(held.notes)}")
    return held


def _load(visit: Visit, saved: Mapping[str, Tensor]) -> None:
    visit.load({name.removeprefix(WEIGHTS): value for name, value in saved.items() if name.startswith(WEIGHTS)})


def _resume(visit: Visit, saved: Mapping[str, Tensor]) -> None:
    _ask(visit, "resume", {}, *(saved[name] for name in ADAM), doing="going on from the checkpoint")


def seed_of(*parts: object) -> int:
    """A seed for a part of the run, which shifts no other part's."""
    return int.from_bytes(hashlib.sha256(":".join(map(str, parts)).encode()).digest()[:4], "little")


def _epoch(visit: Visit, order: Train, number: int, images: int) -> Generator[Event, None, float]:
    """Trains on every image once; returns the mean loss over them."""
    generator = torch.Generator().manual_seed(seed_of(order.seed, "order", number))
    total, right, done = 0.0, 0, 0
    for index, chosen in enumerate(torch.split(torch.randperm(images, generator=generator), STEPS * order.batch_size)):
        seed = seed_of(order.seed, "steps", number, index)
        sizes = torch.tensor([len(part) for part in torch.split(chosen, order.batch_size)], dtype=torch.float64)
        losses, hits = _losses(_ask(visit, "steps", {"seed": seed}, chosen, doing=f"training, epoch {number}"))
        if len(losses) < len(sizes) or not bool(torch.isfinite(losses).all()):
            raise Unmet(
                f"training, epoch {number}: the loss was nan or infinite after {done // order.batch_size + len(losses)}"
                " steps",
                fix="look for a division by what may be 0, a log or a root of it, or weights that begin far too large",
            )
        total, right, done = total + float((losses * sizes).sum()), right + int(hits.sum()), done + len(chosen)
        yield Stepped(number, done, total / done, 100 * right / done)
    return total / done


def _losses(tensors: list[Tensor]) -> tuple[Tensor, Tensor]:
    if len(tensors) != 2 or any(t.dim() != 1 for t in tensors) or len(tensors[0]) != len(tensors[1]):
        raise Unmet("training: no losses came back")
    return tensors[0].double(), tensors[1].clamp(0, 10**6)


def _kept(visit: Visit) -> Iterator[Event]:
    weights = {f"{WEIGHTS}{name}": value for name, value in visit.save().items()}
    adam = dict(zip(ADAM, _ask(visit, "pause", {}, doing="reading the optimiser's state")))
    for name, value in {**weights, **adam}.items():
        dtype = _NAMES[str(value.dtype).removeprefix("torch.")]
        yield Kept(Stored(name, dtype, tuple(value.shape), value.contiguous().numpy().tobytes()))


def _validated(visit: Visit, number: int, loss: float, drawn: Digits) -> Epoch:
    logits, labels = _logits(visit, drawn.validation[0]), drawn.validation[1]
    right = int((logits.argmax(-1) == labels).sum())
    return Epoch(number, loss, float(F.cross_entropy(logits, labels)), 100 * right / len(labels))


def _logits(visit: Visit, images: Tensor) -> Tensor:
    """(n, 10), float32, in eval mode and batches of the training's size."""
    parts = []
    for some in torch.split(images, IMAGES):
        answer = _ask(visit, "logits", {}, some, doing="looking at images in eval mode")
        observe.right_shape(answer[0].shape if answer else (), (len(some), digits.CLASSES), "(images, classes)")
        parts.append(answer[0].float())
    logits = torch.cat(parts)
    if not bool(torch.isfinite(logits).all()):
        raise Unmet("looking at images in eval mode: the outputs are nan or infinite")
    return logits


def _measured(visit: Visit, order: Train, drawn: Digits, weights: Mapping[str, Tensor], there: Tensor) -> Measured:
    """The saved weights in a fresh process, with other initial ones: what is not loaded is not the same by luck."""
    visit.build(_case(order.seed + 1))
    _hold(visit, order, (drawn.training[0][:0], drawn.training[1][:0]), quick=False)
    visit.load(weights)
    notes = []
    if not close(_logits(visit, drawn.validation[0][: len(there)]), there, rtol=SAME):
        notes.append(
            "the saved weights, put into a new model, give other answers than the model that was trained: is every"
            " layer assigned to self, or in an nn.ModuleList? The accuracy is that of the saved weights."
        )
    images, labels = drawn.test
    right = int((_logits(visit, images).argmax(-1) == labels).sum())
    low, high = interval(right, len(labels))
    name = "of MNIST's test images" if drawn.mnist else "bundled test digits, which are of MNIST's training set"
    return Measured(right, len(labels), round(low, 2), round(high, 2), name, tuple(notes))


def _digest(drawn: Digits) -> str:
    """Of all images and labels: a run goes on with the very ones that it began with."""
    content = hashlib.sha256()
    for part in (*drawn.training, *drawn.validation, *drawn.test):
        content.update(part.numpy().tobytes())
    return content.hexdigest()
