"""How the zygote ends its children: killed and waited for, never asked, and nobody else's process ever signalled.

And what the kernel tells of one that has not ended: how long it had to wait for a core.

Why separate: a process's number is its own only until it was waited for, and a number from /proc may be a stranger's;
every signal that the zygote sends is sent from here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path


def alive(pid: int) -> bool:
    """Whether a child of ours has not ended yet; a moment's grace, for one that has just closed its connection."""
    for _ in range(10):
        with contextlib.suppress(ChildProcessError, AttributeError):  # macOS has no waitid
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                return False
        time.sleep(0.005)
    return True


def kill(pid: int) -> None:
    """Kills a child of ours that was not reaped yet: until then its number is nobody else's."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def reaped(pid: int) -> int | None:
    """The wait status of a killed child of ours (how it had ended by itself, if it had); None: not within a moment."""
    for _ in range(50):
        try:
            found, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return 0
        if found:
            return status
        time.sleep(0.001)
    return None


def children() -> set[int]:
    """Processes whose parent we are: the children we forked and every orphan of theirs.

    Empty where /proc is that of another pid namespace: its numbers would be those of strangers.
    """
    try:
        if not _our_numbers():
            return set()
        return {int(pid) for pid in Path("/proc/thread-self/children").read_text().split()}
    except OSError:
        return set()


def waited(pid: int) -> float:
    """Seconds in which a child of ours, its first thread, was ready to run and did not: the second word of schedstat.

    Other processes had the cores then, or the container had used up its share of them. 0 where the kernel keeps no
    account of it, as on macOS.
    """
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9 if _our_numbers() else 0.0
    except (OSError, ValueError, IndexError):
        return 0.0


def _our_numbers() -> bool:
    return os.readlink("/proc/self") == str(os.getpid())
