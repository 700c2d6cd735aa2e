"""The pure parts of judging: which vectors scale, where dropout acted, what is silenced, how long a search may be."""

import itertools
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from autograder.judging import diagnosis
from autograder.judging.code import (
    attention_roles,
    cases,
    compare,
    dropout,
    halves,
    layer_parts,
    layer_roles,
    layer_weights,
    weights,
)
from autograder.judging.expect import Unmet
from autograder.sandbox.wire import ParameterSpec
from reference import attention, encoder, layer_misconceptions, misconceptions

# names -> those that multiply; 5 stands for a vector, "matrix" for a matrix
SCALES = {
    ("norm.weight", "norm.bias"): {"norm.weight"},
    ("norm.gain", "norm.offset"): {"norm.gain"},
    ("norm.b", "norm.k"): {"norm.k"},
    ("norm.one", "norm.two"): {"norm.one"},
    ("norm.lam",): {"norm.lam"},
    ("extra.bias",): set(),
    ("ln1_g", "ln1_b", "W (matrix)"): {"ln1_g"},
    ("bq", "bk", "W (matrix)"): set(),
    ("fc.weight (matrix)", "fc.bias"): set(),
}


@pytest.mark.parametrize(("names", "expected"), SCALES.items())
def test_a_vector_scales_by_its_name_or_else_by_its_place(names: tuple[str, ...], expected: set[str]) -> None:
    assert weights.scales({name: (7, 5) if "matrix" in name else (5,) for name in names}) == expected


def test_a_stack_of_three_biases_is_drawn_as_biases() -> None:
    specs = [ParameterSpec(name, shape, "float32", "") for name, shape in (("b", (3, 7)), ("w", (3, 7, 11)))]
    drawn = weights.draw(1, specs, biases=False)
    assert not drawn["b"].any() and drawn["w"].all()


def test_dropout_is_told_from_everything_else() -> None:
    calm = cases.normal(1, 64, 7)
    kept = (cases.normal(2, 64, 7) > 0).float()
    assert dropout.dropped(calm * kept * 2, calm)
    assert dropout.dropped(calm * kept * 2 * kept.flip(0) * 2, calm)
    for other in (calm, calm * 2, calm * kept, calm * kept / 0.75, calm + kept, torch.zeros_like(calm) + 1):
        assert not dropout.dropped(other, calm)


def test_dropout_before_a_linear_map_is_seen_behind_it() -> None:
    matrix, inside = cases.normal(1, 13, 10).double(), cases.normal(2, 3, 7, 10).double()
    kept = (cases.normal(3, 3, 7, 10) > 0).double()
    assert dropout.before_the_map(inside * kept * 2 @ matrix.T, matrix, inside)
    assert not dropout.before_the_map(inside @ matrix.T, matrix, inside)
    out = inside @ matrix.T
    assert not dropout.before_the_map(out * (cases.normal(4, 3, 7, 13) > 0) * 2, matrix, inside)


def test_heads_of_a_size_that_is_nobodys_are_the_attentions() -> None:
    """512 features and three times as many; 512 alone may be an MLP's, of one gate, too."""
    case = cases.LayerCase(seed=0, batch=2, tokens=3, dim=13, heads=2, dim_head=5, mlp_dim=31)
    mlp, gated = {"1": (512, 13), "2": (13, 512)}, {"1": (512, 13), "2": (13, 512), "3": (512, 13)}
    for shapes, half in (
        ({"qkv": (1536, 13), "out": (13, 512)}, "attention"),
        ({**gated, "4": (512, 13)}, "attention"),
        (mlp, "mlp"),
        (gated, "mlp"),
    ):
        found = halves.matrices({name: torch.ones(shape) for name, shape in shapes.items()}, case, half)
        assert found == shapes.keys()


CASE = cases.layer_cases(5, 1)[0]
HALVES = {"attention": {"proj", "wide", "per_head", "qkv"}, "mlp": {"fc1", "fc2", "four", "square"}}


