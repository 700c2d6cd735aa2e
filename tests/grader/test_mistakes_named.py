"""Every mistake of the banks of 4(b), made in layers of many styles: charged where it is, and called by its name."""

from __future__ import annotations

import itertools

import pytest
import torch

from reference import layer_misconceptions, misconceptions, own_attention_misconceptions, scaled_layers
from tests.grader import fidelity, in_process
from tests.grader.generated_styles import ATTENTIONS, Style
from tests.grader.honest_styles import IMPORTS
from tests.grader.wrong_styles import (
    ATTENTION,
    BENT,
    HEAD,
    NORMS,
    OTHERS,
    SCALED,
    STEPS,
    STRUCTURE,
    Wrong,
    head,
    spoilt,
)

torch.set_num_threads(1)

BANK = {m.name: m for m in (*layer_misconceptions.LAYER, *own_attention_misconceptions.OWN)}
OWN = itertools.cycle([name for name, choice in ATTENTIONS.items() if "mixed =" not in choice.use])
MADE = [
    *((name, wrong, "the provided attention") for name, wrong in STRUCTURE.items()),
    *((name, wrong, next(OWN)) for name, wrong in STRUCTURE.items()),
    *((name, wrong, next(OWN)) for name, wrong in ATTENTION.items()),
    *((name, wrong, "the provided attention") for name, wrong in (*SCALED.items(), *STEPS.items())),
    *((name, wrong, next(OWN)) for name, wrong in STEPS.items()),
    *((name, wrong, next(OWN)) for name, wrong in (*SCALED.items(), *SCALED.items())),
    *((name, wrong, "the provided attention") for name, wrong in (*BENT.items(), *NORMS.items())),
    *((name, wrong, next(OWN)) for name, wrong in BENT.items()),
    *((name, wrong, next(OWN)) for name, wrong in NORMS.items()),
    *((name, wrong, "the provided attention") for name, wrong in OTHERS.items()),
    *((name, wrong, next(OWN)) for name, wrong in OTHERS.items()),
]


@pytest.mark.parametrize(
    ("mistake", "wrong", "attention"), MADE, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_mistake_is_charged_where_it_is_and_named(mistake: str, wrong: Wrong, attention: str) -> None:
    text = spoilt(Style(attention=attention, order=4), wrong)
    lost = {
        number: unmet.feedback.found
        for number, unmet in in_process.judged("4b", "import copy\n" + IMPORTS + text)[0].items()
    }
    assert lost.keys() - {"4b.5", "4b.6"} == wrong.lost, lost
    titles = {name for name, each in BANK.items() if f"the reference {each.title} (" in lost["4b.4"]}
    titles |= {"scaled"} if fidelity.FACTOR.search(lost["4b.4"]) else set()
    assert titles == ({wrong.name} if wrong.name else set()), lost


@pytest.mark.parametrize("mistake", HEAD)
def test_a_mistake_in_the_head_is_charged_where_it_is_and_named(mistake: str) -> None:
    text = "import copy\n" + IMPORTS + head(HEAD[mistake])
    lost = {number: unmet.feedback.found for number, unmet in in_process.judged("4a", text)[0].items()}
    assert lost.keys() == HEAD[mistake].lost, lost
    titles = {each.name for each in misconceptions.ATTENTION if f"the reference {each.title} (" in lost["4a.4"]}
    assert titles == ({HEAD[mistake].name} if HEAD[mistake].name else set()), lost


# What multiplies, and is right: the handout names no activation, and a gain that is learned is a parameter.
RIGHT = {
    "an activation with a factor": ("z = F.gelu(z)", "z = 2 ** 0.5 * F.relu(z)"),
    "an activation of twice its input": ("z = F.gelu(z)", "z = torch.tanh(2 * z)"),
    "an activation that is turned round": ("z = F.gelu(z)", "z = -F.silu(-z)"),
    "a sum of activations": ("z = F.gelu(z)", "z = 0.5 * torch.sin(z) + 0.5 * F.softplus(z)"),
    "a factor that is 1": ("y = self.my_n2(x)", "y = self.my_n2(x) * self.my_n2.weight.new_ones(1)"),
}


@pytest.mark.parametrize("kind", RIGHT)
@pytest.mark.parametrize("attention", ["the provided attention", "three maps (d h)"])
def test_a_factor_that_is_part_of_the_activation_costs_nothing(kind: str, attention: str) -> None:
    text = spoilt(Style(attention=attention, order=4), Wrong((RIGHT[kind],), frozenset(), ""))
    assert in_process.judged("4b", "import copy\n" + IMPORTS + text)[0] == {}


@pytest.mark.parametrize(
    ("factors", "half", "said"),
    [
        ((1.0, 0.5, 1.0), "attention", "with what the attention adds multiplied by 0.5"),
        ((1.0, 1.0, -2.0), "mlp", "with what the MLP adds multiplied by -2"),
        ((0.25, 1.0, 1.0), "attention", "with x multiplied by 0.25 where it is added back in the first sum"),
        ((0.25, 0.25, 1.0), "mlp", "with the first sum, where it is added back, multiplied by 0.25"),
        ((0.25, 0.25, 0.25), "mlp", "with the second sum multiplied by 0.25"),
        ((0.25, 0.25, 0.5), "", "with both sums multiplied by 0.5"),
    ],
)
def test_the_fewest_factors_are_named(factors: tuple[float, float, float], half: str, said: str) -> None:
    mistake = scaled_layers.mistake(*factors)
    assert mistake and (mistake.half, mistake.title) == (half, said)


@pytest.mark.parametrize(
    "factors", [(1.0, 1.0, 1.0), (1.0, 1.0004, 1.0), (0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 2.0, 0.0)]
)
def test_no_factor_and_a_missing_part_are_no_scaled_layer(factors: tuple[float, float, float]) -> None:
    assert scaled_layers.mistake(*factors) is None


def test_the_banks_hold_forty_mistakes_and_more() -> None:
    assert len(misconceptions.ATTENTION) >= 20 and len(layer_misconceptions.LAYER) >= 20 and len(BANK) >= 40
    assert {
        wrong.name for table in (STRUCTURE, STEPS, BENT, NORMS, OTHERS, ATTENTION) for wrong in table.values()
    } >= BANK.keys() - {
        "mlp-first",  # in tests/grader/test_judging_mistakes.py, with its text
        "norm-over-tokens",  # one token shows nothing there, so of an odd attention it cannot be told
        "parallel",
        "own-exchanged-split",
        "own-one-head-scaled",
    }
