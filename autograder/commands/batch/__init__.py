"""A class: several submissions at once, files per submission, tables at the end; run again, it goes on where it was.

OUT/results/ID.json   OUT/reports/ID.html   OUT/records/ID.json   what `record` keeps, so that nothing is graded twice
OUT/grades.csv   OUT/tests.csv   OUT/gradescope.csv   OUT/canvas.csv   OUT/index.html   OUT/summary.json
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from autograder.commands.batch import alike, cluster, columns, hand, handed, lanes, tables
from autograder.commands.batch import folder as class_folder
from autograder.commands.batch.against import Changes, compare, look, read, table
from autograder.commands.batch.cluster.places import Place
from autograder.commands.batch.shelf import Grading, Progress, Shelf, Watch, undisturbed
from autograder.core import policy
from autograder.core.errors import ClusterLost, NotWritten, UsageError
from autograder.grading import Options
from autograder.report import results
from autograder.report.class_page import class_page
from autograder.report.class_table import ClassRow
from autograder.report.overview import Overview, overview, student

__all__ = ["GradedClass", "Progress", "Watch", "run"]


class GradedClass(msgspec.Struct, frozen=True):
    """What was done: a row for each submission that is graded, of `total`; `notes` are for staff."""

    rows: tuple[ClassRow, ...]
    total: int
    kept: int = 0
    faults: int = 0  # not wholly graded, by a fault of ours
    changes: Changes | None = None  # against earlier results, if that was asked
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every submission was graded, and every test of every one has a verdict."""
        return len(self.rows) == self.total and not self.faults


def run(
    folder: Path,
    out: Path,
    options: Options,
    *,
    jobs: int | None = None,
    fresh: bool = False,
    against: Path | None = None,
    by_hand: Sequence[Path] = (),
    hand_pages: bool = False,
    similar: bool = False,
    parquet: bool = False,
    due: datetime | None = None,
    place: Place | None = None,
    say: Callable[[str], None] = lambda text: None,
    watch: Watch = lambda progress: None,
) -> GradedClass:
    """Grades the class with `jobs` lanes (None: as many as the machine has cores and memory for), or on a cluster.

    What `out` holds of an earlier run with the same submission, tests and policy is kept, unless `fresh`. Ctrl-C ends
    it early, with what is done in the tables. `against`: earlier results to compare with, which may be those in `out`.
    `by_hand`: tables of points that people gave. `hand_pages`: write the pages on which they are given.
    `similar`: say whose programs are worth a look together. `parquet`: write tests.parquet, too.
    `due`: say who was late, and where the policy shows it, say so to the students, too.
    `say` is told what is worth a line meanwhile. Raises UsageError when something is wrong with the folders or cluster.
    """
    start = time.monotonic()
    if parquet:
        columns.refuse_without_pyarrow()
    found = class_folder.read(folder, leave_out=out)
    earlier = read(against) if against else None
    for name in ("results", "reports", "records"):
        results.make_folder(out / name)
    with _alone(out):
        _refuse_another_assignment(out)
        marks, told_by_hand = hand.gather(by_hand, found.entries, out)
        if hand_pages:
            hand.write_pages(found.entries, out)
        shelf = Shelf(found.entries, out, options, fresh, against)
        lost: tuple[str, ...] = ()
        try:
            shelf.fill(_grading(options, jobs, place, say), watch)
        except KeyboardInterrupt:
            pass
        except ClusterLost as fault:
            lost = (str(fault),)
        except NotWritten as fault:
            kept = sum((out / "records" / f"{entry.id}.json").is_file() for entry in found.entries)
            there = (
                f"{kept} of {len(found.entries)} submissions are graded there, and the same command goes on from them"
            )
            raise NotWritten(f"{fault}. {there}") from fault
        with undisturbed():
            shelf.add_when_they_came(due)
            notes = (
                found.notes
                + lost
                + shelf.what_stands()
                + shelf.add_what_the_class_shows()
                + shelf.add_what_people_gave(marks)
                + told_by_hand
            )
            notes += (
                tuple(tables.partly(shelf.rows()))
                + tuple(handed.notes(shelf.rows(), due))
                + shelf.what_failed()
                + shelf.what_was_unusable()
                + shelf.what_was_left_out()
                + shelf.strangers()
                + shelf.damaged
                + (alike.look(shelf.graded(), out) if similar else ())
            )
            notes += _left_as_they_were(shelf, out, similar=similar, parquet=parquet, against=against is not None)
            _write_tables(shelf, notes, out, time.monotonic() - start, due)
            if parquet:
                columns.write(shelf.graded(), out)
            changes = None
            if earlier is not None:
                changes = compare(earlier, look(out, {entry.id for entry, _ in shelf.graded()}))
                results.write_bytes(out / "changes.csv", table(changes).encode("utf-8", "replace"))
    rows = tuple(handed.remarked(shelf.rows(), due))
    return GradedClass(rows, len(found.entries), shelf.kept, shelf.faults, changes, notes)


