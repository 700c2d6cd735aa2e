"""A full training run in the student's room: the notebook's loop over images that stay in memory.

Why separate: `training` is the short loop of the smoke test; a run lasts for minutes, is asked for a few steps at a
time, and can be put aside and taken up again: `saved` is all of the optimiser that the next step depends on. What is
drawn (the order of the images, the seed of a request) comes from the trusted room. The losses are advisory.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.student_room.training import prepared


def warm_up() -> None:
    """Sets up what a run needs of torch: `torch.optim` imports `torch._dynamo`, which a locked-down child must not."""
    weight = torch.zeros(1, requires_grad=True)
    adam = torch.optim.Adam([weight], lr=1.0)
    weight.sum().backward()  # type: ignore[no-untyped-call]
    adam.step()


class FullRun:
    """A model, its Adam, and the images that it is trained on: uint8 (n, 28, 28) with labels, int64 (n,)."""

    def __init__(self, model: nn.Module, images: Tensor, labels: Tensor, *, batch: int, rate: float) -> None:
        self.model = model
        self.images, self.labels = images, labels
        self.batch = batch
        self.adam = torch.optim.Adam(model.parameters(), lr=rate)

    def steps(self, order: Tensor) -> tuple[Tensor, Tensor]:
        """A step for each batch of `order`, int64 (n,), which tells images by number.

        Gives the mean loss of each batch before its step, float64, and how many of it were right, int64. Ends early on
        a loss that is not finite.
        """
        losses, hits = [], []
        self.model.train()
        for chosen in torch.split(order, self.batch):
            loss, right = self._step(prepared(self.images[chosen]), self.labels[chosen])
            losses.append(loss)
            hits.append(right)
            if not math.isfinite(loss):
                break
        return torch.tensor(losses, dtype=torch.float64), torch.tensor(hits, dtype=torch.int64)

    def _step(self, images: Tensor, labels: Tensor) -> tuple[float, int]:
        logits = self.model(images)
        loss = F.cross_entropy(logits, labels)
        self.adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.adam.step()
        return loss.item(), int((logits.argmax(-1) == labels).sum())

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """(n, 10) in eval mode, in batches as large as those of the training. images: uint8 (n, 28, 28)."""
        self.model.eval()
        return torch.cat([self.model(prepared(some)) for some in torch.split(images, self.batch)])

    def saved(self) -> tuple[Tensor, Tensor, Tensor]:
        """Adam's two means, over all parameters one after the other, and its count of steps for each parameter."""
        states = [self.adam.state.get(p, {}) for p in self.model.parameters()]
        parameters = list(self.model.parameters())
        mean, square = (
            torch.cat([state.get(key, torch.zeros_like(p)).flatten() for state, p in zip(states, parameters)])
            for key in ("exp_avg", "exp_avg_sq")
        )
        return mean, square, torch.tensor([float(state.get("step", 0.0)) for state in states])

    def restore(self, mean: Tensor, square: Tensor, steps: Tensor) -> None:
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
