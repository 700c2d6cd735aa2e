"""Hidden tests on a machine that is too weak for them: refused before a student's line runs, or marked for good."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder import grading
from autograder.cli import app
from autograder.commands import batch, gradescope, selfcheck
from autograder.core.errors import WeakIsolation
from autograder.grading import Options, grade, grade_many
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT
from tests.grader.weak_machine import NO_LANDLOCK, NO_OTHER_USER, without

pytestmark = [pytest.mark.slow, pytest.mark.boxed]

# Leaves a trace as soon as it runs, where nothing stops it from writing.
PROGRAM = """
import torch
from torch import nn

class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        try:
            open({marker!r}, "w").close()
        except OSError:
            pass

    def forward(self, x):
        return x
"""
ONE = Options(only="4a.1")


@pytest.fixture
def weak(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, NO_LANDLOCK, NO_OTHER_USER)


@pytest.fixture
def submission(tmp_path: Path) -> Path:
    folder = tmp_path / "class" / "ada"
    folder.mkdir(parents=True)
    (folder / "hw6.py").write_text(PROGRAM.format(marker=str(tmp_path / "ran")))
    return folder


@pytest.fixture
def in_the_open() -> Iterator[Path]:
    """A folder that every user may pass: what is closed below it is closed by its own mode."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def test_nothing_is_run_and_the_message_says_what_is_open(weak: None, submission: Path, tmp_path: Path) -> None:
    with pytest.raises(WeakIsolation, match=r"read the reference.*(?s:.*)--allow-weak-isolation") as refused:
        grade(submission, ONE)
    assert str(grading.HIDDEN) in str(refused.value)
    assert not (tmp_path / "ran").exists()


def test_the_command_ends_with_one_message_and_no_result(weak: None, submission: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["grade", str(submission), "--out", str(tmp_path / "out")])
    assert isinstance(done.exception, WeakIsolation) and not (tmp_path / "out" / "results.json").exists()


def test_allowed_it_is_graded_and_the_result_says_so(weak: None, submission: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke(
        app, ["grade", str(submission), "--out", str(tmp_path / "out"), "--only", "4a.1", "--allow-weak-isolation"]
    )
    assert run.exit_code == 0, run.output
    extra = json.loads((tmp_path / "out" / "results.json").read_text())["extra_data"]
    assert extra["isolation"].startswith("weak:same-uid+") and "secrets" not in extra["isolation"]
    assert any("weak isolation" in note for note in extra["staff_notes"]) and extra["complete"]
    assert (tmp_path / "ran").exists(), "this machine is not weak: the other tests prove nothing"


def test_public_tests_are_never_refused(weak: None, submission: Path) -> None:
    report = grade(submission, Options(public=True, only="4a"))
    assert report.complete and report.staff_notes == () and not report.isolation.startswith("weak")


def test_on_the_platform_it_is_an_apology_without_a_score_that_tells_staff(
    weak: None, submission: Path, tmp_path: Path
) -> None:
    (tmp_path / "submission").symlink_to(submission)
    report = gradescope.run(tmp_path, ONE)
    result = json.loads((tmp_path / "results" / "results.json").read_text())
    assert not report.complete and "score" not in result and not any("score" in test for test in result["tests"])
    [told] = [note for note in result["extra_data"]["staff_notes"] if "--allow-weak-isolation" in note]
    assert "read the reference" in told and "--allow-weak" not in result["output"] + result["tests"][0]["output"]
    assert not (tmp_path / "ran").exists()


def test_a_class_is_refused_before_anything_is_graded(weak: None, submission: Path, tmp_path: Path) -> None:
    with pytest.raises(WeakIsolation):
        batch.run(submission.parent, tmp_path / "out", ONE)
    assert not (tmp_path / "ran").exists()
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_the_self_check_fails_so_that_no_image_is_built_on_it(weak: None) -> None:
    with pytest.raises(WeakIsolation):
        selfcheck.run()


def test_a_machine_that_turns_weak_on_the_way_costs_one_submission_and_not_the_class(
    monkeypatch: pytest.MonkeyPatch, submission: Path, tmp_path: Path
) -> None:
    """The first engine is fit, and dies with its second order; the one that tries again is weak; the last is fit."""
    counter = tmp_path / "engines"
    dies = "from autograder.engine import plugin; import os; one = plugin.Grading._in_a_fork; "
    dies += "plugin.Grading._in_a_fork = lambda *a: os._exit(9) if seen.append(1) or len(seen) > 1 else one(*a)"
    without(
        monkeypatch,
        "import os; os.environ.update(OMP_NUM_THREADS='1', OPENBLAS_NUM_THREADS='1', MKL_NUM_THREADS='1')",
        f"seen = []; file = open({str(counter)!r}, 'a+'); file.write('x'); file.flush(); file.seek(0)",
        "number = len(file.read()); file.close()",
        f"if number == 1: {dies}",
        f"if number == 2: {NO_LANDLOCK}; {NO_OTHER_USER}",
    )
    reports = list(grade_many([submission] * 4, ONE))
    assert counter.read_text() == "xxx"
    assert [bool(report.tests) and report.complete for report in reports] == [True, False, True, True]
    assert any("--allow-weak-isolation" in note for note in reports[1].staff_notes)
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="an ordinary user's child is the same user: no mode closes a file to it")
def test_without_landlock_another_user_and_closed_folders_suffice(submission: Path, in_the_open: Path) -> None:
    copy = in_the_open / "copy"
    for part in ("autograder", "reference", "tests/hidden"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part, mode in (("reference", 0o700), ("tests", 0o700), ("", 0o755)):
        (copy / part).chmod(mode)
    program = in_the_open / "program.py"
    program.write_text(
        "import sys; from pathlib import Path; sys.path[0] = sys.argv[1]\n"
        "from autograder.grading import supervisor; from autograder.grading import Options, grade\n"
        f"supervisor._START = supervisor._START.replace('from autograder.engine.main', {NO_LANDLOCK + '; from autograder.engine.main'!r})\n"
        "print(grade(Path(sys.argv[2]), Options(only='4a.1')).isolation)\n"
    )
    command = [sys.executable, str(program), str(copy), str(submission)]
    held = subprocess.run(command, capture_output=True, text=True, timeout=patience(120), check=True, cwd=copy).stdout
    assert "+secrets+" in held and "+memory+signals" in held and "files" not in held
    (copy / "reference").chmod(0o755)
    refused = subprocess.run(command, capture_output=True, text=True, timeout=patience(120), cwd=copy)
    assert "WeakIsolation" in refused.stderr and "chmod -R go-rwx" in refused.stderr
