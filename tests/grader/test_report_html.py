"""The HTML report: what a reader finds in it, then what it must never hold."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser

import msgspec
import pytest

from autograder.core.records import Feedback, Program, Report, Status, TestResult
from tests.grader import example_reports, outputs

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """The page as a browser would take it apart: tags, attributes, ids, links, text; unbalanced tags are an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


PAGES = [(name, audience) for name in sorted(example_reports.ALL) for audience in ("student", "staff")]


@pytest.mark.parametrize(("name", "audience"), PAGES)
def test_every_page_is_well_formed_self_contained_and_without_script(name: str, audience: str) -> None:
    text = outputs.page(example_reports.ALL[name](), audience=audience)  # type: ignore[arg-type]
    page = Page(text)
    assert set(page.tags) <= set(
        "html head meta title style body a header main footer section article div span p b i strong h1 h2 h3 h4 "
        "table caption thead tbody tfoot tr th td dl dt dd".split()
    )
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "srcset", "action")]
    assert all(value and value.startswith("#") for name, value in page.attributes if name == "href")
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import", text)


@pytest.mark.parametrize(("name", "audience"), PAGES)
def test_every_link_leads_somewhere_and_every_id_is_single(name: str, audience: str) -> None:
    page = Page(outputs.page(example_reports.ALL[name](), audience=audience))  # type: ignore[arg-type]
    ids = [value for key, value in page.attributes if key in ("id",)]
    targets = {str(value)[1:] for key, value in page.attributes if key == "href"}
    labels = {value for key, value in page.attributes if key == "aria-labelledby"}
    assert len(ids) == len(set(ids))
    assert targets and targets | labels <= set(ids)


def test_the_page_has_landmarks_a_language_table_headers_and_words_beside_colours() -> None:
    page = Page(outputs.page(example_reports.wrong_attention()))
    assert {"header", "main", "footer", "h1", "h2", "h3"} <= set(page.tags)
    assert ("lang", "en") in page.attributes
    assert ("scope", "col") in page.attributes and ("scope", "row") in page.attributes
    assert "✗ failed 0/4" in page.text
    assert "✓ passed 2/2" in page.text
    assert "– skipped 0/1" in page.text


def test_the_points_the_message_and_the_answers_can_be_read() -> None:
    page = Page(outputs.page(example_reports.wrong_attention()))
    assert "34 of 39 points" in page.text
    assert "the softmax taken over the QUERIES" in page.text
    assert "needs 4a.4 to pass" in page.text
    assert "A1B2C3D4E5" in page.text
    assert '[[["8/9", "7/9"],\n [0.5, 1]],\n [[0, 1],\n [1, 0]]]' in page.text
    assert "nn.Sequential, which the handout does not permit" in page.text


def test_the_code_shows_its_own_angle_brackets_and_its_lines_in_the_hand_in() -> None:
    text = outputs.page(example_reports.wrong_attention())
    page = Page(text)
    assert 'raise ValueError("<b>odd</b>")' in page.text
    assert "if weights.shape[-1] < 1 or" in page.text
    assert "cell 14" in page.text and "cell 17" in page.text


def test_the_lines_that_a_test_or_a_finding_names_are_highlighted_and_no_others() -> None:
    rows = re.findall(r'<tr class="hit">.*?</tr>', outputs.page(example_reports.wrong_attention()))
    assert [re.sub(r"<.*?>", "", row)[:2].strip() for row in rows] == ["9", "13"]
    assert "◂ allowed-nn" in rows[0] and "◂ 4a.4" in rows[1]


def test_line_1_is_not_highlighted_for_a_message_about_line_13() -> None:
    report = example_reports.wrong_attention()
    report = msgspec.structs.replace(report, submission=msgspec.structs.replace(report.submission, findings=()))
    assert outputs.page(report).count('<tr class="hit">') == 1


def test_the_code_can_be_left_out() -> None:
    assert "The code that was graded" not in outputs.page(example_reports.wrong_attention(), source_lines=False)


def test_the_code_is_shown_plain_where_pygments_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygments.lexers.python", None)
    text = outputs.page(example_reports.wrong_attention())
    assert '<span class="k">' not in text
    assert 'raise ValueError("<b>odd</b>")' in Page(text).text


def test_a_long_program_is_cut_with_a_word_about_it() -> None:
    program = example_reports.program("4a", "SingleHeadAttention", "x = 1\n" * 2000, 14)
    report = example_reports.report((), example_reports.submission(programs={"4a": program}))
    assert "500 more lines are not shown" in outputs.page(report)


def test_code_of_several_cells_has_the_colours_that_it_has_in_one() -> None:
    whole = example_reports.program("4a", "SingleHeadAttention", example_reports.ATTENTION, 14)
    places = tuple(msgspec.structs.replace(one, cell=15, line=n + 1) for n, one in enumerate(whole.places[4:]))
    parts = msgspec.structs.replace(whole, places=whole.places[:4] + places)
    [one, other] = [re.findall('<td class="code">(.*?)</td>', outputs.page(_code(each))) for each in (whole, parts)]
    assert one == other and sum('<span class="' in line for line in one) > 10


