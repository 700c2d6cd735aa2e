"""The roles of the MLP's two maps and of what stands between and before them.

Why separate: `staged` finds the attention half, in which most ways to store parameters are; this is the other half.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import msgspec

from autograder.judging.code.activations import ACTIVATIONS, Activation
from autograder.judging.code.layer_parts import USUAL_EPS
from autograder.judging.code.layer_roles import LayerObservation, LayerRoles
from autograder.judging.code.layer_weights import NormSource
from autograder.judging.code.searches import FAR, Memory, Nearest, Search
from autograder.judging.code.trials import Mlp, Trials, mlp_maps

BEND = 1e-3  # a measured function that is closer to a straight line is one: linear maps come out within 1e-5 of it


def after_silence(search: Search, trials: Trials, blank: LayerRoles, memory: Memory) -> LayerRoles | None:
    """The blank roles with the first MLP that fits while the attention is silent: looked for once for each formula."""
    key = _formula(search, blank)
    if key not in memory.mlps:
        memory.mlps[key] = next(mlps(search, trials, blank, trials.mlp), None)
    return memory.mlps[key]


def known_to_fail(search: Search, blank: LayerRoles, memory: Memory) -> bool:
    """Whether the MLP of this formula was looked for already, with another attention, and not found."""
    return memory.mlps.get(_formula(search, blank), blank) is None


def _formula(search: Search, blank: LayerRoles) -> tuple[object, ...]:
    return search.formula, search.names, search.matched is None, blank.norm1


def mlps(search: Search, trials: Trials, roles: LayerRoles, seen: LayerObservation | None) -> Iterator[LayerRoles]:
    """The two maps with the activation that was measured between them, and with those that have a name.

    Without an observation that shows them, every pair with the usual activations.
    """
    known = {(mlp.first, mlp.second): mlp for mlp in trials.mlps}
    pairs = (search.matched and search.matched.maps) or mlp_maps(trials.mlp.weights, trials.acting, trials.case)
    for first, second in pairs:
        mlp = known.get((first, second))
        for activation in _activations(search, mlp, seen):
            nearest = Nearest(search.formula, search.attend, seen) if seen else None
            for eps in mlp.epses if mlp else (USUAL_EPS,):
                if nearest and FAR < nearest.gap < math.inf:
                    break
                norm = NormSource(eps=eps)
                filled = msgspec.structs.replace(roles, norm2=norm, fc1=first, fc2=second, activation=activation)
                if nearest is None or nearest.fits(filled):
                    yield filled


def _activations(search: Search, mlp: Mlp | None, seen: LayerObservation | None) -> list[Activation]:
    """The one by name that was measured; else the function as measured, and as many names as are looked for.

    The measured one first: ReLU6 is ReLU as far as a single observation reaches.
    """
    names: list[Activation] = list(itertools.islice(ACTIVATIONS, search.names))
    if mlp is None or seen is None or mlp.bend <= BEND:
        return names
    return [mlp.name] if mlp.name else [mlp.function, *names]
