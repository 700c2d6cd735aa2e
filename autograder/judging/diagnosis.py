"""Names the mistake: the wrong version that explains every case under one assignment of roles, or none at all.

A name is given only when it fits ALL failing cases within the tolerance of equality, so a wrong name needs two
different formulas to agree on random inputs of several sizes. Otherwise the sharpest true observation is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from torch import Tensor

from autograder.judging import reshaped, scaled_scores
from autograder.judging.code import attention_roles, layer_roles
from autograder.judging.code.activations import USUAL
from autograder.judging.code.compare import shape_text
from autograder.judging.code.weights import is_vector
from autograder.judging.expect import Unmet


class Mistake(Protocol):
    """What the bank of misconceptions holds (reference/misconceptions.py)."""

    @property
    def title(self) -> str:
        """Completes "your output equals the reference ..."."""

    @property
    def hint(self) -> str:
        """How to fix it, without giving the line away."""

    @property
    def formula(self) -> Callable[..., Tensor]:
        """The wrong version, with the signature of the right one."""

    @property
    def repeats(self) -> bool:
        """4(a): one matrix may play two roles."""

    @property
    def shared_norm(self) -> bool:
        """4(b): one LayerNorm stands in both places."""

    @property
    def name(self) -> str:
        """One word for it."""

    @property
    def lacks(self) -> str:
        """4(b): the half whose parameters do nothing, if any."""

    @property
    def attend(self) -> Callable[..., Tensor] | None:
        """4(b): what stands in the place of the right attention, in a layer that brings its own."""

    @property
    def alone(self) -> bool:
        """Of `attend`: with one token it gives that token's value."""

    @property
    def bent(self) -> bool:
        """4(b): what stands between the values and the projection is not linear."""

    @property
    def shows(self) -> Callable[[Sequence[Any]], bool]:
        """4(b): of observations, whether it may be this one: asked before a formula is worked out."""

    @property
    def half(self) -> str:
        """4(b): the half that it is in, "attention" or "mlp"; empty for the whole layer."""


# The nearest mistake in the formula itself is 0.03 away; of 800 right heads in bfloat16 the worst was 0.019 off.
NEAR = 0.02

ONE_HEAD_WIDE = (
    "a map of dim_head features to dim is there: are the heads' outputs added up, or is their mean taken? They stand"
    " side by side, (batch, tokens, heads * dim_head), before the projection"
)

Observed = attention_roles.Observation | layer_roles.LayerObservation


def attention(
    observations: Sequence[attention_roles.Observation], bank: Sequence[Mistake], right: Callable[..., Tensor]
) -> Unmet:
    """Why outputs of 4(a) do not match, as the student reads it."""
    mistake = _likeliest(observations, bank)
    if mistake:
        return _named(mistake, len(observations))
    first = observations[0]
    candidates = attention_roles.sources(first)
    count = len({(source.name, source.index) for source in candidates})
    shapes = [tuple(w.shape) for name, w in first.weights.items() if not is_vector(w.shape)]
    if count < 3:
        wanted = shape_text((first.case.inner_dim, first.case.input_dim))
        return Unmet(
            f"{count} matrices of shape {wanted} were found among the module's parameters, and Q, K and V need three"
            + (f"; its matrices have the shapes {_listed(shapes)}" if shapes else ""),
            fix="each projection maps input_dim features to inner_dim"
            if shapes
            else "make the three projections nn.Linear attributes in __init__ (self.… = …), so that they are trained",
        )
    others = [tuple(w.shape) for n, w in first.weights.items() if n not in {s.name for s in candidates}]
    others = [shape for shape in others if not is_vector(shape)]
    if more := reshaped.in_head(observations, right) if others else None:
        return more
    extra = f". Beside Q, K and V it has a matrix of shape {_listed(others)}: the formula has none" if others else ""
    if attention_roles.nearest(right, observations) < NEAR:
        return Unmet(
            f"your output is within 2 % of the reference, and not equal to it (all {len(observations)} cases)",
            fix="are numbers rounded on the way (float16, bfloat16, autocast), or is a small number added somewhere?",
        )
    wrong = [o for o in observations if not attention_roles.find(right, [o])]
    if len(wrong) == len(observations) and (other := scaled_scores.told(observations, right)):
        return other
    return _unnamed(wrong, len(observations), "(batch, tokens, input_dim, inner_dim)", extra)


def _likeliest(observations: Sequence[attention_roles.Observation], bank: Sequence[Mistake]) -> Mistake | None:
    """The mistake that fits; of several (the same function under other roles), the one whose roles suit the names."""
    best: tuple[int, Mistake] | None = None
    for mistake in bank:
        roles = attention_roles.find(
            mistake.formula, observations, repeats=mistake.repeats, tries=attention_roles.FEW_TRIES
        )
        if roles and (best is None or attention_roles.unlikely(roles) < best[0]):
            best = attention_roles.unlikely(roles), mistake
        if best and best[0] == 0:
            break
    return best[1] if best else None


