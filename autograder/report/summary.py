"""What a report adds up to, and who may see which part of it: one `Summary` for every output, computed once.

Why separate: results.json, the HTML page and the terminal must never disagree about a total or about what a student
may see, so they are given the same record. Nothing here may word a message at length (see `message`) or touch a file.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import msgspec

from autograder.core.policy import FILES, POLICY, Question
from autograder.core.records import Finding, Report, Severity, Status, Submission, TestResult

Audience = Literal["student", "staff"]

# Gradescope's words (the platform's specification). Anything else is a slip of ours: hidden is the safe reading of it.
VISIBILITIES = ("visible", "after_due_date", "after_published", "hidden")

TRAINING = "4c"  # the question that takes an hour of training with the code of those before it
OTHER = Question("", "About the submission as a whole", 0)


class QuestionScore(msgspec.Struct, frozen=True):
    """What one question earned. `ungraded` is the part of `possible` that we failed to grade: not lost, but open."""

    question: Question
    earned: float
    possible: float
    ungraded: float
    tests: tuple[TestResult, ...]


class Summary(msgspec.Struct, frozen=True):
    """A report, and what every output needs of it.

    `tests`: every test in the handout's order, the finished ones and those planned and not run. `unusable`: (what, why)
    for everything of the submission that could not be used. `findings`: what reading brought up, each thing once,
    though several classes may share the line. `notes`: for staff, on the result as a whole.
    """

    report: Report
    tests: tuple[TestResult, ...]
    unusable: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


def summarise(report: Report) -> Summary:
    """The summary that all outputs of this report share."""
    tests = _all_tests(report)
    return Summary(
        report, tests, _unusable(report.submission, tests), _once(report.submission.findings), _notes(report, tests)
    )


def _all_tests(report: Report) -> tuple[TestResult, ...]:
    """Every test of the report in the handout's order: the finished ones, then those planned and not run.

    A planned test counts as a grader error, whatever it was entered as: not running it was not the student's doing.
    So does a score that is not a number, since a sum with it would void the whole result.
    """
    finished = [_trustworthy(test) for test in report.tests]
    done = {(test.number, test.name) for test in finished}
    planned = [_not_run(test) for test in report.planned if (test.number, test.name) not in done]
    return tuple(sorted([*finished, *planned], key=lambda test: _position(test.number)))


def shown_tests(whole: Summary, audience: Audience) -> tuple[TestResult, ...]:
    """The tests that this audience may see now: all for staff; those of visibility "visible" for students."""
    return tuple(test for test in whole.tests if audience == "staff" or test.visibility == "visible")


def question_scores(tests: Iterable[TestResult]) -> tuple[QuestionScore, ...]:
    """One record for each question that has a test, in the handout's order, informational tests included."""
    groups: dict[str, list[TestResult]] = {}
    for test in tests:
        groups.setdefault(_question(test.number).number, []).append(test)
    return tuple(_question_score(group) for group in groups.values())


def _question_score(tests: list[TestResult]) -> QuestionScore:
    return QuestionScore(
        question=_question(tests[0].number),
        earned=sum(earned(test) for test in tests),
        possible=sum(test.max_score for test in tests),
        ungraded=sum(test.max_score for test in tests if test.status is Status.ERROR),
        tests=tuple(tests),
    )


def earned(test: TestResult) -> float:
    """The points that a test gives: none for a skipped one, and none *yet* for one that we failed to run."""
    return test.score if test.status in (Status.PASSED, Status.FAILED) else 0.0


def total(tests: Iterable[TestResult]) -> tuple[float, float, float]:
    """(earned, possible, of that not graded), each rounded to two decimals."""
    scores = question_scores(tests)
    sums = (sum(s.earned for s in scores), sum(s.possible for s in scores), sum(s.ungraded for s in scores))
    return round(sums[0], 2), round(sums[1], 2), round(sums[2], 2)


def first_to_fix(whole: Summary, tests: Iterable[TestResult]) -> TestResult | None:
    """The failed test to look at first: in the question whose fixing helps most, the one that lost most."""
    fixable = [test for test in tests if test.score >= 0]  # what is taken, for lateness say, no work can mend
    by_tests = [score for score in question_scores(fixable) if score.question not in POLICY.by_hand]
    failing = [score for score in by_tests if any(map(_failed, score.tests))]
    if not failing:
        return None
    first = min(failing, key=lambda score: _urgency(whole.report.submission, score))
    return max(filter(_failed, first.tests), key=lambda test: test.max_score - test.score)


def _urgency(submission: Submission, score: QuestionScore) -> tuple[float, ...]:
    """Sorts the questions to fix. A file that was left out is minutes of work for many points. Then the code in its
    order, for a layer is tried and a model trained with what stands before it. Then training, if there is none yet: it
    takes an hour, in which the written answers can be fixed. All else by what it lost.
    """
    lost = score.possible - score.earned - score.ungraded
    number, code = score.question.number, [question.number for question in POLICY.questions if question.class_name]
    if score.possible and lost <= 0:  # only informational tests failed
        stage = len(code) + 3
    elif number in code:
        stage = code.index(number) + 1
    elif number == TRAINING:
        stage = len(code) + (1 if score.earned == 0 else 2)
    else:
        stage = 0 if submission.answers is None and score.earned == 0 else len(code) + 2
    if not stage:
        return (0,)
    return stage, -lost, -sum(map(_open, score.tests))


def first_unusable(whole: Summary, first: TestResult | None) -> str:
    """What of the submission is to be fixed before the test `first`, since it cannot be used; "" when nothing is.

    A layer that cannot be used waits for attention that is wrong; an unreadable history.json, for all but training.
    """
    question = _question(first.number).number if first else ""
    waits = {"question 4b": question == "4a", FILES.history: question not in ("", TRAINING)}
    return next((what for what, _ in whole.unusable if not waits.get(what)), "")


