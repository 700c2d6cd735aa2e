"""Ways in which files come along that are no mistake to whoever sends them: each is read, with a remark at most."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from autograder.core.records import Submission
from autograder.handin.files.broken_answers import salvaged
from autograder.handin.load import load
from tests.grader.submission_samples import BOTH, notebook

TOML = "[administrivia]\nsigned_by = 'Zoë'\n[q2a]\nparameters = 40\noutput_shape = '99 × 8'\n[q3c]\nexpectation = 'd*mu²'\n"
READ: dict[str, dict[str, object]] = {
    "administrivia": {"signed_by": "Zoë"},
    "q2a": {"parameters": 40, "output_shape": "99 × 8"},
    "q3c": {"expectation": "d*mu²"},
}


def handed(folder: Path, files: Mapping[str, bytes | str]) -> Submission:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load(folder)


# --- answers in other clothes -----------------------------------------------------------------------------------------

YAML = "q2a:\n  parameters: 40\n  output_shape: 99 x 8\nq2c:\n  max_pool:\n    - [[1, 1], [1, 1]]\n    - [[1, 1], [1, 1]]\n"
ROWS = 'question,field,answer\n2a,parameters,40\n2a,output_shape,99 x 8\n2c,max_pool,"[[1, 1], [1, 1]], [[1, 1], [1, 1]]"\n'
CLOTHES: dict[str, tuple[str, bytes, dict[str, object]]] = {
    "Windows' Unicode": ("answers.toml", TOML.encode("utf-16"), READ["q2a"]),
    "the same without its mark": ("answers.toml", TOML.encode("utf-16-le"), READ["q2a"]),
    "an old code page": ("answers.toml", TOML.encode("cp1252"), READ["q2a"]),
    "a byte order mark": ("answers.toml", TOML.encode("utf-8-sig"), READ["q2a"]),
    "JSON": ("answers.json", json.dumps(READ).encode(), READ["q2a"]),
    "YAML": ("my answers.yaml", YAML.encode(), {"parameters": 40, "output_shape": "99 x 8"}),
    "a spreadsheet": ("answers 😅.csv", ROWS.encode(), {"parameters": 40, "output_shape": "99 x 8"}),
    "a spreadsheet with semicolons": ("answers.csv", ROWS.replace(",", ";", 8).replace('"', "").encode(), {"parameters": 40}),
    "Markdown": ("answers.md", b"# 2a\nparameters = 40\noutput_shape = '99 x 8'\n", {"parameters": 40, "output_shape": "99 x 8"}),
}  # fmt: skip


@pytest.mark.parametrize("clothes", CLOTHES)
def test_answers_are_read_whatever_saved_them(tmp_path: Path, clothes: str) -> None:
    name, content, wanted = CLOTHES[clothes]
    found = handed(tmp_path, {"hw6.py": BOTH, name: content}).answers
    assert found is not None and wanted.items() <= found["q2a"].items()


def test_lists_of_yaml_and_of_a_spreadsheet_are_lists() -> None:
    assert salvaged(YAML.encode())["q2c"]["max_pool"] == [[[1, 1], [1, 1]], [[1, 1], [1, 1]]]
    assert "[[1, 1], [1, 1]], [[1, 1], [1, 1]]" in str(salvaged(ROWS.encode())["q2c"]["max_pool"])


def test_curly_quotes_in_lists_are_quotes() -> None:
    text = "[q2c]\naverage_pool = [[[“8”, “2/3”], [“2/3”, “1”]]]\n"
    assert salvaged(text.encode())["q2c"]["average_pool"] == [[["8", "2/3"], ["2/3", "1"]]]


def test_of_a_draft_and_the_final_answers_below_it_the_final_ones_are_read() -> None:
    draft, final = "[q2a]\nparameters = 1\noutput_shape = '9 x 8'\n", "[q2a]\nparameters = 2\noutput_shape = ''\n"
    assert salvaged((draft + final).encode())["q2a"] == {"parameters": 2, "output_shape": "9 x 8"}  # a blank is none


CELL = """# the file would not upload
answers = {
    "q2a": {"parameters": 4 * 8 + 8, "output_shape": "99 x 8"},
    "2c": {"Max Pool": [[[8 / 9, 1], [1, 1]], [[1, 1], [-1, 1]]]},
    "notes": 3,
}
answers
"""


def test_without_a_file_a_dictionary_in_the_notebook_is_read_and_not_run(tmp_path: Path) -> None:
    found = handed(tmp_path, {"hw6.ipynb": notebook(BOTH, CELL)})
    assert found.answers is not None
    assert found.answers["q2a"] == {"parameters": "4 * 8 + 8", "output_shape": "99 x 8"}
    assert found.answers["q2c"]["max_pool"] == [[["8 / 9", 1], [1, 1]], [[1, 1], ["-1", 1]]]
    assert any("answers in this cell were read" in f.message and f.place and f.place.cell for f in found.findings)
    beside = handed(tmp_path, {"answers.toml": TOML})
    assert beside.answers == READ


@pytest.mark.parametrize("cell", ["x = {'q2a': 3}", "f({'q2a': {'parameters': 1}})", "q2a = {'a': {}}", "{'q2a': {"])
def test_another_dictionary_is_none_of_answers(tmp_path: Path, cell: str) -> None:
    assert handed(tmp_path, {"hw6.ipynb": notebook(BOTH, cell)}).answers is None


# --- files where they lie ---------------------------------------------------------------------------------------------


def test_a_whole_path_of_folders_is_no_depth(tmp_path: Path) -> None:
    deep = "Users/g/Library/Mobile Documents/School/Spring/CS 189/Homework 6/"
    found = handed(tmp_path, {f"{deep}notebook/hw6.py": BOTH, f"{deep}written part/answers.toml": TOML})
    assert set(found.programs) == {"4a", "4b"} and found.answers == READ


def test_jupyters_own_copy_stands_in_for_a_notebook_that_breaks_off_and_for_no_other(tmp_path: Path) -> None:
    whole, copy = notebook(BOTH), ".ipynb_checkpoints/hw6-checkpoint.ipynb"
    found = handed(tmp_path / "a", {"hw6.ipynb": whole[:-40], copy: whole, "answers.toml": TOML})
    assert set(found.programs) == {"4a", "4b"} and found.answers == READ
    assert any("copy that Jupyter kept" in remark.message for remark in found.findings)
    for name, files in {"b": {"hw6.ipynb": whole[:-40]}, "c": {"hw6.ipynb": notebook("x = 1"), copy: whole}}.items():
        found = handed(tmp_path / name, dict(files))
        assert not found.programs and "Jupyter kept" not in str(found)
    beside = {".ipynb_checkpoints/answers-checkpoint.toml": "[q2a]\nparameters = 1\n"}
    both = handed(tmp_path / "d", {"hw6.ipynb": whole, copy: notebook("x = 1"), **beside})
    assert both.answers is None
    assert both.file == "hw6.ipynb" and not [f for f in both.findings if f.rule == "file-name"]


def test_what_lies_deep_beside_other_things_is_left_alone(tmp_path: Path) -> None:
    files = {f"env/lib/python3.{n}/site-packages/pkg/hw6.py": BOTH for n in (10, 11)}
    assert "found" in handed(tmp_path, {**files, "README.md": "x", "env/bin/x": "x"}).problem


def test_names_of_an_old_windows_are_read(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    for name, text in (("Müller_hw6.py", BOTH), ("answers_Müller.toml", TOML)):
        with open(os.path.join(folder, name.encode("cp1252")), "wb") as file:
            file.write(text.encode())
    found = load(tmp_path)
    assert found.file == "Müller_hw6.py" and found.answers == READ
    json.dumps(found.file)


def test_a_link_to_a_file_of_the_same_submission_is_that_file_and_any_other_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text(BOTH)
    inside = tmp_path / "in"
    handed(inside, {"work/attempt/vit.pdf": BOTH})
    (inside / "hw6.py").symlink_to("work/attempt/vit.pdf")
    assert set(load(inside).programs) == {"4a", "4b"}
    (inside / "hw6.py").unlink()
    for target in (outside, Path("../outside.py"), Path("work"), Path("nowhere")):
        (inside / "hw6.py").symlink_to(target)
        assert "a link to another file" in load(inside).unusable["4a"]
        (inside / "hw6.py").unlink()


def test_the_folders_of_old_windows_zips_are_folders(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, text in (("hw6\\hw6.py", BOTH), ("hw6\\answers.toml", TOML)):
            entry = zipfile.ZipInfo("x")
            entry.filename = name
            archive.writestr(entry, text)
    found = load(tmp_path / "a.zip")
    assert found.file == "hw6.py" and found.answers == READ
