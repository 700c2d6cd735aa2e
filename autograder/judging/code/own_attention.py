"""A layer that brings its own multi-head attention in place of the provided one: its projections, and what they give.

Nobody has to use the provided `Attention`, so a layer that makes no probe head is judged with attention over its own
projections, which experiments find (see `staged`). The attention itself is handed in by the tests.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import torch
from torch import Tensor

from autograder.judging.code.cases import LayerCase
from autograder.judging.code.readings import Slot, block
from autograder.judging.code.weights import Weights

Function = Callable[[Tensor], Tensor]
# (q, k, v, dim), each of the first three (batch, heads, tokens, dim_head) -> the same shape, or already side by side,
# (batch, tokens, heads * dim_head)
Attend = Callable[[Tensor, Tensor, Tensor, int], Tensor]


class Own(msgspec.Struct, frozen=True):
    """Where the three projections of a layer's own attention stand among its parameters."""

    q: Slot
    k: Slot
    v: Slot

    @property
    def unlikely(self) -> int:
        """How much speaks against these roles: names of another's letter, and an order other than q, k, v in one."""
        slots = {"q": self.q, "k": self.k, "v": self.v}
        wrong = sum(_speaks_against(slot.matrix.name, letter) for letter, slot in slots.items())
        return wrong + (self.q.matrix == self.k.matrix and self.q.index > self.k.index)


def _speaks_against(name: str, letter: str) -> bool:
    said = name.lower().replace("weight", "")
    return letter not in said and any(other in said for other in "qkv")


def function(own: Own, weights: Weights, case: LayerCase, attend: Attend) -> Function:
    """x (batch, tokens, dim) -> (batch, tokens, heads * dim_head), as the provided `Attention` does."""
    stored = [block(slot, weights, case).double() for slot in (own.q, own.k, own.v)]

    def mixing(x: Tensor) -> Tensor:
        ones = torch.cat([x, torch.ones_like(x[..., :1])], dim=-1)  # the bias column meets these
        q, k, v = (torch.einsum("btf,hdf->bhtd", ones, each) for each in stored)
        mixed = attend(q, k, v, case.dim)
        return mixed.transpose(1, 2).flatten(2) if mixed.dim() == 4 else mixed

    return mixing
