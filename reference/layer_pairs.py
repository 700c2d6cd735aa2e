"""Two mistakes of 4(b), one in each half: the second half's wrong version works on what the first half's gives.

Why separate: these are put together from the lists of `layer_misconceptions`, and looked for when none of them alone
explains what was seen. `PAIRS` is the bank.
"""

from __future__ import annotations

import functools

import msgspec
import torch
from torch import Tensor

from autograder.judging.code.layer_parts import Affine, Function, LayerFormula, LayerParts
from reference.layer_misconceptions import ATTENTION_HALF, MLP_HALF
from reference.misconceptions import Misconception


def _after(first: Misconception, second: Misconception) -> LayerFormula:
    def both(x: Tensor, parts: LayerParts) -> Tensor:
        silent = _silent(parts.projection)
        no_attention = msgspec.structs.replace(parts, attention=_nothing(silent[0]), projection=silent)
        mixed: Tensor = second.formula(_first_half(first.formula, x, parts), no_attention)
        return mixed

    return both


@functools.lru_cache(64)
def _first_half(formula: LayerFormula, x: Tensor, parts: LayerParts) -> Tensor:
    """What the first half's mistake makes of x, whichever mistake follows it."""
    return formula(x, msgspec.structs.replace(parts, fc2=_silent(parts.fc2)))


def _nothing(projection: Tensor) -> Function:
    return lambda x: x.new_zeros(*x.shape[:-1], projection.shape[1])


def _silent(affine: Affine) -> Affine:
    return torch.zeros_like(affine[0]), None


# Those of both halves at once, or of no second half, make no pair; rare ones are told one by one, each in its half.
_RARE = {"norm-of-heads", "norm-after-projection", "activation-of-heads"}
_RARE |= {"norm-over-samples", "norm-over-tokens", "norm-over-batches", "unit-length", "centred"}
_RARE |= {"norm-after-mlp", "norm-after-activation", "norm-before-activation", "activation-first"}
_RARE |= {"softmax-activation", "attention-twice", "mlp-twice"}
_RARE |= {"relu-on-the-first-sum", "activation-on-the-first-sum", "tanh-on-attention", "tanh-on-mlp", "relu-on-mlp"}
_RARE |= {"relu-on-the-output", "activation-on-the-output", "tanh-on-the-output", "sigmoid-on-the-output"}
_RARE |= {"softmax-on-the-output"}
_NO_PAIR = {"unbiased-deviation", "rms-norm", "no-mlp", "norm-after-block", "large-eps"} | _RARE
PAIRS = tuple(
    Misconception(
        f"{a.name} + {b.name}", f"{a.title}, and {b.title}", f"{a.hint}; {b.hint}", _after(a, b), lacks=a.lacks
    )
    for a in ATTENTION_HALF
    for b in MLP_HALF
    if not {a.name, b.name} & _NO_PAIR
)
