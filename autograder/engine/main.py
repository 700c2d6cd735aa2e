"""The engine: one process that imports torch once, forks the zygote, and only then becomes the trusted room.

It is started with an empty environment and no arguments worth reading. Orders come on descriptor 0, events leave on
descriptor 1, both one JSON line each. Nothing secret may be read, imported or received before `zygote.start` returned:
what this process holds at that moment is what the student's room holds.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from typing import BinaryIO

# Before torch: with more, a zygote that has used two OpenMP threads makes two-threaded children hang. Where a training
# takes more, one that waits for another gives its core away: on a machine whose cores were busy, a step with two
# threads took 1.7 s where they spin, and 0.1 s where they do not. And whoever asks for a GPU before the fork must not
# start CUDA by it.
TORCH_VARIABLES = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
TORCH_VARIABLES |= {"OMP_WAIT_POLICY": "PASSIVE", "PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
os.environ.update(TORCH_VARIABLES)

# What torch makes while it is imported stays: looking for garbage among it is a tenth of the import.
gc.disable()

import msgspec  # noqa: E402
import torch  # noqa: E402, F401

from autograder.core.policy import CHILD_LIMITS  # noqa: E402
from autograder.core.records import Limits  # noqa: E402
from autograder.sandbox import lockdown, zygote  # noqa: E402
from autograder.student_room import full_run  # noqa: E402

gc.enable()

# What of pytest grading does not need: output, caches, and whatever turns a student's warning into a failure.
UNUSED_PLUGINS = (
    "terminal", "cacheprovider", "logging", "doctest", "junitxml", "faulthandler", "warnings", "setuponly", "setupplan",
    "stepwise", "debugging", "pastebin", "unraisableexception", "threadexception", "recwarn", "pytester",
)  # fmt: skip


def main(supervisor: int = 0, limits: str = "") -> None:
    """Runs until the orders end, or at most as long as the process `supervisor`, if it is not 0.

    `limits`: those of every child of an engine that trains, as JSON, needed before an order may be read; empty: the
    policy's, of one that grades.
    """
    if supervisor:
        die_with(supervisor)
    zygote.warm_up(_given(limits).device)
    serve(limits)


def serve(limits: str = "") -> None:
    """Never returns: forks the zygote, whose children have these limits, then carries out orders until they end."""
    if limits:
        full_run.warm_up(_given(limits).device)
    gc.freeze()  # nor is it looked through while pytest and the rest are imported
    student_side = zygote.start(_given(limits))
    try:
        _trusted(student_side)
    finally:
        student_side.close()
    os._exit(0)  # torch's own clean-up takes longer than grading a submission, and nothing is left to clean


def _given(limits: str) -> Limits:
    return msgspec.json.decode(limits, type=Limits) if limits else CHILD_LIMITS


def die_with(supervisor: int) -> None:
    """Ends this process, and through it zygote, graders and children, when the supervisor does, however it ends.

    The kernel means the *thread* that started us. So a supervisor names itself only when that was its main thread; with
    another one, a dead supervisor is noticed when the orders end, and by a grader at the first test it cannot report.
    """
    lockdown.prctl(lockdown.PR_SET_PDEATHSIG, lockdown.SIGKILL)
    if os.getppid() != supervisor:  # it died before we asked to die with it
        os._exit(1)


def _trusted(student_side: zygote.Zygote) -> None:
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    import pytest

    from autograder.core import isolation
    from autograder.core.events import Event, Grade, Refused, Setup, Train, line, order_decoder
    from autograder.engine import fixtures, plugin, training
    from autograder.sandbox import canary

    orders, events = _own_streams()

    def emit(event: Event) -> None:
        events.write(line(event))
        events.flush()

    def grades() -> Iterator[Grade]:
        for text in orders:
            order = order_decoder.decode(text)
            assert isinstance(order, Grade)
            yield order

    setup = order_decoder.decode(orders.readline())
    assert isinstance(setup, Setup | Train)
    found = canary.examine(student_side, setup.limits, setup.guarded)
    if not setup.public and isolation.weaknesses(found.line):
        if not setup.allow_weak:  # decided here, before any order is read: no student's line runs on such a machine
            return emit(Refused(found))
        found = isolation.marked(found)
    if isinstance(setup, Train):
        return training.train(setup, student_side, emit)
    grading = plugin.Grading(setup, student_side, grades(), emit, found)
    pytest.main(_arguments(setup.tests), plugins=[fixtures, grading])


def _arguments(tests: tuple[str, ...]) -> list[str]:
    """No configuration, cache or plugin of the surroundings has a say; nothing is printed."""
    quiet = [flag for name in UNUSED_PLUGINS for flag in ("-p", f"no:{name}")]
    root = os.path.dirname(tests[0])
    return [*quiet, "-c", os.devnull, "--rootdir", root, "--capture=no", "--import-mode=importlib", *tests]


def _own_streams() -> tuple[BinaryIO, BinaryIO]:
    """The order and event streams under numbers of our own; what anything else prints goes to stderr."""
    orders, events = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return orders, events


if __name__ == "__main__":
    main()
