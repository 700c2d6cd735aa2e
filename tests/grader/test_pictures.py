"""Curves beside a verdict: a picture in the report, bars of text elsewhere, and no way for a name to become markup."""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import msgspec
import pytest

from autograder.core.records import Chart, Grid, Line, Panel, Report, Status, Submission, TestResult
from autograder.engine.fixtures import finite
from autograder.grading import Options, grade
from autograder.judging.training import smoke
from autograder.report import message, results
from autograder.report.html import render
from autograder.report.summary import summarise
from tests.grader.source_tree import ROOT

FALLING = Chart("Losses", (Line("training set", (2.0, 1.0, 0.5, 0.25)), Line("validation set", (2.0, 1.5, 1.2, 1.3))))


def report(chart: Chart, status: Status = Status.PASSED) -> Report:
    test = TestResult("4c.1", "curves", status, 2.0, 2.0, charts=(chart,))
    return Report(Submission("ada", "hw6.ipynb", "0" * 64), (test,))


def pictures(page: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(text) for text in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]


def test_curves_in_text_stand_on_one_scale_and_say_where_they_begin_and_end() -> None:
    title, train, validation = message.sparklines(FALLING).split("\n")
    assert title == "Losses"
    assert train == "training set    █▄▂▁  2 → 0.25"
    assert validation.startswith("validation set  █") and validation.endswith("2 → 1.3")


@pytest.mark.parametrize("values", [(1.0,), (0.5, 0.5, 0.5), tuple(float(i) for i in range(1000))])
def test_flat_short_and_long_curves_fit_a_line(values: tuple[float, ...]) -> None:
    shown = message.sparklines(Chart("x", (Line("training set", values),)))
    assert max(map(len, shown.split("\n"))) <= 80


def test_the_report_has_the_picture_and_no_bars_and_gradescope_the_bars() -> None:
    page = render(summarise(report(FALLING)), audience="student")
    [picture] = pictures(page)
    assert "Losses" in str(picture.get("aria-label")) and "▄" not in page
    assert "█▄▂▁" in results.encode(summarise(report(FALLING))).decode()


HOSTILE = "</svg><script>alert(1)</script>\"'&"


def test_names_are_text_in_the_picture() -> None:
    chart = Chart(HOSTILE, (Line(HOSTILE, (1.0, 2.0)),))
    page = render(summarise(report(chart)))
    assert "<script" not in page and len(pictures(page)) == 1


def test_a_long_run_and_a_failed_test_have_their_picture_too() -> None:
    chart = Chart("Losses", (Line("training set", tuple(1 / i for i in range(1, 1001))),))
    page = render(summarise(report(chart, Status.FAILED)))
    assert len(pictures(page)) == 1 and len(page) < 200_000


def test_what_is_not_finite_ends_its_curve_and_crosses_as_data() -> None:
    lines = (Line("a", (2.0, math.nan, 1.0)), Line("b", (math.inf,)), Line("c", (1.0, 0.5)))
    [chart] = finite(Chart("x", lines))
    assert [(line.name, line.values) for line in chart.lines] == [("a", (2.0,)), ("c", (1.0, 0.5))]
    assert msgspec.json.decode(msgspec.json.encode(chart), type=Chart) == chart
    assert finite(Chart("x", (Line("a", (math.nan,)), Line("b", ())))) == ()


def test_a_panel_has_its_grids_side_by_side_and_names_are_text() -> None:
    panel = Panel(HOSTILE, (Grid("the digit", ((0.0, 0.5), (1.0, math.pi))), Grid(HOSTILE, ((0.2,),))))
    test = TestResult("4c.2", "accuracy", Status.PASSED, 2.0, 2.0, panels=(panel,))
    page = render(summarise(Report(Submission("ada", "hw6.ipynb", "0" * 64), (test,))))
    [picture] = pictures(page)
    assert "<script" not in page and len(picture.findall("{*}g")) == 2
    cells = "".join(str(path.get("d")) for path in picture.iter("{http://www.w3.org/2000/svg}path"))
    assert cells.count("M") == 3, "one for each value above nothing, neighbours together; beyond one is black"


def test_the_band_is_of_this_training() -> None:
    chart = smoke.chart([2.3] * smoke.STEPS)
    assert len(chart.low) == len(chart.high) == len(chart.lines[0].values) == smoke.STEPS // smoke.WINDOW
    assert all(low < high for low, high in zip(chart.low, chart.high))
    assert abs(chart.high[0] - math.log(10)) < 0.3, "it begins by guessing"
    assert chart.high[-1] < 0.75 * chart.low[0], "and all of them have learnt something by the end: 0.72 in 16 steps"


@pytest.mark.slow
def test_a_graded_submission_shows_its_own_run_and_ours(tmp_path: Path) -> None:
    found = grade(ROOT / "examples" / "class" / "ada_complete", Options(only="4c"))
    page = render(summarise(found), audience="student")
    own, ours = pictures(page)
    assert "own run" in str(own.get("aria-label")) and "our training" in str(ours.get("aria-label"))
    assert "9 of 10 right solutions" in "".join(ours.itertext())
    text = json.loads(results.encode(summarise(found)))["tests"]
    assert ["curves" in test["output"] for test in text if test["number"].startswith("4c")] == [True, False, True]
