"""Rule "allowed-nn": of torch.nn, a question may use what the policy allows it. `torch.nn.functional` is part of nn.

Why separate: one rule a file. What is permitted is policy (`allowed_nn` of a question); ready-made attention is another
rule's, and must not be reported twice.
"""

from __future__ import annotations

from collections.abc import Iterator

from autograder.core.policy import POLICY
from autograder.core.records import Severity
from autograder.handin.rules import fixing, paths
from autograder.handin.rules.idle import idle
from autograder.handin.rules.uses import Placed, Source, Use, members

RULE = "allowed-nn"


def find(source: Source) -> Iterator[Placed]:
    """A finding for every use in torch.nn that the question does not allow; only a certain one costs points."""
    question = POLICY.question_of(source.program.question)
    if not question.allowed_nn:
        return
    allowed = frozenset(f"torch.nn.{name}" for name in question.allowed_nn)
    unread = idle(source.resolver.program.module.node)
    for use in source.uses:
        if id(use.node) in unread or any(map(paths.ready_made, use.paths)):
            continue
        for member in sorted(members(use) - allowed):
            yield _finding(source, use, member, fixing.asked(question.number), fixing.allowed(question.allowed_nn))


def _finding(source: Source, use: Use, member: str, asked: str, allowed: str) -> Placed:
    sure = not use.doubt and len(use.paths) == 1
    short = member.removeprefix("torch.")
    if not sure:
        message = (
            f"`{use.spelling}` may be {short}, which is not among what {asked} allows of nn; it could not be told."
        )
        return source.finding(RULE, Severity.FLAG, member, use.line, message, fixing.instead_of(member))
    also = f" (written `{use.spelling}`)" if use.spelling not in (short, member) else ""
    message = f"{short}{also} is not among what {asked} allows of nn: {allowed}."
    return source.finding(RULE, Severity.DISALLOWED, member, use.line, message, fixing.instead_of(member))
