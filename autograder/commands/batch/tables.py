"""A class as tables for other programs: grades.csv, what Gradescope and Canvas import, and summary.json.

Why separate: each site wants columns of its own, and a blank cell is not graded, never 0. Nothing here grades.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from autograder.commands.batch.entries import Entry
from autograder.commands.batch.handed import counted, late
from autograder.core.lateness import clock, taken
from autograder.core.policy import POLICY
from autograder.core.records import Status
from autograder.core.text import one_line
from autograder.report.class_table import ClassRow
from autograder.report.overview import question_of
from autograder.report.summary import Summary, earned

Pairs = Sequence[tuple[Entry, ClassRow]]


def grades(pairs: Pairs, due: datetime | None = None) -> str:
    """grades.csv: id, who (where an export says so), points by question, total: one row for each submission.

    With `due`, when it was handed in and how late, too; where the policy takes points for that, how many.
    """
    numbers = _numbers(pairs)
    people_of = [person for entry, _ in pairs for person in entry.people]
    who = ["name", "sid", "email"] if people_of else ["name"] if any(entry.called for entry, _ in pairs) else []
    who += ["user"] if any(person.user for person in people_of) else []
    rows = []
    for entry, row in pairs:
        people = [_in_order([getattr(person, key) for person in entry.people]) for key in who]
        if who and not entry.people:
            people[0] = entry.called or entry.id
        rows.append([*map(_inert, [row.id, *people]), *_times(entry, row, due), *_points(row, numbers)])
    times = ["submitted", "late", *(["taken"] if POLICY.late.lost_each_day else [])] if due else []
    return _csv(["id", *who, *times, *numbers, "total"], rows)


def _in_order(values: Sequence[str]) -> str:
    """What is known of each member of a group: an unknown number keeps its place, or another's would stand for it."""
    return "; ".join(values) if any(values) else ""


def _times(entry: Entry, row: ClassRow, due: datetime | None) -> list[str]:
    if due is None:
        return []
    by = late(entry, due)
    points = "" if by is None or row.total is None else f"{taken(row.total, by):g}"
    found = [entry.when.isoformat(" ") if entry.when else "", clock(by)]
    return [*found, points] if POLICY.late.lost_each_day else found


def gradescope(pairs: Pairs) -> str:
    """gradescope.csv: one row for each student of the export, columns named as in Gradescope's own grade exports."""
    numbers = _numbers(pairs)
    head = ["Name", "SID", "Email", "Total Score", "Max Points", "Submission ID", *numbers]
    rows = []
    for entry, row, person in counted(pairs):
        *points, total = _points(row, numbers)
        about = map(_inert, (person.name, person.sid, person.email))
        rows.append([*about, total, f"{_possible(pairs):g}", _inert(entry.id), *points])
    return _csv(head, rows)


def tests(graded: Sequence[tuple[Entry, Summary]]) -> str:
    """tests.csv: a row for each test of each submission, for pandas and its like. A blank score is not graded."""
    return _csv(list(LONG), ([_cell(row[name]) for name in LONG] for row in long(graded)))


# The columns of the long form, and what each holds.
LONG = {"id": str, "question": str, "test": str, "name": str, "status": str, "score": float, "possible": float,
        "seconds": float, "found": str}  # fmt: skip


def long(graded: Sequence[tuple[Entry, Summary]]) -> Iterator[dict[str, str | float | None]]:
    """A row for each test of each submission; a score of None is not graded."""
    for entry, whole in graded:
        for test in whole.tests:
            yield {
                "id": entry.id, "question": question_of(test.number), "test": test.number, "name": test.name,
                "status": test.status.value, "score": None if test.status is Status.ERROR else float(earned(test)),
                "possible": float(test.max_score), "seconds": round(test.seconds, 3),
                "found": one_line(test.feedback.found, 400),
            }  # fmt: skip


def _cell(value: str | float | None) -> str:
    return "" if value is None else _inert(value) if isinstance(value, str) else f"{value:g}"


def canvas(pairs: Pairs) -> str:
    """canvas.csv: as Canvas's gradebook imports it. Students are found by Canvas's own number, where the class is an
    export of Canvas, else by SIS ids or e-mail as their login."""
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", POLICY.title]
    rows = [["Points Possible", "", "", "", "", f"{_possible(pairs):g}"]]
    for entry, row, person in counted(pairs):
        number = person.user if entry.system == "Canvas" else ""
        rows.append([_inert(person.name), number, _inert(person.sid), _inert(person.email), "", _points(row, ())[-1]])
    return _csv(head, rows)


def summary(pairs: Pairs, notes: Iterable[str], seconds: float) -> bytes:
    """summary.json: the class in numbers, for scripts."""
    totals = sorted(row.total for _, row in pairs if row.total is not None)
    content = {
        "assignment": POLICY.title,
        "submissions": len(pairs),
        "graded": len(totals),
        "possible": _possible(pairs),
        "mean": round(sum(totals) / len(totals), 3) if totals else None,
        "median": totals[len(totals) // 2] if totals else None,
        "seconds": round(seconds, 1),
        "notes": list(notes),
        "totals": {row.id: row.total for _, row in pairs},
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n"


def _numbers(pairs: Pairs) -> list[str]:
    """The questions in the handout's order: those that people grade, too, where they have given points for one."""
    hand = [question.number for question in POLICY.by_hand]
    given = hand if any(number in row.points for _, row in pairs for number in hand) else []
    return sorted([*(question.number for question in POLICY.questions), *given])


def partly(pairs: Pairs) -> Iterator[str]:
    """A note where only some of the tests were run, so that no total is one of the whole homework."""
    possible, whole = _possible(pairs), _whole(_numbers(pairs))
    if pairs and possible < whole:
        yield (
            f"graded in part: totals are out of {possible:g} points, not {whole:g}, in gradescope.csv and canvas.csv,"
            " too: grade the rest before you import them"
        )


def _possible(pairs: Pairs) -> float:
    """What a submission can have: the tests that were run, and people where they have given any points."""
    return max((row.possible for _, row in pairs if row.possible), default=_whole(_numbers(pairs)))


def _whole(numbers: Sequence[str]) -> float:
    """Points that all tests give, and people where they have given any."""
    tested = sum(question.points for question in POLICY.questions if question.tests)
    return tested + sum(question.points for question in POLICY.by_hand if question.number in numbers)


def _points(row: ClassRow, numbers: Sequence[str]) -> list[str]:
    cells = [row.points.get(number) for number in numbers]
    return ["" if cell is None else f"{cell:g}" for cell in [*cells, row.total]]


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()


def _inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return "'" + text if text.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠")) else text
