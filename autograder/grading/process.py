"""An engine's process, however it came about: started for itself, or forked by a server that holds torch already.

Why separate: what a process's number means differs. One that we started is ours until we reap it; one that a server
forked is the server's, and we hold a pidfd, which never means another process.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import IO, Protocol

# A killed engine is gone in 20 ms; a server that answers nobody for so long is as good as gone.
LOST_SECONDS = 15.0
MAX_MESSAGE = 4096


class Process(Protocol):
    """What the supervisor does with an engine's process, whose orders go to `stdin` and whose events leave `stdout`."""

    stdin: IO[bytes]
    stdout: IO[bytes]

    def status(self, *, wait: bool) -> int | None:
        """How it ended, as Popen counts; None while it lives."""

    def kill(self) -> None:
        """Ends it and, through it, the zygote and every child (they die with their parent). Twice is once."""


class Started:
    """A process of our own."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        pipe = subprocess.PIPE
        self.popen = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, start_new_session=True)
        assert self.popen.stdin is not None and self.popen.stdout is not None
        self.stdin, self.stdout = self.popen.stdin, self.popen.stdout

    def status(self, *, wait: bool) -> int | None:
        """See Process. It stays unreaped, so that its number is its own.

        Its process group has that number, too: killed after the reaping, it could be somebody else's by then.
        """
        if self.popen.returncode is not None or not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self.popen.wait() if wait else self.popen.poll()
        found = os.waitid(os.P_PID, self.popen.pid, os.WEXITED | os.WNOWAIT | (0 if wait else os.WNOHANG))
        if found is None:
            return None
        return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status

    def kill(self) -> None:
        """See Process."""
        if self.popen.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


class Forked:
    """A process that a fork server forked for us, or will fork once it has imported torch. See engine/forkserver.py.

    Raises OSError when nobody serves there.
    """

    def __init__(self, server: str, environment: Mapping[str, str], limits: str = "") -> None:
        self.pid = 0  # the server's number for it, from its first answer on
        self._pidfd = -1
        self._status: int | None = None
        self._talk = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs: list[int] = []
        ours: list[int] = []
        try:
            self._talk.connect(server)
            for read in (0, 1):  # we write to the first pipe, and read from the second
                pipe = os.pipe()
                theirs.append(pipe[read])
                ours.append(pipe[1 - read])
            umask = os.umask(0o077)
            os.umask(umask)
            request = {"environment": dict(environment), "folder": os.getcwd(), "umask": umask, "limits": limits}
            socket.send_fds(self._talk, [json.dumps(request).encode()], [*theirs, 2])
        except OSError:
            self._talk.close()
            for number in ours:
                os.close(number)
            raise
        finally:
            for number in theirs:
                os.close(number)
        self.stdin: IO[bytes] = os.fdopen(ours[0], "wb")
        self.stdout: IO[bytes] = os.fdopen(ours[1], "rb")

    def status(self, *, wait: bool) -> int | None:
        """See Process. With its server, an engine ends, too."""
        end = time.monotonic() + (LOST_SECONDS if wait else 0.0)
        while self._status is None and self._heard(max(0.0, end - time.monotonic())):
            pass
        if self._status is None and wait:
            self.kill()
        return self._status

    def _heard(self, seconds: float) -> bool:
        """Takes one message of the server's; False: none came in time."""
        if not select.select([self._talk], [], [], seconds)[0]:
            return False
        data, pidfds = b"", list[int]()
        with contextlib.suppress(OSError):
            data, pidfds, _, _ = socket.recv_fds(self._talk, MAX_MESSAGE, 1)
        said = json.loads(data) if data else {"status": -signal.SIGKILL}
        if pidfds:
            self.pid, self._pidfd = said["pid"], pidfds[0]
        self._status = said.get("status")
        return True

    def kill(self) -> None:
        """See Process. The server kills its group, and reaps it, when we hang up."""
        if self._talk.fileno() < 0:
            return
        self.status(wait=False)
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            select.select([self._pidfd], [], [], LOST_SECONDS)
            os.close(self._pidfd)
            self._pidfd = -1
        self._talk.close()
        self._status = -signal.SIGKILL if self._status is None else self._status