def _code(program: Program) -> Report:
    return example_reports.report((), example_reports.submission(programs={program.question: program}))


def test_a_string_over_several_lines_keeps_every_line_in_its_place() -> None:
    text = "x = '''a\nb <i>\n'''\r\ny = 1\n"
    report = example_reports.report(
        (), example_reports.submission(programs={"4a": example_reports.program("4a", "A", text, 14)})
    )
    shown = re.findall(r'<th class="at" scope="row">(\d+)</th><td class="code">(.*?)</td>', outputs.page(report))
    assert [(line, re.sub(r"<.*?>", "", code)) for line, code in shown] == [
        ("1", "x = &#39;&#39;&#39;a"),
        ("2", "b &lt;i&gt;"),
        ("3", "&#39;&#39;&#39; "),
        ("4", "y = 1"),
    ]


def test_the_provenance_stands_at_the_end() -> None:
    page = Page(outputs.page(example_reports.full_marks()))
    for text in ("autograder 0.1.0, python 3.11.9", "7318441902117552341", "9f2c" * 16, "landlock(7)", "3.2 s"):
        assert text in page.text


def test_a_fault_of_ours_is_told_apart_from_lost_points() -> None:
    page = Page(outputs.page(example_reports.grader_error()))
    assert "Not everything was graded" in page.text
    assert "! not graded" in page.text
    assert "3/5 (2 not graded yet)" in page.text


def test_an_unusable_hand_in_says_why_at_the_top() -> None:
    page = Page(outputs.page(example_reports.unusable()))
    assert page.text.index("ends in the middle of a cell") < page.text.index("Points by question")


def test_a_reason_that_decides_many_tests_is_shown_once_with_all_of_them() -> None:
    page = Page(outputs.page(example_reports.unusable()))
    assert page.text.count("ends in the middle of a cell") == 1
    assert all(f"{number}{name}" in page.text for number, name, _ in example_reports.SUITE)


def test_a_reason_that_two_questions_share_is_told_in_the_first() -> None:
    why = Feedback(found="nothing was handed in")
    tests = tuple(
        TestResult(n, "a box", Status.FAILED, 0.0, 1.0, feedback=why) for n in ("2a.1", "2a.2", "2b.1", "2c.1")
    )
    page = Page(outputs.page(example_reports.report(tests, example_reports.submission())))
    assert page.text.count("foundnothing was handed in") == 1
    assert page.text.count("the same reason as in 2a") == 2


def test_what_staff_need_comes_before_the_points() -> None:
    page = Page(outputs.page(example_reports.wrong_attention(), audience="staff"))
    order = [page.text.index(words) for words in ("For staff", "FLAGGED", "case 3 of 12", "Points by question")]
    assert order == sorted(order)
    assert page.text.count("FLAGGED") == 1


def test_students_see_neither_flags_nor_staff_notes_nor_hidden_tests() -> None:
    hidden = msgspec.structs.replace(example_reports.passed("4a.9", "HIDDEN-TEST", 1.0), visibility="after_published")
    for report in (example_reports.wrong_attention(), example_reports.grader_error()):
        report = msgspec.structs.replace(report, tests=(*report.tests, hidden))
        student, staff = outputs.page(report), outputs.page(report, audience="staff")
        for word in ("FLAGGED", "STAFF-ONLY", "HIDDEN-TEST", "case 3 of 12"):
            assert word not in student
        assert "HIDDEN-TEST" in staff
        assert "1 test not shown here yet" in student
    assert "FLAGGED" in outputs.page(example_reports.wrong_attention(), audience="staff")
    assert "STAFF-ONLY torch" in outputs.page(example_reports.grader_error(), audience="staff")


def test_hostile_text_is_shown_and_not_obeyed() -> None:
    text = outputs.page(example_reports.hostile_text(), audience="staff")
    assert "<script" not in text
    assert "{{ 7*7 }}" in text and "49" not in Page(text).text.split("{{ 7*7 }}")[1][:3]
    assert not set(text) & set("\x00\x1b\u202e\u200b\x0c\r")
    long = "too large to show" if hasattr(sys, "get_int_max_str_digits") else "1" + "0" * 1900  # 3.10 before 3.10.7
    assert long in text and "0" * 2001 not in text
    text.encode()


CONTRASTS = [
    ("text", "page"),
    ("text", "card"),
    ("soft", "page"),
    ("soft", "card"),
    ("soft", "code"),
    ("accent", "card"),
]
CONTRASTS += [("good", "good-bg"), ("bad", "bad-bg"), ("wait", "wait-bg"), ("ours", "ours-bg"), ("soft", "wait-bg")]
CONTRASTS += [(name, back) for name in "kscmd" for back in ("code", "mark")] + [("text", "mark"), ("accent", "mark")]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back"), CONTRASTS)
def test_every_text_colour_has_the_contrast_that_wcag_aa_asks_for(scheme: int, front: str, back: str) -> None:
    block = re.findall(r":root \{(.*?)\}", outputs.page(example_reports.full_marks()), re.DOTALL)[scheme]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    one, two = sorted((_luminance(colours[front]), _luminance(colours[back])))
    assert (two + 0.05) / (one + 0.05) >= 4.5


def _luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
