"""Wrong layers of 4(b) with one function too many: on a sum, or on what a half adds to it.

Why separate: each block and each sum is in its place, and only something between them bends. Every formula maps x,
(batch, tokens, dim), to the same shape.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.judging.code.layer_parts import LayerFormula, LayerParts
from reference.encoder import layer, normalised

Bend = Callable[[Tensor, LayerParts], Tensor]


def relu(x: Tensor, parts: LayerParts) -> Tensor:
    """Whatever the activation of the MLP is."""
    return torch.relu(x)


def tanh(x: Tensor, parts: LayerParts) -> Tensor:
    """Whatever the activation of the MLP is."""
    return torch.tanh(x)


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
