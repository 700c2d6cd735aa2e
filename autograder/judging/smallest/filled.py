"""Weights that are easy to say: every matrix filled with one number, or with one in the row of one feature.

Why separate: both questions' examples are made of these. Which parameter is what is told by its shape where all sizes
differ; where they are 1 and 2, as in the examples, no shape tells anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from autograder.judging.code.cases import AttentionCase, LayerCase
from autograder.judging.code.flat import is_flat
from autograder.judging.code.weights import draw, is_vector
from autograder.judging.visit import Visit
from autograder.sandbox.wire import ParameterSpec

Case = AttentionCase | LayerCase
VISIBLY = 1e-2  # of the largest number: less is not seen in four digits, and eps and the tails of GELU are 1e-4


class Parameters:
    """The parameters of a module as they are in a case of different sizes: what is a matrix, what a vector holds."""

    def __init__(self, specs: Sequence[ParameterSpec], case: Case, made: int = 0) -> None:
        self.case = case
        self.made = made  # stand-ins for heads
        self.shapes = {spec.name: tuple(spec.shape) for spec in specs}
        self.flat = any(is_flat(spec.name) for spec in specs)  # which number stands where cannot be said in a line
        neutral = draw(case.seed, specs, biases=False)
        self.matrices = [name for name in neutral if not is_vector(self.shapes[name])]
        self.vectors = {name: float(neutral[name].flatten()[0]) for name in neutral if name not in self.matrices}

    def vector_weights(self, specs: Iterable[ParameterSpec]) -> dict[str, Tensor]:
        """Gains 1 and shifts and biases 0, for a module of other sizes; single numbers stay as they are made."""
        return {s.name: torch.full(tuple(s.shape), self.vectors[s.name]) for s in specs if s.name in self.vectors}


def of_sizes(visit: Visit, case: Case) -> Parameters:
    """What the module has as parameters, told by sizes that all differ."""
    built = visit.build(case)
    return Parameters(built.parameters, case, built.made)


def load(visit: Visit, case: Case, known: Parameters, filled: Mapping[str, tuple[int | None, float]]) -> None:
    """Makes the module for a small case and fills its matrices: (None, 1.0) with 1, (axis 1, 8.0) with 8 at index 0
    of axis 1. Those that are not named are 0.
    """
    specs = visit.build(case).parameters
    weights = known.vector_weights(specs)
    for spec in specs:
        if spec.name not in known.matrices:
            continue
        matrix = torch.zeros(tuple(spec.shape))
        if spec.name in filled:
            axis, number = filled[spec.name]
            place = (
                (matrix if axis is None else matrix.select(abs(axis) - 1, 0 if axis > 0 else -1))
                if matrix.dim()
                else matrix
            )
            place.fill_(number)
        weights[spec.name] = matrix
    visit.load(weights)


def differs(actual: Tensor, expected: Tensor) -> bool:
    """Whether the two are seen to differ when they are printed."""
    if actual.shape != expected.shape or not bool(torch.isfinite(actual).all()):
        return True
    return bool((actual.double() - expected.double()).abs().max() > VISIBLY * expected.abs().max().clamp_min(1.0))


def numbers(tensor: Tensor, *, code: bool = False, digits: int = 4) -> str:
    """A tensor as nested lists, four digits after the point and no idle zeros; with `code` floats that Python reads."""
    if tensor.dim():
        return "[" + ", ".join(numbers(part, code=code, digits=digits) for part in tensor) + "]"
    plain = f"{float(tensor):.{digits}f}".rstrip("0").rstrip(".")
    plain = "0" if plain in ("-0", "") else plain
    return plain + "." if code and "." not in plain else plain
