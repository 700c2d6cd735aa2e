"""The supervisor's handle on the engine: start it early, give orders, take events, and outlive whatever happens to it.

The supervisor never imports torch and never runs a student's line. It is the one that writes files, so a truthful
results.json is there whether the engine finishes, hangs, is killed or cannot start.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from autograder.core import mnist
from autograder.core.events import Event, Fault, Order, event_decoder, line
from autograder.core.policy import VARIABLE
from autograder.core.records import Limits
from autograder.grading import forkserver
from autograder.grading.process import Process, Started
from autograder.sandbox import scratch

ROOT = Path(__file__).resolve().parents[2]

# What of the environment an engine may see: nothing that could be a secret.
KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", VARIABLE, mnist.VARIABLE)

# Large pages for what an engine allocates, where the machine has them: a fork copies one entry for 512 pages. Measured:
# a fork and its end take 6 ms of processor time in place of 9, and importing torch 0.2 s less. Elsewhere it is ignored.
LARGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}

_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from autograder.engine.main import main;"
    " main(int(sys.argv[2]), *sys.argv[3:])"
)


# An idle engine ends in 20 ms; the rest is for a machine that is swapping.
ORDERLY_SECONDS = 3.0


def _environment() -> dict[str, str]:
    """What an engine finds in its environment, but for the folder of its own."""
    return {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ} | LARGE_PAGES


def shared(lanes: int) -> contextlib.AbstractContextManager[dict[str, str]]:
    """What so many supervisors find in their environment beside ours, to share one import of torch while it lasts."""
    return forkserver.shared(lanes, ROOT, _START, _environment())


class Engine:
    """One engine process. `with Engine.start() as engine:` ends it for certain."""

    def __init__(self, process: Process, folder: str) -> None:
        self._process = process
        self._scratch = folder
        os.set_blocking(process.stdout.fileno(), False)
        self._buffer = b""

    @classmethod
    def start(cls, limits: Limits | None = None, *, alone: bool = False) -> Engine:
        """Starts importing torch at once; orders may come later. Its own messages go to our stderr.

        `limits` of every child; None: the policy's. `alone`: not from a fork server, though there be one.
        """
        folder = tempfile.mkdtemp(prefix="autograder-")
        os.chmod(folder, 0o711)  # children of another identity pass through it to a folder of their own
        environment = _environment() | {"TMPDIR": folder}
        given = msgspec.json.encode(limits).decode() if limits else ""
        served = not alone and (limits is None or limits.device == "cpu")  # before the fork nothing may start a GPU
        if served and (forked := forkserver.engine(ROOT, _START, environment, given)):
            return cls(forked, folder)
        flags = ["-I", "-B"] if sys.dont_write_bytecode else ["-I"]
        main_thread = threading.current_thread() is threading.main_thread()  # it lives as long as this process
        command = [sys.executable, *flags, "-c", _START, str(ROOT), str(os.getpid() if main_thread else 0)]
        command += [given] if given else []
        return cls(Started(command, environment), folder)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def send(self, order: Order) -> None:
        """Queues an order. A dead engine is noticed by `events`, not here."""
        with contextlib.suppress(OSError):
            self._process.stdin.write(line(order))
            self._process.stdin.flush()

    def finish(self) -> None:
        """No more orders: lets the engine end in order, with every child reaped; kills it if that takes too long."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        end = time.monotonic() + ORDERLY_SECONDS
        while self._process.status(wait=False) is None and time.monotonic() < end:
            time.sleep(0.002)
        self.kill()

    def events(self, deadline: float) -> Iterator[Event]:
        """Events as they come, until the engine is gone or `deadline` (time.monotonic) has passed.

        Either end is told as a last `Fault`, unless the engine ended by itself after its orders.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while True:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    yield Fault("the time limit of the whole grading was reached")
                    return
                data = os.read(self._process.stdout.fileno(), 1 << 16)
                if not data:
                    if status := self._process.status(wait=True):
                        yield Fault(f"the grading engine ended with status {status}{_name(status)}")
                    return
                yield from self._decoded(data)

    def _decoded(self, data: bytes) -> Iterator[Event]:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for text in lines:
            try:
                yield event_decoder.decode(text)
            except msgspec.MsgspecError as error:
                yield Fault(f"the grading engine said something unreadable: {error}")

    def kill(self) -> None:
        """Ends the engine and, through it, the zygote and every child (they die with their parent). Twice is once."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        scratch.remove(self._scratch)


def _name(status: int) -> str:
    return f" ({signal.Signals(-status).name})" if status < 0 and -status in {s.value for s in signal.Signals} else ""
