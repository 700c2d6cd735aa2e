"""Smoke training of 4(c), for real: what is right trains and passes, what does not train is caught and named."""

import re
from pathlib import Path

import pytest

from autograder.core.records import Limits, Status, TestResult
from autograder.grading import Options, grade_many
from tests.grader.honest_styles import IMPORTS
from tests.grader.pace import patience
from tests.grader.test_wrong_solutions import swap
from tests.grader.training_styles import BROKEN, INITIALISATIONS, LAYER, PLAIN, TRAINS, Pair

pytestmark = pytest.mark.slow

# One of each kind; benchmarks/smoke_distribution.py tries all of them, with more seeds.
TRIED = {
    **{name: INITIALISATIONS[name] for name in ("randn without a scale, everything", "a head that returns a tuple", "lazy layers")},
    **{name: TRAINS[name] for name in ("no scale", "softmax over queries", "post-norm", "the other probability")},
}  # fmt: skip
# Each raises in the second training step, in one of the two classes.
FORWARD = "    def forward(self, x):\n"
RAISE = "        if self.{}.weight.grad is not None:\n            raise ValueError('{}')\n"
RAISING: dict[str, Pair] = {
    "to_v": (swap(PLAIN, FORWARD, FORWARD + RAISE.format("to_v", "to_v")), LAYER),
    "fc1": (PLAIN, swap(LAYER, FORWARD, FORWARD + RAISE.format("fc1", "fc1"))),
}
MISSING: dict[str, Pair] = {"ViTLayer": (PLAIN, ""), "SingleHeadAttention": ("", LAYER)}
# What other tests charge, and what training shows as well, beside the words of the remark.
NAMED_BY = {
    "dropout in eval too": "in eval mode the same image gives another answer",
    "detached": "did not change in training",
    "MLP in a plain list": "plain list",
}
NAMED: dict[str, Pair] = {
    "MLP in a plain list": (
        PLAIN,
        swap(swap(swap(LAYER, "self.fc1, self.fc2 =", "self.two ="), "self.fc1(", "self.two[0]("), "self.fc2(", "self.two[1]("),
    ),
    **{name: TRAINS[name] for name in ("dropout in eval too", "detached")},
}  # fmt: skip
# What does not end is waited for: a few seconds are enough to tell, and what ends takes half a second.
LIMITS = Limits(seconds=10.0, memory_mb=512, training_seconds=patience(1.5))


def graded(folder: Path, pairs: dict[str, Pair], only: str = "4c.3") -> dict[str, TestResult]:
    """The result of test 4c.3 for each pair of classes, by one engine."""
    paths = []
    for i, (attention, layer) in enumerate(pairs.values()):
        path = folder / str(i) / "hw6.py"
        path.parent.mkdir()
        path.write_text(IMPORTS + attention + layer, encoding="utf-8")
        paths.append(path)
    reports = grade_many(paths, Options(only=only, limits=LIMITS))
    return {name: next(t for t in report.tests if t.number == "4c.3") for name, report in zip(pairs, reports)}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TestResult]:
    return graded(
        tmp_path_factory.mktemp("training"),
        TRIED | NAMED | RAISING | MISSING | {name: pair for name, (pair, _) in BROKEN.items()},
    )


@pytest.mark.parametrize("name", TRIED)
def test_what_trains_passes_however_it_begins_and_whatever_another_test_charges(
    judged: dict[str, TestResult], name: str
) -> None:
    assert judged[name].status is Status.PASSED, (judged[name].feedback.lines(), judged[name].staff)
    assert judged[name].remarks == ()


@pytest.mark.parametrize("name", NAMED)
def test_what_trains_in_part_passes_and_is_named_in_a_remark(judged: dict[str, TestResult], name: str) -> None:
    assert judged[name].status is Status.PASSED, (judged[name].feedback.lines(), judged[name].staff)
    assert NAMED_BY[name] in " ".join(judged[name].remarks)


@pytest.mark.parametrize("name", BROKEN)
def test_what_does_not_train_is_caught_and_named(judged: dict[str, TestResult], name: str) -> None:
    said = " ".join(text for _, text in judged[name].feedback.lines())
    assert judged[name].status is Status.FAILED and judged[name].score == 0, (said, judged[name].staff)
    assert BROKEN[name][1] in said, (said, judged[name].staff)


@pytest.mark.parametrize("name", RAISING)
def test_a_line_number_is_read_against_the_program_that_it_is_of(judged: dict[str, TestResult], name: str) -> None:
    text = (IMPORTS + "".join(RAISING[name])).splitlines()
    line = next(number for number, line in enumerate(text, 1) if "raise ValueError" in line)
    assert "ValueError" in judged[name].feedback.found
    assert re.search(rf"\b{line}\b", judged[name].feedback.where), judged[name].feedback.where


@pytest.mark.parametrize("name", MISSING)
def test_without_one_of_the_classes_it_is_skipped_and_says_which(judged: dict[str, TestResult], name: str) -> None:
    assert judged[name].status is Status.SKIPPED
    assert name in judged[name].feedback.found


def test_a_model_that_cannot_be_built_is_skipped_with_the_test_that_says_why(tmp_path: Path) -> None:
    wrong = swap(LAYER, "nn.Linear(heads * dim_head, dim)", "nn.Linear(dim, dim)")
    [test] = graded(tmp_path, {"projection of another size": (PLAIN, wrong)}, only="4").values()
    assert test.status is Status.SKIPPED and "4b.1" in test.feedback.found
