"""A layer of 4(b) that is right but for constant factors: on a sum, on what is added back, on what a half adds.

Why separate: the other banks hold finished formulas; here the factors are measured first, from the terms of each half,
and the formula is made of them. Layer normalisation hides a factor from what follows it, so all such layers are one
formula, A * y + D * MLP(LayerNorm(y)) with y = x + B / A * attention(LayerNorm(x)), and which factors are not 1 says
where the mistake is. `SCALED` is what the search is given.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.judging.code.layer_parts import LayerFormula, LayerParts
from reference.encoder import normalised
from reference.misconceptions import Misconception

# Factors come out within 1e-5. Ten tolerances apart they are two; what is smaller than ABSENT is not there, and a
# missing part has a name of its own.
SAME, ABSENT = 1e-3, 1e-2

_HINT = "Figure 1 adds what comes in and what a block gives, as they are: is one multiplied, or their mean taken?"


def attention_terms(x: Tensor, parts: LayerParts) -> Tensor:
    """(2, batch, tokens, dim): x, and what the first half adds to it."""
    return torch.stack([x, _attend(x, parts)])


def mlp_terms(x: Tensor, parts: LayerParts) -> Tensor:
    """(2, batch, tokens, dim): x, and what the second half adds to it."""
    return torch.stack([x, _mlp(x, parts)])


def _attend(x: Tensor, parts: LayerParts) -> Tensor:
    return F.linear(parts.attention(normalised(x, parts.norm1)), *parts.projection)


def _mlp(x: Tensor, parts: LayerParts) -> Tensor:
    return F.linear(parts.activation(F.linear(normalised(x, parts.norm2), *parts.fc1)), *parts.fc2)


def mistake(through: float, attention: float, mlp: float) -> Misconception | None:
    """The layer that lets x `through` and adds what the halves give with these factors; None if all are 1, or one 0."""
    if min(abs(through), abs(attention), abs(mlp)) < ABSENT:
        return None
    titles, half = _told(through, attention, mlp)
    formula = _formula(through, attention / through, mlp)
    return Misconception("scaled", ", and ".join(titles), _HINT, formula, half=half) if titles else None


def _formula(second: float, attention: float, mlp: float) -> LayerFormula:
    def layer(x: Tensor, parts: LayerParts) -> Tensor:
        y = x + attention * _attend(x, parts)
        return second * y + mlp * _mlp(y, parts)

    return layer


def _told(through: float, attention: float, mlp: float) -> tuple[list[str], str]:
    """(what is multiplied, the half that it is in): the fewest factors that explain all three."""
    if _same(through, 1.0):
        first = [] if _same(attention, 1.0) else [f"what the attention adds multiplied by {attention:.3g}"]
        second = [] if _same(mlp, 1.0) else [f"what the MLP adds multiplied by {mlp:.3g}"]
    elif _same(attention, through):  # of the first sum alone, or of x in the second: one function
        if _same(mlp * mlp, through) and not _same(mlp, through):
            return [f"with both sums multiplied by {mlp:.3g}"], ""
        first, second = [], [f"the first sum, where it is added back, multiplied by {through:.3g}"]
        if _same(mlp, through):
            second = [f"the second sum multiplied by {through:.3g}"]
        elif not _same(mlp, 1.0):
            second.append(f"what the MLP adds multiplied by {mlp:.3g}")
    else:
        first = [f"x multiplied by {through:.3g} where it is added back in the first sum"]
        first += [] if _same(attention, 1.0) else [f"what the attention adds multiplied by {attention:.3g}"]
        second = [] if _same(mlp, 1.0) else [f"what the MLP adds multiplied by {mlp:.3g}"]
    half = "" if first and second else "attention" if first else "mlp"
    return [f"with {title}" for title in (*first, *second)], half


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= SAME * max(1.0, abs(other))


class Scaled(msgspec.Struct, frozen=True):
    """The terms of each half, and the mistake that their factors make."""

    attention: LayerFormula
    mlp: LayerFormula
    mistake: Callable[[float, float, float], Misconception | None]


SCALED = Scaled(attention_terms, mlp_terms, mistake)
