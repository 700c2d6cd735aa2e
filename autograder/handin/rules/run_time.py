"""What ran against what was read: the tripwires beside the rules on the text, and what becomes of a disagreement.

Why separate: the student's room only names what ran; what that costs is decided here, by the policy of the rule
`ready_made`, which holds for every question that asks for code. Nothing is run or imported.

    read   ran    student                              staff
    yes    yes    the question's points                –
    no     yes    the question's points: it did run    asked to read how it was reached
    yes    no     a remark: it did nothing             asked whether it is idle
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping

import msgspec

from autograder.core.records import Finding, Severity, Submission
from autograder.handin.rules import dynamic, fixing

RULE = "ready-made-at-run-time"
IDLE = "ready-made-idle"
# The wires report names of torch; anything else was made up beside them, and is repeated to nobody.
_NAME = re.compile(r"torch(\.[A-Za-z_]{1,60}){1,5}")
# The outermost thing says most to its author: a layer brings its attention along, and that its kernel.
_OUTERMOST = ("Transformer", "Multihead", "torch.nn.functional.", "torch.")
# What cannot run without a wire noticing it, in every torch that is supported. Of anything else silence says nothing.
WATCHED = frozenset(
    {"torch.nn.functional.scaled_dot_product_attention", "torch.nn.functional.multi_head_attention_forward"}
    | {f"torch.nn.{kind}" for kind in ("MultiheadAttention", "Transformer")}
    | {f"torch.nn.Transformer{half}{part}" for half in ("Encoder", "Decoder") for part in ("", "Layer")}
)


def findings(submission: Submission, tripped: Mapping[str, set[str]]) -> tuple[Finding, ...]:
    """What running adds to the findings. `tripped`: what ran, by question; a question that was never run is missing.

    Ready-made attention that reading had not found counts as if it had, and staff are told. Where reading found some
    and none ran, staff are told, too, and `settled` takes the charge back.
    """
    found: list[Finding] = []
    for question, names in sorted(tripped.items()):
        known = sorted(filter(_NAME.fullmatch, names), key=_depth)
        read = [f for f in submission.findings if f.question == question and f.severity is Severity.READY_MADE]
        if known and not read:
            found += _used(question, known)
        elif read and not known and all(_would_show(finding.construct) for finding in read):
            found.append(_idle(question, read[0].construct, _goes_round(submission, question)))
    return tuple(found)


def settled(submission: Submission, found: tuple[Finding, ...]) -> Submission:
    """The submission with `found` added; what was read, and did not run, becomes a remark that costs nothing."""
    idle = {finding.question for finding in found if finding.rule == IDLE}
    settled = tuple(
        msgspec.structs.replace(finding, severity=Severity.REMARK, message=f"{finding.message} {_DID_NOTHING}")
        if finding.severity is Severity.READY_MADE and finding.question in idle
        else finding
        for finding in (*submission.findings, *found)
    )
    return msgspec.structs.replace(submission, findings=settled)


def _would_show(construct: str) -> bool:
    """Whether it cannot run unseen: a wire watches it, or its package is not installed where this runs."""
    package = construct.partition(".")[0]
    if construct in WATCHED or package == "torch":
        return construct in WATCHED
    try:
        return importlib.util.find_spec(package) is None
    except (ImportError, ValueError):  # a module that is loaded without a spec
        return False


_DID_NOTHING = "It did not run when your code was tested, so it costs no points; a person will look at it."


def _goes_round(submission: Submission, question: str) -> bool:
    """Whether the text has ways of which reading cannot tell what they change: the wires are among what they may."""
    return any(finding.rule == dynamic.RULE and finding.question == question for finding in submission.findings)


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


def _idle(question: str, construct: str, doubtful: bool) -> Finding:
    what = f"{question}: the text uses {construct}, but nothing ready-made ran."
    if doubtful:
        asked = "The text goes round what can be read, too, so the points are lost: please read whether it is idle."
        return Finding(RULE, Severity.FLAG, f"{what} {asked}", question, construct)
    return Finding(
        IDLE, Severity.FLAG, f"{what} It costs no points: please read whether it is idle.", question, construct
    )
