"""The report in a terminal: what a student reads at midnight, at any width, with and without colour."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from rich.cells import cell_len

from autograder.report import terminal
from tests.grader import example_reports

ROOT = Path(__file__).parents[2]
REPORTS = sorted(example_reports.ALL)
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("width", [40, 59, 60, 80, 110])
def test_no_line_is_wider_than_the_terminal_nor_ends_in_blanks(name: str, width: int) -> None:
    lines = terminal.render(example_reports.ALL[name](), width=width, colour=False).split("\n")
    assert all(cell_len(line) <= width and line == line.rstrip(" ") for line in lines)
    assert lines[-1] == ""


@pytest.mark.parametrize("name", REPORTS)
def test_without_colour_there_is_no_escape_and_with_it_only_colours(name: str) -> None:
    report = example_reports.ALL[name]()
    plain = terminal.render(report, width=80, colour=False)
    coloured = terminal.render(report, width=80, colour=True)
    assert "\x1b" not in plain
    assert COLOURS.search(coloured)
    assert "\x1b" not in COLOURS.sub("", coloured)


def test_the_message_block_is_aligned_and_the_points_stand_at_the_edge() -> None:
    lines = terminal.render(example_reports.wrong_attention(), width=80, colour=False).split("\n")
    start = next(i for i, line in enumerate(lines) if "✗ 4a.4" in line)
    assert re.fullmatch(r"  ✗ 4a\.4 matches softmax\(QKᵀ/√d\)V on random weights +failed 0/4", lines[start])
    assert lines[start + 1].startswith("    found     your output equals")
    assert lines[start + 2].startswith(" " * 14 + "QUERIES")
    assert any(re.fullmatch(r"4a Scaled dot-product attention +5/10", line) for line in lines[:start])


def test_the_last_lines_give_the_total_and_what_to_do_next() -> None:
    assert terminal.render(example_reports.wrong_attention(), width=80, colour=False).endswith(
        "Total 34/39 points\nNext: look at 4a.4 first, then run this again.\n"
    )
    assert "nothing to mend" in terminal.render(example_reports.full_marks(), width=80, colour=False)
    assert "mend what is said above" in terminal.render(example_reports.unusable(), width=80, colour=False)
    ours = terminal.render(example_reports.grader_error(), width=110, colour=False)
    assert "Total 32/39 points, 7 of them not graded yet\nNext: part of this was not graded, by our fault" in ours


def test_a_run_of_no_test_says_so() -> None:
    text = terminal.render(example_reports.report((), example_reports.submission()), width=80, colour=False)
    assert "No test was run" in text
    assert "no test was run" in text


def test_only_skipped_tests_point_at_what_they_need() -> None:
    skipped = [test for test in example_reports.wrong_attention().tests if test.number == "4a.10"]
    report = example_reports.report(tuple(skipped), example_reports.submission())
    assert "what the skipped tests need" in terminal.render(report, width=80, colour=False)


def test_a_reason_that_repeats_is_printed_once() -> None:
    text = terminal.render(example_reports.unusable(), width=110, colour=False)
    assert text.count("ends in the middle of a cell") == 2  # at the top, and at the first test
    assert text.count("(as above)") == len(example_reports.SUITE) - 1


def test_markup_of_a_student_is_text() -> None:
    assert "[bold]x[/bold]" in terminal.render(example_reports.hostile_text(), width=110, colour=True)


def test_students_see_no_flags_and_staff_do() -> None:
    report = example_reports.wrong_attention()
    assert "FLAGGED" not in terminal.render(report, width=80, colour=False)
    assert "FLAGGED" in terminal.render(report, width=80, colour=False, audience="staff")
    ours = example_reports.grader_error()
    assert "STAFF-ONLY" not in terminal.render(ours, width=80, colour=False)
    assert "STAFF-ONLY cut" in terminal.render(ours, width=80, colour=False, audience="staff")


def test_a_class_is_a_table_with_a_row_for_each_and_no_zero_for_what_was_not_graded() -> None:
    rows = [terminal.class_row(name, make()) for name, make in example_reports.ALL.items() if name != "hostile text"]
    lines = terminal.class_table(rows, width=140, colour=False).split("\n")
    assert lines[1].split()[:12] == "id 2a 2b 2c 3a 3c.a 3c.b 4a 4b 4c total remark".split()
    cells = {line.strip()[:15].strip(): line.split() for line in lines[3:7]}
    assert cells["full marks"][-10:] == ["2", "2", "2", "5", "2", "6", "10", "5", "5", "39"]
    assert cells["grader error"][2:12] == ["2", "2", "2", "5", "2", "6", "10", "–", "–", "–"]
    assert "ends in the middle" in next(line for line in lines if "unusable" in line)
    assert "4 submissions, mean 24.33, 1 not wholly graded" in lines


def test_a_hostile_name_and_remark_stay_in_their_cells() -> None:
    row = terminal.class_row(example_reports.HOSTILE, example_reports.hostile_text())
    text = terminal.class_table([msgspec.structs.replace(row, points={}, total=None)], width=120, colour=False)
    assert not set(text) & set("<>\x1b\x00\u202e")
    assert len(text.strip("\n").split("\n")) == 5
    assert terminal.class_table([], width=80, colour=False).endswith("0 submissions\n")


def test_rich_and_jinja_are_not_loaded_until_something_is_drawn() -> None:
    code = "import sys, autograder.results, autograder.report.terminal, autograder.report.html\n"
    code += "print(sorted({'rich', 'jinja2', 'pygments', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
