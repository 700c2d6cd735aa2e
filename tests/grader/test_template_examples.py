"""The example class: built from its sources, listed in expected.toml and README, and what it claims to be."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

from autograder.core.policy import POLICY

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
EXPECTED: dict[str, dict[str, str]] = tomllib.loads((EXAMPLES / "expected.toml").read_text(encoding="utf-8"))
NOTEBOOKS = sorted((EXAMPLES / "class").glob("*/*.ipynb"))


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("examples_build", EXAMPLES / "build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_class_is_fresh(build: ModuleType) -> None:
    assert build.stale() == [], "run `python examples/build.py`"


def test_a_changed_missing_or_left_over_file_is_stale(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "CLASS", tmp_path)
    assert len(build.stale()) == len(build.built()) > 20
    build.write()
    assert build.stale() == []
    (tmp_path / "ada_complete" / "hw6.ipynb").write_text("{}", encoding="utf-8")
    (tmp_path / "zoe.py").write_text("", encoding="utf-8")
    assert build.stale() == ["ada_complete/hw6.ipynb", "zoe.py"]
    build.write()
    assert build.stale() == []


def test_every_hand_in_has_an_expected_result_for_every_question() -> None:
    folders = sorted(path.name for path in (EXAMPLES / "class").iterdir())
    assert folders == sorted(EXPECTED) and len(folders) >= 12
    for name, by_question in EXPECTED.items():
        assert list(by_question) == [question.number for question in POLICY.questions], name
        assert set(by_question.values()) <= {"full", "zero", "lost"}, name


def test_the_class_holds_every_kind_of_result() -> None:
    for question in ("4a", "4b", "4c"):
        assert {by_question[question] for by_question in EXPECTED.values()} == {"full", "lost", "zero"}


def test_the_readmes_table_says_the_same() -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    rows = {cells[1].strip(" `"): cells for cells in (row.split("|") for row in readme.splitlines()) if len(cells) == 8}
    for name, by_question in EXPECTED.items():
        assert [cell.strip() for cell in rows[name][4:7]] == [by_question[q] for q in ("4a", "4b", "4c")], name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.parent.name for path in NOTEBOOKS])
def test_a_notebook_is_one_unless_it_is_meant_to_be_broken(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.parent.name == "lena_truncated":
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)
    else:
        nbformat.validate(nbformat.reads(text, as_version=nbformat.NO_CONVERT))  # type: ignore[no-untyped-call]


def test_there_are_notebooks_among_them() -> None:
    assert len(NOTEBOOKS) >= 6


def test_outputs_stand_under_the_cell_that_printed_them(build: ModuleType) -> None:
    source = "# a note\n# %%\nx = 1\n# %%\nprint(2)\n# %% [output x =]\n# one\n# two\n# %% [output]\n# 2\n# %% [plot]\n"
    first, second = build.cells(source)
    assert first["outputs"][0]["text"] == ["one\n", "two\n"]
    assert [output["output_type"] for output in second["outputs"]] == ["stream", "display_data"]
