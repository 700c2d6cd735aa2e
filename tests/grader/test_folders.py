"""What is one submission and what is a class: first the folders that each command takes, then those it hands on."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import autograder
from autograder.cli import app
from autograder.commands import asked
from autograder.commands.gradescope import run
from autograder.core.errors import UsageError
from autograder.grading import Options
from autograder.handin import folders
from tests.grader.source_tree import ROOT

CLASS = ROOT / "examples" / "class"


def both(who: str) -> str:
    """A notebook with both classes, as text that no other person's equals."""
    return json.dumps({"cells": [{"source": f"# {who}\nclass SingleHeadAttention: ...\nclass ViTLayer: ..."}]})


def half(who: str) -> str:
    return json.dumps({"cells": [{"source": f"# {who}\nclass SingleHeadAttention: ..."}]})


OTHER = '{"cells": []}'  # a notebook, of something else
EXPORT = "submission_metadata.yml"

ONE_SUBMISSION = {
    "the notebook alone": {"hw6.ipynb": both("a")},
    "everything": {"hw6.ipynb": both("a"), "answers.toml": "", "history.json": "{}", "model.safetensors": "x"},
    "a script": {"hw6.py": both("a")},
    "another name": {"my work.ipynb": both("a"), "answers.toml": ""},
    "a copy beside": {"hw6.ipynb": both("a"), "Copy of hw6.ipynb": both("b")},
    "a copy in Colab's folder": {"hw6.ipynb": both("a"), "Colab Notebooks/hw6.ipynb": both("b")},
    "older attempts in folders": {"hw6.ipynb": both("a"), "old/1/hw6.ipynb": both("b"), "old2/hw6.ipynb": both("c")},
    "folders of data": {"hw6.ipynb": both("a"), "data/MNIST/raw.gz": "x", "figures/loss.png": "x", "empty/": ""},
    "what programs leave behind": {"hw6.ipynb": both("a"), "__MACOSX/hw6.ipynb": both("b"), ".ipynb_checkpoints/hw6.ipynb": both("c")},
    "one folder around everything": {"hw6/hw6.ipynb": both("a"), "hw6/answers.toml": ""},
    "three folders around everything": {"a/b/c/hw6.ipynb": both("a")},
    "one folder around older attempts": {"hw6/hw6.ipynb": both("a"), "hw6/old/hw6.ipynb": both("b"), "hw6/older/hw6.ipynb": both("c")},
    "a folder and what a Mac adds": {"hw6/hw6.ipynb": both("a"), "__MACOSX/hw6/._hw6.ipynb": "x", ".DS_Store": "x"},
    "the same work twice": {"one/hw6.ipynb": both("a"), "two/hw6.ipynb": both("a"), "one/answers.toml": ""},
    "work and answers apart": {"code/hw6.ipynb": both("a"), "written/answers.toml": ""},
    "a notebook and its export apart": {"notebook/hw6.ipynb": both("a"), "script/hw6.py": both("b")},
    "a notebook and its export": {"work.ipynb": both("a"), "work.py": both("b")},
    "a half that was tried elsewhere": {"final/hw6.ipynb": both("a"), "scratch/hw6.ipynb": half("b")},
    "a half beside": {"final.ipynb": both("a"), "scratch.ipynb": half("b")},
    "notebooks of other homeworks": {"hw4/hw4.ipynb": OTHER, "hw5/hw5.ipynb": OTHER, "hw6/hw6.ipynb": both("a")},
    "an attempt deeper down": {"hw6/hw6.ipynb": both("a"), "old/first/hw6.ipynb": both("b")},
    "its own zip beside": {"hw6/hw6.ipynb": both("a"), "hw6/answers.toml": "", "hw6.zip": "PK"},
    "one zip": {"hw6.zip": "PK"},
    "the parts of one download": {"drive-download-20220504T065801Z-001.zip": "PKa", "drive-download-20220504T065801Z-002.zip": "PKb"},
    "helpers": {"hw6.ipynb": both("a"), "helpers.py": half("b"), "layers.py": both("c")},
    "nothing": {},
    "nothing of use": {"essay.pdf": "x", "notes/": ""},
}  # fmt: skip

