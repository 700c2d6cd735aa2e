"""How people write a question's number, and what each spelling means."""

from __future__ import annotations

import pytest

from autograder.core import numbering
from autograder.core.errors import UsageError
from autograder.core.policy import POLICY, Question

MEANT = {
    "": "",
    " \n": "",
    "4a": "4a",
    "4A": "4a",
    "4(a)": "4a",
    "(4)(A)": "4a",
    "[4a]": "4a",
    " 4 a ": "4a",
    "4.a": "4a",
    "4-a": "4a",
    "4_a": "4a",
    "q2a": "2a",
    "Q 2(a)": "2a",
    "q.2a": "2a",
    "Question 4(a)": "4a",
    "question: 4a": "4a",
    "Problem 4 Part a": "4a",
    "question q2a": "2a",
    "#4a": "4a",
    "test 4a.4": "4a.4",
    "4a.4": "4a.4",
    "4a4": "4a.4",
    "4(a)4": "4a.4",
    "4(a).10": "4a.10",
    "2a.p1": "2a.p1",
    "3.c.b": "3c.b",
    "3(c)(b)": "3c.b",
    "3cb": "3c.b",
    "3cb.1": "3c.b.1",
    "3c": "3c",
    "3(c)": "3c",
    "3c.": "3c",
    "4": "4",
    "Q4": "4",
    "3": "3",
    "４ａ": "4a",
    "4⒜": "4a",
}


@pytest.mark.parametrize("typed", MEANT)
def test_a_number_is_understood_however_it_is_written(typed: str) -> None:
    assert numbering.read(typed) == MEANT[typed]


@pytest.mark.parametrize("question", POLICY.questions)
def test_every_question_is_its_own_number(question: Question) -> None:
    number = question.number
    assert numbering.read(number) == number == numbering.question(f"{number}.1") == numbering.question(number)


NEAREST = {
    "9": "",
    "9z": "",
    "q": "",
    "--": "",
    "attention": "",
    "44a": "4a",
    "4ab": "4a",
    "4d": "4a",
    "a4": "4a",
    "3d": "3a",
    "qq2a": "2a",
    "3caa": "3c.a",
    "4a,4b": "4a",
    "4 and a": "4a",
}


@pytest.mark.parametrize("typed", NEAREST)
def test_what_is_no_number_is_refused_with_the_numbers_there_are_and_the_nearest(typed: str) -> None:
    with pytest.raises(UsageError) as refused:
        numbering.read(typed)
    said = str(refused.value)
    assert all(question.number in said for question in POLICY.questions)
    assert said.split("The questions are")[0].endswith(f"Did you mean {NEAREST[typed]}? " if NEAREST[typed] else '". ')


@pytest.mark.parametrize("typed", [question.number for question in POLICY.by_hand] + ["2(d)", "q3cc", "1.1"])
def test_a_question_that_a_person_grades_is_said_to_be_so(typed: str) -> None:
    with pytest.raises(UsageError, match=r"a person grades it"):
        numbering.read(typed)


SELECTED = [
    ("", "4a.1", True),
    ("4", "4a.1", True),
    ("4a", "4a.1", True),
    ("4A", "4a.x", True),
    ("4a.x", "4a.X", True),
    ("4a.1", "4a.1", True),
    ("3c", "3c.b.1", True),
    ("4a.1", "4a.10", False),
    ("4", "40a.1", False),
    ("4a", "4b.1", False),
    ("4a.1", "4a", False),
]


@pytest.mark.parametrize(("chosen", "number", "expected"), SELECTED)
def test_a_number_selects_what_begins_so_and_no_longer_number(chosen: str, number: str, expected: bool) -> None:
    assert numbering.selects(chosen, number) is expected


def test_a_test_that_is_not_there_is_told_with_those_of_its_question_and_the_nearest() -> None:
    said = numbering.no_such_test("4a.44", ["4a.1", "4a.4", "4b.1"])
    assert said == "no test here has the number 4a.44. Did you mean 4a.4? The tests are 4a.1, 4a.4."
    assert "The tests are 4b.1." in numbering.no_such_test("4a", ["4b.1"])
