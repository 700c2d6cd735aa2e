"""The report in a notebook's cell: matrices as tables that can be read without colour, in both themes, on a phone."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from autograder.core.records import Feedback, Status, TestResult
from autograder.report import html
from autograder.report.matrices import Heat, tables
from autograder.report.summary import summarise
from tests.grader import example_reports
from tests.grader.browser import CHROMIUM, Browser
from tests.grader.pace import patience
from tests.grader.test_report_html import _luminance

SMALLEST = """batch 1, tokens 2; every weight 1
x          [[[0], [1]]]
expected   [[[0.5, 0.5, 0.5, 0.5], [0.8808, 0.8808, 0.8808, 0.8808]]]
yours      [[[0.5, 0.5, 0.5, 0.5], [-0.982, 0.8808, 0.982, nan]]]
head(torch.tensor([[[0.], [1.]]]))"""


def cell(smallest: str = SMALLEST, left: tuple[str, ...] = ("Not checked: 4c.",)) -> str:
    tests = (
        TestResult("2a.p1", "a number", Status.PASSED, 0.0, 0.0),
        TestResult("2b.p1", "a number", Status.SKIPPED, 0.0, 0.0),
        TestResult("4a.p3", "an example", Status.FAILED, 0.0, 0.0, feedback=Feedback(smallest=smallest)),
    )
    return html.cell(summarise(example_reports.report(tests, example_reports.submission())), left)


class Cells(HTMLParser):
    """The texts of all cells of all tables, row by row, with the classes of each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[tuple[str, str]]] = []
        self.captions: list[str] = []
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append(("", dict(attributes).get("class") or ""))
        self._in = tag if tag in ("td", "th", "caption") else ""

    def handle_data(self, data: str) -> None:
        if self._in == "caption":
            self.captions.append(data.strip())
        elif self._in:
            before, kind = self.rows[-1].pop()
            self.rows[-1].append(((before + data).strip(), kind))


def test_matrices_are_tables_with_a_name_and_named_rows() -> None:
    read = Cells(cell())
    assert read.captions == ["x", "expected", "yours (≠ marks what differs)"]
    assert [[text for text, _ in row] for row in read.rows[:2]] == [["0", "0"], ["1", "1"]]
    assert [text for text, _ in read.rows[3]] == ["1", *["0.8808"] * 4]


def test_what_differs_is_told_by_a_sign_and_not_by_colour_alone() -> None:
    last = Cells(cell()).rows[-1]
    assert [text for text, _ in last] == ["1", "≠ -0.982", "0.8808", "≠ 0.982", "≠ nan"]
    assert [kind for _, kind in last] == ["", "minus off", "", "off", "off"]


def test_the_lines_around_the_matrices_stay_in_their_order() -> None:
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", cell(), flags=re.DOTALL)
    words = " ".join(text.split())
    assert words.index("every weight 1") < words.index("expected") < words.index("head(torch.tensor")
    assert words.index("Not checked: 4c.") < words.index("Next:"), "the one next step comes last"


def test_a_folded_question_says_how_it_stands() -> None:
    text = cell()
    heads = [re.sub("<[^>]+>", " ", part) for part in re.findall(r"<summary>(.*?)</summary>", text)]
    assert [" ".join(head.split()) for head in heads] == [
        "2a 1D convolution ✓ passed", "2b 2D convolution – 1 skipped", "4a Scaled dot-product attention ✗ 1 failed",
    ]  # fmt: skip
    assert text.count("<details open>") == 1


@pytest.mark.parametrize(
    "text", ["<img src=x onerror=1>", "</dd></dl><script>x</script>", "x  [[<b>1</b>]]", "<b>x</b>  [[1, 2], [3, 4]]"]
)
def test_text_of_a_student_is_text(text: str) -> None:
    made = cell(text).replace("<style>", "")
    assert not re.search(r"<(?:script|img|b>x)", made)


def test_all_matrices_of_a_message_have_one_scale() -> None:
    heats = [piece for piece in tables("x  [[2, 4]]\nyours  [[1, -8]]") if isinstance(piece, Heat)]
    assert [[share for _, share, _ in cells] for heat in heats for _, cells in heat.rows] == [[0.25, 0.5], [0.125, 1.0]]
    assert not any(heat.off for heat in heats), "nothing was expected, so nothing differs"


def test_other_sizes_than_expected_mark_nothing() -> None:
    [_, yours] = tables("expected  [[1, 2]]\nyours  [[1, 2, 3]]")
    assert isinstance(yours, Heat) and not yours.off


# --- colours -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_numbers_on_the_strongest_heat_have_the_contrast_that_wcag_aa_asks_for(theme: int) -> None:
    style = re.search(r"<style>(.*?)</style>", cell(), re.DOTALL)
    assert style
    themes = re.findall(r"--good:[^}]*--heat: (\d+ \d+ \d+); --cold: (\d+ \d+ \d+);", style[1])
    texts = re.findall(r"--text: (#\w{6}); --page: (#\w{6})", style[1])
    strength = float(re.findall(r"calc\(var\(--v, 0\) \* (\.\d+)\)", style[1])[0])
    front, page = texts[theme]
    for heat in themes[theme]:
        mixed = [
            round(strength * int(part) + (1 - strength) * int(page[1 + 2 * i : 3 + 2 * i], 16))
            for i, part in enumerate(heat.split())
        ]
        lights = sorted((_luminance(front), _luminance("#" + "".join(f"{part:02x}" for part in mixed))))
        assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5


PAGE = """<!doctype html><html {html}><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<body {body} style="margin:0; width:{width}px"><style>dl, dd {{ width: 100%; float: left }}</style>{cell}</body></html>"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    if CHROMIUM is None:
        pytest.skip("no Chromium is here to look at the page with")
    return Browser(tmp_path_factory.mktemp("profile"))


@pytest.mark.slow
def test_it_fits_a_phone_and_follows_the_theme_of_the_notebook(browser: Browser, tmp_path: Path) -> None:
    background = "getComputedStyle(document.querySelector('.hw6')).backgroundColor"
    inside = "[...document.querySelectorAll('.hw6 dl')].every(e => e.getBoundingClientRect().right <= {width})"
    with browser:
        for html_theme, body, wanted in (
            ('theme="dark"', "", "rgb(28, 33, 38)"),
            ("", 'data-jp-theme-light="false"', "rgb(28, 33, 38)"),
            ("", 'data-jp-theme-light="true"', "rgb(255, 255, 255)"),
        ):
            page = tmp_path / f"{len(html_theme)}{len(body)}.html"
            page.write_text(PAGE.format(html=html_theme, body=body, width=340, cell=cell()), encoding="utf-8")
            browser.open(page)
            deadline = time.monotonic() + patience(10)
            while browser.value(background) != wanted and time.monotonic() < deadline:
                time.sleep(0.05)
            assert browser.value(background) == wanted
            assert browser.value(inside.format(width=340)), "the block of a message stays in its card"
            assert browser.value("document.querySelector('.hw6').scrollWidth <= 340")
