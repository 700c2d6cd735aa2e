"""Time is shared out: a test that hangs costs itself, not the tests after it, and the whole keeps its budget.

And nobody grades on alone: what a dead supervisor or engine leaves behind ends by itself.
"""

import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import autograder
from autograder import grading
from autograder.core.records import Limits, Report, Status, TestResult
from autograder.engine.fixtures import LEAST_SHARE
from autograder.grading import Options, grade
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS
from tests.grader.pace import patience
from tests.grader.processes import descendants, end, parent, still_there

pytestmark = [pytest.mark.slow, pytest.mark.boxed]
ROOT = Path(autograder.__file__).parent.parent
PLAIN, LAYER = ATTENTION["plain"], LAYERS["plain GELU"]
READS = "q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)\n"
STUCK = PLAIN.replace(READS, "while True: pass\n")
STUCK_IN_TRAINING = PLAIN.replace(READS, f"{READS}        while self.training: pass\n")
BUDGET = patience(3)  # an honest submission needs a tenth of it, on a machine that is busy with something else, too


def graded(folder: Path, text: str, options: Options) -> tuple[dict[str, TestResult], float]:
    """(results by number, seconds) of one submission."""
    (folder / "hw6.py").write_text(IMPORTS + text + LAYER, encoding="utf-8")
    start = time.monotonic()
    report: Report = grade(folder, options)
    seconds = time.monotonic() - start
    assert report.complete and not report.planned, report.staff_notes
    assert not [test for test in report.tests if test.status is Status.ERROR]
    return {test.number: test for test in report.tests}, seconds


def test_an_honest_hand_in_needs_little_of_its_budget(tmp_path: Path) -> None:
    tests, _ = graded(tmp_path, PLAIN, Options(only="4", seconds=BUDGET))
    assert sum(test.score for number, test in tests.items() if number < "4c") == 15


def test_a_hand_in_that_hangs_keeps_its_budget_and_every_test_says_how_it_ended(tmp_path: Path) -> None:
    tests, seconds = graded(tmp_path, STUCK, Options(seconds=BUDGET))
    assert seconds <= BUDGET + patience(3)
    first = tests["4a.1"]
    said = re.search(r"not finished in time \((\d+(\.\d)?) s, all that was left for this test\)", first.feedback.found)
    assert said and 0.5 <= float(said[1]) <= BUDGET / 3 and float(said[1]) <= first.seconds + 0.1, first.feedback
    for number, test in tests.items():
        assert test.status is Status.PASSED or test.feedback.found, number
    # the other question's tests, and those that need no process of the student's, do not suffer
    assert [n for n, t in tests.items() if n.startswith("4b") and t.status is not Status.PASSED] == []
    assert "not run" not in " ".join(test.feedback.found for n, test in tests.items() if n[0] in "23")


def test_what_was_finished_stands_and_one_that_hangs_leaves_time_to_the_others(tmp_path: Path) -> None:
    tests, seconds = graded(tmp_path, STUCK_IN_TRAINING, Options(only="4", seconds=BUDGET))
    lost = {number for number, test in tests.items() if number < "4c" and test.score < test.max_score}
    assert lost and lost < {"4a.5", "4a.6", "4a.7"} and seconds <= BUDGET + patience(3)
    assert all("not finished in time" in tests[number].feedback.found for number in lost)


def test_a_deadline_that_was_not_shortened_says_the_plain_limit(tmp_path: Path) -> None:
    tests, _ = graded(tmp_path, STUCK, Options(only="4a.1", limits=Limits(seconds=1.0, memory_mb=512)))
    assert "not finished in time (1 s)" in tests["4a.1"].feedback.found


def test_without_any_time_every_test_of_code_says_that_it_was_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the engine has to import torch before it can say so, which a busy machine does not do in the usual grace
    monkeypatch.setattr(grading, "GRACE_SECONDS", patience(3))
    tests, seconds = graded(tmp_path, PLAIN, Options(only="4a", seconds=0.1))
    assert seconds < 0.1 + patience(5) and tests
    assert all(test.status is Status.SKIPPED and "not run" in test.feedback.found for test in tests.values())


