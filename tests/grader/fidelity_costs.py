"""What judging a layer costs: formulas that are worked out, forwards of the student's, processor time.

Why separate: `fidelity` counts verdicts. Times are for people to read; tests bound the numbers of formulas instead.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec
from torch import Tensor

from autograder.judging.code import layer_roles
from tests.grader import generated_styles, in_process
from tests.grader.generated_styles import ATTENTIONS, Style
from tests.grader.honest_styles import IMPORTS

SOFTMAX = "torch.softmax(q @ k.mT * q.shape[-1] ** -0.5, -1)"
# What no bank has: every mistake is tried.
_INPUT, _MLP = (
    ("y = self.my_n1(x)", "y = self.my_n1(x).roll(1, -1)"),
    ("z = F.gelu(z)", "z = F.gelu(z) * z.roll(1, -1)"),
)
UNEXPLAINED = {
    "attention": [(SOFTMAX, "torch.cos(q @ k.mT)")],
    "input": [_INPUT],
    "MLP": [_MLP],
    "both": [_INPUT, _MLP],
}
REPEATS = 3  # of each measurement the quickest counts: what else runs on the machine takes time from the others


class Cost(msgspec.Struct, frozen=True, order=True):
    """Of judging all of 4(b): seconds of the processor on the trusted side, and in the student's room; of which layer."""

    seconds: float
    room: float
    formulas: int
    forwards: int
    messages: int
    what: str


def judged(what: str, text: str) -> Cost:
    """What judging this text takes, the quickest of `REPEATS`."""
    return min(_judged(what, text) for _ in range(REPEATS))


def _judged(what: str, text: str) -> Cost:
    real, formulas = layer_roles.evaluate, 0

    def counted(*parts: Any, **named: Any) -> Tensor:
        nonlocal formulas
        formulas += 1
        return real(*parts, **named)

    layer_roles.evaluate = counted
    start = time.process_time()
    try:
        student = in_process.judged("4b", "import copy\n" + IMPORTS + text)[1]
    finally:
        layer_roles.evaluate = real
    spent = time.process_time() - start - student.seconds
    return Cost(spent, student.seconds, formulas, student.forwards, student.messages, what)


def by_layout() -> dict[str, dict[str, Cost]]:
    """For each way to store an attention, in the worst order of creation: the right layer, and those that nothing explains."""
    judged("first", generated_styles.text(Style()))  # what is made once is not counted
    found = {}
    for name in ATTENTIONS:
        text = generated_styles.text(Style(attention=name, order=-1))
        changes = {what: pairs for what, pairs in UNEXPLAINED.items() if all(old in text for old, _ in pairs)}
        texts = {"right": text} | {what: _changed(text, pairs) for what, pairs in changes.items()}
        found[name] = {what: judged(f"{what} in {name}", changed) for what, changed in texts.items()}
    return found


def _changed(text: str, pairs: list[tuple[str, str]]) -> str:
    for old, new in pairs:
        text = text.replace(old, new)
    return text


def worst() -> list[tuple[str, Cost]]:
    """The dearest layer of each kind: plain ones, right ones with an attention of their own, and unexplained ones."""
    found = by_layout()
    return [
        ("a plain right layer", found["the provided attention"]["right"]),
        ("a right layer", max(costs["right"] for costs in found.values())),
        (
            "a layer that nothing explains",
            max(c for costs in found.values() for what, c in costs.items() if what != "right"),
        ),
    ]
