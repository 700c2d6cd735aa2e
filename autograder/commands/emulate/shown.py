"""An emulation in the terminal: what the platform takes from it, what the container used, and where the page lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.commands.emulate import Emulated
from autograder.report import platform
from autograder.report.preview import number

HEAD = ("container", "score", "seconds", "MB", "killed", "what Gradescope says")


def lines(found: Sequence[Emulated], out: Path) -> Iterator[str]:
    """A row for each container, then what is seen when of the last one's result."""
    yield from _aligned([HEAD, *map(_row, found)])
    reading = found[-1].reading
    before, due, published, _ = (platform.view(reading, when) for when in platform.TIMES)
    if platform.differ((before, due, published)):
        for when, view in (("before the due date", before), ("after it", due), ("once published", published)):
            total = "no total" if view.score is None else f"{number(view.score)} / {number(view.possible)}"
            yield f"students see {when}: {len(view.tests)} of {len(reading.tests)} tests, {total}"
    for note in (*reading.notes, *map(" ".join, found[-1].ran.held)):
        yield f"  {note}"
    yield f"Look at {out / 'preview.html'}: what students see, and staff. The log is in {out / 'stdout'}."


def _row(one: Emulated) -> tuple[str, ...]:
    ran, reading = one.ran, one.reading
    score = f"{number(reading.score)} / {number(reading.possible)}" if reading.possible else number(reading.score)
    return (
        ran.preset.words(), score, f"{ran.seconds:.1f}", f"{ran.peak_mb:.0f}", str(ran.killed),
        reading.failure or ("" if one.complete else "a result, and that the grader did not finish") or "a result",
    )  # fmt: skip


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
