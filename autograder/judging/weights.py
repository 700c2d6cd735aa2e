"""Weights that the trusted room draws for *all* parameters of a student's module, by name and shape.

Large enough that a forgotten scale or a wrong axis is far outside the tolerance, small enough that float32 rounding
stays far inside it. A single number (shape () or (1,)) is left as the student made it: it may be their √d.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from autograder.judging.cases import normal
from autograder.sandbox.wire import ParameterSpec

# Standard deviation of a projected feature for a unit-variance input. Attention logits then have a deviation of about
# GAIN**2 = 1.7: the softmax is neither flat (where every wrong axis looks alike) nor one-hot.
GAIN = 1.3

Weights = Mapping[str, Tensor]


def draw(seed: int, parameters: Iterable[ParameterSpec], *, biases: bool) -> dict[str, Tensor]:
    """Random float32 weights by parameter name.

    Vectors named `weight` (a normalisation's scale) stand around 1. All other vectors are biases: random when
    `biases`, else zero, so that an unwanted bias costs its own test and no other.
    """
    return {p.name: _one(_seed(seed, p), p, biases) for p in parameters if _size(p.shape) > 1}


def _one(seed: int, parameter: ParameterSpec, biases: bool) -> Tensor:
    noise = normal(seed, *parameter.shape)
    wide = [size for size in parameter.shape if size > 1]
    if len(wide) > 1:
        return noise * (GAIN / math.sqrt(wide[-1]))
    if is_scale(parameter.name):
        return 1 + noise * 0.3 if biases else torch.ones_like(noise)
    return noise * 0.5 if biases else torch.zeros_like(noise)


def is_scale(name: str) -> bool:
    """Whether a vector of this name multiplies (LayerNorm's `weight`, a hand-made `gamma`) rather than adds."""
    leaf = name.rsplit(".", 1)[-1].lower()
    return "weight" in leaf or "gamma" in leaf or "scale" in leaf or leaf in {"g", "w", "alpha", "a", "a_2"}


def _seed(seed: int, parameter: ParameterSpec) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{parameter.name}:{parameter.shape}".encode()).digest()[:4], "little")


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size
