"""The pages for grading by hand in a real browser: nothing of an answer runs, and what a reader types is not lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.commands.batch import hand
from autograder.commands.batch.entries import Entry, Person
from autograder.commands.batch.hand_table import QUESTIONS
from tests.grader.browser import CHROMIUM, Browser
from tests.grader.written_prose import HOSTILE, notebook, submit


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_a_page_of_hostile_answers_runs_nothing_of_theirs_and_reaches_for_nothing(tmp_path: Path) -> None:
    top = submit(tmp_path, "eve", notebook(*("2(d)\n\n" + text for text in HOSTILE), *HOSTILE))
    people = (Person("<script>alert('got')</script>", "1"),)
    hand.write_pages([Entry("eve", top, people)], tmp_path / "out")
    with Browser(tmp_path / "profile") as browser:
        for number in QUESTIONS:
            browser.open(tmp_path / "out" / "hand" / f"{number}.html")
            assert "by hand" in browser.value("document.title")
            assert browser.value("document.querySelectorAll('script, style, link, iframe, img, form, svg').length") == 2
            assert browser.value("document.getElementById('count').textContent") == "0 of 1 graded", "our script runs"
    assert not browser.said
    assert {address for address in browser.asked if not address.startswith(("file:", "about:"))} == set()
    assert len([address for address in browser.asked if address.startswith("file:")]) == len(QUESTIONS)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_what_a_reader_types_stays_in_the_browser_and_its_table_can_be_merged(tmp_path: Path) -> None:
    entries = [Entry(name, submit(tmp_path, name, notebook("2(d) it is"))) for name in ("ada", "ben", "cat")]
    hand.write_pages(entries, tmp_path / "out")
    page = tmp_path / "out" / "hand" / "2d.html"
    with Browser(tmp_path / "profile") as browser:
        browser.open(page)
        browser.type("section[data-id=ada] input", "1.5")
        browser.type("section[data-id=ada] textarea", 'half, "so"\nto say')
        browser.type("section[data-id=cat] input", "0")
        browser.value("new Promise(done => setTimeout(done, 300))")
    with Browser(tmp_path / "profile") as browser:  # another day
        browser.open(page)
        assert browser.value("document.getElementById('count').textContent") == "2 of 3 graded"
        assert browser.value("document.querySelector('section[data-id=ada] textarea').value") == 'half, "so"\nto say'
        table = browser.value("document.getElementById('csv').textContent")
    (tmp_path / "hand-2d.csv").write_text(table, encoding="utf-8")
    marks, _ = hand.gather([tmp_path / "hand-2d.csv"], entries, tmp_path / "out")
    assert marks == {"ada": {"2d": hand.Mark(1.5, 'half, "so"\nto say')}, "cat": {"2d": hand.Mark(0.0)}}
