"""How much a container may use, and what it used: by the kernel's control groups where there are some, else by looking.

Why separate: the limits are what an emulation is about, and which of the two ways held them is told with every figure.
A control group (version 2 or 1) is the very thing that Docker uses. Where none can be made, `Watch` looks at the
processes some ten times a second: it ends the one that the kernel would end when there is too little memory, and holds
all of them for a part of each tenth of a second where they get less than a whole core.
Signals go only to processes that descend from the one that was started here, and that are held by a descriptor.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from autograder.commands.emulate.presets import Preset

TOP = Path("/sys/fs/cgroup")
PERIOD = 100_000  # microseconds over which the kernel counts a share of a processor; Docker's own
EVERY = 0.1  # seconds between two looks
MB = 1 << 20


class Group(msgspec.Struct, frozen=True):
    """Control groups that hold a container; which of the two limits they hold."""

    places: tuple[Path, ...] = ()
    memory: Path | None = None
    processors: Path | None = None

    def used(self) -> int:
        """Bytes that cannot be given back: private memory and shared memory, without what is only cached of files."""
        if self.memory is None:
            return 0
        found = dict(line.split() for line in _read(self.memory / "memory.stat").splitlines())
        return int(found.get("anon", found.get("total_rss", 0))) + int(found.get("shmem", found.get("total_shmem", 0)))

    def killed(self) -> int:
        """How often the kernel ended a process for want of memory."""
        if self.memory is None:
            return 0
        text = _read(self.memory / "memory.events") or _read(self.memory / "memory.oom_control")
        return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("oom_kill ")), 0)

    def remove(self) -> None:
        """The kernel takes a moment to bury the last of the group."""
        for place in self.places:
            for _ in range(100):
                try:
                    place.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.02)


def group(preset: Preset, top: Path = TOP) -> Group:
    """A new control group for a container, with what of the preset's limits this machine lets us set."""
    name = f"autograder-{os.getpid()}-{time.monotonic_ns():x}"
    memory, quota = str(preset.memory_mb * MB), int(preset.cpus * PERIOD)
    if (top / "cgroup.controllers").exists():
        place = top / name
        wanted = {"memory.max": memory, "memory.swap.max": "0"}, {"cpu.max": f"{quota} {PERIOD}"}
        both = place, place
    else:
        both = top / "memory" / name, top / "cpu" / name
        wanted = (
            {"memory.limit_in_bytes": memory, "memory.memsw.limit_in_bytes": memory},
            {"cpu.cfs_period_us": str(PERIOD), "cpu.cfs_quota_us": str(quota)},
        )
    held = [_made(place, limits) for place, limits in zip(both, wanted)]
    places = tuple(dict.fromkeys(place for place in both if place.is_dir()))
    used = [place if done else None for place, done in zip(both, held)]
    kept = Group(tuple(place for place in places if place in used), used[0], used[1])
    Group(tuple(place for place in places if place not in used)).remove()
    return kept


def _made(place: Path, limits: dict[str, str]) -> bool:
    """Whether the group is there and its first limit is in force; the others are as far as the kernel has them."""
    try:
        place.mkdir(parents=False, exist_ok=True)
        for number, (name, value) in enumerate(limits.items()):
            with contextlib.suppress(OSError) if number else contextlib.nullcontext():
                _write(place / name, value)
    except OSError:
        return False
    return True


def _write(path: Path, value: str) -> None:
    with open(os.open(path, os.O_WRONLY), "w") as file:  # never made: a file that is not there is a limit that is not
        file.write(value)


def cores(preset: Preset) -> tuple[int, ...]:
    """The cores that a container without a control group is kept on: as many as the preset has, or all there are."""
    return tuple(sorted(os.sched_getaffinity(0))[: math.ceil(preset.cpus)])


