"""The student's notebook: fresh, well-formed, without any solution, and once filled in it runs to its last cell."""

from __future__ import annotations

import importlib.util
import inspect
import json
from pathlib import Path
from typing import Any

import matplotlib
import nbformat
import pytest
import torch

from autograder.commands import template
from autograder.core.errors import UsageError
from autograder.core.policy import POLICY
from autograder.core.records import Cell
from autograder.handin.evidence import from_history, from_outputs
from autograder.judging.training.digits import load
from autograder.judging.training.judge import judge_curves
from reference import attention, encoder

CODE = [block.text for block in template.blocks(template.SOURCE.read_text(encoding="utf-8")) if block.kind == "code"]


def test_the_notebook_is_fresh() -> None:
    assert not template.is_stale(), "run `python -m autograder.commands.template build`"


def test_a_missing_or_changed_notebook_is_stale(tmp_path: Path) -> None:
    path = tmp_path / "hw6.ipynb"
    assert template.is_stale(path)
    template.build(path)
    assert not template.is_stale(path)
    path.write_text(path.read_text(encoding="utf-8").replace("Homework 6", "Homework 7"), encoding="utf-8")
    assert template.is_stale(path)


def test_the_command_checks_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert template.main(["check"]) == 0
    assert "hw6.ipynb is fresh" in capsys.readouterr().out


def test_jupyter_accepts_the_notebook() -> None:
    notebook = nbformat.read(template.NOTEBOOK, as_version=nbformat.NO_CONVERT)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert all(cell.outputs == [] and cell.execution_count is None for cell in notebook.cells if "outputs" in cell)


def test_every_code_cell_is_python_as_it_stands() -> None:
    assert len(CODE) > 10
    for cell in CODE:
        compile(cell, "<cell>", "exec")


def test_the_notebook_holds_what_the_assignment_names() -> None:
    text = "\n".join(CODE)
    for question in POLICY.questions:
        if question.class_name:
            assert text.count(f"class {question.class_name}(nn.Module):") == 1
    for name in POLICY.provided.classes:
        assert template.provided_texts()[name] in CODE
    for name in ("run_training_loop", "test_performance"):
        assert text.count(f"def {name}(") == 1


def test_the_notebook_holds_no_solution() -> None:
    blanks = [cell for cell in CODE if "TODO" in cell]
    assert len(blanks) == 2
    assert all("raise NotImplementedError" in cell and "self." not in cell for cell in blanks)


def test_notes_before_the_first_cell_are_left_out_and_text_loses_its_hashes() -> None:
    source = "# a note\n# %% [markdown]\n# # Title\n#\n#   indented\n# %%\nx = 1\n\n# %%\n"
    assert template.blocks(source) == (
        template.Block("markdown", "# Title\n\n  indented"),
        template.Block("code", "x = 1"),
        template.Block("code", ""),
    )


def test_asking_for_a_class_that_is_not_provided_is_refused() -> None:
    with pytest.raises(UsageError, match="asks for the provided class 'Atention'; there are Attention, ViT"):
        template.blocks("# %%\n# provided: Atention\n")


ATTENTION_CELL = "\n\n".join(
    [
        "from torch import Tensor",
        inspect.getsource(attention.attention_weights),
        inspect.getsource(attention.SingleHeadAttention),
    ]
)
ENCODER_CELL = "import torch.nn.functional as F\n\n" + inspect.getsource(encoder.ViTLayer)


def _filled_in(cell: str) -> str:
    """A cell as a student would leave it: classes written, one epoch, and digits that need no network."""
    if "TODO" in cell:
        return ATTENTION_CELL if "class SingleHeadAttention" in cell else ENCODER_CELL
    if "from torchvision" in cell:
        return "train_set, validation_set, test_set = small_sets"
    return cell.replace("n_epochs=10, lr=1e-3)", "n_epochs=1, lr=1e-3)") if cell.startswith("model = ViT") else cell


def _small_sets() -> list[Any]:
    images, labels = (torch.from_numpy(array.copy()) for array in load("train"))
    digits = [(image[None] / 255, int(label)) for image, label in zip(images[:400].float(), labels[:400])]
    return [digits[:256], digits[256:320], digits[320:400]]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
def test_the_filled_in_notebook_runs_to_its_end_and_leaves_what_is_to_be_handed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    matplotlib.use("Agg")
    namespace: dict[str, Any] = {"__name__": "notebook", "small_sets": _small_sets()}
    cells = []
    for number, cell in enumerate(map(_filled_in, CODE), 1):
        exec(compile(cell, f"<cell {number}>", "exec"), namespace)
        cells.append(Cell(number, cell, capsys.readouterr().out))

    assert "in (2, 3, 5), out (2, 3, 7)" in cells[3].outputs
    history = json.loads((tmp_path / "history.json").read_text(encoding="utf-8"))
    filed, printed = from_history(history), from_outputs(cells)
    assert filed.problems == printed.problems == ()
    assert (filed.epochs, filed.images) == (1, 80)
    assert printed.train_loss == pytest.approx(filed.train_loss, abs=1e-4)  # printed with four digits
    assert printed.validation_loss == pytest.approx(filed.validation_loss, abs=1e-4)
    assert printed.accuracy == filed.accuracy
    assert "one epoch only" in judge_curves(filed).feedback.found
    _check_saved_weights(tmp_path, cells[-2].outputs, namespace["model"])


def _check_saved_weights(folder: Path, said: str, model: Any) -> None:
    if importlib.util.find_spec("safetensors") is None:
        assert "pip install safetensors" in said
        return
    from safetensors.torch import load_file

    weights = load_file(folder / "model.safetensors")
    assert all(torch.equal(weights[name], weight) for name, weight in model.state_dict().items())


def test_the_blank_notebook_says_that_it_is_still_to_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, Any] = {"__name__": "notebook"}
    for cell in CODE[:7]:
        exec(compile(cell, "<cell>", "exec"), namespace)
    out = capsys.readouterr().out
    assert "not yet: 4(a): SingleHeadAttention.forward is still to be written" in out
    assert "not yet: 4(b): ViTLayer.forward is still to be written" in out
