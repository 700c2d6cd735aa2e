"""The policy that is in force, and what it asks of a machine, in lines for a person.

Why separate: `doctor` looks at this machine; this reads what somebody may have changed for another term.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from autograder.commands.emulate.presets import PRESETS
from autograder.core import names, policy
from autograder.report.message import points

# What a grading took at its peak in a container, weights to measure included (docs/gradescope.md), MB, twice over.
PEAK_MB = 2 * 326


def file() -> str:
    """Where it stands."""
    chosen = os.environ.get(policy.VARIABLE)
    return str(Path(chosen)) if chosen else "autograder/policy.toml"


def rows() -> Iterator[tuple[str, str]]:
    """(what, how) of the policy."""
    by_hand = sum(question.points for question in policy.POLICY.by_hand)
    worth = sum(question.points for question in policy.POLICY.questions)
    yield "assignment", f"{policy.POLICY.title}, handed in as {policy.FILES.notebook} or {policy.FILES.script}"
    yield "classes", ", ".join(names.names().values())
    yield "points", f"{points(worth)} graded here, {points(by_hand)} by hand"
    shown = policy.POLICY.visibility
    yield "visibility", f"public tests {shown.public}, hidden tests {shown.hidden}"
    yield "written", f"{policy.FILES.answers} is {policy.POLICY.written}"
    limits = policy.CHILD_LIMITS
    yield (
        "limits",
        f"{limits.seconds:g} s and {limits.memory_mb} MB beyond torch a child, "
        f"{policy.CAPS.total_seconds:g} s a submission",
    )
    enough = next((one for one in PRESETS.values() if one.memory_mb >= PEAK_MB), None)
    if enough is not None:
        yield "Gradescope", f"its {enough.name} container suffices ({enough.words()}); `emulate` tries it"
