"""What the student's process can see of us: nothing. A real submission looks everywhere, in a real grading."""

import os
from pathlib import Path

import pytest

import autograder
from autograder.grading import Options, grade

pytestmark = pytest.mark.boxed
ROOT = Path(autograder.__file__).parent.parent

# Looks from inside __init__ and prints what it finds; then raises, so that staff get its output.
PROBE = """
import os, sys, torch
from torch import nn

SECRETS = {secrets!r}

class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        found = []
        for path in SECRETS:
            try:
                with open(path, "rb") as file:
                    file.read(1)
                found.append(path)
            except OSError:
                pass
        for folder in ("/", "/home", "/root", "/etc", "/tmp", "/proc", {root!r}):
            try:
                os.listdir(folder)
                found.append(folder + "/")
            except OSError:
                pass
        modules = [m for m in sys.modules if m.split(".")[0] in ("reference", "tests", "pytest", "_pytest", "conftest", "typer", "rich")]
        ours = sorted(m for m in sys.modules if m.startswith("autograder"))
        names = [n for n in os.environ if "SECRET" in n or "TOKEN" in n]
        import gc
        objects = [type(o).__module__ for o in gc.get_objects() if type(o).__module__.startswith(("reference", "_pytest"))]
        print("FILES", found, "MODULES", modules, "NAMES", names, "ARGV", sys.argv, "OBJECTS", objects[:3], "OURS", ours)
        raise ValueError("looked")

    def forward(self, x):
        return x
"""
ALLOWED_OURS = (
    "autograder",
    "autograder.sandbox",
    "autograder.student_room",
    "autograder.core.policy",
    "autograder.core.records",
)


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("probe")
    secret = folder / "secret.txt"
    secret.write_text("course secret")
    secrets = [str(p) for d in ("reference", "tests/hidden", "autograder") for p in (ROOT / d).rglob("*.py")]
    secrets += [str(secret), "/etc/passwd", "/etc/shadow", "/proc/self/environ", "/proc/self/maps", f"/proc/{os.getpid()}/environ",
                f"/proc/{os.getppid()}/mem", str(ROOT / "pyproject.toml"), str(ROOT / ".git/HEAD")]  # fmt: skip
    (folder / "hw6.py").write_text(PROBE.format(secrets=secrets, root=str(ROOT)))
    os.environ["AUTOGRADER_SECRET"] = "the course secret"
    try:
        report = grade(folder, Options(only="4a.1"))
    finally:
        del os.environ["AUTOGRADER_SECRET"]
    assert "files" in report.isolation, "this machine has no Landlock: the files of an ordinary user are not closed"
    return report.tests[0].staff


def test_it_can_open_no_file_of_ours_and_list_no_folder(looked: str) -> None:
    assert "FILES []" in looked, looked


def test_its_memory_holds_no_module_and_no_object_of_the_trusted_room(looked: str) -> None:
    assert "MODULES []" in looked and "OBJECTS []" in looked, looked
    ours = looked.split("OURS [")[1].split("]")[0].replace("'", "").split(", ")
    assert ours and all(name.startswith(ALLOWED_OURS) for name in ours), ours


def test_its_environment_and_arguments_tell_nothing(looked: str) -> None:
    assert "NAMES []" in looked, looked
    assert "secret" not in looked.split("ARGV")[1].lower()