def _grading(options: Options, jobs: int | None, place: Place | None, say: Callable[[str], None]) -> Grading:
    """How submissions are graded: by lanes of this machine, or on the workers of a cluster."""
    if place is None:
        return lambda todo, watch: lanes.run(todo, options, jobs or lanes.sensible(), watch)
    return lambda todo, watch: cluster.run(todo, options, place, say, watch)


def _write_tables(shelf: Shelf, notes: Sequence[str], out: Path, seconds: float, due: datetime | None) -> None:
    pairs = shelf.rows()
    texts = {"grades.csv": tables.grades(pairs, due), "tests.csv": tables.tests(shelf.graded())}
    texts |= {"index.html": class_page(_overview(shelf, notes, due))}
    if any(entry.people for entry, _ in pairs):  # without names no site could tell whose points they are
        texts |= {"gradescope.csv": tables.gradescope(pairs), "canvas.csv": tables.canvas(pairs)}
    for name, text in texts.items():
        results.write_bytes(out / name, text.encode("utf-8", "replace"))
    results.write_bytes(out / "summary.json", tables.summary(pairs, notes, seconds))


def _left_as_they_were(shelf: Shelf, out: Path, *, similar: bool, parquet: bool, against: bool) -> tuple[str, ...]:
    """That tables of an earlier run lie in OUT which this one does not write: nobody may import points of then."""
    named = any(entry.people for entry, _ in shelf.rows())
    written = {"gradescope.csv": named, "canvas.csv": named, alike.FILE: similar, columns.FILE: parquet}
    written |= {"changes.csv": against}
    left = sorted(name for name, is_written in written.items() if not is_written and (out / name).exists())
    return (f"of an earlier run, and not written by this one: {', '.join(left)} in {out}",) if left else ()


def _overview(shelf: Shelf, notes: Sequence[str], due: datetime | None) -> Overview:
    graded = shelf.graded()
    names = {question.number: (question.title, question.points) for question in policy.POLICY.questions}
    for _, whole in graded:
        names |= {test.number: (test.name, test.max_score) for test in whole.tests if test.number and test.max_score}
    who = ("; ".join(person.name for person in entry.people) or entry.called for entry, _ in graded)
    rows = handed.remarked(shelf.rows(), due)
    students = [student(row, name, whole) for (_, whole), row, name in zip(graded, rows, who)]
    return overview(students, names, notes)


def _refuse_another_assignment(out: Path) -> None:
    try:
        there = msgspec.json.decode((out / "summary.json").read_bytes(), type=dict[str, object]).get("assignment")
    except (OSError, msgspec.MsgspecError):
        return
    if there != policy.POLICY.title:
        raise UsageError(f"{out} holds results of {there}, and this is {policy.POLICY.title}: give another --out")


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Raises UsageError when another run writes there."""
    folder = os.open(out, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"another run is writing to {out}: wait for it, or give another --out") from None
        except OSError:  # a disk without locks: nothing is known, and nothing is refused
            pass
        yield
    finally:
        os.close(folder)
