"""The roles of vectors: gains, shifts and biases, each told by what it alone does to the layer.

Why separate: `staged` has found the matrices by then. A bias that stands beside its matrix and nothing else needs no
trial; any other vector was set by itself, and the formula says in which role it does what it did, in each half. Names
decide nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import msgspec

from autograder.judging.code.cases import LayerCase
from autograder.judging.code.layer_roles import LayerObservation, LayerRoles
from autograder.judging.code.layer_weights import AffineSource
from autograder.judging.code.own_attention import Own
from autograder.judging.code.readings import Reading, Slot, members, readings
from autograder.judging.code.trials import Trials, gains_of
from autograder.judging.code.weights import Weights, family, wide

Role = Callable[[LayerRoles], LayerRoles]
Fits = Callable[[LayerRoles, LayerObservation], bool]


def with_vectors(fits: Fits, trials: Trials, matrices: LayerRoles, half: str, *, shared_norm: bool) -> LayerRoles:
    """The roles with every vector that acts in its place, as far as it was found."""
    weights = trials.attention.weights
    natural = _natural(matrices, weights)
    found = natural
    for trial in trials.vectors:
        seen = [trial.attention] * (half != "mlp") + [trial.mlp] * (half != "attention")
        seen += [trial.both] if trial.both and not half else []
        if all(fits(matrices, each) for each in seen):
            continue  # it does nothing
        for role in _roles(trial.name, matrices, trials, shared_norm):
            if all(fits(role(matrices), each) for each in seen):
                found = role(found)
                break
    return found


# --- biases that stand beside their matrix ----------------------------------------------------------------------------


def _natural(roles: LayerRoles, weights: Weights) -> LayerRoles:
    maps = {name: _with_bias(getattr(roles, name), weights) for name in ("projection", "fc1", "fc2")}
    heads = roles.heads
    if isinstance(heads, Own):
        heads = Own(*(_slot(slot, weights) for slot in (heads.q, heads.k, heads.v)))
    return msgspec.structs.replace(roles, heads=heads, **maps)


def _with_bias(source: AffineSource, weights: Weights) -> AffineSource:
    return msgspec.structs.replace(source, bias=_beside(source.weight, weights))


def _slot(slot: Slot, weights: Weights) -> Slot:
    bias = _beside(slot.matrix.name, weights)
    if not bias:
        return slot
    reading = msgspec.structs.replace(slot.matrix, name=bias, axes=slot.matrix.heads_axes)
    return msgspec.structs.replace(slot, bias=reading, bias_index=slot.index)


def _beside(name: str, weights: Weights) -> str:
    """The one parameter, or family, that shares the matrix's prefix and no other's."""
    prefix = name.rpartition(".")[0]
    names = {other if name in weights else family(other) for other in weights}
    beside = [n for n in names if n != name and n.rpartition(".")[0] == prefix]
    return beside[0] if prefix and len(beside) == 1 else ""


# --- vectors that need a trial ----------------------------------------------------------------------------------------


def _roles(name: str, matrices: LayerRoles, trials: Trials, shared_norm: bool) -> Iterator[Role]:
    """What this vector can be, by its size."""
    weights, case = trials.attention.weights, trials.case
    size = wide(weights[name].shape)
    if size == (case.dim,):
        yield from _of_norms(name, weights, shared_norm)
        yield partial(_biased, place="projection", name=name)
        yield partial(_biased, place="fc2", name=name)
    if size == (case.mlp_dim,):
        yield partial(_biased, place="fc1", name=name)
    if isinstance(matrices.heads, Own):
        yield from _of_heads(name, matrices.heads, weights, case)


def _of_norms(name: str, weights: Weights, shared_norm: bool) -> Iterator[Role]:
    partner = _partner(name, weights)
    for places in (("norm1", "norm2"),) if shared_norm else (("norm1",), ("norm2",)):
        yield partial(_normed, places=places, scale=name, shift=partner)
        yield partial(_normed, places=places, shift=name)
        if name not in gains_of(weights):
            yield partial(_normed, places=places, scale=name, plus=1.0)


def _partner(gain: str, weights: Weights) -> str:
    """The shift of a normalisation that is a module of its own."""
    gains = gains_of(weights)
    beside = [n for n in weights if n != gain and n.rpartition(".")[0] == gain.rpartition(".")[0]]
    return beside[0] if gain in gains and len(beside) == 1 and beside[0] not in gains else ""


def _normed(
    roles: LayerRoles, places: tuple[str, ...], scale: str = "", shift: str = "", plus: float = 0.0
) -> LayerRoles:
    said = (("scale", scale), ("shift", shift), ("plus", plus))
    new: Mapping[str, str | float] = {key: value for key, value in said if value}
    return msgspec.structs.replace(
        roles, **{place: msgspec.structs.replace(getattr(roles, place), **new) for place in places}
    )


def _biased(roles: LayerRoles, place: str, name: str) -> LayerRoles:
    return msgspec.structs.replace(roles, **{place: msgspec.structs.replace(getattr(roles, place), bias=name)})


def _of_heads(name: str, heads: Own, weights: Weights, case: LayerCase) -> Iterator[Role]:
    """A bias of the queries, of the values, of the keys, or of two or three of them in one."""
    used = {other: weights[other] for other in weights if family(other) == family(name)}
    for reading in readings(used, case, bias=True):
        if name in members(reading.name, used):
            for places in _PLACES[reading.parts]:
                yield partial(_headed, reading=reading, places=places)


# Which of q, k and v a bias of so many parts can belong to, part after part.
_PLACES: Mapping[int, tuple[tuple[str, ...], ...]] = {
    1: (("v",), ("q",), ("k",)),
    2: (("k", "v"), ("v", "k"), ("q", "k"), ("k", "q"), ("q", "v"), ("v", "q")),
    3: (("q", "k", "v"), ("k", "q", "v"), ("v", "k", "q"), ("q", "v", "k"), ("k", "v", "q"), ("v", "q", "k")),
}


def _headed(roles: LayerRoles, reading: Reading, places: tuple[str, ...]) -> LayerRoles:
    heads = roles.heads
    assert isinstance(heads, Own)
    slots = {
        place: msgspec.structs.replace(getattr(heads, place), bias=reading, bias_index=i)
        for i, place in enumerate(places)
    }
    return msgspec.structs.replace(roles, heads=msgspec.structs.replace(heads, **slots))
