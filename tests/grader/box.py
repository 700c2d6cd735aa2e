#!/usr/bin/env python3
"""The box: a command runs where it can reach, fill and end nothing but itself.

    python tests/grader/box.py [--seconds N] [--write DIR]... COMMAND...

Why separate: some tests run hostile code, bombs, or the grader with a layer taken off, on whoever's machine `make test`
is typed on, perhaps as root. So they run in namespaces of their own, made here with nothing but the kernel's calls:
  processes   a signal, kill(-1) among them, ends at the box's walls, and when its first process ends, all of it does;
  files       the disk is read-only, but for each --write DIR; /tmp and /dev/shm are private, empty and of bounded size;
  network     a loopback of its own, and nothing else; System V objects and abstract sockets are its own, too;
  amounts     memory and processes by a control group where one can be had, else by rlimits; a wall clock.
An ordinary user needs user namespaces for it, root needs CAP_SYS_ADMIN. Where neither is to be had, nothing is run, and
the exit status is 125. `inside` is answered by the kernel, never by a variable that anybody can set.

Nothing in here imports torch, pytest or the grader.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import fcntl
import functools
import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
NAME = "hw6-box"  # what the box's first process is called; 15 letters at most
NO_BOX, TIME_IS_UP = 125, 124

# The tests use 1.5 GB at most. What is above ends the box and not the machine.
MEMORY_MB, TMP_MB = 8192, 4096
PROCESSES = 2000  # the tests start some twenty at a time

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x0002_0000, 0x0400_0000, 0x0800_0000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x1000_0000, 0x2000_0000, 0x4000_0000
SPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 1 << 18
# What a mount was restricted to must be said again when it is remounted: (as statvfs says it, as mount takes it).
_KEPT = ((2, MS_NOSUID), (4, MS_NODEV), (8, MS_NOEXEC), (0x400, 0x400), (0x800, 0x800), (0x1000, 1 << 21))
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def inside() -> bool:
    """Whether this process is in a box: /proc is its own namespace's, and the first process there is the box's."""
    try:
        status = Path("/proc/self/status").read_text()
        own = [line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")]
        return own == [[str(os.getpid())]] and Path("/proc/1/comm").read_text().strip() == NAME
    except OSError:
        return False


@functools.cache
def why_not() -> str:
    """Why there can be no box on this machine, in words; empty when there can be one."""
    if not sys.platform.startswith("linux"):
        return "a box needs Linux"
    tried = subprocess.run(command([sys.executable, "-c", ""], seconds=60), capture_output=True, text=True, check=False)
    last = (tried.stderr.strip().splitlines() or [f"status {tried.returncode}"])[-1]
    return "" if tried.returncode == 0 else f"no box can be made here ({last.removeprefix('box: ')})"


def command(words: Sequence[str], seconds: float, write: Sequence[Path] = ()) -> list[str]:
    """The words that run a command in a box."""
    folders = [word for folder in write for word in ("--write", str(folder))]
    return [sys.executable, str(Path(__file__).resolve()), "--seconds", f"{seconds:.0f}", *folders, *words]


# --- outside ----------------------------------------------------------------------------------------------------------


def run(words: Sequence[str], seconds: int, write: Sequence[Path]) -> int:
    """Runs a command in a box of its own; its exit status, 124 when the time was up, 125 when there can be no box."""
    _end_with_parent()
    groups = _control_groups()
    ready, asked = os.pipe()
    answer, mapped = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ready)
        os.close(mapped)
        _guarded(lambda: _enter(words, write, groups, asked, answer))
    os.close(asked)
    os.close(answer)
    late = False

    def time_is_up(*_: object) -> None:
        nonlocal late
        late = True
        os.kill(child, signal.SIGKILL)  # not yet waited for, so the number is still the child's

    signal.signal(signal.SIGALRM, time_is_up)
    signal.alarm(seconds)
    if os.read(ready, 1):  # it has a user namespace, which only we outside can furnish
        _map_users(child)
        os.write(mapped, b"x")
    _, status = os.waitpid(child, 0)
    signal.alarm(0)
    for group in groups:
        _remove(group)
    return TIME_IS_UP if late else os.waitstatus_to_exitcode(status) % 256


def _map_users(child: int) -> None:
    """Root keeps all the users it has; an ordinary user is itself inside, and nobody else."""
    root = os.geteuid() == 0
    own = Path(f"/proc/{child}")
    if not root:
        (own / "setgroups").write_text("deny")
    for kind, number in (("uid", os.geteuid()), ("gid", os.getegid())):
        lines = [line.split() for line in Path(f"/proc/self/{kind}_map").read_text().splitlines()]
        known = "".join(f"{first} {first} {count}\n" for first, _, count in lines)
        (own / f"{kind}_map").write_text(known if root else f"{number} {number} 1\n")


def _control_groups() -> list[Path]:
    """Fresh control groups with limits on memory and processes (version 2 or 1); none where they cannot be had."""
    top, name = Path("/sys/fs/cgroup"), f"{NAME}-{os.getpid()}"
    if (top / "cgroup.controllers").exists():
        wanted = {top / name: {"memory.max": MEMORY_MB << 20, "memory.swap.max": 0, "pids.max": PROCESSES}}
    else:
        wanted = {top / "memory" / name: {"memory.limit_in_bytes": MEMORY_MB << 20},
                  top / "pids" / name: {"pids.max": PROCESSES}}  # fmt: skip
    made = []
    for group, limits in wanted.items():
        with contextlib.suppress(OSError):
            group.mkdir()
            made.append(group)
            for file, value in limits.items():
                (group / file).write_text(str(value))
    return made


def _remove(group: Path) -> None:
    """The kernel takes a moment to bury the last of the group."""
    for _ in range(50):
        with contextlib.suppress(OSError):
            return group.rmdir()
        signal.sigtimedwait([], 0.02)


# --- on the way in ----------------------------------------------------------------------------------------------------


def _enter(words: Sequence[str], write: Sequence[Path], groups: Sequence[Path], asked: int, answer: int) -> int:
    """In the first child: new namespaces, whose first process is the next child."""
    _end_with_parent()
    for group in groups:
        with contextlib.suppress(OSError):
            (group / "cgroup.procs").write_text(str(os.getpid()))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")
    if os.geteuid() != 0 or libc.unshare(SPACES) != 0:
        _call("unshare", CLONE_NEWUSER | SPACES)
        os.write(asked, b"u")
        if not os.read(answer, 1):
            raise OSError("its users could not be mapped")
    os.close(asked)
    child = os.fork()
    if child == 0:
        os.close(answer)
        _guarded(lambda: _first(words, write))
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) % 256


def _first(words: Sequence[str], write: Sequence[Path]) -> int:
    """The box's first process: furnishes it, starts the command, and buries whatever is orphaned in it."""
    _end_with_parent()
    if os.getpid() != 1:
        raise OSError("it is not the first of its processes")
    _furnish(write)
    libc.prctl(PR_SET_NAME, NAME.encode(), 0, 0, 0)
    child = os.fork()
    if child == 0:
        _guarded(lambda: _become(words))
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status) % 256


