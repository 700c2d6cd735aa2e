"""Whatever ends a grading in its middle, results.json says what is true: earned points stay, nothing open is a zero."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.core.errors import NotWritten
from tests.grader import example_reports, outputs
from tests.grader.pace import patience
from tests.grader.processes import descendants, end, parent, still_there
from tests.grader.source_tree import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.boxed, pytest.mark.usefixtures("own_engine")]

# Every forward takes a while, so that there is a middle to be ended in; nothing else is wrong with it.
SLEEPY = """
import time
import torch
from torch import nn

class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.q = nn.Linear(input_dim, inner_dim, bias=False)
        self.k = nn.Linear(input_dim, inner_dim, bias=False)
        self.v = nn.Linear(input_dim, inner_dim, bias=False)

    def forward(self, x):
        time.sleep(0.4)
        return torch.softmax(self.q(x) @ self.k(x).transpose(1, 2) * self.q.out_features ** -0.5, -1) @ self.v(x)
"""
ANSWERS = '[q2a]\nparameters = "never mind"\n'
SECONDS = patience(30)


class Run:
    """`autograder gradescope` in a process of its own, and what it has written so far."""

    def __init__(self, root: Path, **popen: Any) -> None:
        (root / "submission").mkdir()
        (root / "submission" / "hw6.py").write_text(SLEEPY)
        (root / "submission" / "answers.toml").write_text(ANSWERS)
        self.file = root / "results" / "results.json"
        command = [sys.executable, "-m", "autograder", "gradescope", "--root", str(root)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **popen
        )

    def results(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        return loaded

    def wait_for_the_middle(self) -> list[int]:
        """Until some tests are done and others are not; the processes that take part by then."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.file.exists() and any(test.get("max_score") for test in self.results()["tests"]):
                return descendants(self.process.pid)
            time.sleep(0.05)
        raise AssertionError("the grading never came to its middle")

    def end(self) -> str:
        output: str = self.process.communicate(timeout=SECONDS)[0]
        return output


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path)
    yield run
    if run.process.poll() is None:
        run.process.kill()
        run.process.communicate()


def assert_truthful(found: dict[str, Any]) -> None:
    """Earned points stay; a test that did not run has no score, and says that this is no fault of the student's."""
    assert found["extra_data"]["complete"] is False
    assert "does not count against you" in found["output"] and "staff" in found["output"]
    graded = [test for test in found["tests"] if test.get("max_score")]
    open_tests = [test for test in found["tests"] if "status" not in test]
    assert graded and open_tests
    assert not any("score" in test for test in open_tests)
    assert all("not yours" in test["output"] for test in open_tests)
    assert {"4a.4", "4b.2"} <= {test["number"] for test in open_tests}
    assert found["score"] == sum(test["score"] for test in graded)


def finished(found: dict[str, Any]) -> int:
    return sum("status" in test for test in found["tests"])


def test_being_told_to_stop_in_the_middle_leaves_what_is_done_and_ends_at_once(running: Run) -> None:
    processes = running.wait_for_the_middle()
    done = finished(running.results())
    running.process.send_signal(signal.SIGTERM)
    output = running.end()
    assert running.process.returncode == 3
    # a container is given ten seconds to end; a test of this submission takes two or more
    assert finished(running.results()) <= done + 1, "nothing more is started"
    assert_truthful(running.results())
    assert any("SIGTERM" in note for note in running.results()["extra_data"]["staff_notes"])
    assert "Traceback" not in output
    assert still_there(processes) == []


def test_a_second_word_to_stop_does_not_spoil_the_last_result(running: Run) -> None:
    running.wait_for_the_middle()
    for _ in range(20):
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.01)
    running.end()
    assert running.process.returncode == 3
    assert_truthful(running.results())


def assert_graded_again(running: Run, why: str) -> None:
    """Everything has its score, and staff are told what happened."""
    found = running.results()
    assert running.process.returncode == 0 and found["extra_data"]["complete"] is True
    assert all("status" in test for test in found["tests"] if test.get("max_score"))
    assert any(why in note for note in found["extra_data"]["staff_notes"])


def test_an_engine_killed_in_the_middle_costs_nothing_and_its_students_code_ends_with_it(running: Run) -> None:
    engine, *others = running.wait_for_the_middle()
    assert others, "the student's room is below the engine"
    end(engine, below=running.process.pid)
    output = running.end()
    assert_graded_again(running, "SIGKILL")
    assert "Traceback" not in output
    assert still_there([engine, *others]) == []


def test_the_process_that_grades_killed_in_the_middle_costs_nothing(running: Run) -> None:
    engine, *_ = running.wait_for_the_middle()
    newest = max(child for child in descendants(engine) if parent(child) == engine)  # forked for this submission
    end(newest, below=running.process.pid)
    running.end()
    assert_graded_again(running, "signal 9")


def test_being_killed_itself_in_the_middle_leaves_the_last_whole_file(running: Run) -> None:
    processes = running.wait_for_the_middle()
    running.process.kill()
    running.end()
    assert_truthful(running.results())
    others = [path.name for path in running.file.parent.iterdir() if path != running.file]
    assert all(name.startswith(".results.json.") for name in others), (
        "at most a part of the next file, under another name"
    )
    assert still_there(processes) == [], "nothing of the grading outlives it"


def test_a_disk_without_room_for_the_result_leaves_the_first_file_which_takes_no_points(tmp_path: Path) -> None:
    room = 3500  # bytes: enough for the apology that is written first, too few for a list of tests

    def small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    quick = SLEEPY.replace("time.sleep(0.4)", "pass")
    # a module compiled under that limit would be cut off, too, and stay so for everybody after
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    run = Run(tmp_path, preexec_fn=small_files_only, env=environment)
    (tmp_path / "submission" / "hw6.py").write_text(quick)
    output = run.end()
    assert run.process.returncode == 3
    found = run.results()
    assert "score" not in found and not any("score" in test for test in found["tests"])
    assert "costs you no points" in found["tests"][0]["output"]
    assert "could not be written" in output and "Traceback" not in output
    assert [path.name for path in run.file.parent.iterdir()] == ["results.json"]


def test_a_full_disk_is_told_in_words_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        with pytest.raises(NotWritten, match="the disk is full"):
            outputs.write(path, example_reports.full_marks())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["results.json"]
