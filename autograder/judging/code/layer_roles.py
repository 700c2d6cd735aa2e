"""Which parameters of a student's layer are LN1, projection, LN2, fc1 and fc2: found by trying, judged by numbers.

Shapes settle most of it, since all sizes of a case differ; names and order only say what to try first. A half of the
layer that is silenced needs no roles, so whatever is wrong or unusual there cannot spoil the judging of the other.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
from collections.abc import Iterator, Sequence

import msgspec
import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.core.policy import TOLERANCES
from autograder.judging.code import activations, own_attention, probe_heads
from autograder.judging.code.activations import ACTIVATIONS, USUAL, Activation
from autograder.judging.code.cases import LayerCase
from autograder.judging.code.compare import distance, least_squares
from autograder.judging.code.layer_parts import Affine, Function, LayerFormula, LayerParts, Norm
from autograder.judging.code.layer_weights import (
    NOTHING,
    AffineSource,
    NormSource,
    bias_of,
    matrix_of,
    norms,
    plain,
    projections,
)
from autograder.judging.code.own_attention import Attend, Own
from autograder.judging.code.weights import Weights

LIKELY = 40  # ways to fill the other roles that are tried with every activation; what comes later, with the usual ones

# Formulas worked out in one search by names and order, 0.12 ms each. A plain layer that is right needs at most 40 (two
# orders of the norms, the activations); what is not found so early is found by experiments (see `staged`). A wrong
# version is looked for in the usual roles.
MAX_TRIES, FEW_TRIES = 60, 28
# Ways to fill one role; what matches comes early (see `layer_weights`), and more than these is no plain layer.
FILLED = 128  # ways to fill all roles that are kept as tensors: with other formulas they come again
MAX_NORM_PAIRS, MAX_MAPS, MAX_MULTI_HEADS = 40, 8, 4


class ProbeHeads(msgspec.Struct, frozen=True):
    """Which probe heads stand side by side, in the order in which they were made: from times * heads + plus on."""

    times: int = 0
    plus: int = 0

    def numbers(self, heads: int) -> range:
        """The number of each head, in the order in which their features stand."""
        first = self.times * heads + self.plus
        return range(first, first + heads)


class LayerRoles(msgspec.Struct, frozen=True):
    """An assignment of all roles. `heads`: the probe heads, or the projections of the layer's own attention."""

    norm1: NormSource
    projection: AffineSource
    norm2: NormSource
    fc1: AffineSource
    fc2: AffineSource
    activation: Activation
    heads: ProbeHeads | Own = ProbeHeads()

    @property
    def own(self) -> bool:
        """Whether the layer brings an attention of its own."""
        return isinstance(self.heads, Own)


class LayerObservation(msgspec.Struct, frozen=True, eq=False):
    """What one case gave. `made` is how many probe heads the child says it made (a hint), `without` the silent half.

    `other`: what another input gave, `again` this one with another seed, `alone` its first sample by itself.
    `begun_at_0`: parameters that may be gates (a hint). One is equal to itself alone, so that what follows from it is
    worked out once.
    """

    case: LayerCase
    weights: Weights
    x: Tensor
    output: Tensor
    made: int
    probe_seed: int
    without: str = ""
    other: Tensor | None = None
    again: Tensor | None = None
    alone: Tensor | None = None
    begun_at_0: tuple[str, ...] = ()


def alike(roles: LayerRoles) -> tuple[LayerRoles, ...]:
    """Roles that no output need tell from these: among many features the two forms of GELU give almost the same."""
    twin = {"GELU": "tanh-GELU", "tanh-GELU": "GELU"}.get(str(roles.activation))
    return (roles, msgspec.structs.replace(roles, activation=twin)) if twin else (roles,)


def attention_of(observation: LayerObservation, heads: ProbeHeads | Own, attend: Attend | None) -> Function:
    """What our copy of `Attention` gives over the probe heads, or the layer's own attention."""
    case, seed = observation.case, observation.probe_seed
    if isinstance(heads, Own):
        return own_attention.function(heads, observation.weights, case, attend or _nothing)
    return probe_heads.mixed(seed, heads.numbers(case.heads), observation.x.shape[1], case.dim, case.dim_head)


