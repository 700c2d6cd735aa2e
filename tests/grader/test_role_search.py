"""Roles of a layer's parameters: found for whole kinds of layers, at a cost that no order or name can raise."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch

from autograder.judging import find_roles
from autograder.judging.code import layer_roles, matching, measuring, searches, staged, trials
from reference import attention, encoder
from tests.grader import generated_styles, in_process
from tests.grader.generated_styles import ATTENTIONS, MERGES, NAMINGS, Style
from tests.grader.honest_styles import IMPORTS

torch.set_num_threads(1)


def lost(style: Style, *changes: tuple[str, str], only: str = "") -> dict[str, str]:
    """The tests that a layer of this style loses, with what was found; each change is (old, new) in its text."""
    return {
        number: unmet.feedback.found
        for number, unmet in in_process.judged("4b", text(style, *changes), only=only)[0].items()
    }


def text(style: Style, *changes: tuple[str, str]) -> str:
    written = generated_styles.text(style)
    for old, new in changes:
        assert old in written, old
        written = written.replace(old, new)
    return "import copy\n" + IMPORTS + written


# --- right ones -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_every_layout_keeps_every_point_with_unused_layers_and_names_of_other_roles(attention: str) -> None:
    for order, merge in itertools.product((-1, 5), MERGES):
        style = Style(attention=attention, stray="unused layers first", naming=NAMINGS[2], order=order, merge=merge)
        assert lost(style) == {}, style.title


@pytest.mark.parametrize("norm", generated_styles.NORMS)
def test_every_form_of_a_normalisation_keeps_every_point(norm: str) -> None:
    assert lost(Style(norm=norm, order=7)) == {}
    assert lost(Style(norm=norm, order=-1, attention="the provided attention")) == {}


def test_gains_are_read_as_what_they_differ_from_one_by() -> None:
    """Two bare vectors that are filled with 0, as the shifts beside them are: names and fills say nothing."""
    stored = ("nn.Parameter(torch.ones(dim))", "nn.Parameter(torch.zeros(dim))")
    first, second = (
        (f"x.shape[-1:], self.my_g{n}, self.my_s{n})", f"x.shape[-1:]) * (1 + self.my_g{n}) + self.my_s{n}")
        for n in (1, 2)
    )
    for heads in ("the provided attention", "fused (d three h)"):
        assert lost(Style(norm="gains and shifts, bare", order=7, attention=heads), stored, first, second) == {}
        assert "4b.4" in lost(Style(norm="gains and shifts, bare", attention=heads), stored, first)


@pytest.mark.parametrize("activation", generated_styles.ACTIVATIONS)
def test_every_function_of_one_number_is_an_activation(activation: str) -> None:
    assert lost(Style(activation=activation)) == {}


@pytest.mark.parametrize("style", generated_styles.sampled(30), ids=lambda style: style.title)
def test_choices_that_go_together_as_they_come_keep_every_point(style: Style) -> None:
    assert lost(style) == {}


# --- wrong ones: the same layouts with a mistake ----------------------------------------------------------------------

OWN = [name for name, choice in ATTENTIONS.items() if "mixed =" not in choice.use]
SCORES = "q @ k.mT * q.shape[-1] ** -0.5"
ATTENTION_MISTAKES = {
    "no scale": (SCORES, "q @ k.mT"),
    "scale of all heads": (SCORES, "q @ k.mT * (self.h * q.shape[-1]) ** -0.5"),
    "causal": (SCORES, f"({SCORES}).masked_fill(torch.ones(x.shape[1], x.shape[1]).triu(1).bool(), float('-inf'))"),
    "softmax over queries": (f"{SCORES}, -1", f"{SCORES}, -2"),
    "values that are keys": ("w @ v", "w @ k"),
    "heads exchanged with features": ("w @ v", "(w @ v).transpose(1, 3).reshape(v.shape)"),
}


@pytest.mark.parametrize("mistake", ATTENTION_MISTAKES)
def test_a_wrong_attention_loses_its_half_in_every_layout(mistake: str) -> None:
    for name in OWN[::4]:
        found = lost(Style(attention=name, order=4), ATTENTION_MISTAKES[mistake])
        assert found.keys() == {"4b.2", "4b.4"}, (name, found)


MLP_MISTAKES = {
    "no activation": ("z = F.gelu(z)", "z = 1.0 * z"),
    "a line": ("z = F.gelu(z)", "z = 0.3 * z + 0.1"),
    "softmax for an activation": ("z = F.gelu(z)", "z = torch.softmax(z, -1)"),
    "normalised between the maps": ("z = F.gelu(z)", "z = F.gelu(F.layer_norm(z, z.shape[-1:]))"),
    "gated by its neighbour": ("z = F.gelu(z)", "z = F.gelu(z) * z.roll(1, -1)"),
    "an activation of the tokens' mean": ("z = F.gelu(z)", "z = F.gelu(z - z.mean(1, keepdim=True))"),
}


@pytest.mark.parametrize("mistake", MLP_MISTAKES)
def test_what_is_no_function_of_one_number_or_a_line_is_no_activation(mistake: str) -> None:
    found = lost(Style(attention="three maps (d h)"), MLP_MISTAKES[mistake])
    assert found.keys() == {"4b.3", "4b.4"}, found


NORM_MISTAKES = {
    "a large eps": ("nn.LayerNorm(dim)", "nn.LayerNorm(dim, eps=0.1)"),
    "post-norm": ("y = self.my_n1(x)", "y = x"),
    "one in both places": ("self.my_n2(x)", "self.my_n1(x)"),
}


@pytest.mark.parametrize("mistake", NORM_MISTAKES)
def test_a_wrong_normalisation_is_no_other_eps(mistake: str) -> None:
    for name in ("fused (h d three)", "the provided attention"):
        assert "4b.4" in lost(Style(attention=name), NORM_MISTAKES[mistake])


def test_one_head_that_is_used_for_all_is_no_copy_of_it() -> None:
    shared = ("copy.deepcopy(self.my_one)", "self.my_one")
    assert lost(Style(attention="deep copies of the provided head")) == {}
    assert lost(Style(attention="deep copies of the provided head"), shared).keys() >= {"4b.2", "4b.4"}


# --- what it costs ----------------------------------------------------------------------------------------------------


def experiments_of(style: Style) -> tuple[in_process.Student, trials.Trials]:
    student = in_process.Student({"4b": text(style)})
    found = find_roles.experiments(student)  # type: ignore[arg-type]
    assert found
    return student, found


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_the_forwards_are_at_most_two_for_a_parameter_and_a_dozen_for_the_layer(attention: str) -> None:
    counts = set()
    for order in (0, -1, *range(1, 6)):
        student, found = experiments_of(Style(attention=attention, order=order, stray="unused layers first"))
        counts.add(student.forwards)
        assert student.forwards <= 12 + 2 * len(found.attention.weights)
    assert max(counts) - min(counts) <= 2  # a corner of the activation is measured once more


def test_no_order_of_creation_costs_more_formulas_than_another(monkeypatch: pytest.MonkeyPatch) -> None:
    tried, real = itertools.count(), layer_roles.evaluate

    def counted(*parts: Any, **named: Any) -> torch.Tensor:
        next(tried)
        return real(*parts, **named)

    monkeypatch.setattr(layer_roles, "evaluate", counted)
    spent = {}
    for order in range(24):
        before = next(tried)
        assert lost(Style(order=order, naming=NAMINGS[1]), only="4b.4") == {}
        spent[order] = next(tried) - before
    # 8 ways for values and projection, 8 for queries and keys, one for the MLP, 3 cases
    assert max(spent.values()) < 80, spent


# Nothing in the banks is one of these, so every mistake is tried, in both halves and in the whole layer.
UNEXPLAINED = {
    "attention": (f"torch.softmax({SCORES}, -1)", f"torch.cos({SCORES})"),
    "values": ("w @ v", "torch.tanh(w @ v)"),
    "MLP": ("z = F.gelu(z)", "z = F.gelu(z) * z.roll(1, -1)"),
}
BEFORE = ("y = self.my_n1(x)", "y = self.my_n1(x).roll(1, -1)")


def test_probe_heads_under_mistakes_that_nothing_explains_cost_a_bounded_number_of_formulas(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The dearest layer known: no half is right, so pairs are tried, and a head that is not used may be any of them."""
    tried, real = itertools.count(), layer_roles.evaluate

    def counted(*parts: Any, **named: Any) -> torch.Tensor:
        next(tried)
        return real(*parts, **named)

    monkeypatch.setattr(layer_roles, "evaluate", counted)
    # 1,419 and 1,070 with the mistakes that there are; each one more is tried on what is seen, and in pairs
    for changes, most in (((BEFORE, UNEXPLAINED["MLP"]), 1600), ((UNEXPLAINED["MLP"],), 1200)):
        before = next(tried)
        assert "4b.4" in lost(Style(attention="deep copies of the provided head", order=-1), *changes)
        assert (count := next(tried) - before) < most, count


