"""Judge for the pooling question: two matrices, exact or honestly rounded.

Why separate: deciding is pure. The right matrices and the known slips are arguments, given by the hidden tests alone;
no message here may state a right value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autograder.core.policy import KEPT, TOLERANCES
from autograder.judging.expect import Verdict
from autograder.judging.written import read
from autograder.judging.written.commas import read_either_way
from autograder.judging.written.matrices import FigureMatrix, matrices
from autograder.judging.written.read import EXACT, Figure, exactly
from autograder.judging.written.verdict import Slip, Unreadable, blank, slipped, unread, wrong

Matrix = Sequence[Sequence[float]]

_KIND = "two matrices in the handout's order, as fractions or with at least two digits"


def equals(figure: Figure, truth: float) -> bool:
    """Whether the number is `truth`, or `truth` rounded or cut off at the places typed (at least two digits)."""
    return exactly(figure, truth) or (figure.significant >= TOLERANCES.significant_digits and rounds(figure, truth))


def rounds(figure: Figure, truth: float) -> bool:
    """Whether `truth` rounded or cut off at the typed places is the number, however few they are."""
    if figure.decimals is None:
        return False
    unit = 10.0**-figure.decimals
    short = abs(truth) - abs(figure.value)
    return figure.value * truth >= 0 and -0.5 * unit - EXACT <= short < unit - EXACT


def judge_pooling(raw: object, expected: Sequence[Matrix], slips: Sequence[Slip]) -> Verdict:
    """Two matrices in the handout's order. One right one keeps half."""
    if read.is_blank(raw):
        return blank('two lists of rows, e.g. [[["1/7", "2/7"], ["3/7", "4/7"]], [[1, 2], [3, 4]]]')
    try:
        typed, commas = read_either_way(raw, matrices, lambda typed: _same(typed.matrices, expected, equals))
    except Unreadable as problem:
        return unread(problem, _KIND, raw)
    remarks = (*commas, typed.remark) if typed.remark else commas
    if _same(typed.matrices, expected, equals):
        return Verdict(1.0, remarks=remarks)
    slip = _slip(typed.matrices, expected, slips)
    if slip:
        return slipped(slip, _KIND, raw, remarks, typed.understood)
    return wrong(_KIND, _CHECK, raw, remarks, typed.understood)


_CHECK = "write out the patch under the window at each of its places, and check the entries one by one"


def _slip(found: Sequence[FigureMatrix], expected: Sequence[Matrix], slips: Sequence[Slip]) -> Slip | None:
    """The first that fits: too few digits, exchanged matrices, a known slip, one matrix of the two."""
    if _same(found, expected, lambda x, truth: exactly(x, truth) or rounds(x, truth)):
        return Slip(
            expected,
            "your numbers are rounded to a single digit, which fits several answers",
            "write fractions, or decimals with at least two digits",
            KEPT.one_digit,
            "half: the numbers fit, but too coarsely to tell",
        )
    if _same(found, tuple(reversed(expected)), equals):
        return Slip(
            expected,
            "the two matrices seem to be exchanged",
            "write the result for the handout's first matrix first",
            KEPT.exchanged,
            "half: both results are right, at each other's place",
        )
    known = (slip for slip in slips if isinstance(slip.value, tuple) and _same(found, slip.value, equals))
    return next(known, None) or _one_of_two(found, expected)


def _one_of_two(found: Sequence[FigureMatrix], expected: Sequence[Matrix]) -> Slip | None:
    why = "half: one of two matrices is right"
    if len(found) == 1 and any(_same_matrix(found[0], matrix, equals) for matrix in expected):
        return Slip(
            None, "one matrix only, and it is right for one of the inputs", "write both", KEPT.one_matrix_of_two, why
        )
    right = [len(found) == len(expected) and _same_matrix(f, e, equals) for f, e in zip(found, expected)]
    if not any(right):
        return None
    other = "second" if right[0] else "first"
    return Slip(None, f"one matrix is right; the {other} does not fit", _CHECK, KEPT.one_matrix_of_two, why)


def _same(found: Sequence[FigureMatrix], values: Sequence[Matrix], same: Callable[[Figure, float], bool]) -> bool:
    return len(found) == len(values) and all(_same_matrix(f, v, same) for f, v in zip(found, values))


def _same_matrix(found: FigureMatrix, value: Matrix, same: Callable[[Figure, float], bool]) -> bool:
    return [len(row) for row in found] == [len(row) for row in value] and all(
        same(x, truth) for row, entries in zip(found, value) for x, truth in zip(row, entries)
    )
