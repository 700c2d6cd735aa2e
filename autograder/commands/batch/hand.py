"""Points that people give: the pages they are given on, what their tables say together, and what joins the results.

Why separate: what readers typed is checked line by line (`hand_table`) before anything is written, and refused as a
whole when a line is wrong: half a table of points is worse than none. A question that nobody has graded yet is never a
zero, and no points are taken back by a cell that is blank.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from autograder.commands.batch.entries import Entry
from autograder.commands.batch.hand_table import HEAD, QUESTIONS, Line, lines
from autograder.core.errors import GraderFault, UsageError
from autograder.core.records import Feedback, Status, TestResult
from autograder.handin import prose, reader
from autograder.report import results
from autograder.report.hand_page import Written, hand_page

FOLDER = "hand"  # in the folder of results: a page a question
KEPT = "hand.csv"  # there, too: all points that were given, for later runs


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


_Said = dict[tuple[str, str], Line]  # by id and question


def gather(files: Sequence[Path], entries: Sequence[Entry], out: Path) -> tuple[Marks, tuple[str, ...]]:
    """(what earlier runs kept in OUT, and over it what these files say; notes): kept there for the next run.

    Points take the place of points and of their comment; a line without points leaves those that are there, gives them
    its comment, and is named. Raises UsageError for the first line that cannot be meant; nothing is changed then.
    """
    ids, kept = {entry.id for entry in entries}, out / KEPT
    said: _Said = {(line.id, line.question): line for line in (lines(kept, None) if kept.is_file() else ())}
    seen: list[_Said] = [{}, {}]  # lines of these files with points; with a comment
    stand: list[str] = []
    for path in files:
        for line in lines(path, ids):
            before = said.get((line.id, line.question))
            _refuse_second(line, seen)
            if line.points is None and before and before.points is not None:
                stand.append(f"{line.where}: {line.id} keeps {before.points:g} for {line.question}")
            said[line.id, line.question] = _over(before, line)
    if files:
        results.write_bytes(kept, _table(said).encode("utf-8", "replace"))
    marks: Marks = {}
    for (identity, number), line in said.items():
        if identity in ids and line.points is not None:
            marks.setdefault(identity, {})[number] = Mark(line.points, line.comment)
    nobodys = sorted({line.id for line in said.values() if line.id not in ids and line.points is not None})
    return marks, (*_notes(stand), *_nobodys(nobodys))


def _refuse_second(line: Line, seen: Sequence[_Said]) -> None:
    """Of two lines about one answer nobody can tell which is meant; one with points and one with a comment are one."""
    for what, there, others in (("points", line.points is not None, seen[0]), ("a comment", line.comment, seen[1])):
        first = others.setdefault((line.id, line.question), line) if there else line
        if first is not line:
            raise UsageError(
                f"{line.where}: {line.id} was given {what} for {line.question} before, in {first.where}: leave one of"
                " the two"
            )


def _over(before: Line | None, line: Line) -> Line:
    """What holds of an answer once a line has come over what was said of it before."""
    if before is None:
        return line
    if line.points is None:
        return msgspec.structs.replace(line, points=before.points, comment=line.comment or before.comment)
    waited = before.comment if before.points is None else ""  # of earlier points the comment goes with them
    return msgspec.structs.replace(line, comment=line.comment or waited)


def _notes(stand: Sequence[str]) -> tuple[str, ...]:
    more = f"; and {len(stand) - 5} more" if len(stand) > 5 else ""
    shown = "; ".join(stand[:5]) + more
    told = (
        f"no points in a line of --hand, so those that were given before stand ({shown}); to take points back, delete"
    )
    return (f"{told} their line in OUT/{KEPT}",) if stand else ()


def _nobodys(ids: Sequence[str]) -> tuple[str, ...]:
    """That points were given which count for nobody: a hand-in may be called otherwise than when it was read."""
    shown = ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
    told = f"points in OUT/{KEPT} count for nobody, for no submission here has the id"
    return (f"{told} ({shown}): if it is called otherwise now, change it there",) if ids else ()


def _table(said: _Said) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    for (identity, number), line in sorted(said.items()):
        if line.points is not None or line.comment:
            writer.writerow([identity, number, "" if line.points is None else f"{line.points:g}", line.comment])
    return text.getvalue()


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
