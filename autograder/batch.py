"""A class: one submission after another with one warm engine, files per submission, one table at the end.

OUT/results/ID.json   OUT/reports/ID.html   OUT/grades.csv   OUT/index.html
"""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from autograder import assignment, results
from autograder.errors import UsageError
from autograder.grading import Options, grade_many
from autograder.records import Report
from autograder.report.html import render
from autograder.report.terminal import ClassRow, class_row

SUFFIXES = {".zip", ".ipynb", ".py"}

Progress = Callable[[int, int, str], None]


def submissions(folder: Path) -> list[tuple[str, Path]]:
    """(id, path) of everything gradable in a folder: sub-folders, zips, notebooks and scripts, in order of name."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: give the folder that holds one folder, zip or file per submission")
    found = [p for p in sorted(folder.iterdir()) if not p.name.startswith((".", "__")) and _gradable(p)]
    if not found:
        raise UsageError(f"no submission in {folder}: expected sub-folders, .zip, .ipynb or .py files")
    names = [_identity(p, found) for p in found]
    return list(zip(names, found))


def _gradable(path: Path) -> bool:
    return not path.is_symlink() and (path.is_dir() or path.suffix.lower() in SUFFIXES)


def _identity(path: Path, among: Sequence[Path]) -> str:
    """A file name that is safe and unique: the stem, or the whole name where two share a stem."""
    alone = sum(other.stem == path.stem for other in among) == 1
    return re.sub(r"[^\w.-]", "_", path.stem if alone and path.is_file() else path.name)


def run(folder: Path, out: Path, options: Options, progress: Progress | None = None) -> list[ClassRow]:
    """Grades the class and writes everything below `out`; returns the table's rows."""
    found = submissions(folder)
    for name in ("results", "reports"):
        (out / name).mkdir(parents=True, exist_ok=True)
    rows = []
    for (identity, _), report in zip(found, _reports(found, options)):
        results.write(out / "results" / f"{identity}.json", report)
        page = render(report, audience="staff").encode()
        results.write_bytes(out / "reports" / f"{identity}.html", page)
        rows.append(class_row(identity, report))
        if progress:
            progress(len(rows), len(found), identity)
    results.write_bytes(out / "grades.csv", _csv(rows).encode())
    results.write_bytes(out / "index.html", _index(rows).encode())
    return rows


def _reports(found: Sequence[tuple[str, Path]], options: Options) -> Iterator[Report]:
    return grade_many([path for _, path in found], options)


def _csv(rows: Sequence[ClassRow]) -> str:
    """grades.csv: id, points by question, total. A blank cell is not graded, never zero."""
    numbers = [q.number for q in assignment.QUESTIONS]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", *numbers, "total"])
    for row in rows:
        cells = [row.points.get(number) for number in numbers]
        writer.writerow([_inert(row.id), *("" if c is None else f"{c:g}" for c in [*cells, row.total])])
    return text.getvalue()


def _inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(("=", "+", "-", "@")) else text


def _index(rows: Sequence[ClassRow]) -> str:
    """A plain list of the reports, to click through."""
    lines = "".join(
        f'<tr><td><a href="reports/{html.escape(row.id)}.html">{html.escape(row.id)}</a></td>'
        f"<td>{'–' if row.total is None else f'{row.total:g}'}</td><td>{html.escape(row.remark)}</td></tr>\n"
        for row in rows
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>'
        + html.escape(assignment.TITLE)
        + ": class</title>"
        "<style>body{font:16px/1.5 system-ui;margin:2rem;color-scheme:light dark}"
        "td,th{padding:.2rem .8rem;text-align:left}"
        "</style>\n<h1>" + html.escape(assignment.TITLE) + f"</h1>\n<table><tr><th>submission</th><th>points</th>"
        f"<th>first remark</th></tr>\n{lines}</table></html>\n"
    )
