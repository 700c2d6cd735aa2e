"""A report in a terminal: for `check` and `grade`, and one table for a class.

Why separate: rich is imported here alone and only when something is drawn, for it costs a tenth of a second. Student
text reaches rich only as `Text`, never as markup, in which a student's "[link=...]" would be obeyed.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from autograder.assignment import QUESTIONS, TITLE
from autograder.records import Report, Status, TestResult
from autograder.report import message, summary
from autograder.text import clean, one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

STYLES = {Status.PASSED: "green", Status.FAILED: "bold red", Status.SKIPPED: "yellow", Status.ERROR: "bold magenta"}

# Below 40 columns nothing of a message block is legible; above 110 its lines become too long to read.
NARROWEST = 40
WIDEST = 110
MAX_ID = 32
WITH_REMARKS = 110  # from this width on, a class table has room for a remark
ASIDE = 60  # from this width on, labels stand beside their text; below it, above


class ClassRow(msgspec.Struct, frozen=True):
    """One submission in the table of a class. `points` maps a question to what it earned; None: not graded."""

    id: str
    points: dict[str, float | None]
    total: float | None
    remark: str = ""


def class_row(identity: str, report: Report) -> ClassRow:
    """The row of one graded submission; its remark is the first thing that staff would want to know."""
    tests = summary.all_tests(report)
    scores = summary.question_scores(tests)
    return ClassRow(
        id=identity,
        points={s.question.number: None if s.ungraded else s.earned for s in scores if s.possible},
        total=None if not report.complete or any(s.ungraded for s in scores) else summary.total(tests)[0],
        remark=next(iter(_remarks(report, tests)), ""),
    )


def _remarks(report: Report, tests: Sequence[TestResult]) -> Iterable[str]:
    yield from (f"{what}: {why}" for what, why in summary.unusable(report))
    yield from summary.notes_for_staff(report)
    yield from (finding.message for finding in summary.findings(report, "staff"))
    yield from (f"{test.number} {test.feedback.found}" for test in tests if test.status is Status.FAILED)


def render(report: Report, *, width: int | None = None, colour: bool, audience: summary.Audience = "student") -> str:
    """The whole report as text, wrapped to `width` columns (the terminal's own when None), ending in a newline.

    With `colour` off it holds no escape sequence at all, as wanted for a file or a pipe.
    """
    console, text = _console(width, colour)
    tests = summary.shown_tests(report, audience)
    console.print(_text(f"{TITLE}   {one_line(report.submission.file)}".rstrip(), "bold"))
    for what, why in summary.unusable(report):
        console.print(_text(f"\n! {what} could not be used", "bold red"))
        _print_rows(console, (("found", clean(why, 1000)),), indent=2)
    _print_questions(console, summary.question_scores(tests))
    _print_findings(console, report, audience)
    _print_end(console, report, tests, audience)
    return _trimmed(text)


def class_table(rows: Iterable[ClassRow], *, width: int | None = None, colour: bool) -> str:
    """A class as a table: id, points by question, total, the first remark. Not graded is a dash, never a zero."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    listed = list(rows)
    numbers = [q for q in _question_numbers() if any(q in row.points for row in listed)]
    console, text = _console(width, colour, widest=200)
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
    console.print(_text(_class_line(listed)))
    return _trimmed(text)


def _trimmed(text: io.StringIO) -> str:
    """The text without the blanks that rich fills its columns with: they show when a selection is copied."""
    return "\n".join(line.rstrip(" ") for line in text.getvalue().split("\n"))


def _class_line(rows: Sequence[ClassRow]) -> str:
    totals = [row.total for row in rows if row.total is not None]
    mean = f", mean {message.points(sum(totals) / len(totals))}" if totals else ""
    open_rows = f", {len(rows) - len(totals)} not wholly graded" if len(totals) < len(rows) else ""
    return f"{len(rows)} submission{'' if len(rows) == 1 else 's'}{mean}{open_rows}"


def _cell(number: float | None) -> str:
    return "–" if number is None else message.points(number)


def _question_numbers() -> list[str]:
    return [question.number for question in QUESTIONS]


def _console(width: int | None, colour: bool, widest: int = WIDEST) -> tuple[Console, io.StringIO]:
    from rich.console import Console

    columns = shutil.get_terminal_size().columns if width is None else width
    text = io.StringIO()
    console = Console(
        file=text,
        width=min(max(columns, NARROWEST), widest),
        force_terminal=colour,
        no_color=not colour,
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    return console, text


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(text, style=style, overflow="fold")


def _line(left: Text, right: Text, indent: int = 0) -> Padding:
    """A name that may wrap, and at the right edge a verdict that may not."""
    from rich.padding import Padding

    table = _grid()
    table.expand = True
    table.add_column(ratio=1, overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_row(left, right)
    return Padding(table, (0, 0, 0, indent))


def _grid() -> Table:
    from rich.table import Table

    return Table.grid(padding=(0, 2))


def _print_questions(console: Console, scores: Iterable[summary.QuestionScore]) -> None:
    """Question by question; a block that repeats the one above it word for word is named, not printed again."""
    above: tuple[message.Row, ...] = ()
    for score in scores:
        _print_question_head(console, score)
        for test in score.tests:
            rows = message.rows(test)
            _print_test(console, test, (("", "(as above)"),) if rows and rows == above else rows)
            above = rows or above


def _print_question_head(console: Console, score: summary.QuestionScore) -> None:
    console.print()
    name = f"{score.question.number} {score.question.title}".strip()
    console.print(_line(_text(name, "bold"), _text(message.question_line(score), "bold")))


def _print_test(console: Console, test: TestResult, rows: Iterable[message.Row]) -> None:
    style = STYLES[test.status]
    title = _text(f"{message.SYMBOLS[test.status]} {message.heading(test)}", style)
    console.print(_line(title, _text(message.verdict(test), style), indent=2))
    _print_rows(console, rows, indent=4)


def _print_rows(console: Console, rows: Iterable[message.Row], indent: int) -> None:
    from rich.padding import Padding

    for label, text in rows:
        if console.width < ASIDE:
            if label:
                console.print(Padding(_text(label, "dim"), (0, 0, 0, indent)))
            console.print(Padding(_text(text), (0, 0, 0, indent + 2)))
            continue
        table = _grid()
        table.add_column(width=message.LABEL_WIDTH - 2)
        table.add_column(overflow="fold")
        table.add_row(_text(label, "dim"), _text(text))
        console.print(Padding(table, (0, 0, 0, indent)))


def _print_findings(console: Console, report: Report, audience: summary.Audience) -> None:
    found = summary.findings(report, audience)
    if found:
        console.print(_text("\nNoticed while reading the code", "bold"))
    for index, finding in enumerate(found):
        if index:
            console.print()
        _print_rows(console, message.finding_rows(finding), indent=2)


def _print_end(console: Console, report: Report, tests: Sequence[TestResult], audience: summary.Audience) -> None:
    earned, possible, ungraded = summary.total(tests)
    if audience == "staff":
        for note in summary.notes_for_staff(report):
            _print_rows(console, (("staff", clean(note)),), indent=0)
    console.print()
    passed = sum(test.status is Status.PASSED for test in tests)
    without = f"{passed} of {len(tests)} tests pass (these carry no points)"
    line = f"Total {message.fraction(earned, possible)} points" if possible else without if tests else "No test was run"
    if ungraded:
        line += f", {message.points(ungraded)} of them not graded yet"
    console.print(_text(line, "bold"))
    console.print(_text(f"Next: {message.next_step(report, audience)}"))
