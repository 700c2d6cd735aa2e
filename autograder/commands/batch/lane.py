"""One lane of a class: a process that grades whatever it is handed, one submission after another, with a warm engine.

Tasks come on descriptor 0, what became of them leaves on descriptor 1, one JSON line each. A lane is a supervisor as
`grade` is one: it holds verdicts and no torch. It writes no file, so that it may as well run on another machine.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import msgspec

from autograder.commands.batch.record import Done, Stopped, Task, encode, options_decoder, task_decoder
from autograder.commands.selfcheck import reference_text
from autograder.core.errors import AutograderError, UsageError, WeakIsolation
from autograder.core.policy import FILES
from autograder.core.records import Report, Submission, Weights
from autograder.grading import Again, Options, grade_many
from autograder.handin import reader
from autograder.report import results
from autograder.report.html import render
from autograder.report.summary import summarise

# A rehearsal takes a lane half a second of processor time, and saves 0.04 s in each submission (120 of them: 56 s of
# processor time became 51, in two lanes).
WORTH_A_REHEARSAL = 20


def graded(tasks: Iterable[Task], options: Options, rehearsal: Submission | None = None) -> Iterator[Done]:
    """One `Done` for each task, in order; the files of one that is gone say so. Raises as `grade_many` does.

    `tasks` is asked for the next one only after the last one's `Done` was taken.
    """
    queue = _Queue(tasks)
    while not queue.ended:
        try:
            for report in grade_many(queue, options, rehearsal=rehearsal):
                yield done(queue.current, report)
        except UsageError as error:
            if isinstance(error, WeakIsolation) or queue.ended or Path(queue.current.path).exists():
                raise
            gone = f"{queue.current.id} is not in the class's folder any more."
            yield done(queue.current, results.failure(gone, staff=str(error)))


class _Queue:
    """What `grade_many` is to grade; `current` is the task whose report comes next."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks = iter(tasks)
        self.current = Task("", "")
        self.ended = False

    def __iter__(self) -> Iterator[Again]:
        for task in self._tasks:
            self.current = task
            yield Again(Path(task.path), task.kept)
        self.ended = True


def done(task: Task, report: Report) -> Done:
    """The files and what the class's tables need of a report; cells and weights, which are large, stay here."""
    whole = summarise(report)
    submission = report.submission
    weights = submission.weights and Weights((), b"", submission.weights.digest)
    small = msgspec.structs.replace(submission, cells=(), weights=weights)
    return Done(
        task.id,
        msgspec.structs.replace(report, submission=small),
        results.encode(whole),
        render(whole, audience="staff").encode("utf-8", "replace"),
    )


def of_ours() -> Submission | None:
    """The reference solution as a submission, for a rehearsal; None where there is none, as with tests of one's own."""
    with contextlib.suppress(OSError, AutograderError), TemporaryDirectory(prefix="autograder-") as folder:
        Path(folder, FILES.script).write_text(reference_text(), encoding="utf-8")
        return reader.read(Path(folder))
    return None


def main(rehearse: str = "") -> None:
    """Runs until the tasks end. The first line holds the options, every further one a task.

    `rehearse`: anything but "" where so many submissions are to be expected that a rehearsal is worth it.
    """
    gc.freeze()  # modules and classes are no garbage, and each submission makes some
    signal.signal(signal.SIGTERM, _ended)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the class's own process hears it, and ends this one
    orders, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not break the protocol
    options = options_decoder.decode(orders.readline())

    def say(message: Done | Stopped) -> None:
        answers.write(encode(message) + b"\n")
        answers.flush()

    # Nobody listens any more: the class's own process was killed, and this one ends in order all the same.
    with contextlib.suppress(BrokenPipeError):
        try:
            rehearsal = of_ours() if rehearse else None
            for each in graded(map(task_decoder.decode, orders), options, rehearsal):
                say(each)
        except AutograderError as error:
            say(Stopped(str(error), type(error).__name__))


def _ended(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)  # an exception, so that the engine ends first


if __name__ == "__main__":
    main()
