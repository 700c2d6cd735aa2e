"""Wrong layers of 4(b) with one function too many: on a sum, or on what a half adds to it.

Why separate: each block and each sum is in its place, and only something between them bends. Every formula maps x,
(batch, tokens, dim), to the same shape. What bends has bounds, which show before any formula is worked out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.judging.code.layer_parts import LayerFormula, LayerParts
from reference.encoder import layer, normalised

Bend = Callable[[Tensor, LayerParts], Tensor]


class Seen(Protocol):
    """What a layer gave: its input and output, (batch, tokens, dim), and the half that was silent, "" for none."""

    x: Tensor
    output: Tensor
    without: str


Shows = Callable[[Sequence[Seen]], bool]
ROUNDED = 1e-5  # of float32, beside values of 1


def sums(low: float, high: float = math.inf, *, without: str | None = None) -> Shows:
    """Whether all outputs are within these bounds; `without`: those with that half silent alone."""

    def shows(seen: Sequence[Seen]) -> bool:
        told = (each.output for each in seen if without in (None, each.without))
        return all(_within(output, low, high) for output in told)

    return shows


def added(low: float, high: float = math.inf, *, without: str) -> Shows:
    """Whether all that is added to x while a half is silent is within these bounds."""

    def shows(seen: Sequence[Seen]) -> bool:
        told = (each.output - each.x for each in seen if each.without == without)
        return all(_within(output, low, high) for output in told)

    return shows


def _within(values: Tensor, low: float, high: float) -> bool:
    return bool(values.min() >= low - ROUNDED) and bool(values.max() <= high + ROUNDED)


def both(first: Shows, second: Shows) -> Shows:
    """Each of the two."""
    return lambda seen: first(seen) and second(seen)


def relu(x: Tensor, parts: LayerParts) -> Tensor:
    """Whatever the activation of the MLP is."""
    return torch.relu(x)


def tanh(x: Tensor, parts: LayerParts) -> Tensor:
    """Whatever the activation of the MLP is."""
    return torch.tanh(x)


def sigmoid(x: Tensor, parts: LayerParts) -> Tensor:
    """Whatever the activation of the MLP is."""
    return torch.sigmoid(x)


def softmax(x: Tensor, parts: LayerParts) -> Tensor:
    """Over the features of each token."""
    return x.softmax(-1)


def activation(x: Tensor, parts: LayerParts) -> Tensor:
    """That of the MLP once more."""
    return parts.activation(x)


def on_the_first_sum(bend: Bend) -> LayerFormula:
    """What goes on from the first sum is bent, also where it is added back."""

    def formula(x: Tensor, parts: LayerParts) -> Tensor:
        x = bend(x + _attend(x, parts), parts)
        return x + _mlp(x, parts)

    return formula


def on_the_second_sum(bend: Bend) -> LayerFormula:
    """The right layer's output is bent."""
    return lambda x, parts: bend(layer(x, parts), parts)


def on_both_sums(bend: Bend) -> LayerFormula:
    """Each sum is bent."""
    first = on_the_first_sum(bend)
    return lambda x, parts: bend(first(x, parts), parts)


def on_the_attention(bend: Bend) -> LayerFormula:
    """What the attention half adds is bent."""

    def formula(x: Tensor, parts: LayerParts) -> Tensor:
        x = x + bend(_attend(x, parts), parts)
        return x + _mlp(x, parts)

    return formula


def on_the_mlp(bend: Bend) -> LayerFormula:
    """What the MLP half adds is bent."""

    def formula(x: Tensor, parts: LayerParts) -> Tensor:
        x = x + _attend(x, parts)
        return x + bend(_mlp(x, parts), parts)

    return formula


def on_what_both_add(bend: Bend) -> LayerFormula:
    """What each half adds is bent."""

    def formula(x: Tensor, parts: LayerParts) -> Tensor:
        x = x + bend(_attend(x, parts), parts)
        return x + bend(_mlp(x, parts), parts)

    return formula


def _attend(x: Tensor, parts: LayerParts) -> Tensor:
    return F.linear(parts.attention(normalised(x, parts.norm1)), *parts.projection)


def _mlp(x: Tensor, parts: LayerParts) -> Tensor:
    return F.linear(parts.activation(F.linear(normalised(x, parts.norm2), *parts.fc1)), *parts.fc2)
