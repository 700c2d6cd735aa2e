"""A child that somebody else kills (the kernel, when the machine's memory runs out) costs an honest student nothing."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from autograder.core.errors import GraderFault, WeakIsolation
from autograder.core.events import Event, Refused
from autograder.core.isolation import Isolation
from autograder.core.policy import CHILD_LIMITS
from autograder.core.records import ExitKind, Program, Report, Status, Submission
from autograder.grading import Options, Sheet, grade
from autograder.judging.code.cases import Cases
from autograder.judging.expect import Unmet
from autograder.judging.visit import Student
from autograder.sandbox import rooms, taken
from autograder.sandbox.room import BY_THE_SYSTEM, OUT_OF_MEMORY, Ended, Room
from autograder.sandbox.zygote import Zygote, start, warm_up
from tests.grader.honest_styles import ATTENTION, IMPORTS
from tests.grader.pace import patience
from tests.grader.processes import descendants, end, engines, zygote

pytestmark = [pytest.mark.slow, pytest.mark.boxed, pytest.mark.usefixtures("own_engine")]


def test_a_child_killed_from_outside_is_replaced_and_its_test_run_again(tmp_path: Path) -> None:
    (tmp_path / "hw6.py").write_text(IMPORTS + ATTENTION["plain"], encoding="utf-8")
    struck: list[int] = []

    def watch(report: Report) -> None:
        if not report.tests or len(report.tests) % 2:
            return
        for engine in engines(os.getpid()):
            for child in descendants(zygote(engine)):
                end(child, below=engine)
                struck.append(child)

    report = grade(tmp_path, Options(only="4a"), watch)
    assert len(struck) > 3  # the one at work and the one in waiting, more than once
    assert [test.status for test in report.tests] == [Status.PASSED] * len(report.tests), report.tests
    assert report.complete and not report.planned


@pytest.fixture(scope="module")
def nursery() -> Iterator[Zygote]:
    warm_up()
    handle = start(CHILD_LIMITS)
    yield handle
    handle.close()


KILLED = """
import signal
class SingleHeadAttention:
    def __init__(self, *args, **kwargs):
        signal.raise_signal(signal.SIGKILL)
"""


@pytest.mark.parametrize(("more", "ours"), [(0, False), (1, True)])
def test_a_process_taken_while_the_machine_has_no_memory_is_our_fault_and_one_that_kills_itself_is_not(
    nursery: Zygote, monkeypatch: pytest.MonkeyPatch, more: int, ours: bool
) -> None:
    counted = itertools.count(7, more)
    monkeypatch.setattr(taken, "count", lambda: next(counted))
    program = Program("4a", "SingleHeadAttention", KILLED, (), "0")
    spoiled: list[str] = []
    submission = Submission("s", "hw6.py", "0", programs={"4a": program})
    student = Student(rooms.Rooms(nursery), submission, CHILD_LIMITS, show_text=True, spoiled=spoiled)
    [case] = Cases(1).attention(1)
    with pytest.raises(GraderFault if ours else Unmet) as caught, student.visit("4a") as visit:
        visit.build(case)
    assert spoiled, "it is tried again with a fresh process"
    assert ("ran out of memory" in str(caught.value)) == ours


COUNTERS = {
    "version 2": ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.events": "oom 4\noom_kill 3\n"}, 3),
    "version 2, in a container": ({"proc/self/cgroup": "0::/../x\n", "sys/fs/cgroup/memory.events": "oom_kill 2\n"}, 2),
    "version 1": (
        {"proc/self/cgroup": "4:cpu:/\n3:memory:/a\n0::/\n", "sys/fs/cgroup/memory/a/memory.oom_control": "oom_kill 5\n"}, 5),
    "the machine's": ({"proc/vmstat": "pgfault 9\noom_kill 8\n"}, 8),
    "none tells": ({"proc/self/cgroup": "0::/\n", "proc/vmstat": "pgfault 9\n"}, 0),
}  # fmt: skip


@pytest.mark.parametrize("what", COUNTERS)
def test_the_kernels_count_is_that_of_the_own_group_where_there_is_one(tmp_path: Path, what: str) -> None:
    files, expected = COUNTERS[what]
    for name, text in {"proc/vmstat": "oom_kill 99\n" if "version" in what else "", **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert taken.count(tmp_path) == expected


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


@pytest.mark.parametrize("words", [OUT_OF_MEMORY, BY_THE_SYSTEM])
def test_words_of_ours_in_an_exception_of_the_students_are_no_fault_of_ours(nursery: Zygote, words: str) -> None:
    with pytest.raises(Ended) as ended, Room(nursery, CHILD_LIMITS) as room:
        text = f"raise MemoryError({words!r})"
        room.ask("start", {"text": text, "class_name": "x", "given": [], "probe_seed": 0})
    assert ended.value.exit.kind is ExitKind.MEMORY and ended.value.exit.detail == words and not ended.value.exit.by
