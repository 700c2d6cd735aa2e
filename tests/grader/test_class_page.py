"""A class as one page: numbers that are right, words that are text, and a browser that shows and filters it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from autograder.core.records import Chart, Feedback, Finding, Line, Report, Severity, Status, Submission, TestResult
from autograder.report.class_page import class_page
from autograder.report.class_table import class_row
from autograder.report.overview import Overview, essence, overview, student
from autograder.report.summary import summarise
from tests.grader.browser import CHROMIUM
from tests.grader.pace import patience

NAMES = {"4a": ("Attention", 2.0), "4a.1": ("builds", 1.0), "4a.4": ("formula", 1.0)}
HOSTILE = "<script>alert(1)</script>"


def graded(
    number: int, one: float, two: float, found: str = "it differs", who: str = "", status: Status = Status.FAILED
) -> Report:
    def test(name: str, score: float) -> TestResult:
        outcome = Status.PASSED if score == 1 else status
        return TestResult(name, NAMES[name][0], outcome, score, 1.0, feedback=Feedback(found if score < 1 else ""))

    return Report(Submission(f"s{number:03}", "hw6.py", "0" * 64), (test("4a.1", one), test("4a.4", two)))


def shown(*reports: Report, who: str = "", notes: tuple[str, ...] = ()) -> Overview:
    whole = [summarise(report) for report in reports]
    students = [student(class_row(w.report.submission.name, w), who, w) for w in whole]
    return overview(students, NAMES, notes)


def test_means_and_discrimination_are_those_of_the_points() -> None:
    found = shown(graded(0, 1, 1), graded(1, 1, 0), graded(2, 0, 0), graded(3, 1, 1))
    first, second = found.tests
    assert (first.number, first.mean, first.graded) == ("4a.1", 0.75, 4)
    assert second.mean == 0.5 and second.discrimination == pytest.approx(0.577, abs=0.001)  # of (1,0,0,1), (1,1,0,1)
    assert found.questions[0].mean == pytest.approx(0.625) and found.possible == 2
    assert found.totals == [0, 1, 2, 2] and sum(count for _, _, count in found.histogram) == 4


def test_what_we_failed_to_grade_is_in_no_mean() -> None:
    found = shown(graded(0, 1, 1), graded(1, 1, 0, status=Status.ERROR))
    assert [item.graded for item in found.tests] == [2, 1] and [item.mean for item in found.tests] == [1, 1]
    assert found.totals == [2] and not found.mistakes
    assert "1 wholly graded" in class_page(found)


def test_an_empty_class_and_one_of_one_have_a_page() -> None:
    assert "0 submissions" in class_page(shown())
    alone = shown(graded(0, 1, 0))
    assert alone.tests[0].discrimination is None and "1 submission," in class_page(alone)


def test_a_test_that_the_best_fail_is_named_and_one_that_the_weak_fail_is_not() -> None:
    names = {f"4a.{i}": (f"test {i}", 1.0) for i in range(1, 6)}

    def report(number: int, scores: list[int]) -> Report:
        tests = tuple(
            TestResult(name, title, Status.PASSED if score else Status.FAILED, score, 1.0)
            for (name, (title, _)), score in zip(names.items(), scores)
        )
        return Report(Submission(f"s{number:02}", "hw6.py", "0" * 64), tests)

    # the better half fails the last test, which the weaker half passes
    reports = [report(i, [1, 1, 1, 1, 0]) for i in range(10)] + [report(10 + i, [1, 0, 0, 0, 1]) for i in range(10)]
    whole = [summarise(one) for one in reports]
    found = overview([student(class_row(w.report.submission.name, w), "", w) for w in whole], names)
    assert [item.number for item in found.tests if item.alarm] == ["4a.5"]
    assert "is the test right?" in class_page(found)
    few = overview([student(class_row(w.report.submission.name, w), "", w) for w in whole[:6]], names)
    assert not any(item.alarm for item in few.tests)


ONE_CAUSE = {
    "cases": ("your output equals the reference without the scale (all 4 cases)", "… without the scale (all 2 cases)"),
    "typed values": (
        "your count fits the weights alone; you wrote 32",
        "your count fits the weights alone; you wrote 7",
    ),
    "numbers": ("it recognises 12 % of digits", "it recognises 9.5 % of digits"),
    "losses": ("it exploded (loss in training: 2.3, 8)", "it exploded (loss in training: 2.4, 9, 10)"),
}


@pytest.mark.parametrize("what", ONE_CAUSE)
def test_one_mistake_of_several_students_is_counted_as_one(what: str) -> None:
    one, other = ONE_CAUSE[what]
    assert essence(one).removeprefix("your output equals the reference ") == essence(other).removeprefix("… ")


def test_the_handouts_own_numbers_stay() -> None:
    assert essence("nn.Parameter is not among what 4(a) allows") == "nn.Parameter is not among what 4(a) allows"
    assert essence("") == "no reason was recorded"


def test_the_name_of_a_file_is_one_students_and_those_of_the_homework_are_everybodys() -> None:
    said = "{} is protected by a password (answers.toml). Make the zip without one."
    for name in ("ada lovelace.zip", "3031234567_hw6.zip", "Zoë (1).rar", "=x+.zip"):
        assert essence(said.format(name), name) == essence(said.format("ben.zip"), "ben.zip")
    assert essence("hw6.ipynb breaks off", "hw6.ipynb") == "hw6.ipynb breaks off"
    assert essence("a sample comes out differently", "a") == "a sample comes out differently"
    reports = [graded(n, 1, 0, said.format(name)) for n, name in enumerate(("ada.zip", "ben.zip"))]
    named = [
        msgspec.structs.replace(one, submission=Submission(name, "", "0" * 64))
        for one, name in zip(reports, ("ada.zip", "ben.zip"))
    ]
    [mistake] = shown(*named).mistakes
    assert mistake.ids == ("ada.zip", "ben.zip") and mistake.found.startswith("the file is protected")


def test_mistakes_are_counted_by_students_once_each_and_most_frequent_first() -> None:
    found = shown(graded(0, 0, 0, "A"), graded(1, 1, 0, "A"), graded(2, 1, 0, "B"))
    assert [(m.found, m.ids, m.questions) for m in found.mistakes] == [
        ("A", ("s000", "s001"), ("4a",)), ("B", ("s002",), ("4a",)),
    ]  # fmt: skip


def test_words_of_students_are_text_everywhere() -> None:
    report = graded(0, 0, 0, HOSTILE)
    report = msgspec.structs.replace(
        report, submission=msgspec.structs.replace(report.submission, name=HOSTILE, file=HOSTILE)
    )
    page = class_page(shown(report, who=HOSTILE, notes=(HOSTILE,)))
    assert page.count("<script") == 1 and "alert(1)&lt;" not in page.split("<body>")[0]
    assert len(re.findall(r"\son\w+=", page)) == 0


def test_flags_losses_and_slow_ones_are_shown() -> None:
    chart = Chart("Losses", (Line("training set", (2.0, 1.0, 0.5)), Line("validation set", (2.0, 1.0))))
    flag = Finding("x", Severity.FLAG, "odd", "4a")
    report = graded(0, 1, 1)
    tests = (*report.tests, TestResult("4c.1", "curves", Status.PASSED, 2.0, 2.0, charts=(chart,)))
    submission = msgspec.structs.replace(report.submission, findings=(flag,))
    report = msgspec.structs.replace(report, tests=tests, submission=submission, seconds=99.0)
    page = class_page(shown(report))
    assert "<polyline" in page and "1 with flags" in page and "(99 s)" in page


def browse(page: Path, *options: str) -> str:
    command = [str(CHROMIUM), "--headless=new", "--disable-gpu", *options, f"--user-data-dir={page.parent / 'profile'}"]
    command += ["--no-sandbox"] if os.getuid() == 0 else []
    done = subprocess.run(
        [*command, f"file://{page}"], capture_output=True, text=True, timeout=patience(60), check=False
    )
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_a_browser_runs_the_one_script_and_reaches_for_nothing(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text(class_page(shown(*(graded(i, 1, i % 2) for i in range(50)))), encoding="utf-8")
    dom = browse(page, "--dump-dom")
    assert "50 of 50 shown" in dom, "the policy of the page lets its own script run"
    searched = page.read_text().replace('id="search"', 'id="search" value="s00"')
    page.write_text(searched, encoding="utf-8")
    assert "10 of 50 shown" in browse(page, "--dump-dom")
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", dom)
