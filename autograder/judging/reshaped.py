"""Mistakes for which a layer's weights have to be read otherwise: other sizes, a gate, a map too many or too few.

Why separate: `layer_roles` reads the weights as the handout's layer has them; where that leads nowhere, this reads them
as each mistake of a bank says, and looks whether the layer is that. A name is given only when all cases fit.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec
import torch
from torch import Tensor

from autograder.judging.code import attention_roles, layer_roles
from autograder.judging.code.activations import USUAL
from autograder.judging.code.cases import LayerCase
from autograder.judging.code.compare import close, shape_text
from autograder.judging.code.layer_parts import Affine, LayerFormula, LayerParts
from autograder.judging.code.layer_roles import LayerObservation, LayerRoles
from autograder.judging.code.layer_weights import NOTHING, AffineSource, bias_of, matrix_of, plain, projections
from autograder.judging.code.weights import Weights, wide
from autograder.judging.expect import Unmet


class Reshaped(Protocol):
    """What the bank holds (reference/reshaped_layers.py)."""

    @property
    def title(self) -> str:
        """Completes "your output equals the reference ..."."""

    @property
    def hint(self) -> str:
        """How to fix it, without giving the line away."""

    @property
    def half(self) -> str:
        """The half that it is in, "attention" or "mlp"; "" for both."""

    @property
    def sizes(self) -> Callable[[LayerCase], Mapping[str, int]]:
        """The sizes that are others than the layer was asked to have."""

    @property
    def further(self) -> str:
        """Maps that the formula is given beside those of the layer, by their sizes: "mlp_dim x dim"."""

    @property
    def split(self) -> bool:
        """A map of dim to twice mlp_dim is two."""

    @property
    def joined(self) -> Callable[[LayerCase], float] | None:
        """Heads are added up, times this: a map of dim_head to dim is the same for each of them."""

    @property
    def repeated(self) -> bool:
        """One head stands in the place of each, so that a map of all heads' features to dim adds up their parts."""

    @property
    def identity(self) -> bool:
        """A map that is none may stand where one belongs."""

    @property
    def tied(self) -> bool:
        """One map of the MLP serves for both, turned round for the other."""

    @property
    def formula(self) -> Callable[[Tensor, LayerParts, Sequence[Affine]], Tensor]:
        """What the layer computes; the last argument are the further maps."""


def in_layer(observations: Sequence[LayerObservation], bank: Sequence[Reshaped]) -> Reshaped | None:
    """The first mistake of the bank that explains every observation; none for a layer over heads of its own."""
    if any(not seen.made and seen.without != "attention" for seen in observations):
        return None
    ordered = sorted(observations, key=lambda seen: seen.output.numel())
    return next((mistake for mistake in bank if _possible(mistake, ordered[0]) and _explains(mistake, ordered)), None)


def _possible(mistake: Reshaped, observation: LayerObservation) -> bool:
    """Whether it lies in a half that speaks, of as many heads as were made, and its further maps are there.

    Without them its formula is the right layer's, and that it is not. One map serves for both where there is no other.
    """
    if mistake.tied and len(_of_mlp(observation.weights, observation.case)) != 1:
        return False
    seen = _read(mistake, observation)
    silent = mistake.half == observation.without if mistake.half else bool(observation.without)
    if silent or (mistake.half == "attention" and seen.case.heads > seen.made):
        return False
    if not mistake.further:
        return True
    sizes = _sizes(mistake, seen)
    maps = {source.weight for source in plain(seen.weights, *sizes) if seen.weights[source.weight].any()}
    return len(maps) > (sorted(sizes) == sorted((seen.case.mlp_dim, seen.case.dim)))  # fc1, or fc2, is none of them


def _explains(mistake: Reshaped, observations: Sequence[LayerObservation]) -> bool:
    """Whether there are roles that fit each observation; what the first one rules out is not tried with the others."""
    first = _read(mistake, observations[0])
    likely = layer_roles.assignments(first, shared_norm=False, names=USUAL)
    left = list(itertools.islice(likely, layer_roles.FEW_TRIES))
    for observation in observations:
        if not left:
            return False
        seen = _read(mistake, observation)
        formula, made = _formula(mistake, seen), _made(seen)
        left = [roles for roles in left if _have(made, roles) and layer_roles.fits(formula, roles, seen)]
    return bool(left)


def _have(made: Sequence[frozenset[AffineSource]], roles: LayerRoles) -> bool:
    return all(map(operator.contains, made, (roles.projection, roles.fc1, roles.fc2)))


def _read(mistake: Reshaped, observation: LayerObservation) -> LayerObservation:
    """What was seen, as if the layer had been made as the mistake says."""
    case = msgspec.structs.replace(observation.case, **mistake.sizes(observation.case))
    weights = dict(_halves(observation.weights, case) if mistake.split else observation.weights)
    if mistake.joined:
        weights = {name: _for_each_head(w, case, mistake.joined(case)) for name, w in weights.items()}
    if mistake.repeated:
        weights = {name: _added_up(w, observation.case) for name, w in weights.items()}
    if mistake.tied:
        weights |= {f"{name} (turned)": w.reshape(wide(w.shape)).T for name, w in _of_mlp(weights, case).items()}
    if mistake.identity:
        weights["nowhere.weight"] = torch.eye(case.dim)
    return msgspec.structs.replace(observation, case=case, weights=weights)


