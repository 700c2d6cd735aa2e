"""The notebook's cells when something is missing: one sentence that says what to do, and no file lost."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from autograder.commands import template
from autograder.commands.template import blocks
from autograder.core.policy import FILES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BLOCKS = blocks(template.SOURCE.read_text(encoding="utf-8"))
CODE = [block.text for block in BLOCKS if block.kind == "code"]
ROOT = Path(__file__).parents[2]


def _cell(part: str) -> str:
    found = [cell for cell in CODE if part in cell]
    assert len(found) == 1, f"{len(found)} cells hold {part!r}"
    return found[0]


FIRST, IMPORTS, DATA, SAVE = CODE[0], CODE[1], _cell("from torchvision"), _cell("os.replace")


def _session(monkeypatch: pytest.MonkeyPatch, folder: Path, *cells: str, **names: object) -> dict[str, Any]:
    """The names after the first two cells and `cells` were run in `folder`."""
    monkeypatch.chdir(folder)
    session: dict[str, Any] = {"__name__": "notebook", **names}
    for cell in (FIRST, IMPORTS, *cells):
        exec(compile(cell, "<cell>", "exec"), session)
    return session


def _stopped(monkeypatch: pytest.MonkeyPatch, folder: Path, cell: str, **names: object) -> str:
    """The sentence with which the cell stops, as a notebook shows it."""
    session = _session(monkeypatch, folder, **names)
    with pytest.raises(session["Stop"]) as caught:
        exec(compile(cell, "<cell>", "exec"), session)
    shown = caught.value._render_traceback_()
    assert len(shown) == 1 and "\n" not in shown[0] and caught.value.__suppress_context__ is (cell != SAVE)
    return str(shown[0])


def _said_by_first(monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...]) -> None:
    """Runs the first cell alone: what imports look up must not be pretended to anybody else."""
    with monkeypatch.context() as pretended:
        pretended.setattr(importlib.util, "find_spec", lambda name: None if name in missing else name)
        exec(compile(FIRST, "<cell>", "exec"), {"__name__": "notebook"})


def test_a_whole_set_of_packages_is_said_to_be_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _said_by_first(monkeypatch, ())
    assert capsys.readouterr().out == "All packages are here.\n"


def test_what_is_missing_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _said_by_first(monkeypatch, ("tqdm", "torchvision"))
    assert capsys.readouterr().out == (
        "Missing here: torchvision, tqdm. Run `%pip install torchvision tqdm` in a cell, then restart the kernel.\n"
    )


def test_the_first_cell_the_readme_and_our_own_set_up_name_the_same_packages() -> None:
    needed = re.findall(r'"(\w+)"', FIRST.partition("]")[0])
    assert f"\npip install {' '.join(needed)}\n" in (template.FOLDER / "README.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ours = [*project["dependencies"], *project["optional-dependencies"]["notebook"]]
    pair = re.findall(
        r'PAIR = \("(\w+)", "(\w+)"\)', (ROOT / "scripts" / "install_torch.py").read_text(encoding="utf-8")
    )
    assert set(needed) <= {re.split("[^a-z-]", name)[0] for name in ours} | set(pair[0])
    imported = set(re.findall(r"^ *(?:import|from) (\w+)", "\n".join(CODE), re.MULTILINE))
    assert imported - sys.stdlib_module_names == set(needed), "what the cells import"


def test_without_torchvision_the_data_cell_says_so_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    said = _stopped(monkeypatch, tmp_path, DATA)
    assert "torchvision cannot be used" in said and "%pip install --upgrade torch torchvision" in said


def test_without_a_network_the_data_cell_says_so_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        print("Failed to download (trying next):\n<urlopen error>\n")
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz:\nTried https://one, got:\n<urlopen error>\n")

    fake = types.ModuleType("torchvision")
    fake.__spec__ = importlib.util.spec_from_loader("torchvision", None)
    fake.datasets = types.SimpleNamespace(MNIST=refuse)  # type: ignore[attr-defined]
    fake.transforms = types.SimpleNamespace(ToTensor=lambda: None)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchvision", fake)
    said = _stopped(monkeypatch, tmp_path, DATA)
    assert (
        "MNIST could not be downloaded (Error downloading train-images-idx3-ubyte.gz). Is this machine online?" in said
    )
    assert "trying next" not in capsys.readouterr().out


def test_saving_without_a_history_says_what_to_run_and_keeps_the_file_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "history.json").write_text('{"kept": 1}', encoding="utf-8")
    assert "Run the training cell first, then this one" in _stopped(monkeypatch, tmp_path, SAVE)
    assert [path.name for path in tmp_path.iterdir()] == ["history.json"]
    assert (tmp_path / "history.json").read_text(encoding="utf-8") == '{"kept": 1}'


def test_a_history_that_cannot_be_written_leaves_the_file_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "history.json").write_text('{"kept": 1}', encoding="utf-8")
    with pytest.raises(TypeError):
        _session(monkeypatch, tmp_path, SAVE, history={"train_loss": [1.0, object()]})
    assert json.loads((tmp_path / "history.json").read_text(encoding="utf-8")) == {"kept": 1}


def test_a_history_without_the_test_is_written_with_a_word_about_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = types.SimpleNamespace(state_dict=dict)
    _session(monkeypatch, tmp_path, SAVE, history={"train_loss": [1.0]}, model=model)
    assert "The test accuracy is not in history yet" in capsys.readouterr().out
    assert json.loads((tmp_path / "history.json").read_text(encoding="utf-8")) == {"train_loss": [1.0]}
    assert not list(tmp_path.glob("*.new"))


def test_the_cell_that_messages_name_is_there_and_is_the_one_that_writes() -> None:
    heading = re.findall('"(.+)"', FILES.saving_cell)[0]
    at = next(i for i, block in enumerate(BLOCKS) if block.kind == "markdown" and f"**{heading}.**" in block.text)
    assert BLOCKS[at + 1].text == SAVE