@pytest.mark.parametrize("mistake", UNEXPLAINED)
def test_a_layer_that_nothing_explains_costs_a_bounded_number_of_formulas(
    mistake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, real = itertools.count(), layer_roles.evaluate

    def counted(*parts: Any, **named: Any) -> torch.Tensor:
        next(tried)
        return real(*parts, **named)

    monkeypatch.setattr(layer_roles, "evaluate", counted)
    for name in OWN[::3]:
        before = next(tried)
        assert "4b.4" in lost(Style(attention=name, order=5), UNEXPLAINED[mistake])
        # 935 at most with the mistakes that there are, 0.25 ms each; 5,000 where each mistake was tried under each way to read the parameters
        assert next(tried) - before < 1050, name


def test_projections_that_go_together_are_told_apart_from_all_others() -> None:
    style = Style(attention="three maps (h d)", order=5, stray="unused layers first")
    student = in_process.Student({"4b": text(style, (f"torch.softmax({SCORES}, -1)", f"torch.cos({SCORES})"))})
    seen = find_roles.experiments(student)  # type: ignore[arg-type]
    assert seen
    with student.visit("4b", probe_seed=trials.CASE.seed) as visit:
        visit.build(trials.CASE)
        visit.load(seen.both.weights)

        def ask(changed: Any, x: torch.Tensor) -> torch.Tensor:
            visit.load(changed)
            return visit.forward(x).output

        found = matching.run(ask, seen, staged.all_slots(seen))
    values = {(slot.matrix.name[:4], out.weight[:6]) for slot, out in found.values}
    assert ("my_v", "my_out") in values and not {("my_q", "my_out"), ("my_k", "my_out")} & values
    scores = {(one.matrix.name[:4], other.matrix.name[:4]) for one, other in found.scores}
    assert ("my_q", "my_k") in scores and ("my_q", "my_v") not in scores


# --- measuring --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("eps", [0.0, 1e-12, 1e-8, 1e-6, 1e-5, 3e-5, 1e-4, 1e-3, 1e-2])
def test_eps_is_estimated_to_a_part_that_no_output_shows(eps: float) -> None:
    x = measuring.spreads(23)
    added = torch.nn.functional.layer_norm(x.double(), (23,), eps=eps)
    assert measuring.eps(added)[0] == pytest.approx(eps, rel=1e-3, abs=1e-5)
    assert measuring.eps(added.abs() * added)[1] == pytest.approx(eps, rel=1e-3, abs=1e-5)


def test_what_is_no_eps_of_a_normalisation_is_taken_for_the_usual_one() -> None:
    x = measuring.spreads(23)
    for added in (torch.nn.functional.layer_norm(x, (23,), eps=0.3), x, torch.zeros_like(x), -x / 0):
        assert measuring.eps(added)[0] == 1e-5


def test_the_reference_is_found_with_the_trials_alone() -> None:
    _, found = experiments_of(Style(attention="fused (d three h)"))
    search = searches.Search(encoder.layer, attention.multi_head)
    roles = staged.find(search, found)
    assert roles and roles.own and roles.activation == "GELU"


# --- what cannot be told ----------------------------------------------------------------------------------------------

# q, k, v and the projection in one array: no reading has four parts.
FOUR = (
    ("self.my_qkv = nn.Parameter(torch.randn(3, heads, dim, dim_head) * 0.1)", "self.my_qkv = nn.Parameter(torch.randn(4, heads, dim, dim_head) * 0.1)"),
    ("q, k, v = torch.einsum('btf,nhfd->nbhtd', y, self.my_qkv)", "q, k, v = torch.einsum('btf,nhfd->nbhtd', y, self.my_qkv[:3])"),
    ("self.my_out = nn.Linear(heads * dim_head, dim)", "pass"),
    ("self.my_out(mixed)", "torch.einsum('bhtd,hfd->btf', w @ v, self.my_qkv[3])"),
)  # fmt: skip
MANY = (
    "self.drop = nn.Dropout(dropout)",
    "self.drop = nn.Dropout(dropout); self.spare = nn.ModuleList(nn.Linear(dim, dim) for _ in range(60))",
)


@pytest.mark.parametrize("changes", [FOUR, (*FOUR, MANY)])
def test_what_cannot_be_read_keeps_points_by_what_it_does_and_is_left_to_staff(
    changes: tuple[tuple[str, str], ...],
) -> None:
    told, student = in_process.judged("4b", text(Style(attention="one array of four axes"), *changes))
    assert told == {}
    assert len(student.staff) == 2 and all("could not be told" in note for note in student.staff)


LAYER_OF_CONVOLUTIONS = """import torch
from torch import nn


class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.0):
        super().__init__()
        self.norm1, self.norm2, self.drop = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.Dropout(dropout)
        self.attention, self.out = Attention(dim, heads, dim_head, dropout), nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Conv1d(dim, mlp_dim, 1), nn.Conv1d(mlp_dim, dim, 1)

    def forward(self, x):
        x = x + self.drop(self.out(self.attention(self.norm1(x))))
        hidden = self.drop(torch.relu(self.fc1(self.norm2(x).mT)))
        return x + self.drop(self.fc2(hidden).mT)
"""
UNREAD_MISTAKES = {
    "no residual": ("x = x + self.drop(torch", "x = self.drop(torch"),
    "no normalisation": ("y = self.my_n1(x)", "y = x"),
    "no softmax": (f"torch.softmax({SCORES}, -1)", SCORES),
    "mixed samples": ("y = self.my_n1(x)", "y = self.my_n1(x - x.mean(0))"),
}


@pytest.mark.parametrize("mistake", UNREAD_MISTAKES)
def test_a_mistake_that_shows_without_roles_costs_its_half(mistake: str) -> None:
    told = in_process.judged("4b", text(Style(attention="one array of four axes"), *FOUR, UNREAD_MISTAKES[mistake]))[0]
    assert told["4b.2"].earned == 0 and "4b.3" not in told
    assert "in a right layer" in told["4b.2"].feedback.found and "differs" not in str(told["4b.2"].feedback)


def test_tokens_that_a_convolution_mixes_cost_the_mlp() -> None:
    mixing = LAYER_OF_CONVOLUTIONS.replace("mlp_dim, 1)", "mlp_dim, 3, padding=1)")
    assert in_process.judged("4b", LAYER_OF_CONVOLUTIONS)[0] == {}
    told = in_process.judged("4b", mixing)[0]
    assert told.keys() == {"4b.3", "4b.4"} and "each token is worked on for itself" in told["4b.3"].feedback.found
