"""The functions of one value that an answer may use, by name.

Why separate: they need nothing but the value; the meaning of names and sums is `evaluate`'s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from autograder.judging.written.algebra import Value, bounded, each, flattened, scaled
from autograder.judging.written.verdict import Unreadable

MOST_ONES = 10


def _length(value: Value) -> Value:
    return math.sqrt(sum(x * x for x in flattened(value)))


def _ones(value: Value) -> Value:
    """np.ones((2, 2)): a matrix written by its sizes."""
    sizes = [int(size) for size in flattened(value)]
    if not 1 <= len(sizes) <= 3 or not all(1 <= size <= MOST_ONES for size in sizes):
        raise Unreadable("ones are asked for in sizes that no answer has", "write the result as lists of numbers")
    made: Value = 1.0
    for size in reversed(sizes):
        made = (made,) * size
    return made


FUNCTIONS: Mapping[str, Callable[[Value], Value]] = {
    "exp": lambda value: each(lambda x: bounded(math.exp(x)), value),
    "sqrt": lambda value: each(math.sqrt, value),
    "floor": lambda value: each(lambda x: float(math.floor(x + 1e-9)), value),
    "ceil": lambda value: each(lambda x: float(math.ceil(x - 1e-9)), value),
    "prod": lambda value: bounded(math.prod(flattened(value))),
    "total": lambda value: bounded(sum(flattened(value))),
    "abs": lambda value: each(abs, value),
    "percent": lambda value: scaled(0.01, value),
    "transpose": lambda value: value,
    "norm": _length,
    "square": lambda value: each(lambda x: bounded(x * x), value),
    "ones": _ones,
}
