"""Tests that share one reason, told once: a question's tests in runs of the same outcome for the same cause.

Why separate: a class that does not build, a ready-made solution or a missing file decides many tests at once; a reader
should meet that reason once, with the tests it concerns. Nothing here may change a verdict or a score.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import msgspec

from autograder.core.records import Status, TestResult
from autograder.report import message, summary
from autograder.report.summary import Summary


class Group(msgspec.Struct, frozen=True):
    """Neighbouring tests with one outcome and one message; a test with a message of its own is a group of one."""

    tests: tuple[TestResult, ...]
    rows: tuple[message.Row, ...]

    @property
    def status(self) -> Status:
        """The outcome that its tests share."""
        return self.tests[0].status


def groups(tests: Iterable[TestResult], whole: Summary) -> tuple[Group, ...]:
    """The tests of one question in their order, neighbours with the same outcome and message together."""
    pairs = [(test, rows(test, whole)) for test in tests]
    runs = itertools.groupby(enumerate(pairs), key=lambda entry: _kind(*entry))
    found = [[pair for _, pair in run] for _, run in runs]
    return tuple(Group(tuple(test for test, _ in run), run[0][1]) for run in found)


def _kind(position: int, pair: tuple[TestResult, tuple[message.Row, ...]]) -> tuple[object, ...]:
    """What neighbours must share; tests without a message, and those that earned something, stay by themselves."""
    test, said = pair
    alone = not said or test.status is Status.PASSED or test.score != 0
    return (position,) if alone else (test.status, said)


def rows(test: TestResult, whole: Summary) -> tuple[message.Row, ...]:
    """The message of a test; where the top of the report has the reason already, only a pointer to it."""
    for what, why in whole.unusable:
        blocked = test.status is Status.SKIPPED and what == summary.blocked_by(whole, test)
        if blocked or (test.status in (Status.SKIPPED, Status.FAILED) and test.feedback.found == why):
            label = "skipped" if test.status is Status.SKIPPED else "found"
            return ((label, f"{what} could not be used: see above"),)
    return message.rows(test)


def title(group: Group) -> tuple[str, str]:
    """(number, name) of a group: "4a.1 – 4a.7" and how many share the reason."""
    if len(group.tests) == 1:
        return group.tests[0].number, group.tests[0].name
    return f"{group.tests[0].number} – {group.tests[-1].number}", f"{len(group.tests)} tests, for one reason"


def verdict(group: Group) -> str:
    """The outcome of the group and its points together."""
    return message.verdict(together(group))


def together(group: Group) -> TestResult:
    """The group as one test, for its sums."""
    score, possible = sum(t.score for t in group.tests), sum(t.max_score for t in group.tests)
    return msgspec.structs.replace(group.tests[0], score=score, max_score=possible)
