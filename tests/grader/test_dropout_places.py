"""Where dropout is missing in 4(b), and what is no dropout though it drops something."""

from __future__ import annotations

import pytest
import torch

from autograder.judging.code import dropout
from tests.grader import in_process
from tests.grader.honest_styles import IMPORTS, LAYERS

torch.set_num_threads(1)

LAYER = LAYERS["plain GELU"]
ATTEND = "x = x + self.drop(self.proj(self.attn(self.norm1(x))))"
MLP = "return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))"
DROPLESS = (ATTEND.replace("self.drop", ""), "return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))")
PATH = """
class DropPath(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training or not self.p:
            return x
        return x * x.new_empty(len(x), 1, 1).bernoulli_(1 - self.p) / (1 - self.p)

"""
BATCHED = """
class Batched(nn.BatchNorm1d):
    def forward(self, x):
        return super().forward(x.mT).mT

"""


def changed(*changes: tuple[str, str], before: str = "") -> dict[str, tuple[float, str]]:
    text = LAYER
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    judged = in_process.judged("4b", IMPORTS + before + text)[0]
    return {
        number: (unmet.earned, f"{unmet.feedback.found} | {unmet.feedback.fix}") for number, unmet in judged.items()
    }


def skipped(first: str, second: str) -> dict[str, tuple[float, str]]:
    given = ("dim_head, dropout)", "dim_head)")
    return changed(given, (ATTEND, first), (MLP, second), before=PATH)


def test_a_layer_that_is_skipped_by_chance_has_no_dropout() -> None:
    chance = "if self.training and torch.rand(()) < self.drop.p: return x\n        "
    earned, said = skipped(chance + DROPLESS[0], DROPLESS[1])["4b.6"]
    assert earned == 0.0 and "after the attention nor inside the MLP nor after the MLP" in said


@pytest.mark.parametrize(("inside", "earned"), [("", 0.0), ("self.real", 0.33)])
def test_halves_that_are_skipped_sample_by_sample_have_no_dropout(inside: str, earned: float) -> None:
    made = "self.drop, self.real = DropPath(dropout), nn.Dropout(dropout)"
    second = f"return x + self.drop(self.fc2({inside}(F.gelu(self.fc1(self.norm2(x))))))"
    given = ("dim_head, dropout)", "dim_head)")
    found = changed(given, ("self.drop = nn.Dropout(dropout)", made), (MLP, second), before=PATH)
    assert found["4b.6"][0] == earned and "stochastic depth" in found["4b.6"][1], found


def test_dropout_beside_it_is_found() -> None:
    beside = ("self.drop = nn.Dropout(dropout)", "self.drop = nn.Sequential(nn.Dropout(dropout), DropPath(dropout))")
    assert changed(beside, before=PATH) == {}


@pytest.mark.parametrize(
    "which", ["self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)", "nn.LayerNorm(dim)\n"]
)
def test_a_batch_norm_is_charged_where_it_stands_and_not_as_dropout(which: str) -> None:
    found = changed((which, which.replace("nn.LayerNorm", "Batched")), before=BATCHED)
    assert "4b.6" not in found and all("with a BatchNorm in the place of" in said for _, said in found.values())
    found = changed((which, which.replace("nn.LayerNorm", "Batched")), (MLP, DROPLESS[1]), before=BATCHED)
    assert found["4b.6"][0] == 0.33 and "inside the MLP nor after the MLP" in found["4b.6"][1]


@pytest.mark.parametrize("again", [ATTEND, MLP.replace("return x +", "x = x +")])
def test_a_half_that_is_there_twice_is_not_charged_as_dropout(again: str) -> None:
    assert "4b.6" not in changed((ATTEND, f"{ATTEND}\n        {again}"))


def test_single_values_are_told_from_samples() -> None:
    whole = torch.ones(3, 4, 5)
    whole[1] = 0
    assert dropout.of_samples(whole) and dropout.of_samples(whole * 0) and not dropout.of_samples(whole + 1)
    whole[0, 0, 0] = 0
    assert not dropout.of_samples(whole)
