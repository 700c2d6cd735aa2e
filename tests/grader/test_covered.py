"""`make coverage` sees what engines and graders run, though they are told nothing and end by os._exit or a signal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.boxed]

TEST = """
from pathlib import Path
from autograder.grading import Options, grade

def test_it(tmp_path):
    (tmp_path / "answers.toml").write_text('[q2a]\\nparameters = 34\\n')
    assert grade(tmp_path, Options(only="2a")).complete
"""
# By file: a function that is run in a reader, in an engine, in a grader; and one that nobody runs.
SEEN = {
    "autograder/handin/files/answers.py": "parse_answers",
    "autograder/engine/main.py": "_trusted",
    "autograder/engine/plugin.py": "Grading._grade",
    "autograder/judging/written/judge_convolution.py": "judge_parameters",
}
NOT_SEEN = {"autograder/judging/written/judge_attention.py": "judge_vector"}


def test_what_readers_engines_and_graders_run_is_seen(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(TEST, encoding="utf-8")
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, str(ROOT / "scripts/covered.py"), "-q", str(tmp_path / "test_one.py")]
    environment = {**os.environ, "COVERAGE_OUT": str(out)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=patience(60), check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "autograder/engine" in done.stdout and "student_room" not in done.stdout
    files = json.loads((out / "coverage.json").read_text(encoding="utf-8"))["files"]

    def lines(names: dict[str, str]) -> dict[str, int]:
        return {file: files[file]["functions"][name]["summary"]["covered_lines"] for file, name in names.items()}

    assert all(lines(SEEN).values()), lines(SEEN)
    assert not any(lines(NOT_SEEN).values())
