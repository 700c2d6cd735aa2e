"""Grades a folder of hostile submissions, as a process of its own, and leaves what each one led to.

    python -m tests.grader.hostile.grading SUBMISSIONS OUT TESTS SECONDS

Why separate: the tests that judge run as whoever runs pytest; what they judge is graded once as root and once as an
ordinary user, by one engine each. Every file in OUT holds a report as the supervisor has it, and what people read of it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from autograder.core import policy
from autograder.core.records import Report
from autograder.grading import Options, grade_many
from autograder.report import html, results, terminal
from autograder.report.summary import Summary, summarise


class Graded(msgspec.Struct, frozen=True):
    """One submission's report, and every text that is made from it."""

    report: Report
    results: dict[str, object]
    for_staff: str
    for_students: str

    def __repr__(self) -> str:  # pytest shows it with every failure
        return f"<{self.report.submission.name}>"


def texts(whole: Summary, audience: str) -> str:
    """Everything that these readers can see of a result, apart from results.json."""
    assert audience in ("staff", "student")
    page = html.render(whole, audience=audience)  # type: ignore[arg-type]
    return page + terminal.render(whole, colour=False, audience=audience)  # type: ignore[arg-type]


def main(submissions: str, out: str, tests: str, seconds: str) -> None:
    """Grades every folder in SUBMISSIONS, in the order of their names."""
    limits = msgspec.structs.replace(policy.CHILD_LIMITS, seconds=float(seconds))
    paths = sorted(Path(submissions).iterdir())
    for path, report in zip(paths, grade_many(paths, Options(tests=Path(tests), limits=limits))):
        whole = summarise(report)
        graded = Graded(
            report, msgspec.json.decode(results.encode(whole)), texts(whole, "staff"), texts(whole, "student")
        )
        (Path(out) / f"{path.name}.json").write_bytes(msgspec.json.encode(graded))


if __name__ == "__main__":
    main(*sys.argv[1:])
