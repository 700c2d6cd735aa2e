"""A machine that is busy costs nobody a test: a child is given back what it waited for a core, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from autograder.core.records import ExitKind, Limits
from autograder.sandbox import zygote
from autograder.sandbox.room import BUSY, Ended, Room
from tests.grader.pace import patience

pytestmark = [
    pytest.mark.slow,
    pytest.mark.boxed,
    pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this kernel does not tell who waits"),
]
SECONDS = 0.25 * patience(1.0)
LIMITS = Limits(seconds=SECONDS, memory_mb=512, training_seconds=10 * SECONDS)
BUSY_LIMITS = msgspec.structs.replace(LIMITS, most_seconds=BUSY * SECONDS)
NEIGHBOURS = 2

# Three quarters of the time that it has, in the processor's own count.
WORKS = f"import time\nwhile time.process_time() < {0.75 * SECONDS}:\n    pass\nclass C: pass"
SLEEPS = f"import time\ntime.sleep({1.5 * SECONDS})\nclass C: pass"
NEVER_ENDS = "while True: pass"


@pytest.fixture(scope="module")
def busy_core() -> Iterator[None]:
    """All that this process starts has one core, and shares it with two that never rest."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    neighbours = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(NEIGHBOURS)]
    yield
    for each in neighbours:
        each.kill()
        each.wait()
    os.sched_setaffinity(0, before)


@pytest.fixture
def nursery(busy_core: None) -> Iterator[zygote.Zygote]:
    handle = zygote.start(LIMITS)
    yield handle
    handle.close()


def told(nursery: zygote.Zygote, text: str, limits: Limits) -> str:
    """ "" when the program ran to its end, else how its conversation ended."""
    try:
        with Room(nursery, limits) as room:
            room.ask("start", {"text": text, "class_name": "C", "given": [], "probe_seed": 0})
    except Ended as ended:
        return ended.exit.kind.value
    return ""


def test_who_waits_for_a_core_has_its_whole_time_all_the_same(nursery: zygote.Zygote) -> None:
    assert told(nursery, WORKS, LIMITS) == ExitKind.TIMEOUT.value, "the machine is not busy enough to tell"
    assert told(nursery, WORKS, BUSY_LIMITS) == ""


def test_who_sleeps_waits_for_no_core(nursery: zygote.Zygote) -> None:
    assert told(nursery, SLEEPS, BUSY_LIMITS) == ExitKind.TIMEOUT.value


def test_what_never_ends_is_ended(nursery: zygote.Zygote) -> None:
    start = time.monotonic()
    assert told(nursery, NEVER_ENDS, BUSY_LIMITS) == ExitKind.TIMEOUT.value
    assert time.monotonic() - start > 1.3 * SECONDS, "it was not given back what it waited"
    assert told(nursery, "class C: pass", LIMITS) == "", "the next one is served as ever"
