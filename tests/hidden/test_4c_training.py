"""Handout 4(c): the student's own training run, as claimed, and whether the two classes train when we try it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from gradescope_utils.autograder_utils.decorators import number

from autograder.judging import (
    FILES,
    POLICY,
    Chart,
    Evidence,
    Line,
    Missing,
    Panel,
    Reference,
    Student,
    Submission,
    Unmet,
    Verdict,
    drawn,
    gather,
    judge_claim,
    judge_curves,
    observe_training,
    settle,
    smoke,
    verify,
)

Say = Callable[[str], object]
Show = Callable[[Chart], object]
Look = Callable[[Panel], object]
Keep = Callable[[str, float], object]
CLASSES = {question.number: question.class_name for question in POLICY.questions if question.class_name}


def _evidence(submission: Submission) -> Evidence:
    """Missing when there is no class that could have been trained: what is claimed is then of something else."""
    if set(CLASSES) <= set(submission.absent):
        raise Missing(
            f"neither {' nor '.join(CLASSES.values())} was handed in, so there is no training of them to count:"
            f" write them, train, and hand in the notebook with {FILES.history}"
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
            fix=said.fix,
            earned=verdict.earned,
            remarks=verdict.remarks,
            staff=verdict.staff,
        )
    if verdict.staff:
        for_staff(verdict.staff)
    for text in verdict.remarks:
        remark(text)


@number("4c.1")
def test_4c_1_curves(submission: Submission, remark: Say, for_staff: Say, show_chart: Show) -> None:
    """plots the losses of the training and the validation set over ten epochs"""
    evidence = _evidence(submission)
    show_chart(
        Chart(
            f"Losses of the student's own run, from {evidence.source}",
            (Line("training set", evidence.train_loss), Line("validation set", evidence.validation_loss)),
        )
    )
    _settle(judge_curves(evidence), remark, for_staff)


@number("4c.2")
def test_4c_2_accuracy(
    submission: Submission,
    remark: Say,
    for_staff: Say,
    show_panel: Look,
    measured: Keep,
    seed: int,
    request: pytest.FixtureRequest,
) -> None:
    """reaches a test accuracy of 94 % (±1 %), as measured with the submitted weights, else as claimed"""
    evidence = _evidence(submission)
    if submission.weights or submission.weights_problem:
        # Asked for here alone: a claim needs no process, and is judged even when the time is used up.
        images = drawn(seed)
        student, reference = (request.getfixturevalue(name) for name in ("student", "reference"))
        found = verify.measure(student, submission, images, evidence.accuracy or 0.0, evidence.images, seed)
        if not found.problem:
            measured("accuracy", found.percent)
            for panel in observe_training.attention_panel(student, reference, submission, images.images[0], seed):
                show_panel(panel)
        evidence = settle(evidence, found, submission.cells)
        if images.problem:
            for_staff(images.problem)
    _settle(judge_claim(evidence), remark, for_staff)


@pytest.mark.requires("4a.1", "4b.1")  # without both there is no model; the reference's part is never lent
@number("4c.3")
def test_4c_3_trains(
    student: Student, reference: Reference, seed: int, remark: Say, show_chart: Show, measured: Keep
) -> None:
    """a small ViT around both classes trains: it recognises handwritten digits that it has not seen"""
    trained, drawn = observe_training.smoke_trained(student, seed)
    show_chart(smoke.chart(trained.losses))
    if not smoke.learned(trained, drawn.held_labels):
        stuck = smoke.unexplained(trained, drawn.held_labels)
        compared = observe_training.first_steps(student, reference, drawn, seed) if stuck else ""
        raise smoke.complaint(trained, drawn.held_labels, compared)
    if trained.seconds:
        measured("steps_per_second", len(trained.losses) / trained.seconds)
    for text in smoke.remarks(trained):
        remark(text)
