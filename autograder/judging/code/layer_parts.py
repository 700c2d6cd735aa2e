"""The parts of an encoder layer, as explicit tensors: what the search fills in and every formula of 4(b) is given.

Why separate: the search of `layer_roles` makes this record, and the reference and its wrong versions, which the search
must not know, take it. Words only: nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from torch import Tensor

Function = Callable[[Tensor], Tensor]
Affine = tuple[Tensor, Tensor | None]  # weight (out, in), bias (out,) or None

USUAL_EPS = 1e-5  # torch's default


class Norm(msgspec.Struct, frozen=True):
    """A layer normalisation: gain and shift, (dim,), or None where it has none; eps is added to the variance."""

    gain: Tensor | None = None
    shift: Tensor | None = None
    eps: float = USUAL_EPS


class LayerParts(msgspec.Struct, frozen=True, eq=False):
    """What stands where in Figure 1 (handout 4(b)).

    attention: (batch, tokens, dim) -> (batch, tokens, heads * dim_head); projection: heads * dim_head -> dim;
    fc1: dim -> mlp_dim; fc2: mlp_dim -> dim; activation: of any shape, entry by entry.
    """

    norm1: Norm
    attention: Function
    projection: Affine
    norm2: Norm
    fc1: Affine
    fc2: Affine
    activation: Function
    heads: int = 1  # whose features stand side by side in what the attention gives


# (x, parts) -> output, both (batch, tokens, dim): the reference or a misconception
LayerFormula = Callable[[Tensor, LayerParts], Tensor]
