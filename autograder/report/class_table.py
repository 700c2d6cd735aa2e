"""A class in a terminal: one row for each submission, one column for each question.

Why separate: the rows are also what grades.csv and index.html are made of. Not graded is a dash here, never a zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from autograder.core.policy import POLICY
from autograder.core.records import Status, TestResult
from autograder.core.text import one_line
from autograder.report import message, summary
from autograder.report.summary import Summary
from autograder.report.terminal import console_of, styled, trimmed

MAX_ID = 32
WITH_REMARKS = 110  # from this width on, a class table has room for a remark


class ClassRow(msgspec.Struct, frozen=True):
    """One submission in the table of a class. `points` maps a question to what it earned; None: not graded.

    `possible` points are what the tests that were run give, and people where they gave any; None: not known.
    """

    id: str
    points: dict[str, float | None]
    total: float | None
    remark: str = ""
    possible: float | None = None


def class_row(identity: str, whole: Summary) -> ClassRow:
    """The row of one graded submission; its remark is the first thing that staff would want to know."""
    tests = whole.tests
    scores = summary.question_scores(tests)
    return ClassRow(
        id=identity,
        points={s.question.number: None if s.ungraded else s.earned for s in scores if s.possible},
        total=None if not whole.report.complete or any(s.ungraded for s in scores) else summary.total(tests)[0],
        remark=one_line(next(iter(_remarks(whole, tests)), ""), 400),  # it may quote the student: a file's name, a key
        possible=summary.total(tests)[1],
    )


def _remarks(whole: Summary, tests: Sequence[TestResult]) -> Iterable[str]:
    yield from (f"{what}: {why}" for what, why in whole.unusable)
    yield from whole.notes
    yield from (finding.message for finding in summary.findings(whole, "staff"))
    yield from (f"{test.number} {test.feedback.found}" for test in tests if test.status is Status.FAILED)


def class_table(rows: Iterable[ClassRow], *, width: int | None = None, colour: bool) -> str:
    """A class as a table: id, points by question, total, the first remark. Not graded is a dash, never a zero."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    listed = list(rows)
    numbers = [q for q in _question_numbers() if any(q in row.points for row in listed)]
    console, text = console_of(width, colour, widest=200)
    remarks = console.width >= WITH_REMARKS
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0) if remarks else (0, 1, 0, 0), expand=remarks
    )
    table.add_column("id", no_wrap=True, overflow="ellipsis", min_width=10, max_width=MAX_ID if remarks else 18)
    for number in [*numbers, "total"]:
        table.add_column(number, justify="right", no_wrap=True, min_width=max(len(number), len("1.25")))
    if remarks:
        table.add_column("remark", no_wrap=True, overflow="ellipsis", ratio=1, min_width=10)
    for row in listed:
        cells = [one_line(row.id, MAX_ID), *(_cell(row.points.get(n)) for n in numbers), _cell(row.total)]
        table.add_row(*(Text(c) for c in ([*cells, one_line(row.remark)] if remarks else cells)))
    console.print(table)
    console.print(styled(_class_line(listed)))
    return trimmed(text)


def _class_line(rows: Sequence[ClassRow]) -> str:
    totals = [row.total for row in rows if row.total is not None]
    mean = f", mean {message.points(sum(totals) / len(totals))}" if totals else ""
    open_rows = f", {len(rows) - len(totals)} not wholly graded" if len(totals) < len(rows) else ""
    return f"{len(rows)} submission{'' if len(rows) == 1 else 's'}{mean}{open_rows}"


def _cell(number: float | None) -> str:
    return "–" if number is None else message.points(number)


def _question_numbers() -> list[str]:
    return sorted(question.number for question in (*POLICY.questions, *POLICY.by_hand))