MANY = """
import pytest
from gradescope_utils.autograder_utils.decorators import number, weight
from autograder.judging import observe

def one(index):
    @number(f"4a.{{index}}")
    @weight(1)
    def test(student, cases):
        observe.attention(student, cases.attention(1))
    return test

for index in range(1, {count} + 1):
    globals()[f"test_{{index:03}}"] = one(index)
"""


def test_many_tests_that_hang_share_a_small_budget_and_the_last_of_them_are_not_run(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    count = 2 * math.ceil(BUDGET / LEAST_SHARE)  # twice as many as there is time for
    (folder / "test_many.py").write_text(MANY.format(count=count), encoding="utf-8")
    tests, seconds = graded(tmp_path, STUCK, Options(tests=folder, seconds=BUDGET))
    assert len(tests) == count and seconds <= BUDGET + patience(3)
    ran = [
        t for t in tests.values() if t.status is Status.FAILED and "all that was left for this test" in t.feedback.found
    ]
    left_out = [t for t in tests.values() if t.status is Status.SKIPPED and t.feedback.found.startswith("not run")]
    assert ran and len(left_out) >= count / 2 and len(ran) + len(left_out) == count


# --- nobody grades on alone -------------------------------------------------------------------------------------------

GRADE = """
import sys
from pathlib import Path
from autograder.grading import Options, grade
from autograder.engine.fixtures import LEAST_SHARE
from autograder.core.records import Limits
grade(Path(sys.argv[1]), Options(only="4a.1", limits=Limits(seconds={seconds}, memory_mb=512)))
"""


def until(holds: Callable[[], object], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.usefixtures("own_engine")
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("victim", ["supervisor", "engine"])
def test_whoever_of_us_is_killed_leaves_no_process_behind(tmp_path: Path, victim: str) -> None:
    (tmp_path / "hw6.py").write_text(IMPORTS + STUCK, encoding="utf-8")
    text = GRADE.format(seconds=600)  # nothing ends by itself
    scratch = tempfile.mkdtemp()  # a supervisor that was killed removes nothing
    os.chmod(scratch, 0o711)  # its children pass through
    command, surroundings = [sys.executable, "-c", text, str(tmp_path)], {**os.environ, "TMPDIR": scratch}
    supervisor = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, env=surroundings)
    try:
        # supervisor, engine, its grading fork, the zygote, the child that hangs, the spare child
        assert until(lambda: len(descendants(supervisor.pid)) >= 5, patience(20)), descendants(supervisor.pid)
        everyone = [supervisor.pid, *descendants(supervisor.pid)]
        [engine] = [pid for pid in everyone if parent(pid) == supervisor.pid]
        if victim == "supervisor":
            supervisor.kill()
        else:
            end(engine, below=supervisor.pid)
            assert still_there(everyone[1:]) == []  # the supervisor goes on, with another engine
            everyone = [supervisor.pid, *descendants(supervisor.pid)]
            supervisor.kill()
        supervisor.wait(patience(10))
        assert still_there(everyone) == []
    finally:
        supervisor.kill()
        supervisor.wait()
        shutil.rmtree(scratch)


@pytest.mark.usefixtures("own_engine")
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_command_that_is_ended_by_a_signal_puts_everything_away(tmp_path: Path, ending: signal.Signals) -> None:
    (tmp_path / "hw6.py").write_text(IMPORTS + STUCK, encoding="utf-8")
    scratch = tempfile.mkdtemp()
    os.chmod(scratch, 0o711)
    command = [sys.executable, "-m", "autograder", "grade", str(tmp_path), "--only", "4a.1", "--out"]
    command.append(str(tmp_path / "out"))
    surroundings = {**os.environ, "TMPDIR": scratch}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=ROOT, stdout=quiet, stderr=quiet, env=surroundings)
    try:
        assert until(lambda: len(descendants(process.pid)) >= 5, patience(20)), descendants(process.pid)
        everyone = [process.pid, *descendants(process.pid)]
        process.send_signal(ending)
        assert process.wait(patience(10)) != 0
        assert process.returncode == 128 + ending or ending == signal.SIGINT
        assert still_there(everyone) == []
        assert [name for name in os.listdir(scratch) if name.startswith("autograder-")] == []
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(scratch)
