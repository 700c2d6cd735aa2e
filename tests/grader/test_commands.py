"""The reference of all commands is the code's, --help cuts nothing off, and a shell completes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from autograder import cli
from autograder.cli import app
from autograder.core import numbering
from autograder.core.errors import GraderFault, NotWritten, UsageError
from autograder.core.text import printable
from scripts import commands

ROOT = Path(__file__).resolve().parents[2]


def named(command: Any, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    below = getattr(command, "commands", {})
    return [above, *(path for name, each in below.items() for path in named(each, (*above, name)))]


COMMANDS = named(typer.main.get_command(app))


def test_the_reference_is_what_the_code_has() -> None:
    assert commands.DOCUMENT.read_text(encoding="utf-8") == commands.document(), "python scripts/commands.py --write"


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_says_what_for_and_is_cut_off_nowhere(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*path, "--help"], terminal_width=80, env={"COLUMNS": "80"})
    assert shown.exit_code == 0 and not any(line.endswith("...") for line in shown.output.splitlines()[1:])
    assert max(map(len, shown.output.splitlines())) <= 80
    if path:
        chapter = commands.document().partition(f"## {' '.join(path)}\n")[2]
        assert chapter or path == ("package",)


def test_a_shell_completes_commands() -> None:
    script = Path(sys.executable).with_name("autograder")
    if not script.exists():
        pytest.skip("the package is not installed")
    typed = {"_AUTOGRADER_COMPLETE": "complete_bash", "COMP_WORDS": "autograder pre", "COMP_CWORD": "1"}
    done = subprocess.run([script], env=os.environ | typed, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stdout.split() == ["preflight"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_to_complete_the_command_and_not_python(shell: str, tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "autograder", "--show-completion", shell]
    nobody = os.environ | {"HOME": str(tmp_path)}
    done = subprocess.run(asked, env=nobody, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0 and "_AUTOGRADER_COMPLETE=" in done.stdout and "python" not in done.stdout.lower()


def test_an_error_says_nothing_that_a_terminal_obeys(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2J").mkdir()
    (tmp_path / "a\x1b[2J" / "hw6.py").touch()
    command = [sys.executable, "-m", "autograder", "batch", str(tmp_path / "a\x1b[2J"), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 2 and "folder of one submission" in done.stderr
    assert done.stderr == printable(done.stderr)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotWritten("a.json could not be written to out: the disk is full"), "autograder: a.json could not be written"),
        (GraderFault("no process"), "autograder: the grader itself failed: no process"),
    ],
)
def test_a_disk_that_is_full_is_no_fault_of_the_grader(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: GraderFault, said: str
) -> None:
    def failing(**options: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", failing)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 3 and capsys.readouterr().err.startswith(said)


def test_a_refusal_fits_the_terminal_and_is_one_line_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(UsageError) as refused:
        numbering.read("4d")
    said = f"autograder: {refused.value}"
    shown: list[str] = []
    for stream in (Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "argv", ["autograder", "check", str(ROOT / "student_template"), "--question", "4d"])
        monkeypatch.setattr(sys, "stderr", stream)
        with pytest.raises(SystemExit):
            cli.main()
        shown.append(stream.getvalue())
    assert len(said) > 160 and max(map(len, shown[0].splitlines())) <= 80
    assert shown[1] == f"{said}\n" and " ".join(shown[0].split()) == said
