"""Two gradings on one machine at the same time: what one submission does to the other's processes changes nothing there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from autograder.core.records import Status
from tests.grader.hostile import oracles
from tests.grader.hostile.grading import Graded
from tests.grader.hostile.submissions import GOT, Attack
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.boxed]

# In each of its tests, for as long as the neighbour takes: every process that could be one of its children is choked, stopped and slowed.
CHOKE = """
import ctypes, resource, signal
libc = ctypes.CDLL(None, use_errno=True)
print("begun", flush=True)
end = time.time() + 1.5
while time.time() < end:
    for pid in range(2, 600):
        if pid == os.getpid(): continue
        for work in (
            lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (0, 0)),
            lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, 0)),
            lambda: os.kill(pid, signal.SIGSTOP),
            lambda: os.sched_setaffinity(pid, {0}),
            lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
        ):
            def once():
                work()
                got("reached %d" % pid)
            quietly(once)
    time.sleep(0.01)
"""


def grading(base: Path, name: str, attack: Attack, user: int | None, count: int = 1) -> subprocess.Popen[bytes]:
    """A grading of its own in a process of its own; what it found lies in base/name/out."""
    place = base / name
    for folder in (place / "work", place / "out", place / "tests"):
        folder.mkdir(parents=True)
    (place / "tests" / "test_4a.py").write_text((ROOT / "tests" / "hidden" / "test_4a_attention.py").read_text())
    for number in range(count):
        oracles.hand_in(place / "work" / f"{number} {name}", attack)
    oracles.give(place, user)
    words = [str(place / part) for part in ("work", "out", "tests")]
    who = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    command = [sys.executable, "-m", "tests.grader.hostile.grading", *words, str(oracles.SECONDS)]
    return subprocess.Popen(command, cwd=ROOT, **who)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("user", oracles.USERS)
def test_an_honest_submission_beside_a_hostile_one_keeps_its_points(
    tmp_path_factory: pytest.TempPathFactory, user: int | None
) -> None:
    base = tmp_path_factory.mktemp("neighbours")
    oracles.give(base, user)
    chokes = grading(base, "hostile", Attack(CHOKE), user)
    honest = grading(base, "honest", Attack(), user, count=4)
    assert (honest.wait(patience(120)), chokes.wait(patience(120))) == (0, 0)
    found = [msgspec.json.decode(path.read_bytes(), type=Graded) for path in base.glob("honest/out/*.json")]
    assert len(found) == 4
    for graded in found:
        assert [test.status for test in graded.report.tests] == [Status.PASSED] * len(graded.report.tests)
    [hostile] = [msgspec.json.decode(path.read_bytes(), type=Graded) for path in base.glob("hostile/out/*.json")]
    assert "begun" in hostile.for_staff and GOT not in hostile.for_staff
