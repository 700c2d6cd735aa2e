"""A full training run in the student's room: the notebook's loop over images that stay in memory.

Why separate: `training` is the short loop of the smoke test; a run lasts for minutes, is asked for a few steps at a
time, and can be put aside and taken up again: `saved` is all of the optimiser that the next step depends on. What is
drawn (the order of the images, the seed of a request) comes from the trusted room. The losses are advisory.
"""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from autograder.student_room import masks, quick, recorded
from autograder.student_room.captured import Capture, Captured, by_cuda
from autograder.student_room.quick import Quick
from autograder.student_room.training import prepared

# Recording and trying takes as long as some fifty steps: a shorter epoch is not worth it.
WORTH = 50  # steps of an epoch


def warm_up(device: str = "cpu") -> None:
    """Sets up what a run needs of torch, before the fork: `torch.optim` and `fx` import files that a child must not.

    Where children use a GPU these are imported and no more: Adam's step asks CUDA whether a graph is being captured.
    """
    if device != "cpu":
        importlib.import_module("torch._dynamo")
        return
    weight = torch.zeros(1, requires_grad=True)
    adam = fused([weight], 1.0)
    weight.sum().backward()  # type: ignore[no-untyped-call]
    adam.step()
    masks.maker(0)((2,), 0.5)
    recorded.record(lambda x, y: (x @ y, torch.func.vmap(torch.sum)(x)), torch.ones(2, 2), torch.ones(2, 2))


def device_for(asked: str) -> tuple[str, str]:
    """("cuda" or "cpu", words) for "cpu", "cuda" or "auto". Raises RuntimeError where "cuda" cannot be had."""
    if asked == "cpu":
        return "cpu", "on the CPU"
    why = _without_cuda()
    if not why:
        return "cuda", f"on the GPU: {torch.cuda.get_device_name()}"
    if asked == "cuda":
        raise RuntimeError(f"torch {torch.__version__} cannot use a GPU here: {why}")
    return "cpu", f"on the CPU: torch {torch.__version__} cannot use the GPU, {why}"


def _without_cuda() -> str:
    """Why CUDA cannot be used, by using it: that a card is there does not mean that it answers. "" when it can."""
    if not torch.cuda.is_available():
        return "it was built for CPUs alone" if torch.version.cuda is None else "CUDA finds none in the sandbox"
    try:
        torch.ones(1, device="cuda").sum().item()
    except Exception as error:  # an old driver, a card in exclusive use, no memory left: whatever torch raises
        return f"CUDA does not start in the sandbox ({quick.short(error)})"
    return ""