@pytest.mark.parametrize(("without", "silent"), HALVES.items())
def test_a_half_is_silenced_whatever_its_sizes_are(without: str, silent: set[str]) -> None:
    dim, inner, hidden = CASE.dim, CASE.heads * CASE.dim_head, CASE.mlp_dim
    shapes = {
        "proj": (dim, inner), "wide": (dim, 8 * CASE.dim_head), "per_head": (dim, CASE.dim_head),
        "qkv": (3 * inner, dim), "fc1": (hidden, dim), "fc2": (dim, hidden), "four": (4 * dim, dim),
        "square": (dim, dim), "bias": (dim,),
    }  # fmt: skip
    ones = {name: torch.ones(shape) for name, shape in shapes.items()}
    quiet = {name for name, w in halves.silenced(ones, CASE, without).items() if not w.any()}
    assert quiet == silent


def plain_layer(case: cases.LayerCase, *, extra: int = 0) -> dict[str, tuple[int, ...]]:
    inner = case.heads * case.dim_head
    shapes: dict[str, tuple[int, ...]] = {}
    for name, sizes in {
        "proj": (case.dim, inner),
        "fc1": (case.mlp_dim, case.dim),
        "fc2": (case.dim, case.mlp_dim),
    }.items():
        shapes |= {f"{name}.weight": sizes, f"{name}.bias": sizes[:1]}
    for i in range(2 + extra):
        shapes |= {f"norm{i}.weight": (case.dim,), f"norm{i}.bias": (case.dim,)}
    for i in range(extra):
        shapes |= {f"spare{i}.weight": (case.mlp_dim, case.dim), f"spare{i}.bias": (case.mlp_dim,)}
    return shapes


def observed(
    case: cases.LayerCase, formula: layer_parts.LayerFormula = encoder.layer, *, biases: bool = True, extra: int = 0
) -> layer_roles.LayerObservation:
    """What a layer with the plain names gives that computes `formula`, in float32."""
    specs = [ParameterSpec(name, shape, "float32", "") for name, shape in plain_layer(case, extra=extra).items()]
    drawn = weights.draw(case.seed, specs, biases=biases)
    blank = layer_roles.LayerObservation(case, drawn, case.x(), case.x(), case.heads, 1)
    norms = [layer_weights.NormSource(f"norm{i}.weight", f"norm{i}.bias") for i in range(2)]
    maps = [layer_weights.AffineSource(f"{name}.weight", f"{name}.bias") for name in ("proj", "fc1", "fc2")]
    roles = layer_roles.LayerRoles(norms[0], maps[0], norms[1], maps[1], maps[2], "GELU")
    output = layer_roles.evaluate(formula, roles, blank).float()
    return layer_roles.LayerObservation(case, drawn, case.x(), output, case.heads, 1)


def test_a_right_layer_is_found_in_its_parameters() -> None:
    seen = [observed(case) for case in cases.layer_cases(3, 3)]
    roles = layer_roles.find(encoder.layer, seen)
    assert roles and (roles.norm1.scale, roles.fc1.weight) == ("norm0.weight", "fc1.weight")


@pytest.mark.parametrize("mistake", layer_misconceptions.LAYER, ids=lambda m: m.name)
def test_each_wrong_layer_is_told_from_the_right_one_and_named(mistake: misconceptions.Misconception) -> None:
    if mistake.shared_norm:
        pytest.skip("the formula is the right one: only the roles are wrong")
    seen = [observed(case, mistake.formula) for case in cases.layer_cases(3, 3)]
    assert layer_roles.find(encoder.layer, seen) is None
    named = diagnosis.in_layer(seen, layer_misconceptions.LAYER)
    assert named is not None and named.title == mistake.title


