"""Dropout drops other values in each call: what draws them in its own way is right, what drops the same ones is told.

And what a LayerNorm makes of dropout shows no zeros: the norm's place is charged then, and no dropout is missed.
"""

from __future__ import annotations

import pytest
import torch

from autograder.judging.code import dropout
from tests.grader import in_process
from tests.grader.honest_styles import IMPORTS

torch.set_num_threads(1)

HEAD = """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.0):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(input_dim, inner_dim, bias=False) for _ in range(3))
        self.drop = {drop}

    def forward(self, x):
        {first}
        q, k, v = self.q(x), self.k(x), self.v(x)
        return self.drop(torch.softmax(q @ k.mT * q.shape[-1] ** -0.5, -1)) @ v
"""
LAYER = """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.0):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, dim_head{given})
        self.out, self.up = nn.Linear(heads * dim_head, dim), nn.Linear(dim, mlp_dim)
        self.down, self.drop = nn.Linear(mlp_dim, dim), {drop}

    def forward(self, x):
        {first}
        x = x + self.drop(self.out(self.attn(self.n1(x))))
        {second}
        return x + self.drop(self.down(self.drop(torch.relu(self.up(self.n2(x))))))
"""
OWN = """
class Own(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p, self.source, self.kept = p, torch.Generator().manual_seed(3), {}

    def forward(self, x):
        if not self.training:
            return x
        %s
        return x * mask / (1 - self.p)
"""
RANDOM = "mask = (torch.rand(x.shape, generator=self.source) >= self.p).to(x.dtype)"
KEPT = "mask = self.kept.setdefault(x.shape, (torch.rand(x.shape) >= self.p).to(x.dtype))"
SEED = "torch.manual_seed(0)"
PLAIN = {"drop": "nn.Dropout(dropout)", "first": "pass", "second": "pass", "given": ", dropout"}

RIGHT = {
    "nn.Dropout": ("", {}),
    "a mask from a generator of its own": (OWN % RANDOM, {"drop": "Own(dropout)"}),
    "a seed that is set in eval mode alone": ("", {"first": "self.training or torch.manual_seed(0)"}),
}
SAME = {
    "a seed that forward sets": ("", {"first": SEED}),
    "a mask that is kept": (OWN % KEPT, {"drop": "Own(dropout)"}),
}


def lost(question: str, before: str, changed: dict[str, str]) -> dict[str, tuple[float, str]]:
    text = before + (HEAD if question == "4a" else LAYER).format(**(PLAIN | changed))
    judged = in_process.judged(question, IMPORTS + text)[0]
    return {number: (unmet.earned, unmet.feedback.found) for number, unmet in judged.items()}


@pytest.mark.parametrize("question", ["4a", "4b"])
@pytest.mark.parametrize("kind", RIGHT)
def test_what_drops_other_values_in_each_call_keeps_every_point(question: str, kind: str) -> None:
    assert lost(question, *RIGHT[kind]) == {}


@pytest.mark.parametrize("question", ["4a", "4b"])
@pytest.mark.parametrize("kind", SAME)
def test_what_drops_the_same_values_in_each_call_is_told(question: str, kind: str) -> None:
    found = lost(question, *SAME[kind])
    number, earned = {"4a": ("4a.7", 0.0), "4b": ("4b.6", 0.5)}[question]
    assert found.keys() == {number} and found[number][0] == earned, found
    assert "two calls give the same output" in found[number][1], found


def test_a_seed_before_the_second_half_alone_is_told_too() -> None:
    found = lost("4b", "", {"second": SEED})
    assert found.keys() == {"4b.6"} and "two calls give the same output" in found["4b.6"][1], found


def test_where_nothing_is_dropped_it_is_said_so() -> None:
    found = lost("4a", "", {"drop": "nn.Dropout(0.0)", "first": SEED})
    assert found.keys() == {"4a.7"} and "nothing is dropped" in found["4a.7"][1], found
    found = lost("4b", "", {"drop": "nn.Identity()", "first": SEED, "given": ""})
    assert found.keys() == {"4b.6"} and "no dropout was found after the attention" in found["4b.6"][1], found


AFTER = {
    "attention": ("self.drop(self.out(self.attn(self.n1(x))))", "self.n1(self.drop(self.out(self.attn(x))))", "4b.2"),
    "mlp": (
        "self.drop(self.down(self.drop(torch.relu(self.up(self.n2(x))))))",
        "self.n2(self.drop(self.down(self.drop(torch.relu(self.up(x))))))",
        "4b.3",
    ),
}


@pytest.mark.parametrize("half", AFTER)
def test_a_norm_on_what_a_half_adds_hides_no_dropout_and_its_lack_is_seen(half: str) -> None:
    right, wrong, number = AFTER[half]
    assert right in LAYER
    for changed, places in ((PLAIN, set()), (PLAIN | {"drop": "nn.Identity()", "given": ""}, {"4b.6"})):
        text = LAYER.replace(right, wrong).format(**changed)
        found = in_process.judged("4b", IMPORTS + text)[0]
        assert found.keys() == {number, "4b.4"} | places, found
        for each in (number, "4b.4"):
            assert "adds instead of before it" in found[each].feedback.found, found
    assert "after the MLP" in found["4b.6"].feedback.found


def test_what_a_norm_gives_is_told_by_each_token() -> None:
    x = torch.randn(3, 5, 13, generator=torch.Generator().manual_seed(1))
    normal = torch.nn.functional.layer_norm(x, (13,))
    assert dropout.normalised(normal) and dropout.normalised(torch.cat([normal, torch.zeros(1, 5, 13)]))
    for other in (x, normal * 2, normal + 1, torch.zeros_like(x), torch.cat([normal, x])):
        assert not dropout.normalised(other)
