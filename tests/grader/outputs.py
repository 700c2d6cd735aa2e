"""The outputs of a report, each from its summary, as the commands make them: what tests look at is one call away.

Why separate: a test starts from a report; that every output is given one summary is the commands' business.
"""

from __future__ import annotations

from pathlib import Path

from autograder.core.records import Report
from autograder.report import class_table, html, message, results, terminal
from autograder.report.summary import Audience, summarise


def to_gradescope(report: Report) -> dict[str, object]:
    return results.to_gradescope(summarise(report))


def encode(report: Report) -> bytes:
    return results.encode(summarise(report))


def write(path: Path, report: Report) -> None:
    results.write(path, summarise(report))


def page(report: Report, *, source_lines: bool = True, audience: Audience = "student") -> str:
    return html.render(summarise(report), source_lines=source_lines, audience=audience)


def printed(
    report: Report, *, width: int | None = None, colour: bool, audience: Audience = "student", again: str = ""
) -> str:
    return terminal.render(summarise(report), width=width, colour=colour, audience=audience, again=again)


def next_step(report: Report, audience: Audience) -> str:
    return message.next_step(summarise(report), audience)


def class_row(identity: str, report: Report) -> class_table.ClassRow:
    return class_table.class_row(identity, summarise(report))
