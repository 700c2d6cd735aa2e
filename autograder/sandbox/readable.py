"""What the student's room must read: the interpreter, its libraries, torch. Everything else is closed by Landlock.

Also fixes a common trap: an interpreter below a folder that only root may enter (such as /root) becomes unreadable when
the child drops its identity. Such folders are opened beforehand and reached through /proc/self/fd, so that a lazy
`import decimal` in an honest forward works all the same.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

# What the dynamic linker, torch's CPU detection and Python's own start need on Linux.
SYSTEM = (
    "/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/ld.so.conf",
    "/usr/share/zoneinfo", "/etc/localtime", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random",
    "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu",
)  # fmt: skip


# Above the numbers that a child gives to its output and its connection.
FIRST_DOOR = 10


def interpreter_roots() -> list[str]:
    """The folders that hold the standard library and the installed packages, outermost only."""
    roots: list[str] = []
    candidates = [entry for entry in sys.path if entry and os.path.isdir(entry) and _is_library(entry)]
    for candidate in sorted({os.path.realpath(path) for path in candidates}, key=len):
        if not any(Path(candidate).is_relative_to(root) for root in roots):
            roots.append(candidate)
    return roots


def _is_library(entry: str) -> bool:
    """Only library folders of this interpreter: never the folder of a checkout that an editable install added."""
    inside = (os.path.realpath(prefix) + os.sep for prefix in {sys.prefix, sys.base_prefix})
    return os.path.realpath(entry).startswith(tuple(inside)) or "site-packages" in entry or "dist-packages" in entry


def forget_checkout(doors: dict[str, str]) -> None:
    """Takes everything but library folders off sys.path: the student's imports never find the grader's tree."""
    sys.path[:] = [p for p in sys.path if p and (_is_library(p) or p.startswith(tuple(doors.values()) or "\0"))]


def others_may_enter(path: str) -> bool:
    """Whether a user without any rights of ours can reach `path`."""
    return all(parent.stat().st_mode & 0o001 for parent in [Path(path), *Path(path).parents])


def open_doors(roots: list[str]) -> dict[str, str]:
    """root -> /proc/self/fd/N for the roots that others may not enter; {} where there are none, or no /proc."""
    doors = {}
    for root in roots:
        if not others_may_enter(root) and os.path.isdir("/proc/self/fd"):
            opened = os.open(root, os.O_PATH | os.O_DIRECTORY)  # a way through: nothing can be read or listed by it
            number = fcntl.fcntl(opened, fcntl.F_DUPFD, FIRST_DOOR)
            os.close(opened)
            doors[root] = f"/proc/self/fd/{number}"
    return doors


def go_through(doors: dict[str, str]) -> None:
    """Rewrites sys.path and every loaded package's __path__ to go through the doors."""
    if not doors:
        return
    sys.path[:] = [_through(doors, path) for path in sys.path]
    for module in list(sys.modules.values()):
        paths = getattr(module, "__path__", None)
        if isinstance(paths, list):
            paths[:] = [_through(doors, path) for path in paths]
    sys.path_importer_cache.clear()


def _through(doors: dict[str, str], path: str) -> str:
    real = os.path.realpath(path) if path else path
    for root, door in doors.items():
        if real == root or real.startswith(root + os.sep):
            return door + real[len(root) :]
    return path
