"""Which matrices belong to which half of a layer of 4(b), by their sizes, and the layer with one half silent.

Why separate: it needs no roles. Those who ask a layer need it before any role is known.
"""

from __future__ import annotations

import torch
from torch import Tensor

from autograder.judging.code.cases import LayerCase
from autograder.judging.code.weights import Weights, is_vector


def silenced(weights: Weights, case: LayerCase, without: str) -> dict[str, Tensor]:
    """The weights with every matrix of one half set to zero: that half of the layer adds nothing.

    A matrix belongs to the attention when one of its axes counts heads or their features, in whatever number, to the
    MLP otherwise: so a half of a wrong size is silenced too, and does not spoil the judging of the other.
    """
    quiet = matrices(weights, case, without)
    return {name: torch.zeros_like(w) if name in quiet else w for name, w in weights.items()}


def matrices(weights: Weights, case: LayerCase, half: str) -> frozenset[str]:
    """The names of the matrices that belong to a half, "attention" or "mlp", by their sizes."""
    return frozenset(
        name
        for name, w in weights.items()
        if not is_vector(w.shape) and any(_counts_heads(n, case) for n in w.shape) == (half == "attention")
    )


def _counts_heads(size: int, case: LayerCase) -> bool:
    if size == case.mlp_dim or size % case.dim == 0 or size == 1:
        return False
    usual = size in (case.heads, case.heads * (case.dim // case.heads))
    return usual or size % case.dim_head == 0 or (case.heads > 2 and size % case.heads == 0)
