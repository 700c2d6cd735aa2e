"""What must hold for every hostile submission, and how a table of them is graded: once, by one engine, in a box.

    graded = oracles.grade(tmp_path_factory, ATTACKS, user)
    oracles.check(graded, ATTACKS, name)

Why separate: each file of attacks says what is tried; that no points are won, nothing leaks, nothing is left and the
neighbours are unharmed is asserted here, the same for all.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from autograder.core.records import Report, Severity, Status
from autograder.report.results import comparable
from tests.grader.hostile.grading import Graded
from tests.grader.hostile.submissions import GOT, LEAK, Attack, files
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

SECRET = "COURSE-SECRET-THAT-NOBODY-READS"
# The questions whose code is run. 4(c) runs the same code in the same room and would only cost time.
TESTS = {"4a": "test_4a_attention.py", "4b": "test_4b_layer.py"}
ORDINARY = 65534
USERS = [
    pytest.param(None, id="as this user"),
    pytest.param(
        ORDINARY,
        id="as an ordinary user",
        marks=pytest.mark.skipif(os.getuid() != 0, reason="this is an ordinary user"),
    ),
]
# A right submission's visit takes 0.05 s on the machine of the figures.
SECONDS = 10.0
HONEST = "honest"
NOT_CLEAN = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f\\x80-\\x9f\\u202a-\\u202e\\u2066-\\u2069]")


class Folders(Protocol):
    """Makes folders: pytest's factory does."""

    def mktemp(self, name: str, /) -> Path:
        """A new, empty folder."""


class Run(msgspec.Struct, frozen=True):
    """All that one engine graded, by name, with honest work before, among and after it; and what was left then."""

    graded: dict[str, Graded]
    status: int
    said: str
    left: tuple[str, ...]

    def __repr__(self) -> str:  # pytest shows it with every failure
        return f"<{len(self.graded)} submissions graded, status {self.status}>"


def grade(
    factory: Folders,
    attacks: Mapping[str, Attack],
    user: int | None = None,
    seconds: float = SECONDS,
    questions: Iterable[str] = TESTS,
    prefix: Sequence[str] = (),
) -> Run:
    """Grades a table of attacks by the tests of some questions, an honest submission before every tenth and at the end."""
    base = factory.mktemp("hostile")
    work, out, tests = base / "work", base / "out", base / "tests"
    for folder in (work, out, tests):
        folder.mkdir()
    for question in questions:
        shutil.copy(ROOT / "tests" / "hidden" / TESTS[question], tests)
    # the order is the table's; names in the folder say nothing that a child could use
    order = _with_honest(attacks)
    for name, attack in order.items():
        hand_in(work / name, attack)
    give(base, user)
    before = traces()
    command = [*prefix, sys.executable, "-m", "tests.grader.hostile.grading", *map(str, (work, out, tests, seconds))]
    who = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    environment = {**os.environ, "AUTOGRADER_SECRET": SECRET, "HOME": str(base)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False,
                          timeout=patience(600), **who)  # type: ignore[call-overload]  # fmt: skip
    deadline = time.monotonic() + patience(5)  # a process that was killed takes its time to unmap what torch has mapped
    while (left := traces() - before) and time.monotonic() < deadline:
        time.sleep(0.05)
    found = {path.stem: msgspec.json.decode(path.read_bytes(), type=Graded) for path in out.glob("*.json")}
    return Run(found, done.returncode, done.stdout + done.stderr, tuple(sorted(left)))


def give(base: Path, user: int | None) -> None:
    """Makes a folder with all in it the user's, who may pass to it; pytest lists the folders above, too."""
    for folder in (base, *base.parents[:2]):
        folder.chmod(folder.stat().st_mode | 0o755)
    for path in (base, *base.rglob("*")):
        os.chown(path, user or os.getuid(), user or os.getgid(), follow_symlinks=False)


def _with_honest(attacks: Mapping[str, Attack]) -> dict[str, Attack]:
    """Numbered, so that the names' order is the table's."""
    order: dict[str, Attack] = {}
    for index, (name, attack) in enumerate(attacks.items()):
        if index % 10 == 0:
            order[f"{index:03} {HONEST}"] = Attack()
        order[f"{index:03} x {name}"] = attack
    return {**order, f"{len(attacks):03} {HONEST}": Attack()}


def hand_in(folder: Path, attack: Attack) -> None:
    """Puts a submission into a folder of its own."""
    folder.mkdir()
    for name, data in files(attack).items():
        (folder / name).write_bytes(data)


