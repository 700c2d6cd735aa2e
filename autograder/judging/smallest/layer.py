"""Question 4(b): two tokens of two features, one head, and weights of 0 and 8, half by half.

Why separate: the arithmetic by hand of the layer. A LayerNorm makes (1, -1) or (-1, 1) of any two different features,
so every step is a whole number. 8 is so large that any usual activation leaves it as it is, or makes 1 of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import torch
from torch import Tensor

from autograder.core.names import named
from autograder.judging.code.activations import ACTIVATIONS
from autograder.judging.code.cases import LAYER_SIZES, LayerCase
from autograder.judging.code.halves import matrices
from autograder.judging.smallest.filled import Parameters, differs, load, numbers, of_sizes
from autograder.judging.visit import Visit

PLAIN_HEADS = -1  # the seed of probe heads that give the mean of the first feature over the tokens
NUMBERED_HEADS = -2  # of those that give the mean of one feature after the other
SMALL = LayerCase(1, batch=1, tokens=2, dim=2, heads=1, dim_head=1, mlp_dim=1)
LARGE = 8.0
ALIKE = torch.tensor([[[3.0, 1.0], [5.0, 1.0]]])  # LayerNorm: (1, -1) twice
TWO = torch.tensor([[[3.0, 1.0], [5.0, 1.0]], [[1.0, 3.0], [1.0, 5.0]]])  # LayerNorm: (1, -1) twice, (-1, 1) twice
APART = torch.tensor([[[3.0, 1.0], [1.0, 3.0]]])  # LayerNorm: (1, -1) and (-1, 1)

# Under a name of its own, and in the place of the student's head for that one line alone: whoever keeps the cell in the
# notebook has still handed in, and checks, the class that they wrote.
_HEADS = (
    "class MeanHead(nn.Module):  # a stand-in for your head",
    "    def __init__(self, dim, size, dropout=0.0):",
    "        super().__init__(); self.size = size",
    "    def forward(self, x):",
    "        return x[..., :1].mean(1, keepdim=True).expand(*x.shape[:2], self.size)",
)
_NUMBERED = (
    "class MeanHead(nn.Module):  # a stand-in for your head",
    "    made = 0",
    "    def __init__(self, dim, size, dropout=0.0):",
    "        super().__init__(); self.size = size; self.of = MeanHead.made % dim",
    "        MeanHead.made += 1",
    "    def forward(self, x):",
    "        return x[..., [self.of]].mean(1, keepdim=True).expand(*x.shape[:2], self.size)",
)
_IN_PLACE = ("from unittest import mock", "with mock.patch('__main__.SingleHeadAttention', MeanHead):")
DIGITS = 2  # after the point: a LayerNorm's eps of 1e-5 makes 66.9997 of 67, also in a layer that is right
Filled = Mapping[str, tuple[int | None, float]]


class Example(NamedTuple):
    """What is filled ("attention", "mlp"), the input, the steps in words, and every output that is right."""

    half: str
    filled: tuple[str, ...]
    x: Tensor
    steps: str
    right: tuple[Tensor, ...]


def _added(x: Tensor, first: Sequence[float], second: Sequence[float]) -> Tensor:
    """x, and so much in the first and in the second feature of each token."""
    return x.double() + torch.tensor([[first, second]], dtype=torch.float64).mT


_SAMPLES = torch.tensor([LARGE, -LARGE])[:, None, None] * torch.tensor([0.0, 1.0])  # in the second feature of each


def _activated(*hidden: float) -> list[list[float]]:
    """8 times each hidden feature after an activation, for each activation that there is."""
    values = torch.tensor(hidden, dtype=torch.float64)
    return [(LARGE * function(values)).tolist() for function in ACTIVATIONS.values()]


_NOTHING = "every matrix is 0, so both halves add nothing, and x comes back"
_MEAN = (
    "matrices of the MLP are 0; the head is a stand-in that gives the mean of the first feature over the tokens; what "
    "leads from it to the second feature is 8, to the first 0. LayerNorm makes (1, -1) of each token, the mean of the "
    "first feature is 1, so 8 is added to the second feature"
)
_TWO = f"{_MEAN} of each token of sample 0, and taken away from that of sample 1, where LayerNorm makes (-1, 1)"
_HIDDEN = (
    "matrices of the attention are 0; in the MLP what comes from and leads to the first feature is 8, all else 0. "
    "LayerNorm makes (1, -1) and (-1, 1), the hidden feature is 8 and -8, ReLU and GELU make 8 and 0, so 64 and 0 are "
    "added to the first feature"
)
_BOTH = (
    "what leads from the head (a stand-in, the mean of the first feature over the tokens) to the second feature is 8; "
    "in the MLP what comes from and leads to the first feature is 8; all else 0. First 8 is added to the second "
    "feature; then LayerNorm makes (-1, 1), the hidden feature is -8, ReLU and GELU make 0 of it, and no more is added"
)
_PAIR = (
    "matrices of the MLP are 0; the two heads are stand-ins that give the mean over the tokens, one of the first "
    "feature and one of the second; what leads from them to the second feature is 8, to the first 0. LayerNorm makes "
    "(1, -1) of each token, the heads give 1 and -1, so 8 - 8 is added to the second feature, and x comes back"
)
EXAMPLES = (
    Example("", (), APART, _NOTHING, (APART.double(),)),
    Example("attention", ("attention",), ALIKE, _MEAN, (_added(ALIKE, (0, 0), (LARGE, LARGE)),)),
    Example("attention", ("attention",), TWO, _TWO, (TWO.double() + _SAMPLES,)),
    Example("mlp", ("mlp",), APART, _HIDDEN, tuple(_added(APART, a, (0, 0)) for a in _activated(LARGE, -LARGE))),
    Example("both", ("attention", "mlp"), ALIKE, _BOTH,
            tuple(_added(ALIKE, a, (LARGE, LARGE)) for a in _activated(-LARGE, -LARGE))),
)  # fmt: skip
TWO_HEADS = Example("attention", ("attention",), ALIKE, _PAIR, (ALIKE.double(),))


def smallest(visit: Visit, name: str) -> Mapping[str, str]:
    """By half, "attention", "mlp" or "" for the whole, the first example that shows what is wrong there."""
    case = LayerCase(1, *LAYER_SIZES[0])
    known = of_sizes(visit, case)
    brings = known.made == 0  # an attention of its own: there is no head to replace
    shown: dict[str, str] = {}
    if known.flat:
        return shown
    for example in EXAMPLES:
        if brings and "attention" in example.filled:
            continue
        filled = _filled(known, example.filled)
        load(visit, msgspec.structs.replace(SMALL, batch=len(example.x)), known, filled)
        actual = visit.forward(example.x).output
        if all(differs(actual, right) for right in example.right):
            shown.setdefault(example.half, _told(example, filled, actual, name))
    first = shown.get("", "")
    whole = first or shown.get("attention") or shown.get("mlp") or shown.get("both", "")
    return {"attention": first or shown.get("attention", ""), "mlp": first or shown.get("mlp", ""), "": whole}


def with_two_heads(visit: Visit, name: str) -> Mapping[str, str]:
    """Two heads, each the mean of a feature of its own: heads of another number or size than was asked for show."""
    known = of_sizes(visit, LayerCase(1, *LAYER_SIZES[0]))
    filled = _filled(known, TWO_HEADS.filled)
    case = msgspec.structs.replace(SMALL, heads=2)
    load(visit, case, known, filled)
    actual = visit.forward(TWO_HEADS.x).output
    if known.flat or known.made == 0 or not differs(actual, TWO_HEADS.right[0]):
        return {}
    told = _told(TWO_HEADS, filled, actual, name, heads=2)
    return {"attention": told, "": told}


def _filled(known: Parameters, halves: tuple[str, ...]) -> Filled:
    """8 at the second feature of what leads from the heads to x, and at the first of both maps of the MLP."""
    case = known.case
    assert isinstance(case, LayerCase)
    names = dict.fromkeys(known.matrices, torch.empty(0))
    found: dict[str, tuple[int | None, float]] = {}
    for half in halves:
        of_half = matrices({name: torch.empty(known.shapes[name]) for name in names}, case, half)
        for matrix in sorted(of_half):
            if case.dim in known.shapes[matrix]:
                axis = known.shapes[matrix].index(case.dim) + 1
                found[matrix] = (axis if half == "mlp" else -axis, LARGE)
    return found


def _told(example: Example, filled: Filled, actual: Tensor, name: str, *, heads: int = 1) -> str:
    right, over_heads = example.right[0], "attention" in example.filled
    stand_ins = [named(line) for line in (*(_HEADS if heads == 1 else _NUMBERED), *_IN_PLACE)] if over_heads else []
    lines = [
        f"dim 2, heads {heads}, dim_head 1, mlp_dim 1, two tokens; gains 1, biases 0; {example.steps}",
        f"x         {numbers(example.x)}",
        f"expected  {numbers(right, digits=DIGITS)}",
        f"yours     {numbers(actual, digits=DIGITS)}",
        "in a cell of your notebook:",
        *stand_ins,
        f"{'    ' if over_heads else ''}layer = {name}(2, {heads}, 1, 1).eval()",
        "for n, p in layer.named_parameters():",
        "    if p.dim() != 1 or n.endswith('bias'): p.data.zero_()",
    ]
    for matrix, (axis, number) in filled.items():
        where = f"select({abs(axis or 1) - 1}, {0 if (axis or 1) > 0 else -1})"
        lines.append(f"layer.get_parameter({matrix!r}).data.{where}.fill_({number:g})")
    return "\n".join([*lines, f"layer(torch.tensor({numbers(example.x, code=True)}))"])
