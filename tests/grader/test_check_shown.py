"""What `check` shows while it runs and at its end: progress where it fits, matrices whole, one next step last."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.cli import progress
from autograder.core.records import Feedback, Status, TestResult
from autograder.report import terminal
from autograder.report.matrices import Matrix, in_columns, number, pieces
from autograder.report.summary import summarise
from tests.grader import example_reports
from tests.grader.honest_styles import ATTENTION, IMPORTS
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

ADA = ROOT / "examples" / "class" / "ada_complete"


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


def test_a_bar_is_drawn_in_a_terminal_alone() -> None:
    assert progress.draws(Terminal(), {"TERM": "xterm"})
    assert not progress.draws(io.StringIO(), {"TERM": "xterm"})
    assert not progress.draws(Terminal(), {"TERM": "dumb"})
    for kernel in progress.KERNELS:  # the cell of a notebook says that it is a terminal
        assert not progress.draws(Terminal(), {"TERM": "xterm", kernel: "1"})


def test_lines_tell_each_question_once_and_hold_no_escape() -> None:
    whole = example_reports.full_marks()
    stream = io.StringIO()
    with progress.shown("hw6\x1b[2J.ipynb", stream, {}) as watch:
        for done in range(len(whole.tests) + 1):
            report = example_reports.report(whole.tests[:done], whole.submission)
            planned = tuple(whole.tests[done:])
            watch(type(report)(report.submission, report.tests, planned))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "checking hw6.ipynb … the first test takes a few seconds"
    questions = [line.split()[1] for line in lines[1:]]
    assert questions == list(dict.fromkeys(questions)) and {"2a", "4a", "4c"} <= set(questions)
    assert "\x1b" not in stream.getvalue() and max(map(len, lines)) <= 80


def run(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "80", "PYTHONPATH": str(ROOT), **more}
    command = [sys.executable, "-m", "autograder", "check", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=patience(120), env=environment)


@pytest.mark.slow
def test_the_report_goes_to_standard_output_and_progress_does_not() -> None:
    done = run(ADA, "--question", "4a")
    assert done.returncode == 0 and "checking" not in done.stdout
    assert done.stderr.splitlines() == [
        "checking ada_complete … the first test takes a few seconds", "checking 4a … 0 of 5 tests are done",
    ]  # fmt: skip
    assert done.stdout.rstrip().endswith("preflight " + str(ADA)), "the next step when all is well"
    assert run(ADA, "--question", "2a", "--quiet").stderr == ""


def read_to_the_end(terminal: int) -> str:
    """What a terminal was written until nobody has it open any more, which Linux tells by an error."""
    parts = []
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 1 << 16):
            parts.append(part)
    return b"".join(parts).decode()


@pytest.mark.slow
def test_the_bar_is_gone_when_the_report_comes() -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT)}
    for name in progress.KERNELS:
        environment.pop(name, None)
    command = [sys.executable, "-m", "autograder", "check", str(ADA), "--question", "2a"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env=environment) as process:
        os.close(theirs)
        drawn = read_to_the_end(ours)
    os.close(ours)
    assert process.returncode == 0 and "checking" in drawn and "2/2" in drawn
    assert drawn.rstrip("\r\n").endswith("\x1b[2K"), "the last stroke wipes it"


# --- the end -----------------------------------------------------------------------------------------------------------


def printed(width: int, **more: object) -> list[str]:
    whole = summarise(example_reports.wrong_attention())
    return terminal.render(whole, width=width, colour=False, **more).splitlines()  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_what_was_not_checked_comes_before_the_next_step_and_fits(width: int) -> None:
    left = (
        "Not checked: 4c (Vision Transformer on MNIST). " + "It is judged when you hand in. " * 5,
        "Not checked: 1.",
    )
    lines = printed(width, left=left, again="python -m autograder check .")
    places = [next(i for i, line in enumerate(lines) if line.startswith(word)) for word in ("Not", "Total", "Next:")]
    assert places == sorted(places) and max(map(len, lines)) <= width
    assert " ".join(lines).split("Again:")[1].strip() == "python -m autograder check . --question 4a"


def test_the_step_after_all_is_well_is_not_told_while_something_is_left() -> None:
    assert not any("preflight" in line for line in printed(80, then="preflight ."))


# --- matrices ----------------------------------------------------------------------------------------------------------

TEXT = """batch 1, tokens 2; every weight 1
x          [[[0], [1]]]
expected   [[[0.5, 0.5, 0.5, 0.5], [0.8808, 0.8808, 0.8808, 0.8808]]]
head(torch.tensor([[[0.], [1.]]]))"""

NONE = [
    "a sentence about [[1, 2], [3, 4]] and more", "x  [1, 2]", "x  [[1, 2], [3]]", "x  [[1, 2], [3, [4]]]",
    "x  [[1, 'a']]", "x  [[]]", "x  [[1, 2]", "head(torch.tensor([[[0.], [1.]]]))", "x  [[true, false]]", "",
    "x  " + "[" * 5000 + "]" * 5000, "x  [" + ", ".join(["[1, 2]"] * 300) + "]", "x  [[[[1]]]]",
]  # fmt: skip


@pytest.mark.parametrize("line", NONE, ids=[line[:30] for line in NONE])
def test_what_is_no_matrix_stays_the_text_that_it_was(line: str) -> None:
    assert list(pieces(line)) == [line]


def test_a_message_is_cut_into_its_matrices_and_the_lines_between() -> None:
    first, x, expected, last = pieces(TEXT)
    assert (first, last) == (TEXT.split("\n")[0], TEXT.split("\n")[-1])
    assert isinstance(x, Matrix) and x.samples == (((0.0,), (1.0,)),)
    assert isinstance(expected, Matrix) and expected.label == "expected" and expected.largest == 0.8808
    assert in_columns(expected) == ["   0.5    0.5    0.5    0.5", "0.8808 0.8808 0.8808 0.8808"]


def test_two_matrices_in_one_sentence_are_two() -> None:
    text = "read as [[0.889, 0.667], [0.667, 0.667]] and [[1, 1], [1, 1]]"
    first, second = pieces(text)
    assert isinstance(first, Matrix) and isinstance(second, Matrix)
    assert (first.label, second.label) == ("read as", "and") and second.samples == (((1.0, 1.0), (1.0, 1.0)),)
    assert list(pieces("read as [[1]] and [2]")) == ["read as [[1]] and [2]"]


def test_numbers_that_are_none_and_several_samples_are_told() -> None:
    [odd] = pieces("yours  [[[nan, 1], [-inf, 0.00001]], [[0, 2], [3, -4.5]]]")
    assert isinstance(odd, Matrix) and odd.largest == 4.5
    assert in_columns(odd) == ["sample 0", " nan    1", "-inf    0", "sample 1", "   0    2", "   3 -4.5"]
    assert [number(value) for value in (1.0, -0.00001, 0.98204)] == ["1", "0", "0.982"]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_matrix_is_not_broken_anywhere(width: int) -> None:
    test = TestResult("4a.p3", "an example", Status.FAILED, 0.0, 0.0, feedback=Feedback(smallest=TEXT))
    report = example_reports.report((test,), example_reports.submission())
    lines = terminal.render(summarise(report), width=width, colour=False).splitlines()
    assert max(map(len, lines)) <= width
    assert any(line.strip().endswith("0.8808 0.8808 0.8808 0.8808") for line in lines)


def test_where_it_fits_it_stands_as_it_was() -> None:
    test = TestResult("4a.p3", "an example", Status.FAILED, 0.0, 0.0, feedback=Feedback(smallest=TEXT))
    report = example_reports.report((test,), example_reports.submission())
    assert "expected   [[[0.5, 0.5, 0.5, 0.5], [0.8808," in terminal.render(summarise(report), width=110, colour=False)


def test_a_narrow_report_says_in_words_what_failed() -> None:
    lines = " ".join(printed(40))
    assert "weights: failed 0/4" in lines and "✓" in lines


def test_what_a_call_leaves_behind_is_told_as_that_in_each_public_test_that_sees_it(tmp_path: Path) -> None:
    counted = "self.calls = 1 + getattr(self, 'calls', 0)\n        return self.calls * "
    (tmp_path / "hw6.py").write_text(IMPORTS + counted.join(ATTENTION["plain"].rsplit("return ", 1)), "utf-8")
    shown = " ".join(run(tmp_path, "--question", "4a", "--quiet").stdout.split())
    assert "4a.p4 treats" in shown and "leaves something behind" in shown
    assert "alone than in its batch" not in shown and "dropout must rest" not in shown
