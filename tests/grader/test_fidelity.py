"""The short form of `make fidelity`: what its table must say, over programs that no other test has."""

from __future__ import annotations

import itertools

import pytest
import torch

from autograder.core.policy import TOLERANCES
from tests.grader import fidelity

torch.set_num_threads(1)
pytestmark = pytest.mark.slow

OTHERS = 977  # a seed that no other test draws styles by
# How many times further away than the tolerance everything must be, on both sides of it.
AWAY = 20


def test_right_programs_keep_every_point_and_wrong_ones_are_far_away() -> None:
    margin = fidelity.Margin(TOLERANCES.values)
    with fidelity.distances(margin, wrong=False):
        right = fidelity.false_failures(fidelity.usual_programs(20, OTHERS))
    with fidelity.distances(margin, wrong=True):
        caught, named, true = fidelity.mutations(itertools.islice(fidelity.wrong_programs(0), 0, None, 2))
    assert right.of == 20 and right.others == [] and caught.others == [] and true.others == []
    assert named.share >= 0.95, named.others
    assert 0 < margin.right < margin.tolerance < margin.wrong and margin.times >= AWAY, margin


def test_a_function_that_bends_far_out_is_measured_as_far_as_values_reach() -> None:
    """Beyond the grid it is taken for a line: two of these had values there at the notebook's own sizes."""
    bending = [program for program in fidelity.right_programs(160, 1) if "torch.sin(" in str(program)]
    right = fidelity.false_failures(bending)
    assert right.of >= 15 and right.others == []


def test_two_mistakes_in_two_halves_are_both_named_mostly_and_never_wrongly() -> None:
    named, true = fidelity.pairs(7)
    # of all 63: 100 % and 100 %
    assert named.of > 5 and true.others == [] and named.share >= 0.8, (named.others, true.others)
