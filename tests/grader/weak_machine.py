"""A machine without a layer, for tests: the line that starts the engine is replaced, so that a real engine lacks it."""

from __future__ import annotations

import pytest

from autograder.grading import supervisor

NO_LANDLOCK = "from autograder.sandbox import landlock; landlock.restrict = lambda *a, **k: False"
NO_OTHER_USER = "from autograder.sandbox import lockdown; lockdown.student_ids = lambda child: None"


def without(monkeypatch: pytest.MonkeyPatch, *changes: str) -> None:
    """Every engine of this test is started with these statements before its own."""
    path, own = supervisor._START.split("; ", 1)[0], supervisor._START.split("; ", 1)[1]
    insert, own = own.split("; ", 1)
    monkeypatch.setattr(supervisor, "_START", "\n".join([path, insert, *changes, own]))
