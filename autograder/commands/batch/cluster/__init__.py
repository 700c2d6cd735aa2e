"""A class on many machines: each submission is one task of a Dask cluster, bytes go out and JSON comes back.

Why separate: Dask is named in this folder alone, and only when it is asked for. What is graded, how, and what is
written is the same as on one machine; no disk is shared. A cluster that is lost loses nothing that came back.
"""

from __future__ import annotations

import queue
import secrets
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from autograder.commands.batch import lanes, record
from autograder.commands.batch.cluster import packing, places, sides, worker
from autograder.commands.batch.cluster.places import Place
from autograder.commands.batch.lane import done
from autograder.commands.batch.record import Done, Stopped, Task
from autograder.core.errors import ClusterLost, UsageError, WeakIsolation
from autograder.grading import FAULT, Options
from autograder.report import results, seal

# Dask's, which is imported only when it is asked for.
Client: TypeAlias = Any
Future: TypeAlias = Any

AHEAD = 2  # tasks under way for each thread: one at work, one waiting beside it
RETRIES = 2  # of a task that an error of ours or the network ended. What dies with its worker, Dask repeats itself
TRIES = 4  # of a submission that unfit workers sent back
LOOK_SECONDS = 2.0  # between two looks at who is there

Say = Callable[[str], None]


def run(
    tasks: Sequence[Task], options: Options, place: Place, say: Say, watch: lanes.Watch = lambda now: None
) -> Generator[Done, None, None]:
    """As `lanes.run`, on the workers of `place`. `say` is told where the dashboard is, and what staff should know.

    Raises UsageError when no worker may grade this class, ClusterLost when the scheduler or all workers are lost.
    """
    if not tasks:
        return
    setting = _setting(options)
    with places.client(place) as client:
        threads = _agreed(client, place, setting, say)
        flow = _Flow(client, place, setting, threads, say)
        try:
            yield from flow.graded(tasks, watch)
        finally:
            flow.end()
    if flow.here:
        say(f"{len(flow.here)} too large to be sent, or not readable: graded on this machine")
        yield from lanes.run(flow.here, options, 1, watch)


def _setting(options: Options) -> worker.Setting:
    whole = msgspec.structs.replace(options, tests=options.tests and options.tests.resolve())
    encoded, chosen = record.encode(whole), sides.environment()
    side = sides.ask(encoded, chosen)
    if problem := side.get(sides.PROBLEM):
        raise UsageError(problem)
    return worker.Setting(secrets.token_hex(8), encoded, chosen, side)


def _agreed(client: Client, place: Place, setting: worker.Setting, say: Say) -> dict[str, int]:
    """The workers that may grade for this class. Raises UsageError when one that is there may not, and names it."""
    say(f"Dask's scheduler is {client.scheduler.address}; its dashboard is {client.dashboard_link}")
    if place.queued:
        say(f"waiting for the first of {place.jobs or 1} jobs of {place.scheduler}")
    threads = places.wait_for_workers(client, place)
    text = msgspec.json.encode(setting)
    asked = {
        address: client.submit(worker.unfit, text, workers=[address], pure=False, retries=0) for address in threads
    }
    unfit = {address: why for address, future in asked.items() if (why := _why(future))}
    if unfit:
        named = "".join(f"\n  {address}: {why}" for address, why in sorted(unfit.items())[:5])
        count = f"{len(unfit)} of {len(threads)} workers"
        raise UsageError(
            f"{count} would not grade as this machine does, so nothing was graded:{named}\n"
            "Give them this project as it lies here, and the same environment; or end them."
        )
    return threads


def _why(future: Future) -> str:
    try:
        return str(future.result(timeout=3 * sides.START_SECONDS))
    except Exception as error:  # whatever its environment makes of the question: it did not answer it
        return f"this project cannot be run there ({type(error).__name__}: {error})"


