"""Root that may do less than root: containers without capabilities grade as an ordinary user does, and say so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.sandbox import lockdown
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

DOCKER = "+chown,+dac_override,+kill,+setgid,+setuid"


@pytest.mark.parametrize("lacks", ["chown", "dac_override", "kill", "setgid", "setuid"])
def test_a_child_is_another_user_only_where_all_that_it_takes_is_there(
    monkeypatch: pytest.MonkeyPatch, lacks: str
) -> None:
    number = {"chown": 0, "dac_override": 1, "kill": 5, "setgid": 6, "setuid": 7}[lacks]
    monkeypatch.setattr(os, "getuid", lambda: 0)
    for held, other in (
        (lockdown.OTHER_USER, True),
        (lockdown.OTHER_USER & ~(1 << number), False),
        (0, False),
        (None, True),
    ):
        monkeypatch.setattr(lockdown, "capabilities", lambda held=held: held)
        assert bool(lockdown.student_ids(3)) is other


def test_the_capabilities_are_read_from_the_system() -> None:
    held = lockdown.capabilities()
    assert held is None if not sys.platform.startswith("linux") else isinstance(held, int)


@pytest.mark.slow
@pytest.mark.boxed  # a layer less than usual
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root has capabilities to give up")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv, of util-linux, is not here")
@pytest.mark.parametrize(("kept", "other_user"), [("", False), (",+setuid,+setgid", False), ("," + DOCKER, True)])
def test_right_work_keeps_its_points_whatever_root_may_do(tmp_path: Path, kept: str, other_user: bool) -> None:
    words = ["setpriv", f"--bounding-set=-all{kept}", "--inh-caps=-all", sys.executable, "-m", "autograder"]
    order = [*words, "grade", "examples/class/ada_complete", "--only", "4a", "--out", str(tmp_path)]
    done = subprocess.run(order, cwd=ROOT, capture_output=True, text=True, timeout=patience(60), check=False)
    if lockdown.capabilities() != (lockdown.capabilities() or 0) | lockdown.OTHER_USER and other_user:
        pytest.skip("root has fewer capabilities here to begin with")
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "results.json").read_bytes())
    assert results["score"] == 10.0
    assert ("uid" in results["extra_data"]["isolation"].split("+")) is other_user
