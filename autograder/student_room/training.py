"""Training in the student's room: the notebook's loop, on digits and a model that the trusted room chose.

Why separate: `worker` answers, this trains; and a full run later starts from the same three parts, which are the images
as the notebook prepares them, Adam, and steps over batches. The losses are advisory: this runs beside the student's
code. What counts is what the trained weights do afterwards, in another process, on digits that never came here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def prepared(images: Tensor) -> Tensor:
    """The notebook's `ToTensor`: uint8 (n, 28, 28) -> float32 (n, 1, 28, 28) from 0 to 1."""
    return images.unsqueeze(1).to(torch.float32) / 255


class Adam:
    """Adam (Kingma and Ba, algorithm 1) with torch's own betas and eps, over all parameters as one vector.

    Why not `torch.optim.Adam`, which gives the same numbers: a step of it takes four times as long at this size (35
    parameters: 1.9 and 0.5 ms). A parameter that no gradient reached counts as one whose gradient is zero: it stays
    where it is.
    """

    BETA1, BETA2, EPS = 0.9, 0.999, 1e-8

    def __init__(self, parameters: Iterable[Tensor], rate: float) -> None:
        self.parameters = [p for p in parameters if p.requires_grad]
        self.rate = rate
        self.steps = 0
        self.mean = torch.zeros(())  # broadcasts: the first step gives both their size
        self.square = torch.zeros(())

    def clear(self) -> None:
        """Forgets all gradients, so that the next backward adds to none."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One step down the gradients that backward has left."""
        if not self.parameters:
            return
        self.steps += 1
        gradient = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in self.parameters])
        self.mean = self.BETA1 * self.mean + (1 - self.BETA1) * gradient
        self.square = self.BETA2 * self.square + (1 - self.BETA2) * gradient * gradient
        size = (self.square / (1 - self.BETA2**self.steps)).sqrt() + self.EPS
        change = self.mean / size * (-self.rate / (1 - self.BETA1**self.steps))
        for parameter, part in zip(self.parameters, torch.split(change, [p.numel() for p in self.parameters])):
            parameter.add_(part.view_as(parameter))


class Training:
    """A model and its optimiser, which outlive one request: a further one goes on where the last one stopped."""

    def __init__(self, model: nn.Module, rate: float) -> None:
        self.model = model
        self.adam = Adam(model.parameters(), rate)

    def steps(self, images: Tensor, labels: Tensor, batch: int) -> list[float]:
        """One step a batch, in the order given; the loss before each. Ends early on one that is not finite.

        images: uint8 (n, 28, 28); labels: int64 (n,).
        """
        losses: list[float] = []
        self.model.train()
        for some, right in zip(torch.split(images, batch), torch.split(labels, batch)):
            loss = F.cross_entropy(self.model(prepared(some)), right)
            self.adam.clear()
            loss.backward()  # type: ignore[no-untyped-call]
            self.adam.step()
            losses.append(loss.item())
            if not math.isfinite(losses[-1]):
                break
        return losses


def state(model: nn.Module) -> dict[str, Tensor]:
    """What training may change, by name: parameters, and buffers such as running means."""
    return {**dict(model.named_buffers()), **dict(model.named_parameters())}


def unpack_heads(model: nn.Module, attention: type[nn.Module]) -> None:
    """Lets our `Attention` take the first part of what a head returns as a tuple, as the tests of 4(a) do."""
    for module in model.modules():
        if isinstance(module, attention):
            for head in module.attention_heads:  # type: ignore[union-attr]
                head.register_forward_hook(_first)


def _first(head: nn.Module, args: object, output: object) -> object:
    taken = type(output) in (tuple, list) and len(output) and isinstance(output[0], Tensor)  # type: ignore[arg-type,index]
    return output[0] if taken else output  # type: ignore[index]
