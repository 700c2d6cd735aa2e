"""Grading with the hidden tests of 4(a) and 4(b) alone: hundreds of styles are judged so, and none of them trained.

Why separate: a training takes ten times as long as all of 4(a) and 4(b); which styles train is `test_smoke_training`'s.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from autograder.grading import HIDDEN, Options

FILES = ("test_4a_attention.py", "test_4b_layer.py")


def options(folder: Path) -> Options:
    """Options that take the two files from a folder made inside `folder`."""
    tests = folder / "hidden tests"
    tests.mkdir()
    for name in FILES:
        shutil.copy(HIDDEN / name, tests / name)
    return Options(tests=tests)
