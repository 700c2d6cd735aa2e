"""Asks a layer which of its parameters are gates that begin at 0, and keeps them open for all its tests.

Why separate: `code.gates` knows what a gate is; this is the conversation. A visit reads what is kept here whenever it
builds the layer.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping

from torch import Tensor, ones

from autograder.judging.code import gates, weights
from autograder.judging.code.cases import LayerCase
from autograder.judging.code.compare import close
from autograder.judging.expect import Missing, Unmet
from autograder.judging.visit import OPEN, Student, Visit

LAYER = "4b"
MOST_MATRICES = 48  # of more than these the first ones are looked at


def find(student: Student, case: LayerCase, likely: Collection[str]) -> bool:
    """Whether one of `likely`, in a layer that answers, is a gate that was not known to be; known from now on."""
    before = known(student)
    if not likely:
        student.remembered.setdefault(OPEN, before)
        return False
    with contextlib.suppress(Unmet, Missing), student.visit(LAYER, probe_seed=case.seed) as visit:
        built = visit.build(case)
        shapes = {spec.name: spec.shape for spec in built.parameters}
        drawn = weights.draw(case.seed, built.parameters, biases=False)
        acting = _Acting(visit, drawn, case.x())
        found = gates.shut(acting, {name: ones(shapes[name]) for name in likely if name in shapes})
        student.remembered[OPEN] = before | frozenset(found)
    return known(student) != before


def known(student: Student) -> frozenset[str]:
    """The names of the gates that were found."""
    found: frozenset[str] = student.remembered.get(OPEN, frozenset())
    return found


class _Acting:
    """The matrices that do something while some other parameters have given values."""

    def __init__(self, visit: Visit, drawn: weights.Weights, x: Tensor) -> None:
        self._visit, self._drawn, self._x = visit, drawn, x
        self._names = gates.matrices(drawn)[:MOST_MATRICES]

    def __call__(self, values: Mapping[str, Tensor]) -> list[str]:
        self._visit.load({**self._drawn, **values})
        plain = self._visit.forward(self._x).output
        return [name for name in self._names if self._acts(name, plain)]

    def _acts(self, name: str, plain: Tensor) -> bool:
        self._visit.load({name: self._drawn[name].flip(0) * 2})
        changed = not close(self._visit.forward(self._x).output, plain)
        self._visit.load({name: self._drawn[name]})
        return changed