def traces() -> set[str]:
    """What a hostile program could leave behind in this box: processes, shared memory, files where anybody may write."""
    processes = {f"process {path.name}" for path in Path("/proc").glob("[0-9]*") if _runs(path)}
    shared = {f"/dev/shm: {path.name}" for path in Path("/dev/shm").iterdir()}
    for kind in ("shm", "sem", "msg"):
        shared |= {f"sysv {kind}: {line.split()[1]}" for line in _lines(Path("/proc/sysvipc") / kind)[1:]}
    places = {f"{place}: {path.name}" for place in ("/tmp", "/var/tmp") for path in Path(place).iterdir()}
    places -= {"/tmp: autograder-uids"}  # the locks of the children's users: docs/architecture.md, "Files"
    return processes | shared | places


def _runs(process: Path) -> bool:
    state = _lines(process / "stat")
    return bool(state) and state[0].rpartition(")")[2].split()[0] != "Z"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def check(run: Run, attacks: Mapping[str, Attack], name: str) -> Graded:
    """Asserts everything that holds for every attack; returns what it led to, for what else a test looks at."""
    graded = of(run, name)
    attack = attacks[name]
    assert graded.report.tests, (graded.report.staff_notes, run.said[-2000:])
    staff_text = msgspec.json.encode(graded.results).decode() + graded.for_staff
    assert GOT not in staff_text, re.findall(f'{GOT}[^\\n"]*', staff_text)[:3]
    assert SECRET not in staff_text
    for question, expected in (("4a", attack.a), ("4b", attack.b)):
        if not (told := outcome(graded.report, question)):
            continue
        assert told in {"any": {"full", "lost", "zero"}, "lost": {"lost", "zero"}}.get(expected, {expected}), (
            question, told, [(t.number, t.feedback.found, t.staff) for t in graded.report.tests if t.staff],
        )  # fmt: skip
    assert not attack.flag or flagged(graded), "staff are not told"
    _valid(graded, of(run, HONEST))
    _clean(graded)
    return graded


def of(run: Run, name: str) -> Graded:
    """What one submission led to. Fails with what the grader said, when it is not there."""
    for found, graded in run.graded.items():
        if found.split(" ", 1)[1] in (name, f"x {name}"):
            return graded
    raise AssertionError(f"{name} was not graded: {run.said[-2000:]}")


def harmless(run: Run) -> None:
    """Asserts what holds for the whole run: it came to its end, its honest work is unharmed, nothing is left."""
    assert run.status == 0, run.said[-2000:]
    honest = [graded for name, graded in run.graded.items() if name.endswith(f" {HONEST}")]
    assert len(honest) >= 2
    for each in honest:
        lost = [(t.number, t.feedback.found, t.staff) for t in each.report.tests if t.score < t.max_score]
        assert each.report.tests and not lost, lost or each.report.staff_notes
        assert comparable(each.results) == comparable(honest[0].results)
    assert run.left == (), run.left  # what it is, is the whole message


def outcome(report: Report, question: str) -> str:
    """full, lost or zero: how many points of a question were won; "" when it was not graded."""
    tests = [test for test in report.tests if test.number.startswith(question)]
    won, most = sum(test.score for test in tests), sum(test.max_score for test in tests)
    return "" if not tests else "full" if won >= most else "zero" if won <= 0 else "lost"


def flagged(graded: Graded) -> bool:
    """Whether staff are told of something forbidden or suspicious."""
    serious = {Severity.FLAG, Severity.READY_MADE, Severity.DISALLOWED}
    return bool(graded.results["extra_data"]["flags"]) or any(  # type: ignore[index]
        finding.severity in serious for finding in graded.report.submission.findings
    )


def _valid(graded: Graded, honest: Graded) -> None:
    """The result is whole and ours: nothing is missing, and nothing is a fault of the grader."""
    faults = [(test.number, test.staff) for test in graded.report.tests if test.status is Status.ERROR]
    assert not faults and graded.report.complete, (faults, graded.report.staff_notes)
    assert [test["number"] for test in graded.results["tests"]] == [test["number"] for test in honest.results["tests"]]  # type: ignore[attr-defined]
    scores = [test.get("score", 0) for test in graded.results["tests"]]  # type: ignore[attr-defined]
    assert graded.results["score"] == round(sum(scores), 2)


def _clean(graded: Graded) -> None:
    """What students read holds nothing of what the child said in a hidden test, and nothing that misleads the eye."""
    seen = {key: value for key, value in graded.results.items() if key != "extra_data"}
    for text in (msgspec.json.encode(seen).decode(), graded.for_students):
        assert LEAK not in text
    strings = [str(test["output"]) for test in graded.results["tests"]] + [str(graded.results["output"])]  # type: ignore[attr-defined]
    for text in [*strings, graded.for_students, graded.for_staff]:
        assert not NOT_CLEAN.search(text), NOT_CLEAN.search(text)
    assert all("<" not in text for text in strings)