class FullRun:
    """A model, its Adam, and the images that it is trained on: uint8 (n, 28, 28) with labels, int64 (n,).

    All of them are on `device`; what comes from the trusted room, and what goes back, is on the CPU.
    """

    def __init__(
        self, model: nn.Module, images: Tensor, labels: Tensor, *, batch: int, rate: float, device: str = "cpu"
    ) -> None:
        self.device = torch.device(device)
        if device != "cpu":
            torch.set_float32_matmul_precision("high")  # TF32: products with 10 bits of each factor, sums in float32
        self.model = model.to(self.device)
        self.images, self.labels = images.to(self.device), labels.to(self.device)
        self.batch, self.rate = batch, rate
        self.trained = [p for p in model.parameters() if p.requires_grad]
        self.adam: torch.optim.Optimizer = torch.optim.Adam(list(model.parameters()), lr=rate)
        self.quick = Quick(None, lambda seed: None, ())
        self.captured: Captured | None = None
        self.threads = 1

    def answer(self, op: str, *tensors: Tensor, **fields: Any) -> list[Tensor]:
        """What one request of a run that is under way is answered by: see `worker`."""
        operations: dict[str, Callable[..., Iterable[Tensor]]] = {
            "steps": self.steps,
            "logits": lambda images: [self.logits(images)],
            "pause": self.saved,
            "resume": self.restore,
        }
        return list(operations[op](*tensors, **fields))

    def quicken(self, attention: object, threads: int, capture: Capture = by_cuda) -> tuple[str, ...]:
        """Tries what makes the steps quicker, and says what was done; `threads` 0: as many as take least time."""
        if len(self.labels) < WORTH * self.batch:
            return ("an epoch is too short to try what would make the steps quicker",)
        some, names = self.images[: self.batch], self.labels[: self.batch]
        on_cpu = self.device.type == "cpu"
        self.quick = quick.quicken(self.model, attention, some, names, record=on_cpu)
        self.adam = fused(list(self.model.parameters()), self.rate, capturable=not on_cpu)
        if not on_cpu:
            return (*self.quick.notes, self._capture(capture))
        step = self.quick.step or quick.gradients(self.model.train())
        said = f"threads: {threads}"
        if threads:
            torch.set_num_threads(threads)
        else:
            threads, said = quick.fastest(lambda: step(some, names), len(os.sched_getaffinity(0)))
        self.threads = threads
        return (*self.quick.notes, said)

    def _capture(self, capture: Capture) -> str:
        """Lets whole steps be launched at once; what was done, in words."""
        if not self.quick.pure:
            return "steps: launched one by one"
        example = torch.arange(self.batch, device=self.device)
        changed = [*self.model.parameters(), *self.model.buffers()]
        try:
            self.model.train()
            self.captured = Captured(self._together, example, changed, self._state, capture)
        except Exception as error:  # what a graph cannot hold is told by whatever torch raises
            self.adam = fused(list(self.model.parameters()), self.rate, capturable=False)
            return f"steps: launched one by one, since they cannot be captured ({quick.short(error)})"
        return "steps: captured as one CUDA graph, products in TF32"

    def _state(self) -> list[Tensor]:
        return [value for state in self.adam.state.values() for value in state.values() if isinstance(value, Tensor)]

    def steps(self, order: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """A step for each batch of `order`, int64 (n,), which tells images by number.

        Gives the mean loss of each batch before its step, float64, and how many of it were right, int64. On a CPU it
        ends early on a loss that is not finite; elsewhere looking at each would make the steps wait for each other.
        """
        answers = []
        self.model.train()
        self.quick.reseed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        for chosen in torch.split(order.to(self.device), self.batch):
            full = self.captured if len(chosen) == self.batch else None
            answers.append((full or self._together)(chosen))
            if self.device.type == "cpu" and not math.isfinite(float(answers[-1][0])):
                break
        losses, hits = (torch.stack(column).cpu() for column in zip(*answers))
        return losses.double(), hits.long()

    def _together(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        images, labels = self.images[chosen], self.labels[chosen]
        recording = self.quick.step if len(labels) == self.batch else None  # recorded for batches of one size
        loss, right, *gradients = (recording or quick.gradients(self.model))(images, labels)
        for parameter, gradient in zip(self.trained, gradients):
            parameter.grad = laid_out_as(parameter, gradient)
        self.adam.step()
        return loss, right

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """(n, 10) in eval mode, in batches as large as those of the training. images: uint8 (n, 28, 28)."""
        self.model.eval()
        parts = torch.split(images.to(self.device), self.batch)
        return torch.cat([self.model(prepared(some)) for some in parts]).float()

    def saved(self) -> tuple[Tensor, Tensor, Tensor]:
        """Adam's two means, over all parameters one after the other, and its count of steps for each parameter."""
        parameters = list(self.model.parameters())
        states: list[dict[str, Any]] = [self.adam.state.get(p, {}) for p in parameters]
        mean, square = (
            torch.cat([state.get(key, torch.zeros_like(p)).flatten() for state, p in zip(states, parameters)]).cpu()
            for key in ("exp_avg", "exp_avg_sq")
        )
        return mean, square, torch.tensor([float(state.get("step", 0.0)) for state in states])

    def restore(self, mean: Tensor, square: Tensor, steps: Tensor) -> tuple[()]:
        """Goes on from what `saved` gave, for a model of the same parameters."""
        parameters = list(self.model.parameters())
        sizes = [p.numel() for p in parameters]
        parts = zip(parameters, torch.split(mean, sizes), torch.split(square, sizes), steps)
        for p, first, second, count in parts:
            kept = self.adam.state[p]
            if count == 0 and not kept:  # a parameter that no gradient ever reached has no state
                continue
            new = {"step": count, "exp_avg": first.view_as(p), "exp_avg_sq": second.view_as(p)}
            for name, value in new.items():
                if name in kept:  # a captured step knows the place
                    kept[name].copy_(value)
                else:
                    kept[name] = value.clone() if name == "step" else value.to(p.device, copy=True)
        return ()


def laid_out_as(parameter: Tensor, gradient: Tensor | None) -> Tensor | None:
    """The gradient in its parameter's own layout: Adam's one call goes through memory, and not through indices."""
    if gradient is None or gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)


def fused(parameters: list[Tensor], rate: float, *, capturable: bool = False) -> torch.optim.Optimizer:
    """Adam over all parameters in one call: the same formula as its default, one parameter after another."""
    try:
        return torch.optim.Adam(parameters, lr=rate, fused=True, capturable=capturable)
    except RuntimeError:  # before torch 2.4 on a CPU, and for dtypes that its kernel has not
        return torch.optim.Adam(parameters, lr=rate, foreach=True, capturable=capturable)
