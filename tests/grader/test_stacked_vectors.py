"""Gains and shifts of both normalisations in one array: a right layer keeps every point, a wrong one is told as ever."""

from __future__ import annotations

import pytest
import torch

from autograder.judging.code import cases, flat
from autograder.sandbox.wire import ParameterSpec
from autograder.student_room import described
from tests.grader import in_process, odd_styles
from tests.grader.honest_styles import IMPORTS

torch.set_num_threads(1)

NORMS = "self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)"
FIRST, SECOND = "self.n1(x)", "self.n2(x)"
PLAIN = odd_styles.text(odd_styles.Odd())

# What __init__ makes, and the two normalisations.
MADE = {
    "gains, and shifts": (
        "self.gain, self.bias = nn.Parameter(torch.ones(2, dim)), nn.Parameter(torch.zeros(2, dim))",
        *(f"F.layer_norm(x, x.shape[-1:], self.gain[{i}], self.bias[{i}])" for i in (0, 1)),
    ),
    "one array for each": (
        "self.one, self.two = (nn.Parameter(torch.stack([torch.ones(dim), torch.zeros(dim)])) for _ in range(2))",
        *(f"F.layer_norm(x, x.shape[-1:], *self.{name})" for name in ("one", "two")),
    ),
    "one array for both, shifts first": (
        "self.ln = nn.Parameter(torch.tensor([0., 0., 1., 1.])[:, None].repeat(1, dim))",
        *(f"F.layer_norm(x, x.shape[-1:], self.ln[{2 + i}], self.ln[{i}])" for i in (0, 1)),
    ),
    "the columns of one": (
        "self.one, self.two = (nn.Parameter(torch.tensor([[1., 0.]]).repeat(dim, 1)) for _ in range(2))",
        *(f"F.layer_norm(x, x.shape[-1:], self.{name}[:, 0], self.{name}[:, 1])" for name in ("one", "two")),
    ),
    "with an axis of one": (
        "self.g, self.s = nn.Parameter(torch.ones(2, 1, dim)), nn.Parameter(torch.zeros(2, 1, dim))",
        *(f"F.layer_norm(x, x.shape[-1:]) * self.g[{i}] + self.s[{i}]" for i in (0, 1)),
    ),
}


def text(made: str, first: str, second: str) -> str:
    return PLAIN.replace(NORMS, made).replace(FIRST, first).replace(SECOND, second)


def lost(layer: str) -> dict[str, str]:
    judged = in_process.judged("4b", "import copy\n" + IMPORTS + layer)[0]
    return {number: unmet.feedback.found for number, unmet in judged.items()}


@pytest.mark.parametrize("kind", MADE)
def test_a_right_layer_keeps_every_point(kind: str) -> None:
    assert NORMS in PLAIN and FIRST in PLAIN and SECOND in PLAIN
    assert lost(text(*MADE[kind])) == {}


@pytest.mark.parametrize("kind", MADE)
def test_one_vector_in_both_places_is_named(kind: str) -> None:
    made, first, _ = MADE[kind]
    found = lost(text(made, first, first))
    assert found.keys() == {"4b.4"} and "one LayerNorm used in both places" in found["4b.4"], found


def test_a_vector_too_many_is_seen() -> None:
    made, first, second = MADE["gains, and shifts"]
    found = lost(text(made, first, f"({second} * self.gain[0])"))
    assert found.keys() == {"4b.4"} and "differs with others" in found["4b.4"], found


def test_rows_are_told_by_what_they_hold_and_come_and_go_under_the_modules_own_name() -> None:
    case = cases.layer_cases(1, 1)[0]
    specs = [
        ParameterSpec("ln", (2, 1, case.dim), "float32", "", rows=(1.0, 0.0)),
        ParameterSpec("random", (2, case.dim), "float32", ""),
        ParameterSpec("zero", (case.dim_head, case.dim), "float32", "", rows=(0.0,) * case.dim_head),
        ParameterSpec("other", (2, case.mlp_dim), "float32", "", rows=(0.0, 0.0)),
    ]
    storage = flat.Storage()
    read = storage.read(specs, case)
    assert [(spec.name, spec.shape, spec.fill) for spec in read[:2]] == [
        ("ln (row 0)", (case.dim,), 1.0),
        ("ln (row 1)", (case.dim,), 0.0),
    ]
    assert [(spec.name, spec.shape) for spec in read[2:]] == [(spec.name, spec.shape) for spec in specs[1:]]
    sent = storage.sent({"ln (row 1)": torch.full((case.dim,), 3.0)})  # the other row keeps what it holds
    assert sent.keys() == {"ln"} and sent["ln"].shape == (2, 1, case.dim)
    assert sent["ln"][:, 0, 0].tolist() == [1.0, 3.0]
    back = storage.received({"": torch.ones(1), "ln": sent["ln"]})
    assert list(back) == ["", "ln (row 0)", "ln (row 1)"] and back["ln (row 1)"].tolist() == [3.0] * case.dim
    assert list(storage.received({"ln": torch.ones(3)})) == ["ln"]  # the child's word may be of any shape
    beside = flat.Storage()
    assert len(beside.read([ParameterSpec("ln", (case.dim, 2), "float32", "", rows=(1.0, 0.0))], case)) == 2
    sent = beside.sent({"ln (row 1)": torch.full((case.dim,), 3.0)})
    assert sent["ln"].tolist() == [[1.0, 3.0]] * case.dim
    assert beside.received(sent)["ln (row 1)"].tolist() == [3.0] * case.dim


@pytest.mark.parametrize(
    ("made", "rows"),
    [
        (torch.ones(2, 5), [1.0, 1.0]),
        (torch.stack([torch.ones(5), torch.zeros(5)])[:, None], [1.0, 0.0]),
        (torch.tensor([[1.0, 0.0, 1.0]]).repeat(5, 1), [1.0, 0.0, 1.0]),
        (torch.ones(5), None),
        (torch.ones(7, 8), None),
        (torch.full((2, 5), 0.5), None),
        (torch.arange(10.0).reshape(2, 5), None),
        (torch.ones(2, 2, 5), None),
        (torch.ones(2, 0), None),
    ],
)
def test_rows_of_one_number_are_described(made: torch.Tensor, rows: list[float] | None) -> None:
    assert described.rows(made) == rows
