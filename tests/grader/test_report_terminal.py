"""The report in a terminal: what a student reads at midnight, at any width, with and without colour."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from rich.cells import cell_len

from autograder.core.records import Feedback, Finding, Severity, Status, TestResult
from autograder.report import class_table, summary
from tests.grader import example_reports, outputs

ROOT = Path(__file__).parents[2]
REPORTS = sorted(example_reports.ALL)
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("width", [40, 59, 60, 80, 110])
def test_no_line_is_wider_than_the_terminal_nor_ends_in_blanks(name: str, width: int) -> None:
    lines = outputs.printed(example_reports.ALL[name](), width=width, colour=False).split("\n")
    assert all(cell_len(line) <= width and line == line.rstrip(" ") for line in lines)
    assert lines[-1] == ""


@pytest.mark.parametrize("name", REPORTS)
def test_without_colour_there_is_no_escape_and_with_it_only_colours(name: str) -> None:
    report = example_reports.ALL[name]()
    plain = outputs.printed(report, width=80, colour=False)
    coloured = outputs.printed(report, width=80, colour=True)
    assert "\x1b" not in plain
    assert COLOURS.search(coloured)
    assert "\x1b" not in COLOURS.sub("", coloured)


def test_the_message_block_is_aligned_and_the_points_stand_at_the_edge() -> None:
    lines = outputs.printed(example_reports.wrong_attention(), width=80, colour=False).split("\n")
    start = next(i for i, line in enumerate(lines) if "✗ 4a.4" in line)
    assert re.fullmatch(r"  ✗ 4a\.4 matches softmax\(QKᵀ/√d\)V on random weights +failed 0/4", lines[start])
    assert lines[start + 1].startswith("    found     your output equals")
    assert lines[start + 2].startswith(" " * 14 + "QUERIES")
    assert any(re.fullmatch(r"4a Scaled dot-product attention +5/10", line) for line in lines[:start])


def test_the_last_lines_give_the_total_and_what_to_do_next() -> None:
    assert outputs.printed(example_reports.wrong_attention(), width=80, colour=False).endswith(
        "Total 34/39 points\nNext: 4a.4 (hw6.ipynb cell 14 line 13, in __init__): look at the dim argument of\n"
        "your softmax: which axis holds the keys?\n"
    )
    assert "nothing to fix" in outputs.printed(example_reports.full_marks(), width=80, colour=False)
    assert "fix what is said above" in outputs.printed(example_reports.unusable(), width=80, colour=False)
    ours = outputs.printed(example_reports.grader_error(), width=110, colour=False)
    assert "Total 32/39 points, 7 of them not graded yet\nNext: part of this was not graded, by our fault" in ours


def test_a_run_of_no_test_says_so() -> None:
    text = outputs.printed(example_reports.report((), example_reports.submission()), width=80, colour=False)
    assert "No test was run" in text
    assert "no test here looks at this question" in text


def test_results_that_students_see_later_are_not_called_no_tests() -> None:
    later = [msgspec.structs.replace(test, visibility="after_due_date") for test in example_reports.full_marks().tests]
    report = example_reports.report(tuple(later), example_reports.submission())
    assert outputs.next_step(report, "student") == "what the tests found is not shown yet."


def test_only_skipped_tests_point_at_what_they_need() -> None:
    skipped = [test for test in example_reports.wrong_attention().tests if test.number == "4a.10"]
    report = example_reports.report(tuple(skipped), example_reports.submission())
    text = outputs.printed(report, width=80, colour=False)
    assert "Still to do: 4a.10: needs 4a.4 to pass" in text


def test_a_reason_that_repeats_is_printed_once_with_the_tests_that_it_decides() -> None:
    text = outputs.printed(example_reports.unusable(), width=110, colour=False)
    assert text.count("ends in the middle of a cell") == 1
    assert text.count("could not be used: see above") == 1  # and "(as above)" in each question after the first
    heads = [" ".join(line.split()) for line in text.split("\n") if "tests, for one reason" in line]
    assert "✗ 4a.1 – 4a.10 6 tests, for one reason failed 0/10" in heads
    assert text.count("(as above)") == 8


def test_tests_with_reasons_of_their_own_or_points_of_their_own_are_told_one_by_one() -> None:
    half = Feedback(found="half of it")
    tests = [
        TestResult("4a.1", "one", Status.FAILED, 0.0, 1.0, feedback=half),
        TestResult("4a.2", "two", Status.FAILED, 0.5, 1.0, feedback=half),
        TestResult("4a.3", "three", Status.SKIPPED, 0.0, 1.0, feedback=half),
        TestResult("4a.4", "four", Status.PASSED, 1.0, 1.0),
        TestResult("4a.5", "five", Status.PASSED, 1.0, 1.0),
    ]
    text = outputs.printed(example_reports.report(tuple(tests), example_reports.submission()), width=80, colour=False)
    assert "for one reason" not in text
    assert all(name in text for name in ("one", "two", "three", "four", "five"))


def test_questions_without_points_that_wait_for_the_same_thing_are_told_as_one() -> None:
    waiting = Feedback(found="nothing is filled in yet")
    numbers = ("1.p1", "2a.p1", "2a.p2", "3c.b.p1")
    tests = [TestResult(number, "a box", Status.SKIPPED, 0.0, 0.0, feedback=waiting) for number in numbers]
    text = outputs.printed(example_reports.report(tuple(tests), example_reports.submission()), width=80, colour=False)
    assert "1 – 3c.b not checked yet" in text
    assert " ".join(text.split()).count("1.p1 – 3c.b.p1 4 tests, for one reason skipped") == 1
    assert text.count("skipped   nothing is filled in yet") == 1


def test_a_long_test_name_wraps_under_itself_and_its_verdict_stays_in_the_first_line() -> None:
    test = example_reports.passed("4a.1", "builds, and turns (batch, tokens, input_dim) into its counterpart", 1.0)
    text = outputs.printed(example_reports.report((test,), example_reports.submission()), width=60, colour=False)
    first, second = next((a, b) for a, b in zip(text.split("\n"), text.split("\n")[1:]) if "✓" in a)
    assert first.endswith("passed 1/1") and first.index("builds") == len(second) - len(second.lstrip())


def test_the_command_to_run_again_is_told_once_and_narrowed_to_what_is_to_be_mended() -> None:
    again = "python -m autograder check ."
    text = outputs.printed(example_reports.wrong_attention(), width=80, colour=False, again=again)
    assert text.endswith("Again: python -m autograder check . --question 4a\n")
    assert "--only" not in text, "the test's own line gives way to it"
    assert "Again" not in outputs.printed(example_reports.full_marks(), width=80, colour=False, again=again)
    one = outputs.printed(example_reports.wrong_attention(), width=80, colour=False, again=f"{again} --question 4")
    assert one.endswith("Again: python -m autograder check . --question 4\n")


def test_what_a_failed_test_says_is_not_said_again_as_a_finding() -> None:
    finding = example_reports.wrong_attention().submission.findings[1]
    test = TestResult(
        "4a.3", "permitted", Status.FAILED, 0.0, 2.0, feedback=Feedback(found=f"no: {finding.message}", fix="x")
    )
    report = example_reports.report((test,), example_reports.submission(findings=(finding, finding)))
    text = outputs.printed(report, width=110, colour=False)
    assert text.count("nn.Sequential, which the handout does not permit") == 1
    passed = example_reports.report((example_reports.passed("4a.1", "builds", 1.0),), report.submission)
    text = outputs.printed(passed, width=110, colour=False)
    assert text.count("nn.Sequential, which the handout does not permit") == 1, "one line, though two classes have it"


def test_who_asks_about_one_question_is_told_nothing_of_the_others() -> None:
    about = [Finding("template", Severity.REMARK, f"about {what}", what) for what in ("4a", "4b", None)]
    submission = example_reports.submission(findings=tuple(about))
    one = example_reports.report((example_reports.passed("4a.1", "builds", 1.0),), submission)
    assert [f.message for f in summary.findings(summary.summarise(one), "student")] == ["about 4a", "about None"]
    assert len(summary.findings(summary.summarise(one), "staff")) == 3
    assert len(summary.findings(summary.summarise(example_reports.report((), submission)), "student")) == 3


def test_what_staff_need_comes_before_the_tests() -> None:
    text = outputs.printed(example_reports.wrong_attention(), width=80, colour=False, audience="staff")
    assert (
        text.index("For staff") < text.index("FLAGGED") < text.index("case 3 of 12") < text.index("2a 1D convolution")
    )
    assert text.count("FLAGGED") == 1
    assert "Next: look at the 1 flag for staff. The student's next step: 4a.4" in text
    assert "case 3 of 12" not in outputs.printed(example_reports.wrong_attention(), width=80, colour=False)


def test_markup_of_a_student_is_text() -> None:
    assert "[bold]x[/bold]" in outputs.printed(example_reports.hostile_text(), width=110, colour=True)


def test_students_see_no_flags_and_staff_do() -> None:
    report = example_reports.wrong_attention()
    assert "FLAGGED" not in outputs.printed(report, width=80, colour=False)
    assert "FLAGGED" in outputs.printed(report, width=80, colour=False, audience="staff")
    ours = example_reports.grader_error()
    assert "STAFF-ONLY" not in outputs.printed(ours, width=80, colour=False)
    assert "STAFF-ONLY cut" in outputs.printed(ours, width=80, colour=False, audience="staff")


def test_a_class_is_a_table_with_a_row_for_each_and_no_zero_for_what_was_not_graded() -> None:
    rows = [outputs.class_row(name, make()) for name, make in example_reports.ALL.items() if name != "hostile text"]
    lines = class_table.class_table(rows, width=140, colour=False).split("\n")
    assert lines[1].split()[:12] == "id 2a 2b 2c 3a 3c.a 3c.b 4a 4b 4c total remark".split()
    cells = {line.strip()[:15].strip(): line.split() for line in lines[3:7]}
    assert cells["full marks"][-10:] == ["2", "2", "2", "5", "2", "6", "10", "5", "5", "39"]
    assert cells["grader error"][2:12] == ["2", "2", "2", "5", "2", "6", "10", "–", "–", "–"]
    assert "ends in the middle" in next(line for line in lines if "unusable" in line)
    assert "4 submissions, mean 24.33, 1 not wholly graded" in lines


def test_a_hostile_name_and_remark_stay_in_their_cells() -> None:
    row = outputs.class_row(example_reports.HOSTILE, example_reports.hostile_text())
    text = class_table.class_table([msgspec.structs.replace(row, points={}, total=None)], width=120, colour=False)
    assert not set(text) & set("<>\x1b\x00\u202e")
    assert len(text.strip("\n").split("\n")) == 5
    assert class_table.class_table([], width=80, colour=False).endswith("0 submissions\n")


def test_rich_and_jinja_are_not_loaded_until_something_is_drawn() -> None:
    code = "import sys, autograder.report.results, autograder.report.terminal, autograder.report.html\n"
    code += "print(sorted({'rich', 'jinja2', 'pygments', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