CLASSES = {
    "a folder for each": {"ada/hw6.ipynb": both("a"), "ben/hw6.ipynb": both("b"), "cy/hw6.py": both("c")},
    "a folder for each, some broken": {"ada/hw6.ipynb": "{", "ben/hw6.ipynb": "[", "cy/answers.toml": ""},
    "a folder for each, other names": {"ada/a.ipynb": both("a"), "ben/b.ipynb": both("b")},
    "answers of two": {"ada/hw6.ipynb": both("a"), "ada/answers.toml": "a = 1", "ben/answers.toml": "b = 1"},
    "a zip for each": {"ada.zip": "PKa", "ben.zip": "PKb"},
    "a tar for each": {"ada.tar.gz": "a", "ben.tgz": "b"},
    "a zip in a folder for each": {"ada/hw6.zip": "PKa", "ben/hw6.zip": "PKb"},
    "a file for each": {"ada.ipynb": both("a"), "ben.ipynb": both("b"), "cy.py": both("c")},
    "some of each": {"ada.zip": "PKa", "ben.ipynb": both("b"), "cy/hw6.py": both("c"), "dara/hw6.py": both("d")},
    "Gradescope's export": {EXPORT: "", "submission_1/hw6.ipynb": both("a"), "submission_2/hw6.ipynb": both("b")},
    "Gradescope's export of one": {EXPORT: "", "submission_1/hw6.ipynb": both("a")},
    "with results of the last time": {"ada/hw6.py": both("a"), "ben/hw6.py": both("b"), "out/grades.csv": "", "out/results/a.json": "{}"},
    "in a folder of its own": {"class/ada/hw6.ipynb": both("a"), "class/ben/hw6.ipynb": both("b")},
}  # fmt: skip

# Cannot be told: each command does as it is asked.
EITHER = {
    "a class of one": {"ada/hw6.ipynb": both("a"), "ada/answers.toml": ""},
    "a class of one, who tried twice": {"ada/old/hw6.ipynb": both("a"), "ada/new/hw6.ipynb": both("b")},
    "a class of one zip": {"ada.zip": "PK"},
    "a class of one file": {"ada.ipynb": both("a")},
    "a class with a template at its top": {"hw6.ipynb": both("t"), "ada/hw6.ipynb": both("a"), "ben/hw6.ipynb": both("b")},
    "a class with a key at its top": {"answers.toml": "", "ada/hw6.ipynb": both("a"), "ben/hw6.ipynb": both("b")},
    "a class of files, one with the right name": {"hw6.ipynb": both("a"), "ben.ipynb": both("b")},
}  # fmt: skip


