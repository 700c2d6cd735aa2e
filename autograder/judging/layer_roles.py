"""Which parameters of a student's layer are LN1, projection, LN2, fc1 and fc2: found by trying, judged by numbers.

Shapes settle most of it, since all sizes of a case differ; names and order only say what to try first. A normalisation
may have no affine part, or be hand-made from two vectors; linear maps may be hand-made too, stored (in, out).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.judging.cases import LayerCase
from autograder.judging.compare import close
from autograder.judging.weights import Weights, is_scale
from autograder.student_room.probe import mix

MAX_ASSIGNMENTS = 4000  # a plain layer has fewer than 50

# Handout 4(b) names no activation: these are the ones in use. tanh-GELU is GELU's common approximation.
ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "GELU": F.gelu,
    "ReLU": F.relu,
    "SiLU": F.silu,
    "tanh-GELU": lambda x: F.gelu(x, approximate="tanh"),
}

Function = Callable[[Tensor], Tensor]
Affine = tuple[Tensor, Tensor | None]
Norm = tuple[Tensor, Tensor] | None
# (x, norm1, attention, projection, norm2, fc1, fc2, activation) -> output: the reference or a misconception
LayerFormula = Callable[[Tensor, Norm, Function, Affine, Norm, Affine, Affine, Function], Tensor]


class NormSource(msgspec.Struct, frozen=True):
    """Names of a normalisation's two vectors; empty where it has none."""

    scale: str = ""
    shift: str = ""


class AffineSource(msgspec.Struct, frozen=True):
    """Names of a linear map's matrix and bias; `transposed` when the matrix is stored (in, out)."""

    weight: str
    bias: str = ""
    transposed: bool = False


class LayerRoles(msgspec.Struct, frozen=True):
    """An assignment of all roles. `first_head`: which probe head stands first in the attention that is used."""

    norm1: NormSource
    projection: AffineSource
    norm2: NormSource
    fc1: AffineSource
    fc2: AffineSource
    activation: str
    first_head: int = 0


class LayerObservation(msgspec.Struct, frozen=True):
    """What one case gave. `made` is how many probe heads the child says it made (a hint)."""

    case: LayerCase
    weights: Weights
    x: Tensor
    output: Tensor
    made: int
    probe_seed: int


def attention_of(observation: LayerObservation, first_head: int) -> Function:
    """What our copy of `Attention` gives over the probe heads, in x's dtype."""
    case, seed = observation.case, observation.probe_seed
    heads = range(first_head, first_head + case.heads)
    return lambda x: torch.cat([mix(x, seed, head, case.dim_head) for head in heads], dim=-1)


def assignments(observation: LayerObservation, *, shared_norm: bool) -> Iterator[LayerRoles]:
    """Every assignment that the shapes allow, likely ones first, bounded."""
    everything = _assignments(observation, shared_norm)
    yield from itertools.islice(
        (roles for roles in everything if roles.fc1.weight != roles.fc2.weight), MAX_ASSIGNMENTS
    )


def _assignments(observation: LayerObservation, shared_norm: bool) -> Iterator[LayerRoles]:
    case, weights = observation.case, observation.weights
    norms = list(_norms(case.dim, weights))
    pairs = [(a, b) for a in norms for b in norms if shared_norm == (a == b and a != NormSource())]
    inner = case.heads * case.dim_head
    projections, firsts, seconds = (
        list(_affines(weights, *sizes))
        for sizes in ((case.dim, inner), (case.mlp_dim, case.dim), (case.dim, case.mlp_dim))
    )
    for head in range(0, max(observation.made, 1), case.heads):
        for projection, fc1, fc2 in itertools.product(projections, firsts, seconds):
            for (norm1, norm2), activation in itertools.product(pairs, ACTIVATIONS):
                yield LayerRoles(norm1, projection, norm2, fc1, fc2, activation, head)


def _norms(dim: int, weights: Weights) -> Iterator[NormSource]:
    """Normalisations: vectors of size dim that share a prefix with no matrix; then none; then any pair of vectors."""
    groups: dict[str, list[str]] = {}
    for name in weights:
        groups.setdefault(name.rpartition(".")[0], []).append(name)
    loose: list[str] = []
    for names in groups.values():
        vectors = [name for name in names if tuple(weights[name].shape) in ((dim,), (1, dim), (1, 1, dim))]
        if len(vectors) == len(names) <= 2:
            scales = [name for name in vectors if is_scale(name)] or vectors[:1]
            yield NormSource(scales[0], next((name for name in vectors if name != scales[0]), ""))
        elif len(vectors) > 1:
            loose += vectors
    yield NormSource()
    for scale, shift in itertools.permutations(loose, 2):
        if is_scale(scale) and not is_scale(shift):
            yield NormSource(scale, shift)


def _affines(weights: Weights, out: int, into: int) -> Iterator[AffineSource]:
    """Linear maps into -> out: each matrix of that shape with the bias beside it, else with any vector of its size."""
    for name, weight in weights.items():
        shape = tuple(n for n in weight.shape if n > 1)  # a convolution of width 1 is a linear map
        if shape not in ((out, into), (into, out)):
            continue
        transposed = shape != (out, into)
        prefix = name.rpartition(".")[0]
        beside = [n for n in weights if n.rpartition(".")[0] == prefix and n != name and weights[n].numel() == out]
        if len(beside) == 1 and prefix:
            yield AffineSource(name, beside[0], transposed)
            continue
        yield AffineSource(name, "", transposed)
        for bias in beside:
            yield AffineSource(name, bias, transposed)


def evaluate(formula: LayerFormula, roles: LayerRoles, observation: LayerObservation) -> Tensor:
    """The formula under these roles, in float64."""
    weights = observation.weights
    return formula(
        observation.x.double(),
        _norm(weights, roles.norm1),
        attention_of(observation, roles.first_head),
        _affine(weights, roles.projection),
        _norm(weights, roles.norm2),
        _affine(weights, roles.fc1),
        _affine(weights, roles.fc2),
        ACTIVATIONS[roles.activation],
    )


def _norm(weights: Weights, source: NormSource) -> Norm:
    if not source.scale:
        return None
    scale = weights[source.scale].double().flatten()
    return scale, weights[source.shift].double().flatten() if source.shift else torch.zeros_like(scale)


def _affine(weights: Weights, source: AffineSource) -> Affine:
    matrix = weights[source.weight].double().squeeze()
    return matrix.T if source.transposed else matrix, weights[source.bias].double() if source.bias else None


def fits(formula: LayerFormula, roles: LayerRoles, observation: LayerObservation) -> bool:
    """Whether the formula under these roles gives the observed output."""
    return close(observation.output, evaluate(formula, roles, observation))


def find(
    formula: LayerFormula, observations: Sequence[LayerObservation], *, shared_norm: bool = False
) -> LayerRoles | None:
    """The first assignment under which the formula gives the outputs of ALL observations; None if there is none."""
    first, *others = sorted(observations, key=lambda o: o.output.numel())
    for roles in assignments(first, shared_norm=shared_norm):
        names = {roles.projection.weight, roles.fc1.weight, roles.fc2.weight, roles.norm1.scale, roles.norm2.scale} - {
            ""
        }
        there = all(names <= set(other.weights) for other in others)
        if there and all(fits(formula, roles, observation) for observation in (first, *others)):
            return roles
    return None


def silenced(weights: Weights, size: int) -> dict[str, Tensor]:
    """The weights with every matrix that has an axis of `size` set to zero: that half of the layer adds nothing."""
    return {name: torch.zeros_like(w) if size in tuple(w.shape) and w.dim() > 1 else w for name, w in weights.items()}
