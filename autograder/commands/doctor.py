"""What this machine has and lacks for grading: facts, every layer as a real child found it, and what would raise it.

Why separate: it is for the person who sets the grader up, and it grades nothing. It starts a real engine, lets it
collect the tests and try the isolation, and ends it. No torch in this process.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import platform
import pwd
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from autograder import grading
from autograder.commands import in_force
from autograder.core import isolation, policy
from autograder.core.events import Fault, Ready, Refused
from autograder.core.isolation import Isolation
from autograder.grading.supervisor import ROOT, Engine
from autograder.report import seal
from autograder.report.terminal import styled
from autograder.sandbox import devices, landlock, lockdown, namespaces, readable, seccomp

if TYPE_CHECKING:
    from rich.console import Console

# An engine is ready in 1 to 3 s; a first start from a cold, slow disk has been seen to take 20 s.
START_SECONDS = 120.0

# All processes together took 350 MB; below this a child's 512 MB cannot be had at all.
LEAST_MEMORY_MB = 600
LEAST_FREE_MB = 4 * policy.CHILD_LIMITS.scratch_mb  # scratch folders of two children, twice

GOOD, BAD, FACT = "✓", "✗", "–"
STYLES = {GOOD: "green", BAD: "bold red", FACT: ""}


class Row(msgspec.Struct, frozen=True):
    """One line: a mark (GOOD, BAD, or FACT where there is nothing to judge), what it is about, what was found."""

    mark: str
    label: str
    text: str


class Health(msgspec.Struct, frozen=True):
    """What was found: sections of rows, what would raise the isolation, and whether hidden tests may be run here."""

    sections: tuple[tuple[str, tuple[Row, ...]], ...]
    advice: tuple[str, ...]
    fit: bool
    verdict: str


def examine() -> Health:
    """Looks at this machine and lets an engine try it. Takes as long as an engine needs to start."""
    public = not any(grading.HIDDEN.rglob("test_*.py"))
    found, problems = _tried(public)
    weak = isolation.weaknesses(found.line)
    machine = grading.machine()
    sections = (
        ("This machine", tuple(_machine())),
        ("What the layers need", tuple(_needs(machine))),
        ("What a child has, by trying (✗: what it could do all the same)", tuple(_layers(found))),
        ("The grader", tuple(_grader(public, problems))),
        (f"Policy ({in_force.file()})", tuple(Row(FACT, *row) for row in in_force.rows())),
    )
    fit = not (weak or problems or public)
    return Health(sections, isolation.remedies(found, machine), fit, _verdict(weak, problems, public))


def show(health: Health, console: Console) -> bool:
    """Draws it; whether hidden tests may be run here."""
    from rich.padding import Padding
    from rich.table import Table

    width = max(len(row.label) for _, rows in health.sections for row in rows)
    for title, rows in health.sections:
        console.print(styled(title, "bold"))
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(width=width, no_wrap=True)
        table.add_column(overflow="fold")
        for row in rows:
            table.add_row(*(styled(text, STYLES[row.mark]) for text in (row.mark, row.label)), styled(row.text))
        console.print(Padding(table, (0, 0, 1, 2)))
    if health.advice:
        console.print(styled("To raise the isolation", "bold"))
        table = Table.grid(padding=(0, 2, 0, 0))
        for advice in health.advice:
            table.add_row("-", styled(advice))
        console.print(Padding(table, (0, 0, 1, 2)))
    console.print(styled(health.verdict, "bold green" if health.fit else "bold red"))
    return health.fit


def _tried(public: bool) -> tuple[Isolation, tuple[str, ...]]:
    """(what the engine's canary found, what kept the engine from collecting the tests)."""
    faults: list[str] = []
    with Engine.start() as engine:
        engine.send(grading.setup_of(grading.Options(public=public)))
        for event in engine.events(time.monotonic() + START_SECONDS):
            if isinstance(event, Ready):
                engine.finish()
                return event.isolation, event.problems
            if isinstance(event, Refused):
                return event.isolation, ()
            if isinstance(event, Fault):
                faults.append(event.text)
    problem = "; ".join(faults) or "the engine ended"
    return Isolation(isolation.UNTRIED, problem=problem), (f"the grading engine did not start: {problem}",)


def _verdict(weak: tuple[str, ...], problems: tuple[str, ...], public: bool) -> str:
    if public:
        return "This is the students' copy: `check` works here, there are no hidden tests to run."
    if weak and problems:  # an engine that does not start says nothing of the layers
        return f"Hidden tests cannot be run here: {problems[0]}."
    if weak:
        return f"Hidden tests are not run here: student code could {'; '.join(weak)}."
    if problems:
        return "Hidden tests can be run here, but every result would be incomplete: see the grader's problems above."
    return "Hidden tests may be run here."


def _machine() -> Iterator[Row]:
    yield Row(FACT, "system", f"{platform.system()} {platform.release()}, {platform.machine()}")
    yield Row(FACT, "Python", f"{platform.python_version()}, {sys.executable}")
    versions = (f"{name} {_version(name) or 'missing'}" for name in ("torch", "numpy", "pytest", "einops"))
    yield Row(GOOD if _version("torch") else BAD, "packages", ", ".join(versions))
    yield Row(FACT, "you are", _who())
    memory = _memory_mb()
    if memory is not None:
        low = memory < LEAST_MEMORY_MB
        more = f"; grading takes about 350, and wants {LEAST_MEMORY_MB}" if low else ""
        yield Row(BAD if low else GOOD, "memory", f"{memory:,} MB free{more}")
    free = shutil.disk_usage(tempfile.gettempdir()).free >> 20
    low = free < LEAST_FREE_MB
    more = f"; {LEAST_FREE_MB} MB are wanted. Free some, or set TMPDIR to a folder with room" if low else ""
    yield Row(BAD if low else GOOD, "temporary", f"{free:,} MB free in {tempfile.gettempdir()}{more}")
    yield Row(FACT, "cores", f"{_cores():g}")
    closed = devices.files() and devices.missing(other_user=os.geteuid() == 0)
    yield Row(FACT, "GPU", (closed or "one for `train`") if devices.files() else "none; no test needs one")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _who() -> str:
    """Root, root with fewer capabilities (as in a container), or an ordinary user."""
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = "without a name"
    if uid:
        return f"an ordinary user ({name}, {uid}): student code runs as the same user"
    status = _text("/proc/self/status")
    held = next((int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:")), None)
    every = int(_text("/proc/sys/kernel/cap_last_cap") or 40) + 1
    some = f", with {bin(held).count('1')} of {every} capabilities" if held is not None else ""
    full = held is not None and bin(held).count("1") == every
    return "root" + ("" if full else some)


def _memory_mb() -> int | None:
    """What can be had: the system's free memory, or less where the container's limit is below it."""
    lines = dict(line.split(":", 1) for line in _text("/proc/meminfo").splitlines() if ":" in line)
    known = [int(lines["MemAvailable"].split()[0]) << 10] if "MemAvailable" in lines else []
    for most, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        limit, now = _text(f"/sys/fs/cgroup/{most}"), _text(f"/sys/fs/cgroup/{used}")
        if limit.isdigit() and now.isdigit():
            known.append(int(limit) - int(now))
    return min(known) >> 20 if known else None


def _cores() -> float:
    """Cores that this process may use, or the container's share of them."""
    count = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    quota = _text("/sys/fs/cgroup/cpu.max").split()
    return min(count, int(quota[0]) / int(quota[1])) if len(quota) == 2 and quota[0].isdigit() else count


def _text(path: str) -> str:
    """A file of the system, "" where there is none."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _needs(machine: isolation.Machine) -> Iterator[Row]:
    abi = landlock.abi()
    newest = "" if abi >= 6 else "; 4 (Linux 6.7) also closes TCP, 6 (Linux 6.12) also signals"
    found = f"version {abi}{newest}" if abi else "not in this kernel, or switched off"
    yield Row(GOOD if abi else BAD, "Landlock", found)
    yield _seccomp()
    if machine.linux:
        yield Row(FACT, "namespaces", _namespaces(machine))
    if not machine.root:
        return
    try:
        user = pwd.getpwnam(lockdown.STUDENT_USER)
        yield Row(GOOD, "user", f"{lockdown.STUDENT_USER} exists (uid {user.pw_uid}, gid {user.pw_gid})")
    except KeyError:
        yield Row(FACT, "user", f"no user {lockdown.STUDENT_USER}: children get numbers without a name, as good as one")
    shut = [root for root in readable.interpreter_roots() if not readable.others_may_enter(root)]
    inside = f"below a folder that only root may enter: {', '.join(shut)}. Children get it through open descriptors"
    yield Row(FACT if shut else GOOD, "libraries", inside if shut else "can be read by every user, so by children")


def _namespaces(machine: isolation.Machine) -> str:
    if machine.root:
        return "may be made here" if namespaces.possible() else "not for root without CAP_SYS_ADMIN (a container)"
    return "closed to ordinary users" if namespaces.closed_to_users() else "open to ordinary users"


def _seccomp() -> Row:
    try:
        ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return Row(BAD, "seccomp", "no libseccomp2")
    if not _version("pyseccomp"):
        return Row(BAD, "seccomp", "libseccomp2 is here, the package pyseccomp is not")
    size = len(seccomp.prepared()) // 8  # a BPF instruction has 8 bytes
    return Row(
        GOOD if size else BAD, "seccomp", f"a filter of {size} instructions" if size else "no filter can be made"
    )


def _layers(found: Isolation) -> Iterator[Row]:
    """A word a row; under one that did not hold, what was not refused."""
    held = set(found.line.removeprefix(isolation.WEAK).split("+"))
    for word, meaning in isolation.WORDS.items():
        open_ = [trial.action for trial in found.trials if trial.word == word and not trial.refused]
        tried = any(trial.word == word for trial in found.trials)
        why = f"it could {'; '.join(open_)}" if open_ else "" if tried else "not tried here"
        yield Row(GOOD if word in held else BAD, word, meaning if word in held else why)
    if found.problem:
        yield Row(BAD, "problem", found.problem)


def _grader(public: bool, problems: tuple[str, ...]) -> Iterator[Row]:
    if not public:
        yield from map(_closed, (grading.HIDDEN, ROOT / "reference"))
        key, none = seal.place(), Row(FACT, "results key", f"no {seal.FILE.name}; results carry no seal")
        yield _closed(key) if key.exists() else none
    if grading.SECRET_FILE.exists():
        yield _closed(grading.SECRET_FILE)
    elif not public:
        given = (
            "taken from AUTOGRADER_SECRET"
            if os.environ.get("AUTOGRADER_SECRET")
            else "no secret, so anyone with the tests can work out the cases"
        )
        yield Row(FACT, "course secret", f"no {grading.SECRET_FILE.name}; {given}")
    for problem in problems:
        yield Row(BAD, "tests", problem)


def _closed(path: Path) -> Row:
    """A secret of ours by its mode: on its own it is closed to others, or only the layers close it."""
    mode = stat.S_IMODE(path.stat().st_mode)
    name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
    shut = not mode & 0o007 or not readable.others_may_enter(str(path.parent))
    return Row(
        GOOD if shut else FACT,
        name,
        f"mode {mode:04o}, " + ("closed to other users" if shut else "others may read it: only the layers close it"),
    )
