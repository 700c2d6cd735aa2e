"""The page that shows a result as Gradescope would: to a student before and after the due date, and to staff.

Why separate: what is seen when is decided in `platform`; here it is put into words and markup, whatever file it is
from. One file, no script, nothing loaded from anywhere. Markup that a result brings along is shown in a frame in which
nothing runs, as the platform lets through only what is harmless.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Sequence
from pathlib import Path

from autograder.core.policy import POLICY
from autograder.core.text import printable
from autograder.report import platform
from autograder.report.html import filled
from autograder.report.platform import Reading, Text

TEMPLATE, STYLES = "preview.html.j2", ("class.css", "preview.css")
TITLES = {"before": "Before the due date", "due": "After it", "published": "Grades published", "staff": "Staff"}


def preview(reading: Reading, facts: Sequence[tuple[str, str]], notes: Sequence[str]) -> str:
    """The page as text. `facts`: (what, how much) of the run; `notes`: what differs from the platform."""
    views = [platform.view(reading, when) for when in platform.TIMES]
    return filled(
        TEMPLATE,
        {
            "title": POLICY.title,
            "style": "\n".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in STYLES),
            "reading": reading,
            "views": [(TITLES[view.when], view, _listed(view)) for view in views],
            "same": not platform.differ(views[:-1]),
            "shown": shown,
            "framed": framed,
            "number": number,
            "facts": facts,
            "notes": (*reading.notes, *notes),
        },
    )


def _listed(view: platform.View) -> list[tuple[str, list[tuple[int, platform.Test]]]]:
    """The list beside the results: failed tests first, as the platform has it; (place on the page, test)."""
    kinds = (("Failed tests", False), ("Passed tests", True), ("Without a mark", None))
    found = [
        (title, [(place, test) for place, test in enumerate(view.tests) if test.passed is kind])
        for title, kind in kinds
    ]
    return [(title, tests) for title, tests in found if tests]


def number(value: float | None) -> str:
    """A score as the platform writes it; a dash for none."""
    return "–" if value is None else f"{round(value, 2):g}" if value % 1 else f"{value:.1f}"


def framed(text: Text) -> str:
    """The document for a frame, of what brings its own markup; empty for everything else."""
    if text.format == "html":
        return text.text
    if text.format == "simple_format" and re.search(r"<\w", text.text):
        return "".join(f"<p>{part}</p>" for part in re.split(r"\n\n+", text.text)).replace("\n", "<br>")
    return ""


def shown(text: Text) -> str:
    """Text, colours of a terminal, or Markdown, as markup of ours: nothing in it is taken for markup of theirs."""
    if text.format == "ansi" and "\x1b[" in text.text:
        return f"<pre>{_coloured(text.text)}</pre>"
    if text.format == "md":
        from markdown_it import MarkdownIt

        return f'<div class="md">{MarkdownIt("js-default").render(printable(text.text))}</div>'
    if text.format == "simple_format":
        return f'<p class="lines">{html.escape(printable(text.text))}</p>'
    return f"<pre>{html.escape(printable(text.text))}</pre>"


def _coloured(text: str) -> str:
    from rich.console import Console
    from rich.text import Text as Coloured

    console = Console(record=True, width=10_000, file=io.StringIO(), legacy_windows=False)
    console.print(Coloured.from_ansi(text), soft_wrap=True)
    return console.export_html(inline_styles=True, code_format="{code}")
