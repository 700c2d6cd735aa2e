"""Names the mistake: the wrong version that explains every case under one assignment of roles, or none at all.

A name is given only when it fits ALL failing cases within the tolerance of equality, so a wrong name needs two
different formulas to agree on random inputs of several sizes. Otherwise the sharpest true observation is given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from torch import Tensor

from autograder.expect import Unmet
from autograder.judging import attention_roles, layer_roles
from autograder.judging.compare import shape_text


class Mistake(Protocol):
    """What the bank of misconceptions holds (reference/misconceptions.py)."""

    @property
    def title(self) -> str: ...
    @property
    def hint(self) -> str: ...
    @property
    def formula(self) -> Callable[..., Tensor]: ...
    @property
    def repeats(self) -> bool: ...
    @property
    def shared_norm(self) -> bool: ...


def attention(observations: Sequence[attention_roles.Observation], bank: Sequence[Mistake]) -> Unmet:
    """Why outputs of 4(a) do not match, as the student reads it."""
    for mistake in bank:
        if attention_roles.find(mistake.formula, observations, repeats=mistake.repeats):
            return _named(mistake, len(observations))
    first = observations[0]
    count = len(attention_roles.sources(first))
    if count < 3:
        return Unmet(
            f"{count} matrices of shape {shape_text((first.case.inner_dim, first.case.input_dim))} were found among "
            "the module's parameters, and Q, K and V need three",
            mend="make the three projections nn.Linear attributes in __init__ (self.… = …), so that they are trained",
        )
    return _unnamed(len(observations))


def layer(observations: Sequence[layer_roles.LayerObservation], bank: Sequence[Mistake]) -> Unmet:
    """Why outputs of 4(b) do not match, as the student reads it."""
    for mistake in bank:
        if layer_roles.find(mistake.formula, observations, shared_norm=mistake.shared_norm):
            return _named(mistake, len(observations))
    return _unnamed(len(observations))


def _named(mistake: Mistake, cases: int) -> Unmet:
    return Unmet(f"your output equals the reference {mistake.title} (all {cases} cases)", mend=mistake.hint)


def _unnamed(cases: int) -> Unmet:
    return Unmet(
        f"your output has the right shape and differs from the reference in all {cases} cases, in a way that none of "
        "the usual mistakes explains",
        mend="work a tiny case by hand (2 tokens, 2 features) and compare each intermediate result",
    )
