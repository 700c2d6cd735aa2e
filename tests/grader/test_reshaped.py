"""Layers whose weights have other sizes or numbers than the handout's: each is called by its name, and costs its half."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from reference.reshaped_layers import RESHAPED
from tests.grader import in_process
from tests.grader.honest_styles import ATTENTION, IMPORTS
from tests.grader.wrong_styles import BOTH, FIRST, SECOND

RIGHT = """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.drop = nn.Dropout(dropout)

    def mlp(self, y):
        return self.fc2(self.drop(F.relu(self.fc1(y))))

    def forward(self, x):
        x = x + self.drop(self.proj(self.attn(self.norm1(x))))
        return x + self.drop(self.mlp(self.norm2(x)))
"""
ATTN, PROJ, MAPS = (
    "Attention(dim, heads, dim_head, dropout)",
    "heads * dim_head, dim)",
    "nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)",
)
BODY = "return self.fc2(self.drop(F.relu(self.fc1(y))))"

MORE, MADE_MORE = "self.drop = ", "self.more = nn.Linear({})\n        self.drop = "


ADDED1, ADDED2 = "self.drop(self.proj(self.attn(self.norm1(x))))", "self.drop(self.mlp(self.norm2(x)))"
SUM1, SUM2 = f"x + {ADDED1}", f"x + {ADDED2}"
JOINING = MADE_MORE.format("2 * dim, dim")
JOINING_TWICE = "self.more = nn.ModuleList([nn.Linear(2 * dim, dim), nn.Linear(2 * dim, dim)])\n        self.drop = "


def joined(old: str, first: str, second: str, which: str = "") -> Mapping[str, str]:
    return {old: f"self.more{which}(torch.cat([{first}, {second}], -1))"}


def wide(size: str) -> Mapping[str, str]:
    return {MAPS: f"nn.Linear(dim, {size}), nn.Linear({size}, dim)"}


# What is worked out of other arguments is as asked where they agree, and costs the test that asks for the arguments.
ARGUMENTS = frozenset({"4b.1"})

# by the bank's name: what is changed, and the tests that are lost
MADE: Mapping[str, tuple[Mapping[str, str], frozenset[str]]] = {
    "heads-exchanged": ({ATTN: "Attention(dim, dim_head, heads, dropout)"}, FIRST),
    "dim-over-heads": ({ATTN: "Attention(dim, heads, dim // heads, dropout)", PROJ: "heads * (dim // heads), dim)"}, ARGUMENTS),
    "heads-of-dim": ({ATTN: "Attention(dim, heads, dim, dropout)", PROJ: "heads * dim, dim)"}, ARGUMENTS),
    "heads-by-division": ({ATTN: "Attention(dim, dim // dim_head, dim_head, dropout)", PROJ: "dim // dim_head * dim_head, dim)"}, ARGUMENTS),
    "one-wide-head": ({ATTN: "SingleHeadAttention(dim, heads * dim_head, dropout)"}, FIRST),
    "one-head": ({ATTN: "SingleHeadAttention(dim, dim_head, dropout)", PROJ: "dim_head, dim)"}, FIRST),
    "gate": (
        {"self.drop = ": "self.fc3 = nn.Linear(dim, mlp_dim)\n        self.drop = ", BODY: "return self.fc2(self.drop(F.silu(self.fc1(y)) * self.fc3(y)))"},
        SECOND,
    ),
    "gate-in-one": (
        {MAPS: "nn.Linear(dim, 2 * mlp_dim), nn.Linear(mlp_dim, dim)", BODY: "a, b = self.fc1(y).chunk(2, -1)\n        return self.fc2(self.drop(a * F.gelu(b)))"},
        SECOND,
    ),
    "width-dim": (wide("dim"), SECOND),
    "one-map": ({MAPS: "nn.Linear(dim, dim), None", BODY: "return F.relu(self.drop(self.fc1(y)))"}, SECOND),
    "tied-maps": (
        {MAPS: "nn.Linear(dim, mlp_dim), None", "self.drop = ": "self.back_bias = nn.Parameter(torch.zeros(dim))\n        self.drop = ", BODY: "return self.drop(F.relu(self.fc1(y))) @ self.fc1.weight + self.back_bias"},
        SECOND,
    ),
    "three-maps": (
        {"self.drop = ": "self.fc3 = nn.Linear(mlp_dim, mlp_dim)\n        self.drop = ", BODY: "return self.fc2(self.drop(F.relu(self.fc3(F.relu(self.fc1(y))))))"},
        SECOND,
    ),
    "width-4-dim": (wide("4 * dim"), SECOND),
    "width-2-dim": (wide("2 * dim"), ARGUMENTS),
    "width-inner": (wide("heads * dim_head"), SECOND),
    "width-2-mlp": (wide("2 * mlp_dim"), SECOND),
    "width-4-mlp": (wide("4 * mlp_dim"), SECOND),
    "width-half-mlp": (wide("(mlp_dim // 2)"), SECOND),
    "heads-added": ({PROJ: "dim_head, dim)", "(self.attn(self.norm1(x)))": "(self.attn(self.norm1(x)).unflatten(-1, (-1, self.proj.in_features)).sum(-2))"}, FIRST),
    "heads-averaged": ({PROJ: "dim_head, dim)", "(self.attn(self.norm1(x)))": "(self.attn(self.norm1(x)).unflatten(-1, (-1, self.proj.in_features)).mean(-2))"}, FIRST),
    "one-head-for-all": ({ATTN: "SingleHeadAttention(dim, dim_head, dropout)\n        self.heads = heads", "(self.attn(self.norm1(x)))": "(torch.cat([self.attn(self.norm1(x))] * self.heads, -1))"}, FIRST),
    "map-after-projection": ({MORE: MADE_MORE.format("dim, dim"), "self.proj(self.attn": "self.more(self.proj(self.attn", "(self.norm1(x))))": "(self.norm1(x)))))"}, FIRST),
    "map-of-heads": ({MORE: MADE_MORE.format("heads * dim_head, heads * dim_head"), "self.attn(self.norm1(x))": "self.more(self.attn(self.norm1(x)))"}, FIRST),
    "map-before-attention": ({MORE: MADE_MORE.format("dim, dim"), "self.norm1(x)))": "self.more(self.norm1(x))))"}, FIRST),
    "map-after-mlp": ({MORE: MADE_MORE.format("dim, dim"), "self.mlp(self.norm2(x))": "self.more(self.mlp(self.norm2(x)))"}, SECOND),
    "map-before-mlp": ({MORE: MADE_MORE.format("dim, dim"), "self.mlp(self.norm2(x))": "self.mlp(self.more(self.norm2(x)))"}, SECOND),
    "joined-attention": ({MORE: JOINING, **joined(SUM1, "x", ADDED1)}, FIRST),
    "joined-mlp": ({MORE: JOINING, **joined(SUM2, "x", ADDED2)}, SECOND),
    "joined-both": ({MORE: JOINING_TWICE, **joined(SUM1, "x", ADDED1, "[0]"), **joined(SUM2, "x", ADDED2, "[1]")}, BOTH),
    "joined-attention-last": ({MORE: JOINING, **joined(SUM1, ADDED1, "x")}, FIRST),
    "joined-mlp-last": ({MORE: JOINING, **joined(SUM2, ADDED2, "x")}, SECOND),
    "joined-both-last": ({MORE: JOINING_TWICE, **joined(SUM1, ADDED1, "x", "[0]"), **joined(SUM2, ADDED2, "x", "[1]")}, BOTH),
}  # fmt: skip


def test_each_of_the_bank_is_made_here() -> None:
    assert list(MADE) == [mistake.name for mistake in RESHAPED]
    assert not in_process.judged("4b", IMPORTS + RIGHT)[0]


@pytest.mark.parametrize("name", MADE)
def test_a_layer_of_other_sizes_is_called_by_its_name(name: str) -> None:
    changes, lost = MADE[name]
    text = RIGHT
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    said = {number: unmet.feedback for number, unmet in in_process.judged("4b", IMPORTS + text)[0].items()}
    assert said.keys() - {"4b.6"} == lost, said
    mistake = next(mistake for mistake in RESHAPED if mistake.name == name)
    if lost == ARGUMENTS:  # where they were not asked for, it has its name all the same
        lost = FIRST if mistake.half == "attention" else SECOND
        said = {number: in_process.judged("4b", IMPORTS + text, only=number)[0][number].feedback for number in lost}
    for number in lost:
        assert f"the reference {mistake.title} (" in said[number].found, said[number]


def test_heads_that_are_averaged_before_a_map_that_is_stored_the_other_way_round() -> None:
    text = RIGHT.replace("nn.Linear(heads * dim_head, dim)", "nn.Parameter(torch.randn(dim_head, dim))")
    text = text.replace(
        "self.proj(self.attn(self.norm1(x)))",
        "self.attn(self.norm1(x)).unflatten(-1, (-1, self.proj.shape[0])).mean(-2) @ self.proj",
    )
    assert text.count("self.proj") == 3, text
    lost = in_process.judged("4b", IMPORTS + text)[0]
    assert lost.keys() - {"4b.6"} == FIRST and "the mean of the heads' outputs" in lost["4b.2"].feedback.found


def test_what_only_gains_and_biases_show_is_told_as_that_and_gets_no_name() -> None:
    """A vector that scales what is added is 1 while gains are: then every formula with another norm is the right one."""
    added = {
        "self.drop = ": "self.scale = nn.Parameter(0.1 * torch.ones(dim))\n        self.drop = ",
        "x + self.drop(self.proj": "x + self.scale * self.drop(self.proj",
    }
    text = RIGHT
    for old, new in added.items():
        text = text.replace(old, new)
    lost = in_process.judged("4b", IMPORTS + text)[0]
    assert lost.keys() == {"4b.4"}
    assert "while all gains are 1 and all biases 0" in lost["4b.4"].feedback.found
    shared = in_process.judged("4b", IMPORTS + RIGHT.replace("self.norm2(x)", "self.norm1(x)"))[0]
    assert "one LayerNorm used in both places" in shared["4b.4"].feedback.found


@pytest.mark.parametrize(("place", "size", "words"), [
    ("return self.o(", "inner_dim", "one more linear map after the attention: a matrix of shape (7, 7)"),
    ("x = self.o(x)\n        return (", "input_dim", "one more linear map before Q, K and V: a matrix of shape (11, 11)"),
])  # fmt: skip
def test_a_map_too_many_in_the_head_is_named_by_its_place(place: str, size: str, words: str) -> None:
    text = ATTENTION["plain"].replace(
        "        self.softmax =", f"        self.o = nn.Linear({size}, {size})\n        self.softmax =", 1
    )
    head, forward = text.split("def forward(self, x):\n")
    forward = (
        forward.replace("        q, k, v", "        x = self.o(x)\n        q, k, v", 1)
        if "before" in words
        else forward.replace("return ", "return self.o(", 1).rstrip() + ")\n"
    )
    said = in_process.judged("4a", IMPORTS + head + "def forward(self, x):\n" + forward, only="4a.4")[0]
    assert words in said["4a.4"].feedback.found, said


@pytest.mark.parametrize(
    "first",
    [
        "self.more(torch.relu(self.proj(self.attn(self.norm1(x)))))",
        "self.more(torch.cos(self.proj(self.attn(self.norm1(x)))))",
    ],
)
def test_a_further_map_that_is_silent_where_it_would_tell_is_given_no_name(first: str) -> None:
    text = RIGHT.replace(MORE, MADE_MORE.format("dim, dim")).replace("self.proj(self.attn(self.norm1(x)))", first)
    said = in_process.judged("4b", IMPORTS + text)[0]
    assert "4b.2" in said and not any("the reference with" in unmet.feedback.found for unmet in said.values())


def test_a_map_that_joins_x_and_a_half_costs_that_half_alone_though_it_has_no_name() -> None:
    text = RIGHT.replace(MORE, JOINING).replace(
        f"x = {SUM1}", f"y = self.norm1(x)\n        x = self.more(torch.cat([y, {ADDED1}], -1))"
    )
    said = in_process.judged("4b", IMPORTS + text)[0]
    assert said.keys() - {"4b.6"} == FIRST and "none of the usual mistakes" in said["4b.2"].feedback.found
