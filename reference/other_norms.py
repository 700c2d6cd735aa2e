"""Wrong layers of 4(b) that normalise, and not each token for itself over its features: over other axes, or too little.

Why separate: `wrong_layers` holds what stands in the wrong place; here each thing is in its place, and is another one.
Every formula maps x, (batch, tokens, dim), to the same shape.
"""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from autograder.judging.code.layer_parts import LayerFormula, LayerParts, Norm

Normalise = Callable[[Tensor, float], Tensor]  # (x, what is added to the variance) -> x without gain and shift


def _layer(normalise: Normalise) -> LayerFormula:
    """The right layer with `normalise` in both places."""

    def formula(x: Tensor, parts: LayerParts) -> Tensor:
        x = x + F.linear(parts.attention(_scaled(normalise, x, parts.norm1)), *parts.projection)
        hidden = parts.activation(F.linear(_scaled(normalise, x, parts.norm2), *parts.fc1))
        return x + F.linear(hidden, *parts.fc2)

    return formula


def _scaled(normalise: Normalise, x: Tensor, norm: Norm) -> Tensor:
    plain = normalise(x, norm.eps)
    plain = plain if norm.gain is None else plain * norm.gain
    return plain if norm.shift is None else plain + norm.shift


def _over(*axes: int) -> Normalise:
    """Mean and variance over these axes: 0 is the batch, 1 the tokens, 2 the features."""

    def normalise(x: Tensor, eps: float) -> Tensor:
        centred = x - x.mean(axes, keepdim=True)
        return centred * (centred.square().mean(axes, keepdim=True) + eps).rsqrt()

    return normalise


def _unit(x: Tensor, eps: float) -> Tensor:
    return F.normalize(x, dim=-1)


def _centred(x: Tensor, eps: float) -> Tensor:
    return x - x.mean(-1, keepdim=True)


def _n_minus_1(x: Tensor, eps: float) -> Tensor:
    """By hand with `Tensor.std`, which divides by n - 1 unless it is told not to."""
    shrunk: Tensor = F.layer_norm(x, x.shape[-1:], eps=eps) * (1 - 1 / x.shape[-1]) ** 0.5
    return shrunk


def _root_mean_square(x: Tensor, eps: float) -> Tensor:
    """Without taking the mean away: x / √(mean(x²) + eps)."""
    return x * (x.square().mean(-1, keepdim=True) + eps).rsqrt()


def _eps_of(large: float) -> Normalise:
    """Whatever it should be, this is added to the variance: so much that small tokens stay small."""
    return lambda x, eps: F.layer_norm(x, x.shape[-1:], eps=large)


over_samples = _layer(_over(1, 2))
over_tokens = _layer(_over(1))
over_batches = _layer(_over(0, 1))
unit_length = _layer(_unit)
centred = _layer(_centred)
deviation_of_a_sample = _layer(_n_minus_1)
root_mean_square = _layer(_root_mean_square)
large_eps = _layer(_eps_of(1.0))
eps_of_a_tenth = _layer(_eps_of(0.1))
