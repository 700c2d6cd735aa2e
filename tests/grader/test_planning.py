"""Tests that nobody can place: set aside, named by file and function, and no other test pays for them."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from autograder.core import numbering
from autograder.engine.outcome import Item
from autograder.engine.planning import Pair, asked, fit, placed, unmet_order, unplaced

ALL = partial(numbering.selects, "")


def pair(number: str, name: str = "test_it", requires: tuple[str, ...] = ()) -> Pair:
    item: Any = SimpleNamespace(nodeid=f"hidden/test_4a.py::{name}")
    return item, Item(number, name, 1.0, "visible", (), requires)


GOOD = [pair("4a.1"), pair("4a.2", requires=("4a.1",)), pair("4b.1")]
# what stands beside the good ones, and what is said of it
SET_ASIDE = {
    "no number": ([pair("", "test_nn")], "there is no number on it: hidden/test_4a.py::test_nn"),
    "no question": ([pair("5a.1", "test_5")], "no question of the policy has the number '5a.1': hidden/test_4a.py::test_5"),
    "one number": ([pair("4a.3", "a"), pair("4a.3", "b")], "two tests have the number '4a.3': hidden/test_4a.py::a, hidden"),
    "a question's": ([pair("4a", "test_q")], "the number '4a' is the question's own; give the test one behind it, such as '4a.9'"),
    "a longer question's": ([pair("3c.b", "test_q")], "the number '3c.b' is the question's own"),
    "a blank": ([pair("4a. 3", "test_b")], "the number '4a. 3' has a blank in it; write '4a.3': hidden/test_4a.py::test_b"),
    "blanks around": ([pair(" 4a.3\n", "test_b")], "has a blank in it; write '4a.3'"),
    "cases": ([pair("4a.3", f"t[{n}]") for n in range(5)], "::t[0], hidden/test_4a.py::t[1], hidden/test_4a.py::t[2] and 2"),
}  # fmt: skip


@pytest.mark.parametrize("case", SET_ASIDE)
def test_what_cannot_be_placed_is_named_and_the_rest_is_run(case: str) -> None:
    others, said = SET_ASIDE[case]
    described = [GOOD[0], *others, *GOOD[1:]]
    assert fit(described) == GOOD
    [told] = unplaced(described, ALL)
    assert said in told and told.startswith("not run, for ")
    assert not list(unplaced(GOOD, ALL)) and placed(GOOD) == GOOD


def test_tests_of_questions_that_the_policy_does_not_have_are_left_out_and_named_once() -> None:
    strangers = [pair("5a.1"), pair("5a.2"), pair("6.b.1", "test_6")]
    kept, (told,) = asked([*strangers, *GOOD])
    assert kept == GOOD and told.endswith("that the policy does not have: 5a, 6.b")
    slips = [pair(""), pair("4a"), pair("4a. 3"), pair("4a.1x"), pair("four.1")]
    assert asked([*GOOD, *slips]) == ([*GOOD, *slips], ()), "what is a slip is told as one"


def test_numbers_that_are_there_twice_matter_where_they_were_asked_for() -> None:
    described = [*GOOD, pair("4b.3", "a"), pair("4b.3", "b"), pair("", "test_nn")]
    assert [told.split(":")[0] for told in unplaced(described, partial(numbering.selects, "4a"))] == [
        "not run, for there is no number on it"
    ]
    assert {about.number for _, about in placed(described)} - {about.number for _, about in fit(described)} == {"4b.3"}


@pytest.mark.parametrize(
    ("requires", "said"),
    [("4a.99", "which is no test"), ("4b.1", "which is run after it"), ("4a.3", "which is run after it")],
)
def test_a_mark_that_would_skip_nothing_is_told(requires: str, said: str) -> None:
    described = [*GOOD[:2], pair("4a.3", requires=(requires,)), GOOD[2]]
    [told] = unmet_order(described, ALL)
    assert told.startswith(f"4a.3 requires {requires}") and said in told
    assert not list(unmet_order(GOOD, ALL))
    assert not list(unmet_order(described, partial(numbering.selects, "4b")))
