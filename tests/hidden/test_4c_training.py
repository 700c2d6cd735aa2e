"""Handout 4(c): the student's own training run, from history.json or the notebook's saved outputs, as claimed."""

from __future__ import annotations

from collections.abc import Callable

from gradescope_utils.autograder_utils.decorators import number

from autograder.evidence import Evidence, gather
from autograder.evidence_judge import Verdict, judge_claim, judge_curves
from autograder.expect import Missing, Unmet
from autograder.policy import POLICY
from autograder.records import Submission

Say = Callable[[str], object]
CLASSES = {question.number: question.class_name for question in POLICY.questions if question.class_name}


def _evidence(submission: Submission) -> Evidence:
    """Missing when there is no class that could have been trained: what is claimed is then of something else."""
    if set(CLASSES) <= set(submission.absent):
        raise Missing(
            f"neither {' nor '.join(CLASSES.values())} was handed in, so there is no training of them to count:"
            " write them, train, and hand in the notebook with history.json"
        )
    return gather(submission.history, submission.history_problem, submission.cells)


def _settle(verdict: Verdict, remark: Say, for_staff: Say) -> None:
    """Remarks beside a pass; otherwise the judge's own words and the fraction that is kept."""
    if verdict.earned < 1.0:
        said = verdict.feedback
        raise Unmet(
            said.found,
            expected=said.expected,
            where=said.where,
            mend=said.mend,
            earned=verdict.earned,
            remarks=verdict.remarks,
            staff=verdict.staff,
        )
    if verdict.staff:
        for_staff(verdict.staff)
    for text in verdict.remarks:
        remark(text)


@number("4c.1")
def test_4c_1_curves(submission: Submission, remark: Say, for_staff: Say) -> None:
    """plots the losses of the training and the validation set over ten epochs"""
    _settle(judge_curves(_evidence(submission)), remark, for_staff)


@number("4c.2")
def test_4c_2_accuracy(submission: Submission, remark: Say, for_staff: Say) -> None:
    """reaches a test accuracy of 94 % (±1 %), as claimed"""
    _settle(judge_claim(_evidence(submission)), remark, for_staff)
