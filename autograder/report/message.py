"""The words of one test's result: the message block that a student reads, as rows and as plain text.

Why separate: the same rows stand in results.json, in the terminal and on the HTML page. Every text passes the
sanitiser here, whoever wrote it: a diagnosis may quote the student. Nothing here may compute a score.
"""

from __future__ import annotations

from collections.abc import Iterable

from autograder.core.records import Chart, Finding, Severity, Status, TestResult
from autograder.core.text import clean, one_line
from autograder.report import summary
from autograder.report.summary import QuestionScore, Summary

Row = tuple[str, str]

LABEL_WIDTH = 10  # the longest label, "expected", and two spaces

# One line of a block: room for two printed 8 by 8 matrices, which is more than any of our messages shows.
ROW_LIMIT = 1500
ROW_LINES = 24

SYMBOLS = {Status.PASSED: "✓", Status.FAILED: "✗", Status.SKIPPED: "–", Status.ERROR: "!"}
WORDS = {Status.PASSED: "passed", Status.FAILED: "failed", Status.SKIPPED: "skipped", Status.ERROR: "not graded"}

OURS = (
    "the grader could not finish this test. That is our fault, not yours, and costs you nothing: "
    "please tell the course staff."
)
COSTS = {
    Severity.READY_MADE: "the points of its question: a ready-made solution earns none",
    Severity.DISALLOWED: "the points of the test that says what is allowed",
    Severity.FLAG: "nothing by itself: it is for staff to look at",
    Severity.REMARK: "",
}
LABELS = {Severity.FLAG: "flag", Severity.REMARK: "remark"}

OUR_STEP: dict[summary.Audience, str] = {
    "student": "part of this was not graded, by our fault: tell the course staff. Nothing is lost by it.",
    "staff": "part of this was not graded: grade it again, or set those points by hand (the notes say which).",
}


def rows(test: TestResult) -> tuple[Row, ...]:
    """(label, text) of the block under a test's heading, in reading order, sanitised. Empty for a plain pass."""
    found = list(test.feedback.lines())
    if test.status is Status.ERROR:
        found = [("ours", OURS), *((label, text) for label, text in found)]
    elif test.status is Status.SKIPPED:
        reason = test.feedback.found or "a test that this one builds on did not pass: fix that one first"
        found = [("skipped", reason), *((label, text) for label, text in found if label != "found")]
    elif test.status is Status.FAILED and not found:
        found = [("found", "this test did not pass, and it recorded no reason: please ask the course staff")]
    found += [("remark", remark) for remark in dict.fromkeys(test.remarks)]
    found += [("curves", sparklines(chart)) for chart in test.charts]
    return tuple((label, clean(text, ROW_LIMIT, lines=ROW_LINES)) for label, text in found if text.strip())


_BARS = "▁▂▃▄▅▆▇█"
_WIDEST = 30  # columns of a curve in text: with its name and its ends it fits a line of 80


def sparklines(chart: Chart) -> str:
    """The chart's curves in text, a line each: "training set  █▅▃▂▁  2.31 → 0.05", all on one scale."""
    values = [value for line in chart.lines for value in line.values]
    low, high = min(values), max(values)
    wide = max(len(line.name) for line in chart.lines)
    rows = (
        f"{line.name:<{wide}}  {_bars(line.values, low, high)}  {line.values[0]:.4g} → {line.values[-1]:.4g}"
        for line in chart.lines
    )
    return "\n".join([chart.title, *rows])


def _bars(values: tuple[float, ...], low: float, high: float) -> str:
    count = min(len(values), _WIDEST)
    shown = [values[round(i * (len(values) - 1) / max(1, count - 1))] for i in range(count)]
    return "".join(_BARS[round((value - low) / ((high - low) or 1.0) * (len(_BARS) - 1))] for value in shown)


def finding_rows(finding: Finding) -> tuple[Row, ...]:
    """(label, text) of what reading the submission brought up, sanitised. A remark costs nothing, as its label says."""
    place = str(finding.place) if finding.place else ""
    label = LABELS.get(finding.severity, "found")
    pairs = ((label, finding.message), ("where", place), ("fix", finding.fix), ("costs", COSTS[finding.severity]))
    return tuple((label, clean(text, ROW_LIMIT, lines=ROW_LINES)) for label, text in pairs if text.strip())


def block(pairs: Iterable[Row], indent: int = 0) -> str:
    """The rows as plain text: labels in one column, continuation lines under their text."""
    lines: list[str] = []
    for label, text in pairs:
        first, *rest = text.split("\n")
        lines.append(f"{label:<{LABEL_WIDTH - 1}} {first}")
        lines += [" " * LABEL_WIDTH + line for line in rest]
    return "\n".join((" " * indent + line).rstrip() for line in lines)


def verdict(test: TestResult) -> str:
    """The outcome in words and points: "failed 0/4", "passed" for a test without points, "not graded"."""
    if test.status is Status.ERROR or (test.max_score == 0 and test.score == 0):
        return WORDS[test.status]
    score = 0.0 if test.status is Status.SKIPPED else test.score
    return f"{WORDS[test.status]} {fraction(score, test.max_score)}"


def fraction(earned: float, possible: float) -> str:
    """Points of points: "2.5/4"."""
    return f"{points(earned)}/{points(possible)}"


def points(number: float) -> str:
    """Points with at most two decimals and no idle zeros: "6", "2.5", "0.33"."""
    return f"{round(number, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def question_line(score: QuestionScore) -> str:
    """The points of a question; what we failed to grade is named, so that it does not read as lost."""
    if score.possible == 0:
        return ""
    open_points = f" ({points(score.ungraded)} not graded yet)" if score.ungraded else ""
    return fraction(score.earned, score.possible) + open_points


def next_step(whole: Summary, audience: summary.Audience) -> str:
    """The one thing to do next: what blocks most comes first, our own faults before the student's."""
    tests = summary.shown_tests(whole, audience)
    if any(test.status is Status.ERROR for test in tests) or not whole.report.complete:
        return OUR_STEP[audience]
    if audience == "student":
        return _students_step(whole, tests)
    flags = len(summary.flags(whole))
    look = (
        f"look at the {flags} flag{'' if flags == 1 else 's'} for staff" if flags else "nothing is left for staff to do"
    )
    return f"{look}. The student's next step: {_students_step(whole, tests)}"


def _students_step(whole: Summary, tests: tuple[TestResult, ...]) -> str:
    first = summary.first_to_fix(whole, tests)
    if what := summary.first_unusable(whole, first):
        return f"fix what is said above about {what}, then try again."
    if first is not None:
        return _pointer(first)
    waiting = next((test for test in tests if test.status is Status.SKIPPED), None)
    if waiting is not None:
        return f"nothing to fix in what is there. Still to do: {_pointer(waiting)}"
    if tests:
        return "nothing to fix in what was tested here."
    return "what the tests found is not shown yet." if whole.tests else "no test here looks at this question."


def _pointer(test: TestResult) -> str:
    """ "4a.4 (hw6.ipynb cell 14 line 13): look at the dim argument of your softmax", short enough to act on."""
    where = f" ({one_line(test.feedback.where, 80)})" if test.feedback.where else ""
    what = test.feedback.fix or test.feedback.found or "see what it says above"
    return f"{one_line(test.number or test.name)}{where}: {one_line(what, 240)}"
