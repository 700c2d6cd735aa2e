"""A copy of the project with a history of its own, for what is made from what is committed.

Why separate: the folder that the tests run in may hold changes, belong to somebody else, or be no repository at all.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("autograder", "reference", "tests/hidden", "tests/public", "student_template", "scripts")
FILES = ("LICENSE", "README.md", "pyproject.toml", "setup.sh", "run_autograder")


def copied(root: Path, *, data: bool = False) -> Path:
    """What the zips are made from, in `root`; `data`: with the digits that grading needs."""
    for part in FOLDERS:
        ignored = ("__pycache__",) if data else ("__pycache__", "data")
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns(*ignored))
    for name in FILES:
        shutil.copy2(ROOT / name, root / name)
    return root


def committed(root: Path) -> None:
    """All of it, in a new repository. Skips where there is no git."""
    if shutil.which("git") is None:
        pytest.skip("git is not here, and the zip is made from what is committed")
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True)
