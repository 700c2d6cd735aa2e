"""What begins at 0 and multiplies a half (ReZero, SkipInit) hides nothing: the halves are judged, the factor is charged."""

from __future__ import annotations

import pytest

from autograder.judging.expect import Unmet
from tests.grader import in_process
from tests.grader.generated_styles import Style, text
from tests.grader.honest_styles import IMPORTS

LAYER = text(Style(attention="the provided attention", order=4))
OWN = text(Style(attention="three maps (h d)", order=4))
MADE = "super().__init__()"
ADDED = "x = x + self.drop(self.my_"

# (parameters, the factor before the first half and the second one)
GATES = {
    "a number for each half": ("self.a, self.b = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))", "self.a * ", "self.b * "),
    "numbers without an axis": ("self.a, self.b = nn.Parameter(torch.tensor(0.)), nn.Parameter(torch.tensor(0.))", "self.a * ", "self.b * "),
    "one number for both": ("self.a = nn.Parameter(torch.zeros(1))", "self.a * ", "self.a * "),
    "the MLP alone": ("self.gain = nn.Parameter(torch.zeros(()))", "", "self.gain * "),
    "the attention alone": ("self.gain = nn.Parameter(torch.zeros(()))", "self.gain * ", ""),
    "vectors": ("self.g = nn.ParameterList([nn.Parameter(torch.zeros(dim)) for _ in range(2)])", "self.g[0] * ", "self.g[1] * "),
    "one vector among others": ("self.g = nn.Parameter(torch.zeros(dim))", "", "self.g * "),
}  # fmt: skip


def gated(layer: str, kind: str) -> str:
    made, first, second = GATES[kind]
    assert layer.count(ADDED) == 2
    before, between, after = layer.replace(MADE, f"{MADE}; {made}").split(ADDED)
    cut = len("self.drop(self.my_")
    return f"{before}{ADDED[:-cut]}{first}{ADDED[-cut:]}{between}{ADDED[:-cut]}{second}{ADDED[-cut:]}{after}"


def lost(written: str) -> dict[str, Unmet]:
    return in_process.judged("4b", IMPORTS + written)[0]


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("layer", [LAYER, OWN], ids=["provided", "own"])
def test_a_factor_that_begins_at_0_costs_the_whole_alone(layer: str, kind: str) -> None:
    found = lost(gated(layer, kind))
    assert found.keys() == {"4b.4"} and "begins at 0" in found["4b.4"].feedback.found


def test_a_mistake_behind_a_factor_is_named() -> None:
    found = lost(gated(LAYER, "a number for each half").replace("z = F.gelu(z)", "pass"))
    assert found.keys() == {"4b.3", "4b.4"} and "non-linearity" in found["4b.3"].feedback.found


# What begins at 0 and is no factor: shifts, a gain stored as what it differs from 1 by, a projection that begins at 0.
SHIFT = (
    "self.my_n2 = nn.LayerNorm(dim)",
    "self.my_n2 = nn.LayerNorm(dim, elementwise_affine=False); self.s = nn.Parameter(torch.zeros(dim))",
)
NO_GATES = {
    "a shift": (SHIFT, ("y = self.my_n2(x)", "y = self.my_n2(x) + self.s")),
    "a gain beside 1": (SHIFT, ("y = self.my_n2(x)", "y = self.my_n2(x) * (1 + self.s)")),
    "a bias by hand": (
        ("self.my_f2 = nn.Linear(mlp_dim, dim)", "self.my_f2 = nn.Linear(mlp_dim, dim, bias=False); self.s = nn.Parameter(torch.zeros(dim))"),
        ("self.my_f2(self.drop(z))", "self.my_f2(self.drop(z)) + self.s"),
    ),
    "a zero projection": (("self.my_f2 = nn.Linear(mlp_dim, dim)", "self.my_f2 = nn.Linear(mlp_dim, dim); nn.init.zeros_(self.my_f2.weight)"),),
}  # fmt: skip


@pytest.mark.parametrize("kind", NO_GATES)
def test_what_begins_at_0_and_hides_nothing_costs_nothing(kind: str) -> None:
    written = LAYER
    for old, new in NO_GATES[kind]:
        assert old in written
        written = written.replace(old, new)
    assert lost(written) == {}