class Watch:
    """Looks at a container's processes, below the process `top`, and does what no control group does for it."""

    def __init__(self, top: int, preset: Preset, group: Group) -> None:
        self._top, self._preset, self._group = top, preset, group
        self._killed, self._looks = 0, 0
        self.peak = 0  # bytes that could not be given back
        held = preset.cpus / max(len(cores(preset)), 1)
        self._share = 1.0 if group.processors else min(1.0, held)

    @property
    def killed(self) -> int:
        """How many processes were ended for want of memory."""
        return self._killed + self._group.killed()

    def look(self) -> None:
        """One look; takes EVERY seconds."""
        start = time.monotonic()
        if self._group.memory:
            self.peak = max(self.peak, self._group.used())
        else:
            self._weigh()
        left = max(0.0, EVERY - (time.monotonic() - start))
        if self._share < 1:
            with self._held():
                time.sleep(EVERY * (1 - self._share))
            left = EVERY * self._share
        time.sleep(left)

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """Kills whatever of it still runs, and waits for it."""
        while process.poll() is None:
            for pid in below(self._top):
                send(pid, signal.SIGKILL, self._top)
            if not below(self._top):
                process.kill()
            time.sleep(0.01)

    def _weigh(self) -> None:
        found = sizes(below(self._top))
        self.peak = max(self.peak, sum(found.values()))
        most = self._preset.memory_mb * MB
        if sum(found.values()) > most:
            worst = max(found, key=lambda pid: found[pid] + adjustment(pid) * most // 1000)
            self._killed += send(worst, signal.SIGKILL, self._top)

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        stopped = [pid for pid in below(self._top) if send(pid, signal.SIGSTOP, self._top)]
        try:
            yield
        finally:
            for pid in stopped:
                send(pid, signal.SIGCONT, self._top)


def below(top: int) -> list[int]:
    """The descendants of a process, itself left out."""
    found = _children(top)
    for pid in found:  # grows while it is read
        found += _children(pid)
    return list(dict.fromkeys(found))


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(word) for thread in threads for word in _read(thread / "children").split()]
    return []


def sizes(pids: Sequence[int]) -> dict[int, int]:
    """Bytes of each process that cannot be given back; what several have together is counted once.

    Somebody else's processes, and those that hide from a debugger, do not tell what they share. Then each counts with
    what it has beyond its parent, from which it was forked: less than it is, but nobody is ended for what is shared.
    """
    told = {pid: _told(pid) for pid in pids}
    known = {pid: size for pid, size in told.items() if size is not None}
    if len(known) == len(told):
        return known
    resident = {pid: _resident(pid) for pid in pids}
    return {pid: max(0, size - resident.get(_parent(pid), 0)) for pid, size in resident.items()}


def _told(pid: int) -> int | None:
    """Its share of what cannot be given back, by the kernel; 0: it is gone; None: it does not tell."""
    lines = [line.split() for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines()]
    if not lines:
        return None if _resident(pid) else 0
    return sum(int(line[1]) << 10 for line in lines if line[0] in ("Pss_Anon:", "Pss_Shmem:"))


def _resident(pid: int) -> int:
    lines = (line.split() for line in _read(Path(f"/proc/{pid}/status")).splitlines())
    return sum(int(line[1]) << 10 for line in lines if line and line[0] in ("RssAnon:", "RssShmem:"))


def adjustment(pid: int) -> int:
    """What a process asked to be preferred by, or spared, when memory runs out: -1000 to 1000."""
    return int(_read(Path(f"/proc/{pid}/oom_score_adj")) or 0)


def send(pid: int, number: signal.Signals, top: int) -> int:
    """Signals a process if it still descends from `top`; how many were signalled."""
    with contextlib.suppress(OSError):
        held = os.pidfd_open(pid)
        try:
            above = pid
            while above not in (top, 0):
                above = _parent(above)
            if above == top:
                signal.pidfd_send_signal(held, number)
                return 1
        finally:
            os.close(held)
    return 0


def _parent(pid: int) -> int:
    words = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return int(words[1]) if words else 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
