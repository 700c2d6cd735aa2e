"""Where a command prints to: closed, full, cut off, or unable to write a letter; and where it may use colours."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.cli import streams
from autograder.commands import package
from autograder.core import screen
from autograder.core.errors import GraderFault, UsageError
from tests.grader.pace import patience

ROOT = Path(__file__).resolve().parents[2]
RIGHT, WRONG = "examples/class/ada_complete", "examples/class/june_unfilled"
FULL = Path("/dev/full")


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a line of bash gives, in which `auto` is the command; its exit status is that of the first in a pipe."""
    text = f'auto() {{ "{sys.executable}" -m autograder "$@"; }}\n{line}\nexit "${{PIPESTATUS[0]}}"'
    return subprocess.run(["bash", "-c", text], env=os.environ | environment, capture_output=True, text=True, cwd=ROOT,
                          timeout=patience(60), check=False, errors="replace")  # fmt: skip


@pytest.mark.parametrize(
    ("who", "status", "closed"),
    [(RIGHT, 0, ">&-"), (WRONG, 1, ">&-"), (RIGHT, 0, "<&- >&- 2>&-"), (RIGHT, 0, ">&- 2>&-"), (RIGHT, 0, "<&-")],
)
def test_a_command_without_an_output_ends_as_with_one(who: str, status: int, closed: str) -> None:
    done = shell(f"auto preflight {who} {closed}")
    assert (done.returncode, done.stderr) == (status, "")


@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize("line", [f"preflight {RIGHT}", "--help"])
def test_a_reader_who_goes_away_is_no_finding_and_no_traceback(line: str, buffered: str) -> None:
    done = shell(f"auto {line} | :", PYTHONUNBUFFERED=buffered)
    assert done.stderr == "" and done.returncode in (0, streams.CUT_OFF), "0 when all was written before"


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize("line", [f"preflight {WRONG}", "--help"])
def test_an_output_without_room_is_told_in_one_sentence(line: str, buffered: str) -> None:
    done = shell(f"auto {line} >/dev/full", PYTHONUNBUFFERED=buffered)
    assert done.returncode == 3 and done.stderr.count("\n") == 1
    assert "could not be written to standard output" in done.stderr
    assert shell(f"auto {line} >/dev/full 2>&1", PYTHONUNBUFFERED=buffered).returncode == 3


def test_a_letter_that_an_encoding_lacks_costs_nothing() -> None:
    done = shell(f"auto preflight {RIGHT}", PYTHONIOENCODING="latin-1")
    assert done.returncode == 0 and "Traceback" not in done.stderr and "? Files" not in done.stdout
    assert "nothing is missing" in done.stdout.lower()


def test_the_streams_are_as_they_were_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="strict")
    monkeypatch.setattr(sys, "stdout", plain)
    with streams.held():
        print("a ✓", flush=True)
        assert sys.stdout is not plain and sys.stdout.errors == "replace"
    assert sys.stdout is plain and plain.errors == "strict"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


SETTINGS = {
    "a terminal": ({"TERM": "xterm"}, True),
    "one that does not say": ({}, True),
    "a dumb one": ({"TERM": "dumb"}, False),
    "NO_COLOR": ({"TERM": "xterm", "NO_COLOR": "1"}, False),
    "NO_COLOR without a value": ({"TERM": "xterm", "NO_COLOR": ""}, True),
}


@pytest.mark.parametrize("what", SETTINGS)
def test_colours_are_for_terminals_that_have_them_and_people_who_want_them(what: str) -> None:
    environment, expected = SETTINGS[what]
    assert screen.coloured(Terminal(), environment) is expected
    assert not screen.coloured(io.StringIO(), environment), "into no pipe"


def test_every_report_asks_whether_it_may_have_colours() -> None:
    asking = [path for path in (ROOT / "autograder").rglob("*.py") if "colour=sys.stdout" in path.read_text("utf-8")]
    assert not asking, "colour=coloured(sys.stdout) looks at NO_COLOR, too"


def test_a_full_disk_is_ours_and_a_wrong_path_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="could not be written"):
        package.write(tmp_path / "file" / "a.zip", {"a": b""})

    def full(*arguments: object, **named: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zipfile.ZipFile", full)
    with pytest.raises(GraderFault, match="disk is full"):
        package.write(tmp_path / "a.zip", {"a": b""})
