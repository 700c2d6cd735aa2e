"""Weights that the trusted room draws for *all* parameters of a student's module, by name and shape.

Large enough that a forgotten scale or a wrong axis is far outside the tolerance, small enough that float32 rounding
stays far inside it. A single number (shape () or (1,)) is left as the student made it: it may be their √d.
"""

from __future__ import annotations

import functools
import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from autograder.judging.code.cases import normal
from autograder.sandbox.wire import ParameterSpec

# Standard deviation of a projected feature for a unit-variance input. Attention logits then have a deviation of about
# GAIN**2 = 1.7: the softmax is neither flat (where every wrong axis looks alike) nor one-hot.
GAIN = 1.3

# A slope of an activation is larger (0.25, 0.01); what multiplies by less than this (a LayerScale's 10^-5) would hide
# what it multiplies, and is a scale.
LEAST_SLOPE = 1e-3

Weights = Mapping[str, Tensor]
Shape = tuple[int, ...]

GATE = "gate"  # the owner that a parameter is given which begins at 0 and hides a half (see `gates`)

# Words in the names of hand-made normalisations. Where a name says nothing, its place does (see `scales`).
SCALE_WORDS = frozenset({"weight", "gamma", "scale", "gain", "g", "w", "alpha", "a", "mul", "mult", "std", "sigma"})
SHIFT_WORDS = frozenset({"bias", "beta", "shift", "offset", "b", "add", "mean", "mu"})


def draw(
    seed: int, parameters: Iterable[ParameterSpec], *, biases: bool, gains: bool | None = None
) -> dict[str, Tensor]:
    """Random float32 weights by parameter name.

    A normalisation's scale stands around 1, or is 1 unless `gains` (as `biases`, if not said). All other vectors are
    biases: random when `biases`, else zero, so that an unwanted bias costs its own test and no other. A module's only
    parameter that is filled with another number than 0 or 1, of `LEAST_SLOPE` at least, belongs to an activation, as a
    PReLU's slopes do, and is left as it is: a single number for every feature.
    """
    noisy = {True: biases if gains is None else gains, False: biases}
    specs = {p.name: p for p in parameters}
    shapes = {name: p.shape for name, p in specs.items()}
    fills = {name: p.fill for name, p in specs.items() if p.fill is not None}
    gates = {name for name, p in specs.items() if p.owner == GATE}
    scale = scales(shapes, fills) | gates
    return {
        name: _one(_seed(seed, name, shape), shape, name in scale, noisy[name in scale])
        for name, shape in shapes.items()
        if name in gates or (math.prod(shape) > 1 and not _left(name, shapes, fills))
    }


def _left(name: str, shapes: Mapping[str, Shape], fills: Mapping[str, float]) -> bool:
    prefix = name.rpartition(".")[0]
    alone = bool(prefix) and [n for n in shapes if n.rpartition(".")[0] == prefix] == [name]
    fill = fills.get(name, 0.0)
    return alone and is_vector(shapes[name]) and fill != 1.0 and abs(fill) >= LEAST_SLOPE


def _one(seed: int, shape: Shape, scale: bool, noisy: bool) -> Tensor:
    noise = normal(seed, *shape)
    if not is_vector(shape):
        return noise * (GAIN / math.sqrt(wide(shape)[-1]))
    if scale:
        return 1 + noise * 0.3 if noisy else torch.ones_like(noise)
    return noise * 0.5 if noisy else torch.zeros_like(noise)


@functools.lru_cache(4096)  # asked for every name in every trial
def family(name: str) -> str:
    """The name with # for its numbers: "heads.3.q.weight" and "heads.4.q.weight" are one family."""
    return re.sub(r"\d+", "#", name)


def wide(shape: Iterable[int]) -> Shape:
    """The axes of more than one: (out, in) of a convolution's (out, in, 1). No size of a case is 1."""
    return tuple(size for size in shape if size > 1)


def is_vector(shape: Iterable[int]) -> bool:
    """Whether the parameter adds to or multiplies features: a number, one axis, or two or three such in a stack."""
    axes = wide(shape)
    return len(axes) <= 1 or (len(axes) == 2 and axes[0] in (2, 3))


def scales(shapes: Mapping[str, Shape], fills: Mapping[str, float] | None = None) -> frozenset[str]:
    """Names of the vectors that multiply (LayerNorm's `weight`, a hand-made `gamma`) rather than add.

    What a vector is filled with when it is made (`fills`) tells: 1 multiplies, 0 adds. Where that is not known, the
    name tells; and one or two vectors of equal shape that share a prefix with no matrix are a normalisation, whatever
    they are called: one of them multiplies, and it is the first unless the names say otherwise. Two that hold the same
    number, which is not 0, both do (the 10^-5 of a LayerScale).
    """
    filled = None if fills is None else tuple(fills.items())
    return _scales(tuple((name, tuple(shape)) for name, shape in shapes.items()), filled)


@functools.lru_cache(256)  # a search asks for the same parameters again and again
def _scales(stored: tuple[tuple[str, Shape], ...], filled: tuple[tuple[str, float], ...] | None) -> frozenset[str]:
    shapes, fills = dict(stored), None if filled is None else dict(filled)
    beside: dict[str, list[str]] = {}
    for name in shapes:
        beside.setdefault(name.rpartition(".")[0], []).append(name)
    found: set[str] = set()
    for names in beside.values():
        vectors = [name for name in names if math.prod(shapes[name]) > 1 and is_vector(shapes[name])]
        own = not _matrix_among(names, shapes)
        told = {name for name in vectors if fills and fills.get(name) in (0.0, 1.0) and (own or len(vectors) > 1)}
        found |= {name for name in told if fills and fills[name] == 1.0}
        named = {name for name in vectors if name not in told and _says(name, SCALE_WORDS)}
        alone = 0 < len(vectors) <= 2 and len({shapes[n] for n in vectors}) == 1 and own and not told
        if alone and _alike(vectors, fills or {}):
            named = set(vectors)
        elif alone and len(named) != 1:
            named = set([name for name in vectors if not _says(name, SHIFT_WORDS)][:1])
        found |= named
    return frozenset(found)


def _alike(names: Sequence[str], fills: Mapping[str, float]) -> bool:
    """Whether all hold one number, and not 0: then none of two is the other's shift."""
    held = [fills.get(name, 0.0) for name in names]
    return len(held) == 2 and held[0] == held[1] != 0.0


def _matrix_among(names: Iterable[str], shapes: Mapping[str, Shape]) -> bool:
    return any(math.prod(shapes[name]) > 1 and not is_vector(shapes[name]) for name in names)


def _says(name: str, words: frozenset[str]) -> bool:
    """Whether one of the words stands in the last part of the name: "ln1_g", "a_2" and "gamma" do for a scale."""
    leaf = name.rsplit(".", 1)[-1].lower()
    return bool(words & set(re.findall("[a-z]+", leaf))) or any(len(w) > 3 and w in leaf for w in words)


def _seed(seed: int, name: str, shape: Shape) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}:{shape}".encode()).digest()[:4], "little")
