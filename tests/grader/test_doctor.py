"""`autograder doctor`: a real engine tries this machine, and a person reads what holds and what would raise it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder import grading
from autograder.cli import app
from autograder.commands import doctor
from autograder.commands.doctor import BAD, FACT, GOOD, Health, Row
from autograder.core import isolation, policy
from autograder.grading import supervisor
from autograder.report import seal
from autograder.report.terminal import console_of, trimmed
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT
from tests.grader.weak_machine import NO_LANDLOCK, NO_OTHER_USER, without

pytestmark = [pytest.mark.slow, pytest.mark.boxed]
LONG = "word " * 60


def drawn(health: Health, width: int, *, colour: bool = False) -> str:
    console, text = console_of(width, colour, widest=120)
    doctor.show(health, console)
    return trimmed(text)


def marks(text: str) -> dict[str, str]:
    """label -> mark, of the rows of a page."""
    return {label: mark for mark, label in re.findall(rf"^  ([{GOOD}{BAD}{FACT}])  (\S+(?: \S+)?)  ", text, re.M)}


@pytest.fixture(scope="module")
def here() -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autograder", "doctor"]
    environment = {**os.environ, "COLUMNS": "80"}
    return subprocess.run(command, capture_output=True, text=True, timeout=patience(120), cwd=ROOT, env=environment)


def test_a_fit_machine_ends_with_status_0_and_one_sentence(here: subprocess.CompletedProcess[str]) -> None:
    assert here.returncode == 0, here.stdout + here.stderr
    assert here.stdout.endswith("\nHidden tests may be run here.\n") and here.stderr == ""


def test_every_layer_has_a_line_with_what_a_child_found(here: subprocess.CompletedProcess[str]) -> None:
    shown = marks(here.stdout)
    assert isolation.WORDS.keys() <= shown.keys()
    assert all(shown[word] == GOOD for word in isolation.ESSENTIAL)
    assert (shown["uid"] == GOOD) == (os.getuid() == 0)


def test_the_page_says_who_we_are_what_there_is_and_what_the_policy_is(here: subprocess.CompletedProcess[str]) -> None:
    assert sys.executable in here.stdout and "torch 2" in here.stdout
    assert ("root" if os.getuid() == 0 else "an ordinary user") in here.stdout
    worth = sum(question.points for question in policy.POLICY.questions)
    assert f"{worth:g} graded here" in here.stdout and f"answers.toml is {policy.POLICY.written}" in here.stdout


def test_a_page_in_a_file_has_no_colour_and_no_line_beyond_its_width(here: subprocess.CompletedProcess[str]) -> None:
    assert "\x1b" not in here.stdout and max(map(len, here.stdout.splitlines())) <= 80


@pytest.mark.parametrize("width", [40, 80, 120])
def test_long_texts_wrap_beside_their_label(width: int) -> None:
    health = Health((("Title", (Row(GOOD, "a label", LONG), Row(BAD, "other", "short"))),), (LONG,), False, LONG)
    lines = drawn(health, width).splitlines()
    assert max(map(len, lines)) <= width
    beside = [line for line in lines if line.startswith(" " * 14 + "word")]
    assert len(beside) >= 2 and sum(line.startswith("  -  word") for line in lines) == 1


def test_in_colour_what_is_missing_is_red() -> None:
    health = Health((("Title", (Row(BAD, "files", "x"),)),), (), True, "fine")
    assert "\x1b[1;31mfiles" in drawn(health, 80, colour=True)


def test_a_weak_machine_ends_with_status_1_what_is_open_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, NO_LANDLOCK, NO_OTHER_USER)
    run = CliRunner().invoke(app, ["doctor"])
    shown = marks(run.output)
    assert run.exit_code == 1 and shown["secrets"] == shown["memory"] == BAD
    assert "To raise the isolation" in run.output and "Hidden tests are not run here" in run.output
    flat = " ".join(run.output.split())
    assert f"read {grading.HIDDEN}/".replace(" ", "") in flat.replace(" ", "")


def test_an_engine_that_cannot_start_is_told_and_not_taken_for_a_fit_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_START", "raise SystemExit(7)")
    health = doctor.examine()
    assert not health.fit and health.advice
    assert "engine did not start" in health.verdict and "student code" not in health.verdict
    page = drawn(health, 120)
    assert "ended with status 7" in page and marks(page)["secrets"] == BAD


def test_tests_that_cannot_be_collected_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text("import no_such_module_at_all\n")
    monkeypatch.setattr(grading, "HIDDEN", tmp_path)
    health = doctor.examine()
    page = drawn(health, 120)
    assert not health.fit and "test_broken.py" in page and "incomplete" in health.verdict


def test_the_students_copy_has_no_hidden_tests_to_judge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(grading, "HIDDEN", tmp_path / "absent")
    monkeypatch.setattr(grading, "SECRET_FILE", tmp_path / "absent.txt")
    health = doctor.examine()
    page = drawn(health, 120)
    assert not health.fit and "students' copy" in health.verdict and "tests/hidden" not in page


@pytest.mark.parametrize(
    "mode, mark, words", [(0o600, GOOD, "closed to other users"), (0o644, FACT, "others may read it")]
)
def test_a_secret_is_shown_with_its_mode(monkeypatch: pytest.MonkeyPatch, mode: int, mark: str, words: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        secret = Path(folder) / "course_secret.txt"
        secret.write_text("not to be printed")
        secret.chmod(mode)
        row = doctor._closed(secret)
    assert row.mark == mark and words in row.text and f"{mode:04o}" in row.text and "printed" not in row.text


def test_it_says_whether_results_are_sealed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(seal.VARIABLE, str(tmp_path / "key.txt"))
    assert [row.text for row in doctor._grader(False, ()) if row.label == "results key"] == [
        "no results_key.txt; results carry no seal"
    ]
    (tmp_path / "key.txt").write_text("a key of thirty-two letters or so")
    assert any(row.label == str(tmp_path / "key.txt") for row in doctor._grader(False, ()))
