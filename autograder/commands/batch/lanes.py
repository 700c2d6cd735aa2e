"""Several lanes side by side: each gets the next submission when it has finished one; a lane that dies is replaced.

Why separate: it knows processes and no file of the class. A submission whose lane died is graded again, once, in a new
one, and then reported without a score: it costs the others nothing.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

import msgspec

from autograder.commands.batch.lane import WORTH_A_REHEARSAL, done
from autograder.commands.batch.record import Done, Stopped, Task, answer_decoder, encode
from autograder.core import errors
from autograder.grading import FAULT, GRACE_SECONDS, Options, forkserver
from autograder.grading.supervisor import ROOT, shared
from autograder.report import results

# Memory of one lane's processes, MB: supervisor, engine, zygote and children take 380 at most with CPU torch
# (`benchmarks/speed.py`). What a child may take beyond torch is seldom taken. Lanes that share a fork server have torch
# once: measured on the examples (sum of what each process has alone, its share of the rest), two take 46 MB more than
# one, four 302 more.
LANE_MB = 450
FURTHER_LANE_MB = 200

# Seconds that a lane may need beyond a submission's own time: to read it (20 s at most), to write its page, to import
# torch anew after an engine died. After that it hangs, by a fault of ours.
BEYOND = 60.0

# A lane ends in 0.1 s here when it is asked to; then it is killed.
ORDERLY_SECONDS = 5.0

_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from autograder.commands.batch.lane import main; main(*sys.argv[2:])"
)

_ERRORS = {kind.__name__: kind for kind in (errors.UsageError, errors.WeakIsolation)}

Watch = Callable[[dict[str, float]], None]  # what is being graded, and for how many seconds


def sensible() -> int:
    """How many lanes this machine has cores and memory for."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    further = (_available_mb() - LANE_MB) // (FURTHER_LANE_MB if forkserver.possible() else LANE_MB)
    return max(1, min(cores, 1 + int(further)))


def _available_mb() -> float:
    """Memory that may still be taken, by the machine's account and by the container's."""
    found = []
    with contextlib.suppress(OSError, ValueError, IndexError):
        [line] = [line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable")]
        found.append(int(line.split()[1]) / 1024)
    with contextlib.suppress(OSError, ValueError):
        taken = int(Path("/sys/fs/cgroup/memory.current").read_text())
        found.append((int(Path("/sys/fs/cgroup/memory.max").read_text()) - taken) / 2**20)
    return min(found, default=1e6)


def run(
    tasks: Sequence[Task], options: Options, jobs: int, watch: Watch = lambda now: None
) -> Generator[Done, None, None]:
    """What became of each task, in the order in which they finish. Closed early, it ends every lane.

    Raises UsageError or WeakIsolation when the command cannot be carried out as given.
    """
    count = min(jobs, len(tasks))
    many = len(tasks) >= WORTH_A_REHEARSAL * count
    with shared(count) as served, contextlib.ExitStack() as last:
        lanes = [Lane(options, os.environ | served, rehearse=many) for _ in range(count)]
        last.callback(_end, lanes)
        todo, strikes = deque(tasks), dict.fromkeys((task.id for task in tasks), 0)
        fit = False  # whether anything was graded: the command and the machine are as they must be
        while todo or any(lane.task for lane in lanes):
            for lane in lanes:
                if lane.task is None and todo:
                    lane.give(todo.popleft())
            watch({lane.task.id: time.monotonic() - lane.since for lane in lanes if lane.task})
            for lane in _spoke(lanes):
                task, answer = lane.task, lane.answer()
                if isinstance(answer, Stopped):
                    if not fit:
                        raise _ERRORS.get(answer.kind, errors.GraderFault)(answer.text)
                    answer = answer.text  # it was fit a moment ago: only this submission is left out
                if isinstance(answer, Done):
                    fit = True
                    yield answer
                elif answer is not None and task is not None:
                    lanes[lanes.index(lane)] = Lane(options, os.environ | served)
                    lane.kill()
                    strikes[task.id] += 1
                    if strikes[task.id] == 1:
                        todo.appendleft(task)
                    else:
                        yield done(task, results.failure(FAULT, staff=answer))


def _end(lanes: Sequence[Lane]) -> None:
    for lane in lanes:
        lane.ask_to_end()
    for lane in lanes:
        lane.kill(ORDERLY_SECONDS)


def _spoke(lanes: Sequence[Lane]) -> list[Lane]:
    """The lanes that said something, ended, or are late; waits for half a second at most."""
    with selectors.DefaultSelector() as selector:
        for lane in lanes:
            if lane.task is not None:
                selector.register(lane.stream, selectors.EVENT_READ, lane)
        spoke = [key.data for key, _ in selector.select(0.5)]
    return spoke + [lane for lane in lanes if lane.late and lane not in spoke]


class Lane:
    """One lane's process, and the task that it has. `environment`: other variables than this process's own."""

    orderly = ORDERLY_SECONDS

    def __init__(
        self, options: Options, environment: Mapping[str, str] | None = None, *, rehearse: bool = False
    ) -> None:
        command = [sys.executable, "-X", "utf8", "-c", _START, str(ROOT), *(["rehearse"] if rehearse else [])]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True, env=environment)
        assert self._process.stdout is not None
        self.stream = self._process.stdout.fileno()
        os.set_blocking(self.stream, False)
        self._buffer = bytearray()
        self._patience = options.seconds + GRACE_SECONDS + BEYOND
        self.task: Task | None = None
        self.since = 0.0
        self._write(encode(options))

    def _write(self, text: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # a dead lane is noticed when it does not answer
            self._process.stdin.write(text + b"\n")
            self._process.stdin.flush()

    def give(self, task: Task) -> None:
        """Its next task."""
        self.task, self.since = task, time.monotonic()
        self._write(encode(task))

    @property
    def late(self) -> bool:
        """Whether it should have answered long ago."""
        return self.task is not None and time.monotonic() - self.since > self._patience

    def wait(self) -> Done | Stopped | str:
        """What became of its task, when it is known; for who has one lane and nothing else to do."""
        while True:
            with selectors.DefaultSelector() as selector:
                selector.register(self.stream, selectors.EVENT_READ)
                heard = selector.select(0.5)
            if (heard or self.late) and (said := self.answer()) is not None:
                return said

    def answer(self) -> Done | Stopped | str | None:
        """What became of its task: a text says why nothing did; None when it has not said all of it yet."""
        if self.late:
            return f"the process that graded it did not answer for {self._patience:g} s"
        try:
            data = os.read(self.stream, 1 << 20)
        except BlockingIOError:
            return None
        if not data:
            return "the process that graded it ended before it answered; its messages are on stderr"
        self._buffer += data
        if not data.endswith(b"\n"):
            return None
        text, self._buffer = bytes(self._buffer), bytearray()
        try:
            said: Done | Stopped = answer_decoder.decode(text)
        except msgspec.MsgspecError as error:
            return f"the process that graded it said something unreadable: {error}"
        if isinstance(said, Done):
            self.task = None
        return said

    def ask_to_end(self) -> None:
        """It ends its engine, and then itself: at once where it has a task, else because nothing will come any more."""
        if self.task is not None:
            self._process.terminate()  # of a child not waited for yet, so the number is its own
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def kill(self, seconds: float = 0.0) -> None:
        """Ends it for certain, with everything below it, after waiting for its own end for so long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        if self._process.poll() is None:
            self._process.kill()  # its engine dies with it, and everything with that
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
