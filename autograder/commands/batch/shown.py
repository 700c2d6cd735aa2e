"""A class in the terminal: how far it is while it runs, and the table at the end.

Why separate: rich is imported here alone and only when something is shown; what a class is, is next door.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from autograder.commands.batch import GradedClass, Progress, Watch
from autograder.commands.batch.against import lines
from autograder.core.screen import coloured
from autograder.core.text import one_line
from autograder.report.class_table import class_table

SLOW = 5.0  # seconds after which a submission that is being graded is named: an honest one needs one or two


def run(grading: Callable[..., GradedClass], out: Path, *, quiet: bool) -> int:
    """Has the class graded by `grading`, which is `batch.run` but for `say` and `watch`, and says how it went.

    Returns the exit status of the command.
    """
    with _bar() if not quiet else contextlib.nullcontext(lambda progress: None) as watch:
        graded = grading(say=(lambda text: None) if quiet else _say, watch=watch)
    if not quiet:
        sys.stdout.write(class_table(graded.rows, colour=coloured(sys.stdout)))
        _say_where(graded, out)
    for line in lines(graded.changes) if graded.changes else ():
        print(line)
    for note in graded.notes:
        print(f"note: {one_line(note, 1000)}", file=sys.stderr)
    if len(graded.rows) < graded.total:
        print(
            f"stopped after {len(graded.rows)} of {graded.total} submissions; {out} holds these, and the same command"
            " goes on with the others",
            file=sys.stderr,
        )
    return 0 if graded.complete else 3


def _say(text: str) -> None:
    print(one_line(text, 1000), file=sys.stderr)  # above the bar


def _say_where(graded: GradedClass, out: Path) -> None:
    kept = f" ({graded.kept} of them were there already, and nothing they depend on has changed)" if graded.kept else ""
    print(f"{len(graded.rows)} graded{kept}. Look at {out / 'index.html'}; the points are in {out / 'grades.csv'}.")


@contextlib.contextmanager
def _bar() -> Iterator[Watch]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("grading"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[said]}", markup=False),
    )  # fmt: skip
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("grading", total=None, rate="", said="")

        def watch(progress: Progress) -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            new = progress.done - progress.kept
            rate = f"{new / elapsed:.1f}/s" if new and elapsed else ""
            bar.update(task, completed=progress.done, total=progress.total, rate=rate, said=_said(progress))

        yield watch


def _said(progress: Progress) -> str:
    """What is odd: faults of ours, and what takes long."""
    slowest, seconds = max(progress.now.items(), key=lambda each: each[1], default=("", 0.0))
    faults = f"{progress.faults} not wholly graded" if progress.faults else ""
    slow = f"{one_line(slowest, 30)} {seconds:.0f} s" if seconds >= SLOW else ""
    return ", ".join(filter(None, (faults, slow)))
