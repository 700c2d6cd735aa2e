"""How one parameter can hold the heads' matrices: every way to read it as (part, head, feature, dim), by its shape.

A fused matrix has its rows in one of six orders of (part, head, feature); separate maps split theirs as (head, feature)
or (feature, head); arrays have axes of their own, in any order; heads that are small modules each bring a matrix, and
the numbers in their names make the axis. All of these are one thing: each axis of the parameter is a product of some of
the four symbols, in some order. A reading says which, without a size, so that it holds for other sizes, too.

Why separate: it knows shapes alone, neither roles nor formulas.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import torch
from torch import Tensor

from autograder.judging.code.cases import LayerCase
from autograder.judging.code.flat import stored_shape
from autograder.judging.code.weights import Weights, family

SYMBOLS = ("part", "head", "feature", "dim")
PARTS = (1, 2, 3)  # q, k and v in one parameter, two of them, or one

Axes = tuple[tuple[str, ...], ...]


class Reading(msgspec.Struct, frozen=True):
    """A parameter, or a family of them ("heads.#.q.weight"), and what its axes count; the family's number comes first.

    A bias has no "dim" among its axes. `start` is the first member that is used, for families with members left over.
    """

    name: str
    axes: Axes
    parts: int = 1
    start: int = 0

    @property
    def heads_axes(self) -> Axes:
        """The axes without "dim": how the features of all heads, in all parts, stand side by side."""
        rest = (tuple(symbol for symbol in axis if symbol != "dim") for axis in self.axes)
        return tuple(axis for axis in rest if axis)


class Slot(msgspec.Struct, frozen=True):
    """One projection: part `index` of a reading, and the reading of its bias, which has the same parts, if any."""

    matrix: Reading
    index: int = 0
    bias: Reading | None = None
    bias_index: int = 0


def sizes(case: LayerCase, parts: int) -> dict[str, int]:
    """What each symbol counts in this case."""
    return {"part": parts, "head": case.heads, "feature": case.dim_head, "dim": case.dim}


def members(name: str, weights: Weights) -> list[str]:
    """The parameters of a family in their order, or the one parameter of that name."""
    if name in weights:
        return [name]
    return [other for other in weights if family(other) == name] if "#" in name else []


def readings(weights: Weights, case: LayerCase, *, bias: bool = False, most: int = 64) -> list[Reading]:
    """Every reading of every parameter and family, likely ones first; at most `most`."""
    return list(itertools.islice(_readings(weights, case, bias), most))


def _readings(weights: Weights, case: LayerCase, bias: bool) -> Iterator[Reading]:
    for name, shape in _stored(weights).items():
        for parts in PARTS:
            wanted = [symbol for symbol in SYMBOLS if not (symbol == "part" and parts == 1)]
            counts = sizes(case, parts)
            if math.prod(shape) != math.prod(counts[s] for s in wanted if not (bias and s == "dim")):
                continue
            for axes in _assigned(shape, counts, [s for s in wanted if not (bias and s == "dim")]):
                yield Reading(name, axes, parts)


def _stored(weights: Weights) -> dict[str, tuple[int, ...]]:
    """The shape of each parameter and, for families of equal shapes, of the whole family, stacked."""
    found = {name: stored_shape(name, weight) for name, weight in weights.items()}
    families: dict[str, list[tuple[int, ...]]] = {}
    for name, shape in found.items():
        if family(name) != name:
            families.setdefault(family(name), []).append(shape)
    alike = {name: shapes for name, shapes in families.items() if len(shapes) > 1 and len(set(shapes)) == 1}
    stacked = {name: (len(shapes), *shapes[0]) for name, shapes in alike.items()}
    return found | stacked


def orders(shape: Sequence[int], case: LayerCase) -> list[str]:
    """The orders of head, feature and dim, by their initials, in which a matrix of this shape may lie in memory."""
    found = _assigned(shape, sizes(case, 1), ("head", "feature", "dim"))
    return list(dict.fromkeys("".join(symbol[0] for axis in axes for symbol in axis) for axes in found))


def _assigned(shape: Sequence[int], counts: Mapping[str, int], symbols: Sequence[str]) -> Iterator[Axes]:
    """All ways to make each axis a product of some of the symbols, each used once."""
    if not shape:
        if not symbols:
            yield ()
        return
    for length in range(1, len(symbols) + 1):
        for axis in itertools.permutations(symbols, length):
            if math.prod(counts[symbol] for symbol in axis) == shape[0]:
                for rest in _assigned(shape[1:], counts, [s for s in symbols if s not in axis]):
                    yield (axis, *rest)


def blocks(reading: Reading, weights: Weights, case: LayerCase) -> Tensor:
    """(parts, heads, dim_head, dim), or (parts, heads, dim_head, 1) for a bias. RuntimeError where it does not fit."""
    counts = sizes(case, reading.parts)
    flat = [symbol for axis in reading.axes for symbol in axis]
    names = members(reading.name, weights)
    if len(names) > 1:
        names = names[reading.start :][: math.prod(counts[symbol] for symbol in reading.axes[0])]
    if not names:
        raise RuntimeError(f"no parameter is called {reading.name}")
    value = torch.stack([weights[name] for name in names]) if len(names) > 1 else weights[names[0]]
    value = value.reshape([counts[symbol] for symbol in flat])
    for symbol in SYMBOLS:
        if symbol not in flat:
            value, flat = value.unsqueeze(-1), [*flat, symbol]
    return value.permute([flat.index(symbol) for symbol in SYMBOLS])


def block(slot: Slot, weights: Weights, case: LayerCase) -> Tensor:
    """(heads, dim_head, dim + 1): one projection, its bias, or zeros, as the last column."""
    matrix = blocks(slot.matrix, weights, case)[slot.index]
    if slot.bias is None:
        return torch.cat([matrix, torch.zeros_like(matrix[..., :1])], dim=-1)
    return torch.cat([matrix, blocks(slot.bias, weights, case)[slot.bias_index]], dim=-1)
