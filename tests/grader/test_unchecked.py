"""What `check` says of the questions that no public test looks at: each once, and what of its evidence is there."""

from __future__ import annotations

import pytest

from autograder.core.policy import POLICY
from autograder.core.records import Report, Status, Submission, TestResult
from autograder.report import unchecked


def report(*tested: str, **submission: object) -> Report:
    tests = tuple(TestResult(f"{number}.1", "a test", Status.PASSED, 0.0, 0.0) for number in tested)
    return Report(Submission("s", digest="0", **{"file": "hw6.ipynb", **submission}), tests)  # type: ignore[arg-type]


def questions(lines: list[str]) -> list[str]:
    return [line.split()[2].rstrip(".,") for line in lines]


def test_what_has_a_test_is_not_listed_and_what_a_person_grades_is_told_in_one_line() -> None:
    everything = [question.number for question in POLICY.questions]
    assert questions(list(unchecked.lines(report(*everything), ""))[:-1]) == []
    lines = list(unchecked.lines(report("4a", "4b"), ""))
    assert questions(lines[:-1]) == [number for number in everything if number not in ("4a", "4b")]
    assert all(question.number in lines[-1] for question in POLICY.by_hand) and "A person grades these" in lines[-1]


def test_a_planned_test_counts_as_one() -> None:
    planned = tuple(TestResult(f"{q.number}.1", "", Status.ERROR, 0.0, 0.0) for q in POLICY.questions)
    assert len(list(unchecked.lines(Report(Submission("s", "", "0"), (), planned), ""))) == 1


@pytest.mark.parametrize("chosen", ["4c", "4c.1", "4"])
def test_of_chosen_questions_only_those_are_told(chosen: str) -> None:
    assert questions(list(unchecked.lines(report("4a", "4b"), chosen))) == ["4c"]
    assert list(unchecked.lines(report("4c"), "4c")) == []


THERE: dict[str, tuple[dict[str, object], str]] = {
    "nothing": ({"file": "hw6.py"}, "(missing: hw6.ipynb, history.json)"),
    "the notebook": ({}, "(found: hw6.ipynb; missing: history.json)"),
    "a notebook of another name": ({"file": "my copy.IPYNB"}, "(found: hw6.ipynb; missing: history.json)"),
    "both": ({"history": {}}, "(found: hw6.ipynb, history.json)"),
    "a history that cannot be read, which is said elsewhere": (
        {"history_problem": "?"},
        "(found: hw6.ipynb, history.json)",
    ),
}


@pytest.mark.parametrize("what", THERE)
def test_what_a_question_is_judged_from_is_named_with_what_was_found_of_it(what: str) -> None:
    given, expected = THERE[what]
    [line] = unchecked.lines(report(**given), "4c")
    assert line.endswith(f"{expected}."), line


def test_without_evidence_of_its_own_a_question_is_judged_when_it_is_handed_in() -> None:
    [line] = unchecked.lines(report(), "2a")
    assert line.endswith("It is judged when you hand in.")
