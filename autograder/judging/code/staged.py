"""Finds the roles of a student's layer from experiments: one after the other, so that the ways to fill them add up.

First the values and the projection (one token: nothing else acts), then queries and keys, then the MLP's two maps and
its activation, then each vector. Every step is a trial of the formula, the reference's or a mistake's, so a wrong layer
gets its roles, too. What was found still has to hold on other weights, inputs and sizes (`layer_roles.fits`): nothing
is credited here.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from autograder.judging.code.cases import LayerCase, normal
from autograder.judging.code.compare import close
from autograder.judging.code.flat import is_flat
from autograder.judging.code.halves import matrices
from autograder.judging.code.layer_parts import USUAL_EPS
from autograder.judging.code.layer_roles import LayerRoles, ProbeHeads, fits
from autograder.judging.code.layer_weights import NOTHING, AffineSource, NormSource, plain, projections
from autograder.judging.code.mlp_roles import after_silence, known_to_fail, mlps
from autograder.judging.code.own_attention import Attend, Own
from autograder.judging.code.readings import Axes, Reading, Slot, members, readings
from autograder.judging.code.searches import FAR, Memory, Nearest, Search
from autograder.judging.code.trials import CASE, Trials, bare, mlp_maps
from autograder.judging.code.vector_roles import with_vectors
from autograder.judging.code.weights import Weights, wide

# Ways to fill values and projection, and then queries and keys: a fused matrix has 18 parts in all its orders, beside
# three ways to store a projection; two maps beside the values have 8 ways. In one row of numbers a fused one has 72
# parts, and four that are rows have 24 by 18 ways, then 72.
MOST_VALUES, MOST_QUERIES = 448, 96
MOST_MLPS = 8  # ways to fill the MLP that are carried on where nothing shows them: two pairs, four activations
KEPT = 8  # layers of which what follows from the experiments alone is kept: one, as it is and as it is read otherwise
MOST_HEADS = 12  # places among the probe heads that were made where those that are used may begin


def find(search: Search, trials: Trials, memory: Memory | None = None) -> LayerRoles | None:
    """The roles under which the formula gives every observation of the half or halves; None if there are none.

    `memory` keeps what searches of one layer have in common: the values' roles.
    """
    memory = Memory() if memory is None else memory
    # some mistakes have the MLP's activation in the attention half, too
    usual = next((mlp.name for mlp in trials.mlps if mlp.name), "GELU")
    for eps in dict.fromkeys((USUAL_EPS, trials.eps)):
        norm = NormSource(eps=eps)
        blank = LayerRoles(norm, NOTHING, norm, NOTHING, NOTHING, usual)
        roles = next(_matrices(search, trials, blank, memory), None)
        if roles:
            fitting = partial(fits, search.formula, attend=search.attend)
            return with_vectors(fitting, trials, roles, search.half, shared_norm=search.shared_norm)
    thorough = search.matched is None or "mlp" in trials.mute
    if search.half == "mlp" and thorough and trials.mlp.x is trials.both.x:
        # a wrong first half may leave this one nothing, or may not be silent
        return find(search, _following(trials), memory)
    return None


@functools.lru_cache(KEPT)
def _following(trials: Trials) -> Trials:
    """The experiments with the MLP half as it works on what the attention half gives."""
    return msgspec.structs.replace(trials, mlp=trials.following, vectors=())


@functools.lru_cache(KEPT)
def _speaking(trials: Trials) -> Trials:
    """The experiments with the attention half as it is seen while the MLP speaks, too."""
    return msgspec.structs.replace(trials, single=trials.both_single, attention=trials.both)


def _matrices(search: Search, trials: Trials, blank: LayerRoles, memory: Memory) -> Iterator[LayerRoles]:
    """The matrices of the half or halves; each half while the other is silent, where that shows it."""
    attention, mlp = (search.half in ("", half) and search.lacks != half for half in ("attention", "mlp"))
    seen = trials.both if "mlp" in trials.mute and attention else trials.mlp
    if not search.half and not _as_mute(search, trials, blank):
        return  # in this formula something would be seen of a half that shows nothing
    if not attention or not mlp:
        whole = _attentions(search, trials, blank, memory) if attention else mlps(search, trials, blank, seen)
        yield from [blank] if not attention and not mlp else whole
    elif not trials.mute:
        if known_to_fail(search, blank, memory):
            return
        for roles in _attentions(search, trials, blank, memory):
            if second := after_silence(search, trials, blank, memory):
                yield msgspec.structs.replace(second, heads=roles.heads, projection=roles.projection)
    elif "attention" not in trials.mute:
        for roles in _attentions(search, trials, blank, memory):
            yield from mlps(search, trials, roles, seen)
    else:
        shown = trials.mlp if "mlp" not in trials.mute else None
        for roles in itertools.islice(mlps(search, trials, blank, shown), MOST_MLPS):
            yield from _attentions(search, _speaking(trials), roles, Memory())


def _as_mute(search: Search, trials: Trials, blank: LayerRoles) -> bool:
    """Whether the formula, too, shows nothing of a half that is mute, whatever it is filled with."""
    out, first, second = _anything(trials)
    filled = {
        "attention": msgspec.structs.replace(blank, projection=out),
        "mlp": msgspec.structs.replace(blank, fc1=first, fc2=second),
    }
    seen = {"attention": trials.attention, "mlp": trials.mlp}
    halves = trials.mute - {search.lacks}
    return all(fits(search.formula, filled[half], seen[half], search.attend) for half in halves)


@functools.lru_cache(KEPT)
def _anything(trials: Trials) -> tuple[AffineSource, AffineSource, AffineSource]:
    """A projection and two maps of an MLP by their sizes alone, whether they act or not."""
    weights = trials.both.weights
    out, pairs = (
        bare(projections(weights, trials.case), frozenset(weights), weights),
        mlp_maps(weights, frozenset(weights), trials.case),
    )
    return (out[0] if out else NOTHING, *(pairs[0] if pairs else (NOTHING, NOTHING)))


# --- the attention half -----------------------------------------------------------------------------------------------


def _attentions(search: Search, trials: Trials, blank: LayerRoles, memory: Memory) -> Iterator[LayerRoles]:
    """Heads and projection, tried with one token first; then queries and keys."""
    if not search.alone and trials.valued:
        return
    used, slots = _used(trials), all_slots(trials)
    plain = search.alone and gives_the_value(search.attend)
    formula = (search.formula, None if plain else search.attend, search.matched is None)
    if formula in memory.far and blank.norm1.eps != USUAL_EPS:
        return
    key, alone = (*formula, blank.norm1.eps), Nearest(search.formula, search.attend, trials.single)
    if key not in memory.values:
        memory.values[key] = list(_values(search, trials, blank, slots, alone))
        if search.alone and alone.gap > FAR:
            memory.far.add(formula)
    several = Nearest(search.formula, search.attend, trials.attention)
    for heads, out in memory.values[key]:
        roles = msgspec.structs.replace(blank, projection=out)
        free = [slot for slot in slots if not _names(out, used) & _names(slot.matrix, used)]
        for whole in _queries(search, heads, free, used) if isinstance(heads, Slot) else [heads]:
            filled = msgspec.structs.replace(roles, heads=whole)
            if several.fits(filled):
                yield filled
    if not search.alone and several.gap > FAR:
        memory.far.add(formula)


@functools.lru_cache(KEPT)
def all_slots(trials: Trials) -> tuple[Slot, ...]:
    """What may be a projection of the heads, by its shape: all readings of the parameters that act."""
    return tuple(_slots(_used(trials), trials.attention.weights, trials.case))


def _used(trials: Trials) -> Weights:
    return {name: w for name, w in trials.attention.weights.items() if name in trials.acting}


def gives_the_value(attend: Attend) -> bool:
    """Whether with one token this attention gives its value, as the right one does."""
    q, k, v = (normal(seed, 1, CASE.heads, 1, CASE.dim_head) for seed in (1, 2, 3))
    given = attend(q, k, v, CASE.dim)
    return close(given.reshape(v.shape) if given.numel() == v.numel() else given, v)


def _values(
    search: Search, trials: Trials, blank: LayerRoles, slots: Sequence[Slot], nearest: Nearest
) -> Iterator[tuple[ProbeHeads | Slot, AffineSource]]:
    """What may be the values and the projection; tried with one token, where that shows them."""
    used = _used(trials)
    alone = [slot for slot in slots if _names(slot.matrix, used) & trials.acting_alone]
    outs = _projections(trials)
    ways: list[ProbeHeads | Slot] = [*_probe_heads(trials.attention.made, trials.case.heads), *alone]
    pairs: list[tuple[ProbeHeads | Slot, AffineSource]]
    if search.matched and not trials.attention.made:
        pairs = [(slot, out) for slot, out in search.matched.values if slot in alone and out in outs]
    else:
        pairs = list(itertools.islice(itertools.product(ways, outs), MOST_VALUES))
    for heads, out in pairs:
        own = Own(heads, heads, heads) if isinstance(heads, Slot) else None
        # heads of the layer's own have no order but their own
        if own and (out.layout.startswith("reversed") or _names(own.v.matrix, used) & _names(out, used)):
            continue
        if own and not search.alone and not search.matched and _mixed(own.v) != out.layout.startswith("mixed"):
            continue  # too many ways to tell one by one: only those that split and join alike
        roles = msgspec.structs.replace(blank, heads=own or heads, projection=out)
        if not search.alone or nearest.fits(roles):
            yield heads, out


@functools.lru_cache(KEPT)
def _projections(trials: Trials) -> tuple[AffineSource, ...]:
    return tuple(bare(projections(trials.attention.weights, trials.case), trials.acting_alone, _used(trials)))


def _mixed(slot: Slot) -> bool:
    return _split(slot.matrix.axes)[0] != "head"


def _probe_heads(made: int, heads: int) -> list[ProbeHeads]:
    """Where the heads that are used may begin among those that were made, the usual place first."""
    starts = range(min(made - heads + 1, MOST_HEADS)) if made >= heads else ()
    return [ProbeHeads(start // heads, start % heads) for start in starts]


def _slots(used: Weights, weights: Weights, case: LayerCase) -> list[Slot]:
    """What may be a projection: every part of every reading of the parameters that act."""
    return [Slot(_begun(r, used, weights), i) for r in readings(used, case) for i in range(r.parts)]


def _begun(reading: Reading, used: Weights, weights: Weights) -> Reading:
    """The reading, begun at the first member of its family that acts."""
    everywhere, acting = members(reading.name, weights), members(reading.name, used)
    return msgspec.structs.replace(reading, start=everywhere.index(acting[0]))


def _queries(search: Search, values: Slot, slots: Sequence[Slot], used: Weights) -> Iterator[Own]:
    """Two more projections beside the values: stored as they are first. One parameter is read in one way only."""
    free = [slot for slot in slots if _together(slot, values, used)]
    pairs = [pair for pair in itertools.permutations(free, 2) if _together(*pair, used)]
    pairs.sort(key=lambda pair: sum(_split(s.matrix.axes) != _split(values.matrix.axes) for s in pair))
    matched = [pair for pair in pairs if search.matched and pair in search.matched.scores]
    if matched or search.matched or not search.alone:
        # too many ways to tell one by one: those that go together, else those that are stored alike
        split = _split(values.matrix.axes)
        alike = [pair for pair in pairs if all(_stored_alike(slot, values, search) for slot in pair)]
        fitting = [pair for pair in matched if split in [_split(slot.matrix.axes) for slot in pair]]
        pairs = fitting or matched or (pairs if search.matched else alike)
    again = [pair for slot in (*free, values) for pair in ((slot, slot), (slot, values), (values, slot))]
    for q, k in [*(again if search.repeats else ()), *pairs][:MOST_QUERIES]:
        yield Own(q, k, values)


def _together(one: Slot, other: Slot, used: Weights) -> bool:
    """Whether two projections can stand side by side: in different parameters, or as two parts of one reading."""
    if one.matrix == other.matrix:
        return one.index != other.index
    return not _names(one.matrix, used) & _names(other.matrix, used)


def _stored_alike(slot: Slot, values: Slot, search: Search) -> bool:
    """In the same shape; where few values are left, with heads and features in the same order."""
    if search.matched:
        return _split(slot.matrix.axes) == _split(values.matrix.axes)
    return _shape(slot.matrix) == _shape(values.matrix)


def _shape(reading: Reading) -> tuple[int, Axes]:
    return reading.parts, reading.axes


def _split(axes: Axes) -> list[str]:
    """Heads before features, or features before heads."""
    return [symbol for axis in axes for symbol in axis if symbol in ("head", "feature")]


def _names(source: AffineSource | Reading, weights: Weights) -> set[str]:
    return set(members(source.weight if isinstance(source, AffineSource) else source.name, weights))


def without_reading(trials: Trials, half: str) -> set[str]:
    """The parameters of a half ("" for both) that act and whose axes no role has.

    Two axes are always a linear map, unless they are a guess.
    """
    weights, case = trials.both.weights, trials.case
    acting = {name: w for name, w in weights.items() if name in trials.acting}
    used = {name: w for name, w in acting.items() if is_flat(name) or len(wide(w.shape)) > 2}
    maps = [*plain(used, case.mlp_dim, case.dim), *plain(used, case.dim, case.mlp_dim)]
    readable = {name for source in (*projections(used, case), *maps) for name in _names(source, used)}
    readable |= {name for slot in _slots(used, used, case) for name in _names(slot.matrix, used)}
    return {name for name in used if name not in readable and (not half or name in matrices(used, case, half))}
