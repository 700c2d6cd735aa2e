"""setup.sh and run_autograder in a Debian of their own, as root with Docker's capabilities: what Gradescope does.

Everything is installed for real, so it takes minutes, root, debootstrap, mirrors that answer, and torch without CUDA.
Nothing hostile is run here, and nothing outside the test's own folders is written.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest

from autograder.commands.emulate import PRESETS, harness, image, inside
from autograder.commands.package import gradescope
from autograder.report import platform
from scripts.install_torch import CPU_INDEX
from tests.grader.pace import patience
from tests.grader.project_copy import committed, copied
from tests.grader.source_tree import ROOT

pytestmark = pytest.mark.slow

MIRROR, SUITE = "http://deb.debian.org/debian", "bookworm"
MOST_MB = 2000  # of the image's own layer, where torch comes without CUDA


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=5) as reply:
            return bool(reply.status == 200)
    except (OSError, ValueError):
        return False


def why_not(place: Path) -> str:
    if os.geteuid() != 0:
        return "debootstrap and a container need root"
    if shutil.which("debootstrap") is None:
        return "debootstrap is not installed"
    if reason := image.why_no_container(place / "try"):
        return f"no container can be made here: {reason}"
    if not answers(f"{MIRROR}/dists/{SUITE}/Release"):
        return f"{MIRROR} does not answer"
    if not os.environ.get("TORCH") and not answers(f"{CPU_INDEX}/torch/"):
        return f"{CPU_INDEX} does not answer, and pip's torch may take 5 GB: name one with TORCH"
    return ""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> image.Image:
    place = tmp_path_factory.mktemp("system")
    if reason := why_not(place):
        pytest.skip(reason)
    tree = place / "tree"
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", SUITE, str(tree), MIRROR],
        capture_output=True, text=True, timeout=patience(300), check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"debootstrap gave {made.returncode}: {made.stdout[-300:]}")
    project = copied(place / "project", data=True)
    committed(project)
    gradescope.build(place / "gradescope.zip", root=project)
    return image.build(place / "gradescope.zip", place / "image", tree, contained=True)


def log_of(built: image.Image) -> str:
    return (built.top.parents[1] / "setup.log").read_text(errors="replace")


def in_it(built: image.Image, place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command in a new container of the image, without a network."""
    assert built.layer is not None
    order = inside.Order(
        words, image.environment(), tree=built.tree, layers=(built.layer, inside.layer(place)), folder="/autograder"
    )
    return subprocess.run(
        inside.words(order), cwd=ROOT, capture_output=True, text=True, timeout=patience(120), check=False
    )


def test_setup_installs_everything_says_what_and_grades_the_reference(built: image.Image) -> None:
    log = log_of(built)
    assert "setup: installing python3" in log and "setup: Python 3.11" in log
    assert "setup: making the user student" in log
    assert "setup: ready: /autograder/run_autograder grades /autograder/submission" in log
    [isolation] = [line.partition("isolation: ")[2].split("+") for line in log.splitlines() if "isolation: " in line]
    assert {"uid", "rlimits", "no-new-privs"} <= set(isolation)


def test_without_cuda_the_image_stays_small(built: image.Image) -> None:
    if "+cu" in log_of(built):
        pytest.skip("torch came with CUDA: its packages alone take 4 GB")
    assert built.layer is not None
    used = subprocess.run(["du", "-smx", built.layer.upper], capture_output=True, text=True, check=True).stdout
    assert int(used.split()[0]) < MOST_MB


def test_a_complete_submission_gets_everything_in_the_smallest_container(built: image.Image, tmp_path: Path) -> None:
    now = datetime(2026, 5, 3, tzinfo=timezone.utc)
    about = harness.described(now, now + timedelta(days=1), None)
    # the container's own size, and more time than the platform gives: this machine may be slow, and that is no test
    preset = msgspec.structs.replace(PRESETS["default"], seconds=patience(120))
    ran = harness.run(built, ROOT / "examples/class/ada_complete", about, preset, tmp_path / "run")
    reading = platform.read(ran.results, ran.log, timed_out=ran.timed_out)
    assert (reading.failure, reading.score, ran.killed) == ("", 39.0, 0), ran.log


def test_setting_up_again_installs_nothing_and_is_ready(built: image.Image, tmp_path: Path) -> None:
    again = in_it(built, tmp_path / "again", "/bin/bash", "/autograder/source/setup.sh")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "packages are installed already" in again.stdout and "setup: ready" in again.stdout
    assert "making the user" not in again.stdout


def test_the_students_user_reads_its_room_and_neither_reference_nor_hidden_tests(
    built: image.Image, tmp_path: Path
) -> None:
    script = (
        "cd /; for file in autograder/student_room/program.py reference/attention.py tests/hidden/test_4a_attention.py; "
        "do setpriv --reuid student --regid student --clear-groups cat /autograder/source/$file >/dev/null && echo $file; done"
    )
    seen = in_it(built, tmp_path / "seen", "/bin/bash", "-c", script)
    assert seen.stdout.split() == ["autograder/student_room/program.py"]
    assert seen.stderr.count("Permission denied") == 2