def _failed(test: TestResult) -> bool:
    return test.status is Status.FAILED


def _open(test: TestResult) -> bool:
    return test.status in (Status.FAILED, Status.SKIPPED)


def findings(whole: Summary, audience: Audience) -> tuple[Finding, ...]:
    """What reading the submission brought up. Flags are for staff alone: an unproven suspicion accuses nobody.

    A student who asks about one question is told nothing of the others.
    """
    if audience == "staff":
        return whole.findings
    asked = {_question(test.number).number for test in whole.tests}
    told = (f for f in whole.findings if f.severity is not Severity.FLAG)
    return tuple(f for f in told if f.question is None or f.question in asked or not asked)


def _once(found: Iterable[Finding]) -> tuple[Finding, ...]:
    once: dict[tuple[object, ...], Finding] = {}
    for finding in found:
        once.setdefault((finding.rule, finding.severity, finding.message, finding.place), finding)
    return tuple(once.values())


def flags(whole: Summary) -> tuple[Finding, ...]:
    """What staff should look at."""
    return tuple(f for f in whole.findings if f.severity is Severity.FLAG)


def told_to_staff(whole: Summary) -> tuple[tuple[str, str], ...]:
    """(test numbers, text) of what tests tell staff alone, each text once: output, what would have been earned."""
    told: dict[str, list[str]] = {}
    for test in whole.tests:
        if test.staff:
            told.setdefault(test.staff, []).append(test.number or test.name)
    return tuple((", ".join(numbers), text) for text, numbers in told.items())


def _unusable(submission: Submission, tests: tuple[TestResult, ...]) -> tuple[tuple[str, str], ...]:
    """(what, why) for everything of the submission that could not be used, of the questions that were asked about."""
    asked = {_question(test.number).number for test in tests}
    problem = submission.problem  # said once, not once more for each question
    pairs = [
        ("the submission", submission.problem),
        *(
            (f"question {number}", reason)
            for number, reason in sorted(submission.unusable.items())
            if reason not in problem and (number in asked or not asked)
        ),
        (FILES.answers, submission.answers_problem),
        (FILES.history, submission.history_problem),
    ]
    return tuple((what, why) for what, why in pairs if why)


def blocked_by(whole: Summary, test: TestResult) -> str:
    """Which of `unusable` keeps this test from being judged; "" when none does."""
    number = _question(test.number).number
    if whole.report.submission.problem:
        return "the submission"
    return f"question {number}" if number in whole.report.submission.unusable else ""


def all_well(whole: Summary) -> bool:
    """Whether a student has nothing to fix: something passed, nothing failed, and all that was handed in is usable.

    A test that is skipped because its part is not there yet is no mistake; nor is a question that has no test here.
    """
    statuses = {test.status for test in whole.tests}
    passed = Status.PASSED in statuses or not statuses
    return passed and not statuses & {Status.FAILED, Status.ERROR} and not whole.unusable


def _notes(report: Report, tests: tuple[TestResult, ...]) -> tuple[str, ...]:
    """The report's own notes and what staff should know about the result as a whole."""
    ours = [test.number or test.name for test in tests if test.status is Status.ERROR]
    concealed = [test.number or test.name for test in tests if test.visibility != "visible"]
    odd = sorted({t.visibility for t in (*report.tests, *report.planned)} - set(VISIBILITIES))
    notes = list(report.staff_notes)
    if ours:
        notes.append(f"not graded, by our own fault: {', '.join(ours)}. Please grade again or set these by hand.")
    if concealed:
        notes.append(f"students do not see their total while these tests are not visible: {', '.join(concealed)}")
    if odd:
        notes.append(f"unknown visibility {odd}, taken as hidden: use one of {', '.join(VISIBILITIES)}")
    if not report.complete:
        notes.append("the grading stopped before its end")
    return tuple(notes)


def by_hand(tests: Iterable[TestResult]) -> tuple[tuple[Question, ...], float]:
    """The questions that a person has to grade yet, and what they are worth together."""
    given = {test.number for test in tests}
    left = tuple(question for question in POLICY.by_hand if question.number not in given)
    return left, sum(question.points for question in left)


def _trustworthy(test: TestResult) -> TestResult:
    visibility = test.visibility if test.visibility in VISIBILITIES else "hidden"
    if math.isfinite(test.score) and math.isfinite(test.max_score):
        return msgspec.structs.replace(test, visibility=visibility)
    staff = f"{test.staff}\nthe test's score was {test.score} of {test.max_score}".strip()
    return msgspec.structs.replace(
        test, status=Status.ERROR, score=0.0, max_score=0.0, visibility=visibility, staff=staff
    )


def _not_run(test: TestResult) -> TestResult:
    found = test.feedback.found or "the grading stopped before this test"
    found = found if found.startswith("not run") else f"not run: {found}"
    feedback = msgspec.structs.replace(test.feedback, found=found)
    return _trustworthy(msgspec.structs.replace(test, status=Status.ERROR, score=0.0, feedback=feedback))


def _question(number: str) -> Question:
    try:
        return POLICY.question_of(number)
    except KeyError:
        return OTHER


def _position(number: str) -> tuple[int, tuple[tuple[int, str], ...]]:
    """The handout's order, then the test's own number with 4a.10 after 4a.9. What belongs to no question leads."""
    question = _question(number).number
    parts = number[len(question) :].split(".")
    keys = tuple((int(part), "") if part.isdecimal() and len(part) < 10 else (0, part) for part in parts)
    return (POLICY.ranks[question] if question else -1, keys)
