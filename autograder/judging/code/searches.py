"""What is looked for among a layer's parameters, and what the searches of one layer have in common.

Why separate: words for `staged` and `mlp_roles`, which look, and for `find_roles`, which asks; nothing is chosen here.
"""

from __future__ import annotations

import math

import msgspec

from autograder.core.policy import TOLERANCES
from autograder.judging.code import layer_roles
from autograder.judging.code.activations import ACTIVATIONS
from autograder.judging.code.layer_parts import LayerFormula
from autograder.judging.code.layer_roles import LayerObservation, LayerRoles, ProbeHeads
from autograder.judging.code.layer_weights import AffineSource
from autograder.judging.code.matching import Matched
from autograder.judging.code.own_attention import Attend
from autograder.judging.code.readings import Slot

# Another eps changes what is normalised by 1 % at most (see `measuring.LARGEST_EPS`): what is this far off under the
# usual one is not tried with others.
FAR = 0.3


class Memory:
    """What the searches of one layer have in common, by formula and attention.

    `values`: what one token showed of the values and the projection. `mlps`: what was found of the MLP while the
    attention was silent. `far`: what no eps will bring near.
    """

    def __init__(self) -> None:
        self.values: dict[object, list[tuple[ProbeHeads | Slot, AffineSource]]] = {}
        self.mlps: dict[object, LayerRoles | None] = {}
        self.far: set[object] = set()


class Nearest:
    """Tries roles on one observation, and keeps how near they came."""

    def __init__(self, formula: LayerFormula, attend: Attend, seen: LayerObservation) -> None:
        self._formula, self._attend, self._seen = formula, attend, seen
        self.gap = math.inf

    def fits(self, roles: LayerRoles) -> bool:
        """Whether the formula gives what was seen."""
        found = layer_roles.gap(self._formula, roles, self._seen, self._attend)
        self.gap = min(self.gap, found)
        return found <= TOLERANCES.values


class Search(msgspec.Struct, frozen=True):
    """What is looked for: the formula over an attention, in one half ("attention", "mlp") or in both ("").

    A mistake's search has more: one normalisation may stand in both places (`shared_norm`), one projection in two
    (`repeats`), a half may do nothing (`lacks`), and with one token its attention may be more than the value (not
    `alone`). What was `matched` leaves few ways to read the attention's parameters.
    """

    formula: LayerFormula
    attend: Attend
    half: str = ""
    shared_norm: bool = False
    repeats: bool = False
    lacks: str = ""
    alone: bool = True
    names: int = len(ACTIVATIONS)  # so many of the activations that have names are tried
    matched: Matched | None = None  # what goes together whatever the formula is, where that was asked for
