"""Which parameters of a student's layer are LN1, projection, LN2, fc1 and fc2: found by trying, judged by numbers.

Shapes settle most of it, since all sizes of a case differ; names and order only say what to try first. A half of the
layer that is silenced needs no roles, so whatever is wrong or unusual there cannot spoil the judging of the other.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.judging.code import own_attention
from autograder.judging.code.cases import LayerCase
from autograder.judging.code.compare import close
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
from autograder.judging.code.own_attention import Attend
from autograder.judging.code.weights import Weights, is_vector
from autograder.student_room.probe import mixing

# Handout 4(b) names no activation: any of those in use is right. The frequent ones stand first; the names of the
# mistakes are looked for with these only.
ACTIVATIONS: Mapping[str, Function] = {
    "GELU": F.gelu,
    "ReLU": F.relu,
    "tanh-GELU": lambda x: F.gelu(x, approximate="tanh"),
    "SiLU": F.silu,
    "LeakyReLU": F.leaky_relu,
    "QuickGELU": lambda x: x * torch.sigmoid(1.702 * x),
    "ELU": F.elu,
    "Tanh": torch.tanh,
    "Sigmoid": torch.sigmoid,
    "Mish": F.mish,
    "Softplus": F.softplus,
    "LeakyReLU(0.2)": lambda x: F.leaky_relu(x, 0.2),
    "LeakyReLU(0.1)": lambda x: F.leaky_relu(x, 0.1),
    "PReLU": lambda x: F.leaky_relu(x, 0.25),
    "SELU": F.selu,
    "ReLU6": F.relu6,
    "Hardswish": F.hardswish,
    "Hardtanh": F.hardtanh,
    "Softsign": F.softsign,
    "ReLU squared": lambda x: F.relu(x) ** 2,
}
USUAL = 4
LIKELY = 40  # ways to fill the other roles that are tried with every activation; what comes later, with the usual ones

# Formulas worked out in one search, 0.12 ms each. A plain layer that is right needs at most 40 (two orders of the
# norms, 20 activations); one that is wrong has 840 for the reference. A wrong version is looked for in the usual roles.
MAX_TRIES, FEW_TRIES = 1000, 28
# Ways to fill one role; what matches comes early (see `layer_weights`), and more than these is no plain layer.
MAX_NORM_PAIRS, MAX_MAPS, MAX_MULTI_HEADS, MAX_OWN = 40, 8, 4, 18


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
    """What one case gave. `made` is how many probe heads the child says it made (a hint), `without` the silent half."""

    case: LayerCase
    weights: Weights
    x: Tensor
    output: Tensor
    made: int
    probe_seed: int
    without: str = ""


def attention_of(observation: LayerObservation, first_head: int, attend: Attend | None) -> Function:
    """What our copy of `Attention` gives over the probe heads, or the layer's own attention (a negative number)."""
    case, seed = observation.case, observation.probe_seed
    if first_head < 0 and attend is not None:
        return list(own_attention.candidates(observation.weights, case, attend))[-1 - first_head]
    heads = [mixing(seed, first_head + i, case.tokens, case.dim, case.dim_head) for i in range(case.heads)]
    return lambda x: torch.cat([tokens @ x @ features for tokens, features in heads], dim=-1)


def assignments(
    observation: LayerObservation, *, shared_norm: bool, activations: int, attend: Attend | None = None
) -> Iterator[LayerRoles]:
    """Every assignment that the shapes allow, likely ones first: the sum of how far down each role's list it goes."""
    case, weights, without = observation.case, observation.weights, observation.without
    found = norms(case.dim, weights)
    pairs = [(a, b) for a in found for b in found if shared_norm == (a == b and a != NormSource())]
    pairs.sort(key=lambda pair: found.index(pair[0]) + found.index(pair[1]))
    fc1, fc2 = ((case.mlp_dim, case.dim), (case.dim, case.mlp_dim))
    choices = itertools.product(
        enumerate([0] if without == "attention" else _first_heads(observation, attend)),
        enumerate(pairs[:MAX_NORM_PAIRS]),
        enumerate([NOTHING] if without == "attention" else projections(weights, case)[:MAX_MAPS]),
        enumerate([NOTHING] if without == "mlp" else plain(weights, *fc1)[:MAX_MAPS]),
        enumerate([NOTHING] if without == "mlp" else plain(weights, *fc2)[:MAX_MAPS]),
    )
    names = list(ACTIVATIONS)[: 1 if without == "mlp" else activations]
    likely = sorted(choices, key=lambda chosen: sum(rank for rank, _ in chosen))
    for position, ((_, head), (_, (norm1, norm2)), (_, projection), (_, first), (_, second)) in enumerate(likely):
        if first.weight and first.weight == second.weight:
            continue
        for name in names if position < LIKELY else names[:USUAL]:
            yield LayerRoles(norm1, projection, norm2, first, second, name, head)


