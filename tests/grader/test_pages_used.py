"""Pages for staff and students as they are used: on paper, on a phone, with long names, by wheel and keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.commands.batch import hand
from autograder.commands.batch.entries import Entry
from autograder.core.records import Report, Submission
from autograder.report import html
from autograder.report.class_page import class_page
from autograder.report.class_table import class_row
from autograder.report.overview import MOST_BARS, _histogram, overview, student
from autograder.report.summary import summarise
from tests.grader.browser import CHROMIUM, Browser
from tests.grader.test_class_page import NAMES, graded
from tests.grader.written_prose import notebook, submit

LONG = "Wolfeschlegelsteinhausenbergerdorff_" * 5
# (id, name, points of the second test)
CLASS = (("s10", "Zoë", 1.0), ("s9", "adam", 0.0), ("S2", "Ödön", 1.0), (LONG, LONG, 0.0), ("7up", "", 1.0))


@pytest.mark.parametrize("possible", [0.25, 1, 2, 5, 6, 19, 39, 47, 100, 4321])
def test_bars_of_the_histogram_are_of_a_round_width_and_hold_everybody(possible: float) -> None:
    totals = [-1, 0, possible / 3, possible, possible + 1]
    bars = _histogram(totals, possible)
    assert 1 <= len(bars) <= MOST_BARS and sum(count for _, _, count in bars) == len(totals)
    assert bars[0][0] == 0 and bars[-1][1] == possible, "from nothing to everything"
    if possible <= 1300:
        assert all(low * 4 == int(low * 4) for low, _, _ in bars), "a whole number of quarters"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser") / "profile") as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a class with names of every kind."""
    students = []
    for number, (identity, who, two) in enumerate(CLASS):
        report = graded(number, 1, two)
        report = Report(Submission(identity, "hw6.py", "0" * 64), report.tests)
        whole = summarise(report)
        students.append(student(class_row(identity, whole), who, whole))
    path = tmp_path_factory.mktemp("class") / "index.html"
    path.write_text(class_page(overview(students, NAMES, ())), encoding="utf-8")
    return path


def rows(browser: Browser) -> list[str]:
    """The ids of the rows that are shown, in their order."""
    shown = (
        "[...document.querySelectorAll('#rows tr')].filter(row => !row.hidden).map(row => row.cells[0].dataset.value)"
    )
    found: list[str] = browser.value(shown)
    return found


def sort(browser: Browser, column: str, times: int = 1) -> list[str]:
    button = f"[...document.querySelectorAll('#list th button')].find(one => one.textContent === {column!r})"
    for _ in range(times):
        browser.value(f"{button}.click()")
    return rows(browser)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_words_are_sorted_as_people_do_and_what_is_empty_comes_last(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert sort(browser, "submission") == ["7up", "S2", "s9", "s10", LONG], "numbers in a name by their size"
    assert sort(browser, "name") == ["s9", "S2", LONG, "s10", "7up"], "adam, Ödön, Wolfe…, Zoë, and nobody"
    assert sort(browser, "name") == ["s10", LONG, "S2", "s9", "7up"], "the other way round, nobody last again"
    assert set(sort(browser, "total")[:3]) == {"s10", "S2", "7up"}, "of points the highest first"


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize(
    ("typed", "found"), [("zoe", ["s10"]), ("Zoe\u0308", ["s10"]), ("ODON", ["S2"]), ("s", ["s10", "s9", "S2", LONG])]
)
def test_a_name_is_found_without_its_accents_and_however_they_are_composed(
    browser: Browser, page: Path, typed: str, found: list[str]
) -> None:
    browser.open(page)
    browser.type("#search", typed)
    assert rows(browser) == found


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_a_long_name_leaves_the_points_in_sight_on_a_screen_and_on_paper(browser: Browser, page: Path) -> None:
    browser.open(page)
    last = "Math.max(...[...document.querySelectorAll('#rows td.n')].map(cell => cell.getBoundingClientRect().right))"
    browser.scheme("light", 1200)
    assert browser.value(last) < 1200
    assert browser.value("Math.max(...[...document.querySelectorAll('#rows tr')].map(row => row.offsetHeight))") < 400
    browser.on_paper("light")
    assert browser.value(last) <= 718


def colour(browser: Browser, selector: str, of: str = "color") -> list[int]:
    asked = f"getComputedStyle(document.querySelector({selector!r})).{of}.match(/[0-9]+/g).map(Number)"
    found: Any = browser.value(asked)
    return list(found)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_paper_has_dark_letters_whatever_the_screen_and_colours_where_they_are_all_that_is_said(
    browser: Browser, page: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    report.write_text(html.render(summarise(graded(1, 1, 0))), encoding="utf-8")
    for path, coloured in ((page, (".count i", ".key span", ".map tbody td")), (report, (".badge",))):
        browser.open(path)
        browser.on_paper("dark")
        assert max(colour(browser, "h1")) < 100, f"{path.name}: pale letters on white paper"
        for one in coloured:
            exact = f"getComputedStyle(document.querySelector({one!r})).printColorAdjust"
            assert browser.value(exact) == "exact", f"{path.name}: {one} is not printed"


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_typed_points_are_changed_by_no_wheel_and_no_arrow_and_are_printed(browser: Browser, tmp_path: Path) -> None:
    hand.write_pages([Entry(LONG, submit(tmp_path, "ada", notebook("2(d) it is")))], tmp_path / "out")
    browser.open(tmp_path / "out" / "hand" / "2d.html")
    browser.scheme("light", 320)
    assert browser.value(
        "document.querySelector('section h2').scrollWidth <= document.querySelector('section h2').clientWidth"
    )
    field = "section.answer input"
    for way in ("wheel", "arrows"):
        browser.value(f"document.querySelector({field!r}).value = ''")
        browser.type(field, "1.5")
        if way == "wheel":
            browser.wheel(field, 100)
        else:
            browser.press("ArrowDown", 40)
            browser.press("ArrowUp", 38)
            browser.press("ArrowUp", 38)
        assert browser.value(f"document.querySelector({field!r}).value") == "1.5", way
    browser.on_paper("light")
    assert browser.value(f"document.querySelector({field!r}).offsetHeight") > 0


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_a_report_with_answers_is_no_wider_than_a_phone(browser: Browser, tmp_path: Path) -> None:
    answers: dict[str, dict[str, object]] = {"administrivia": {"survey_code": "h4n4s4t022", "signed_by": LONG}}
    answers["2c"] = {"average_pool": [["8/9", "6/9"]], "max_pool": [[1, 1]]}
    report = Report(Submission("s1", "hw6.py", "0" * 64, answers=answers), graded(1, 1, 0).tests)
    page = tmp_path / "report.html"
    page.write_text(html.render(summarise(report)), encoding="utf-8")
    browser.open(page)
    browser.scheme("light", 320)
    assert "h4n4s4t022" in browser.value("document.querySelector('table.answers').textContent")
    assert browser.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
