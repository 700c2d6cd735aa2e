"""Points that people give: the pages they are given on, the tables that these save, and what joins the results.

Why separate: what a reader typed is checked line by line before anything is written, and refused as a whole when a line
is wrong: half a table of points is worse than none. A question that nobody has graded yet is never a zero.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from autograder.commands.batch.entries import Entry
from autograder.core.errors import GraderFault, UsageError
from autograder.core.policy import POLICY
from autograder.core.records import Feedback, Status, TestResult
from autograder.core.text import clean
from autograder.handin import prose, reader
from autograder.report import results
from autograder.report.hand_page import Written, hand_page

FOLDER = "hand"  # in the folder of results: a page a question
KEPT = "hand.csv"  # there, too: all points that were given, for later runs
HEAD = ("id", "question", "points", "comment")
MAX_MB = 64
MAX_COMMENT = 4000  # characters; a student's page shows all of it
QUESTIONS = {question.number: question for question in POLICY.by_hand}


class Mark(msgspec.Struct, frozen=True):
    """What a person gave one submission for one question."""

    points: float
    comment: str = ""


Marks = dict[str, dict[str, Mark]]  # by id, then by question


def write_pages(entries: Sequence[Entry], out: Path) -> None:
    """OUT/hand/QUESTION.html for each question that a person grades."""
    results.make_folder(out / FOLDER)
    read = [(entry, _read(entry)) for entry in entries]
    for number, question in QUESTIONS.items():
        others = [other for other in QUESTIONS.values() if other is not question]
        written = [_written(entry, number, found) for entry, found in read]
        page = hand_page(question, written, others)
        results.write_bytes(out / FOLDER / f"{number}.html", page.encode("utf-8", "replace"))


def _read(entry: Entry) -> prose.Prose:
    try:
        found = reader.apart(entry.path, lambda: prose.read(entry.path))
    except (GraderFault, UsageError) as error:
        return prose.Prose(problem=str(error).splitlines()[0])
    return msgspec.json.decode(found, type=prose.Prose) if isinstance(found, bytes) else prose.Prose(problem=found)


def _written(entry: Entry, number: str, found: prose.Prose) -> Written:
    who = "; ".join(person.name for person in entry.people)
    elsewhere = (text for other, text in found.answers.items() if other != number)
    rest = "\n".join([found.rest, *elsewhere]).strip()
    return Written(entry.id, who, found.answers.get(number, ""), rest, found.files, found.problem)


def gather(files: Sequence[Path], entries: Sequence[Entry], out: Path) -> Marks:
    """What earlier runs kept in OUT, and over it what these files say; kept there for the next run.

    Raises UsageError for the first line that cannot be meant; nothing is changed then.
    """
    ids, kept = {entry.id for entry in entries}, out / KEPT
    marks: Marks = {}
    for identity, number, mark in _lines(kept, None) if kept.is_file() else ():
        marks.setdefault(identity, {})[number] = mark
    seen: dict[tuple[str, str], str] = {}
    for path in files:
        for where, (identity, number, mark) in _numbered(path, ids):
            if (first := seen.setdefault((identity, number), where)) != where:
                raise UsageError(
                    f"{where}: {identity} was given points for {number} before, in {first}: leave one of the two"
                )
            marks.setdefault(identity, {})[number] = mark
    if files:
        results.write_bytes(kept, _table(marks).encode("utf-8", "replace"))
    return {identity: given for identity, given in marks.items() if identity in ids}


def _table(marks: Marks) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    for identity, given in sorted(marks.items()):
        writer.writerows([identity, number, f"{mark.points:g}", mark.comment] for number, mark in sorted(given.items()))
    return text.getvalue()


def _lines(path: Path, ids: set[str] | None) -> Iterator[tuple[str, str, Mark]]:
    return (found for _, found in _numbered(path, ids))


def _numbered(path: Path, ids: set[str] | None) -> Iterator[tuple[str, tuple[str, str, Mark]]]:
    """("FILE, line N", what stands there), of lines with points. `ids` None: they are not looked at."""
    rows = csv.reader(io.StringIO(_text(path), newline=""))
    try:
        head = [cell.strip().lower() for cell in next(rows, [])]
        missing = [name for name in HEAD[:3] if name not in head]
        if missing:
            raise UsageError(
                f"{path}, line 1: there is no column {', '.join(missing)}; the page saves {', '.join(HEAD)}"
            )
        for row in rows:
            where = f"{path}, line {rows.line_num}"
            if any(cell.strip() for cell in row) and (found := _line(dict(zip(head, row)), ids, where)):
                yield where, found
    except csv.Error as error:
        raise UsageError(f"{path}, line {rows.line_num}: this is no line of a table ({error})") from None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_MB << 20:
            raise UsageError(f"--hand {path}: it is larger than {MAX_MB} MB: give the table that the page saves")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"--hand {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--hand {path} is not UTF-8: save it as CSV with that encoding") from None


def _line(cells: Mapping[str, str], ids: set[str] | None, where: str) -> tuple[str, str, Mark] | None:
    """One line; None where it gives no points."""
    identity, number, typed = (cells.get(name, "").strip() for name in HEAD[:3])
    if ids is not None and identity not in ids:
        identity = identity.removeprefix("'")  # as a spreadsheet keeps what looks like a formula
        if identity not in ids:
            raise UsageError(f"{where}: there is no submission {identity!r} in this class")
    if number not in QUESTIONS:
        raise UsageError(f"{where}: {number!r} is not graded by hand; these are: {', '.join(QUESTIONS)}")
    if not typed:
        return None
    try:
        points = float(typed.replace(",", "."))
    except ValueError:
        points = math.nan
    most = QUESTIONS[number].points
    if not math.isfinite(points):
        raise UsageError(f"{where}: the points {typed[:40]!r} are not a number")
    if not 0 <= points <= most:
        raise UsageError(f"{where}: {typed} points for {number}, which gives 0 to {most:g}")
    return identity, number, Mark(points, clean(cells.get("comment", ""), MAX_COMMENT))


def tests(given: Mapping[str, Mark]) -> Iterator[TestResult]:
    """A submission's marks as results: full points are a pass, the comment is what was found."""
    for number, mark in given.items():
        question = QUESTIONS[number]
        status = Status.PASSED if mark.points >= question.points else Status.FAILED
        found = mark.comment or ("" if status is Status.PASSED else "graded by hand, without a comment")
        feedback = Feedback(found=found)
        yield TestResult(
            number, question.title, status, mark.points, question.points, feedback=feedback, tags=("by hand",)
        )


def missing(marks: Marks, identity: str) -> list[str]:
    """The questions for which a submission has no points yet, though the class is being graded by hand."""
    return sorted(set(QUESTIONS) - set(marks.get(identity, {}))) if marks else []
