"""Every reader of foreign bytes, fed with changed inputs for a moment; `scripts/fuzz.py` does it for minutes by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.grader.fuzz_targets import TARGETS
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.boxed]


@pytest.mark.parametrize("target", TARGETS)
def test_changed_inputs_are_read_or_refused_in_words(target: str, tmp_path: Path) -> None:
    command = [sys.executable, "scripts/fuzz.py", target, "--minutes", "0.02", "--keep", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=patience(60), check=False)
    # what took long is for the long run to judge: a busy machine makes anything slow
    found = [line for line in done.stdout.splitlines() if line.startswith("finding") and "slow|" not in line]
    assert not found and " inputs, " in done.stdout and f"{target}: 0 inputs" not in done.stdout, (
        done.stdout + done.stderr
    )


def test_there_are_readers_to_feed() -> None:
    assert len(TARGETS) >= 4
