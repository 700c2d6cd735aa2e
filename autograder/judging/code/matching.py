"""Which projections belong together, whatever is computed from them: told by scaling, one forward for each.

Why separate: a wrong attention has fifty possible names, and each would be tried under every way to read the
parameters. But the reading does not depend on the mistake. Features of the values scaled by some factors are the
columns of the projection scaled by the same factors, as long as what is between them is linear in the values, whatever
weighs them; and features of the queries scaled are those of the keys scaled, as long as only their products count. So a
reading of one parameter is tried alone, and two readings belong together when they give the same output.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import torch
from torch import Tensor

from autograder.core.policy import TOLERANCES
from autograder.judging.code.cases import LayerCase, normal
from autograder.judging.code.compare import close
from autograder.judging.code.layer_roles import LayerObservation
from autograder.judging.code.layer_weights import AffineSource, matrix_of, projections
from autograder.judging.code.readings import Slot, blocks, members
from autograder.judging.code.trials import Ask, Trials, bare, mlp_maps
from autograder.judging.code.weights import Weights

MOST = 96  # readings that are tried: a fused parameter has 18, three maps have 6 to 12, arrays 36


class Matched(msgspec.Struct, frozen=True):
    """What goes together: values with the projection that takes them, queries with keys, the two maps of the MLP."""

    values: tuple[tuple[Slot, AffineSource], ...]
    scores: tuple[tuple[Slot, Slot], ...]
    maps: tuple[tuple[AffineSource, AffineSource], ...]


def run(ask: Ask, trials: Trials, slots: Sequence[Slot]) -> Matched:
    """Asks once for each reading and each projection; once more, with one token, where several tokens tell nothing."""
    weights = trials.both.weights
    bench = _Bench(ask, weights, trials.case)
    outs = bare(projections(weights, trials.case), trials.acting_alone, weights)[:MOST] if slots else []
    several = [bench.output(_slot_scaled(slot, weights, trials.case), trials.both.x) for slot in slots]
    scores = _alike(several, several, trials.both.output)
    # with one token queries and keys do nothing, where the attention is a softmax: then they are no values either
    acting = [not trials.acting_alone.isdisjoint(members(slot.matrix.name, weights)) for slot in slots]
    values = _taken(bench, trials.both, slots, outs, several, acting)
    if slots and not values:
        alone = [bench.output(_slot_scaled(slot, weights, trials.case), trials.both_single.x) for slot in slots]
        values = _taken(bench, trials.both_single, slots, outs, alone, acting)
    return Matched(values, tuple((slots[i], slots[j]) for i, j in scores if i != j), _maps(bench, trials))


def _taken(
    bench: _Bench,
    seen: LayerObservation,
    slots: Sequence[Slot],
    outs: Sequence[AffineSource],
    given: Sequence[Tensor],
    acting: Sequence[bool],
) -> tuple[tuple[Slot, AffineSource], ...]:
    """The readings that with scaled features `given` these outputs, each with the projection that gives the same."""
    scaled = [bench.output(_columns_scaled(out, seen.weights, bench.case), seen.x) for out in outs]
    pairs = [(slots[i], outs[j]) for i, j in _alike(given, scaled, seen.output) if acting[i]]
    return tuple((slot, out) for slot, out in pairs if not _shared(slot.matrix.name, out.weight, seen.weights))


def _shared(one: str, other: str, weights: Weights) -> bool:
    return not set(members(one, weights)).isdisjoint(members(other, weights))


def _maps(bench: _Bench, trials: Trials) -> tuple[tuple[AffineSource, AffineSource], ...]:
    """The pairs that may be fc1 and fc2: hidden units in another order change nothing when both have that order."""
    weights, pairs = trials.both.weights, mlp_maps(trials.both.weights, trials.acting, trials.case)
    if len(pairs) < 2:
        return ()
    order = torch.arange(trials.case.mlp_dim).roll(3)
    found = []
    for first, second in pairs[:MOST]:
        changed = {
            **_reordered(first, weights, order, 0, trials.case),
            **_reordered(second, weights, order, 1, trials.case),
        }
        if close(bench.output(changed, trials.both.x), trials.both.output):
            found.append((first, second))
    return tuple(found)


def _reordered(source: AffineSource, weights: Weights, order: Tensor, axis: int, case: LayerCase) -> Weights:
    names = members(source.weight, weights)
    places = matrix_of(source, _places(names, weights), case)
    flat = torch.cat([weights[name].flatten() for name in names])
    moved = flat.clone()
    moved[places.long()] = flat[places.index_select(axis, order).long()]
    return _split_again(names, weights, moved)


class _Bench:
    """Asks with some parameters changed, and puts them back with the next question."""

    def __init__(self, ask: Ask, weights: Weights, case: LayerCase) -> None:
        self._ask, self._weights, self.case = ask, weights, case
        self._changed: set[str] = set()

    def output(self, changed: Weights, x: Tensor) -> Tensor:
        sent = {**{name: self._weights[name] for name in self._changed}, **changed}
        self._changed = set(changed)
        return self._ask(sent, x)


def _factors(case: LayerCase) -> Tensor:
    """(heads, dim_head): a factor for each feature of each head, all different."""
    return (normal(case.seed + 5, case.heads, case.dim_head) * 0.5).exp()


def _slot_scaled(slot: Slot, weights: Weights, case: LayerCase) -> Weights:
    names = members(slot.matrix.name, weights)
    places = blocks(slot.matrix, _places(names, weights), case)[slot.index]
    return _scaled(names, weights, places, _factors(case)[..., None])


def _columns_scaled(out: AffineSource, weights: Weights, case: LayerCase) -> Weights:
    names = members(out.weight, weights)
    places = matrix_of(out, _places(names, weights), case)
    return _scaled(names, weights, places, _factors(case).flatten())


def _places(names: Sequence[str], weights: Weights) -> Weights:
    """In each entry its number, counted through all of them."""
    counts = [weights[name].numel() for name in names]
    numbers = torch.split(torch.arange(sum(counts), dtype=torch.float64), counts)
    return {name: part.reshape(weights[name].shape) for name, part in zip(names, numbers)}


def _scaled(names: Sequence[str], weights: Weights, places: Tensor, factors: Tensor) -> Weights:
    flat = torch.cat([weights[name].flatten() for name in names])
    at = places.long()
    flat[at] = flat[at] * factors.expand(at.shape).to(flat)
    return _split_again(names, weights, flat)


def _split_again(names: Sequence[str], weights: Weights, flat: Tensor) -> Weights:
    parts = torch.split(flat, [weights[name].numel() for name in names])
    return {name: part.reshape(weights[name].shape) for name, part in zip(names, parts)}


def _alike(ones: Sequence[Tensor], others: Sequence[Tensor], unchanged: Tensor) -> list[tuple[int, int]]:
    """Pairs with one output, other than the one without any factors."""
    if not ones or not others:
        return []
    first, second = (torch.stack([o.flatten().double() for o in outputs]) for outputs in (ones, others))
    base = unchanged.flatten().double()[None]
    near = TOLERANCES.values * float(base.abs().max())
    moved = [torch.cdist(each, base, p=float("inf"))[:, 0] > 10 * near for each in (first, second)]
    same = (torch.cdist(first, second, p=float("inf")) <= near) & moved[0][:, None] & moved[1][None]
    return [(int(i), int(j)) for i, j in same.nonzero()]