def make(top: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.write_text(text)
    return top


def for_one(path: Path) -> None:
    folders.refuse_class(path, one=lambda path: f"one {path}", whole=f"all {path}")


def for_a_class(path: Path) -> None:
    folders.refuse_one(path, single=lambda path: f"one {path}", whole=lambda path: f"all {path}")


# --- taken ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [*ONE_SUBMISSION, *(name for name in EITHER if "tried twice" not in name)])
def test_a_command_for_one_submission_takes(tmp_path: Path, what: str) -> None:
    for_one(make(tmp_path, (ONE_SUBMISSION | EITHER)[what]))


@pytest.mark.parametrize("what", [*EITHER, *CLASSES])
def test_a_command_for_a_class_takes(tmp_path: Path, what: str) -> None:
    for_a_class(make(tmp_path, (CLASSES | EITHER)[what]))


@pytest.mark.parametrize("name", sorted(path.name for path in CLASS.iterdir()))
def test_every_submission_of_the_example_class_is_one_and_the_class_is_a_class(name: str) -> None:
    for_one(CLASS / name)
    for_a_class(CLASS)


def test_a_file_a_path_that_is_not_there_and_one_that_cannot_be_listed_are_others_to_judge(tmp_path: Path) -> None:
    (tmp_path / "hw6.ipynb").write_text(both("a"))
    for path in (tmp_path / "hw6.ipynb", tmp_path / "nowhere"):
        for_one(path)
    for_a_class(tmp_path / "nowhere")


# --- handed on --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", CLASSES)
def test_a_command_for_one_submission_refuses(tmp_path: Path, what: str) -> None:
    top = make(tmp_path, CLASSES[what])
    with pytest.raises(UsageError) as refused:
        for_one(top)
    said = str(refused.value)
    one = said.split("for one of them:  one ")[1].splitlines()[0]
    assert f"for all of them:  all {top}\n" in said and Path(one).exists() and Path(one).is_relative_to(top)


def zipped(folder: Path, files: dict[str, str]) -> Path:
    (folder / "work").mkdir()
    make(folder / "work", files)
    return Path(shutil.make_archive(str(folder / "hw6"), "zip", folder / "work"))


@pytest.mark.parametrize("what", [*ONE_SUBMISSION, *EITHER])
def test_grading_one_submission_takes_its_zip(tmp_path: Path, what: str) -> None:
    asked.refuse_class(zipped(tmp_path, (ONE_SUBMISSION | EITHER)[what]), str, "all of them")


@pytest.mark.parametrize("what", [what for what in CLASSES if what not in ("answers of two",)])
def test_grading_one_submission_refuses_a_class_as_a_zip_and_from_python_in_the_same_words(
    tmp_path: Path, what: str
) -> None:
    packed = zipped(tmp_path, CLASSES[what])
    with pytest.raises(UsageError) as by_command:
        for_one(tmp_path / "work")
    for path in (tmp_path / "work", packed):
        with pytest.raises(UsageError) as refused:
            autograder.grade(str(path), Options(only="2a"))
        said = str(refused.value)
        assert said.startswith(f"{path} holds more than one submission")
        assert f"for all of them:  python -m autograder batch {path} --out OUT\n" in said
        if path != packed:
            assert said.partition(":")[0] == str(by_command.value).partition(":")[0]


TORN = [
    "the notebook alone", "everything", "a script", "another name", "folders of data", "what programs leave behind",
    "a class with answers", "everything and a copy", "everything, zipped beside",
]  # fmt: skip
MORE = {
    "a class with answers": {"ada.ipynb": both("a"), "history.json": "{}"},
    "everything and a copy": {"hw6.ipynb": both("a"), "answers.toml": "", "Copy of hw6.ipynb": both("b")},
    "everything, zipped beside": {"hw6.py": both("a"), "answers.toml.txt": "", "hw6.zip": "PK"},
}


@pytest.mark.parametrize("what", TORN)
def test_a_command_for_a_class_refuses_what_it_would_tear_apart(tmp_path: Path, what: str) -> None:
    top = make(tmp_path, (ONE_SUBMISSION | MORE)[what])
    with pytest.raises(UsageError, match="folder of one submission") as refused:
        for_a_class(top)
    assert str(refused.value).endswith(f"for this one submission:  one {top}")


def test_a_folder_of_classes_is_no_class(tmp_path: Path) -> None:
    for section in ("monday", "friday"):
        make(tmp_path / section, {f"{who}/hw6.py": both(who) for who in "abc"})
    make(tmp_path, {"build.py": "x = 1", "notes/": ""})
    with pytest.raises(UsageError, match=f"for one of them:  all {tmp_path / 'friday'}"):
        for_a_class(tmp_path)
    make(tmp_path, {"eva/hw6.py": both("eva")})
    for_a_class(tmp_path)


def test_a_large_class_is_told_from_its_first_submissions(tmp_path: Path) -> None:
    for number in range(3 * folders._ENTRIES):
        make(tmp_path, {f"s{number:04}/hw6.py": both(str(number))})
    assert len(folders.submissions_in(tmp_path)) == folders._ENTRIES


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_no_reason_to_refuse(tmp_path: Path) -> None:
    make(tmp_path, {"ada/hw6.py": both("a"), "ben/hw6.py": both("b")})
    tmp_path.chmod(0)
    try:
        for_one(tmp_path)
    finally:
        tmp_path.chmod(0o700)


# What a folder may hold that a student names by mistake, beside another one's work.
ELSEWHERE = {
    "nothing": {},
    "pictures": {"loss.png": "x", "MNIST/raw/train-images-idx3-ubyte.gz": "x"},
    "what programs leave behind": {".DS_Store": "x"},
}
HERE = {
    "a notebook by any name": {"mine.ipynb": both("a")},
    "answers alone": {"answers.toml": ""},
    "a class in a text": {"attention.md": "class SingleHeadAttention: ..."},
    "a notebook without its ending": {"hw6": both("a"), "loss.png": "x"},
    "an archive that is not opened": {"hw6.rar": "x"},
    "a notebook further in": {"deep/hw6.ipynb": both("a")},
}


@pytest.mark.parametrize("what", HERE)
def test_a_students_command_takes_what_may_be_work_whatever_lies_above_it(tmp_path: Path, what: str) -> None:
    make(tmp_path, {"hw6.ipynb": both("b"), "part/": ""})
    folders.refuse_elsewhere(make(tmp_path / "part", HERE[what]), str)
    folders.refuse_elsewhere(tmp_path / "nowhere", str)


@pytest.mark.parametrize("what", ELSEWHERE)
def test_a_students_command_names_the_work_in_the_folder_above(tmp_path: Path, what: str) -> None:
    make(tmp_path, {"hw6.ipynb": both("a"), "figures/png/": ""})
    folder = make(tmp_path / "figures" / "png", ELSEWHERE[what])
    with pytest.raises(UsageError) as refused:
        folders.refuse_elsewhere(folder, one=lambda path: f"one {path}")
    said = str(refused.value)
    assert f"hw6.ipynb lies in {tmp_path.resolve()}.\n  to look there:  one {tmp_path.resolve()}" in said
    assert said.startswith(f"{folder.resolve()} holds {'none of your work' if what == 'pictures' else 'no files'}")


def test_a_students_command_runs_nothing_in_a_folder_without_files(tmp_path: Path) -> None:
    for words in (["check"], ["check", "--question", "4a"], ["preflight"], ["appendix"]):
        done = CliRunner().invoke(app, [words[0], str(tmp_path), *words[1:]])
        assert isinstance(done.exception, UsageError) and "holds no files" in str(done.exception), done.output
        assert done.output == ""
    folders.refuse_elsewhere(make(tmp_path, {"essay.pdf": "x"}), str)


# --- the commands -----------------------------------------------------------------------------------------------------


def test_the_commands_hand_on_with_the_line_to_type(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def refused(*words: object) -> str:
        done = CliRunner().invoke(app, [str(word) for word in words])
        assert isinstance(done.exception, UsageError), done.output
        assert not out.exists()
        return str(done.exception)

    one = CLASS / "ada_complete"
    said = refused("grade", CLASS, "--out", out, "--only", "Q4(a)", "--seed", 7, "--allow-weak-isolation")
    python = "python -m autograder"
    assert f"{python} batch {CLASS} --out {out} --only 4a --allow-weak-isolation\n" in said
    assert f"{python} grade {one} --out {out} --only 4a --seed 7 --allow-weak-isolation\n" in said
    said = refused("check", CLASS, "--question", "4A")
    assert f"for one of them:  {python} check {one} --question 4a\n" in said and "batch" not in said
    assert refused("batch", one, "--out", out).endswith(f"{python} grade {one} --out {out}")
    assert refused("batch", one / "hw6.ipynb", "--out", out).endswith(f"{python} grade {one}/hw6.ipynb --out {out}")


@pytest.mark.slow
def test_the_platform_grades_whatever_was_uploaded(tmp_path: Path) -> None:
    for name in ("ada_complete", "hana_post_norm", "fay_no_scale"):
        shutil.copytree(CLASS / name, tmp_path / "submission" / name)
    assert folders.submissions_in(tmp_path / "submission")
    report = run(tmp_path, Options(only="2"))
    said = [(found.severity.value, found.message) for found in report.submission.findings if found.rule == "file-name"]
    assert report.complete and report.submission.file == "ada_complete/hw6.ipynb"
    assert [kind for kind, message in said if "outputs that history.json is about" in message] == ["remark", "flag"]


@pytest.mark.parametrize("name", ["class.tar.gz", "hw6-export.rar", "class.tgz", "all.7z"])
def test_a_class_in_an_archive_that_is_no_zip_is_to_be_unpacked_and_is_not_called_one_submission(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b"x")
    with pytest.raises(UsageError, match="only a zip is unpacked here: unpack it, and give the folder") as refused:
        for_a_class(path)
    assert f"where it holds one submission:  one {path}" in str(refused.value)
