"""What Gradescope's metadata adds to a result: how late it was handed in, and what the policy takes for that.

Why separate: it is applied to every report that is written, the unfinished ones too, and knows nothing of grading. What
is taken is a line of its own in the result, with its reason, and never a lower number of some test. Whatever cannot be
told from the metadata takes nothing, and staff are told.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from autograder.core import lateness
from autograder.core.metadata import Metadata, due_date
from autograder.core.metadata import lateness as lateness_of
from autograder.core.policy import POLICY, Late
from autograder.core.records import Feedback, Report, Status, TestResult
from autograder.report import message, summary


def told(report: Report, about: Metadata, rules: Late = POLICY.late) -> Report:
    """The report with what there is to say about its time; the same report while the policy is silent on it."""
    due = due_date(about)
    if not rules.shown:
        return report
    by = lateness_of(about, rules)
    if by is None or due is None or about.created_at is None:
        note = "how late it was cannot be told from submission_metadata.json: nothing was taken for it"
        return msgspec.structs.replace(report, staff_notes=(*report.staff_notes, note))
    if not by:
        return report
    tests = summary.summarise(report).tests
    earned, _, _ = summary.total(tests)
    points = lateness.taken(earned, by, rules)
    notices = (*report.notices, lateness.notice(about.created_at, due, rules))
    if not points:
        return msgspec.structs.replace(report, notices=notices)
    line = _line(by, earned, points, rules)
    # what is taken tells what was earned in all, so it is seen no sooner than the test that is seen last
    last = max((test.visibility for test in tests), key=summary.VISIBILITIES.index)
    line = msgspec.structs.replace(line, visibility=last)
    return msgspec.structs.replace(report, tests=(*report.tests, line), notices=notices)


def _line(by: timedelta, earned: float, points: float, rules: Late) -> TestResult:
    share = lateness.share_taken(by, rules)
    found = (
        f"{message.points(points)} of the {message.points(earned)} points earned are taken: {share:.4g} of them, at "
        f"{rules.lost_each_day:.4g} for each day begun"
        + (f" and {rules.most_lost:.4g} at most" if rules.most_lost < 1 else "")
    )
    return TestResult(
        number="", name=f"Late by {lateness.words(by)}", status=Status.FAILED, score=-points, max_score=0.0,
        feedback=Feedback(found=found, fix="if you have an extension that is missing here, tell the course staff"),
        tags=(lateness.TAG,),
    )  # fmt: skip
