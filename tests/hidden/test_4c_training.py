"""Handout 4(c): the student's own training run, as claimed, and whether the two classes train when we try it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from gradescope_utils.autograder_utils.decorators import number, visibility, weight

from autograder import observe_training
from autograder.evidence import Evidence, gather
from autograder.evidence_judge import Verdict, judge_claim, judge_curves
from autograder.expect import Unmet
from autograder.judging.training import smoke
from autograder.observe_training import Reference
from autograder.records import Submission
from autograder.student import Student


def _evidence(submission: Submission) -> Evidence:
    return gather(submission.history, submission.history_problem, submission.cells)


def _settle(verdict: Verdict, remark: Callable[[str], object]) -> None:
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
        )
    for text in verdict.remarks:
        remark(text)


@number("4c.1")
@weight(2)
@visibility("visible")
def test_4c_1_curves(submission: Submission, remark: Callable[[str], object]) -> None:
    """plots the losses of the training and the validation set over ten epochs"""
    _settle(judge_curves(_evidence(submission)), remark)


@number("4c.2")
@weight(2)  # the handout asks for the accuracy; one of its points is 4c.3's, which nobody has to claim
@visibility("visible")
def test_4c_2_accuracy(submission: Submission, remark: Callable[[str], object]) -> None:
    """reaches a test accuracy of 94 % (±1 %), as claimed"""
    _settle(judge_claim(_evidence(submission)), remark)


@pytest.mark.requires("4a.1", "4b.1")  # without both there is no model; the reference's part is never lent
@number("4c.3")
@weight(1)  # it trains: tried, not claimed. What still trains loses nothing here, however wrong 4(a) and 4(b) are
def test_4c_3_trains(student: Student, reference: Reference, seed: int, remark: Callable[[str], object]) -> None:
    """a small ViT around both classes trains: it recognises handwritten digits that it has not seen"""
    trained, drawn = observe_training.smoke_trained(student, seed)
    if not smoke.learned(trained, drawn.held_labels):
        stuck = smoke.unexplained(trained, drawn.held_labels)
        compared = observe_training.first_steps(student, reference, drawn, seed) if stuck else ""
        raise smoke.complaint(trained, drawn.held_labels, compared)
    for text in smoke.remarks(trained):
        remark(text)
