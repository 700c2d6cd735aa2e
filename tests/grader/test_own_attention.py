"""Layers of 4(b) that bring their own multi-head attention: right ones keep every point, wrong ones lose theirs."""

from __future__ import annotations

import pytest

from autograder.core.records import Report, Status
from autograder.grading import Options, grade_many
from tests.grader.honest_styles import IMPORTS

pytestmark = pytest.mark.slow

LAYER = """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Own(dim, heads, dim_head, dropout)
        self.out = nn.Linear(heads * dim_head, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(mlp_dim, dim), nn.Dropout(dropout))
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.drop(self.out(self.attn(self.norm1(x))))
        return x + self.mlp(self.norm2(x))
"""
BASE = """
class Own(nn.Module):
    def __init__(self, dim, heads, dim_head, dropout):
        super().__init__()
        self.h, self.d = heads, dim_head
        {layers}

    def forward(self, x):
        {split}
        w = torch.softmax(q @ k.transpose(-2, -1) * {scale}, dim=-1)
        return rearrange(w @ v, 'b h t d -> b t (h d)')
"""
FUSED = "self.qkv = nn.Linear(dim, 3 * heads * dim_head, bias=False)"
SPLIT = "q, k, v = rearrange(self.qkv(x), 'b t ({order}) -> three b h t d', three=3, h=self.h)"
THREE = "self.q, self.k, self.v = (nn.Linear(dim, heads * dim_head, bias={bias}) for _ in range(3))"
HEADS = "q, k, v = (rearrange(f(x), 'b t (h d) -> b h t d', h=self.h) for f in (self.q, self.k, self.v))"
KV = "self.q, self.kv = nn.Linear(dim, heads * dim_head), nn.Linear(dim, 2 * heads * dim_head)"
SPLIT_KV = "q = rearrange(self.q(x), 'b t (h d) -> b h t d', h=self.h); k, v = rearrange(self.kv(x), 'b t (two h d) -> two b h t d', two=2, h=self.h)"
PER_HEAD = """
class Head(nn.Module):
    def __init__(self, dim, d):
        super().__init__()
        self.key, self.query, self.value = nn.Linear(dim, d, bias=False), nn.Linear(dim, d, bias=False), nn.Linear(dim, d, bias=False)

    def forward(self, x):
        k, q, v = self.key(x), self.query(x), self.value(x)
        return torch.softmax(q @ k.transpose(-2, -1) / k.shape[-1] ** 0.5, dim=-1) @ v


class Own(nn.Module):
    def __init__(self, dim, heads, dim_head, dropout):
        super().__init__()
        self.heads = nn.ModuleList([Head(dim, dim_head) for _ in range(heads)])

    def forward(self, x):
        return torch.cat([h(x) for h in self.heads], dim=-1)
"""
RIGHT = {
    "fused, q k v then heads": BASE.format(layers=FUSED, split=SPLIT.format(order="three h d"), scale="self.d ** -0.5"),
    "fused, heads then q k v": BASE.format(layers=FUSED, split=SPLIT.format(order="h three d"), scale="self.d ** -0.5"),
    "three maps": BASE.format(layers=THREE.format(bias=False), split=HEADS, scale="self.d ** -0.5"),
    "three maps with biases": BASE.format(layers=THREE.format(bias=True), split=HEADS, scale="self.d ** -0.5"),
    "k and v fused": BASE.format(layers=KV, split=SPLIT_KV, scale="self.d ** -0.5"),
    "heads of its own class": PER_HEAD,
}
WRONG = {
    "without scale": BASE.format(layers=FUSED, split=SPLIT.format(order="three h d"), scale="1.0"),
    "scaled by all heads' features": BASE.format(
        layers=THREE.format(bias=False), split=HEADS, scale="(self.h * self.d) ** -0.5"
    ),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    folder = tmp_path_factory.mktemp("own")
    paths = []
    for i, text in enumerate([*RIGHT.values(), *WRONG.values()]):
        path = folder / str(i) / "hw6.py"
        path.parent.mkdir()
        path.write_text(IMPORTS + text + LAYER, encoding="utf-8")
        paths.append(path)
    return dict(zip([*RIGHT, *WRONG], grade_many(paths, Options(only="4b"))))


@pytest.mark.parametrize("style", RIGHT)
def test_a_right_layer_with_its_own_attention_keeps_every_point_and_hears_of_it(
    graded: dict[str, Report], style: str
) -> None:
    tests = graded[style].tests
    assert tests and [(t.number, t.feedback.lines(), t.staff) for t in tests if t.status is not Status.PASSED] == []
    assert any("its own attention" in remark for t in tests for remark in t.remarks)


@pytest.mark.parametrize("style", WRONG)
def test_a_wrong_attention_of_its_own_loses_the_attention_half(graded: dict[str, Report], style: str) -> None:
    failed = {t.number: t for t in graded[style].tests if t.status is Status.FAILED}
    assert failed.keys() == {"4b.2", "4b.4"}
    assert "equals the reference with" in failed["4b.2"].feedback.found
