"""What a child claims is bounded before the trusted room allocates for it or searches in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from autograder.core.errors import GraderFault
from autograder.core.records import Status, TestResult
from autograder.engine import one_item
from autograder.grading import Options, grade
from autograder.judging import claims
from autograder.judging.code import cases, dropout, layer_roles, layer_weights, readings
from autograder.judging.expect import Unmet
from autograder.sandbox.wire import ParameterSpec
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS
from tests.grader.pace import calls

MOST = 64 << 20


def spec(name: str, *shape: int) -> ParameterSpec:
    return ParameterSpec(name, shape, "float32", "")


def test_what_a_solution_has_is_far_below_what_is_allowed() -> None:
    claims.check([spec(f"to_q.{i}", 512, 256) for i in range(100)], "ViTLayer", MOST)
    claims.check([spec("none of it", 0, 2**40)], "ViTLayer", MOST)
    claims.check([], "ViTLayer", MOST)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ([spec("w", 2**30)], "hold 1,073,741,824 numbers"),
        ([spec("w", 2**62, 2**62)], "more than 10"),
        ([spec("a", MOST // 8), spec("b", MOST // 8), spec("c", 1)], "numbers"),
        ([spec(str(i), 1) for i in range(600)], "has 600 parameters"),
    ],
)
def test_more_is_told_in_words(parameters: list[ParameterSpec], said: str) -> None:
    with pytest.raises(Unmet, match=said) as told:
        claims.check(parameters, "ViTLayer", MOST)
    assert told.value.feedback.fix and told.value.feedback.expected


CASE = cases.layer_cases(5, 1)[0]


def many(count: int) -> dict[str, torch.Tensor]:
    inner = CASE.heads * CASE.dim_head
    pairs = {f"a.{i}": torch.ones(2 * inner, CASE.dim) for i in range(count)}
    return pairs | {f"b.{i}": torch.ones(inner, CASE.dim) for i in range(count)}


def test_the_ways_to_read_an_attention_do_not_grow_with_what_is_claimed() -> None:
    def search(count: int) -> int:
        return calls(lambda: readings.readings(many(count), CASE))

    # a pair of every two matrices would be a hundred times as much
    assert search(100) < 30 * search(10)
    assert len(readings.readings(many(30), CASE)) == 64


def test_the_norms_that_are_looked_at_do_not_grow_with_what_is_claimed() -> None:
    loose = {f"n{i}.{word}.w": torch.full((CASE.dim,), 2.0) for i in range(40) for word in ("scale", "shift")}
    assert len(layer_weights.norms(CASE.dim, loose)) == layer_weights.MAX_NORMS
    assert layer_weights.MAX_NORMS > layer_roles.MAX_NORM_PAIRS


def test_another_shape_in_train_mode_is_no_dropout() -> None:
    assert not dropout.dropped(torch.ones(3, 4), torch.ones(3, 5))


@pytest.mark.boxed
def test_judging_that_finds_no_end_is_ended_and_says_so() -> None:
    with pytest.raises(GraderFault, match="could not be told"), one_item._clock(0.05):
        while True:
            pass


# --- whole gradings ---------------------------------------------------------------------------------------------------

PLAIN, LAYER = ATTENTION["plain"], LAYERS["plain GELU"]
INIT = "self.dropout = nn.Dropout(dropout)\n"
READS = "q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)\n"


def graded(folder: Path, text: str, options: Options = Options(only="4")) -> dict[str, TestResult]:
    (folder / "hw6.py").write_text(IMPORTS + text + LAYER, encoding="utf-8")
    report = grade(folder, options)
    assert report.complete or options.tests, report.staff_notes
    return {test.number: test for test in report.tests}


@pytest.mark.slow
@pytest.mark.boxed
def test_a_parameter_without_memory_is_the_students_mistake(tmp_path: Path) -> None:
    huge = INIT + "        self.extra = nn.Parameter(torch.empty(1 << 30, device='meta'))\n"
    assert INIT in PLAIN
    tests = graded(tmp_path, PLAIN.replace(INIT, huge))
    assert not [t for t in tests.values() if t.status is Status.ERROR]
    said = " ".join(t.feedback.found for n, t in tests.items() if n.startswith("4a") and t.status is Status.FAILED)
    assert "1,073,741,824 of them in one" in said
    assert all(t.status is Status.PASSED for n, t in tests.items() if n.startswith("4b"))


@pytest.mark.slow
@pytest.mark.boxed
def test_another_shape_in_train_mode_is_the_students_mistake(tmp_path: Path) -> None:
    cut = READS + "        if self.training: v = v[..., :-1] * torch.rand(1)\n"
    tests = graded(tmp_path, PLAIN.replace(READS, cut), Options(only="4a"))
    assert not [t for t in tests.values() if t.status is Status.ERROR]
    assert "in train mode the output has shape" in tests["4a.7"].feedback.found
    assert tests["4a.4"].status is Status.PASSED


GREEDY = """
import torch
from gradescope_utils.autograder_utils.decorators import number, weight

@number("4a.1")
@weight(1)
def test_greedy(student):
    torch.empty(8 << 30, dtype=torch.uint8)

@number("4a.2")
@weight(1)
def test_modest(student):
    torch.empty(1 << 20, dtype=torch.uint8)
"""


@pytest.mark.slow
@pytest.mark.boxed
def test_judging_that_needs_too_much_memory_is_that_tests_error(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_one.py").write_text(GREEDY)
    (tmp_path / "work").mkdir()
    tests = graded(tmp_path / "work", PLAIN, Options(tests=tmp_path / "tests"))
    assert [test.status for test in tests.values()] == [Status.ERROR, Status.PASSED]
