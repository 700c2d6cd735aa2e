"""Where the workers are: processes of this machine, a scheduler's that runs already, or jobs of SLURM or PBS.

Why separate: it starts and ends things that cost, and knows no submission. What Dask and a cluster can be told beyond
this (queue, time, account, TLS) stands in Dask's own configuration.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import shutil
import time
from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec

from autograder.commands.batch.lanes import LANE_MB, sensible
from autograder.core.errors import UsageError
from autograder.grading.supervisor import ROOT

CONNECT_SECONDS = 10.0  # a scheduler answers in 0.1 s, over a bad network in 1 s
# A worker starts in 2 s here, on a node with a cold shared disk in a minute. Jobs may wait in a queue for hours.
JOIN_SECONDS = 90.0
Client: TypeAlias = Any  # Dask's, which is imported only when it is asked for
QUEUES = {"slurm": ("SLURMCluster", "sbatch"), "pbs": ("PBSCluster", "qsub")}  # of dask-jobqueue, and of the system


class Place(msgspec.Struct, frozen=True):
    """`scheduler`: an address, "slurm", "pbs", or empty for this machine. `needs`: what a worker must have, by name."""

    scheduler: str = ""
    jobs: int | None = None
    needs: dict[str, float] = {}

    @property
    def queued(self) -> bool:
        """Whether workers are jobs that may have to wait."""
        return self.scheduler in QUEUES


def chosen(dask: bool, scheduler: str, jobs: int | None, needs: str) -> Place | None:
    """What was typed as a place; None for the lanes of this machine. Raises UsageError for what makes no sense."""
    if not dask:
        if scheduler or needs:
            raise UsageError(f"--{'scheduler' if scheduler else 'needs'} is Dask's: add --engine dask")
        return None
    name, _, amount = needs.partition("=")
    try:
        return Place(scheduler.strip(), jobs, {name.strip(): float(amount or "1")} if needs else {})
    except ValueError:
        raise UsageError(f"--needs {needs}: give a worker's resource and how much of it, as in --needs GPU=1") from None


@contextlib.contextmanager
def client(place: Place) -> Iterator[Client]:
    """A client of the scheduler; what was started for it ends with it.

    Raises UsageError when Dask is not installed, or the scheduler does not answer.
    """
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise UsageError('Dask is not installed here: pip install "hw6-autograder[cluster]"') from None
    for logger in ("distributed", "distributed.client"):  # what they report with a traceback, we say in a sentence
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as ending:
        if place.queued or not place.scheduler:
            cluster = ending.enter_context(_jobs(place) if place.queued else _local(place))
            yield ending.enter_context(distributed.Client(cluster))
            return
        try:
            connected = distributed.Client(place.scheduler, timeout=CONNECT_SECONDS)
        except (OSError, ValueError, ImportError, TypeError) as error:
            raise UsageError(_unreachable(place.scheduler, error)) from None
        yield ending.enter_context(connected)


def _unreachable(address: str, error: Exception) -> str:
    if isinstance(error, (ValueError, TypeError, ImportError)):
        return f"--scheduler {address}: this is no address; give one as tcp://HOST:8786, or slurm, or pbs"
    return (
        f"the scheduler {address} does not answer within {CONNECT_SECONDS:g} s: is it running, and reachable from here?"
    )


def _local(place: Place) -> Any:
    distributed: Any = importlib.import_module("distributed")
    resources = {"resources": place.needs} if place.needs else {}
    return distributed.LocalCluster(
        n_workers=place.jobs or sensible(), threads_per_worker=1, processes=True, host="127.0.0.1",
        dashboard_address=":0", memory_limit=0, silence_logs=logging.ERROR, **resources,
    )  # fmt: skip


def _jobs(place: Place) -> Any:
    """The jobs of a queue: one worker each, for queues give cores and memory by job."""
    import dask

    try:
        import dask_jobqueue
    except ImportError:
        raise UsageError('dask-jobqueue is not installed here: pip install "hw6-autograder[cluster]"') from None
    name, submit = QUEUES[place.scheduler]
    if shutil.which(submit) is None:
        raise UsageError(f"there is no {submit} on this machine: start this where jobs are handed to {place.scheduler}")
    chosen = dask.config.get(f"jobqueue.{place.scheduler}", {})
    sizes = {"cores": 1, "processes": 1, "memory": f"{2 * LANE_MB} MB"}  # the worker itself takes 150 MB
    told = {size: value for size, value in sizes.items() if chosen.get(size) in (None, 0)}
    arguments = list(chosen.get("worker-extra-args") or [])
    if place.needs:
        arguments += ["--resources", _listed(place.needs)]
    prologue = [*(chosen.get("job-script-prologue") or []), f"export PYTHONPATH={ROOT}:$PYTHONPATH"]
    make = getattr(dask_jobqueue, name)
    cluster = make(**told, worker_extra_args=arguments, job_script_prologue=prologue)
    for logger in ("asyncio", "tornado.application"):  # what they say of a refused job, is said below
        logging.getLogger(logger).setLevel(logging.CRITICAL)

    async def hand_in() -> None:
        cluster.scale(jobs=place.jobs or 1)
        await cluster._correct_state()  # what `scale` only plans: else nobody would hear that the queue takes no job

    try:
        cluster.sync(hand_in)
    except Exception as error:
        with contextlib.suppress(Exception):  # it asserts that its workers were started
            cluster.close(timeout=CONNECT_SECONDS)
        raise UsageError(f"{place.scheduler} takes no job: {' '.join(str(error).split())[-400:]}") from None
    return cluster


def _listed(needs: dict[str, float]) -> str:
    return ",".join(f"{name}={amount:g}" for name, amount in needs.items())


def fit_workers(client: Client, place: Place) -> dict[str, int]:
    """Threads of each worker that has what is needed, by address."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    return {
        address: int(about["nthreads"])
        for address, about in workers.items()
        if all(about.get("resources", {}).get(name, 0) >= amount for name, amount in place.needs.items())
    }


def wait_for_workers(client: Client, place: Place) -> dict[str, int]:
    """The same when there are any. Raises UsageError when none joins in time; a queue is waited for without end."""
    deadline = time.monotonic() + JOIN_SECONDS
    while not (found := fit_workers(client, place)):
        if time.monotonic() > deadline and not place.queued:
            lacking = f" with {', '.join(f'{name}={n:g}' for name, n in place.needs.items())}" if place.needs else ""
            raise UsageError(
                f"no worker{lacking} has joined the scheduler within {JOIN_SECONDS:g} s: start some, and try again"
            )
        time.sleep(0.2)
    return found
