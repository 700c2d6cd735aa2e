"""Reading a submission in a throw-away process: load, slice, rules; the result comes back as JSON.

Why separate: a hostile file can crash, hang or exhaust whoever parses it. Whoever calls `read` must hold nothing secret
yet (the child is a fork of it) and need not have torch. What went wrong in the child is put into the student's words,
except when it is our own fault: that is a GraderFault.
"""

from __future__ import annotations

import gc
import os
import resource
import select
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import msgspec

from autograder.core import own_limits
from autograder.core.errors import GraderFault, UsageError
from autograder.core.records import Finding, Program, Submission
from autograder.handin.load import load, refused

# A real notebook is read in 50 ms and 60 MB; the largest permitted one (20 MB of JSON) needs about 0.4 GB.
MEMORY_MB = 1024
REPLY_MB = 64  # more than 2000 cells with 64 KB of output each would be cut: far beyond any notebook under the caps

_DONE, _USAGE, _MEMORY, _DEPTH, _FAULT = b"D", b"U", b"M", b"R", b"F"


def read(path: Path, *, seconds: float = 20.0) -> Submission:
    """The submission at `path`, with the rules' findings. Raises UsageError (nothing is there), GraderFault (ours)."""
    from autograder.handin import rules  # before the fork, so that a class run imports it once

    done = apart(path, lambda: _checked(load(path), rules.check), seconds)
    return msgspec.json.decode(done, type=Submission) if isinstance(done, bytes) else refused(path.resolve().name, done)


def apart(path: Path, work: Callable[[], object], seconds: float = 20.0) -> bytes | str:
    """What `work` returned, as JSON, from a process that may die; a text says why it gave nothing of `path`.

    Raises UsageError (nothing is there) and GraderFault (ours).
    """
    reply, status, late = _in_child(work, seconds)
    kind, body = reply[:1], reply[1:]
    if kind == _DONE:
        return body
    if kind == _USAGE:
        raise UsageError(body.decode("utf-8", "replace"))
    if kind == _FAULT:
        raise GraderFault(
            f"Reading {path.name} failed through a fault of the grader:\n{body.decode('utf-8', 'replace')}"
        )
    return _words(kind, status, late, seconds)


def import_once() -> None:
    """Imports what most readings need (60 ms, no torch), so that the children of a class run share it."""
    import IPython.core.inputtransformer2  # noqa: F401

    import autograder.handin.rules  # noqa: F401


def _words(kind: bytes, status: int, late: bool, seconds: float) -> str:
    if kind == _MEMORY:
        why = f"reading it takes more than {MEMORY_MB} MB of memory: it is too large or nested too deeply"
    elif (
        kind == _DEPTH
        or os.WIFSIGNALED(status)
        and os.WTERMSIG(status) in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT)
    ):
        why = "it is nested too deeply for Python to read"
    elif late or os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        why = f"reading it takes more than {seconds:g} seconds: it is too large or nested too deeply"
    else:
        why = f"reading it ended without a result (status {status})"
    return (
        f"The submission could not be read: {why}. Look for very long or deeply nested expressions and for large data "
        "pasted into the code; an ordinary notebook is read in less than a second."
    )


def _checked(submission: Submission, check: Callable[[Program], tuple[Finding, ...]]) -> Submission:
    read: dict[bytes, tuple[Finding, ...]] = {}  # alternatives may be one text, with other heads around it

    def checked(program: Program) -> tuple[Finding, ...]:
        same = msgspec.json.encode(msgspec.structs.replace(program, brings=(), tuple_heads=False, also=()))
        if same not in read:
            read[same] = check(program)
        return read[same]

    found = [finding for _, program in sorted(submission.programs.items()) for finding in checked(program)]
    others = tuple(msgspec.structs.replace(other, findings=checked(other.program)) for other in submission.alternatives)
    return msgspec.structs.replace(submission, findings=(*submission.findings, *found), alternatives=others)


# What may end a command by an exception. Held back during the fork: Python calls what libraries asked to be called
# after one, and an exception that a signal raises in there is dropped, so that a Ctrl-C was lost.
_ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def _in_child(work: Callable[[], object], seconds: float) -> tuple[bytes, int, bool]:
    """(the reply, the wait status, whether the time was up)."""
    receive, send = os.pipe()
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        child = os.fork()
    except OSError:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)
        raise
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)
        os.close(receive)
        gc.freeze()  # a collection must not touch, and so copy, what the process that forked this one holds
        _child(work, send, seconds)
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)  # what came meanwhile is raised here
        os.close(send)
        reply, late = _received(receive, seconds)
    finally:
        os.close(receive)
        os.kill(child, signal.SIGKILL)  # not yet waited for, so the id is still the child's
        _, status = os.waitpid(child, 0)
    return reply, status, late


def _received(receive: int, seconds: float) -> tuple[bytes, bool]:
    deadline = time.monotonic() + seconds
    parts: list[bytes] = []
    size = 0
    while size <= REPLY_MB * 2**20:
        ready, _, _ = select.select([receive], [], [], max(deadline - time.monotonic(), 0.0))
        if not ready:
            return b"", True
        part = os.read(receive, 2**20)
        if not part:
            return b"".join(parts), False
        parts.append(part)
        size += len(part)
    return _MEMORY, False


def _child(work: Callable[[], object], send: int, seconds: float) -> None:
    """Everything the child does; it never returns, whatever happens."""
    try:
        reply = _reply(work, seconds)
        with os.fdopen(send, "wb") as pipe:
            pipe.write(reply)
    finally:
        os._exit(0)


def _reply(work: Callable[[], object], seconds: float) -> bytes:
    try:
        own_limits.lower(resource.RLIMIT_AS, MEMORY_MB * 2**20 + own_limits.address_space(unknown=2**30))
        own_limits.lower(resource.RLIMIT_CPU, int(seconds) + 1)
        own_limits.lower(resource.RLIMIT_CORE, 0)
        return _DONE + msgspec.json.encode(work())
    except UsageError as error:
        return _USAGE + str(error).encode("utf-8", "replace")
    except MemoryError:
        return _MEMORY
    except RecursionError:
        return _DEPTH
    except BaseException:
        return _FAULT + traceback.format_exc(limit=-20)[-8000:].encode("utf-8", "replace")
