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
UNEXPLAINED = {
    "attention": (SOFTMAX, "torch.cos(q @ k.mT)"),
    "MLP": ("z = F.gelu(z)", "z = F.gelu(z) * z.roll(1, -1)"),
}


class Cost(msgspec.Struct, frozen=True, order=True):
    """Of judging all of 4(b): seconds of the processor, in this process; of which layer."""

    seconds: float
    formulas: int
    forwards: int
    what: str


def judged(what: str, text: str) -> Cost:
    """What judging this text takes."""
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
    return Cost(time.process_time() - start, formulas, student.forwards, what)


def worst() -> list[tuple[str, Cost]]:
    """The dearest layer of each kind: plain ones, right ones with an attention of their own, and unexplained ones."""
    judged("first", generated_styles.text(Style()))  # what is made once is not counted
    plain = [judged("plain", generated_styles.text(Style(attention="the provided attention"))) for _ in range(3)]
    right, wrong = [], []
    for name, choice in ATTENTIONS.items():
        text = generated_styles.text(Style(attention=name, order=-1))
        right.append(judged(name, text))
        changes = UNEXPLAINED if "mixed =" not in choice.use else {"MLP": UNEXPLAINED["MLP"]}
        wrong += [judged(f"{what} in {name}", text.replace(old, new)) for what, (old, new) in changes.items()]
    return [
        ("a plain right layer", min(plain)),
        ("a right layer", max(right)),
        ("a layer that nothing explains", max(wrong)),
    ]
