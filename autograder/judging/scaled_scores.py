"""Scores of 4(a) that are divided by another number than √d_k: the number is measured, so that it needs no name.

Why separate: the bank of misconceptions has the numbers that many write (d_k, √T, √64). Any other one, as √batch, 2√d_k
or a logarithm, shows all the same: under the right roles one factor of the scores explains each output. Pure.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch

from autograder.judging.code import attention_roles as roles_of
from autograder.judging.code.attention_roles import Formula, Observation, Roles
from autograder.judging.code.compare import close, distance, shape_text
from autograder.judging.expect import Unmet

# Factors that are tried first, one beside the other: from a hundredth of the right scale to a hundred times that.
_GRID = [10 ** (step / 10) for step in range(-20, 21)]
_FAR = 0.4  # under the right roles the nearest of these is much nearer: others are not looked at any further
_STEPS = 60  # of golden sections, each of which leaves 0.62 of what the last one left
_GOLDEN = (math.sqrt(5) - 1) / 2


def told(observations: Sequence[Observation], right: Formula) -> Unmet | None:
    """What the scores are divided by, where that alone explains every output; None where it does not."""
    first, *others = ordered = sorted(observations, key=lambda seen: seen.output.numel())
    likely = roles_of.assignments(roles_of.sources(first))
    for roles in itertools.islice(likely, roles_of.FEW_TRIES):
        factor = _factor(roles, first, right)
        if factor and all(_factor(roles, seen, right) for seen in others):
            root = math.sqrt(first.case.inner_dim)
            sizes = shape_text((first.case.batch, first.case.tokens, first.case.input_dim, first.case.inner_dim))
            return Unmet(
                f"your output equals the reference with the scores divided by {root / factor:.3g} where √d_k is "
                f"{root:.3g}, when (batch, tokens, input_dim, inner_dim) is {sizes} (all {len(ordered)} cases, each"
                " with its number)",
                fix="of which size is the root taken, and is the scaling done once? d_k is the size of one query",
            )
    return None


def _factor(roles: Roles, seen: Observation, right: Formula) -> float:
    """What the right scores are multiplied by for this output; 0 where no number gives it."""
    try:
        w_q, w_k, w_v = roles_of.matrices(roles, seen)
    except (KeyError, IndexError, RuntimeError):  # the module has other parameters in this case than in the first
        return 0.0
    x = seen.x.double()

    def output(factor: float) -> torch.Tensor:
        return right(x, factor * w_q, w_k, w_v)

    def gap(factor: float) -> float:
        expected = output(factor)
        return distance(seen.output, expected) if expected.shape == seen.output.shape else math.inf

    nearest = min(_GRID, key=gap)
    if gap(nearest) > _FAR:
        return 0.0
    low, high = math.log(nearest) - 0.24, math.log(nearest) + 0.24
    for _ in range(_STEPS):
        left, right_ = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        low, high = (low, right_) if gap(math.exp(left)) < gap(math.exp(right_)) else (left, high)
    found = math.exp((low + high) / 2)
    return found if close(seen.output, output(found)) else 0.0
