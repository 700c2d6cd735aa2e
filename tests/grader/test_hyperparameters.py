"""What a notebook's own calls train, as reading tells it: the values, and a remark where the handout asks for others."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.core.policy import TRAINING
from autograder.core.records import Cell, Finding, Run, Severity
from autograder.handin.load import load
from autograder.handin.slicing import slice_cells
from tests.grader.source_tree import ROOT

PROVIDED = (ROOT / "autograder/student_room/provided_classes.py").read_text(encoding="utf-8")
LOOP = "def run_training_loop(model, batch_size=32, n_epochs=10, lr=1e-3):\n    return model\n"
ASKED = {"batch_size": TRAINING.batch_size, "epochs": TRAINING.epochs}


def read(*sources: str | Cell) -> tuple[Run, list[Finding]]:
    cells = [Cell(n, source) if isinstance(source, str) else source for n, source in enumerate(sources, 1)]
    sliced = slice_cells(cells, "hw6.ipynb", provided=PROVIDED)
    return sliced.run, [finding for finding in sliced.findings if finding.rule == "hyper-parameters"]


AS_ASKED = {
    "defaults": "model = ViT()\nrun_training_loop(model)",
    "on a device": "model = ViT(dropout=0.1).to('cpu')\nrun_training_loop(model)",
    "spelled out": "m = ViT(patch_size=7, dim=64, depth=6, heads=8, mlp_dim=128, dim_head=64)\n"
    "run_training_loop(m, batch_size=32, n_epochs=10)",
    "another rate and dim": "run_training_loop(ViT(7, 48), lr=3e-4)",
    "by position": "run_training_loop(ViT(7, 64, 6, 8, 128, 64), 32, 10)",
    "constants": "L = 6\nH = L + 2\nB = 4 * 8\nrun_training_loop(ViT(depth=L, heads=H), batch_size=B)",
    "a constant that is used otherwise later": "D = 6\nm = ViT(depth=D)\nD = 3\nrun_training_loop(m)",
    "a dict": "config = {'depth': 6, 'heads': 8}\nrun_training_loop(ViT(**config))",
    "an entry of a dict": "c = {'depth': 6, 'epochs': 10}\nrun_training_loop(ViT(depth=c['depth']), n_epochs=c['epochs'])",
    "the last of several runs": "t = ViT(depth=1)\nrun_training_loop(t, n_epochs=1)\nm = ViT()\nrun_training_loop(m)",
    "the model that was trained, of two": "m = ViT()\ns = ViT(depth=1)\nrun_training_loop(m)",
    "in a function": "def main():\n    m = ViT()\n    return run_training_loop(m)\nmain()",
}


@pytest.mark.parametrize("name", AS_ASKED)
def test_what_is_as_asked_gives_its_values_and_no_remark(name: str) -> None:
    run, remarks = read(LOOP, AS_ASKED[name])
    assert remarks == []
    assert {key: run.model[key] for key in TRAINING.sizes} == TRAINING.sizes
    assert run.loop == ASKED


UNCLEAR = {
    "a size that is drawn": "import random\nrun_training_loop(ViT(depth=random.randint(1, 9)))",
    "one of two": "import os\nd = 4 if os.environ else 6\nrun_training_loop(ViT(depth=d))",
    "a dict that is changed later": "c = {'depth': 6}\nc['depth'] = 3\nrun_training_loop(ViT(depth=c['depth']))",
    "arguments of a function": "def go(depth):\n    run_training_loop(ViT(depth=depth))\ngo(3)\ngo(6)",
    "a star": "a = [7, 64]\nrun_training_loop(ViT(*a))",
    "text": "run_training_loop(ViT(depth='4'))",
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_what_reading_cannot_tell_is_left_out_and_nothing_is_said(name: str) -> None:
    run, remarks = read(LOOP, UNCLEAR[name])
    assert "depth" not in run.model
    assert remarks == []


DIFFERENT = {
    "layers": ("model = ViT(depth=4)\nrun_training_loop(model)", "ViT with depth 4 (asked for: 6)", 1),
    "two sizes": ("\nm = ViT(heads=4,\n dim_head=16)\nrun_training_loop(m)", "heads 4 (asked for: 8), dim_head 16", 2),
    "by position": ("run_training_loop(ViT(14))", "patch_size 14 (asked for: 7)", 1),
    "a constant": ("E = 3\nrun_training_loop(ViT(), n_epochs=E)", "run_training_loop with epochs 3 (asked for: 10)", 2),
    "a batch": ("run_training_loop(ViT(), 128)", "batch_size 128 (asked for: 32)", 1),
    "a dict": ("c = dict()\nc = {'mlp_dim': 64}\nrun_training_loop(ViT(**c))", "mlp_dim 64 (asked for: 128)", 3),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs_is_a_remark_at_its_cell_and_line(name: str) -> None:
    source, said, line = DIFFERENT[name]
    _, [remark] = read(LOOP, source)
    assert said in remark.message
    assert remark.severity is Severity.REMARK
    assert remark.place is not None
    assert (remark.place.cell, remark.place.line) == (2, line)


def test_a_default_of_the_students_own_loop_counts() -> None:
    own = "def run_training_loop(model, epochs=4, bs=64):\n    pass"
    run, [remark] = read(own, "run_training_loop(ViT())")
    assert run.loop == {"epochs": 4, "batch_size": 64}
    assert "epochs 4 (asked for: 10), batch_size 64 (asked for: 32)" in remark.message


def test_the_run_whose_output_was_saved_is_preferred_to_a_later_one_without() -> None:
    saved = Cell(2, "run_training_loop(ViT())", outputs="Epoch 1: train loss 0.4")
    assert read(LOOP, saved, "run_training_loop(ViT(), n_epochs=1)") == (read(LOOP, AS_ASKED["defaults"])[0], [])


def test_a_notebook_without_training_says_nothing() -> None:
    assert read("x = 1") == (Run(), [])


def test_the_template_is_as_asked(tmp_path: Path) -> None:
    submission = load(ROOT / "student_template" / "hw6.ipynb")
    assert submission.run.loop == ASKED
    assert {key: submission.run.model[key] for key in TRAINING.sizes} == TRAINING.sizes
    assert [finding for finding in submission.findings if finding.rule == "hyper-parameters"] == []
