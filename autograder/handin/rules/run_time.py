"""What ran against what was read: ready-made attention that the tripwires saw and the rules on the text did not.

Why separate: the student's room only names what ran; what that costs is decided here, by the policy of the rule
`ready_made`, which holds for every question that asks for code. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from autograder.core.records import Finding, Severity, Submission
from autograder.handin.rules import fixing

RULE = "ready-made-at-run-time"
# The wires report names of torch; anything else was made up beside them, and is repeated to nobody.
_NAME = re.compile(r"torch(\.[A-Za-z_]{1,60}){1,5}")
# The outermost thing says most to its author: a layer brings its attention along, and that its kernel.
_OUTERMOST = ("Transformer", "Multihead", "torch.nn.functional.", "torch.")


def findings(submission: Submission, tripped: Mapping[str, set[str]]) -> tuple[Finding, ...]:
    """What running adds to the findings. `tripped`: what ran, by question; a question that was never run is missing.

    Ready-made attention that reading had not found counts as if it had, and staff are told. Where reading found some
    and none ran, staff are told, too: that part of the text may be idle.
    """
    read = {f.question: f.construct for f in submission.findings if f.severity is Severity.READY_MADE}
    found: list[Finding] = []
    for question, names in sorted(tripped.items()):
        known = sorted(filter(_NAME.fullmatch, names), key=_depth)
        if known and question not in read:
            found += _used(question, known)
        elif not known and read.get(question, "").startswith("torch."):
            found.append(_idle(question, read[question]))
    return tuple(found)


def _depth(name: str) -> tuple[int, str]:
    return next((i for i, word in enumerate(_OUTERMOST) if word in name), len(_OUTERMOST)), name


def _used(question: str, names: list[str]) -> Iterator[Finding]:
    asked = f"{names[0]} ran when your code for {question} was tested. It is ready-made: "
    yield Finding(
        RULE,
        Severity.READY_MADE,
        asked + "this question asks you to write it yourself.",
        question,
        names[0],
        fix=f"{fixing.ready_made(question)} If you did, please tell the course staff.",
    )
    yield Finding(
        RULE,
        Severity.FLAG,
        f"{question}: {', '.join(names)} ran, though the text does not show it. Please read how it is reached.",
        question,
        names[0],
    )


def _idle(question: str, construct: str) -> Finding:
    return Finding(
        RULE,
        Severity.FLAG,
        f"{question}: the text uses {construct}, but nothing ready-made ran. Is it idle? The points are lost.",
        question,
        construct,
    )
