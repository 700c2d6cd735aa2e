"""A child that somebody else kills (the kernel, when the machine's memory runs out) costs an honest student nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from autograder.core.errors import WeakIsolation
from autograder.core.events import Event, Refused
from autograder.core.isolation import Isolation
from autograder.core.policy import CHILD_LIMITS
from autograder.core.records import Report, Status, Submission
from autograder.grading import Options, Sheet, grade
from tests.grader.honest_styles import ATTENTION, IMPORTS
from tests.grader.pace import patience
from tests.grader.processes import alive, descendants, end, parent, zygote

pytestmark = [pytest.mark.slow, pytest.mark.boxed]


def test_a_child_killed_from_outside_is_replaced_and_its_test_run_again(tmp_path: Path) -> None:
    (tmp_path / "hw6.py").write_text(IMPORTS + ATTENTION["plain"], encoding="utf-8")
    struck: list[int] = []

    def watch(report: Report) -> None:
        if not report.tests or len(report.tests) % 2:
            return
        for engine in [pid for pid in descendants(os.getpid()) if parent(pid) == os.getpid() and alive(pid)]:
            for child in descendants(zygote(engine)):
                end(child, below=engine)
                struck.append(child)

    report = grade(tmp_path, Options(only="4a"), watch)
    assert len(struck) > 3  # the one at work and the one in waiting, more than once
    assert [test.status for test in report.tests] == [Status.PASSED] * len(report.tests), report.tests
    assert report.complete and not report.planned


class Refusing:
    """An engine that could start no child."""

    def __init__(self, line: str) -> None:
        self.line = line

    def events(self, deadline: float) -> Iterator[Event]:
        yield Refused(Isolation(self.line, problem="the zygote was lost"))


def test_a_machine_of_which_nothing_could_be_tried_is_tried_once_more() -> None:
    sheet = Sheet(Submission("s", "hw6.py", "0"), 0.0)
    assert not sheet.fill(Refusing("none"), 0.0, None, None)  # type: ignore[arg-type]
    with pytest.raises(WeakIsolation):
        sheet.fill(Refusing("none"), 0.0, None, None)  # type: ignore[arg-type]
    with pytest.raises(WeakIsolation):  # what was tried and is weak is no accident
        Sheet(Submission("s", "hw6.py", "0"), 0.0).fill(Refusing("same-uid"), 0.0, None, None)  # type: ignore[arg-type]


SPOILED = """
def attack():
    import sys, time
    class Sticky:
        def __del__(self):
            time.sleep(600)
    sys.kept = [Sticky()]
    sys.kept[0].me = sys.kept[0]
"""


def test_what_an_earlier_visit_left_in_a_child_costs_a_right_solution_nothing(tmp_path: Path) -> None:
    head = "class SingleHeadAttention(nn.Module):\n"
    text = SPOILED + ATTENTION["plain"].replace(head, f"{head}    fired = attack()\n")
    (tmp_path / "hw6.py").write_text(IMPORTS + text, encoding="utf-8")
    limits = msgspec.structs.replace(CHILD_LIMITS, seconds=0.5 * patience(1.0))
    report = grade(tmp_path, Options(only="4a", limits=limits))
    assert [test.status for test in report.tests] == [Status.PASSED] * len(report.tests), report.tests


def test_one_that_kills_itself_each_time_fails_and_is_told_so(tmp_path: Path) -> None:
    suicide = "import signal; print('again', flush=True); signal.raise_signal(signal.SIGKILL)"
    text = ATTENTION["plain"].replace("        q, k, v =", f"        {suicide}\n        q, k, v =")
    (tmp_path / "hw6.py").write_text(IMPORTS + text, encoding="utf-8")
    report = grade(tmp_path, Options(only="4a"))
    failed = [test for test in report.tests if test.status is Status.FAILED]
    assert failed and not [test for test in report.tests if test.status is Status.ERROR]
    assert "asked for more memory" in failed[0].feedback.found
    assert failed[0].staff.count("again") == 1  # the last time's own words
