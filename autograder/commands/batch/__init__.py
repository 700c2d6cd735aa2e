"""A class: one submission after another with one warm engine, files per submission, one table at the end.

OUT/results/ID.json   OUT/reports/ID.html   OUT/grades.csv   OUT/index.html
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import msgspec

from autograder.commands.batch import folder as class_folder
from autograder.commands.batch.folder import Entry
from autograder.core import policy
from autograder.core.errors import UsageError
from autograder.core.records import Finding, Report, Severity
from autograder.grading import Options, grade_many
from autograder.report import results
from autograder.report.class_table import ClassRow, class_row
from autograder.report.html import class_page, render
from autograder.report.summary import Summary, summarise

Progress = Callable[[int, int, str], None]


class GradedClass(msgspec.Struct, frozen=True):
    """What was done: a row for each submission that was graded, of `total`; `notes` are for staff."""

    rows: tuple[ClassRow, ...]
    total: int
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every submission was graded, and every test of every one has a verdict."""
        return len(self.rows) == self.total and all(row.total is not None for row in self.rows)


def run(folder: Path, out: Path, options: Options, progress: Progress | None = None) -> GradedClass:
    """Grades the class and writes everything below `out`. Ctrl-C ends it early, with what is done in the tables."""
    found = class_folder.read(folder, leave_out=out)
    for name in ("results", "reports"):
        results.make_folder(out / name)
    rows: list[ClassRow] = []
    owners: dict[str, list[str]] = {}  # who handed in the same weights, by their digest
    with contextlib.suppress(KeyboardInterrupt), contextlib.closing(_reports(found.entries, options)) as reports:
        for entry, report in zip(found.entries, reports):
            _keep(entry, summarise(_same_weights(entry, report, owners)), out, rows)
            if progress:
                progress(len(rows), len(found.entries), entry.id)
    graded = found.entries[: len(rows)]
    results.write_bytes(out / "grades.csv", _csv(graded, rows).encode("utf-8", "replace"))
    results.write_bytes(out / "index.html", _index(graded, rows).encode("utf-8", "replace"))
    shared = tuple(f"the same trained weights in {', '.join(ids)}" for ids in owners.values() if len(ids) > 1)
    return GradedClass(tuple(rows), len(found.entries), found.notes + shared)


def _same_weights(entry: Entry, report: Report, owners: dict[str, list[str]]) -> Report:
    """The report, with a flag for staff when a submission before it has the same weights: two trainings give two."""
    weights = report.submission.weights
    if weights is None:
        return report
    others = owners.setdefault(weights.digest, [])
    others.append(entry.id)
    if len(others) == 1:
        return report
    message = f"the weights in {policy.FILES.checkpoint} equal those of {', '.join(others[:-1])}, number for number"
    fix = "ask who trained them: even one person's two trainings give other weights"
    flag = Finding("same-weights", Severity.FLAG, message, "4c", policy.FILES.checkpoint, fix=fix)
    findings = (*report.submission.findings, flag)
    return msgspec.structs.replace(report, submission=msgspec.structs.replace(report.submission, findings=findings))


def _reports(entries: Sequence[Entry], options: Options) -> Generator[Report, None, None]:
    """One report for each entry, in order, even for one that was taken away while others were graded."""
    done = 0
    while done < len(entries):
        try:
            for report in grade_many([entry.path for entry in entries[done:]], options):
                done += 1
                yield report
        except UsageError as gone:
            if entries[done].path.exists():
                raise
            yield results.failure(f"{entries[done].id} is not in the class's folder any more.", staff=str(gone))
            done += 1


def _keep(entry: Entry, whole: Summary, out: Path, rows: list[ClassRow]) -> None:
    """Writes a submission's files and adds its row: both or, after a Ctrl-C on the way, both all the same."""
    done = len(rows)
    try:
        _write(entry, whole, out)
        rows.append(class_row(entry.id, whole))
    except KeyboardInterrupt:
        _write(entry, whole, out)
        rows[done:] = [class_row(entry.id, whole)]
        raise


def _write(entry: Entry, whole: Summary, out: Path) -> None:
    """The page first: where the result is, its page is, too."""
    results.write_bytes(out / "reports" / f"{entry.id}.html", render(whole, audience="staff").encode())
    results.write(out / "results" / f"{entry.id}.json", whole)


def _csv(entries: Sequence[Entry], rows: Sequence[ClassRow]) -> str:
    """grades.csv: id, who (where an export says so), points by question, total. A blank cell is not graded, never 0."""
    numbers = [q.number for q in policy.POLICY.questions]
    who = ["name", "sid", "email"] if any(entry.people for entry in entries) else []
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", *who, *numbers, "total"])
    for entry, row in zip(entries, rows):
        people = ["; ".join(filter(None, (getattr(person, key) for person in entry.people))) for key in who]
        cells = [row.points.get(number) for number in numbers]
        points = ["" if c is None else f"{c:g}" for c in [*cells, row.total]]
        writer.writerow([*map(_inert, [row.id, *people]), *points])
    return text.getvalue()


def _inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(("=", "+", "-", "@")) else text


def _index(entries: Sequence[Entry], rows: Sequence[ClassRow]) -> str:
    """A plain list of the reports, to click through."""
    return class_page([(row, "; ".join(person.name for person in entry.people)) for entry, row in zip(entries, rows)])
