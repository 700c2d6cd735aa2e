"""A conversation with one child, seen from the trusted side: ask, wait with a deadline, end it for certain.

The child may lie, stall, vanish or flood us; each of these is an `Exit`, carried by `Ended`. The deadline covers the
whole conversation and is enforced from here by killing, never by asking.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TypeVar

import msgspec
from torch import Tensor

from autograder.core.records import Exit, ExitKind, Limits
from autograder.sandbox import taken, wire
from autograder.sandbox.zygote import Zygote
from autograder.student_room import frames

T = TypeVar("T")

# How a child ended that somebody else killed. OUT_OF_MEMORY: while the kernel was taking processes for want of memory,
# and so before the child had what we promise it, for what is more than that its own limit refuses to it.
BY_THE_SYSTEM = "ended by the system"
OUT_OF_MEMORY = "the machine ran out of memory"
PROCESSOR_TIME = "processor time"  # its limit is for the whole life of a child, not for one conversation

# How many times its seconds a conversation may take where the machine is busy: in a container with half of a core twice
# as many, with a neighbour or two as many more. A child with many processes keeps itself waiting, and gets no more.
BUSY = 4.0
LITTLE_SECONDS = 0.05  # what anybody waits, and no more than a few times the answer to the question takes


class Ended(Exception):
    """The conversation is over before it gave what was asked. `exit` says how."""

    def __init__(self, exit: Exit) -> None:
        super().__init__(f"{exit.kind.value}: {exit.error} {exit.detail}".strip())
        self.exit = exit


class Room:
    """One child: `with Room(zygote, limits) as room: room.ask(...)`. On leaving, the child is dead and reaped."""

    def __init__(self, zygote: Zygote, limits: Limits, before: int | None = None) -> None:
        """`before`: what `taken.count` said earlier; None: now."""
        self._zygote = zygote
        self.limits = limits
        self._taken = taken.count() if before is None else before
        self._reader = frames.FrameReader(limits.tensor_mb << 20)
        self._output = bytearray()
        self._selector = selectors.DefaultSelector()
        self._deadline = 0.0
        self._begun = 0.0
        self._latest = 0.0  # however long it has waited for a core
        self._forgiven = 0.0  # of what it has waited for a core
        self._pid = 0
        self._well = True
        self._waiting: list[wire.Step] = []
        self.tripped: set[str] = set()  # ready-made attention that ran in there: advisory, see tripwires

    def __enter__(self) -> Room:
        try:
            self._pid, self._connection, self._pipe = self._zygote.fork()
        except (OSError, ConnectionError, ValueError) as error:
            raise Ended(Exit(ExitKind.GRADER, detail=f"no child could be started: {error}")) from None
        self._begun = time.monotonic()
        self._set_deadline(self.limits)
        self._connection.setblocking(False)
        os.set_blocking(self._pipe, False)
        self._selector.register(self._connection, selectors.EVENT_READ, "reply")
        self._selector.register(self._pipe, selectors.EVENT_READ, "output")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pid, self._pid = self._pid, 0
        try:
            self.hear()
            if pid:
                self._with_zygote(lambda: self._zygote.end(pid))
        finally:
            self._connection.close()
            os.close(self._pipe)
            self._selector.close()

    def _set_deadline(self, limits: Limits) -> None:
        now = time.monotonic()
        self._deadline = now + limits.seconds
        self._latest = now + min(limits.most_seconds, BUSY * limits.seconds)

    def allow(self, seconds: float) -> None:
        """From now on the conversation has this long, in the place of what was left: for a run, request by request."""
        self._deadline = time.monotonic() + seconds
        self.limits = msgspec.structs.replace(self.limits, seconds=seconds)

    @property
    def well(self) -> bool:
        """Whether the child may hold another conversation: it answered everything, and has used little of its time.

        The limit on processor time is for its whole life, so that one who is slow but right gets a fresh child.
        """
        return self._well and time.monotonic() - self._begun < self.limits.seconds

    def renew(self, limits: Limits) -> bool:
        """Begins another conversation with the same child. False: it spoke unasked, or is gone; end it."""
        self.hear()
        if any(key.data == "reply" for key, _ in self._selector.select(0)) or not self._reader.empty:
            return False
        self.limits, self._reader = limits, frames.FrameReader(limits.tensor_mb << 20)
        self._output.clear()
        self._waiting.clear()
        self.tripped = set()
        self._set_deadline(limits)
        return True

    @property
    def output(self) -> str:
        """What the student's code printed so far, capped."""
        return bytes(self._output).decode("utf-8", "replace")

    def later(self, op: str, fields: Mapping[str, object], tensors: Sequence[Tensor] = ()) -> None:
        """A step that has no answer of its own: it is sent along with the next request, and done before it.

        Waiting for an answer costs more than most steps do. What was not sent when the conversation ends is dropped.
        """
        self._waiting.append(wire.step(op, fields, tensors))

    @property
    def waiting(self) -> int:
        """Bytes of tensors that will be sent along."""
        return sum(len(each.body) for each in self._waiting)

    def ask(
        self, op: str, fields: Mapping[str, object], tensors: Sequence[Tensor] = ()
    ) -> tuple[wire.Reply, list[Tensor]]:
        """One request, one reply of status "ok". Raises Ended on everything else."""
        well, self._well = self._well, False
        before, self._waiting = self._waiting, []
        self._send(wire.request(wire.step(op, fields, tensors), before))
        try:
            header, body = self._receive()
            reply, answers = wire.reply(header, body)
            self.tripped.update(reply.tripped)
        except (frames.FrameError, wire.ProtocolError) as error:
            raise Ended(Exit(ExitKind.PROTOCOL, detail=str(error))) from None
        if reply.status == "ok":
            self._well = well
            return reply, answers
        kind = ExitKind.MEMORY if reply.status == "memory" else ExitKind.RAISED
        error_name = "returned" if reply.status == "returned" else reply.error
        raise Ended(Exit(kind, error_name, reply.detail, reply.line, reply.function, reply.part, reply.early))

    def _send(self, data: bytes) -> None:
        """Sends everything; reads what comes meanwhile, so that neither side waits for the other for ever."""
        view = memoryview(data)
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            view = view[self._connection.send(view) :]  # most requests fit at once; what does not is seen to below
        if not view:
            return
        self._selector.modify(self._connection, selectors.EVENT_READ | selectors.EVENT_WRITE, "reply")
        try:
            while view:
                for key, events in self._wait():
                    if key.data == "output":
                        self._drain()
                    elif events & selectors.EVENT_WRITE:
                        view = view[self._connection.send(view) :]
        except (BrokenPipeError, ConnectionResetError):
            raise Ended(self._ended_by_itself()) from None
        finally:
            self._selector.modify(self._connection, selectors.EVENT_READ, "reply")

    def _receive(self) -> tuple[bytes, bytes]:
        while True:
            frame = self._reader.next_frame()
            if frame is not None:
                return frame
            for key, _ in self._wait():
                if key.data == "output":
                    self._drain()
                    continue
                try:
                    data = self._connection.recv(1 << 18)
                except ConnectionResetError:
                    data = b""
                if not data:
                    raise Ended(self._ended_by_itself())
                self._reader.feed(data)

    def _wait(self) -> list[tuple[selectors.SelectorKey, int]]:
        while True:
            left = self._deadline - time.monotonic()
            if left > 0 and (events := self._selector.select(left)):
                return events
            if not self._prolonged():
                raise Ended(Exit(ExitKind.TIMEOUT, detail=f"{round(self.limits.seconds, 1):g} s"))

    def _prolonged(self) -> bool:
        """Whether it is given the time back in which it waited for a core: that a machine is busy is not its fault."""
        if time.monotonic() >= self._latest:
            return False
        waited = self._with_zygote(lambda: self._zygote.waited(self._pid))
        back, self._forgiven = min(waited - self._forgiven, self.limits.seconds), waited
        self._deadline = min(self._deadline + back, self._latest)
        return back > LITTLE_SECONDS

    def _drain(self) -> None:
        """Takes what was printed, keeps the first part: printing much costs a correct solution nothing."""
        try:
            data = os.read(self._pipe, 1 << 16)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(self._pipe)
        room = (self.limits.output_kb << 10) - len(self._output)
        self._output += data[: max(0, room)]

    def _ended_by_itself(self) -> Exit:
        self.hear()
        pid, self._pid = self._pid, 0
        status, alive, overdrawn = self._with_zygote(lambda: self._zygote.reap(pid))
        if overdrawn:
            return Exit(ExitKind.DISK, detail=overdrawn)
        if alive:
            return Exit(ExitKind.VANISHED, detail="it closed its connection")
        if not os.WIFSIGNALED(status):
            return Exit(ExitKind.VANISHED, detail=f"exit status {os.WEXITSTATUS(status)}")
        name = signal.Signals(os.WTERMSIG(status)).name
        if name == "SIGXCPU":
            return Exit(ExitKind.TIMEOUT, detail=PROCESSOR_TIME)
        if name == "SIGKILL":  # not from us: the kernel took it, being out of memory
            short = taken.count() > self._taken
            by = OUT_OF_MEMORY if short else BY_THE_SYSTEM
            return Exit(ExitKind.MEMORY, detail=by, by=by)
        return Exit(ExitKind.KILLED, detail=name)

    def _with_zygote(self, order: Callable[[], T]) -> T:
        try:
            return order()
        except (OSError, ConnectionError, ValueError) as error:
            raise Ended(Exit(ExitKind.GRADER, detail=f"the child could not be ended: {error}")) from None

    def hear(self) -> None:
        """Takes what was printed and is still in the pipe."""
        while "output" in {key.data for key in self._selector.get_map().values()} and self._readable_now():
            self._drain()

    def _readable_now(self) -> bool:
        ready = [key.data for key, _ in self._selector.select(0)]
        return "output" in ready and len(self._output) < self.limits.output_kb << 10
