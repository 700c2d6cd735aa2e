"""A child that somebody else kills (the kernel, when the machine's memory runs out) costs an honest student nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autograder.core.records import Report, Status
from autograder.grading import Options, grade
from tests.grader.honest_styles import ATTENTION, IMPORTS
from tests.grader.processes import alive, descendants, end, parent

pytestmark = [pytest.mark.slow, pytest.mark.boxed]


def test_a_child_killed_from_outside_is_replaced_and_its_test_run_again(tmp_path: Path) -> None:
    (tmp_path / "hw6.py").write_text(IMPORTS + ATTENTION["plain"], encoding="utf-8")
    struck: list[int] = []

    def watch(report: Report) -> None:
        if not report.tests or len(report.tests) % 2:
            return
        for engine in [pid for pid in descendants(os.getpid()) if parent(pid) == os.getpid() and alive(pid)]:
            for child in descendants((descendants(engine) or [0])[0]):  # of its eldest: the zygote
                end(child, below=engine)
                struck.append(child)

    report = grade(tmp_path, Options(only="4a"), watch)
    assert len(struck) > 3  # the one at work and the one in waiting, more than once
    assert [test.status for test in report.tests] == [Status.PASSED] * len(report.tests), report.tests
    assert report.complete and not report.planned


def test_one_that_kills_itself_each_time_fails_and_is_told_so(tmp_path: Path) -> None:
    suicide = "import signal; print('again', flush=True); signal.raise_signal(signal.SIGKILL)"
    text = ATTENTION["plain"].replace("        q, k, v =", f"        {suicide}\n        q, k, v =")
    (tmp_path / "hw6.py").write_text(IMPORTS + text, encoding="utf-8")
    report = grade(tmp_path, Options(only="4a"))
    failed = [test for test in report.tests if test.status is Status.FAILED]
    assert failed and not [test for test in report.tests if test.status is Status.ERROR]
    assert "asked for more memory" in failed[0].feedback.found
    assert failed[0].staff.count("again") == 1  # the last time's own words