class _Flow:
    """The submissions on their way: never more than the workers need, for all that is under way lies in memory."""

    def __init__(
        self, client: Client, place: Place, setting: worker.Setting, threads: dict[str, int], say: Say
    ) -> None:
        self._client, self._place, self._threads, self._say = client, place, threads, say
        self._run, self._setting = setting.run, msgspec.json.encode(setting)
        self._finished: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._flying: dict[str, tuple[Task, Future]] = {}
        self._unfit: set[str] = set()
        self._tries: dict[str, int] = {}
        self._looked = self._seen = time.monotonic()
        self.here: list[Task] = []  # to be graded on this machine

    def graded(self, tasks: Sequence[Task], watch: lanes.Watch) -> Generator[Done, None, None]:
        """What became of each task that can be sent, as they finish."""
        todo = deque(tasks)
        while todo or self._flying:
            while todo and len(self._flying) < AHEAD * max(1, sum(self._threads.values())):
                self._send(todo.popleft())
            watch({})
            try:
                future = self._finished.get(timeout=0.5) if self._flying else None
            except queue.Empty:
                future = None
            self._look()
            if future is not None and (flown := self._flying.pop(future.key, None)):
                said = self._said(flown[0], future)
                if isinstance(said, Done):
                    yield said
                else:
                    todo.appendleft(flown[0])

    def _send(self, task: Task) -> None:
        data = packing.packed(Path(task.path))
        if data is None:
            self.here.append(task)
            return
        count = self._tries[task.id] = self._tries.get(task.id, 0) + 1
        how: dict[str, Any] = {"resources": self._place.needs} if self._place.needs else {}
        if self._unfit and (fit := [address for address in self._threads if address not in self._unfit]):
            how |= {"workers": fit, "allow_other_workers": True}
        key = f"grade-{self._run}-{len(self._tries)}-{count}"
        future = self._client.submit(
            worker.graded, self._setting, record.encode(task), data, key=key, pure=False, retries=RETRIES, **how
        )
        self._flying[key] = task, future
        future.add_done_callback(self._finished.put)

    def _said(self, task: Task, future: Future) -> Done | None:
        """What became of it; None: it has to be sent once more."""
        try:
            address, text = future.result()
        except Exception as error:  # of the network, the worker, or of ours over there: the submission is not to blame
            if self._client.status != "running":
                self._look()
            told = f"{type(error).__name__}: {error}"
        else:
            answer: Done | Stopped = record.answer_decoder.decode(text)
            if isinstance(answer, Done):
                return sealed(answer)
            told = f"the worker {address} must not grade for this class: {answer.text}"
            self._leave_out(address, answer)
        return None if self._tries[task.id] < TRIES else done(task, results.failure(FAULT, staff=told))

    def _leave_out(self, address: str, answer: Stopped) -> None:
        if address not in self._unfit:
            self._unfit.add(address)
            self._say(f"the worker {address} is left out: {answer.text}")
        if not set(self._threads) - self._unfit:
            raise (WeakIsolation if answer.kind == "WeakIsolation" else UsageError)(answer.text)

    def _look(self) -> None:
        """Who is there now. Raises ClusterLost when it is nobody any more."""
        now = time.monotonic()
        if self._client.status != "running":
            raise ClusterLost("the scheduler is lost")
        if now - self._looked < LOOK_SECONDS:
            return
        try:
            self._looked, self._threads = now, places.fit_workers(self._client, self._place)
        except Exception:  # in whatever way Dask says that there is no scheduler
            raise ClusterLost("the scheduler is lost") from None
        self._seen = now if self._threads else self._seen
        if now - self._seen > places.JOIN_SECONDS and not self._place.queued:
            raise ClusterLost(f"all workers are lost, and none came for {places.JOIN_SECONDS:g} s")

    def end(self) -> None:
        """Takes back what is under way, and ends the lanes of this run."""
        if self._client.status == "running":
            self._client.cancel([future for _, future in self._flying.values()], force=True)
            self._client.run(worker.close, self._run, on_error="ignore")


def sealed(answer: Done) -> Done:
    """The same with this machine's seal, or none: the key need not lie on every worker."""
    return msgspec.structs.replace(answer, results=seal.anew(answer.results))
