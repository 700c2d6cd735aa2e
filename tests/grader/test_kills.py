"""Whom we kill: our own unreaped children, and never a number that may be somebody else's by now."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.core.records import Limits
from autograder.grading.supervisor import Engine
from autograder.sandbox import reaping, zygote
from tests.grader.pace import patience

pytestmark = [pytest.mark.slow, pytest.mark.boxed]  # kills, and tries to kill what it may not
LIMITS = Limits(seconds=patience(2), memory_mb=512)


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process of the same user that is nobody's business."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def test_an_order_to_end_a_process_that_is_no_child_is_not_followed(bystander: subprocess.Popen[bytes]) -> None:
    zygote.warm_up()
    own = zygote.start(LIMITS)
    try:
        own.end(bystander.pid)
        assert own.reap(bystander.pid) == (0, True, "")
        assert bystander.poll() is None
    finally:
        own.close()


def test_a_child_is_ended_once_and_its_number_is_forgotten() -> None:
    zygote.warm_up()
    own = zygote.start(LIMITS)
    try:
        pid, connection, output = own.fork()
        status, alive, _ = own.reap(pid)
        assert alive and os.WIFSIGNALED(status)
        assert own.reap(pid)[0] == 0
        connection.close()
        os.close(output)
    finally:
        own.close()
        own.close()  # twice is once


def test_numbers_from_the_proc_of_another_namespace_are_nobodys(
    bystander: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/proc/thread-self/children").exists():
        pytest.skip("this system does not list a process's children")
    assert bystander.pid in reaping.children()
    monkeypatch.setattr(os, "readlink", lambda path: str(os.getpid() + 1))
    assert reaping.children() == set()


@pytest.mark.parametrize("end", ["in order", "by force", "after it died"])
def test_the_engines_group_is_killed_while_its_number_is_still_its_own(
    end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = []

    def killpg(group: int, signal: int) -> None:
        groups.append(group)
        assert Path(f"/proc/{group}").exists() or not Path("/proc/self").exists(), "reaped: it may be a stranger's"
        real(group, signal)

    real = os.killpg
    monkeypatch.setattr(os, "killpg", killpg)
    engine = Engine.start(alone=True)
    process = engine._process.popen  # type: ignore[attr-defined]
    if end == "after it died":
        process.send_signal(9)
        [fault] = engine.events(time.monotonic() + patience(20))
        assert "SIGKILL" in str(fault)
    engine.finish() if end == "in order" else engine.kill()
    engine.kill()
    assert groups == [process.pid] and process.returncode is not None
