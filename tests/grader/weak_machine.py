"""A machine without a layer, for tests: the line that starts the engine is replaced, so that a real engine lacks it."""

from __future__ import annotations

import pytest

from autograder.commands.batch import lanes
from autograder.grading import supervisor

NO_LANDLOCK = "from autograder.sandbox import landlock; landlock.restrict = lambda *a, **k: False"
NO_OTHER_USER = "from autograder.sandbox import lockdown; lockdown.student_ids = lambda child: None"


def without(monkeypatch: pytest.MonkeyPatch, *changes: str) -> None:
    """Every engine of this test, those of a class's lanes among them, is started with these statements first."""
    path, own = supervisor._START.split("; ", 1)[0], supervisor._START.split("; ", 1)[1]
    insert, own = own.split("; ", 1)
    start = "\n".join([path, insert, *changes, own])
    monkeypatch.setattr(supervisor, "_START", start)
    path, insert, own = lanes._START.split("; ", 2)
    patched = f"from autograder.grading import supervisor; supervisor._START = {start!r}"
    monkeypatch.setattr(lanes, "_START", "; ".join([path, insert, patched, own]))
