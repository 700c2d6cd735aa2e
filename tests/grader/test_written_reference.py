"""The written reference against numbers worked by hand and against counting, sampling and torch itself."""

from __future__ import annotations

import math
import random
import re
from pathlib import Path

import pytest
import torch

from autograder.core.policy import POLICY
from reference import written, written_moments, written_slips
from tests.hidden import test_q2_q3_written as hidden


def test_the_convolution_answers_equal_those_of_torch() -> None:
    one = torch.nn.Conv1d(1, 8, 4, stride=2)
    two = torch.nn.Conv2d(3, 8, 4, stride=2)
    assert written.conv1d().parameters == sum(p.numel() for p in one.parameters())
    assert written.conv2d().parameters == sum(p.numel() for p in two.parameters())
    assert one(torch.zeros(1, 1, 200)).shape[1:] == (8, 99)
    assert written.conv1d().output_shape == (99, 8)
    assert two(torch.zeros(1, 3, 28, 28)).shape[1:] == (8, 13, 13)
    assert written.conv2d().output_shape == (13, 13, 8)


def test_pooling_equals_that_of_torch() -> None:
    images = torch.tensor([[written.FIRST], [written.SECOND]], dtype=torch.float64)
    average = torch.nn.functional.avg_pool2d(images, 3, 2)[:, 0]
    largest = torch.nn.functional.max_pool2d(images, 3, 2)[:, 0]
    assert torch.allclose(average, torch.tensor(written.average_pool(), dtype=torch.float64))
    assert torch.equal(largest, torch.tensor(written.max_pool(), dtype=torch.float64))


def test_attention_by_hand_is_the_softmax_of_4_7_8_over_the_values() -> None:
    assert written.scores(written.QUERIES[1], written.KEYS) == (4, 7, 8)
    total = 1 + math.exp(3) + math.exp(4)
    weights = (1 / total, math.exp(3) / total, math.exp(4) / total)
    by_hand = [sum(w * v[i] for w, v in zip(weights, written.VALUES)) for i in range(3)]
    assert written.a2() == pytest.approx(by_hand)


def test_the_moments_are_those_of_samples() -> None:
    draw = random.Random(3)
    d, mu, sigma = 3, 0.7, 1.3
    samples = [sum(draw.gauss(mu, sigma) * draw.gauss(mu, sigma) for _ in range(d)) for _ in range(60_000)]
    mean = sum(samples) / len(samples)
    spread = sum((x - mean) ** 2 for x in samples) / len(samples)
    # Four standard errors of 60,000 samples: 0.06 for the mean, 4 % for the variance.
    assert written.expectation(d, mu, sigma) == pytest.approx(mean, abs=0.06)
    assert written.variance(d, mu, sigma) == pytest.approx(spread, rel=0.04)


def test_every_slip_with_points_says_why_and_every_slip_differs_from_the_truth() -> None:
    tables = (
        (written_slips.conv1d_counts(), written.conv1d().parameters),
        (written_slips.conv2d_counts(), written.conv2d().parameters),
        (written_slips.conv1d_shapes(), written.conv1d().output_shape),
        (written_slips.conv2d_shapes(), written.conv2d().output_shape),
        (written_slips.average_pools(), written.average_pool()),
        (written_slips.attentions(), written.a2()),
        (written_moments.expectations(), None),
        (written_moments.variances(), None),
    )
    for slips, truth in tables:
        assert slips
        for slip in slips:
            assert slip.value != truth and bool(slip.why) == (slip.earned > 0) and slip.earned < 1 and slip.fix


def test_the_nearest_slip_in_attention_is_far_outside_the_tolerance() -> None:
    truth = written.a2()
    for slip in written_slips.attentions():
        assert isinstance(slip.value, tuple)
        assert max(abs(x - y) for x, y in zip(slip.value, truth)) > 5 * 0.012 * max(truth)


def test_the_hidden_tests_have_the_points_of_the_handout() -> None:
    tests = [test for name, test in vars(hidden).items() if name.startswith("test_")]
    points: dict[str, float] = {}
    for test in tests:
        question, listed = test.__number__.rpartition(".")[0], POLICY.test(test.__number__)
        assert listed and test.__doc__
        points[question] = points.get(question, 0) + listed.points
    assert points == {q.number: q.points for q in POLICY.questions if not q.class_name and q.number != "4c"}


# What a student could read out of the engine, the template and the documents, which are handed to them.
GIVEN_AWAY = re.compile(
    r"\b(?:392|384|1352|8/9|0\.89|1\.58\d*|2\.82\d*|softmax\(\[?4|e\^4|d ?\*? ?mu\^2|13 ?x ?13|99 ?x ?8)\b|dμ²"
)


def test_what_students_are_given_holds_no_answer() -> None:
    root = Path(__file__).parents[2]
    files = root / "autograder" / "handin" / "files"
    given = [
        *(root / "autograder" / "judging" / "written").glob("*.py"),
        *files.glob("*answers.py"),
        files / "layout.py",
    ]
    given += [root / "student_template" / "answers.toml", root / "README.md", *(root / "docs").glob("*.md")]
    assert len(given) > 10
    for path in given:
        assert not GIVEN_AWAY.search(path.read_text(encoding="utf-8")), path.name
