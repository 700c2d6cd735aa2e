"""A report as one HTML page, and a class as a list of them: no script, nothing loaded from anywhere, readable in print
and in the dark.

Why separate: Jinja2 (with autoescape, which is what makes student text safe here) is imported only when a page is
made. This module shapes plain data for the template, the template holds the markup; no HTML may be put together here.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from autograder.core.policy import POLICY
from autograder.core.records import Chart, Severity, Status, TestResult
from autograder.core.text import clean, one_line
from autograder.report import curves, grids, groups, matrices, message, summary
from autograder.report.listing import listing
from autograder.report.summary import Summary

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE = "submission.html.j2"


def render(whole: Summary, *, source_lines: bool = True, audience: summary.Audience = "student") -> str:
    """The page as text. `source_lines` shows the student's code; the student's variant omits what is for staff."""
    return filled(TEMPLATE, _page(whole, source_lines, audience))


def cell(whole: Summary, left: Sequence[str] = ()) -> str:
    """The student's report as an element for a notebook's output, its styles under one class; `left`: last lines."""
    page = _page(whole, source_lines=False, audience="student")
    anchored = _anchored(summary.question_scores(summary.shown_tests(whole, "student")), whole)
    questions = [
        (score, entries, any(g.status in (Status.FAILED, Status.ERROR) for g, _ in entries), _in_short(score))
        for score, entries in anchored
    ]
    return filled("cell.html.j2", {**page, "questions": questions, "left": [clean(line, 500) for line in left]})


def _in_short(score: summary.QuestionScore) -> str:
    """The outcome of a question that is folded: "✓ passed", "✗ 1 failed", "– 2 skipped"; the worst one counts."""
    for status in (Status.ERROR, Status.FAILED, Status.SKIPPED):
        if count := sum(test.status is status for test in score.tests):
            return f"{message.SYMBOLS[status]} {count} {message.WORDS[status]}"
    return f"{message.SYMBOLS[Status.PASSED]} {message.WORDS[Status.PASSED]}"


def filled(template: str, values: Mapping[str, object]) -> str:
    """A template of this folder with its values; what is no markup of ours is escaped."""
    return _environment().get_template(template).render(**values)


@functools.cache
def _environment() -> Environment:
    """Made once: it keeps the templates that it compiled, and compiling one costs more than filling it five times."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _page(whole: Summary, source_lines: bool, audience: summary.Audience) -> dict[str, object]:
    tests = summary.shown_tests(whole, audience)
    found = summary.findings(whole, audience)
    marked = [(f"finding-{i}", message.finding_rows(f), f.severity is Severity.FLAG) for i, f in enumerate(found)]
    scores = summary.question_scores(tests)
    earned, possible, ungraded = summary.total(tests)
    programs = [whole.report.submission.programs[number] for number in sorted(whole.report.submission.programs)]
    hand, worth = summary.by_hand(tests)
    return {
        "title": POLICY.title,
        "staff": audience == "staff",
        "name": one_line(whole.report.submission.name) if audience == "staff" else "",
        "file": one_line(whole.report.submission.file),
        "total": {"earned": earned, "possible": possible, "ungraded": ungraded},
        "incomplete": not whole.report.complete or any(test.status is Status.ERROR for test in tests),
        "hidden": len(whole.tests) - len(tests),
        "unusable": [(what, clean(why, 1500)) for what, why in whole.unusable],
        "notices": [clean(notice, 500) for notice in whole.report.notices],
        "next_step": message.next_step(whole, audience),
        "scores": scores,
        "anchored": _anchored(scores, whole),
        "findings": [(anchor, rows) for anchor, rows, flag in marked if not flag],
        "flags": [(anchor, rows[:2]) for anchor, rows, flag in marked if flag],
        "listings": [listing(program, tests, found) for program in programs] if source_lines else [],
        "answers": _answers(whole),
        "hand": hand,
        "hand_points": worth,
        "notes": [clean(note, 2000, lines=40) for note in whole.notes],
        "told": [(one_line(n), clean(text, 2000, lines=40)) for n, text in summary.told_to_staff(whole)],
        "provenance": _provenance(whole),
        "message": message,
        "groups": groups,
        "clean": clean,
        "pictures": _pictures,
        "tables": matrices.tables,
        "percent": _percent,
    }


# Pictures are a few KB each; a run of a thousand epochs is drawn at so many points.
_MOST_POINTS = 200


def _pictures(tests: Sequence[tuple[str, TestResult]]) -> list[tuple[str, str]]:
    """(what it shows, the <svg> element) of each chart and panel of these tests. Text in it was escaped there."""
    charts = [(one_line(chart.title), _drawn(chart)) for _, test in tests for chart in test.charts]
    return charts + [(one_line(panel.title), grids.svg(panel)) for _, test in tests for panel in test.panels]


def _drawn(chart: Chart) -> str:
    step = -(-max(len(line.values) for line in chart.lines) // _MOST_POINTS)
    lines = [curves.Curve(one_line(line.name, 40), line.values[::step]) for line in chart.lines]
    bands = [curves.Band(chart.band, chart.low[::step], chart.high[::step])] if chart.band else []
    return curves.svg(lines, bands, title=one_line(chart.title), x=chart.x, y=chart.y)


Anchored = tuple[groups.Group, list[tuple[str, TestResult]]]


def _anchored(
    scores: tuple[summary.QuestionScore, ...], whole: Summary
) -> list[tuple[summary.QuestionScore, list[Anchored]]]:
    """Each question with its groups of tests and their anchors, numbered through the page as `listing` does."""
    count = itertools.count()
    told: dict[tuple[message.Row, ...], str] = {}

    def anchored(group: groups.Group, question: str) -> Anchored:
        rows, first = group.rows, told.setdefault(group.rows, question)
        if rows and first != question:
            rows = ((rows[0][0], f"the same reason as in {first}"),)
        return msgspec.structs.replace(group, rows=rows), [(f"test-{next(count)}", test) for test in group.tests]

    return [
        (score, [anchored(group, score.question.number or "the first part") for group in found])
        for score, found in ((score, groups.groups(score.tests, whole)) for score in scores)
    ]


def _percent(part: float, whole: float) -> str:
    """A width for a bar, between 0 and 100."""
    return f"{100 * min(max(part / whole, 0.0), 1.0):.1f}" if whole > 0 else "0"


def _provenance(whole: Summary) -> list[tuple[str, str]]:
    versions = ", ".join(f"{name} {version}" for name, version in sorted(whole.report.versions.items()))
    pairs = [
        ("versions", versions),
        ("seed", str(whole.report.seed)),
        ("submission digest", whole.report.submission.digest),
        ("isolation", whole.report.isolation),
        ("time", f"{whole.report.seconds:.1f} s"),
    ]
    return [(label, one_line(text, 400)) for label, text in pairs if text]


def _answers(whole: Summary) -> list[tuple[str, str, str]]:
    """(question, key, value as typed) for every written answer, in the file's order."""
    tables = whole.report.submission.answers or {}
    return [
        (one_line(table.removeprefix("q")), one_line(key), _typed(value))
        for table, values in tables.items()
        for key, value in values.items()
    ]


def _typed(value: object) -> str:
    """A value of answers.toml as a person would type it; matrices keep one row a line."""
    if isinstance(value, str):
        return clean(value, 2000, lines=40)
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):  # e.g. an integer of more than 4300 digits, or a deep nest
        return "(too large to show)"
    return clean(text.replace("], [", "],\n ["), 2000, lines=40)
