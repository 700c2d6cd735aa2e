"""Finds the roles of a student's layer from experiments: one after the other, so that the ways to fill them add up.

First the values and the projection (one token: nothing else acts), then queries and keys, then the MLP's two maps and
its activation, then each vector. Every step is a trial of the formula, the reference's or a mistake's, so a wrong layer
gets its roles, too. What was found still has to hold on other weights, inputs and sizes (`layer_roles.fits`): nothing
is credited here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from autograder.judging.code.activations import ACTIVATIONS
from autograder.judging.code.layer_parts import USUAL_EPS, LayerFormula
from autograder.judging.code.layer_roles import LayerObservation, LayerRoles, ProbeHeads, fits
from autograder.judging.code.layer_weights import NOTHING, AffineSource, NormSource, projections
from autograder.judging.code.own_attention import Attend, Own
from autograder.judging.code.readings import Axes, Reading, Slot, members, readings
from autograder.judging.code.trials import CASE, Trials, bare, mlp_maps
from autograder.judging.code.vector_roles import with_vectors
from autograder.judging.code.weights import Weights

BEND = 1e-3  # a measured function that is closer to a straight line is one: linear maps come out within 1e-5 of it
# Ways to fill values and projection, and then queries and keys: a fused matrix has 18 parts in all its orders, beside
# three ways to store a projection; two maps beside the values have 8 ways.
MOST_VALUES, MOST_QUERIES = 108, 48
MOST_HEADS = 12  # places among the probe heads that were made where those that are used may begin


class Search(msgspec.Struct, frozen=True):
    """What is looked for: the formula over an attention, in one half ("attention", "mlp") or in both ("")."""

    formula: LayerFormula
    attend: Attend
    half: str = ""
    shared_norm: bool = False  # one normalisation stands in both places
    measured: bool = True  # an activation without a name counts, too


def find(search: Search, trials: Trials) -> LayerRoles | None:
    """The roles under which the formula gives every observation of the half or halves; None if there are none."""
    norm = NormSource(eps=trials.eps)
    roles: LayerRoles | None = LayerRoles(norm, NOTHING, norm, NOTHING, NOTHING, "GELU")
    for half, ways in (("attention", _attentions), ("mlp", _mlps)):
        if roles and search.half in ("", half):
            roles = next(ways(search, trials, roles), None)
    if roles is None:
        return None
    fitting = partial(fits, search.formula, attend=search.attend)
    return with_vectors(fitting, trials, roles, search.half, shared_norm=search.shared_norm)


# --- the attention half -----------------------------------------------------------------------------------------------


def _attentions(search: Search, trials: Trials, blank: LayerRoles) -> Iterator[LayerRoles]:
    """Heads and projection, tried with one token first; then queries and keys."""
    weights = trials.attention.weights
    used = {name: w for name, w in weights.items() if name in trials.acting}
    slots = _slots(used, weights)
    alone = [slot for slot in slots if _names(slot.matrix, used) & trials.acting_alone]
    outs = bare(projections(weights, CASE), trials.acting_alone, weights)
    ways = itertools.product([*_probe_heads(trials.attention.made), *alone], outs)
    for heads, out in itertools.islice(ways, MOST_VALUES):
        taken = _names(out, used)
        if isinstance(heads, Slot) and _names(heads.matrix, used) & taken:
            continue
        trial = Own(heads, heads, heads) if isinstance(heads, Slot) else heads
        roles = msgspec.structs.replace(blank, heads=trial, projection=out)
        if fits(search.formula, roles, trials.single, search.attend):
            for whole in _queries(heads, slots, used, taken) if isinstance(heads, Slot) else [heads]:
                yield from _fitting(search, trials.attention, roles, heads=whole)


def _probe_heads(made: int) -> list[ProbeHeads]:
    """Where the heads that are used may begin among those that were made, the usual place first."""
    starts = range(min(made - CASE.heads + 1, MOST_HEADS)) if made >= CASE.heads else ()
    return [ProbeHeads(start // CASE.heads, start % CASE.heads) for start in starts]


def _slots(used: Weights, weights: Weights) -> list[Slot]:
    """What may be a projection: every part of every reading of the parameters that act."""
    return [Slot(_begun(r, used, weights), i) for r in readings(used, CASE) for i in range(r.parts)]


def _begun(reading: Reading, used: Weights, weights: Weights) -> Reading:
    """The reading, begun at the first member of its family that acts."""
    everywhere, acting = members(reading.name, weights), members(reading.name, used)
    return msgspec.structs.replace(reading, start=everywhere.index(acting[0]))


def _queries(values: Slot, slots: Sequence[Slot], used: Weights, taken: set[str]) -> Iterator[Own]:
    """Two more projections beside the values: stored as they are first. One parameter is read in one way only."""
    free = [s for s in slots if not taken & _names(s.matrix, used) and _together(s, values, used)]
    pairs = [pair for pair in itertools.permutations(free, 2) if _together(*pair, used)]
    pairs.sort(key=lambda pair: sum(_split(s.matrix.axes) != _split(values.matrix.axes) for s in pair))
    for q, k in pairs[:MOST_QUERIES]:
        yield Own(q, k, values)


def _together(one: Slot, other: Slot, used: Weights) -> bool:
    """Whether two projections can stand side by side: in different parameters, or as two parts of one reading."""
    if one.matrix == other.matrix:
        return one.index != other.index
    return not _names(one.matrix, used) & _names(other.matrix, used)


def _split(axes: Axes) -> list[str]:
    """Heads before features, or features before heads."""
    return [symbol for axis in axes for symbol in axis if symbol in ("head", "feature")]


def _names(source: AffineSource | Reading, weights: Weights) -> set[str]:
    return set(members(source.weight if isinstance(source, AffineSource) else source.name, weights))


# --- the MLP half -----------------------------------------------------------------------------------------------------


def _mlps(search: Search, trials: Trials, roles: LayerRoles) -> Iterator[LayerRoles]:
    """The two maps with an activation that has a name; then with the one that was measured between them."""
    weights = trials.mlp.weights
    epses = dict.fromkeys((USUAL_EPS, *(eps for mlp in trials.mlps for eps in mlp.eps)))
    pairs = mlp_maps(weights, trials.acting)
    for eps, (first, second), name in itertools.product(epses, pairs, ACTIVATIONS):
        norm = NormSource(eps=eps)
        yield from _fitting(search, trials.mlp, roles, norm2=norm, fc1=first, fc2=second, activation=name)
    for mlp in trials.mlps if search.measured else ():
        maps = {"fc1": mlp.first, "fc2": mlp.second, "activation": mlp.function}
        for eps in epses if mlp.function.bend > BEND else ():
            yield from _fitting(search, trials.mlp, roles, norm2=NormSource(eps=eps), **maps)


def _fitting(search: Search, seen: LayerObservation, roles: LayerRoles, **parts: object) -> Iterator[LayerRoles]:
    filled = msgspec.structs.replace(roles, **parts)
    if fits(search.formula, filled, seen, search.attend):
        yield filled
