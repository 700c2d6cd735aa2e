"""Trains the handout's whole model with a submission's layers: an engine works, the files and the clock are here.

    OUT/checkpoint.safetensors   OUT/model.safetensors   OUT/history.json   OUT/curves.svg   OUT/curves.png

Why separate: nothing is graded. The classes are read as for a grading and run in the same sandbox; `--resume` goes on
with the run that OUT holds, epoch by epoch.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from autograder import grading
from autograder.commands.selfcheck import reference_text
from autograder.commands.train import folder
from autograder.commands.train.folder import Run, Saved
from autograder.core import isolation, mnist
from autograder.core.errors import GraderFault, UsageError, WeakIsolation
from autograder.core.events import Began, Epoch, Event, Fault, Kept, Measured, Refused, Train, Unable
from autograder.core.policy import CAPS, CHILD_LIMITS, FILES, TRAINING
from autograder.core.records import Limits, Submission
from autograder.core.tensor_file import Stored
from autograder.grading.supervisor import ROOT, Engine
from autograder.sandbox import devices

DEVICES = ("auto", "cpu", "cuda")
REFERENCE = "reference"  # the word that trains the reference, for staff
# A child's processor time: no rlimit must end a run that lasts for a day or two. Each request has a limit of its own.
FOREVER = 7 * 24 * 3600.0

Watch = Callable[[Event, Run], None]


class Wish(msgspec.Struct, frozen=True):
    """What was asked for. `seed` None: 189, as in the template."""

    epochs: int = TRAINING.epochs
    batch_size: int = TRAINING.batch_size
    seed: int = 189
    data: Path | None = None
    plain: bool = False
    threads: int = 0  # 0: as many as take least time
    device: str = "auto"  # "cpu", "cuda"; "auto": a GPU where there is one
    resume: bool = False
    allow_weak: bool = False


class Stopped(Exception):
    """The classes cannot be trained: in the words of the event."""

    def __init__(self, unable: Unable) -> None:
        super().__init__(unable.feedback.found)
        self.unable = unable


def run(work: str, out: Path, wish: Wish, watch: Watch = lambda event, run: None) -> Run:
    """Trains until all epochs are done and tested; gives the whole run.

    Raises Stopped when the classes cannot be trained, UsageError when the folders do not fit, GraderFault when ours
    fails. What OUT holds then is the last whole epoch.
    """
    _check(wish)
    submission = _submission(work)
    begun = Run(submission.name, submission.digest, wish.seed, wish.batch_size, wish.plain)
    saved = folder.open_(out, begun, resume=wish.resume)
    if saved and saved.run.epochs > wish.epochs:
        raise UsageError(f"{out} holds {saved.run.epochs} epochs, more than --epochs {wish.epochs}")
    if saved and saved.run.epochs == wish.epochs and saved.run.total:
        folder.write_words(out, saved.run)
        return saved.run
    with Engine.start(_limits(FOREVER, _device(wish))) as engine:
        engine.send(_order(submission, wish, saved))
        return _Log(out, saved.run if saved else begun, watch).fill(engine)


def _check(wish: Wish) -> None:
    if wish.epochs < 1 or wish.batch_size < 1:
        raise UsageError("--epochs and --batch-size are 1 or more")
    if wish.device not in DEVICES:
        raise UsageError(f"--device {wish.device}: it is one of {', '.join(DEVICES)}")
    if wish.threads < 0:
        raise UsageError("--threads is 1 or more, or 0 for as many as take least time")
    if wish.data is not None:
        try:
            mnist.find(wish.data)
        except LookupError as error:
            raise UsageError(f"--data {wish.data}: {error}") from None


def _submission(work: str) -> Submission:
    from autograder.handin import reader

    if work != REFERENCE:
        return reader.read(Path(work))
    try:
        text = reference_text()
    except FileNotFoundError:
        raise UsageError("the reference is not in this copy of the grader: give a submission") from None
    with tempfile.TemporaryDirectory(prefix="reference-") as place:
        (Path(place) / FILES.script).write_text(text, encoding="utf-8")
        return msgspec.structs.replace(reader.read(Path(place)), name=REFERENCE)


def without_gpu(wish: Wish) -> str:
    """Why a GPU that would be taken is not, in words; "" where one is there, or none was wanted."""
    return devices.missing(other_user=os.geteuid() == 0) if wish.device != "cpu" else ""


def _device(wish: Wish) -> str:
    """What the sandbox opens: "cuda" where a GPU is wanted and there. Raises UsageError when it is wanted in vain."""
    if wish.device == "cpu":
        return "cpu"
    why = without_gpu(wish)
    if why and wish.device == "cuda":
        raise UsageError(f"--device cuda: {why}")
    return "cpu" if why else "cuda"


def _limits(seconds: float, device: str) -> Limits:
    return msgspec.structs.replace(CHILD_LIMITS, training_seconds=seconds, memory_mb=CAPS.run_memory_mb, device=device)


def _order(submission: Submission, wish: Wish, saved: Saved | None) -> Train:
    device = _device(wish)
    hidden = any(grading.HIDDEN.rglob("test_*.py"))  # else this is the students' copy, and there is nothing to hide
    guarded = (grading.HIDDEN, ROOT / "reference", grading.SECRET_FILE) if hidden else ()
    return Train(
        submission=msgspec.structs.replace(submission, weights=None, cells=()),
        limits=_limits(CAPS.request_seconds, device),
        device=wish.device if device == "cuda" else "cpu",
        epochs=wish.epochs,
        batch_size=wish.batch_size,
        seed=wish.seed,
        data=str(wish.data.resolve()) if wish.data else "",
        plain=saved.run.plain if saved else wish.plain,
        threads=saved.run.threads if saved else wish.threads,
        done=saved.run.epochs if saved else 0,
        saved=saved.weights if saved else None,
        public=not hidden,
        guarded=tuple(map(str, guarded)),
        allow_weak=wish.allow_weak,
    )


class _Log:
    """Takes the engine's events, and writes the files after each epoch."""

    def __init__(self, out: Path, run: Run, watch: Watch) -> None:
        self.out, self.run, self.watch = out, run, watch
        self._before, self._start = run.seconds, time.monotonic()
        self._tensors: dict[str, Stored] = {}

    def fill(self, engine: Engine) -> Run:
        """Until the run is finished. Raises what `run` says."""
        for event in engine.events(time.monotonic() + FOREVER):
            self._take(event)
            self.watch(event, self.run)
            if isinstance(event, Measured):
                return self.run
        raise GraderFault("the engine ended before the training did; its messages are on stderr")

    def _take(self, event: Event) -> None:
        if isinstance(event, Began):
            self._begin(event)
        elif isinstance(event, Kept):
            self._tensors[event.tensor.name] = event.tensor
        elif isinstance(event, Epoch):
            self._write(
                train_loss=(*self.run.train_loss, event.train_loss),
                validation_loss=(*self.run.validation_loss, event.validation_loss),
                accuracy=(*self.run.accuracy, event.accuracy),
                correct=0,
                total=0,
            )
        elif isinstance(event, Measured):
            self._write(correct=event.correct, total=event.total)
        elif isinstance(event, Unable):
            raise UsageError(event.feedback.found) if event.usage else Stopped(event)
        elif isinstance(event, Refused):
            raise WeakIsolation(isolation.refusal(event.isolation, grading.machine()))
        elif isinstance(event, Fault):
            raise GraderFault(event.text)

    def _begin(self, event: Began) -> None:
        if self.run.digits and self.run.digits != event.digest:
            raise UsageError(f"{self.out} holds a run on other digits ({self.run.data}): give the same --data")
        self.run = msgspec.structs.replace(self.run, digits=event.digest, data=event.data, threads=event.threads)

    def _write(self, **changed: object) -> None:
        seconds = self._before + time.monotonic() - self._start
        self.run = msgspec.structs.replace(self.run, seconds=round(seconds, 1), **changed)
        folder.write(self.out, self.run, tuple(self._tensors.values()))
