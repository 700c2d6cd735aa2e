"""Layers as public ViTs write them keep every point; with one mistake they lose its tests alone, and are told which."""

from __future__ import annotations

import pytest
import torch

from autograder.judging.code.activations import ACTIVATIONS, Measured
from tests.grader import in_process
from tests.grader.honest_styles import IMPORTS
from tests.grader.public_styles import CHANGED, STYLES

torch.set_num_threads(1)


def lost(text: str) -> dict[str, str]:
    judged = in_process.judged("4b", "import math\n" + IMPORTS + text)[0]
    return {number: unmet.feedback.found for number, unmet in judged.items()}


@pytest.mark.parametrize("style", STYLES)
def test_a_right_layer_keeps_every_point(style: str) -> None:
    assert lost(STYLES[style]) == {}


@pytest.mark.parametrize(("style", "old", "new", "tests", "words"), CHANGED)
def test_a_changed_one_loses_what_it_got_wrong(
    style: str, old: str, new: str, tests: frozenset[str], words: str
) -> None:
    assert old in STYLES[style]
    found = lost(STYLES[style].replace(old, new))
    assert found.keys() - ({"4b.5", "4b.6"} if tests else set()) == tests, found
    assert all(words in said for said in found.values()) if words and len(tests) < 3 else words in str(found)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_that_was_measured_has_its_own_name_not_a_near_ones(name: str) -> None:
    """Both forms of GELU differ by less than what measuring may be off."""
    points = torch.linspace(-8, 8, 2000, dtype=torch.float64)
    values = ACTIVATIONS[name](points) + 1e-5 * torch.sin(37 * points)
    assert Measured(points, values).name == name
    halved = Measured(points, 0.5 * values)
    assert halved.multiple == pytest.approx(0.5, abs=1e-4) and halved.name != name
