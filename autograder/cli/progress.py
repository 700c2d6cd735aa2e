"""How far a check is, on standard error: a bar in a terminal, plain lines elsewhere, e.g. in a notebook's cell.

Why separate: rich is imported here alone and only for a bar. A cell of a notebook says that it is a terminal and shows
the strokes of a bar one below the other, so it gets lines. The report goes to standard output and holds none of it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TextIO

from autograder.core import numbering
from autograder.core.records import Report
from autograder.core.text import one_line

# What a kernel sets for the commands that its cells start: Jupyter, then Colab.
KERNELS = ("JPY_PARENT_PID", "COLAB_RELEASE_TAG")

Watch = Callable[[Report], None]


@contextlib.contextmanager
def shown(what: str, stream: TextIO = sys.stderr, environment: Mapping[str, str] = os.environ) -> Iterator[Watch]:
    """What `grade` is given to watch with; `what` is named before anything is known."""
    if draws(stream, environment):
        with _bar(stream) as watch:
            yield watch
    else:
        yield _lines(what, stream)


def draws(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether a bar can be drawn over itself there."""
    return stream.isatty() and environment.get("TERM") != "dumb" and not any(name in environment for name in KERNELS)


def _lines(what: str, stream: TextIO) -> Watch:
    """A line at the beginning and one for each question that is reached."""
    print(f"checking {one_line(what, 40)} … the first test takes a few seconds", file=stream, flush=True)
    reached = ""

    def watch(report: Report) -> None:
        nonlocal reached
        now = numbering.question(report.planned[0].number) if report.planned else ""
        if now and now != reached:
            print(f"checking {now} … {_count(report)}", file=stream, flush=True)
            reached = now

    return watch


def _count(report: Report) -> str:
    return f"{len(report.tests)} of {len(report.tests) + len(report.planned)} tests are done"


@contextlib.contextmanager
def _bar(stream: TextIO) -> Iterator[Watch]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("checking"), BarColumn(20), MofNCompleteColumn(), TextColumn("{task.fields[at]}"))
    with Progress(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task("checking", total=None, at="")

        def watch(report: Report) -> None:
            done = len(report.tests)
            at = report.planned[0].number if report.planned else ""
            bar.update(task, completed=done, total=done + len(report.planned), at=one_line(at, 12))

        yield watch
