"""Judges for the convolution questions: a count of parameters and an output shape.

Why separate: deciding is pure. The right values and the known slips are arguments, given by the hidden tests alone; no
message here may state a right value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autograder.core.policy import KEPT
from autograder.judging.expect import Verdict
from autograder.judging.written import read
from autograder.judging.written.commas import read_either_way
from autograder.judging.written.shapes import shape
from autograder.judging.written.verdict import Slip, Unreadable, blank, slipped, unread, wrong

# "12 per filter", "12 weights each": one number, said of one of several things; "12, one bias each included" is not,
# and neither is "12 per layer": of layers there is one.
_OF_ONE = re.compile(
    r"\W*\d+(?:\s+(?!(?:bias|biases|with|incl|including|counting|and|plus|one|an?)\b)[A-Za-z]+){0,3}\s+"
    r"(?:(?:per|each|every|(?:for|in)\s+(?:each|every|one))\s+(?:output\s+|conv\w*\s+)?"
    r"(?:filters?|kernels?|channels?|neurons?|units?|(?:feature\s+)?maps?)|each|apiece)\W*",
    re.IGNORECASE,
)


def judge_parameters(raw: object, expected: int, slips: Sequence[Slip]) -> Verdict:
    """A count: `raw` as typed, `expected` and the slips' values whole numbers."""
    kind = "one whole number: the count of weights and biases"
    if read.is_blank(raw):
        return blank('the count, e.g. parameters = 12 or "3*4"')
    try:
        figure, remarks = read_either_way(raw, read.number, lambda figure: read.exactly(figure, expected))
    except Unreadable as problem:
        return unread(problem, kind, raw)
    if read.exactly(figure, expected):
        if isinstance(raw, str) and _OF_ONE.fullmatch(raw):
            return wrong(kind, "how many filters are there? Write the count for all of them", raw, remarks)
        return Verdict(1.0, remarks=remarks)
    for slip in slips:
        if isinstance(slip.value, (int, float)) and read.exactly(figure, slip.value):
            return slipped(slip, kind, raw, remarks, f"{figure.value:g}")
    fix = "count the weights of one filter, add its bias, then count the filters"
    return wrong(kind, fix, raw, remarks, f"{figure.value:g}")


def judge_shape(raw: object, expected: tuple[int, ...], slips: Sequence[Slip]) -> Verdict:
    """Sizes: `expected` has the channels last. Channels first, and sizes of 1 (a batch of one), pass with a remark."""
    kind = "the sizes of the output, one for each dimension, e.g. rows x columns x channels"
    if read.is_blank(raw):
        return blank('the sizes, e.g. output_shape = "5 x 7" or [5, 7]')
    try:
        sizes = shape(raw).sizes
    except Unreadable as problem:
        return unread(problem, kind, raw)
    orders = (expected, _channels_first(expected))
    if _without_ones(sizes) in orders:
        return Verdict(1.0, remarks=_remarks_on_order(sizes, expected))
    return _wrong_shape(raw, sizes, expected, slips, kind)


def _wrong_shape(
    raw: object, sizes: tuple[int, ...], expected: tuple[int, ...], slips: Sequence[Slip], kind: str
) -> Verdict:
    if sorted(_without_ones(sizes)) == sorted(expected):
        slip = Slip(
            expected,
            "every size is right, but the order seems to be one that no library uses",
            "write the channels last, or first, and the other sizes side by side",
            KEPT.unusual_order,
            "half: the sizes are right, their order is not",
        )
        return slipped(slip, kind, raw)
    for slip in slips:
        if isinstance(slip.value, tuple) and _same_sizes(sizes, slip.value):
            return slipped(slip, kind, raw, understood=_said(sizes))
    fix = "work out (input + 2 padding - filter)/stride + 1, rounded down, for each dimension"
    return wrong(kind, fix, raw, understood=_said(sizes))


def _said(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))


def _without_ones(sizes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in sizes if size != 1)


def _channels_first(sizes: tuple[int, ...]) -> tuple[int, ...]:
    return (sizes[-1], *sizes[:-1])


def _same_sizes(sizes: tuple[int, ...], value: tuple[int, ...]) -> bool:
    plain = _without_ones(value)
    return _without_ones(sizes) in (plain, _channels_first(plain)) if plain else sizes == value


def _remarks_on_order(sizes: tuple[int, ...], expected: tuple[int, ...]) -> tuple[str, ...]:
    remarks = []
    if _without_ones(sizes) != expected:
        remarks.append("read with the channels first; the handout writes its tensors with the channels last")
    if 1 in sizes:
        remarks.append("a size of 1 (such as a batch of one) was left out of the comparison")
    return tuple(remarks)
