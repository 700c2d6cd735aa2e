"""extra_data of results.json: what staff read of a result, and what the student's next result is told of it.

Why separate: Gradescope shows it to no student, so here, and only here, stands what students must not see: flags, what
tests said to staff, notes. Nothing of it may move to another field.
"""

from __future__ import annotations

from autograder.core.policy import POLICY
from autograder.core.text import ELLIPSIS, clean, one_line
from autograder.report import message, summary
from autograder.report.summary import Summary

MAX_FINDINGS = 60
# Each of the three lists for staff shares this much, so that they leave room for the tests' own output.
STAFF_CHARACTERS = 8000


def extra_data(whole: Summary) -> dict[str, object]:
    """Plain data, its texts within their caps."""
    tests = whole.tests
    seconds: dict[str, float] = {}
    for test in tests:
        key = one_line(test.number or test.name)
        seconds[key] = round(seconds.get(key, 0.0) + test.seconds, 3)
    submission = whole.report.submission
    return {
        **whole.report.carried,
        **({"notices": [clean(one, 500) for one in whole.report.notices]} if whole.report.notices else {}),
        "complete": whole.report.complete,
        "digest": one_line(submission.digest),
        "file": one_line(submission.file),
        "flags": _shared([message.block(message.finding_rows(flag)) for flag in summary.flags(whole)]),
        "isolation": one_line(whole.report.isolation),
        "policy": {"sha256": POLICY.sha256, "title": one_line(POLICY.title)},
        "programs": {one_line(number): one_line(p.sha256) for number, p in submission.programs.items()},
        "questions": {
            s.question.number: {"earned": round(s.earned, 4), "possible": s.possible, "ungraded": s.ungraded}
            for s in summary.question_scores(tests)
            if s.question.number
        },
        "seconds": seconds,
        "seed": str(whole.report.seed),  # as text: JSON readers keep only 53 bits of a number
        "staff": _shared([f"{test.number or test.name}: {test.staff}" for test in tests if test.staff]),
        "staff_notes": _shared(list(whole.notes)),
        "versions": {one_line(name): one_line(version) for name, version in whole.report.versions.items()},
    }


def _shared(texts: list[str]) -> list[str]:
    """The texts, each within its share of STAFF_CHARACTERS."""
    kept = texts[:MAX_FINDINGS]
    more = [f"{ELLIPSIS} and {len(texts) - len(kept)} more"] if len(texts) > len(kept) else []
    return [clean(text, STAFF_CHARACTERS // len(kept), lines=40) for text in kept] + more
