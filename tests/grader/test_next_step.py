"""The one next step: what helps most at midnight, in the order in which things build on each other."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from autograder.core.records import Feedback, Report, Status, TestResult
from tests.grader import example_reports, outputs

FULL = {test.number: test for test in example_reports.full_marks().tests}


def _report(*lost: str, left: float = 0.0, **handed_in: object) -> Report:
    """Full marks but for the tests whose numbers begin with one of `lost`, which keep the fraction `left`."""
    tests = tuple(
        msgspec.structs.replace(
            test, status=Status.FAILED, score=test.max_score * left, feedback=Feedback(fix=f"fix {test.number}")
        )
        if test.number.startswith(lost)
        else test
        for test in FULL.values()
    )
    return example_reports.report(tests, example_reports.submission(**handed_in))


# (questions that lost points, the one to fix first)
ORDER = [
    (("4a", "4c"), "4a"),  # an hour of training a wrong model helps nobody
    (("4b", "4c"), "4b"),
    (("4a", "4b"), "4a"),
    (("4a", "4b", "4c", "3c.b"), "4a"),
    (("4b", "3c.b"), "4b"),
    (("4c", "3c.b"), "4c"),  # it trains while the answers are fixed
    (("2a", "3c.b"), "3c.b"),
    (("2a", "2b"), "2a"),
]


@pytest.mark.parametrize(("lost", "first"), ORDER)
def test_what_others_build_on_comes_first_and_then_what_lost_most(lost: tuple[str, ...], first: str) -> None:
    assert outputs.next_step(_report(*lost), "student").startswith(f"{first}.")


def test_a_small_loss_in_what_others_build_on_comes_before_a_great_one_after_it() -> None:
    report = _report("4a.3", "4c", "3c.b")
    assert outputs.next_step(report, "student").startswith("4a.3")


def test_a_training_that_fell_short_is_weighed_with_the_answers() -> None:
    assert outputs.next_step(_report("4c", "3c.b", left=0.5), "student").startswith("3c.b")
    assert outputs.next_step(_report("4c", "2a", left=0.5), "student").startswith("4c")


def test_a_file_that_was_left_out_is_the_quickest_to_fix() -> None:
    written = tuple(number for number in FULL if number[0] in "23")
    assert outputs.next_step(_report("4a", *written, answers=None), "student").startswith("2a.1")
    assert outputs.next_step(_report("4a", *written), "student").startswith("4a"), (
        "answers that are wrong come after the code"
    )


def test_what_cannot_be_read_comes_before_what_is_wrong_but_not_before_what_it_waits_for() -> None:
    def what(*lost: str, **handed_in: Any) -> str:
        return outputs.next_step(_report(*lost, **handed_in), "student")

    assert "about question 4a," in what("4b", "4c", unusable={"4a": "a bracket is missing"})
    assert "about question 4b," in what("4c", "2a", unusable={"4b": "a bracket is missing"})
    assert what("4a", unusable={"4b": "a bracket is missing"}).startswith("4a.")
    assert "about answers.toml," in what("4a", answers=None, answers_problem="line 3")
    assert "about history.json," in what("4c", history_problem="not JSON")
    assert "about history.json," in what(history_problem="not JSON")
    assert what("4a", "4c", history_problem="not JSON").startswith("4a.")


def test_a_test_without_points_is_mended_last() -> None:
    informational = TestResult("4a.8", "stays finite", Status.FAILED, 0.0, 0.0, feedback=Feedback(fix="scale first"))
    lost = _report("2a")
    assert outputs.next_step(
        example_reports.report((*lost.tests, informational), lost.submission), "student"
    ).startswith("2a")
    full = example_reports.report((*FULL.values(), informational), lost.submission)
    assert outputs.next_step(full, "student").startswith("4a.8")


def test_public_tests_which_have_no_points_keep_the_order_of_the_code() -> None:
    tests = [
        TestResult(number, "a test", Status.FAILED, 0.0, 0.0, feedback=Feedback(fix="fix it"))
        for number in ("2a.p1", "4a.p3", "4b.p2")
    ]
    report = example_reports.report(tuple(tests), example_reports.submission())
    assert outputs.next_step(report, "student").startswith("4a.p3")
    again = outputs.printed(report, width=80, colour=False, again="python -m autograder check .")
    assert again.endswith("check . --question 4a\n")
