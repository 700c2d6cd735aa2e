"""A vector that multiplies what a half adds and begins near 0: all that is charged is that Figure 1 has none."""

from __future__ import annotations

import pytest
import torch

from autograder.judging.code import weights
from autograder.sandbox.wire import ParameterSpec
from tests.grader import in_process, odd_styles
from tests.grader.honest_styles import IMPORTS

torch.set_num_threads(1)

PLAIN = odd_styles.text(odd_styles.Odd())
DROP = "self.drop = nn.Dropout(dropout)"
FIRST, SECOND = "self.drop(self.out(mixed))", "self.drop(self.fc2(self.drop(F.gelu(self.fc1(z)))))"
MODULE = """
class LayerScale(nn.Module):
    def __init__(self, dim, begin):
        super().__init__()
        self.{name} = nn.Parameter(begin * torch.ones(dim))

    def forward(self, x):
        return x * self.{name}
"""
MODULES = "self.a, self.b = LayerScale(dim, {0}), LayerScale(dim, {0})"
VECTORS = "self.{0}_1, self.{0}_2 = (nn.Parameter(torch.full((dim,), {1})) for _ in range(2))"
# Before the class, in __init__, and how each half uses it.
MADE = {
    "modules": (MODULE.format(name="gamma"), MODULES.format(1e-5), "self.a({})", "self.b({})"),
    "modules of any name": (MODULE.format(name="nu"), MODULES.format(1e-6), "self.a({})", "self.b({})"),
    "two vectors": ("", VECTORS.format("gamma", 1e-5), "self.gamma_1 * {}", "self.gamma_2 * {}"),
    "two of any name": ("", VECTORS.format("nu", 0.1), "self.nu_1 * {}", "self.nu_2 * {}"),
}


def layer(before: str, made: str, first: str, second: str) -> str:
    assert DROP in PLAIN and FIRST in PLAIN and SECOND in PLAIN
    text = PLAIN.replace(DROP, f"{made}\n        {DROP}")
    return before + text.replace(FIRST, first.format(FIRST)).replace(SECOND, second.format(SECOND))


@pytest.mark.parametrize("kind", MADE)
def test_it_costs_the_whole_layer_and_neither_half(kind: str) -> None:
    judged = in_process.judged("4b", "import copy\n" + IMPORTS + layer(*MADE[kind]))[0]
    assert judged.keys() == {"4b.4"}, {number: unmet.feedback.found for number, unmet in judged.items()}
    assert "differs with others" in judged["4b.4"].feedback.found


def test_slopes_of_an_activation_stay_as_they_are_and_shifts_are_none_of_these() -> None:
    def drawn(**fills: float) -> list[float]:
        specs = [ParameterSpec(f"part.{name}", (7,), "float32", "", fill) for name, fill in fills.items()]
        return [float(w.mean()) for w in weights.draw(1, specs, biases=False).values()]

    assert drawn(slope=0.25) == drawn(slope=0.01) == []
    assert drawn(nu=1e-5) == [1.0]
    assert drawn(one=1e-4, two=1e-4) == [1.0, 1.0]
    assert drawn(one=1.0, two=0.0) == [1.0, 0.0]
    assert drawn(one=0.0, two=0.0) == [0.0, 0.0]
