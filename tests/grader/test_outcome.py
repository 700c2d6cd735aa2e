"""From what a test did to its result: whose fault it is, and what it costs."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from autograder.core import numbering
from autograder.core.policy import POLICY
from autograder.core.records import Finding, Severity, Status
from autograder.engine.outcome import Item, describe, disagreements, forfeited, judge, skipped, ungraded
from autograder.judging.expect import Missing, Unmet
from autograder.judging.remarks import remarks_on

ITEM = Item("4a.4", "matches", 4.0, "visible", (), ())


OUTCOMES = {
    "nothing was raised": (None, None, Status.PASSED, 4.0, 4.0),
    "partial credit was set": (None, 2.5, Status.FAILED, 2.5, 4.0),
    "more than the weight was set": (None, 9.0, Status.PASSED, 4.0, 4.0),
    "less than nothing was set": (None, -1.0, Status.FAILED, 0.0, 4.0),
    "unmet": (Unmet("no"), None, Status.FAILED, 0.0, 4.0),
    "unmet, half of it kept": (Unmet("half", earned=0.5), None, Status.FAILED, 2.0, 4.0),
    "an assert": (AssertionError("one is not two"), None, Status.FAILED, 0.0, 4.0),
    "a prerequisite is missing": (Missing("first fix 4a.1"), None, Status.SKIPPED, 0.0, 4.0),
    "waived by the policy": (Missing("graded elsewhere", waived=True), None, Status.SKIPPED, 0.0, 0.0),
    "skipped by pytest": (pytest.skip.Exception("not here"), None, Status.SKIPPED, 0.0, 4.0),
    "a mistake of ours": (ZeroDivisionError("oops"), None, Status.ERROR, 0.0, 4.0),
}


@pytest.mark.parametrize("what", OUTCOMES)
def test_outcome(what: str) -> None:
    error, set_score, status, score, possible = OUTCOMES[what]
    result = judge(ITEM, error, set_score, (), 0.1)
    assert (result.status, result.score, result.max_score) == (status, score, possible)


def test_a_plain_assert_shows_its_message_and_never_the_values() -> None:
    told = judge(ITEM, AssertionError("one is not two\nassert 1 == 2"), None, (), 0.0)
    silent = judge(ITEM, AssertionError("assert tensor([1, 2]) == tensor([3, 4])"), None, (), 0.0)
    assert told.feedback.found == "one is not two"
    assert "tensor" not in silent.feedback.found and "tensor" in silent.staff


def test_a_fraction_outside_0_to_1_is_the_authors_mistake() -> None:
    with pytest.raises(ValueError, match="fraction"):
        Unmet("x", earned=2)


FINDING = Finding(
    "ready-made", Severity.READY_MADE, "nn.MultiheadAttention is ready-made", "4a", "nn.MultiheadAttention"
)


def test_a_ready_made_solution_forfeits_the_points_and_staff_see_what_it_would_have_earned() -> None:
    result = forfeited(judge(ITEM, None, None, (), 0.0), FINDING)
    assert (result.status, result.score, result.max_score) == (Status.FAILED, 0.0, 4.0)
    assert "would have earned 4" in result.staff and "ready-made" in result.feedback.found


def test_our_own_fault_is_not_turned_into_a_zero_by_a_finding() -> None:
    assert forfeited(judge(ITEM, ZeroDivisionError(), None, (), 0.0), FINDING).status is Status.ERROR


def test_what_was_not_run_is_skipped_for_the_students_reasons_and_open_for_ours() -> None:
    theirs, ours = skipped(ITEM, "first fix 4a.1"), ungraded(ITEM, "it builds on 4a.1, which we failed to judge")
    assert (theirs.status, theirs.score, theirs.max_score) == (Status.SKIPPED, 0.0, 4.0)
    assert (ours.status, ours.score, ours.max_score) == (Status.ERROR, 0.0, 4.0)
    assert ours.feedback.found == ours.staff == "not run: it builds on 4a.1, which we failed to judge"


# --- what a passing student should still hear about -------------------------------------------------------------------

HEARD: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, ""),
    "other names of arguments": ({"notes": {"by-position"}, "own_arguments": ("a", "b")}, "yours are called a, b"),
    "none of its own": ({"notes": {"by-position"}}, "yours are called otherwise"),
    "a tuple": ({"tuple_returned": True}, "The first part was graded"),
    "its input changed": ({"notes": {"input-modified"}}, "changes its input x in place"),
}


@pytest.mark.parametrize("what", HEARD)
def test_what_the_visit_noticed_is_said_beside_a_pass_and_nothing_else(what: str) -> None:
    noticed, said = HEARD[what]
    usual: dict[str, Any] = {
        "notes": set(),
        "arguments": ("dim", "heads"),
        "own_arguments": (),
        "tuple_returned": False,
    }
    visit: Any = SimpleNamespace(**{**usual, **noticed})
    heard = remarks_on(visit)
    assert len(heard) == bool(said) and all(said in one for one in heard)


# --- one place gives the points ---------------------------------------------------------------------------------------


def decorated(number: str, **said: object) -> tuple[Any, Item]:
    """A test's function as pytest collects it, with what gradescope-utils' decorators leave on it."""

    def function() -> None:
        """a title."""

    for name, value in {"number": number, **said}.items():
        setattr(function, f"__{name}__", value)
    item: Any = SimpleNamespace(function=function, name="test_it", iter_markers=lambda name: ())
    return item, describe(item, "hidden")


QUIET = {
    "one that the policy lists": decorated("4a.4"),
    "a new one, which is worth nothing": decorated("4a.99"),
    "a new one that says who sees it": decorated("4a.99", visibility="visible"),
    "a weight of 0": decorated("4a.99", weight=0),
}
CONTRADICTS = {
    "4a.4: both its decorators and the policy": decorated("4a.4", weight=4),
    "4a.5: both its decorators and the policy": decorated("4a.5", visibility="hidden"),
    "4a.99 carries points by its @weight": decorated("4a.99", weight=2),
}


@pytest.mark.parametrize("what", QUIET)
def test_a_test_whose_points_one_place_gives_is_in_order(what: str) -> None:
    assert list(disagreements([QUIET[what]], lambda number: False)) == []


@pytest.mark.parametrize("said", CONTRADICTS)
def test_points_or_visibility_from_two_places_are_told_to_staff(said: str) -> None:
    [told] = disagreements([CONTRADICTS[said]], lambda number: False)
    assert told.startswith(said)


@pytest.mark.parametrize("chosen", ["", "4a", "4b.2"])
def test_a_listed_test_that_nobody_wrote_is_missed_where_it_was_asked_for(chosen: str) -> None:
    told = list(disagreements([decorated("4a.4")], partial(numbering.selects, chosen)))
    listed = [number for question in POLICY.questions for number in question.tests if number.startswith(chosen)]
    assert [one.split()[0] for one in told] == [number for number in listed if number != "4a.4"]
