"""What a hidden or public test says when the student's work does not hold: `raise Unmet(...)`, or a judge's `Verdict`.

Why separate: tests, the comparison and the written judge all speak through it; the pytest plugin turns it into a
`TestResult`. A plain `assert x, "message"` in a test works too: its message becomes the `found` line.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from autograder.core.records import ExitKind, Feedback


class Verdict(msgspec.Struct, frozen=True):
    """What a judge says of one answer or one piece of evidence; a test turns it into a pass or an `Unmet`.

    `earned` is the fraction of the test's points, 1.0 for a pass; `remarks` are shown beside a pass, too, `staff` to
    staff only.
    """

    earned: float
    feedback: Feedback = Feedback()
    remarks: tuple[str, ...] = ()
    staff: str = ""


class Unmet(AssertionError):
    """The student's work does not meet the test. Every text is for the student, hedged where it infers.

    `earned` is the fraction of the test's points that is kept (0.0 to 1.0), `staff` is shown to staff only.
    `own_sizes`: the tests that build on this one are run all the same, with these sizes. `ending`: how the student's
    process ended, if it did, and `error` the exception that the student's code raised, by its name.
    """

    def __init__(
        self,
        found: str,
        *,
        expected: str = "",
        where: str = "",
        smallest: str = "",
        fix: str = "",
        earned: float = 0.0,
        remarks: tuple[str, ...] = (),
        staff: str = "",
        own_sizes: Mapping[str, int] | None = None,
        ending: ExitKind | None = None,
        error: str = "",
    ) -> None:
        super().__init__(found)
        if not 0.0 <= earned <= 1.0:
            raise ValueError(f"earned is a fraction of the test's points, from 0 to 1, not {earned}")
        self.feedback = Feedback(found=found, expected=expected, where=where, smallest=smallest, fix=fix)
        self.earned = earned
        self.remarks = remarks
        self.staff = staff
        self.own_sizes = dict(own_sizes or {})
        self.ending = ending
        self.error = error

    def mending(self, fix: str) -> Unmet:
        """The same, with another way to mend it."""
        self.feedback = msgspec.structs.replace(self.feedback, fix=fix)
        return self

    def showing(self, smallest: str) -> Unmet:
        """The same, with the smallest example that shows it."""
        self.feedback = msgspec.structs.replace(self.feedback, smallest=smallest)
        return self


class Missing(Exception):
    """A prerequisite of the test is missing: the test is skipped, earns nothing, and says what to fix first.

    `waived`: by the assignment's policy the test then asks for nothing, so its points are taken out on both sides.
    """

    def __init__(self, reason: str, *, waived: bool = False) -> None:
        super().__init__(reason)
        self.waived = waived
