"""Every reader of foreign bytes, fed with changed inputs for a moment; `scripts/fuzz.py` does it for minutes by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts import fuzz
from tests.grader.fuzz_targets import TARGETS
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.boxed]


@pytest.mark.parametrize("target", TARGETS)
def test_changed_inputs_are_read_or_refused_in_words(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fuzz.fuzz(target, 0.02, 0, tmp_path)  # each batch in a process of its own
    said = capsys.readouterr().out
    # what took long is for the long run to judge: a busy machine makes anything slow
    found = [line for line in said.splitlines() if line.startswith("finding") and "slow|" not in line]
    assert not found and " inputs, " in said and f"{target}: 0 inputs" not in said, said


def test_it_is_a_command_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "scripts/fuzz.py", "history", "--minutes", "0.01", "--keep", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=patience(60), check=False)
    assert "history: " in done.stdout and "history: 0 inputs" not in done.stdout, done.stdout + done.stderr


def test_there_are_readers_to_feed() -> None:
    assert len(TARGETS) >= 4