def _of_mlp(weights: Weights, case: LayerCase) -> dict[str, Tensor]:
    """The matrices that have the sizes of one of the MLP's maps."""
    sizes = (case.mlp_dim, case.dim), (case.dim, case.mlp_dim)
    return {name: weight for name, weight in weights.items() if wide(weight.shape) in sizes}


def _for_each_head(weight: Tensor, case: LayerCase, times: float) -> Tensor:
    """A map of one head's features to dim as one of all heads' features, the same for each; others as they are."""
    sizes = wide(weight.shape)
    if sizes not in ((case.dim, case.dim_head), (case.dim_head, case.dim)):
        return weight
    return torch.cat([weight.reshape(sizes) * times] * case.heads, dim=sizes.index(case.dim_head))


def _added_up(weight: Tensor, case: LayerCase) -> Tensor:
    """A map of all heads' features to dim as one of the first head's, which are those of each; others as they are."""
    sizes, inner = wide(weight.shape), case.heads * case.dim_head
    if sizes not in ((case.dim, inner), (inner, case.dim)):
        return weight
    if sizes == (case.dim, inner):
        return weight.reshape(case.dim, case.heads, case.dim_head).sum(1)
    return weight.reshape(case.heads, case.dim_head, case.dim).sum(0)


def _halves(weights: Weights, case: LayerCase) -> Iterator[tuple[str, Tensor]]:
    """The weights, each map of dim to 2 * mlp_dim as two maps."""
    for name, weight in weights.items():
        place, _, leaf = name.rpartition(".")
        if wide(weight.shape) in ((2 * case.mlp_dim, case.dim), (2 * case.mlp_dim,)):
            yield from zip((f"{place}.first.{leaf}", f"{place}.second.{leaf}"), weight.chunk(2))
        else:
            yield name, weight


def _formula(mistake: Reshaped, seen: LayerObservation) -> LayerFormula:
    """The mistake's formula, with the further maps of this layer: those that play none of its roles."""
    further = [one for one in _further(mistake, seen) if one[0].any()]  # a silent one would fit whatever it is

    def formula(x: Tensor, parts: LayerParts) -> Tensor:
        known = (parts.fc1[0], parts.fc2[0].T, parts.fc2[0])
        others = [one for one in further if not any(torch.equal(one[0], each) for each in known)]
        if mistake.further and not others:
            raise IndexError("without further maps it would be the right layer")
        return mistake.formula(x, parts, others)

    return formula


def _further(mistake: Reshaped, seen: LayerObservation) -> Iterator[Affine]:
    for source in plain(seen.weights, *_sizes(mistake, seen)) if mistake.further else ():
        bias = bias_of(source, seen.weights)
        yield matrix_of(source, seen.weights, seen.case).double(), None if bias is None else bias.double()


def _sizes(mistake: Reshaped, seen: LayerObservation) -> tuple[int, int]:
    """Of its further maps: (out, in)."""
    case = seen.case
    counts = {**msgspec.structs.asdict(case), "inner": case.heads * case.dim_head, "two_dim": 2 * case.dim}
    out, into = (int(counts[size]) for size in mistake.further.split(" x "))
    return out, into


def _made(seen: LayerObservation) -> tuple[frozenset[AffineSource], ...]:
    """Projections and maps of the MLP that have the sizes of this case, too: 4 * dim is 2 * mlp_dim in some."""
    case, weights = seen.case, seen.weights
    maps = (projections(weights, case), plain(weights, case.mlp_dim, case.dim), plain(weights, case.dim, case.mlp_dim))
    return tuple(frozenset([NOTHING, *found]) for found in maps)


def in_head(observations: Sequence[attention_roles.Observation], right: attention_roles.Formula) -> Unmet | None:
    """One linear map too many in 4(a), of x before the projections or of what comes out, named by its shape."""
    first, *_ = ordered = sorted(observations, key=lambda seen: seen.output.numel())
    inside = list(
        itertools.islice(attention_roles.assignments(attention_roles.sources(first)), attention_roles.FEW_TRIES)
    )
    for name, weight in first.weights.items():
        for size, place in ((first.case.inner_dim, "after the attention"), (first.case.input_dim, "before Q, K and V")):
            if tuple(weight.shape) != (size, size):
                continue
            after = size == first.case.inner_dim
            if any(all(_with(seen, roles, name, right, after=after) for seen in ordered) for roles in inside):
                return Unmet(
                    f"your output equals the reference with one more linear map {place}: a matrix of shape "
                    f"{shape_text(tuple(weight.shape))} (all {len(ordered)} cases)",
                    fix="the formula has Q, K and V and no more: the map that joins heads belongs to the layer of 4(b)",
                )
    return None


def _with(
    seen: attention_roles.Observation,
    roles: attention_roles.Roles,
    name: str,
    right: attention_roles.Formula,
    *,
    after: bool,
) -> bool:
    """Whether the formula, with the named matrix before or after it, gives what was seen."""
    more: Tensor | None = seen.weights.get(name)
    x = seen.x.double()
    if more is None or more.dim() != 2:
        return False
    try:
        if after:
            return close(seen.output, right(x, *attention_roles.matrices(roles, seen)) @ more.double().T)
        return close(seen.output, right(x @ more.double().T, *attention_roles.matrices(roles, seen)))
    except (KeyError, IndexError, RuntimeError):  # the module has other parameters in this case than in the first
        return False
