"""A machine that lacks something is told in one sentence, before anything is imported that it lacks."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.core import needed

ROOT = Path(__file__).resolve().parents[2]


def test_here_nothing_is_missing() -> None:
    assert needed.missing() == ""


@pytest.mark.parametrize("absent, said", [({"torch"}, "torch is missing"), ({"rich", "yaml"}, "rich and pyyaml are")])
def test_what_is_missing_is_named_with_the_line_that_gets_it(
    monkeypatch: pytest.MonkeyPatch, absent: set[str], said: str
) -> None:
    monkeypatch.setattr(needed, "find_spec", lambda name: None if name in absent else object())
    text = needed.missing()
    assert said in text and text.endswith(" ".join(needed.PACKAGES[name] for name in needed.PACKAGES if name in absent))


@pytest.mark.parametrize(
    ("found", "fits"),
    [("2.4.0", True), ("2.10.1+cu130", True), ("3.0.0a0+git1234", True), ("unknown", True), ("", True),
     ("2.0.1+cu117", False), ("1.13.1", False), ("2.3.9", False)],
)  # fmt: skip
def test_an_old_torch_is_told(monkeypatch: pytest.MonkeyPatch, found: str, fits: bool) -> None:
    monkeypatch.setattr(needed, "version", lambda package: found)
    text = needed.missing()
    assert (text == "") == fits
    assert fits or (f"torch {found} is here, and 2.4 or newer" in text and "pip install --upgrade torch" in text)


def test_the_oldest_torch_is_the_one_that_pip_is_told() -> None:
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"torch>={".".join(map(str, needed.OLDEST_TORCH))}"' in declared


def test_an_old_python_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 8, 10))
    assert "this is Python 3.8, and Python 3.10 or newer" in needed.missing()


def test_an_old_python_can_read_what_tells_it() -> None:
    for file in ("__init__.py", "__main__.py", "core/__init__.py", "core/needed.py"):
        ast.parse((ROOT / "autograder" / file).read_text(encoding="utf-8"), feature_version=(3, 8))


def test_a_bare_interpreter_gets_a_sentence_and_no_traceback() -> None:
    # -S: the standard library alone
    for argument in ("-m autograder check .", "-c from\tautograder\timport\tcheck"):
        flag, *rest = argument.split(" ")
        command = [sys.executable, "-S", flag, *(part.replace("\t", " ") for part in rest)]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        last = run.stderr.strip().splitlines()[-1]
        assert run.returncode != 0 and "are missing here. Run:" in last and "pip install torch" in last
        assert flag == "-c" or len(run.stderr.strip().splitlines()) == 1
