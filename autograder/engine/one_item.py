"""Runs one collected pytest item with its fixtures, and gives what it raised.

Why separate: it knows pytest's ways and nothing of grading; what an error means is said in `outcome`.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from autograder.core.errors import GraderFault

# Processor time of one test in this process: 200 times what the slowest test of a right submission takes (0.1 s).
# Waiting for a child does not count.
SECONDS = 20.0
AGAIN = 5.0  # if what is interrupted goes on all the same


class Caught:
    """The plugin that remembers what the item raised; a failing set-up or teardown counts like the test itself.

    Registered once: pytest looks through all of its hooks whenever a plugin comes or goes.
    """

    def __init__(self) -> None:
        self.error: BaseException | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
        """A report without a traceback: nobody reads pytest's, and formatting one costs as much as a test."""
        if call.excinfo is not None and self.error is None:
            self.error = call.excinfo.value
        outcome = "passed" if call.excinfo is None else "failed"
        return pytest.TestReport(item.nodeid, item.location, {}, outcome, None, call.when)  # type: ignore[arg-type]


def run(item: pytest.Item, caught: Caught, seconds: float = SECONDS) -> BaseException | None:
    """The error of the item, its set-up or its teardown; None when it passed.

    `caught` is registered with the item's pytest. What is searched for in what a child claims may have no end: then the
    error is a GraderFault.
    """
    with _clock(seconds):
        return _run(item, caught)


@contextlib.contextmanager
def _clock(seconds: float) -> Iterator[None]:
    def late(number: int, frame: FrameType | None) -> None:
        raise GraderFault(f"it could not be told: judging took more than {seconds:g} s of processor time")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _run(item: pytest.Item, caught: Caught) -> BaseException | None:
    caught.error = None
    # nextitem None: every fixture is torn down, as if this were the last test; which one follows depends on the
    # prerequisites, and pytest must not be told wrong
    item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
    return caught.error