def _nothing(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    return torch.zeros_like(v)


def assignments(observation: LayerObservation, *, shared_norm: bool, names: int) -> Iterator[LayerRoles]:
    """Every assignment that the shapes allow, likely ones first: the sum of how far down each role's list it goes."""
    case, weights, without = observation.case, observation.weights, observation.without
    found = norms(case.dim, weights)
    pairs = [(a, b) for a in found for b in found if shared_norm == (a == b and a != NormSource())]
    pairs.sort(key=lambda pair: found.index(pair[0]) + found.index(pair[1]))
    fc1, fc2 = ((case.mlp_dim, case.dim), (case.dim, case.mlp_dim))
    choices = itertools.product(
        enumerate([ProbeHeads()] if without == "attention" else _probe_heads(observation)),
        enumerate(pairs[:MAX_NORM_PAIRS]),
        enumerate([NOTHING] if without == "attention" else projections(weights, case)[:MAX_MAPS]),
        enumerate([NOTHING] if without == "mlp" else plain(weights, *fc1)[:MAX_MAPS]),
        enumerate([NOTHING] if without == "mlp" else plain(weights, *fc2)[:MAX_MAPS]),
    )
    tried = list(ACTIVATIONS)[: 1 if without == "mlp" else names]
    likely = sorted(choices, key=lambda chosen: sum(rank for rank, _ in chosen))
    for position, ((_, head), (_, (norm1, norm2)), (_, projection), (_, first), (_, second)) in enumerate(likely):
        if first.weight and first.weight == second.weight:
            continue
        for name in tried if position < LIKELY else tried[:USUAL]:
            yield LayerRoles(norm1, projection, norm2, first, second, name, head)


def _probe_heads(observation: LayerObservation) -> list[ProbeHeads]:
    made, heads = max(observation.made, 1), observation.case.heads
    return [ProbeHeads(times) for times in range(MAX_MULTI_HEADS) if times * heads < made]


def evaluate(
    formula: LayerFormula,
    roles: LayerRoles,
    observation: LayerObservation,
    attend: Attend | None = None,
    *,
    attention: Function | None = None,
    kept: bool = False,
) -> Tensor:
    """The formula under these roles, in float64; over `attention`, if it is given, in the place of the probe heads.

    `kept`: for weights that stay what they are; with other formulas the same parts come again. A formula may give its
    terms, on an axis before the others: then it is those multiples of them that come nearest to the output.
    """
    x, parts = (_kept if kept else _filled)(roles, observation, attend, attention)
    given = formula(x, parts)
    if given.dim() == x.dim():
        return given
    return (_multiples(given, observation.output)[:, None, None, None] * given).sum(0)


def factors(formula: LayerFormula, roles: LayerRoles, seen: LayerObservation, attend: Attend) -> tuple[float, ...]:
    """Of a formula that gives its terms: how much of each is in the output."""
    terms = formula(*_filled(roles, seen, attend, None))
    return tuple(float(factor) for factor in _multiples(terms, seen.output))


def _multiples(terms: Tensor, output: Tensor) -> Tensor:
    columns = terms.flatten(1).T  # (numbers of the output, terms)
    return least_squares(columns, output.double().flatten()[:, None])[:, 0]


def _filled(
    roles: LayerRoles, observation: LayerObservation, attend: Attend | None, attention: Function | None
) -> tuple[Tensor, LayerParts]:
    """x, and the parts of the layer under these roles, in float64: the same for all formulas."""
    weights, case = observation.weights, observation.case
    inner = case.heads * case.dim_head
    parts = LayerParts(
        norm1=_norm(weights, roles.norm1),
        attention=attention or attention_of(observation, roles.heads, attend),
        projection=_affine(weights, roles.projection, case, (case.dim, inner)),
        norm2=_norm(weights, roles.norm2),
        fc1=_affine(weights, roles.fc1, case, (case.mlp_dim, case.dim)),
        fc2=_affine(weights, roles.fc2, case, (case.dim, case.mlp_dim)),
        activation=activations.function(roles.activation),
        heads=case.heads,
    )
    return observation.x.double(), parts


_kept = functools.lru_cache(FILLED)(_filled)


def _norm(weights: Weights, source: NormSource) -> Norm:
    gain, shift = (weights[name].double().flatten() if name else None for name in (source.scale, source.shift))
    return Norm(gain if gain is None else gain + source.plus, shift, source.eps)


def _affine(weights: Weights, source: AffineSource, case: LayerCase, shape: tuple[int, int]) -> Affine:
    if not source.weight:
        return torch.zeros(shape, dtype=torch.float64), None
    bias, matrix = bias_of(source, weights), matrix_of(source, weights, case)
    if tuple(matrix.shape) != shape:
        raise IndexError(f"{source.weight} has other sizes in this case")
    return matrix.double(), None if bias is None else bias.double()


def fits(formula: LayerFormula, roles: LayerRoles, observation: LayerObservation, attend: Attend | None = None) -> bool:
    """Whether the formula under these roles gives the observed output."""
    return gap(formula, roles, observation, attend) <= TOLERANCES.values


def gap(formula: LayerFormula, roles: LayerRoles, observation: LayerObservation, attend: Attend | None = None) -> float:
    """How far the formula under these roles is from the observed output; inf where it gives nothing of its shape."""
    output = _finite(observation)
    try:
        expected = evaluate(formula, roles, observation, attend, kept=True)
    except (KeyError, IndexError, RuntimeError):  # the module has other parameters in this case than in the first
        return math.inf
    if output is None or output.shape != expected.shape:
        return math.inf
    return distance(output, expected)


@functools.lru_cache(FILLED)
def _finite(observation: LayerObservation) -> Tensor | None:
    """The output in float64; None where a number of it is none."""
    return observation.output.double() if bool(torch.isfinite(observation.output).all()) else None


def find(
    formula: LayerFormula,
    observations: Sequence[LayerObservation],
    *,
    shared_norm: bool = False,
    tries: int = MAX_TRIES,
    names: int = len(ACTIVATIONS),
) -> LayerRoles | None:
    """The first assignment, by names and order, under which the formula gives the outputs of ALL observations.

    None if there is none among the likely ones; `staged.find` then knows more.
    """
    first, *others = sorted(observations, key=lambda o: o.output.numel())
    likely = assignments(first, shared_norm=shared_norm, names=names)
    for roles in itertools.islice(likely, tries):
        if all(fits(formula, roles, observation) for observation in (first, *others)):
            return roles
    return None


def first_halves(formula: LayerFormula, observation: LayerObservation, most: int = 6) -> Iterator[Tensor]:
    """What the formula's first half gives over probe heads, under the likely roles; the MLP adds nothing."""
    alone = msgspec.structs.replace(observation, without="mlp")
    given: set[object] = set()
    for roles in assignments(alone, shared_norm=False, names=1):
        if (roles.heads, roles.norm1, roles.projection) not in given:
            given.add((roles.heads, roles.norm1, roles.projection))
            with contextlib.suppress(KeyError, IndexError, RuntimeError):  # shapes that do not go together
                yield evaluate(formula, roles, alone)
        if len(given) == most:
            return


def projected(roles: LayerRoles, observation: LayerObservation, attend: Attend | None = None) -> tuple[Tensor, Tensor]:
    """The projection's matrix (dim, heads * dim_head) and what it is given, (batch, tokens, heads * dim_head)."""
    case, weights, x = observation.case, observation.weights, observation.x.double()
    norm = _norm(weights, roles.norm1)
    normalised = F.layer_norm(x, x.shape[-1:], norm.gain, norm.shift, norm.eps)
    heads = attention_of(observation, roles.heads, attend)(normalised)
    return _affine(weights, roles.projection, case, (case.dim, heads.shape[-1]))[0], heads


def unfilled(observation: LayerObservation) -> list[tuple[str, str]]:
    """(from, to) of the linear maps of the layer that no parameter has the sizes for."""
    case, weights = observation.case, observation.weights
    wanted = {
        ("heads * dim_head features", "dim"): projections(weights, case),
        ("dim features", "mlp_dim"): plain(weights, case.mlp_dim, case.dim),
        ("mlp_dim features", "dim"): plain(weights, case.dim, case.mlp_dim),
    }
    return [role for role, found in wanted.items() if not found]
