"""A zygote that dies or stalls is a fault of ours: the submission is graded again, and the next ones do not notice."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.core.records import Report, Status
from autograder.grading import Options, grade_many
from autograder.sandbox import zygote
from tests.grader.honest_styles import ATTENTION, IMPORTS
from tests.grader.processes import end, engines
from tests.grader.processes import zygote as zygote_of

pytestmark = [pytest.mark.slow, pytest.mark.boxed, pytest.mark.usefixtures("own_engine")]
OPTIONS = Options(only="4a")


def graded(folder: Path, strike: Callable[[int, int], None], strikes: int) -> list[Report]:
    """Three honest submissions; `strike(zygote, engine)` comes after the first test of the second one's grading."""
    paths = []
    for name in ("one", "two", "three"):
        paths.append(folder / name)
        paths[-1].mkdir()
        (paths[-1] / "hw6.py").write_text(IMPORTS + ATTENTION["plain"], encoding="utf-8")
    struck: list[int] = []

    def watch(report: Report) -> None:
        if report.submission.name != "two" or not report.tests or len(struck) == strikes:
            return
        [engine] = engines(os.getpid())
        if engine not in struck:
            struck.append(engine)
            strike(zygote_of(engine), engine)

    reports = list(grade_many(paths, OPTIONS, watch))
    assert len(struck) == strikes
    return reports


def points(report: Report) -> float:
    return sum(test.score for test in report.tests)


def whole(report: Report) -> bool:
    return report.complete and all(test.status is Status.PASSED for test in report.tests) and not report.planned


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGSTOP], ids=["that dies", "that stalls"])
def test_a_zygote_costs_nobody_a_point(tmp_path: Path, by: signal.Signals) -> None:
    one, two, three = graded(tmp_path, lambda pid, engine: end(pid, below=engine, by=by), strikes=1)
    assert whole(one) and whole(two) and whole(three)
    assert points(one) == points(two) == points(three) > 0
    # who asks next hears of it: the one at work, or the one after it where that had all the processes it needs
    assert "the zygote was lost" in " ".join(two.staff_notes + three.staff_notes)
    assert "the zygote was lost" not in " ".join(one.staff_notes)


def test_one_that_dies_twice_is_told_as_a_fault_and_the_next_submission_is_graded(tmp_path: Path) -> None:
    one, two, three = graded(tmp_path, lambda pid, engine: end(pid, below=engine), strikes=2)
    assert whole(one) and whole(three)
    assert not two.complete and two.planned  # what was not finished is an error of ours, without a score
    assert all(test.status is Status.PASSED for test in two.tests)
    assert len([note for note in two.staff_notes if "the zygote was lost" in note]) == 2


def test_the_engine_itself_may_die_once_too(tmp_path: Path) -> None:
    one, two, three = graded(tmp_path, lambda pid, engine: end(engine, below=engine), strikes=1)
    assert whole(one) and whole(two) and whole(three)
    assert "SIGKILL" in " ".join(two.staff_notes)


def test_nothing_more_is_asked_of_a_zygote_that_was_lost() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        handle = zygote.Zygote(0, ours)
        ours.settimeout(0.01)  # nobody answers
        for expected in ("has not answered", "was lost"):
            with pytest.raises(ConnectionError, match=expected):
                handle.fork()
        assert theirs.recv(100).count(b"\n") == 1
