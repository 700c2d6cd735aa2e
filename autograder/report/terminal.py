"""A report in a terminal: for `check` and `grade`.

Why separate: rich is imported here alone and only when something is drawn, for it costs a tenth of a second. Student
text reaches rich only as `Text`, never as markup, in which a student's "[link=...]" would be obeyed.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from autograder.core.policy import POLICY, Question
from autograder.core.records import Status, TestResult
from autograder.core.text import clean, one_line
from autograder.report import groups, message, summary
from autograder.report.matrices import Matrix, in_columns, pieces
from autograder.report.summary import Summary

if TYPE_CHECKING:
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

STYLES = {Status.PASSED: "green", Status.FAILED: "bold red", Status.SKIPPED: "yellow", Status.ERROR: "bold magenta"}

# Below 40 columns nothing of a message block is legible; above 110 its lines become too long to read.
NARROWEST = 40
WIDEST = 110
_NAME = 26  # columns of the name of a thing: "4a SingleHeadAttention" and a little more
ASIDE = 60  # from this width on, labels stand beside their text; below it, above


def render(
    whole: Summary,
    *,
    width: int | None = None,
    colour: bool,
    audience: summary.Audience = "student",
    again: str = "",
    left: Sequence[str] = (),
    then: str = "",
) -> str:
    """The whole report as text, wrapped to `width` columns (the terminal's own when None), ending in a newline.

    With `colour` off it holds no escape sequence at all, as wanted for a file or a pipe. `again` is the command that
    repeats this run, as it was typed: it is printed once, at the end, in place of a line in each failed test. `left`:
    lines on what was not checked, which stand before the one next step. `then` is that step where every test passed.
    """
    console, text = console_of(width, colour)
    tests = summary.shown_tests(whole, audience)
    console.print(styled(f"{POLICY.title}   {one_line(whole.report.submission.file)}".rstrip(), "bold"))
    for notice in whole.report.notices:
        console.print(styled(f"\n{clean(notice, 500)}"))
    for what, why in whole.unusable:
        console.print(styled(f"\n! {what} could not be used", "bold red"))
        _print_rows(console, (("found", clean(why, 1000)),), indent=2)
    if audience == "staff":
        _print_for_staff(console, whole)
    _print_questions(console, summary.question_scores(tests), whole, without="again" if again else "")
    _print_findings(console, whole, tests)
    if left:
        console.print()
    for line in left:
        console.print(styled(clean(line), "dim"))
    _print_end(console, whole, tests, audience, (again, then))
    return trimmed(text)


def trimmed(text: io.StringIO) -> str:
    """The text without the blanks that rich fills its columns with: they show when a selection is copied."""
    return "\n".join(line.rstrip(" ") for line in text.getvalue().split("\n"))


def console_of(width: int | None, colour: bool, widest: int = WIDEST) -> tuple[Console, io.StringIO]:
    """A console that writes into the text beside it. `width`: columns, within bounds; None means the terminal's own."""
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


def styled(text: str, style: str = "") -> Text:
    """The text as it is, whatever markup it may hold: a word too long for its line is folded, never cut."""
    from rich.text import Text

    return Text(text, style=style, overflow="fold")


def _line(name: Iterable[Text], verdict: Text, indent: int = 0) -> Padding:
    """A name that wraps under itself, after what may not wrap; and at the right edge a verdict that may not, either."""
    from rich.padding import Padding

    *fixed, title = name
    table = _grid(1)
    table.expand = True
    for _ in fixed:
        table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_row(*fixed, title, styled(" ").append_text(verdict))
    return Padding(table, (0, 0, 0, indent))


def _grid(space: int = 2) -> Table:
    from rich.table import Table

    return Table.grid(padding=(0, space))


def _print_questions(console: Console, scores: Iterable[summary.QuestionScore], whole: Summary, without: str) -> None:
    """Question by question; one reason is told once, with all the tests that it decides."""
    above: tuple[message.Row, ...] = ()
    for score, found in _merged([(score, groups.groups(score.tests, whole)) for score in scores]):
        _print_question_head(console, score)
        for group in found:
            rows = tuple(row for row in group.rows if row[0] != without)
            repeated = bool(rows) and rows == above
            _print_group(console, group, (("", "(as above)"),) if repeated else rows)
            above = rows or above


Section = tuple[summary.QuestionScore, tuple[groups.Group, ...]]


def _merged(questions: Sequence[Section]) -> list[Section]:
    """Neighbouring questions without points whose every test is skipped for the same reason, as one."""
    merged: list[Section] = []
    for score, found in questions:
        before, last = merged[-1] if merged else (None, ())
        if before and _same_gap(last, found):
            tests = before.tests + score.tests
            first = before.question.number.split(" – ")[0]
            question = Question(f"{first} – {score.question.number}", "not checked yet", 0)
            merged[-1] = (msgspec.structs.replace(before, question=question, tests=tests), _one(tests, found))
        else:
            merged.append((score, found))
    return merged


def _same_gap(one: Sequence[groups.Group], other: Sequence[groups.Group]) -> bool:
    if len(one) != 1 or len(other) != 1 or one[0].rows != other[0].rows:
        return False
    return all(t.status is Status.SKIPPED and t.max_score == 0 for t in one[0].tests + other[0].tests)


def _one(tests: tuple[TestResult, ...], found: Sequence[groups.Group]) -> tuple[groups.Group, ...]:
    return (msgspec.structs.replace(found[0], tests=tests),)


def _print_question_head(console: Console, score: summary.QuestionScore) -> None:
    console.print()
    name = f"{score.question.number} {score.question.title}".strip()
    console.print(_line([styled(name, "bold")], styled(message.question_line(score), "bold")))


def _print_group(console: Console, group: groups.Group, rows: Iterable[message.Row]) -> None:
    style = STYLES[group.status]
    number, name = groups.title(group)
    texts = [message.SYMBOLS[group.status], one_line(number), one_line(name)]
    verdict = groups.verdict(group)
    if console.width < ASIDE:  # no columns beside the name: its lines would hold two words each
        said = "" if verdict == message.WORDS[Status.PASSED] else f": {verdict}"  # which ✓ says already
        texts, verdict = [texts[0], " ".join(filter(None, texts[1:])) + said], ""
    words = [styled(text, style) for text in texts if text]
    console.print(_line(words, styled(verdict, style), indent=2))
    _print_rows(console, rows, indent=4)


def print_entry(console: Console, symbol: str, style: str, name: str, rows: Iterable[message.Row]) -> None:
    """A thing with what is said of it: no test, so without a verdict. Where there is room, in columns."""
    from rich.padding import Padding

    if console.width < ASIDE:
        console.print(_line([styled(symbol, style), styled(name, style)], styled(""), indent=2))
        _print_rows(console, rows, indent=4)
        return
    table = _grid(1)
    table.add_column(width=1)
    table.add_column(width=_NAME, overflow="fold")
    table.add_column(overflow="fold", ratio=1)
    said = styled("\n").join(styled(f"{label}: {text}" if label else text) for label, text in rows)
    table.add_row(styled(symbol, style), styled(name, style), said)
    console.print(Padding(table, (0, 0, 0, 2)))


def _print_rows(console: Console, rows: Iterable[message.Row], indent: int) -> None:
    from rich.padding import Padding

    for label, text in rows:
        if console.width < ASIDE:
            if label:
                console.print(Padding(styled(label, "dim"), (0, 0, 0, indent)))
            text = _laid_out(text, console.width - indent - 1)
            console.print(Padding(styled(text), (0, 0, 0, indent + 1)))
            continue
        text = _laid_out(text, console.width - indent - message.LABEL_WIDTH)
        table = _grid()
        table.add_column(width=message.LABEL_WIDTH - 2)
        table.add_column(overflow="fold")
        table.add_row(styled(label, "dim"), styled(text))
        console.print(Padding(table, (0, 0, 0, indent)))


def _laid_out(text: str, width: int) -> str:
    """The text; where a line with a matrix would be broken anywhere, matrices become rows of aligned numbers."""
    found = list(pieces(text))
    if not any(len(line) > width for line in text.split("\n") if "[[" in line):
        return text
    return "\n".join(_rows_of(piece, width) if isinstance(piece, Matrix) else piece for piece in found)


def _rows_of(matrix: Matrix, width: int) -> str:
    rows = [f"  {row}" for row in in_columns(matrix)]
    return matrix.line if max(map(len, rows)) > width else "\n".join([matrix.label, *rows])


def _print_for_staff(console: Console, whole: Summary) -> None:
    """What staff need before all else: notes on the result, flags, and what tests tell nobody but staff."""
    told = [("note", clean(note)) for note in whole.notes]
    said = [(one_line(numbers, 60), clean(text)) for numbers, text in summary.told_to_staff(whole)]
    flags = summary.flags(whole)
    if told or said or flags:
        console.print(styled("\nFor staff", "bold magenta"))
    _print_rows(console, told, indent=2)
    for flag in flags:
        where = f"   {flag.place}" if flag.place else ""
        _print_rows(console, (("flag", clean(f"{flag.message}{where}")),), indent=2)
    for numbers, text in said:
        _print_rows(console, (("test", numbers), ("", text)), indent=2)


def _print_findings(console: Console, whole: Summary, tests: Sequence[TestResult]) -> None:
    """What no test has said already."""
    said = [test.feedback.found for test in tests]
    found = [f for f in summary.findings(whole, "student") if not any(f.message in text for text in said)]
    if found:
        console.print(styled("\nNoticed while reading the code", "bold"))
    for index, finding in enumerate(found):
        if index:
            console.print()
        _print_rows(console, message.finding_rows(finding), indent=2)


def _print_end(
    console: Console,
    whole: Summary,
    tests: Sequence[TestResult],
    audience: summary.Audience,
    commands: tuple[str, str],
) -> None:
    again, then = commands
    earned, possible, ungraded = summary.total(tests)
    console.print()
    line = f"Total {message.fraction(earned, possible)} points" if possible else _counted(tests)
    if ungraded:
        line += f", {message.points(ungraded)} of them not graded yet"
    console.print(styled(line, "bold"))
    hand_in = f" Before you hand in:  {then}" if then and all(test.status is Status.PASSED for test in tests) else ""
    console.print(styled(f"Next: {message.next_step(whole, audience)}{hand_in}"))
    if again and not summary.all_well(whole):
        console.print(styled(f"Again: {_narrowed(again, whole, tests)}", "dim"))


def _counted(tests: Sequence[TestResult]) -> str:
    """ "7 of 18 tests pass, 9 skipped (these carry no points)"."""
    if not tests:
        return "No test was run"
    counts = [(status, sum(test.status is status for test in tests)) for status in (Status.FAILED, Status.SKIPPED)]
    others = "".join(f", {count} {message.WORDS[status]}" for status, count in counts if count)
    passed = sum(test.status is Status.PASSED for test in tests)
    return f"{passed} of {len(tests)} tests pass{others} (these carry no points)"


def _narrowed(again: str, whole: Summary, tests: Sequence[TestResult]) -> str:
    """The command, with the one question that is to be fixed next."""
    first = summary.first_to_fix(whole, tests)
    if first is None or not first.number or "--question" in again or "check(" in again.replace("check()", ""):
        return again
    number = summary.question_scores([first])[0].question.number or first.number
    return f'check("{number}")' if again == "check()" else f"{again} --question {number}"
