"""What Gradescope makes of a results.json, by its specification, and the page that shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder.report import platform
from autograder.report.platform import Reading, Text
from autograder.report.preview import framed, preview, shown
from tests.grader.browser import CHROMIUM, Browser


def read(**top: object) -> Reading:
    return platform.read(json.dumps(top).encode())


def view(reading: Reading, when: platform.When) -> platform.View:
    return platform.view(reading, when)


# --- what is taken, and what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [None, b"", b"{", b"[1]", b'{"score": NaN}', b"\xff", b"[" * 100_000])
def test_what_is_no_result_is_a_failure_in_the_platforms_words_and_keeps_no_score(data: bytes | None) -> None:
    reading = platform.read(data, "Killed")
    assert reading.failure == "The autograder failed to execute correctly."
    assert reading.score is None and reading.notes
    assert view(reading, "before").log is None and view(reading, "staff").log == Text("Killed", "ansi")


def test_after_a_time_out_the_score_is_0_and_no_test_is_shown_whatever_was_written() -> None:
    reading = platform.read(json.dumps({"score": 39, "tests": [{"score": 39}]}).encode(), timed_out=True)
    assert reading.score == 0 and not reading.tests and "timed out" in reading.failure


def test_a_score_at_the_top_overrides_the_sum_of_the_tests() -> None:
    tests = [{"score": 1, "max_score": 2}, {"score": 2, "max_score": 3}]
    assert read(tests=tests).score == 3
    assert read(tests=tests, score=1.5).score == 1.5
    assert read(tests=tests).possible == 5


def test_a_result_without_any_score_is_noted_for_the_specification_asks_for_one() -> None:
    assert any("no score" in note for note in read(tests=[{"name": "a"}]).notes)
    assert read(tests=[{"score": 0}]).notes == ()


def test_tests_that_are_no_list_are_noted_and_a_leaderboard_keeps_its_order() -> None:
    assert "tests is no list" in read(tests={"name": "a"}, score=1).notes
    ranks = [{"name": "Accuracy", "value": 97}, {"name": "Seconds", "value": 3, "order": "asc"}]
    assert [(one.name, one.value, one.order) for one in read(score=1, leaderboard=ranks).leaderboard] == [
        ("Accuracy", "97", "desc"),
        ("Seconds", "3", "asc"),
    ]


@pytest.mark.parametrize(
    ("test", "passed"),
    [
        ({"score": 2, "max_score": 2}, True),
        ({"score": 1, "max_score": 2}, False),
        ({"score": 1, "max_score": 2, "status": "passed"}, True),
        ({"score": 2, "max_score": 2, "status": "failed"}, False),
        ({"status": "failed"}, False),
        ({}, None),
        ({"score": 2}, None),
    ],
)
def test_a_test_passes_with_all_its_points_unless_it_says_otherwise(test: dict[str, object], passed: object) -> None:
    assert read(tests=[test]).tests[0].passed is passed


def test_tests_without_a_number_are_numbered_in_their_order() -> None:
    assert [test.number for test in read(tests=[{}, {"number": "4a.1"}, {}]).tests] == ["1", "4a.1", "3"]


# --- who sees what, when ----------------------------------------------------------------------------------------------

EVERYBODY = ["before", "due", "published", "staff"]


@pytest.mark.parametrize(
    ("visibility", "seen"),
    [
        ("visible", EVERYBODY),
        (None, EVERYBODY),
        ("after_due_date", EVERYBODY[1:]),
        ("after_published", EVERYBODY[2:]),
        ("hidden", ["staff"]),
    ],
)
def test_a_tests_visibility_says_from_when_on_it_is_seen(visibility: str | None, seen: list[str]) -> None:
    of_its_own = read(tests=[{"score": 1, "visibility": visibility}])
    of_the_top = read(tests=[{"score": 1}], visibility=visibility)
    for reading in (of_its_own, of_the_top):
        assert [when for when in platform.TIMES if view(reading, when).tests] == seen


def test_a_tests_own_visibility_goes_before_the_tops() -> None:
    reading = read(tests=[{"score": 1, "visibility": "visible"}, {"score": 1}], visibility="hidden")
    assert len(view(reading, "before").tests) == 1


def test_no_total_is_shown_while_a_test_is_not() -> None:
    reading = read(score=3, tests=[{"score": 3}, {"score": 0, "visibility": "after_due_date"}])
    assert view(reading, "before").score is None and view(reading, "before").concealed == 1
    assert view(reading, "due").score == 3


def test_what_was_printed_is_for_staff_unless_the_result_says_otherwise() -> None:
    data = json.dumps({"score": 1, "stdout_visibility": "after_due_date"}).encode()
    assert [platform.view(platform.read(data, "x"), when).log is not None for when in platform.TIMES] == [
        False,
        True,
        True,
        True,
    ]
    assert view(platform.read(b'{"score": 1}', "x"), "published").log is None


def test_words_that_are_no_visibility_and_no_format_are_noted() -> None:
    reading = read(score=1, output_format="latex", tests=[{"visibility": "later"}])
    assert len(reading.notes) == 2 and "'later'" in reading.notes[1] + reading.notes[0]


# --- formats ----------------------------------------------------------------------------------------------------------


def test_formats_come_from_the_test_then_from_the_top_then_from_the_platform() -> None:
    reading = read(
        output="a", test_output_format="md", tests=[{"output": "b"}, {"output": "c", "output_format": "ansi"}]
    )
    assert reading.output.format == "simple_format"
    assert [test.output.format for test in reading.tests] == ["md", "ansi"]
    assert reading.tests[0].name.format == "text"


def test_markup_in_plain_text_is_text_and_markup_of_a_format_stays_in_a_frame_without_scripts() -> None:
    assert "&lt;b&gt;" in shown(Text("<b>", "text")) and not framed(Text("<b>", "text"))
    assert framed(Text("<b>x</b>", "html")) == "<b>x</b>"
    assert framed(Text("<b>x</b>\n\ny", "simple_format")) == "<p><b>x</b></p><p>y</p>"
    assert "<strong>x</strong>" in shown(Text("**x** <script>", "md")) and "<script" not in shown(
        Text("<script>", "md")
    )
    coloured = shown(Text("\x1b[31mred\x1b[0m <i>", "ansi"))
    assert "color:" in coloured and "&lt;i&gt;" in coloured and "\x1b" not in coloured


HOSTILE = '"><script>document.title="gone"</script><img src=https://example.com/x onerror=alert(1)>'


def hostile() -> str:
    texts = [
        {"name": HOSTILE, "output": HOSTILE, "output_format": kind, "name_format": kind} for kind in platform.FORMATS
    ]
    reading = read(output=HOSTILE, tests=[{"score": 1, "max_score": 2, "tags": [HOSTILE], **one} for one in texts])
    return preview(reading, [("x", HOSTILE)], [HOSTILE])


def test_extra_data_is_on_no_page() -> None:
    assert "for staff alone" not in preview(read(score=1, extra_data={"x": "for staff alone"}), [], [])


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_nothing_in_a_result_runs_or_is_loaded_and_the_choice_of_a_time_changes_what_is_seen(tmp_path: Path) -> None:
    (tmp_path / "hostile.html").write_text(hostile(), encoding="utf-8")
    tests = [{"name": "now", "score": 1}, {"name": "later", "score": 1, "visibility": "after_due_date"}]
    (tmp_path / "page.html").write_text(preview(read(tests=tests), [], []), encoding="utf-8")
    with Browser(tmp_path / "profile") as browser:
        browser.open(tmp_path / "hostile.html")
        assert browser.value("document.title").startswith("Preview")
        assert not browser.said and not [url for url in browser.asked if "example.com" in url]
        browser.open(tmp_path / "page.html")
        visible = "[...document.querySelectorAll('.test')].filter(e => e.offsetParent).map(e => e.innerText.trim())"
        assert browser.value(visible) == ["1) now (1.0)"]
        assert browser.value("document.querySelector('.view-before .score').innerText") == "– / –"
        browser.value("document.querySelector('#when-due').click()")
        assert browser.value(visible) == ["1) now (1.0)", "2) later (1.0)"]
