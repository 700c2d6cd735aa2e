"""A claimed accuracy beside the measured one: which counts, and what is said. Pure numbers, no process."""

from __future__ import annotations

import math
from pathlib import Path

import numpy
import pytest

from autograder.cli import app
from autograder.core import mnist
from autograder.core.errors import UsageError
from autograder.core.records import Cell
from autograder.handin.evidence import Evidence
from autograder.judging.training.judge import judge_claim
from autograder.judging.training.measured import Measure, contradicts, interval, settle

PLAIN = (Cell(1, "labelled = datasets.MNIST('mnist', transform=transforms.ToTensor())"),)


def claimed(percent: float | None, images: int = 10_000) -> Evidence:
    return Evidence("history.json", accuracy=percent, images=images)


def on_mnist(correct: int, total: int = 10_000) -> Measure:
    return Measure(correct, total, "of MNIST's test images", mnist=True, whole_mnist=total == 10_000)


def on_digits(correct: int, total: int = 2_000) -> Measure:
    return Measure(correct, total, "bundled digits, which are of MNIST's training set")


def test_wilsons_interval_is_that_of_the_formula_worked_by_hand() -> None:
    # 1 of 2 with z = 1: centre (1/2 + 1/4) / (1 + 1/2) = 1/2, half width sqrt(1/8 + 1/16) / (3/2) = sqrt(3) / 6
    low, high = interval(1, 2, 1.0)
    assert (low, high) == pytest.approx((50 - 100 * math.sqrt(3) / 6, 50 + 100 * math.sqrt(3) / 6))
    assert interval(10, 10)[1] == 100
    assert interval(0, 10)[0] == 0


def test_a_claim_on_other_images_has_a_chance_of_its_own() -> None:
    assert contradicts(on_mnist(9_500), 96, 10_000)
    assert not contradicts(on_mnist(9_500), 96, 1_000)
    assert contradicts(on_mnist(9_500), 98, 1_000)
    assert not contradicts(on_mnist(950, 1_000), 96.5, 10_000)
    assert contradicts(on_mnist(950, 1_000), 98, 10_000)


# (claim, measure) -> (what counts, whether it was measured)
COUNTS = {
    "right": (97.98, on_mnist(9_795), 97.98, False),
    "exact": (97.98, on_mnist(9_798), 97.98, False),
    "better than claimed": (92.9, on_mnist(9_310), 93.1, True),
    "worse within chance": (97.98, on_mnist(9_760), 97.98, False),
    "inflated": (97.98, on_mnist(9_100), 91.0, True),
    "inflated, on the bundled digits": (97.98, on_digits(1_800), 90.0, True),
    "better on digits it may have been trained on": (92.0, on_digits(2_000), 92.0, False),
    "no claim, on MNIST": (None, on_mnist(9_500), 95.0, True),
    "no claim, on digits it may have been trained on": (None, on_digits(1_990), None, False),
    "nothing measured": (97.98, Measure(problem="they hold nan or inf (w)"), 97.98, False),
}


@pytest.mark.parametrize("name", COUNTS)
def test_which_accuracy_counts(name: str) -> None:
    claim, measure, counts, measured = COUNTS[name]
    settled = settle(claimed(claim), measure, PLAIN)
    assert settled.accuracy == (None if counts is None else pytest.approx(counts))
    assert settled.measured is measured


def test_the_words_say_both_numbers_the_images_and_how_wide_chance_is() -> None:
    [said] = settle(claimed(97.98), on_mnist(9_795), PLAIN).problems
    assert said.startswith("You claimed 97.98 %, measured 97.95 % with your weights on 10,000 of MNIST's test images (")
    assert "97.43 to 98.37 %" in said
    assert "may have been trained on these" in settle(claimed(90), on_digits(1_800), PLAIN).problems[0]


def test_an_inflated_claim_is_for_staff_to_look_at_and_the_message_says_that_it_was_measured() -> None:
    verdict = judge_claim(settle(claimed(97.98), on_mnist(9_100), PLAIN))
    assert "91.00 %, as measured with the submitted weights" in verdict.feedback.found
    assert verdict.staff.startswith("counted as measured, but please look: the weights do not reach the claim")
    assert 0 < verdict.earned < 1


def test_what_cannot_be_measured_costs_nothing_and_staff_hear_of_it() -> None:
    verdict = judge_claim(settle(claimed(97.98), Measure(problem="the weights do not fit"), PLAIN))
    assert verdict.earned == 1
    assert "the weights do not fit" in " ".join(verdict.remarks)
    assert "the weights do not fit" in verdict.staff


@pytest.mark.parametrize(
    "line", ["transforms.Normalize((0.1307,), (0.3081,))", "transforms.Resize(32)", "v2.RandomRotation(10)"]
)
def test_where_the_notebook_prepares_images_in_its_own_way_a_low_measurement_decides_nothing(line: str) -> None:
    settled = settle(claimed(97.98), on_mnist(5_000), (Cell(1, line),))
    assert (settled.accuracy, settled.measured) == (97.98, False)
    assert settled.accuracy_doubts


@pytest.mark.parametrize("below", ["", "raw", "MNIST/raw"])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_mnists_files_are_found_where_torchvision_leaves_them(tmp_path: Path, below: str, ending: str) -> None:
    (tmp_path / below).mkdir(parents=True, exist_ok=True)
    for name in mnist.NAMES:
        (tmp_path / below / f"{name}{ending}").touch()
    assert mnist.find(tmp_path) == tuple(tmp_path / below / f"{name}{ending}" for name in mnist.NAMES)


def test_a_folder_without_mnist_is_refused_before_anything_is_graded(tmp_path: Path) -> None:
    command = ["grade", str(tmp_path), "--out", str(tmp_path / "out"), "--mnist", str(tmp_path)]
    with pytest.raises(UsageError, match=r"--mnist .*: there are no t10k-images-idx3-ubyte"):
        app(command, standalone_mode=False)
    assert not (tmp_path / "out").exists()


def test_a_model_with_one_answer_for_all_is_named() -> None:
    constant = Measure(1_009, 10_000, "of MNIST's test images", mnist=True, whole_mnist=True, constant=True)
    settled = settle(claimed(97.98), constant, PLAIN)
    assert "the same answer for every image" in " ".join(settled.problems)
    assert judge_claim(settled).earned == 0


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.98])
@pytest.mark.parametrize("measured_on", [1_000, 2_000])
@pytest.mark.parametrize("claimed_on", [1_000, 10_000])
def test_chance_alone_contradicts_an_honest_claim_about_once_in_a_thousand_at_most(
    share: float, measured_on: int, claimed_on: int
) -> None:
    draws, random = 20_000, numpy.random.default_rng(1)
    claims, found = random.binomial(claimed_on, share, draws), random.binomial(measured_on, share, draws)
    wrong = sum(
        contradicts(Measure(int(f), measured_on, mnist=True), 100 * int(c) / claimed_on, claimed_on)
        for c, f in zip(claims, found)
    )
    assert wrong <= 30  # once in 1,000 is 20; the seed is fixed
