"""The words of one test's result: the message block that a student reads, as rows and as plain text.

Why separate: the same rows stand in results.json, in the terminal and on the HTML page. Every text passes the
sanitiser here, whoever wrote it: a diagnosis may quote the student. Nothing here may compute a score.
"""

from __future__ import annotations

from collections.abc import Iterable

from autograder.records import Finding, Report, Severity, Status, TestResult
from autograder.report import summary
from autograder.report.summary import QuestionScore
from autograder.text import clean, one_line

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
    Severity.READY_MADE: "ready-made: a ready-made solution earns no points for its question",
    Severity.DISALLOWED: "not allowed: costs the points of that rule's own test",
    Severity.FLAG: "for staff to look at: costs nothing by itself",
    Severity.REMARK: "remark: costs nothing",
}

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
        reason = test.feedback.found or "a test that this one builds on did not pass: mend that one first"
        found = [("skipped", reason), *((label, text) for label, text in found if label != "found")]
    elif test.status is Status.FAILED and not found:
        found = [("found", "this test did not pass, and it recorded no reason: please ask the course staff")]
    found += [("remark", remark) for remark in test.remarks]
    return tuple((label, clean(text, ROW_LIMIT, lines=ROW_LINES)) for label, text in found if text.strip())


def finding_rows(finding: Finding) -> tuple[Row, ...]:
    """(label, text) of what reading the submission brought up, sanitised."""
    place = str(finding.place) if finding.place else ""
    pairs = (("found", finding.message), ("where", place), ("mend", finding.mend), ("costs", COSTS[finding.severity]))
    return tuple((label, clean(text, ROW_LIMIT, lines=ROW_LINES)) for label, text in pairs if text.strip())


def block(pairs: Iterable[Row], indent: int = 0) -> str:
    """The rows as plain text: labels in one column, continuation lines under their text."""
    lines: list[str] = []
    for label, text in pairs:
        first, *rest = text.split("\n")
        lines.append(f"{label:<{LABEL_WIDTH - 1}} {first}")
        lines += [" " * LABEL_WIDTH + line for line in rest]
    return "\n".join((" " * indent + line).rstrip() for line in lines)


def heading(test: TestResult) -> str:
    """ "4a.4 matches the reference", on one harmless line."""
    return one_line(f"{test.number} {test.name}".strip())


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


def next_step(report: Report, audience: summary.Audience) -> str:
    """The one thing to do next: what blocks most comes first, our own faults before the student's."""
    tests = summary.shown_tests(report, audience)
    first = next((test for test in tests if test.status is Status.FAILED), None)
    if any(test.status is Status.ERROR for test in tests) or not report.complete:
        return OUR_STEP[audience]
    if report.submission.problem:
        return "mend what is said above about the hand-in, then run this again."
    if first is not None:
        return f"look at {one_line(first.number or first.name)} first, then run this again."
    if any(test.status is Status.SKIPPED for test in tests):
        return "see above what the skipped tests need, then run this again."
    return "nothing to mend in what was tested here." if tests else "no test was run: check the question's name."
