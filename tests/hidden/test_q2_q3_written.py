"""Hidden tests for the written questions 2 and 3: the judges of `judging.written` with the reference's values.

Why separate: here, and only here, the right values meet the judges. The reference is imported inside the fixtures,
never when this file is collected, so that it is read after the student's room has been started.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType

import pytest
from gradescope_utils.autograder_utils.decorators import number

from autograder.judging import (
    Unmet,
    Verdict,
    judge_formula,
    judge_parameters,
    judge_pooling,
    judge_shape,
    judge_vector,
    remarks_on_administrivia,
    remarks_on_layout,
    remarks_on_missing,
)

Answers = Mapping[str, Mapping[str, object]]
Remark = Callable[[str], None]


@pytest.fixture
def slips() -> ModuleType:
    from reference import written_slips

    return written_slips


@pytest.fixture
def moment_slips() -> ModuleType:
    from reference import written_moments

    return written_moments


def _typed(answers: Answers, table: str, key: str) -> object:
    """What stands in the box; None when it is missing."""
    return answers.get(table, {}).get(key)


def _settle(verdict: Verdict, box: tuple[str, str], answers: Answers, remark: Remark) -> None:
    """Pass with remarks, or raise what the verdict says; a misspelled name may be why a box is missing."""
    if verdict.earned == 1.0:
        for text in verdict.remarks:
            remark(text)
        return
    feedback = verdict.feedback
    raise Unmet(
        feedback.found,
        expected=feedback.expected,
        fix=feedback.fix,
        earned=verdict.earned,
        remarks=verdict.remarks + remarks_on_missing(answers, *box),
    )


# Points: 2(a), 2(b) and 2(c) ask two things each for two points (handout), so each is worth one.


@number("2a.1")
def test_parameters_of_the_1d_convolution(
    answers: Answers, reference_written: ModuleType, slips: ModuleType, remark: Remark
) -> None:
    """counts the parameters of the 1D convolution"""
    for text in (*remarks_on_administrivia(answers), *remarks_on_layout(answers)):  # once, at the first answer
        remark(text)
    box = ("q2a", "parameters")
    typed = _typed(answers, *box)
    _settle(judge_parameters(typed, reference_written.conv1d().parameters, slips.conv1d_counts()), box, answers, remark)


@number("2a.2")
def test_output_shape_of_the_1d_convolution(
    answers: Answers, reference_written: ModuleType, slips: ModuleType, remark: Remark
) -> None:
    """gives the output shape of the 1D convolution"""
    box = ("q2a", "output_shape")
    typed = _typed(answers, *box)
    _settle(judge_shape(typed, reference_written.conv1d().output_shape, slips.conv1d_shapes()), box, answers, remark)


@number("2b.1")
def test_parameters_of_the_2d_convolution(
    answers: Answers, reference_written: ModuleType, slips: ModuleType, remark: Remark
) -> None:
    """counts the parameters of the 2D convolution"""
    box = ("q2b", "parameters")
    typed = _typed(answers, *box)
    _settle(judge_parameters(typed, reference_written.conv2d().parameters, slips.conv2d_counts()), box, answers, remark)


@number("2b.2")
def test_output_shape_of_the_2d_convolution(
    answers: Answers, reference_written: ModuleType, slips: ModuleType, remark: Remark
) -> None:
    """gives the output shape of the 2D convolution"""
    box = ("q2b", "output_shape")
    typed = _typed(answers, *box)
    _settle(judge_shape(typed, reference_written.conv2d().output_shape, slips.conv2d_shapes()), box, answers, remark)


@number("2c.1")
def test_average_pooling(answers: Answers, reference_written: ModuleType, slips: ModuleType, remark: Remark) -> None:
    """applies average pooling to both matrices"""
    box = ("q2c", "average_pool")
    typed = _typed(answers, *box)
    _settle(judge_pooling(typed, reference_written.average_pool(), slips.average_pools()), box, answers, remark)


@number("2c.2")
def test_max_pooling(answers: Answers, reference_written: ModuleType, slips: ModuleType, remark: Remark) -> None:
    """applies max pooling to both matrices"""
    box = ("q2c", "max_pool")
    typed = _typed(answers, *box)
    _settle(judge_pooling(typed, reference_written.max_pool(), slips.max_pools()), box, answers, remark)


@number("3a.1")
def test_attention_by_hand(answers: Answers, reference_written: ModuleType, slips: ModuleType, remark: Remark) -> None:
    """works out the self-attention output at time step 2"""
    box = ("q3a", "a2")
    typed = _typed(answers, *box)
    verdict = judge_vector(typed, reference_written.a2(), slips.attentions(), reference_written.VALUES)
    _settle(verdict, box, answers, remark)


@number("3c.a.1")
def test_expectation_of_the_dot_product(
    answers: Answers, reference_written: ModuleType, moment_slips: ModuleType, seed: int, remark: Remark
) -> None:
    """gives the expectation of the dot product"""
    box = ("q3c", "expectation")
    typed = _typed(answers, *box)
    verdict = judge_formula(typed, reference_written.expectation, moment_slips.expectations(), seed)
    _settle(verdict, box, answers, remark)


@number("3c.b.1")
def test_variance_of_the_dot_product(
    answers: Answers, reference_written: ModuleType, moment_slips: ModuleType, seed: int, remark: Remark
) -> None:
    """gives the variance of the dot product"""
    box = ("q3c", "variance")
    typed = _typed(answers, *box)
    verdict = judge_formula(typed, reference_written.variance, moment_slips.variances(), seed)
    _settle(verdict, box, answers, remark)
