"""A training run in the terminal: a progress bar, a line for each epoch, and at the end what it reached.

Why separate: rich is imported here alone and only when something is shown; what a run is, is next door.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from autograder.commands import train
from autograder.commands.train import Stopped, Watch, Wish
from autograder.commands.train.folder import CHECKPOINT, MADE, Run
from autograder.core.events import Began, Epoch, Event, Measured, Stepped, Unable
from autograder.core.text import clean, one_line


def run(work: str, out: Path, wish: Wish, *, quiet: bool) -> int:
    """Trains and says how it goes; the exit status: 0 done, 1 the classes cannot be trained, 130 after a Ctrl-C."""
    try:
        with _bar(wish) if not quiet else contextlib.nullcontext(lambda event, run: None) as watch:
            done = train.run(work, out, wish, watch)
    except Stopped as stopped:
        print(_unable(stopped.unable), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        kept = "holds the epochs that were finished, and --resume goes on with them"
        print(f"stopped; {out} {kept if (out / CHECKPOINT).exists() else 'holds no epoch yet'}", file=sys.stderr)
        return 130
    if not quiet:
        _say(done, out)
    return 0


def _unable(unable: Unable) -> str:
    lines = [f"{label}: {clean(text, 600, lines=6)}" for label, text in unable.feedback.lines()]
    return "\n".join(["these classes cannot be trained", *lines])


def _say(done: Run, out: Path) -> None:
    share = 100 * done.correct / done.total
    print(f"{done.correct:,} of {done.total:,} test images right: {share:.2f} % after {done.epochs} epochs")
    made = [name for name in MADE if (out / name).exists()]
    print(f"{out}: {', '.join(made)}")
    if "curves.png" not in made:
        print("curves.png needs matplotlib, which is not installed here; curves.svg shows the same")


@contextlib.contextmanager
def _bar(wish: Wish) -> Iterator[Watch]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"), BarColumn(),
        TextColumn("{task.percentage:.0f} %"), TextColumn("{task.fields[said]}"), TextColumn("left"),
        TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("training", total=None, epoch=1, epochs=wish.epochs, said="")
        start = (0, 0, 0.0)  # images of an epoch, epochs that were there, when the first step began

        def watch(event: Event, run: Run) -> None:
            nonlocal start
            if isinstance(event, Began):
                start = (event.images, run.epochs, time.monotonic())
                bar.update(task, total=event.images * (wish.epochs - run.epochs), epoch=run.epochs + 1)
            elif isinstance(event, Stepped):
                images, before, since = start
                completed = (event.epoch - 1 - before) * images + event.images
                rate = completed / (time.monotonic() - since)
                said = f"loss {event.loss:.4f}, {event.accuracy:.1f} % right, {rate:,.0f} images/s"
                bar.update(task, completed=completed, epoch=event.epoch, said=said)
            for line in _lines(event, wish, run):
                console.print(line, markup=False, highlight=False, soft_wrap=True)

        yield watch


def _lines(event: Event, wish: Wish, run: Run) -> list[str]:
    """What is said of it beside the bar."""
    if isinstance(event, Began):
        where = f"{event.device}: {event.data}"
        return [one_line(line, 300) for line in (where, train.without_gpu(wish), *event.notes) if line]
    if isinstance(event, Epoch):
        return [
            f"epoch {event.number}/{wish.epochs}: training loss {event.train_loss:.4f}, validation loss"
            f" {event.validation_loss:.4f}, {event.accuracy:.2f} % of the held-out right, {run.seconds:.0f} s so far"
        ]
    if isinstance(event, Measured):
        tested = f"tested on {event.total:,} {event.images}; chance alone: {event.low:.2f} to {event.high:.2f} %"
        return [tested, *(one_line(f"note: {note}", 400) for note in event.notes)]
    return []
