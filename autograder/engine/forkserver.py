"""The fork server: imports torch once, and forks an engine from that for whoever asks.

So the lanes of a class share one import of torch and its memory. It holds what a zygote holds, torch and the code of
the student's room, and reads nothing else: every engine becomes the trusted room after its own zygote was forked.

It listens on a SOCK_SEQPACKET socket in a folder that only its own user enters. A connection is one engine:

    {"environment", "folder", "umask", "limits"} + standard input, output, error  -> {"pid"} + a pidfd
    (the engine ended)                                                            -> {"status"}, as Popen counts
    the other side hangs up: the engine and its process group are killed, and reaped

An engine stays unreaped until then, so that its number, and its group's, is nobody else's.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import struct
import sys
import tempfile
import traceback
from typing import Any

from autograder.core.policy import CHILD_LIMITS
from autograder.engine import main as engine
from autograder.sandbox import lockdown, zygote

MAX_REQUEST = 1 << 16
STREAMS = 3
MAX_DESCRIPTORS = 4096  # two for each engine, and a few
# Of /proc/PID/status: what is the same for who asks and for the server, and never for a child of the student's room.
RIGHTS = ("Uid:", "Gid:", "Cap", "NoNewPrivs:")
REQUEST_SECONDS = 5.0  # a request is sent with the connection


def main(listening: int, owner: int) -> None:
    """Serves on the socket `listening` until standard input ends, or as long as the process `owner` if it is not 0."""
    if owner:
        engine.die_with(owner)
    lockdown.prctl(lockdown.PR_SET_DUMPABLE, 0)
    zygote.warm_up(CHILD_LIMITS.device, times=16)  # 40 ms
    gc.collect()
    gc.freeze()  # a collection in an engine must not touch, and so copy, what all of them share
    Server(socket.socket(fileno=listening)).serve()


class Server:
    """The connections, and the engine of each."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._engines: dict[socket.socket, _Forked] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(0, selectors.EVENT_READ)
        self._selector.register(listener, selectors.EVENT_READ)

    def serve(self) -> None:
        """Until nobody holds the other end of standard input. Every engine dies with this process."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj == 0:
                    os._exit(0)
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket):
                    self._hung_up(key.fileobj)
                else:
                    self._ended(key.data)

    def _accept(self) -> None:
        talk, _ = self._listener.accept()
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):  # no request of ours: no engine
            if _rights(_peer(talk)) == _rights(os.getpid()) and (forked := self._fork(talk)):
                self._engines[talk] = forked
                self._selector.register(talk, selectors.EVENT_READ)
                self._selector.register(forked.pidfd, selectors.EVENT_READ, forked)
                return
        talk.close()

    def _fork(self, talk: socket.socket) -> _Forked | None:
        talk.settimeout(REQUEST_SECONDS)
        data, streams, _, _ = socket.recv_fds(talk, MAX_REQUEST, STREAMS)
        try:
            request = json.loads(data)
            if len(streams) != STREAMS or _gone(talk):
                return None
            server, pid = os.getpid(), os.fork()
            if pid == 0:
                _become_engine(request, streams, server)
        finally:
            for stream in streams:
                os.close(stream)
        forked = _Forked(pid, talk)
        with contextlib.suppress(OSError):  # who is gone by now is seen to have hung up
            socket.send_fds(talk, [json.dumps({"pid": pid}).encode()], [forked.pidfd])
        return forked

    def _hung_up(self, talk: socket.socket) -> None:
        """Nothing is ever said on a connection after its request, so that it can only have ended."""
        self._selector.unregister(talk)
        forked = self._engines.pop(talk)
        talk.close()
        forked.talk = None
        for kill in (os.killpg, os.kill):  # it may not have made a group of its own yet
            with contextlib.suppress(ProcessLookupError):
                kill(forked.pid, signal.SIGKILL)
        if forked.ended:
            os.waitpid(forked.pid, 0)

    def _ended(self, forked: _Forked) -> None:
        forked.ended = True
        self._selector.unregister(forked.pidfd)
        os.close(forked.pidfd)
        if forked.talk is None:
            os.waitpid(forked.pid, 0)
            return
        found = os.waitid(os.P_PID, forked.pid, os.WEXITED | os.WNOWAIT)
        assert found is not None
        status = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
        with contextlib.suppress(OSError):
            forked.talk.send(json.dumps({"status": status}).encode())


class _Forked:
    """An engine that is not reaped yet, and whom it was forked for; None when that one has hung up."""

    def __init__(self, pid: int, talk: socket.socket) -> None:
        self.pid, self.pidfd, self.ended = pid, os.pidfd_open(pid), False
        self.talk: socket.socket | None = talk


def _become_engine(request: dict[str, Any], streams: list[int], server: int) -> None:
    """Never returns. What an engine of its own would have been started with, and nothing of the server's."""
    try:
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(STREAMS, MAX_DESCRIPTORS)
        os.environ.clear()
        os.environ.update(request["environment"] | engine.TORCH_VARIABLES)
        os.umask(request["umask"])
        with contextlib.suppress(OSError):
            os.chdir(request["folder"])
        tempfile.tempdir = None  # it is another one here
        lockdown.prctl(lockdown.PR_SET_DUMPABLE, 1)  # until the zygote is forked, which needs files of its own in /proc
        engine.die_with(server)
        engine.serve(request["limits"])
    except BaseException:
        traceback.print_exc(file=sys.stderr)
    finally:
        os._exit(1)


def _peer(talk: socket.socket) -> int:
    """The process at the other end, by the kernel's word; 0 where it has no number here."""
    pid, _, _ = struct.unpack("3i", talk.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(pid)


def _rights(pid: int) -> list[str]:
    """Identity and rights of a process. A child of the student's room, whoever its user is, may gain no privileges.

    Raises OSError where it cannot be looked at.
    """
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        return [line for line in status if line.startswith(RIGHTS)]


def _gone(talk: socket.socket) -> bool:
    """Whether the other end was closed while torch was imported."""
    talk.setblocking(False)
    try:
        return talk.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