@pytest.mark.parametrize("mistake", misconceptions.ATTENTION, ids=lambda m: m.name)
def test_each_wrong_attention_is_told_from_the_right_one_and_named(mistake: misconceptions.Misconception) -> None:
    seen = []
    for case in cases.attention_cases(3, 4):
        names = ("to_q.weight", "to_k.weight", "to_v.weight")
        specs = [ParameterSpec(name, (case.inner_dim, case.input_dim), "float32", "") for name in names]
        drawn = weights.draw(case.seed, specs, biases=False)
        used = [drawn[name].double() for name in (names[0], names[0] if mistake.repeats else names[1], names[2])]
        output = mistake.formula(case.x().double(), *used).float()
        seen.append(attention_roles.Observation(case, drawn, case.x(), output))
    assert attention_roles.find(attention.single_head, seen) is None
    said = diagnosis.attention(seen, misconceptions.ATTENTION, attention.single_head)
    assert mistake.title in said.feedback.found


def half_alone(formula: layer_parts.LayerFormula, without: str) -> torch.Tensor:
    drawn = observed(CASE, biases=False)
    silent = halves.silenced(drawn.weights, CASE, without)
    roles = layer_roles.find(encoder.layer, [drawn])
    assert roles
    quiet = layer_roles.LayerObservation(CASE, silent, drawn.x, drawn.output, drawn.made, 1, without)
    return layer_roles.evaluate(formula, roles, quiet)


OF_A_HALF = [mistake for mistake in layer_misconceptions.LAYER if mistake.half in ("attention", "mlp")]


@pytest.mark.parametrize("mistake", OF_A_HALF, ids=lambda m: m.name)
def test_a_mistake_shows_in_the_half_that_is_charged_for_it(mistake: misconceptions.Misconception) -> None:
    without = "mlp" if mistake.half == "attention" else "attention"
    assert compare.distance(half_alone(mistake.formula, without), half_alone(encoder.layer, without)) > 1e-2


@pytest.mark.parametrize("bank", ["ATTENTION_HALF", "MLP_HALF"])
def test_the_mistakes_of_a_half_can_be_told_apart_there(bank: str) -> None:
    without = "mlp" if bank == "ATTENTION_HALF" else "attention"
    mistakes = getattr(layer_misconceptions, bank)
    outputs = [half_alone(mistake.formula, without) for mistake in mistakes]
    for (i, one), (j, other) in itertools.combinations(enumerate(outputs), 2):
        assert (one - other).abs().max() > 1e-2, (mistakes[i].name, mistakes[j].name)


# Counted: 1,715 formulas, search and mistakes together, by names and order. Without the bounds there are millions.
MOST_FORMULAS = 1_800


def search_that_finds_nothing() -> None:
    seen = [observed(case, lambda x, *_: F.silu(x), extra=6) for case in cases.layer_cases(3, 3)]
    assert layer_roles.find(encoder.layer, seen) is None
    assert diagnosis.in_layer(seen, layer_misconceptions.LAYER) is None
    said = diagnosis.layer(seen, None, seen)
    assert isinstance(said, Unmet) and "none of the usual mistakes" in said.feedback.found


def test_a_search_that_finds_nothing_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    tried, real = itertools.count(), layer_roles.evaluate

    def counted(*parts: Any, **named: Any) -> torch.Tensor:
        next(tried)
        return real(*parts, **named)

    monkeypatch.setattr(layer_roles, "evaluate", counted)
    search_that_finds_nothing()
    assert 0 < next(tried) < MOST_FORMULAS


def test_a_child_that_claims_a_billion_heads_makes_no_search_longer() -> None:
    honest = observed(CASE)
    lied = layer_roles.LayerObservation(CASE, honest.weights, honest.x, honest.x, 2**31, 1)
    count = sum(1 for _ in layer_roles.assignments(lied, shared_norm=False, names=1))
    assert count <= 4 * sum(1 for _ in layer_roles.assignments(honest, shared_norm=False, names=1))
