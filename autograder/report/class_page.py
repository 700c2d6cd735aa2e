"""A class as one HTML page: what `overview` found, to look at, to filter and to click through.

Why separate: pictures and texts of a class are shaped here, the markup stands in the template, and numbers come ready.
One file, nothing loaded from anywhere; its only script is our own, allowed by its hash, and the page reads without it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from autograder.core.policy import POLICY
from autograder.core.text import one_line
from autograder.report import message
from autograder.report.html import filled
from autograder.report.overview import Item, Overview, Student

TEMPLATE, SCRIPT, STYLE = "class.html.j2", "class.js", "class.css"
HERE = Path(__file__).parent

MOST_MISTAKES = 40  # the rarer ones are counted in a line
MOST_SLOW = 10
SLOW = 20.0  # seconds; an honest submission needs one or two
_WIDTH, _HEIGHT, _LOW = 640, 220, 24  # pixels of a picture, and of its axis


def class_page(whole: Overview) -> str:
    """The page as text."""
    script = (HERE / SCRIPT).read_text(encoding="utf-8")
    totals = whole.totals
    values = {
        "title": POLICY.title,
        "style": (HERE / STYLE).read_text(encoding="utf-8"),
        "script": script,
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "whole": whole,
        "totals": totals,
        "median": totals[len(totals) // 2] if totals else None,
        "bars": _bars(whole),
        "mistakes": whole.mistakes[:MOST_MISTAKES],
        "rarer": whole.mistakes[MOST_MISTAKES:],
        "most": max((len(mistake.ids) for mistake in whole.mistakes), default=1),
        "alarms": [item for item in whole.tests if item.alarm],
        "flagged": [one for one in whole.students if one.flags],
        "slow": _slow(whole.students),
        "curves": _curves(whole.students),
        "named": any(one.who for one in whole.students),
        "cells": cells,
        "difficulty": difficulty,
        "points": message.points,
        "one_line": one_line,
        "who": _who,
    }
    return filled(TEMPLATE, values) + "\n"


def difficulty(item: Item) -> str:
    """The mean share in percent, and the discrimination: "84 % · 0.41"."""
    told = "–" if item.discrimination is None else f"{item.discrimination:+.2f}"
    return f"{item.mean:.0%} · {told}"


def cells(one: Student, tests: Sequence[Item]) -> list[tuple[str, str]]:
    """(class of colour, words) of each cell of the heat map's row."""
    found = []
    for item in tests:
        share = one.outcomes.get(item.number)
        colour = "none" if share is None else f"s{round(4 * share)}"
        found.append((colour, f"{item.number}: {'not graded' if share is None else f'{share:.0%}'}"))
    return found


def _slow(students: Sequence[Student]) -> list[Student]:
    return sorted((one for one in students if one.seconds >= SLOW), key=lambda one: -one.seconds)[:MOST_SLOW]


def _who(one: Student) -> str:
    return f"{one.who} {one.row.id}".strip().lower()


def _bars(whole: Overview) -> list[dict[str, object]]:
    """Bars of the histogram in pixels: x, y, width, height, and the words for each."""
    most = max((count for _, _, count in whole.histogram), default=0) or 1
    wide = _WIDTH / max(1, len(whole.histogram))
    return [
        {
            "x": round(index * wide + 1, 1), "width": round(wide - 2, 1),
            "height": round(count / most * (_HEIGHT - 2 * _LOW), 1),
            "y": round(_HEIGHT - _LOW - count / most * (_HEIGHT - 2 * _LOW), 1),
            "count": count, "low": message.points(low), "high": message.points(high),
        }
        for index, (low, high, count) in enumerate(whole.histogram)
    ]  # fmt: skip


def _curves(students: Sequence[Student]) -> dict[str, object] | None:
    """The training losses of all students' own runs over one another, as polylines; None without any."""
    rows = [(one.row.id, one.curves[0].values) for one in students if one.curves and len(one.curves[0].values) > 1]
    if not rows:
        return None
    longest = min(max(len(values) for _, values in rows), 30)
    highest = min(max(max(values) for _, values in rows), 3.0)  # sums and accidents would hide everything else
    across, down = (_WIDTH - 40) / (longest - 1), (_HEIGHT - 2 * _LOW) / (highest or 1.0)

    def line(values: Sequence[float]) -> str:
        points = enumerate(min(value, highest) for value in values[:longest])
        return " ".join(f"{36 + index * across:.1f},{_HEIGHT - _LOW - value * down:.1f}" for index, value in points)

    lines = [(identity, line(values)) for identity, values in rows]
    return {"lines": lines, "longest": longest, "highest": f"{highest:.2g}"}
