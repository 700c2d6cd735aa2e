"""The zygote: holds torch and nothing else, and forks one child per conversation.

It is forked from the engine before anything secret is read, with an empty environment. Orders come over one socket:

    {"op": "fork"}           -> {"pid"} + descriptors (connection, output): a child, locked down and waiting
    {"op": "end", "pid"}     (no answer) kills the child and whatever it started
    {"op": "reap", "pid"}    -> {"status", "alive", "overdrawn"}: the same, and how it had ended, if it was not still
                                alive; `overdrawn`: what it kept too much of on disk, and was ended for
    {"op": "waited", "pid"}  -> {"seconds"}: how long the child was ready to run, and had no core

Orders are lines of JSON, answers single messages. One child is always forked ahead, so that nobody waits for a fork.
Children are killed, never asked: a child does not decide when it ends. Whatever it started and left behind becomes a
child of the zygote (subreaper) and dies with it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import torch

from autograder.core.records import Limits
from autograder.sandbox import devices, leases, lockdown, namespaces, quota, readable, reaping, scratch, seccomp
from autograder.student_room import probe, stand_ins, state, tripwires, warm, worker

MAX_MESSAGE = 4096
END_SECONDS = 5.0  # killing and reaping a child and ten thousand orphans takes less
CLOSE_SECONDS = 2.0  # killing and reaping one spare child takes a few milliseconds

START_SECONDS = 10.0  # to get inside namespaces takes 2 ms; then it is tried without

# The slowest answer comes after two children were ended, one by an order before it; the rest is for a busy machine.
ANSWER_SECONDS = 3 * END_SECONDS


class Zygote:
    """The engine's handle on the zygote process.

    Every order and answer has a deadline. After one that failed the zygote is `lost`: dead, stalled, or about to answer
    what is no longer asked. Nothing more is asked of it, and whoever grades with it starts afresh.
    """

    def __init__(self, pid: int, control: socket.socket, apart: bool = False) -> None:
        self.pid = pid
        self.apart = apart  # it is the first process of namespaces of its own; `pid` is then the one that waits outside
        self.lost = False
        self._control = control
        self._control.settimeout(ANSWER_SECONDS)
        self._ended = False

    def fork(self) -> tuple[int, socket.socket, int]:
        """A fresh child: (pid, our end of its connection, the pipe that its output comes from)."""
        with self._kept():
            self._order("fork")
            data, fds, _, _ = socket.recv_fds(self._control, MAX_MESSAGE, 2)
            return int(_decoded(data)["pid"]), socket.socket(fileno=fds[0]), fds[1]

    def end(self, pid: int) -> None:
        """Kills the child and all it started. Done before the next order is."""
        with self._kept():
            self._order("end", pid)

    def reap(self, pid: int) -> tuple[int, bool, str]:
        """Kills the child and all it started; (its wait status, whether it was alive until now, what it overdrew)."""
        with self._kept():
            self._order("reap", pid)
            answer = _decoded(self._control.recv(MAX_MESSAGE))
            return int(answer["status"]), bool(answer["alive"]), str(answer["overdrawn"])

    def waited(self, pid: int) -> float:
        """Seconds of its life in which the child was ready to run, and the machine, or its share of it, had no core."""
        with self._kept():
            self._order("waited", pid)
            return float(_decoded(self._control.recv(MAX_MESSAGE))["seconds"])

    def _order(self, op: str, pid: int = 0) -> None:
        self._control.sendall(json.dumps({"op": op, "pid": pid}).encode() + b"\n")

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        """One order and its answer. Raises ConnectionError when it fails, and at once when one has failed before."""
        if self.lost:
            raise ConnectionError("the zygote was lost")
        try:
            yield
        except TimeoutError:
            self.lost = True
            raise ConnectionError(f"the zygote has not answered for {ANSWER_SECONDS:g} s") from None
        except (OSError, ValueError, LookupError, TypeError) as error:
            self.lost = True
            raise ConnectionError(f"the zygote is gone: {error}") from None

    def close(self) -> None:
        """Ends the zygote and whatever it still holds: in order when it can, by force when not. Twice is once."""
        self._control.close()
        if self._ended:
            return
        self._ended = True
        deadline = time.monotonic() + CLOSE_SECONDS
        while time.monotonic() < deadline:
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                return
            time.sleep(0.002)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def _decoded(data: bytes) -> dict[str, Any]:
    if not data:
        raise ConnectionError("it hung up")
    answer: dict[str, Any] = json.loads(data)
    return answer


def start(limits: Limits) -> Zygote:
    """Forks the zygote from this process. Call it right after `import torch`, before anything secret is read."""
    started = (namespaces.possible() and _started(limits, True)) or _started(limits, False)
    assert started
    lockdown.prctl(lockdown.PR_SET_DUMPABLE, 0)
    return started


def _started(limits: Limits, apart: bool) -> Zygote | None:
    """The zygote, `apart` in namespaces of its own, or None where these are refused."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            lockdown.prctl(lockdown.PR_SET_PDEATHSIG, lockdown.SIGKILL)
            if not apart or namespaces.enter(theirs):
                Nursery(theirs, limits).serve()
        finally:
            os._exit(0)
    theirs.close()
    ours.settimeout(START_SECONDS)
    with contextlib.suppress(OSError):
        if not apart or namespaces.entered(ours):
            return Zygote(pid, ours, apart)
    ours.close()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def warm_up(device: str = "cpu", times: int = 1) -> None:
    """A whole conversation, forward and backward, so that no child pays for torch's own first-use set-up.

    `times`: for many children, so often that bytecode is specialised (after 8 calls), and no child copies it to do so.
    The first backward starts a thread for every accelerator that torch sees, and asks the driver for them: after that
    no child could go backward at all, or use a GPU. So the children of a CPU see none; for others there is no backward.
    """
    torch.set_num_threads(1)
    alone = devices.hide() if device == "cpu" else False
    x = torch.ones(2, 3, 4)
    for _ in range(times):
        talk = worker.Conversation(1 << 20)
        talk.start(warm.PROGRAM, "Warm", ["SingleHeadAttention", "Attention", "ViT"], 1)
        talk.build({"dim": 4}, 1)
        for train in (False, True):
            talk.forward(x.clone(), torch.ones(2, 3, 6), train=train, grad=alone, seed=1)
        talk.forward(x.clone(), train=False, grad=False, seed=1)
    probe.mix(x, 0, 0, 3)
    with contextlib.suppress(ImportError):  # what the notebook of the course imports, so most programs do
        importlib.import_module("einops").rearrange(x, "a (b c) d -> a b c d", c=1)


