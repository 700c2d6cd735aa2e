"""The two zips: made twice they are the same, the students' tells no solution and works by itself, ours grades."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autograder.commands.package import gradescope, student
from autograder.core.errors import UsageError
from tests.grader.honest_styles import ATTENTION, IMPORTS
from tests.grader.pace import patience
from tests.grader.project_copy import committed, copied


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("students")
    student.build(folder / "hw6-student.zip")
    with zipfile.ZipFile(folder / "hw6-student.zip") as archive:
        archive.extractall(folder)
    return folder / "hw6"


def copy_of_the_project(tmp_path: Path) -> Path:
    return copied(tmp_path / "project")


# --- for students ------------------------------------------------------------------------------------------------------


def test_the_students_zip_is_small_and_the_same_twice(tmp_path: Path) -> None:
    count, size = student.build(tmp_path / "one.zip")
    student.build(tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert count > 100 and size < 1_000_000


def test_nothing_in_it_is_secret(unpacked: Path) -> None:
    names = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert not {name for name in names if "reference" in name or "hidden" in name or "misconception" in name}
    assert not {name for name in names if name.startswith("tests/") and not name.startswith("tests/public/")}
    text = "\n".join(path.read_text(encoding="utf-8") for path in unpacked.rglob("*") if path.is_file())
    # the core of 4(a), in the reference's words and in the words of whoever writes it in one line
    assert "softmax(scores, dim=-1) @" not in text and "def attention_weights" not in text
    assert "class SingleHeadAttention" in text, "the template's, unfilled"


@pytest.mark.parametrize(
    "where", ["student_template/hw6.ipynb", "tests/public/test_4a_attention.py", "autograder/core/text.py"]
)
def test_a_solution_that_would_come_along_stops_it(tmp_path: Path, where: str) -> None:
    root = copy_of_the_project(tmp_path)
    solution = (root / "reference" / "attention.py").read_text(encoding="utf-8")
    body = solution[solution.index("class SingleHeadAttention") :]
    if where.endswith(".ipynb"):
        notebook = json.loads((root / where).read_text(encoding="utf-8"))
        notebook["cells"].append({"cell_type": "code", "metadata": {}, "outputs": [], "source": body.splitlines(True)})
        (root / where).write_text(json.dumps(notebook), encoding="utf-8")
    else:
        with (root / where).open("a", encoding="utf-8") as file:
            file.write("\n\n" + body)
    with pytest.raises(UsageError, match=r"reference/attention\.py"):
        student.build(tmp_path / "out.zip", root)
    assert not (tmp_path / "out.zip").exists()


def test_where_there_is_no_reference_it_cannot_look_and_says_so(tmp_path: Path) -> None:
    root = copy_of_the_project(tmp_path)
    shutil.rmtree(root / "reference")
    shutil.rmtree(root / "tests" / "hidden")
    with pytest.raises(UsageError, match="holds no reference"):
        student.build(tmp_path / "out.zip", root)


@pytest.mark.slow
def test_a_student_checks_with_it_alone(unpacked: Path, tmp_path: Path) -> None:
    """In the unpacked folder and in no other: the project itself is not on the path of this interpreter."""
    work = tmp_path / "hw6"
    shutil.copytree(unpacked, work)
    (work / "hw6.ipynb").unlink()
    (work / "hw6.py").write_text(IMPORTS + ATTENTION["plain"], encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"COLUMNS": "80"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-B", "-m", "autograder", *arguments]
        return subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=patience(120), env=environment)

    found = run("check", ".", "--question", "4a")
    assert found.returncode == 0 and "5 of 5 tests pass" in found.stdout, found.stdout + found.stderr
    missing = run("preflight", ".")
    assert missing.returncode == 1 and "answers.toml" in missing.stdout and missing.stderr == "", missing.stderr
    made = run("appendix", ".", "--out", "appendix.html")
    assert made.returncode == 0 and "class" in (work / "appendix.html").read_text(encoding="utf-8"), made.stderr
    commands = run("--help").stdout
    assert {"check", "preflight", "appendix"} <= set(commands.split()) and "grade" not in commands.split("Commands:")[1]
    assert "No such command" in run("grade", ".").stderr
    where = subprocess.run(
        [sys.executable, "-B", "-c", "import autograder; print(autograder.__file__, autograder.grade.__module__)"],
        cwd=work, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert where.stdout.startswith(str(work)) and where.stdout.split()[-1] == "autograder.grading", where.stderr


# --- for Gradescope ----------------------------------------------------------------------------------------------------


def test_gradescopes_zip_holds_what_grades_and_is_the_same_twice(tmp_path: Path) -> None:
    root = copy_of_the_project(tmp_path)
    committed(root)
    _, _, said = gradescope.build(tmp_path / "one.zip", root=root)
    gradescope.build(tmp_path / "two.zip", root=root)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert any("course_secret.txt" in line for line in said)
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        names = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    assert names["setup.sh"] == names["run_autograder"] == 0o755
    assert {"reference/attention.py", "tests/hidden/test_4a_attention.py", "autograder/policy.toml"} <= names.keys()
    assert not [name for name in names if name.startswith(("tests/grader", "examples", "docs", ".git"))]


def test_changes_that_are_not_committed_are_refused_or_left_out(tmp_path: Path) -> None:
    root = copy_of_the_project(tmp_path)
    committed(root)
    (root / "setup.sh").write_text("changed")
    with pytest.raises(UsageError, match=r"not committed: setup\.sh"):
        gradescope.build(tmp_path / "out.zip", root=root)
    gradescope.build(tmp_path / "out.zip", dirty=True, root=root)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.read("setup.sh") != b"changed"


def test_the_courses_secrets_come_along_though_git_ignores_them(tmp_path: Path) -> None:
    root = copy_of_the_project(tmp_path)
    (root / ".gitignore").write_text("course_secret.txt\n")
    committed(root)
    (root / "course_secret.txt").write_text("abc")
    _, _, said = gradescope.build(tmp_path / "out.zip", root=root)
    assert not any("course_secret.txt" in line for line in said)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.read("course_secret.txt") == b"abc"


def test_outside_of_a_repository_it_says_that_it_needs_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UsageError, match="made from what is committed"):
        gradescope.build(tmp_path / "out.zip", root=tmp_path)


@pytest.mark.slow
def test_what_was_unpacked_from_it_grades(tmp_path: Path) -> None:
    root = copied(tmp_path / "project", data=True)
    committed(root)
    gradescope.build(tmp_path / "out.zip", root=root)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path / "source")
    run = subprocess.run(
        [sys.executable, "-B", "-m", "autograder", "selfcheck"],
        cwd=tmp_path / "source", capture_output=True, text=True, timeout=patience(120),
    )  # fmt: skip
    assert "ready: the reference solution gets full marks" in run.stdout, run.stdout + run.stderr
