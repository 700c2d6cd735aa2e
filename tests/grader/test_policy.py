"""The policy file is in force: what is changed in it changes the result, and what does not fit together is refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autograder.core import names, policy, policy_fit
from autograder.judging.code import cases
from autograder.student_room import worker
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

TEXT = policy.FILE.read_text(encoding="utf-8")


def changed(folder: Path, *changes: tuple[str, str]) -> Path:
    text = TEXT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = folder / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


ACCEPTED = {
    "as it is": (),
    "points moved within a question": (('tests."4a.4" = 4', 'tests."4a.4" = 3'), ('tests."4a.5" = 1', 'tests."4a.5" = 2')),
    "a question worth more": (("points = 10", "points = 12"), ('tests."4a.4" = 4', 'tests."4a.4" = 6')),
    "a visibility of a question": (('title = "Transformer layer"', 'title = "T"\nvisibility = "hidden"'),),
    "a visibility of a test": (('"4a.4" = 4', '"4a.4" = { points = 4, visibility = "after_published" }'),),
    "another tolerance": (("values = 1e-4", "values = 1e-3"),),
    "a layer that is judged over the student's own head": (('given = ["SingleHeadAttention"]', "given = []"),),
    "arguments by other names": (('class_name = "SingleHeadAttention"', 'class_name = "SingleHeadAttention"\narguments = ["d", "inner_dim", "p"]'),),
    "files by other names": (('notebook = "hw6.ipynb"', 'notebook = "Übung 3.ipynb"'), ('history = "history.json"', 'history = "losses"')),
    "written answers left out": (('written = "required"', 'written = "optional"'),),
}  # fmt: skip


@pytest.mark.parametrize("what", ACCEPTED)
def test_a_policy_that_fits_together_is_taken(tmp_path: Path, what: str) -> None:
    assert policy.load(changed(tmp_path, *ACCEPTED[what])).title == policy.POLICY.title


# (what is replaced, by what, words of the message); the line is that of the replacement unless a third word names it
REFUSED = {
    "points that do not add up": ('tests."4a.4" = 4', 'tests."4a.4" = 5', "10 points, but its tests have 11", "points = 10"),
    "no visibility": ('hidden = "visible"', 'hidden = "hiden"', "after_due_date", ""),
    "no visibility of a test": ('"4b.6" = 1 ', '"4b.6" = { points = 1, visibility = "hiden" } ', 'the text "hiden" is none', ""),
    "no visibility of a question": ('title = "Masking"', 'title = "Masking"\nvisibility = "hiden"', 'the text "hiden" is none', 'visibility = "hiden"'),
    "a test of an unknown question": ('tests."4a.4"', 'tests."9z.4"', "no number of a test of question 4a", ""),
    "a test below another question": ('tests."4a.4"', 'tests."4b.4"', "no number of a test of question 4a", ""),
    "two questions of a number": ('number = "2b"', 'number = "2a"', "two questions '2a'", 'number = "2a"'),
    "a name with a slip": ("values = 1e-4", "valuse = 1e-4", "did you mean values?", ""),
    "a table with a slip": ("[kept]", "[kepp]", "did you mean kept?", ""),
    "a word for a number": ("points = 10", 'points = "ten"', "where a number must", ""),
    "half a cell": ("cells = 2000", "cells = 2000.5", "no whole number", ""),
    "a negative tolerance": ("values = 1e-4", "values = -1.0", "must be above 0", ""),
    "more than all points kept": ("exchanged = 0.5 ", "exchanged = 1.5 ", "must be 1 at most", ""),
    "negative points": ('tests."4a.8" = 0', 'tests."4a.8" = -1', "negative points", ""),
    "points that are no number": ('tests."4a.4" = 4', 'tests."4a.4" = nan', "'nan' is no finite number", ""),
    "points of a test in a table": ('"4b.6" = 1 ', '"4b.6" = { points = -nan } ', "'nan' is no finite number", ""),
    "endless points": ("points = 10", "points = inf", "'inf' is no finite number", ""),
    "points too large for a number": ('tests."4a.4" = 4', 'tests."4a.4" = 1e999', "'inf' is no finite number", ""),
    "endless points by hand": ('title = "Administrivia: survey code and signature"\npoints = 2', 'title = "Administrivia: survey code and signature"\npoints = +inf', "no finite number", "+inf"),
    "an endless tolerance": ("values = 1e-4", "values = inf", "'inf' is no finite number", ""),
    "an endless limit": ("total_seconds = ", "total_seconds = inf # ", "'inf' is no finite number", ""),
    "lateness without a number": ("grace_minutes = ", "grace_minutes = nan # ", "'nan' is no finite number", ""),
    "written or not": ('written = "required"', 'written = "maybe"', 'the text "maybe" is none', ""),
    "a class given that nobody writes": ('class_name = "SingleHeadAttention"', 'class_name = "Head"', "no class 'SingleHeadAttention' to name here; there is 'Head', 'Attention' and 'ViT'", 'given = ["SingleHeadAttention"]'),
    "a class given to itself": ('class_name = "SingleHeadAttention"', 'class_name = "SingleHeadAttention"\ngiven = ["SingleHeadAttention"]', "no class 'SingleHeadAttention'", "given = "),
    "a class given that has no stand-in": ('class_name = "SingleHeadAttention"', 'class_name = "SingleHeadAttention"\ngiven = ["ViTLayer"]', "no class 'ViTLayer'", 'given = ["ViTLayer"]'),
    "a class brought that is not provided": ('classes = ["Attention", "ViT"]', 'classes = ["Heads", "ViT"]', "no class 'Attention' to name here; there is 'Heads' and 'ViT'", "may_bring"),
    "one class of two questions": ('class_name = "ViTLayer"', 'class_name = "SingleHeadAttention"', "question 4a and question 4b name the class 'SingleHeadAttention'", ""),
    "a class that is written and provided": ('classes = ["Attention", "ViT"]', 'classes = ["Attention", "ViTLayer"]', "question 4b and the provided classes name the class 'ViTLayer'", ""),
    "one class provided twice": ('classes = ["Attention", "ViT"]', 'classes = ["Attention", "Attention"]', "both of the provided classes", ""),
    "a class of two words": ('class_name = "ViTLayer"', 'class_name = "ViT Layer"', "'ViT Layer' is no name that a class can have", ""),
    "a provided class that is a word of Python's": ('classes = ["Attention", "ViT"]', 'classes = ["Attention", "class"]', "'class' is no name", ""),
    "too few arguments": ('class_name = "ViTLayer"', 'class_name = "ViTLayer"\narguments = ["nope"]', "names 1 arguments of question 4b: name 5, in the order of dim, heads, dim_head, mlp_dim, dropout", "arguments = "),
    "an argument of two words": ('class_name = "ViTLayer"', 'class_name = "ViTLayer"\narguments = ["d", "h", "d h", "m", "p"]', "'d h' is no name that an argument", "arguments = "),
    "an argument twice": ('class_name = "ViTLayer"', 'class_name = "ViTLayer"\narguments = ["d", "h", "d", "m", "p"]', "'d' is named twice", "arguments = "),
    "our arguments in another order": ('class_name = "SingleHeadAttention"', 'class_name = "SingleHeadAttention"\narguments = ["inner_dim", "input_dim", "dropout"]', "our own names in another order", "arguments = "),
    "arguments of what is not made": ('title = "Self-attention by hand"', 'title = "By hand"\narguments = ["x"]', "no class is made for question 3a", "arguments = "),
    "a file in a folder": ('notebook = "hw6.ipynb"', 'notebook = "../hw6.ipynb"', "'../hw6.ipynb' has a folder in it", ""),
    "a file in a folder of Windows'": ('answers = "answers.toml"', "answers = 'work\\answers.toml'", "has a folder in it", ""),
    "a file without a name": ('history = "history.json"', 'history = ".."', "'..' is no name of a file", ""),
    "a file with room around its name": ('history = "history.json"', 'history = "history.json "', "is no name of a file", ""),
    "a notebook that is none": ('notebook = "hw6.ipynb"', 'notebook = "hw6.py"', "does not end in .ipynb", ""),
    "two files of a name": ('history = "history.json"', 'history = "Answers.TOML"', "is the name of the", ""),
    "no TOML": ('title = "CS189', "title = CS189", "no TOML", "title = CS189"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_policy_that_does_not_is_refused_with_its_line(tmp_path: Path, what: str) -> None:
    old, new, says, at = REFUSED[what]
    path = changed(tmp_path, (old, new))
    with pytest.raises(policy.BadPolicy) as refused:
        policy.load(path)
    lines = [n for n, line in enumerate(path.read_text("utf-8").splitlines(), 1) if (at or new) in line]
    assert says in str(refused.value) and str(path) in str(refused.value)
    assert any(f"line {line}" in str(refused.value) for line in lines), (lines, str(refused.value))


@pytest.mark.parametrize("table", ["by_hand", "questions"])
def test_of_the_questions_those_that_people_grade_may_all_be_left_out(tmp_path: Path, table: str) -> None:
    parts = re.split(r"(?m)^(?=\[\[?[\w.]+\]\]?$)", policy.FILE.read_text("utf-8"))
    path = tmp_path / "policy.toml"
    path.write_text(f"{table} = []\n" + "".join(part for part in parts if not part.startswith(f"[[{table}]]")), "utf-8")
    if table == "by_hand":
        assert policy.load(path).by_hand == ()
    else:
        with pytest.raises(policy.BadPolicy, match=r"line 1 .*no question that tests grade"):
            policy.load(path)


def test_arguments_are_named_in_the_order_in_which_classes_are_made() -> None:
    made = cases.Cases(1)
    assert tuple(made.attention(1)[0].kwargs) == policy_fit.ARGUMENTS["4a"]
    assert tuple(made.layer(1)[0].kwargs) == policy_fit.ARGUMENTS["4b"]
    assert {*policy_fit.ARGUMENTS} == {*names.WRITTEN} and names.WRITTEN[policy_fit.STANDS_IN] == worker.HEAD


def test_a_policy_that_cannot_be_read_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(policy.BadPolicy, match="cannot be read"):
        policy.load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"title = '\xe9'")
    with pytest.raises(policy.BadPolicy, match="cannot be read"):
        policy.load(tmp_path / "latin.toml")


def test_a_policy_that_an_editor_marked_as_utf_8_is_read(tmp_path: Path) -> None:
    path = changed(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert policy.load(path) == policy.POLICY
    path.write_bytes(path.read_bytes().replace(b"values = 1e-4", b"values = -1.0"))
    line = next(n for n, line in enumerate(path.read_text("utf-8").splitlines(), 1) if "values = -1.0" in line)
    with pytest.raises(policy.BadPolicy, match=f"line {line} "):
        policy.load(path)


def test_a_policy_is_another_one_by_what_it_says_and_by_nothing_else(tmp_path: Path) -> None:
    same = policy.load(changed(tmp_path, ("values = 1e-4", "values = 0.0001 # as before")))
    assert same.sha256 == policy.POLICY.sha256
    assert policy.load(changed(tmp_path, ("values = 1e-4", "values = 1e-3"))).sha256 != same.sha256


def test_questions_and_tests_are_found_by_their_numbers() -> None:
    assert policy.POLICY.question_of("3c.b.1").number == "3c.b"
    assert policy.POLICY.question_of("4a").number == "4a"
    with pytest.raises(KeyError, match="no question"):
        policy.POLICY.question_of("9z.1")
    assert policy.POLICY.test("4a.p1") is None


# -- in force, through the command -------------------------------------------------------------------------------------


def graded(
    folder: Path, *changes: tuple[str, str], only: str = "4a", submission: str = "fay_no_scale"
) -> tuple[subprocess.CompletedProcess[str], Any]:
    path, out = changed(folder, *changes), folder / "out"
    command = [
        sys.executable,
        "-m",
        "autograder",
        "grade",
        f"examples/class/{submission}",
        "--out",
        str(out),
        "--quiet",
    ]
    command += ["--policy", str(path), "--seed", "1", *(("--only", only) if only else ())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=patience(60), check=False)
    results = out / "results.json"
    return done, json.loads(results.read_text("utf-8")) if results.exists() else None


@pytest.mark.slow
def test_points_visibility_and_tolerance_of_the_file_are_those_of_the_result(tmp_path: Path) -> None:
    done, result = graded(
        tmp_path,
        ("points = 10", "points = 20"),
        ('tests."4a.1" = 1', 'tests."4a.1" = { points = 11, visibility = "after_due_date" }'),
        ("values = 1e-4", "values = 1e-9"),  # which no float32 keeps
        submission="ada_complete",
    )
    assert done.returncode == 0, done.stderr
    tests = {test["number"]: test for test in result["tests"] if test.get("number")}
    assert result["extra_data"]["questions"]["4a"] == {
        **result["extra_data"]["questions"]["4a"],
        "earned": result["extra_data"]["questions"]["4a"]["earned"],
        "possible": 20,
    }
    assert tests["4a.1"]["visibility"] == "after_due_date" and tests["4a.1"]["max_score"] == 11
    assert tests["4a.2"]["visibility"] == "visible"
    assert tests["4a.4"]["score"] == 0 and tests["4a.4"]["max_score"] == 4, "the tolerance is in force"


@pytest.mark.slow
def test_visibility_holds_for_every_question(tmp_path: Path) -> None:
    done, result = graded(tmp_path, ('hidden = "visible"', 'hidden = "after_published"'), only="")
    assert done.returncode == 0, done.stderr
    shown = {test["number"]: test["visibility"] for test in result["tests"] if test.get("number", "")[:1] in "234"}
    assert {number[:2] for number in shown} == {"2a", "2b", "2c", "3a", "3c", "4a", "4b", "4c"}
    assert set(shown.values()) == {"after_published"}


@pytest.mark.slow
def test_a_policy_that_does_not_fit_together_grades_nothing(tmp_path: Path) -> None:
    done, result = graded(tmp_path, ('tests."4a.4" = 4', 'tests."4a.4" = 5'))
    assert done.returncode == 2 and result is None and "Traceback" not in done.stderr
    assert "line" in done.stderr and "question 4a has 10 points" in done.stderr


@pytest.mark.slow
def test_a_test_that_the_policy_lists_and_nobody_wrote_makes_results_incomplete(tmp_path: Path) -> None:
    done, result = graded(tmp_path, ('tests."4a.4" = 4', 'tests."4a.4" = 3\ntests."4a.99" = 1'), only="4a")
    assert done.returncode == 3
    assert any("4a.99 is listed in the policy, but is no test" in n for n in result["extra_data"]["staff_notes"])


def test_each_number_in_the_file_has_its_reason_beside_it() -> None:
    """Points and tolerances: a comment on the line or right above the key, or above its table."""
    lines = TEXT.splitlines()
    bare = []
    for index, line in enumerate(lines):
        key, _, value = line.partition(" = ")
        if not key.startswith(
            ('tests."', "values", "dropout", "zero", "doubled", "vector", "formula", "exact", "child_")
        ):
            continue
        if "#" not in value and not lines[index - 1].startswith("#"):
            bare.append(line)
    assert not bare
