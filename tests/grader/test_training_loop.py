"""Mistakes of a training loop and of a changed ViT, read and never run: named where they are, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.core.records import Cell, Finding, Severity
from autograder.handin.slicing import slice_cells
from autograder.handin.slicing.training_loop import MOST, RULE
from tests.grader.pace import LINEAR, growth
from tests.grader.training_mistakes import HONEST, TEMPLATE, WRONG


def read(text: str) -> list[Finding]:
    cells = [Cell(1, text)]
    return [finding for finding in slice_cells(cells, "hw6.ipynb").findings if finding.rule == RULE]


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_loop_brings_no_remark(name: str) -> None:
    assert read(HONEST[name]) == []


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_named_at_its_line_and_costs_nothing(name: str) -> None:
    text, mistake = WRONG[name]
    found = read(text)
    assert {finding.construct for finding in found} == {mistake}
    for finding in found:
        assert finding.severity is Severity.REMARK and finding.question == "4c" and finding.fix
        assert finding.place and finding.place.cell == 1


def test_a_mistake_in_a_function_of_another_cell_has_that_cells_place() -> None:
    function = "def batch_loss(images, labels):\n    return F.nll_loss(model(images), labels)\n"
    loop = "for images, labels in loader:\n    optimizer.zero_grad()\n    batch_loss(images, labels).backward()\n    optimizer.step()\n"
    cells = [Cell(1, "import torch\n"), Cell(2, f"x = 1\n\n{function}"), Cell(3, loop), Cell(4, loop)]
    found = [finding for finding in slice_cells(cells, "hw6.ipynb").findings if finding.rule == RULE]
    assert [(f.construct, f.place and (f.place.cell, f.place.line)) for f in found] == [("nll-of-raw-outputs", (2, 4))]


def test_a_notebook_of_many_loops_has_few_remarks() -> None:
    assert len(read("\n".join(WRONG["no step"][0].replace("run_", f"run_{n}_") for n in range(9)))) == MOST


def test_functions_that_call_each_other_are_followed_once() -> None:
    def many(size: int) -> None:
        calls = "\n".join(f"def f{n}(x):\n    return f{(n + 1) % size}(x), f{(n + 7) % size}(x)" for n in range(size))
        read(f"{calls}\nfor x in y:\n    f0(x).backward()\n")

    assert growth(many, 12) < LINEAR * 3  # slicing itself grows faster than the text here


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(TEMPLATE.splitlines()), max_size=25))
def test_no_text_makes_reading_fail(lines: list[str]) -> None:
    assert all(finding.severity is Severity.REMARK for finding in read("\n".join(lines)))
