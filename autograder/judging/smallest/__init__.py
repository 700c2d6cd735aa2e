"""The smallest input on which the student's module still differs, with numbers that can be checked by hand.

Why separate: it explains a failure that is settled, and decides nothing. It is asked for in tests that students see.
Its inputs and weights are a few whole numbers that stand here, the same for everybody; what should come out is worked
out from them, without a reference. It runs in a process of the student's room that saw no hidden input, so that what
comes back can carry none out. Whatever goes wrong, there is no example, and nothing else changes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from autograder.core.errors import GraderFault
from autograder.judging.expect import Missing, Unmet
from autograder.judging.smallest import head, layer
from autograder.judging.visit import Student

ATTENTION, LAYER = "4a", "4b"
SECONDS = 2.0  # a fork and a dozen tiny forwards take 0.1 s here

# By half: "attention", "mlp", or "" for the whole. A half's example needs the other one to do nothing.
Examples = Mapping[str, str]


def text(student: Student, question: str, half: str = "") -> str:
    """The example for a half of the layer, or for all of what the question asks for; "" when none shows it."""
    key = f"smallest: {student.program(question).text}"
    if key not in student.remembered:
        student.remembered[key] = _found(student.apart(SECONDS), question)
    examples: Examples = student.remembered[key]
    return examples.get(half, "")


def _found(student: Student, question: str) -> Examples:
    name = student.program(question).class_name
    with contextlib.suppress(Unmet, Missing, GraderFault):
        if question == ATTENTION:
            with student.visit(question, alone=True) as visit:
                return {"": head.smallest(visit, name)}
        with student.visit(question, probe_seed=layer.PLAIN_HEADS, alone=True) as visit:
            found = layer.smallest(visit, name)
        if any(found.values()):
            return found
        with student.visit(question, probe_seed=layer.NUMBERED_HEADS, alone=True) as visit:
            return layer.with_two_heads(visit, name)
    return {}