def _become(words: Sequence[str]) -> NoReturn:
    for which, most in ((resource.RLIMIT_AS, 2 * MEMORY_MB << 20), (resource.RLIMIT_NPROC, 2 * PROCESSES)):
        hard = resource.getrlimit(which)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (most, most))
    os.environ |= {"TMPDIR": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"}
    os.execvp(words[0], list(words))


def _furnish(write: Sequence[Path]) -> None:
    """Mounts. What must hold raises; what a kernel or a container may refuse to an ordinary user is tried."""
    _mount("none", "/", "", MS_REC | MS_PRIVATE)
    needed = [path for path in {ROOT, Path(sys.prefix), Path(sys.base_prefix)} if _is_private(path)]
    doors = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in [*needed, *map(Path.resolve, write)]}
    for path in write:
        _mount(str(path), str(path), "", MS_BIND | MS_REC)
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place = line.split()[4].encode().decode("unicode_escape")
        if Path(place) not in write and not place.startswith(("/proc", "/dev")):
            _read_only(place)
    for place, options in (("/tmp", f"size={TMP_MB}m,mode=1777"), ("/dev/shm", f"size={TMP_MB}m,mode=1777")):
        _mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, options)
    for path, door in doors.items():  # a checkout or an environment that lies in /tmp is seen in the private one
        if _is_private(path):
            path.mkdir(parents=True, exist_ok=True)
            _mount(f"/proc/self/fd/{door}", str(path), "", MS_BIND | MS_REC)
        os.close(door)
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    with contextlib.suppress(OSError):
        _mount("/proc/sys", "/proc/sys", "", MS_BIND)
        _read_only("/proc/sys")
        _mount("/dev/null", "/proc/sysrq-trigger", "", MS_BIND)
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", IFF_UP, b""))


def _is_private(path: Path) -> bool:
    return any(path.is_relative_to(top) for top in ("/tmp", "/dev/shm"))


def _read_only(place: str) -> None:
    with contextlib.suppress(OSError):
        said = os.statvfs(place).f_flag
        kept = sum(flag for bit, flag in _KEPT if said & bit)
        _mount("none", place, "", MS_REMOUNT | MS_BIND | MS_RDONLY | kept)


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    _call("mount", source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode() or None)


def _call(name: str, *arguments: object) -> None:
    if getattr(libc, name)(*arguments) != 0:
        error = ctypes.get_errno()
        what = arguments[1].decode() if name == "mount" and isinstance(arguments[1], bytes) else ""
        raise OSError(error, f"{name} {what}".strip() + f": {os.strerror(error)}")


def _end_with_parent() -> None:
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _guarded(work: Callable[[], int]) -> NoReturn:
    """All that a forked process does: it never returns into its parent's code."""
    status = NO_BOX
    try:
        status = work()
    except OSError as error:
        os.write(2, f"box: {error.strerror or error}\n".encode())
    finally:
        os._exit(status)


libc = ctypes.CDLL(None, use_errno=True)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=3600, help="the wall clock (an hour)")
    parser.add_argument("--write", type=Path, action="append", default=[], help="a folder that stays writable")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    given = parser.parse_args()
    if not given.words or shutil.which(given.words[0]) is None:
        parser.error("which command?")
    return run(given.words, given.seconds, [path.resolve() for path in given.write])


if __name__ == "__main__":
    sys.exit(main())
