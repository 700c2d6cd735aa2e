"""A full training run in the student's room: the notebook's loop over images that stay in memory.

Why separate: `training` is the short loop of the smoke test; a run lasts for minutes, is asked for a few steps at a
time, and can be put aside and taken up again: `saved` is all of the optimiser that the next step depends on. What is
drawn (the order of the images, the seed of a request) comes from the trusted room. The losses are advisory.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from autograder.student_room import masks, quick, recorded
from autograder.student_room.quick import Quick
from autograder.student_room.training import prepared

# Recording and trying takes as long as some fifty steps: a shorter epoch is not worth it.
WORTH = 50  # steps of an epoch


def warm_up() -> None:
    """Sets up what a run needs of torch, before the fork: `torch.optim` and `fx` import files that a child must not."""
    weight = torch.zeros(1, requires_grad=True)
    adam = fused([weight], 1.0)
    weight.sum().backward()  # type: ignore[no-untyped-call]
    adam.step()
    masks.maker(0)((2,), 0.5)
    recorded.record(lambda x, y: (x @ y, torch.func.vmap(torch.sum)(x)), torch.ones(2, 2), torch.ones(2, 2))


class FullRun:
    """A model, its Adam, and the images that it is trained on: uint8 (n, 28, 28) with labels, int64 (n,)."""

    def __init__(self, model: nn.Module, images: Tensor, labels: Tensor, *, batch: int, rate: float) -> None:
        self.model = model
        self.images, self.labels = images, labels
        self.batch = batch
        self.trained = [p for p in model.parameters() if p.requires_grad]
        self.adam: torch.optim.Optimizer = torch.optim.Adam(list(model.parameters()), lr=rate)
        self.quick = Quick(None, lambda seed: None, ())
        self.rate, self.threads = rate, 1

    def answer(self, op: str, *tensors: Tensor, **fields: Any) -> list[Tensor]:
        """What one request of a run that is under way is answered by: see `worker`."""
        operations: dict[str, Callable[..., Iterable[Tensor]]] = {
            "steps": self.steps,
            "logits": lambda images: [self.logits(images)],
            "pause": self.saved,
            "resume": self.restore,
        }
        return list(operations[op](*tensors, **fields))

    def quicken(self, attention: object, threads: int) -> tuple[str, ...]:
        """Tries what makes the steps quicker, and says what was done; `threads` 0: as many as take least time."""
        if len(self.labels) < WORTH * self.batch:
            return ("an epoch is too short to try what would make the steps quicker",)
        some, names = self.images[: self.batch], self.labels[: self.batch]
        self.quick = quick.quicken(self.model, attention, some, names)
        self.adam = fused(list(self.model.parameters()), self.rate)
        step = self.quick.step or quick.gradients(self.model.train())
        said = ""
        if threads:
            torch.set_num_threads(threads)
        else:
            threads, said = quick.fastest(lambda: step(some, names), len(os.sched_getaffinity(0)))
        self.threads = threads
        return (*self.quick.notes, said or f"threads: {threads}")

    def steps(self, order: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """A step for each batch of `order`, int64 (n,), which tells images by number.

        Gives the mean loss of each batch before its step, float64, and how many of it were right, int64. Ends early on
        a loss that is not finite.
        """
        losses, hits = [], []
        self.model.train()
        self.quick.reseed(seed)
        for chosen in torch.split(order, self.batch):
            loss, right = self._step(self.images[chosen], self.labels[chosen])
            losses.append(loss)
            hits.append(right)
            if not math.isfinite(loss):
                break
        return torch.tensor(losses, dtype=torch.float64), torch.tensor(hits, dtype=torch.int64)

    def _step(self, images: Tensor, labels: Tensor) -> tuple[float, int]:
        recording = self.quick.step if len(labels) == self.batch else None  # recorded for batches of one size
        loss, right, *gradients = (recording or quick.gradients(self.model))(images, labels)
        for parameter, gradient in zip(self.trained, gradients):
            parameter.grad = gradient
        self.adam.step()
        return float(loss), int(right)

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """(n, 10) in eval mode, in batches as large as those of the training. images: uint8 (n, 28, 28)."""
        self.model.eval()
        return torch.cat([self.model(prepared(some)) for some in torch.split(images, self.batch)]).float()

    def saved(self) -> tuple[Tensor, Tensor, Tensor]:
        """Adam's two means, over all parameters one after the other, and its count of steps for each parameter."""
        parameters = list(self.model.parameters())
        states: list[dict[str, Any]] = [self.adam.state.get(p, {}) for p in parameters]
        mean, square = (
            torch.cat([state.get(key, torch.zeros_like(p)).flatten() for state, p in zip(states, parameters)])
            for key in ("exp_avg", "exp_avg_sq")
        )
        return mean, square, torch.tensor([float(state.get("step", 0.0)) for state in states])

    def restore(self, mean: Tensor, square: Tensor, steps: Tensor) -> tuple[()]:
        """Goes on from what `saved` gave, for a model of the same parameters."""
        parameters = list(self.model.parameters())
        sizes = [p.numel() for p in parameters]
        parts = zip(parameters, torch.split(mean, sizes), torch.split(square, sizes), steps)
        for p, first, second, count in parts:
            if count > 0:  # a parameter that no gradient ever reached has no state
                self.adam.state[p] = {
                    "step": count.clone(),
                    "exp_avg": first.view_as(p).clone(),
                    "exp_avg_sq": second.view_as(p).clone(),
                }
        return ()


def fused(parameters: list[Tensor], rate: float) -> torch.optim.Optimizer:
    """Adam over all parameters in one call: the same formula as its default, one parameter after another."""
    try:
        return torch.optim.Adam(parameters, lr=rate, fused=True)
    except RuntimeError:  # before torch 2.4 on a CPU, and for dtypes that its kernel has not
        return torch.optim.Adam(parameters, lr=rate, foreach=True)