class Nursery:
    """The zygote's own side: the spare child, and the scratch folder of every child that lives."""

    def __init__(self, control: socket.socket, limits: Limits) -> None:
        _settle(control)
        self.control = control
        self.limits = limits
        roots = readable.interpreter_roots()
        doors = readable.open_doors(roots) if lockdown.student_ids(0) else {}
        readable.go_through(doors)
        readable.forget_checkout(doors)
        self.allowed = [doors.get(root, root) for root in roots] + list(readable.SYSTEM)
        self.calls = seccomp.prepared(limits.device)
        self.wires = tripwires.arm()
        worker.prepare()
        stand_ins.put()
        self.changed = state.remember()
        self.scratch: dict[int, str] = {}
        self.leases: dict[int, int] = {}  # the lock of each child's uid
        self.overdrawn: dict[int, str] = {}  # what a child was killed for
        gc.collect()
        gc.freeze()  # a collection in a child must not touch, and so copy, all of torch's objects

    def serve(self) -> None:
        """Answers orders until the engine hangs up; then nothing of the students' is left."""
        spare = self._child()
        for line in quota.lines(self.control, self._look):
            order = json.loads(line)
            if order["op"] == "fork":
                pid, connection, output = spare
                socket.send_fds(self.control, [json.dumps({"pid": pid}).encode()], [connection.fileno(), output])
                connection.close()
                os.close(output)
                spare = self._child()
                continue
            if order["op"] == "waited":
                self.control.send(json.dumps({"seconds": reaping.waited(order["pid"])}).encode())
                continue
            alive = order["op"] == "reap" and reaping.alive(order["pid"])
            status, overdrawn = self._end(order["pid"])
            if order["op"] == "reap":
                answer = {"status": status, "alive": alive, "overdrawn": overdrawn}
                self.control.send(json.dumps(answer).encode())
        for pid in list(self.scratch):
            self._end(pid)

    def _look(self) -> None:
        """Kills every child that keeps more on disk than it may; it is ended when its conversation is."""
        for pid, folder in self.scratch.items():
            if pid not in self.overdrawn and (what := quota.overdrawn(folder, self.limits.scratch_mb << 20)):
                reaping.kill(pid)
                self.overdrawn[pid] = what

    def _child(self) -> tuple[int, socket.socket, int]:
        ours, theirs = socket.socketpair()
        pipe, output = os.pipe()
        folder = tempfile.mkdtemp(prefix="room-")
        ids, lease = leases.take(lockdown.student_ids, int.from_bytes(os.urandom(2), "big"))
        pid = os.fork()
        if pid == 0:
            self._become_child(theirs, output, folder, ids)
        theirs.close()
        os.close(output)
        self.scratch[pid], self.leases[pid] = folder, lease
        return pid, ours, pipe

    def _become_child(self, connection: socket.socket, output: int, folder: str, ids: leases.Ids) -> None:
        """Never returns: whatever happens in here ends in os._exit, without interpreter shutdown."""
        try:
            connection = lockdown.lock_down(connection, output, folder, self.limits, self.allowed, ids, self.calls)
            worker.serve(connection, self.limits.tensor_mb << 20, self.wires.tripped, self._unfit)
        finally:
            os._exit(0)

    def _unfit(self) -> bool:
        """Whether this child is not as it was: a file in its folder, where it is, would tell of this conversation."""
        return self.changed() or scratch.holds_anything(".")

    def _end(self, pid: int) -> tuple[int, str]:
        """Kills and reaps a child of ours and whatever it left behind; (its wait status, what it overdrew)."""
        if pid not in self.scratch:  # ended already: its number may be a stranger's by now
            return 0, ""
        deadline, statuses = time.monotonic() + END_SECONDS, dict[int, int]()
        others = set(self.scratch) - {pid}
        # All are killed before any is waited for: one that traces another keeps it from being reaped.
        while (left := ({pid} | reaping.children()) - others - set(statuses)) and time.monotonic() < deadline:
            for each in left:
                reaping.kill(each)
            for each in left:
                if (status := reaping.reaped(each)) is not None:
                    statuses[each] = status
        if left:
            raise TimeoutError("a child, or what it started, could not be ended")  # ends the zygote and what it holds
        scratch.remove(self.scratch.pop(pid))
        if (lease := self.leases.pop(pid)) >= 0:
            os.close(lease)
        return statuses[pid], self.overdrawn.pop(pid, "")


def _settle(control: socket.socket) -> None:
    """Leaves behind everything of the engine's: descriptors, signals, environment."""
    lockdown.prctl(lockdown.PR_SET_PDEATHSIG, lockdown.SIGKILL)
    lockdown.prctl(lockdown.PR_SET_CHILD_SUBREAPER, 1)
    lockdown.prctl(lockdown.PR_SET_DUMPABLE, 0)
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.closerange(3, control.fileno())
    os.closerange(control.fileno() + 1, 1024)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal is the supervisor's to handle
