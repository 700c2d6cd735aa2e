"""Arithmetic on values: numbers, vectors and lists of vectors, as plain floats and tuples.

Why separate: `evaluate` walks a tree and asks what its names mean; here stands what adding, scaling and multiplying
values is, within bounds. It works in floats (never big integers, so that 9^9^9^9 costs nothing).
"""

from __future__ import annotations

from collections.abc import Callable

from autograder.judging.written.verdict import Unreadable

Value = float | tuple["Value", ...]

LARGEST = 1e60  # the largest honest intermediate is d^2 sigma^8 or e^26, below 1e12


def bounded(value: float) -> float:
    """`value` itself. Raises OverflowError when it is not finite or beyond LARGEST."""
    if isinstance(value, complex) or not abs(value) <= LARGEST:
        raise OverflowError
    return value


def added(left: Value, right: Value) -> Value:
    """The sum. Raises Unreadable when the shapes differ."""
    if isinstance(left, tuple) and isinstance(right, tuple) and len(left) == len(right):
        return tuple(added(a, b) for a, b in zip(left, right))
    if isinstance(left, tuple) or isinstance(right, tuple):
        raise Unreadable(
            "this answer adds a number to a vector, or vectors of different lengths",
            "check that every term of the sum is a vector with three entries",
        )
    return bounded(left + right)


def scaled(factor: float, value: Value) -> Value:
    """Every entry times `factor`."""
    if isinstance(value, tuple):
        return tuple(scaled(factor, entry) for entry in value)
    return bounded(factor * value)


def divided(left: Value, right: Value) -> Value:
    """`left` over a number. Raises Unreadable for a vector, ZeroDivisionError for 0."""
    if isinstance(right, tuple):
        raise Unreadable("this answer divides by a vector", "divide by a number, e.g. by a sum of exponentials")
    return scaled(1.0 / right, left)


def times(left: Value, right: Value, columns: bool) -> Value:
    """The product: a number scales, weights combine vectors; a matrix times a vector does by `columns`."""
    if not isinstance(left, tuple):
        return scaled(left, right)
    if not isinstance(right, tuple):
        return scaled(right, left)
    left_listed, right_listed = isinstance(left[0], tuple), isinstance(right[0], tuple)
    if left_listed and right_listed:
        raise Unreadable("this answer multiplies two matrices", "write the result as one vector with three entries")
    if left_listed and columns:
        return tuple(times(row, right, columns) for row in left)
    weights, vectors = (right, left) if left_listed else (left, right)
    if len(weights) != len(vectors):
        raise Unreadable("this answer multiplies lists of different lengths", "check how many entries each one has")
    total: Value | None = None
    for weight, vector in zip(weights, vectors):
        term = times(weight, vector, columns)
        total = term if total is None else added(total, term)
    assert total is not None
    return total


def each(function: Callable[[float], float], value: Value) -> Value:
    """`function` of every entry."""
    return tuple(each(function, entry) for entry in value) if isinstance(value, tuple) else function(value)


def flattened(value: Value) -> tuple[float, ...]:
    """All numbers of a nested value in reading order."""
    return tuple(x for entry in value for x in flattened(entry)) if isinstance(value, tuple) else (value,)
