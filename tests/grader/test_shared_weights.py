"""Two modules of a class with weights in common: each computes what it should, and a model of them is another one."""

from __future__ import annotations

import pytest

from tests.grader import in_process
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS

CACHE = """import functools

@functools.lru_cache(None)
def made(name, into, out, **named):
    return nn.Linear(into, out, **named)

"""
HEAD = """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.0):
        super().__init__()
        self.q = made("q", input_dim, inner_dim, bias=False)
        self.k = made("k", input_dim, inner_dim, bias=False)
        self.v = made("v", input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        w = torch.softmax(self.q(x) @ self.k(x).mT * self.q.out_features**-0.5, -1)
        return self.drop(w) @ self.v(x)
"""
LAYER = """
class ViTLayer(nn.Module):
    kept = {}

    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.0):
        super().__init__()
        self.norm1, self.norm2, self.drop = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.Dropout(dropout)
        self.attention, self.out = Attention(dim, heads, dim_head, dropout), nn.Linear(heads * dim_head, dim)
        maps = lambda: nn.ModuleList([nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)])
        self.maps = MAPS

    def forward(self, x):
        x = x + self.drop(self.out(self.attention(self.norm1(x))))
        return x + self.drop(self.maps[1](self.drop(torch.relu(self.maps[0](self.norm2(x))))))
"""
SHARED = {
    "heads by a cache": ("4a", CACHE + HEAD, {"4a.6"}),
    "only the keys": (
        "4a",
        CACHE + HEAD.replace('made("q",', "nn.Linear(").replace('made("v",', "nn.Linear("),
        {"4a.6"},
    ),
    "an MLP kept by the class": ("4b", LAYER.replace("MAPS", "self.kept.setdefault((dim, mlp_dim), maps())"), {"4b.5"}),
}


@pytest.mark.parametrize("kind", SHARED)
def test_weights_of_another_module_are_charged_where_training_is(kind: str) -> None:
    question, text, expected = SHARED[kind]
    found = in_process.judged(question, IMPORTS + text)[0]
    assert found.keys() == expected
    assert all("weights of the first one" in unmet.feedback.found for unmet in found.values())


OWN = {
    "heads of their own": ("4a", HEAD.replace('made("q",', "nn.Linear(").replace('made("k",', "nn.Linear(").replace('made("v",', "nn.Linear(")),
    "the same numbers each time": ("4a", HEAD.replace('made("q",', "nn.Linear(").replace('made("k",', "nn.Linear(").replace('made("v",', "nn.Linear(").replace("        super().__init__()", "        super().__init__(); torch.manual_seed(0)")),
    "an MLP of its own": ("4b", LAYER.replace("MAPS", "maps()")),
}  # fmt: skip


@pytest.mark.parametrize("kind", OWN)
def test_weights_of_ones_own_cost_nothing(kind: str) -> None:
    question, text = OWN[kind]
    assert in_process.judged(question, IMPORTS + text)[0] == {}


@pytest.mark.parametrize("style", [*list(ATTENTION)[::3], *list(LAYERS)[::4]])
def test_honest_styles_share_nothing(style: str) -> None:
    question, text = ("4a", ATTENTION[style]) if style in ATTENTION else ("4b", LAYERS[style])
    assert f"{question}.6" not in in_process.judged(question, "import copy\n" + IMPORTS + text, only=question)[0]
