"""Equal within a tolerance: what is, what is not, and where two outputs first differ."""

from __future__ import annotations

import pytest
import torch

from autograder.judging.code.compare import close, distance, first_difference, least_squares

EXPECTED = torch.arange(24.0).reshape(2, 3, 4) + 1
NAN, INFINITE = float("nan"), float("inf")


def changed(value: float) -> torch.Tensor:
    """The expected output, with another value for batch 0, token 2, feature 1."""
    found = EXPECTED.clone()
    found[0, 2, 1] = value
    return found


EQUAL = {
    "itself": EXPECTED,
    "in float64": EXPECTED.double(),
    "off by half of the tolerance": changed(10 + 24 * 0.5e-2),
}
OTHER = {
    "off by twice the tolerance": changed(10 + 24 * 2e-2),
    "nan": changed(NAN),
    "infinite": changed(INFINITE),
}


@pytest.mark.parametrize("what", EQUAL)
def test_what_is_within_the_tolerance_of_the_largest_entry_is_equal_and_differs_nowhere(what: str) -> None:
    assert close(EQUAL[what], EXPECTED, rtol=1e-2) and first_difference(EQUAL[what], EXPECTED, rtol=1e-2) == ""


@pytest.mark.parametrize("what", OTHER)
def test_what_is_not_is_told_with_its_place(what: str) -> None:
    assert not close(OTHER[what], EXPECTED, rtol=1e-2)
    assert first_difference(OTHER[what], EXPECTED, rtol=1e-2) == "batch 0, token 2, feature 1"


def test_another_shape_is_not_equal_even_where_the_numbers_could_be_spread() -> None:
    assert not close(EXPECTED[:1], EXPECTED) and not close(EXPECTED[..., None], EXPECTED)


def test_of_nothing_the_distance_is_nothing_and_else_it_is_a_part_of_the_largest_entry() -> None:
    assert distance(torch.zeros(0), torch.zeros(0)) == 0.0
    assert distance(changed(10 + 6), EXPECTED) == pytest.approx(6 / 24)


def test_least_squares_of_what_is_no_number_are_no_numbers_and_no_error() -> None:
    columns = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    assert torch.allclose(least_squares(columns, torch.tensor([[1.0], [3.0], [5.0]])), torch.tensor([[1.0], [2.0]]))
    for values in (torch.tensor([[1.0], [NAN], [5.0]]), torch.tensor([[1.0], [INFINITE], [5.0]])):
        assert least_squares(columns, values).shape == (2, 1) and least_squares(columns, values).isnan().all()
    assert least_squares(columns * NAN, torch.ones(3, 4)).shape == (2, 4)
