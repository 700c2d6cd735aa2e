"""Processes in tests: who descends from whom, who is alive, and how one that is not our child is ended.

Why separate: a number read from /proc may have become somebody else's by the time a signal is sent to it. So a process
is held by a descriptor first, then its descent from a process of ours is looked at, and only then is it signalled: what
the descriptor holds is what was looked at, or is gone. Nothing in the tests signals a number but that of a child of
their own that was not waited for yet.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from tests.grader.pace import patience


def _stat(pid: int) -> list[str]:
    """State, parent and what follows them in /proc; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def parent(pid: int) -> int:
    """The parent of a process; 0 when there is no such process."""
    return int((_stat(pid) or ["", "0"])[1])


def alive(pid: int) -> bool:
    """Whether it runs: what is dead and not buried yet does not."""
    return _stat(pid)[:1] not in ([], ["Z"])


def descendants(pid: int) -> list[int]:
    """The children of a process and theirs, the eldest first."""
    try:
        threads = sorted(Path(f"/proc/{pid}/task").iterdir())
        children = [int(word) for thread in threads for word in (thread / "children").read_text().split()]
    except OSError:
        return []
    return children + [below for child in children for below in descendants(child)]


def engines(supervisor: int) -> list[int]:
    """The engines that a process has started for itself and that live."""
    below = [pid for pid in descendants(supervisor) if parent(pid) == supervisor and alive(pid)]
    return [pid for pid in below if b"autograder.engine.main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def zygote(engine: int) -> int:
    """The zygote of an engine: its eldest child, or the first process of the namespaces behind that; 0: none."""
    eldest, *_ = [*descendants(engine), 0]
    inner = [pid for pid in descendants(eldest) if parent(pid) == eldest and _numbers(pid)[-1:] == [1]]
    return inner[0] if inner and len(_numbers(inner[0])) > len(_numbers(eldest)) else eldest


def named(number: int, *, below: int) -> int:
    """Our number for the process that is called `number` in its own namespace and descends from `below`; 0: none."""
    return next((pid for pid in descendants(below) if _numbers(pid)[-1:] == [number]), 0)


def _numbers(pid: int) -> list[int]:
    """The numbers that a process has, from this pid namespace down to its own."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return []
    return next(([int(word) for word in line.split()[1:]] for line in lines if line.startswith("NSpid:")), [])


def still_there(pids: Iterable[int], seconds: float = patience(5)) -> list[int]:
    """Those of the processes that are alive after some time to end in."""
    left, deadline = list(pids), time.monotonic() + seconds
    while (left := [pid for pid in left if alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def end(pid: int, *, below: int, by: signal.Signals = signal.SIGKILL) -> None:
    """Signals a process that descends from `below`, a child of ours that was not waited for. Raises for any other."""
    held = os.pidfd_open(pid)
    try:
        above = pid
        while above not in (below, 0):
            above = parent(above)
        assert above == below, f"process {pid} does not descend from {below}: it is not ours to end"
        assert parent(below) == os.getpid(), f"process {below} is no child of ours"
        signal.pidfd_send_signal(held, by)
    finally:
        os.close(held)
