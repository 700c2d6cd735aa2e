"""Settings for all tests of the grader itself."""

import contextlib
import gc
import os
import signal

import pytest

# A shell that starts the tests in the background has them ignore Ctrl-C, and with them every process that they start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# As the engine does: a process that has run two OpenMP threads must not be forked, and tests fork this one. And a
# worker for each core is enough.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

from hypothesis import settings

from autograder.grading import forkserver
from autograder.grading.supervisor import shared
from tests.grader.boxed import pytest_runtest_protocol, skip_without_a_box
from tests.grader.order import dearest_first

__all__ = ["pytest_runtest_protocol"]  # a hook: pytest finds it by name


def pytest_configure(config: pytest.Config) -> None:
    """All tests take their engines from one server: importing torch for each was a third of what they took.

    Tests of how an engine is started and ended go without: `own_engine`.
    """
    if not hasattr(config, "workerinput"):
        last = contextlib.ExitStack()
        os.environ.update(last.enter_context(shared(2)))
        config.add_cleanup(last.close)


@pytest.fixture(scope="module", autouse=True)
def _what_lives_on() -> None:
    """A collection of garbage looks at a file's own objects: not at twelve thousand tests and torch, for half a second."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def own_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines are started, as they are by who grades one submission."""
    monkeypatch.delenv(forkserver.VARIABLE, raising=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skip_without_a_box(items)
    dearest_first(items)


# The same examples every time: what fails here fails for everybody. No deadline: test machines are shared and slow.
# So nothing is kept between runs, and the checkout may be read-only.
settings.register_profile("grader", derandomize=True, deadline=None, print_blob=True, database=None)
settings.load_profile("grader")
