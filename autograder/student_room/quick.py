"""Makes a full run's step quicker without changing what it computes: what is not exact is not taken.

    heads     the provided Attention's heads in one batched call (`stacked`)
    step      forward and backward recorded once as tensor operations (`recorded`), masks of dropout drawn by `masks`
    threads   as many as take least time

Why separate: each way is tried first. Here it is decided, beside the student's code and about their code alone. What
does not give the plain loop's numbers, or cannot be told to, is left as it stands, and a line says why. Nothing here
may change the model.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from autograder.student_room import masks, program, python_state, recorded, stacked
from autograder.student_room.training import prepared

# Gradients of two ways to compute the same differ by rounding: 3e-6 of a tensor's largest for the handout's model, over
# ten styles and seeds; another formula's by 1e-2 or more. A tensor that should be zero is all rounding, hence FLOOR.
SAME, FLOOR = 1e-3, 1e-5
TRIALS = 5  # timed steps for each number of threads

Gradients = Callable[[Tensor, Tensor], tuple[Any, ...]]


class Quick(NamedTuple):
    """How the steps are to be computed. `step` None: by the plain loop. `reseed` is called before each request.

    `pure`: a step depends on tensors alone, so that its Python need not run again.
    """

    step: Gradients | None
    reseed: Callable[[int], None]
    notes: tuple[str, ...]
    pure: bool = False


def quicken(model: nn.Module, attention: object, images: Tensor, labels: Tensor, *, record: bool = True) -> Quick:
    """What can be done for steps on batches like this one: uint8 (batch, 28, 28) with labels, int64 (batch,).

    `record`: not where steps are captured otherwise.
    """
    kept = torch.get_rng_state()
    try:
        return _quicken(model, attention, images, labels, record)
    finally:
        torch.set_rng_state(kept)


def _quicken(model: nn.Module, attention: object, images: Tensor, labels: Tensor, record: bool) -> Quick:
    if why := _leaves_something(model, images, labels):
        return Quick(None, _nothing, (f"your code is run as it stands, step by step: {why}",))
    notes = [f"heads: {_stacked(model, attention, images, labels)}"]
    if not record:
        return Quick(None, _nothing, tuple(notes), pure=True)
    try:
        step, reseed = _recorded(model, images, labels)
    except Exception as error:  # tracing meets whatever a student's code does
        notes.append(f"steps: run as they stand, since they cannot be recorded ({short(error)})")
        return Quick(None, _nothing, tuple(notes))
    notes.append("steps: recorded once, then run without Python and autograd")
    return Quick(step, reseed, tuple(notes), pure=True)


def gradients(model: nn.Module) -> Gradients:
    """step(images, labels) -> loss, how many were right, and the gradient, or None, of each parameter to be trained."""
    parameters = [p for p in model.parameters() if p.requires_grad]

    def step(images: Tensor, labels: Tensor) -> tuple[Any, ...]:
        logits = model(prepared(images))
        loss = F.cross_entropy(logits, labels)
        right = (logits.detach().argmax(-1) == labels).sum()
        return loss.detach(), right, *torch.autograd.grad(loss, parameters, allow_unused=True)

    return step


def _leaves_something(model: nn.Module, images: Tensor, labels: Tensor) -> str:
    """Why a step is more than its tensors; "" when running it again does the same again. Tried on a copy."""
    try:
        trial = copy.deepcopy(model).train()
        step = gradients(trial)
        step(images, labels)  # what is made at the first call, and kept, is there from the second on
        before = python_state.fingerprint(trial, program.MODULES)
        step(images, labels)
        after = python_state.fingerprint(trial, program.MODULES)
    except Exception as error:
        return short(error)
    return "" if before == after else "a forward leaves something behind, in self or elsewhere"


def _stacked(model: nn.Module, attention: object, images: Tensor, labels: Tensor) -> str:
    """What was done with the heads, in words."""
    try:
        if not isinstance(attention, type):
            raise ValueError("the Attention is not the provided one")
        expected = _answers(model, images, labels)
        undo = stacked.stack(model, attention)
    except Exception as error:
        return f"one after another ({short(error)})"
    try:
        why = "" if same(_answers(model, images, labels), expected) else "at once they give other numbers"
    except Exception as error:
        why = short(error)
    if why:
        undo()
        return f"one after another ({why})"
    return "all of a layer in one batched call"


def _answers(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Any, ...]:
    """Loss and gradients in train mode, where dropout only scales, and the logits in eval mode."""
    with Scaled():
        trained = gradients(model.train())(images, labels)
    with torch.no_grad():
        return *trained, model.eval()(prepared(images))


class Scaled(TorchFunctionMode):
    """A factor that tells dropout's probability in its place: nothing is random, another probability is noticed."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Passes everything on but dropout."""
        if func is F.dropout or func is torch.dropout:
            return _scaled(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _scaled(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, train: bool = True) -> Tensor:
    return input * (1 - p) if training and train else input * 1


def _recorded(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Gradients, Callable[[int], None]]:
    """The recorded step, and what seeds its masks. Raises what recording raises, ValueError where it is not exact."""
    eager = gradients(model.train())
    graph = recorded.record(eager, images, labels)
    for turn in range(3):  # other images under other names, the same random numbers
        some, names = images.roll(turn, -1), labels.roll(turn)
        torch.manual_seed(turn)
        expected = eager(some, names)
        torch.manual_seed(turn)
        with torch.no_grad():
            if not same(graph(some, names), expected):
                raise ValueError("they give other numbers")
    drawing = [masks.maker(0)]

    def draw(shape: Sequence[int], p: float) -> Tensor:
        return drawing[0](shape, p)

    recorded.draw_masks_by(graph, draw)

    def reseed(seed: int) -> None:
        drawing[0] = masks.maker(seed)

    return torch.no_grad()(graph.forward), reseed


def same(actual: Sequence[Any], expected: Sequence[Any]) -> bool:
    """Whether all tensors are equal but for rounding; None stands for a gradient that does not reach its parameter."""
    if [value is None for value in actual] != [value is None for value in expected]:
        return False
    pairs = [(a.double(), e.double()) for a, e in zip(actual, expected) if e is not None]
    if any(a.shape != e.shape or not bool(torch.isfinite(a).all()) for a, e in pairs):
        return False
    floor = FLOOR * max((float(e.abs().max()) for _, e in pairs if e.dim() > 0 and e.numel()), default=0.0)
    return all(float((a - e).abs().max()) <= SAME * float(e.abs().max()) + floor for a, e in pairs if e.numel())


def fastest(step: Callable[[], object], most: int) -> tuple[int, str]:
    """(threads, words): of 1 and `most`, what runs `step` faster, by turns, each measured in the same moments."""
    choices = sorted({1, most})
    seconds: dict[int, list[float]] = {count: [] for count in choices}
    for _ in range(TRIALS):
        for count in choices:
            torch.set_num_threads(count)
            step()  # a pool of threads is made at its first use
            start = time.perf_counter()
            step()
            seconds[count].append(time.perf_counter() - start)
    best = min(choices, key=lambda count: statistics.median(seconds[count]))
    torch.set_num_threads(best)
    times = ", ".join(f"{statistics.median(seconds[count]) * 1e3:.0f} ms with {count}" for count in choices)
    return best, f"threads: {best} (a step takes {times})"


def _nothing(seed: int) -> None:
    """The plain loop's dropout is seeded with torch's generator."""


def short(error: Exception) -> str:
    """Why, in a few words: the first line of what was raised."""
    text = str(error).strip().split("\n")[0][:120]
    return f"{type(error).__name__}: {text}" if not isinstance(error, (ValueError, python_state.Opaque)) else text
