"""What a judge says about one written answer, in which words, and the record of a known slip.

Why separate: judges, the reference's tables of slips and the hidden tests share these nouns and nothing else.
No right answer may stand here, and of the policy only the name of a file. What is inferred is
hedged ("fits", "seems"), and nothing blames.
"""

from __future__ import annotations

import msgspec

from autograder.core.policy import FILES
from autograder.core.records import Feedback
from autograder.core.text import one_line
from autograder.judging.expect import Verdict


class Slip(msgspec.Struct, frozen=True):
    """A mistake that has a name: an answer equal to `value` probably comes from it.

    `value` has the type that the judge compares: a number, a shape, matrices, a vector, or a formula (a callable of
    d, mu, sigma). `found` and `fix` are for the student and never state the right value. `earned` is the fraction of
    the points that is kept, `why` the reason for that fraction.
    """

    value: object
    found: str
    fix: str
    earned: float = 0.0
    why: str = ""


class Unreadable(Exception):
    """The typed text is not an answer that we can read. Stays inside this package: judges turn it into a Verdict."""

    def __init__(self, found: str, fix: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.fix = fix


PASSED = Verdict(1.0)


def blank(example: str) -> Verdict:
    """Nothing was answered; `example` shows how an answer is written."""
    return Verdict(
        0.0, Feedback(found=f"not answered yet: the box is blank or missing in {FILES.answers}", fix=f"write {example}")
    )


def unread(problem: Unreadable, kind: str, raw: object) -> Verdict:
    """The text could not be read as `kind`."""
    found = f"{problem.found}; you wrote {shown(raw)}"
    return Verdict(0.0, Feedback(found=found, expected=kind, fix=problem.fix))


def slipped(slip: Slip, kind: str, raw: object, remarks: tuple[str, ...] = (), understood: str = "") -> Verdict:
    """The answer fits a known slip."""
    found = f"{slip.found}; you wrote {shown(raw)}{_read_as(understood, raw)}"
    kept = (f"kept: {slip.why}",) if slip.earned else ()
    return Verdict(slip.earned, Feedback(found=found, expected=kind, fix=slip.fix), remarks + kept)


def wrong(kind: str, fix: str, raw: object, remarks: tuple[str, ...] = (), understood: str = "") -> Verdict:
    """The answer fits nothing known."""
    found = f"{shown(raw)}{_read_as(understood, raw)} does not fit the question"
    return Verdict(0.0, Feedback(found=found, expected=kind, fix=fix), remarks)


def _read_as(understood: str, raw: object) -> str:
    """What was understood, where it looks otherwise than what was typed."""
    same = not understood or "".join(understood.split()) == "".join(str(raw).split())
    return "" if same else f" (read as {understood})"


def shown(raw: object) -> str:
    """What the student typed, short and harmless."""
    return one_line(raw if isinstance(raw, str) else repr(raw)[:400], 120)