def _first_heads(observation: LayerObservation, attend: Attend | None) -> list[int]:
    heads = observation.case.heads
    if attend is not None and observation.made == 0:
        own = own_attention.candidates(observation.weights, observation.case, attend)
        return [-1 - i for i, _ in enumerate(itertools.islice(own, MAX_OWN))]
    return list(range(0, max(observation.made, 1), heads)[:MAX_MULTI_HEADS])  # a child may claim any number


def evaluate(
    formula: LayerFormula,
    roles: LayerRoles,
    observation: LayerObservation,
    attend: Attend | None = None,
    *,
    attention: Function | None = None,
) -> Tensor:
    """The formula under these roles, in float64; over `attention`, if it is given, in the place of the probe heads."""
    weights, case = observation.weights, observation.case
    inner = case.heads * case.dim_head
    parts = LayerParts(
        norm1=_norm(weights, roles.norm1),
        attention=attention or attention_of(observation, roles.first_head, attend),
        projection=_affine(weights, roles.projection, case, (case.dim, inner)),
        norm2=_norm(weights, roles.norm2),
        fc1=_affine(weights, roles.fc1, case, (case.mlp_dim, case.dim)),
        fc2=_affine(weights, roles.fc2, case, (case.dim, case.mlp_dim)),
        activation=ACTIVATIONS[roles.activation],
    )
    return formula(observation.x.double(), parts)


def _norm(weights: Weights, source: NormSource) -> Norm:
    if not source.scale:
        return None
    scale = weights[source.scale].double().flatten()
    return scale, weights[source.shift].double().flatten() if source.shift else torch.zeros_like(scale)


def _affine(weights: Weights, source: AffineSource, case: LayerCase, shape: tuple[int, int]) -> Affine:
    if not source.weight:
        return torch.zeros(shape, dtype=torch.float64), None
    bias = bias_of(source, weights)
    return matrix_of(source, weights, case).double(), None if bias is None else bias.double()


def fits(formula: LayerFormula, roles: LayerRoles, observation: LayerObservation, attend: Attend | None = None) -> bool:
    """Whether the formula under these roles gives the observed output."""
    try:
        return close(observation.output, evaluate(formula, roles, observation, attend))
    except (KeyError, IndexError, RuntimeError):  # the module has other parameters in this case than in the first
        return False


def find(
    formula: LayerFormula,
    observations: Sequence[LayerObservation],
    *,
    shared_norm: bool = False,
    tries: int = MAX_TRIES,
    activations: int = len(ACTIVATIONS),
    attend: Attend | None = None,
) -> LayerRoles | None:
    """The first assignment under which the formula gives the outputs of ALL observations; None if there is none.

    With `attend`, a layer that made no probe head is tried with attention over its own projections.
    """
    first, *others = sorted(observations, key=lambda o: o.output.numel())
    likely = assignments(first, shared_norm=shared_norm, activations=activations, attend=attend)
    for roles in itertools.islice(likely, tries):
        if all(fits(formula, roles, observation, attend) for observation in (first, *others)):
            return roles
    return None


def projected(roles: LayerRoles, observation: LayerObservation, attend: Attend | None = None) -> tuple[Tensor, Tensor]:
    """The projection's matrix (dim, heads * dim_head) and what it is given, (batch, tokens, heads * dim_head)."""
    case, weights, x = observation.case, observation.weights, observation.x.double()
    norm = _norm(weights, roles.norm1)
    gain, shift = norm if norm is not None else (None, None)
    heads = attention_of(observation, roles.first_head, attend)(F.layer_norm(x, x.shape[-1:], gain, shift))
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


def silenced(weights: Weights, case: LayerCase, without: str) -> dict[str, Tensor]:
    """The weights with every matrix of one half set to zero: that half of the layer adds nothing.

    A matrix belongs to the attention when one of its axes counts heads or their features, in whatever number, to the
    MLP otherwise: so a half of a wrong size is silenced too, and does not spoil the judging of the other.
    """
    quiet = {
        name
        for name, w in weights.items()
        if not is_vector(w.shape) and any(_counts_heads(n, case) for n in w.shape) == (without == "attention")
    }
    return {name: torch.zeros_like(w) if name in quiet else w for name, w in weights.items()}


def _counts_heads(size: int, case: LayerCase) -> bool:
    if size == case.mlp_dim or size % case.dim == 0 or size == 1:
        return False
    usual = size in (case.heads, case.heads * (case.dim // case.heads))
    return usual or size % case.dim_head == 0 or (case.heads > 2 and size % case.heads == 0)
