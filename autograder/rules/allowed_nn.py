"""Rule "allowed-nn": 4(a) may use of torch.nn only what the handout names. `torch.nn.functional` is part of nn.

Why separate: one rule a file. What is permitted is policy and stands in `assignment.py`; ready-made attention is
another rule's, and must not be reported twice.
"""

from __future__ import annotations

from collections.abc import Iterator

from autograder.assignment import ALLOWED_NN_4A
from autograder.records import Severity
from autograder.rules import mending, paths
from autograder.rules.uses import Placed, Source, Use, members

RULE = "allowed-nn"
QUESTION = "4a"
_ALLOWED = frozenset(f"torch.nn.{name}" for name in ALLOWED_NN_4A)


def find(source: Source) -> Iterator[Placed]:
    """A finding for every use of something in torch.nn that 4(a) does not allow; only a certain one costs points."""
    if source.program.question != QUESTION:
        return
    for use in source.uses:
        if any(map(paths.ready_made, use.paths)):
            continue
        for member in sorted(members(use) - _ALLOWED):
            yield _finding(source, use, member)


def _finding(source: Source, use: Use, member: str) -> Placed:
    sure = not use.doubt and len(use.paths) == 1
    short = member.removeprefix("torch.")
    if not sure:
        message = f"`{use.spelling}` may be {short}, which is not among what 4(a) allows of nn; it could not be told."
        return source.finding(RULE, Severity.FLAG, member, use.line, message, mending.instead_of(member))
    also = f" (written `{use.spelling}`)" if use.spelling not in (short, member) else ""
    message = f"{short}{also} is not among what 4(a) allows of nn: nn.Linear, nn.Softmax, nn.Dropout (and nn.Module)."
    return source.finding(RULE, Severity.DISALLOWED, member, use.line, message, mending.instead_of(member))
