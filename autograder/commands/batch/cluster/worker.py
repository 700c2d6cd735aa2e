"""What runs in a Dask worker: it hands a submission to a lane, as the class's own process does, and brings the answer.

Why separate: the worker's process has threads and an event loop, in which nothing may be forked, and Dask may replace
it at any time. So it grades nothing itself; a lane is a process of its own, which ends when its worker is gone. Lanes
stay from one submission to the next, one for each of the worker's threads, with a warm engine each.
"""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Any

import msgspec

from autograder.commands.batch import record
from autograder.commands.batch.cluster import packing, sides
from autograder.commands.batch.lane import done
from autograder.commands.batch.lanes import Lane
from autograder.commands.batch.record import Done, Stopped, Task
from autograder.grading import FAULT
from autograder.report import results
from autograder.sandbox import scratch

UNFIT = "unfit"  # the kind of a `Stopped` from a worker that must not grade for this class


class Setting(msgspec.Struct, frozen=True):
    """What is the same for all submissions of one run."""

    run: str
    options: bytes  # as JSON
    environment: dict[str, str]
    side: sides.Side  # of the machine where the class lies


class Desk:
    """The lanes of one worker for one run."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._lock = threading.Lock()
        self._idle: list[Lane] = []
        self._side: sides.Side | None = None
        self._closed = False

    def unfit(self) -> str:
        """Why this worker must not grade for that class, found out once; empty when it may."""
        with self._lock:
            if self._side is None:
                self._side = sides.ask(self._setting.options, self._setting.environment)
        return sides.unfit(self._setting.side, self._side)

    def grade(self, task: Task, packed: bytes) -> Done | Stopped:
        """The submission's `Done`, wherever it lies over there; `Stopped` when this worker is not fit to grade it."""
        if why := self.unfit():
            return Stopped(why, UNFIT)
        folder = tempfile.mkdtemp(prefix="autograder-")
        try:
            return self._graded(msgspec.structs.replace(task, path=str(packing.unpack(packed, Path(folder)))))
        finally:
            scratch.remove(folder)

    def _graded(self, task: Task) -> Done | Stopped:
        said: Done | Stopped | str = ""
        for _ in range(2):  # as everywhere: again, once, when a process of ours died over it
            lane = self._take()
            lane.give(task)
            said = lane.wait()
            if isinstance(said, Done):
                self._put_back(lane)
                return said
            lane.kill()
            if isinstance(said, Stopped):
                return said
        return done(task, results.failure(FAULT, staff=str(said)))

    def _take(self) -> Lane:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        options = record.options_decoder.decode(self._setting.options)
        return Lane(options, sides.with_variables(self._setting.environment))

    def _put_back(self, lane: Lane) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(lane)
                return
        lane.kill()

    def close(self) -> None:
        """Ends the lanes: those that have nothing to do now, the others when they have finished."""
        with self._lock:
            self._closed, idle, self._idle = True, self._idle, []
        for lane in idle:
            lane.ask_to_end()
        for lane in idle:
            lane.kill(lane.orderly)


def _desk(setting: bytes) -> tuple[str, Desk]:
    """This worker's address, and its desk for that run."""
    from distributed import get_worker

    worker: Any = get_worker()
    chosen = msgspec.json.decode(setting, type=Setting)
    return worker.address, _desks(worker).setdefault(chosen.run, Desk(chosen))


def _desks(worker: Any) -> dict[str, Desk]:
    """By run: they live as long as Dask's own object for the worker does."""
    desks: dict[str, Desk] = worker.__dict__.setdefault("autograder_desks", {})
    return desks


def graded(setting: bytes, task: bytes, packed: bytes) -> tuple[str, bytes]:
    """The one task that a cluster is given: (the worker's address, what became of the submission as JSON)."""
    address, desk = _desk(setting)
    return address, record.encode(desk.grade(record.task_decoder.decode(task), packed))


def unfit(setting: bytes) -> str:
    """Why this worker must not grade for that class; empty when it may. Asked of all workers before the first task."""
    return _desk(setting)[1].unfit()


def close(run: str, dask_worker: Any = None) -> None:
    """Ends what this worker holds for that run. Dask calls it in the worker's event loop, which must not wait."""
    if desk := _desks(dask_worker).pop(run, None):
        threading.Thread(target=desk.close).start()
