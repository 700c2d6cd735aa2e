"""Rare ways to store and use a layer's weights: right ones keep every point, the same with a mistake lose theirs."""

from __future__ import annotations

import msgspec
import pytest
import torch

from autograder.judging.code import cases, flat
from autograder.sandbox.wire import ParameterSpec
from tests.grader import in_process, odd_styles
from tests.grader.honest_styles import IMPORTS
from tests.grader.odd_styles import STYLES

torch.set_num_threads(1)


def lost(text: str) -> dict[str, str]:
    judged = in_process.judged("4b", "import copy\n" + IMPORTS + text)[0]
    return {number: unmet.feedback.found for number, unmet in judged.items()}


@pytest.mark.parametrize("style", STYLES)
def test_a_right_layer_keeps_every_point(style: str) -> None:
    assert lost(odd_styles.text(STYLES[style])) == {}


@pytest.mark.parametrize("style", STYLES)
def test_the_same_with_transposed_weights_of_attention_loses_that_half(style: str) -> None:
    wrong = msgspec.structs.replace(STYLES[style], weights=f"({STYLES[style].weights}).mT")
    found = lost(odd_styles.text(wrong))
    assert found.keys() == {"4b.2", "4b.4"}, found
    # where names tell nothing of queries and keys, the other is the same function with the two exchanged
    assert "transposed" in found["4b.2"] or "softmax over the QUERIES" in found["4b.2"], found


@pytest.mark.parametrize("style", STYLES)
def test_the_same_without_the_second_residual_loses_the_other_half(style: str) -> None:
    text = odd_styles.text(STYLES[style])
    found = lost(text.replace("return x + self.drop(", "return self.drop("))
    assert found.keys() - {"4b.6"} == {"4b.3", "4b.4"}, found


# What is left of `nn` in these is no layer, or wraps one that is allowed: 4a.2 is the rules' to judge, by the text.
@pytest.mark.parametrize("style", odd_styles.HEADS)
def test_a_right_head_keeps_every_point_and_one_without_a_scale_loses_the_formula(style: str) -> None:
    made = odd_styles.HEADS[style]
    assert in_process.judged("4a", IMPORTS + odd_styles.head(*made))[0] == {}
    unscaled = in_process.judged("4a", IMPORTS + odd_styles.head(*made, "torch.softmax(q @ k.mT, -1)"))[0]
    assert unscaled.keys() == {"4a.4"} and "√d_k" in unscaled["4a.4"].feedback.found, unscaled


ALL_IN_ONE = odd_styles.Odd(
    "self.w = nn.Parameter(torch.randn(4 * dim * heads * dim_head) * 0.1)",
    "q, k, v, o = torch.einsum('btf,nhdf->nbhtd', y, self.w.view(4, self.h, self.d, -1))",
    maps="pass",
    out="torch.einsum('bthd,hdf->btf', mixed.unflatten(-1, (self.h, -1)), self.w.view(4, self.h, self.d, -1)[3])",
)  # fmt: skip


def test_a_row_that_holds_more_than_is_looked_for_could_not_be_told_and_costs_nothing() -> None:
    told, student = in_process.judged("4b", "import copy\n" + IMPORTS + odd_styles.text(ALL_IN_ONE))
    assert told == {} and len(student.staff) == 2 and all("could not be told" in note for note in student.staff)


def test_a_bias_as_long_as_a_side_of_the_matrix_beside_it_is_no_matrix() -> None:
    specs = [
        ParameterSpec(name, shape, "float32", "") for name, shape in (("w", (44, 11)), ("b", (44,)), ("m.w", (44,)))
    ]
    read = flat.Storage().read(specs, cases.layer_cases(1, 1)[0])
    assert [(spec.name, spec.shape) for spec in read] == [("w", (44, 11)), ("b", (44,)), ("m.w (flat)", (4, 11))]


def test_what_is_sent_has_the_modules_own_names_and_shapes_for_other_sizes_too() -> None:
    storage, (first, other) = flat.Storage(), cases.layer_cases(1, 2)
    for case in (first, other):
        shapes: dict[str, tuple[int, ...]] = {f"w.{i}": (case.dim * case.dim_head,) for i in range(case.heads + 2)}
        shapes["bias"] = (case.heads, 1, case.dim_head)
        read = storage.read([ParameterSpec(n, s, "float32", "") for n, s in shapes.items()], case)
        sent = storage.sent({spec.name: torch.zeros(spec.shape) for spec in read})
        assert {name: tuple(value.shape) for name, value in sent.items()} == shapes
        assert read[0].name == "w.0 (flat)" and read[-1].shape == (case.heads * case.dim_head,)
        back = storage.received({"": torch.ones(2), "w.1": torch.ones(case.dim * case.dim_head)})
        assert {name: tuple(value.shape) for name, value in back.items()} == {
            "": (2,),
            "w.1 (flat)": (case.dim_head, case.dim),
        }
