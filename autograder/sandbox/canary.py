"""A first child that tries what must not work: the isolation in force is reported from trying, not from intent.

`canary_program` is what the child runs, as a student's program would run; here are the things that it tries itself on:
a file and a folder that are open by their mode, listening sockets, the processes and the secrets of this grading.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from autograder.core import isolation
from autograder.core.isolation import Isolation
from autograder.core.records import Limits
from autograder.sandbox.room import Ended, Room
from autograder.sandbox.zygote import Zygote

PROGRAM = Path(__file__).with_name("canary_program.py")

# A machine that is busy for a moment must not be taken for one without isolation.
ATTEMPTS = 2


def examine(zygote: Zygote, limits: Limits, secrets: Iterable[str] = ()) -> Isolation:
    """What held here. `secrets`: files and folders that a child must not read or change."""
    closed = list(_secrets(secrets))
    for _ in range(ATTEMPTS):
        output, problem = _try(zygote, limits, closed)
        trials, finished = isolation.trials_of(output)
        if finished:
            return Isolation(isolation.line(trials), trials)
    return Isolation(isolation.UNTRIED, trials, problem or "the trial did not come to its end")


def _secrets(paths: Iterable[str]) -> Iterator[str]:
    """Each folder (its name ends in a slash) with one file of it, each file; without what is not there."""
    for path in map(Path, paths):
        if path.is_dir():
            yield f"{path}{os.sep}"
            yield from map(str, sorted(path.rglob("*.py"))[:1])
        elif path.exists():
            yield str(path)


def _try(zygote: Zygote, limits: Limits, secrets: list[str]) -> tuple[str, str]:
    """(what the child printed, why it ended early)."""
    with contextlib.ExitStack() as stack:
        try:
            given = _targets(stack)
        except OSError as error:
            return "", f"nothing could be prepared for it to try: {error}"
        given |= {
            "grader": os.getuid(),
            "pids": _named(zygote),
            "outside": zygote.pid,
            "secret": secrets,
        }
        text = f"{PROGRAM.read_text(encoding='utf-8')}\nmain(**{given!r})\n"
        room = Room(zygote, limits)
        try:
            with room:
                room.ask("start", {"text": text, "class_name": "", "given": [], "probe_seed": 0})
        except Ended as ended:
            return room.output, str(ended)
        return room.output, ""


def _named(zygote: Zygote) -> dict[str, int]:
    """The numbers that our processes have where the child is. In another tree only the zygote has one."""
    return {"zygote": 1} if zygote.apart else {"zygote": zygote.pid, "engine": os.getpid(), "supervisor": os.getppid()}


def _targets(stack: contextlib.ExitStack) -> dict[str, object]:
    """Things of ours whose own mode forbids nothing, so that only the isolation does. Gone when `stack` ends."""
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="canary-"))
    os.chmod(folder, 0o777)
    readable = os.path.join(folder, "readable")
    with open(readable, "w") as file:
        os.fchmod(file.fileno(), 0o644)
    name = f"hw6-canary-{os.getpid()}"
    return {
        "readable": readable,
        "folder": folder,
        "tcp": _listen(stack, socket.AF_INET, ("127.0.0.1", 0)),
        "path": os.path.join(folder, "socket")
        if _listen(stack, socket.AF_UNIX, os.path.join(folder, "socket"))
        else "",
        "abstract": name if os.path.isdir("/proc/self") and _listen(stack, socket.AF_UNIX, "\0" + name) else "",
    }


def _listen(stack: contextlib.ExitStack, family: int, address: tuple[str, int] | str) -> int:
    """A listening socket: its port, or 1 for a UNIX one; 0 where this machine cannot have one (no network)."""
    server = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
    try:
        server.bind(address)
        server.listen()
        if isinstance(address, str) and address.startswith(os.sep):
            os.chmod(address, 0o777)
        return int(server.getsockname()[1]) if family == socket.AF_INET else 1
    except OSError:  # also: a path too long for a socket
        return 0
