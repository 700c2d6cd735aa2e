"""Reading in a throw-away process: the caller survives whatever the file does, and learns it in words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.core.errors import GraderFault, UsageError
from autograder.core.records import Submission
from autograder.handin.load import load
from autograder.handin.reader import _in_child, _words, read
from tests.grader.processes import descendants, parent
from tests.grader.submission_samples import BOTH, notebook

pytestmark = pytest.mark.boxed


def no_child_is_left() -> bool:
    """Neither alive nor unburied; the tests' own fork server is no child of the reader's."""
    left = [pid for pid in descendants(os.getpid()) if parent(pid) == os.getpid()]
    return not [pid for pid in left if b"engine.forkserver" not in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_an_honest_hand_in_comes_back_as_load_gives_it(tmp_path: Path) -> None:
    (tmp_path / "hw6.ipynb").write_text(notebook(BOTH))
    submission = read(tmp_path)
    assert submission.programs == load(tmp_path).programs
    assert submission.digest == load(tmp_path).digest
    assert submission.findings[: len(load(tmp_path).findings)] == load(tmp_path).findings
    assert no_child_is_left()


def test_the_rules_are_applied(tmp_path: Path) -> None:
    (tmp_path / "hw6.py").write_text(BOTH.replace("return x", "return nn.MultiheadAttention(8, 1)(x, x, x)[0]", 1))
    assert any(finding.question == "4a" and finding.place for finding in read(tmp_path).findings)


def test_a_path_that_is_not_there_is_the_callers_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing at"):
        read(tmp_path / "none")


@pytest.mark.parametrize(
    "source", ["x = " + "-" * 90_000 + "1", "x = " + "(" * 90_000, "a" + ".b" * 90_000, "[" * 300_000]
)
def test_a_file_that_exhausts_the_parser_costs_at_most_itself(source: str, tmp_path: Path) -> None:
    (tmp_path / "hw6.py").write_text(source + "\n" + BOTH)
    submission = read(tmp_path)
    assert submission.problem or submission.unusable or submission.programs
    assert "Traceback" not in submission.problem
    assert no_child_is_left()


def test_what_a_class_run_imports_once_brings_no_torch() -> None:
    code = "import sys; from autograder.handin.reader import import_once; import_once(); print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"IPython.core.inputtransformer2", "autograder.handin.rules"} <= set(modules)
    assert not {"torch", "numpy"} & set(modules)


def forever() -> Submission:
    while True:
        time.sleep(1)


CTRL_C_AT_THE_FORK = """
import os, signal, sys
from pathlib import Path
from autograder.handin import reader
os.register_at_fork(after_in_parent=lambda: signal.raise_signal(signal.SIGINT))
try:
    reader.read(Path(sys.argv[1]))
except KeyboardInterrupt:
    print("heard")
"""


def test_a_ctrl_c_that_comes_while_the_reader_is_forked_is_heard(tmp_path: Path) -> None:
    (tmp_path / "hw6.py").write_text(BOTH)
    done = subprocess.run([sys.executable, "-c", CTRL_C_AT_THE_FORK, str(tmp_path)], capture_output=True, text=True, check=False,
                          preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))  # fmt: skip
    assert done.stdout == "heard\n", done.stderr


def test_the_time_is_kept_from_outside() -> None:
    reply, status, late = _in_child(forever, 0.3)
    assert (reply, late) == (b"", True)
    assert "0.3 seconds" in _words(reply, status, late, 0.3)
    assert no_child_is_left()


def crash() -> Submission:
    os.kill(os.getpid(), 11)
    raise AssertionError


def test_a_crash_of_the_parser_is_said_in_words() -> None:
    reply, status, late = _in_child(crash, 5)
    assert "nested too deeply" in _words(reply, status, late, 5)


def hoard() -> Submission:
    return Submission(name="x" * 3 * 2**30, file="", digest="")


def test_too_much_memory_is_said_in_words() -> None:
    reply, status, late = _in_child(hoard, 20)
    assert "memory" in _words(reply, status, late, 20)


def recurse() -> Submission:
    return recurse()


def test_recursion_without_end_is_said_in_words() -> None:
    assert "nested too deeply" in _words(*_in_child(recurse, 20), 20)


def vanish() -> Submission:
    os._exit(3)


def test_a_child_that_vanishes_is_said_in_words() -> None:
    assert "without a result" in _words(*_in_child(vanish, 5), 5)


def test_our_own_fault_is_never_put_to_the_student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path) -> Submission:
        raise AttributeError("a slip of ours")

    (tmp_path / "hw6.py").write_text(BOTH)
    monkeypatch.setattr("autograder.handin.reader.load", broken)
    with pytest.raises(GraderFault, match="a slip of ours"):
        read(tmp_path)
