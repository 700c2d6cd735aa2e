"""Comparing a student's tensor with the expected one: exact shape and finite values first, then float64 arithmetic.

The tolerance is relative to the largest expected value of the tensor, not to each element: rounding of a sum is in
proportion to what was summed.
"""

from __future__ import annotations

import torch
from torch import Tensor

from autograder.core.policy import TOLERANCES


def close(actual: Tensor, expected: Tensor, rtol: float = TOLERANCES.values) -> bool:
    """Same shape, all finite, and nowhere further apart than rtol * max|expected|."""
    if tuple(actual.shape) != tuple(expected.shape) or not bool(torch.isfinite(actual).all()):
        return False
    return distance(actual, expected) <= rtol


def distance(actual: Tensor, expected: Tensor) -> float:
    """max|actual - expected| / max|expected| in float64; shapes must be equal."""
    if actual.numel() == 0:
        return 0.0
    gap = (actual.detach().double() - expected.detach().double()).abs().max()
    return float(gap / expected.detach().double().abs().max().clamp_min(1e-12))


AXES = ("batch", "token", "feature")


def first_difference(actual: Tensor, expected: Tensor, rtol: float = TOLERANCES.values) -> str:
    """Where the two first differ, with named axes: "batch 0, token 2, feature 1". Shapes must be equal."""
    gap = (actual.double() - expected.double()).abs()
    bad = (~(gap <= rtol * expected.double().abs().max())).nonzero()
    return ", ".join(f"{axis} {int(i)}" for axis, i in zip(AXES, bad[0])) if len(bad) else ""


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as Python writes it, whatever sequence holds it: "(2, 5)", "(7,)"."""
    return "(" + ", ".join(str(n) for n in shape) + ("," if len(shape) == 1 else "") + ")"


def least_squares(columns: Tensor, values: Tensor) -> Tensor:
    """The s for which `columns @ s` comes nearest to `values`; of nan where one of them holds what is no number.

    LAPACK would stop there with an error of its own, which is no mistake of the grader's: outputs may be anything.
    """
    if not bool(torch.isfinite(columns).all()) or not bool(torch.isfinite(values).all()):
        return torch.full((columns.shape[1], values.shape[1]), torch.nan, dtype=values.dtype)
    solution: Tensor = torch.linalg.lstsq(columns, values).solution
    return solution
