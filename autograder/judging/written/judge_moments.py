"""Judge for the formulas of the dot product's moments, by value at random points.

Why separate: deciding is pure. The right formula and the known slips are arguments, given by the hidden tests alone; no
message here may state a right formula.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from autograder.core.policy import TOLERANCES
from autograder.judging.expect import Verdict
from autograder.judging.written import read
from autograder.judging.written.algebra import Value
from autograder.judging.written.commas import read_either_way
from autograder.judging.written.echo import echoed
from autograder.judging.written.evaluate import Reading, evaluate
from autograder.judging.written.nodes import Node
from autograder.judging.written.verdict import Slip, Unreadable, blank, slipped, unread, wrong

Formula = Callable[[float, float, float], float]
Point = tuple[float, float, float]  # d, mu, sigma

POINTS = 8
DIMENSIONS = (2, 3, 5, 7, 11, 13)


def judge_formula(raw: object, expected: Formula, slips: Sequence[Slip], seed: int) -> Verdict:
    """A formula in d, mu and sigma, compared by value at random points drawn from `seed`."""
    kind = "a formula in d, mu and sigma"
    if read.is_blank(raw):
        return blank("the formula as text, e.g. expectation = 'd + mu/sigma'")
    points = _points(seed)
    try:
        node, commas = read_either_way(raw, lambda typed: read.formula(typed, _quantities(points[0])))
        found = [_values(node, points, inner) for inner in (False, True)]
    except Unreadable as problem:
        return unread(problem, kind, raw)
    vector = "read with mu as a vector"
    remarks = (*commas, vector) if read.uses_inner_product(node) else commas
    if any(_agrees(values, expected, points) for values in found):
        plainly = vector in remarks or _agrees(found[0], expected, points)
        return Verdict(1.0, remarks=remarks if plainly else (*remarks, vector))
    for slip in slips:
        if callable(slip.value) and any(_agrees(values, slip.value, points) for values in found):
            return slipped(slip, kind, raw, remarks, echoed(node))
    fix = "try your formula on d = 1 and on sigma = 0: does each case come out as it must?"
    return wrong(kind, fix, raw, remarks, echoed(node))


def _points(seed: int) -> list[Point]:
    """(d, mu, sigma): a whole d, sigma positive, mu of both signs and never small."""
    draw = random.Random(seed)
    return [
        (float(draw.choice(DIMENSIONS)), draw.choice((-1, 1)) * draw.uniform(0.5, 2.0), draw.uniform(0.5, 2.0))
        for _ in range(POINTS)
    ]


def _quantities(point: Point) -> dict[str, Value]:
    return dict(zip(("d", "mu", "sigma"), point))


def _values(node: Node, points: Sequence[Point], inner: bool) -> list[float]:
    values = []
    for point in points:
        value = evaluate(node, Reading(_quantities(point), inner=inner))
        if isinstance(value, tuple):
            raise Unreadable("a list where one formula is asked for", "write one formula")
        values.append(value)
    return values


def _agrees(values: Sequence[float], formula: Formula, points: Sequence[Point]) -> bool:
    truths = [formula(*point) for point in points]
    return all(abs(x - truth) <= TOLERANCES.formula * max(1.0, abs(truth)) for x, truth in zip(values, truths))
