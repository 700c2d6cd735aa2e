"""A question judged again with another program: what is tried, what counts, and what is said. All of it is pure."""

from __future__ import annotations

import msgspec
import pytest

from autograder.core.records import (
    Alternative,
    Feedback,
    Finding,
    Place,
    Program,
    Severity,
    Status,
    Submission,
    TestResult,
)  # fmt: skip
from autograder.engine import second_try


def result(number: str, status: Status = Status.PASSED, score: float = 1.0, found: str = "") -> TestResult:
    return TestResult(number, f"test {number}", status, score, 1.0, feedback=Feedback(found=found))


def results(*several: TestResult) -> dict[str, TestResult]:
    return {one.number: one for one in several}


def program(question: str, text: str, brings: tuple[str, ...] = ()) -> Program:
    return Program(question, "ViTLayer", text, (Place("hw6.py", 1),), "0", brings)


LOST = result("4b.1", Status.FAILED, 0.0, "another shape")
OTHER = Alternative(program("4b", "class Attention: ...", ("Attention",)))
FIRST = Submission("s", "hw6.py", "0", programs={"4a": program("4a", "a"), "4b": program("4b", "Attention(x)")},
                   alternatives=(OTHER, Alternative(program("4a", "another"))))  # fmt: skip


# --- what is tried ----------------------------------------------------------------------------------------------------

NOT_TRIED = {
    "all passed": results(result("4b.1"), result("4b.2")),
    "only skipped": results(result("4b.1"), result("4b.2", Status.SKIPPED, 0.0)),
    "something of ours broke": results(LOST, result("4b.2", Status.ERROR, 0.0)),
    "another question's was lost": results(result("4b.1"), result("4a.1", Status.FAILED, 0.0)),
}


@pytest.mark.parametrize("what", NOT_TRIED)
def test_nothing_else_is_tried_where_nothing_was_lost_or_the_fault_is_ours(what: str) -> None:
    assert second_try.wanted("4b", NOT_TRIED[what], FIRST) == ()


def test_where_something_was_lost_the_questions_own_other_programs_are_tried() -> None:
    assert second_try.wanted("4b", results(LOST, result("4b.2")), FIRST) == (OTHER,)


def test_what_the_rules_say_of_the_first_text_goes_with_it_and_what_they_say_of_others_stays() -> None:
    def finding(severity: Severity, question: str | None) -> Finding:
        return Finding("rule", severity, f"{severity.value} {question}", question)

    kept = (finding(Severity.FLAG, "4b"), finding(Severity.REMARK, "4b"), finding(Severity.DISALLOWED, "4a"))
    gone = (finding(Severity.DISALLOWED, "4b"), finding(Severity.READY_MADE, "4b"))
    new = finding(Severity.DISALLOWED, "4b")
    before = msgspec.structs.replace(FIRST, findings=(*gone, *kept))
    after = second_try.with_program(before, msgspec.structs.replace(OTHER, findings=(new,)))
    assert after.findings == (*kept, new)
    assert after.programs == {"4a": FIRST.programs["4a"], "4b": OTHER.program}


def test_heads_that_answer_tuples_are_not_tried_where_plain_ones_fit() -> None:
    brought = msgspec.structs.replace(OTHER.program, tuple_heads=True)
    tuples = msgspec.structs.replace(OTHER, program=brought)
    answered, failed = results(result("4b.1"), result("4b.2", Status.FAILED, 0.0)), results(LOST, result("4b.2"))
    assert second_try.needless(tuples, OTHER, answered)
    assert not second_try.needless(tuples, OTHER, failed)
    assert not second_try.needless(OTHER, OTHER, answered)
    another = msgspec.structs.replace(tuples, program=msgspec.structs.replace(brought, text="x = 1"))
    assert not second_try.needless(another, OTHER, answered)


# --- what counts ------------------------------------------------------------------------------------------------------

NO_BETTER = {
    "the same": results(LOST, result("4b.2")),
    "as many points elsewhere": results(result("4b.1"), result("4b.2", Status.FAILED, 0.0)),
    "fewer": results(LOST, result("4b.2", Status.FAILED, 0.0)),
    "more, with a fault of ours": results(result("4b.1"), result("4b.2"), result("4b.3", Status.ERROR, 0.0)),
}


@pytest.mark.parametrize("what", NO_BETTER)
def test_what_is_not_worth_more_changes_nothing(what: str) -> None:
    assert second_try.better(NO_BETTER[what], results(LOST, result("4b.2")), OTHER) == {}


def test_the_better_outcome_counts_and_says_with_what() -> None:
    found = second_try.better(results(result("4b.1"), result("4b.2")), results(LOST, result("4b.2")), OTHER)
    assert sum(one.score for one in found.values()) == 2 and not found["4b.2"].remarks
    assert "judged with your own" in found["4b.1"].remarks[0] and "Attention" in found["4b.1"].remarks[0]


def test_of_tests_without_points_the_number_that_passed_decides() -> None:
    nothing = msgspec.structs.replace(LOST, max_score=0.0)
    passed = msgspec.structs.replace(nothing, status=Status.PASSED)
    assert second_try.better(results(passed), results(nothing), OTHER)
    assert not second_try.better(results(nothing), results(passed), OTHER)


# --- what is said where it did no better ------------------------------------------------------------------------------


def test_a_failure_that_stays_as_it_was_or_grows_worse_is_not_put_down_to_the_class_that_was_replaced() -> None:
    old = results(LOST, result("4b.2"))
    for tried in (old, results(LOST, result("4b.2", Status.FAILED, 0.0))):
        assert second_try.in_vain(old, [tried], [OTHER]) == {}


@pytest.mark.parametrize("found", ["another failure", "another shape"])
def test_a_failure_that_the_other_program_changed_says_that_it_was_tried(found: str) -> None:
    old, new = results(LOST, result("4b.2")), result("4b.1", Status.FAILED, 0.0, found)
    new = msgspec.structs.replace(new, feedback=Feedback(found=found, where="elsewhere"))
    told = second_try.in_vain(old, [results(new, result("4b.2"))], [OTHER])
    assert list(told) == ["4b.1"] and told["4b.1"].score == 0 and "did no better" in told["4b.1"].remarks[0]
    assert ("then another failure" in told["4b.1"].remarks[0]) is (found == "another failure")


def edited(construct: str = "Attention") -> Submission:
    finding = Finding("edited-provided", Severity.REMARK, "ours is used", "4b", construct, Place("hw6.ipynb", 3, 7))
    return msgspec.structs.replace(FIRST, findings=(finding,))


def test_a_class_that_gave_way_to_the_handouts_is_named_where_a_test_failed_and_the_text_uses_it() -> None:
    told = second_try.replaced(results(LOST, result("4b.2")), edited(), "4b")
    assert list(told) == ["4b.1"] and "cell 7 line 3" in told["4b.1"].remarks[0]
    assert "give it another name" in told["4b.1"].remarks[0]


def test_it_is_not_where_nothing_failed_nothing_was_edited_or_the_text_does_not_use_it() -> None:
    assert second_try.replaced(results(result("4b.1")), edited(), "4b") == {}
    assert second_try.replaced(results(LOST), FIRST, "4b") == {}
    unused = msgspec.structs.replace(edited(), programs={"4b": program("4b", "MyAttention(x)")})
    assert second_try.replaced(results(LOST), unused, "4b") == {}
