"""Question 4(a): every weight 1, so that Q, K and V are one tensor and nobody has to say which matrix is which.

Why separate: the arithmetic by hand of one head, on whole numbers, from one token on. With all weights 1 each feature
of a query is the sum of its token's features, whatever the projections are called and however they are stored. What
uses one projection twice shows with 1, 2 and 3 only; then each of the three may be the query's, the key's or V's.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from autograder.judging.code.attention_roles import MatrixSource, assignments, cuts
from autograder.judging.code.cases import ATTENTION_SIZES, AttentionCase
from autograder.judging.code.weights import wide
from autograder.judging.smallest.filled import Parameters, differs, load, numbers, of_sizes
from autograder.judging.visit import Visit

# (batch, tokens, input_dim, inner_dim), growing: one feature hides the scale, one sample a softmax over the batch.
SIZES = (
    (1, 1, 1, 1), (1, 2, 1, 1), (1, 2, 1, 4), (1, 2, 2, 1), (1, 2, 4, 1), (1, 3, 1, 1), (1, 3, 1, 4), (2, 2, 1, 1),
    (2, 2, 1, 4), (2, 3, 2, 4),
)  # fmt: skip
ONE_TWO_THREE = (1.0, 2.0, 3.0)


def smallest(visit: Visit, name: str) -> str:
    """The first of the sizes on which the head differs, in words; "" when it differs on none."""
    known = of_sizes(visit, AttentionCase(1, *ATTENTION_SIZES[0]))
    zeros = 0.0 in known.vectors.values()
    if known.flat:
        return ""
    for size in SIZES:
        case = AttentionCase(1, *size)
        load(visit, case, known, dict.fromkeys(known.matrices, (None, 1.0)))
        for first in (0, 1):
            x = whole_numbers(case, first)
            actual, expected = visit.forward(x).output, by_hand(x, case.inner_dim)
            if differs(actual, expected):
                given = f"every weight 1{' and every bias 0' if zeros else ''}"
                fill = "0.0 if p.dim() == 1 else 1.0" if zeros else "1.0"
                made = [f"for p in head.parameters(): p.data.fill_({fill})"]
                return _told(case, given, x, (same(x, case), expected, actual), name, made)
    return _with_different_weights(visit, known, name)


def _with_different_weights(visit: Visit, known: Parameters, name: str) -> str:
    """One projection for two, and the like: three matrices of 1, 2 and 3, and right is every order of the three."""
    roles = _likeliest(known)
    if not roles:
        return ""
    case = AttentionCase(1, *SIZES[1])
    load(visit, case, known, {role: (None, number) for role, number in zip(roles, ONE_TWO_THREE)})
    x = whole_numbers(case, 0)
    actual = visit.forward(x).output
    if not all(differs(actual, by_hand(x, 1, *order)) for order in itertools.permutations(ONE_TWO_THREE)):
        return ""
    given = ", ".join(f"{role} {number:g}" for role, number in zip(roles, ONE_TWO_THREE))
    made = [f"head.get_parameter({role!r}).data.fill_({number:g})" for role, number in zip(roles, ONE_TWO_THREE)]
    shown = by_hand(x, 1, *ONE_TWO_THREE)
    return _told(case, given, x, (None, shown, actual), name, made)


def _likeliest(known: Parameters) -> Sequence[str]:
    """The matrices of the query, the key and V, by their names, where there are three and no more."""
    inner, dim = known.case.output_shape[-1], known.case.input_dim  # type: ignore[union-attr]
    sources = [
        MatrixSource(name, layout, 1, 0)
        for name in known.matrices
        for layout, parts in cuts(wide(known.shapes[name]), inner, dim)
        if parts == 1
    ]
    ordered = assignments(sources) if len(sources) == len(known.matrices) == 3 else iter(())
    first = next(ordered, None)
    return first.names if first else ()


def whole_numbers(case: AttentionCase, first: int) -> Tensor:
    """x: token i of sample b has `first` + i + b as its first feature, and 0 as the others."""
    x = torch.zeros(case.batch, case.tokens, case.input_dim)
    x[..., 0] = first + torch.arange(case.batch)[:, None] + torch.arange(case.tokens)
    return x


def same(x: Tensor, case: AttentionCase) -> Tensor:
    """Q, K and V where all weights are 1: (batch, tokens, inner_dim), in each feature the sum of the token's."""
    return x.sum(-1, keepdim=True).expand(*x.shape[:2], case.inner_dim)


def by_hand(x: Tensor, inner_dim: int, query: float = 1.0, key: float = 1.0, value: float = 1.0) -> Tensor:
    """What comes out of these weights: (batch, tokens, inner_dim), float64, each feature of a token the same."""
    factor = query * key * math.sqrt(inner_dim)  # inner_dim equal products, divided by the root
    rows = []
    for sample in x.double().sum(-1).tolist():
        scores = [[factor * one * other for other in sample] for one in sample]
        parts = [[math.exp(score - max(row)) for score in row] for row in scores]
        rows.append([sum(p * value * other for p, other in zip(row, sample)) / sum(row) for row in parts])
    return torch.tensor(rows, dtype=torch.float64)[..., None].expand(*x.shape[:2], inner_dim)


def _told(
    case: AttentionCase, given: str, x: Tensor, seen: tuple[Tensor | None, Tensor, Tensor], name: str, made: list[str]
) -> str:
    projected, expected, actual = seen
    lines = [
        f"batch {case.batch}, tokens {case.tokens}, input_dim {case.input_dim}, inner_dim {case.inner_dim}; {given}",
        f"x          {numbers(x)}",
        f"Q = K = V  {numbers(projected)}" if projected is not None else "",
        f"expected   {numbers(expected)}",
        f"yours      {numbers(actual)}",
        "in a cell of your notebook:",
        f"head = {name}({case.input_dim}, {case.inner_dim}).eval()",
        *made,
        f"head(torch.tensor({numbers(x, code=True)}))",
    ]
    return "\n".join(filter(None, lines))