def layer(
    observations: Sequence[layer_roles.LayerObservation],
    mistake: Mistake | reshaped.Reshaped | None,
    wrong: Sequence[layer_roles.LayerObservation],
    missing: Sequence[str] = (),
) -> Unmet:
    """Why outputs of 4(b) do not match, as the student reads it: the mistake, if it is known, or how many are wrong.

    `missing`: properties of every right layer, in words, that this one was seen not to have.
    """
    if mistake:
        return _named(mistake, len(observations))
    unfilled = _unfilled(observations)
    extra = unfilled + (f". In a right layer {'; '.join(missing)}: not in yours" if missing else "")
    fix = (
        ONE_HEAD_WIDE
        if unfilled and _of_one_head(observations[0])
        else (
            "take the sizes of each linear map from the arguments of __init__, and keep it as an attribute or in an "
            "nn.ModuleList: in a plain Python list parameters() finds none"
        )
    )
    return _unnamed(
        wrong, len(observations), "(batch, tokens, dim, heads, dim_head, mlp_dim)", extra, fix if unfilled else ""
    )


def not_told(why: str, shown: Mapping[str, bool]) -> Unmet:
    """4(b) could not be compared: staff look at it, and only what every right layer does can be missed in it.

    `shown`: each such property in words, and whether it was seen to hold; a layer without one of them is wrong.
    """
    failed = [name for name, holds in shown.items() if not holds]
    count = f"{len(shown) - len(failed)} of {len(shown)}"
    staff = f"could not be told, please read the layer: {why}; {count} properties hold"
    if failed:
        return Unmet(
            f"in a right layer {'; '.join(failed)}: not in yours",
            fix=f"more cannot be said: which of your parameters does what was not found ({why})",
            staff=staff,
        )
    return Unmet(
        f"it could not be told whether this is right: which of your parameters does what was not found ({why})",
        expected="; ".join(shown),
        fix="nothing: all of that holds; staff will look at it",
        earned=1.0,
        staff=staff,
    )


def in_layer(observations: Sequence[layer_roles.LayerObservation], bank: Sequence[Mistake]) -> Mistake | None:
    """The first mistake of the bank that explains every observation."""
    few, usual = layer_roles.FEW_TRIES, USUAL
    for mistake in bank:
        if mistake.shows(observations) and layer_roles.find(
            mistake.formula, observations, shared_norm=mistake.shared_norm, tries=few, names=usual
        ):
            return mistake
    return None


def _of_one_head(seen: layer_roles.LayerObservation) -> bool:
    """Whether the projection is nowhere, and a map of dim_head features to dim is."""
    case, shapes = seen.case, [tuple(w.shape) for w in seen.weights.values()]
    missing = any("heads * dim_head" in a for a, _ in layer_roles.unfilled(seen))
    return missing and bool({(case.dim, case.dim_head), (case.dim_head, case.dim)} & set(shapes))


def _unfilled(observations: Sequence[layer_roles.LayerObservation]) -> str:
    """Which linear maps of the layer are nowhere among the parameters."""
    first = observations[0]
    roles = " nor ".join(f"{a} to {b}" for a, b in layer_roles.unfilled(first))
    shapes = [tuple(w.shape) for w in first.weights.values() if not is_vector(w.shape)]
    found = f": it has matrices of the shapes {_listed(shapes)}" if shapes else ""
    return f". Among its parameters no matrix maps {roles}{found}" if roles else ""


def _named(mistake: Mistake | reshaped.Reshaped, cases: int) -> Unmet:
    return Unmet(f"your output equals the reference {mistake.title} (all {cases} cases)", fix=mistake.hint)


def _unnamed(wrong: Sequence[Observed], cases: int, axes: str, extra: str = "", fix: str = "") -> Unmet:
    found = "your output has the right shape and differs from the reference"
    if 0 < len(wrong) < cases:
        sizes = msgspec.structs.astuple(wrong[0].case)[1:-1]
        return Unmet(
            f"{found} in {len(wrong)} of {cases} cases, for one when {axes} is {shape_text(sizes)}{extra}",
            fix="does anything in forward hold for some sizes only? Take every size from x or from __init__",
        )
    return Unmet(
        f"{found} in all {cases} cases, in a way that none of the usual mistakes explains{extra}",
        fix=fix or "work a tiny case by hand (2 tokens, 2 features) and compare each intermediate result",
    )


def _listed(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join(dict.fromkeys(shape_text(shape) for shape in shapes[:12]))
