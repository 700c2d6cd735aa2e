"""What the supervisor makes of an engine's events: every ending leaves a true report, and a fault of ours costs nothing.

The engines are lists of events here; `test_deadlines.py` and `test_lost_zygote.py` do the same with real ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from autograder import grading
from autograder.core import events, isolation
from autograder.core.errors import UsageError, WeakIsolation
from autograder.core.events import Event, Fault, Graded, Ready, Refused
from autograder.core.isolation import Isolation
from autograder.core.records import Finding, Report, Severity, Status, Submission, TestResult
from autograder.grading import Options, Sheet


def verdict(number: str, status: Status = Status.PASSED, score: float = 1.0) -> TestResult:
    return TestResult(number, f"test {number}", status, score, 1.0)


PLANNED = (verdict("4a.1", Status.ERROR, 0.0), verdict("4a.2", Status.ERROR, 0.0))
STRONG = Isolation("uid+files+network")
READY = Ready(PLANNED, STRONG, {"torch": "2"}, (), ("4a.1", "4a.2"))
FIRST, SECOND = events.Tested("s", verdict("4a.1")), events.Tested("s", verdict("4a.2"))
DONE = Graded("s", 7)


class Told:
    """An engine that says these events and ends."""

    def __init__(self, *events: Event) -> None:
        self.said, self.sent, self.killed = events, list[Any](), False

    def events(self, deadline: float) -> Iterator[Event]:
        yield from self.said

    def send(self, order: object) -> None:
        self.sent.append(order)


class Row:
    """Engines one after another, as grading has them."""

    def __init__(self, *engines: Told) -> None:
        self.left, self.dropped = list(engines), 0
        self.ready: Ready | None = None

    def at_work(self, *, alone: bool = False) -> Told:
        return self.left[0]

    def drop(self) -> None:
        self.dropped += 1
        del self.left[0]
        self.ready = None


def sheet(options: Options = Options(), started: float = 0.0) -> Sheet:
    return Sheet(Submission("s", "hw6.py", "0"), time.monotonic() - started, options)


def filled(*events: Event, options: Options = Options()) -> tuple[bool, Sheet]:
    found = sheet(options)
    engine: Any = Told(*events)
    return found.fill(engine, 0.0, None, None), found


def scores(report: Report) -> dict[str, float]:
    return {test.number: test.score for test in report.tests}


def test_a_submission_that_was_graded_is_complete_and_says_with_what() -> None:
    done, found = filled(READY, FIRST, SECOND, DONE)
    report = found.report(final=True)
    assert done and report.complete and report.seed == 7 and report.planned == () and report.versions == {"torch": "2"}
    assert scores(report) == {"4a.1": 1.0, "4a.2": 1.0} and report.isolation == STRONG.line


def test_a_later_result_of_a_test_replaces_the_earlier() -> None:
    worse = events.Tested("s", verdict("4a.1", Status.FAILED, 0.0))
    _, found = filled(READY, worse, SECOND, FIRST, DONE)
    assert scores(found.report(final=True)) == {"4a.1": 1.0, "4a.2": 1.0}


ENDS: dict[str, tuple[Event, ...]] = {
    "the engine ends before": (READY, FIRST),
    "the engine says nothing": (),
    "the fork that graded died": (READY, FIRST, Fault("it died", "s"), DONE),
    "the time is up": (READY, FIRST, Fault("the time limit of the whole grading was reached")),
}


@pytest.mark.parametrize("what", ENDS)
def test_what_was_not_finished_is_not_complete_and_what_was_stays(what: str) -> None:
    done, found = filled(*ENDS[what])
    report = found.report(final=True)
    assert not done and not report.complete and report.staff_notes
    known = READY in ENDS[what]
    assert scores(report) == ({"4a.1": 1.0} if known else {})
    assert [test.number for test in report.planned] == (["4a.2"] if known else [])


INCOMPLETE: dict[str, tuple[Event, ...]] = {
    "a test that we could not judge": (READY, FIRST, events.Tested("s", PLANNED[1]), DONE),
    "a file that could not be collected": (Ready(PLANNED, STRONG, {}, ("broken",), ("4a.1",)), FIRST, SECOND, DONE),
    "no test at all": (Ready((), STRONG, {}, ("broken",), ()), DONE),
}


@pytest.mark.parametrize("what", INCOMPLETE)
def test_a_graded_submission_with_a_fault_of_ours_is_not_complete(what: str) -> None:
    done, found = filled(*INCOMPLETE[what])
    assert done and not found.report(final=True).complete


def test_nothing_is_complete_before_the_end() -> None:
    _, found = filled(READY, FIRST, SECOND, DONE)
    assert not found.report().complete


def test_whoever_watches_is_told_after_each_event_but_the_last() -> None:
    seen: list[Report] = []
    engine: Any = Told(READY, FIRST, SECOND, DONE)
    sheet().fill(engine, 0.0, None, seen.append)
    assert [len(report.tests) for report in seen] == [0, 1, 2]


def test_what_ran_and_was_not_seen_by_reading_settles_the_submission() -> None:
    finding = Finding("ready-made", Severity.READY_MADE, "it ran", "4a", "torch.nn.MultiheadAttention")
    _, found = filled(READY, FIRST, SECOND, Graded("s", 7, (finding,)))
    assert finding in found.submission.findings


# --- a machine that is too weak, and one of which nothing could be told -----------------------------------------------


def test_a_machine_that_is_too_weak_is_refused_at_once() -> None:
    with pytest.raises(WeakIsolation):
        filled(Refused(Isolation("rlimits")))


def test_what_could_not_be_tried_is_tried_once_more_and_then_refused() -> None:
    untried = Refused(Isolation(isolation.UNTRIED))
    found, engine = sheet(), Told(untried)
    as_engine: Any = engine
    assert not found.fill(as_engine, 0.0, None, None)
    with pytest.raises(WeakIsolation):
        found.fill(as_engine, 0.0, None, None)


# --- a second engine --------------------------------------------------------------------------------------------------


def again(found: Sheet, *engines: Told) -> Row:
    row = Row(*engines)
    as_engines: Any = row
    grading._fill(found, as_engines, Options(seconds=100.0), None)
    return row


def test_a_submission_whose_engine_failed_is_graded_by_a_second_one() -> None:
    found, engines = sheet(), (Told(READY, Fault("died", "s")), Told(READY, FIRST, SECOND, DONE))
    row = again(found, *engines)
    report = found.report(final=True)
    assert report.complete and row.dropped == 1 and "died" in report.staff_notes
    assert all(len(engine.sent) == 1 for engine in engines)


def test_one_that_two_engines_failed_to_grade_is_left_unfinished() -> None:
    found = sheet()
    row = again(found, Told(READY, FIRST), Told(READY))
    assert row.dropped == 2 and not found.report(final=True).complete


def test_a_second_engine_is_not_started_when_half_of_the_time_is_gone() -> None:
    found, second = sheet(started=51.0), Told(READY, FIRST, SECOND, DONE)
    assert again(found, Told(READY), second).dropped == 1 and not second.sent


# --- what was chosen, and what is there -------------------------------------------------------------------------------

CHOSEN: dict[str, tuple[Options, Iterable[str], tuple[str, ...], str]] = {
    "nothing collected": (Options(), (), (), "hold no test"),
    "a test that is not there": (Options(only="4a.99"), (), ("4a.1",), "4a.99"),
    "one that is not there to be left out": (Options(without="4a.99"), ("4a.1",), ("4a.1",), "4a.99"),
    "all left out": (Options(only="4a.1", without="4a.1"), (), ("4a.1",), "no test is left without 4a.1"),
}


@pytest.mark.parametrize("what", CHOSEN)
def test_a_choice_that_leaves_nothing_is_refused_with_what_there_is(what: str) -> None:
    options, planned, numbers, said = CHOSEN[what]
    with pytest.raises(UsageError, match=said):
        filled(Ready(tuple(map(verdict, planned)), STRONG, {}, (), numbers), options=options)


def test_a_question_without_a_public_test_is_no_mistake() -> None:
    done, found = filled(Ready((), STRONG, {}, (), ("4a.1",)), DONE, options=Options(public=True, only="2a"))
    assert done and found.report(final=True).complete
