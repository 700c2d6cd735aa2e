"""Spellings of a newer Python than the grader's: Colab and laptops are often ahead of it.

Why separate: a table of what each version brought, and no more. A line that Python cannot read is looked up here, so
that the student is told whose limit it is. It is a guess by the words of the line, and said as one.
"""

# ruff: noqa: E501  (lines of a table are left whole)
from __future__ import annotations

import re
import sys
from typing import NamedTuple

Version = tuple[int, int]


class Spelling(NamedTuple):
    """What a line looks like that needs `since`, and how it was written before."""

    since: Version
    line: str
    older: str


SPELLINGS = (
    Spelling((3, 12), r"""\b[fF][rR]?("|')(?:(?!\1).)*\{(?:(?!\1)[^}])*\1""", "use the other kind of quotes inside the braces"),
    Spelling((3, 12), r"""\b[fF][rR]?(?P<q>"|').*\{[^}]*[\\#].*(?P=q)""", "compute what holds a backslash or a # before the f-string"),
    Spelling((3, 12), r"^\s*type\s+\w+\s*(?:\[.*\])?\s*=", "write `Name = ...` without `type`, or leave it out"),
    Spelling((3, 12), r"^\s*(?:class|(?:async\s+)?def)\s+\w+\s*\[", "leave the square brackets after the name out"),
    Spelling((3, 11), r"^\s*except\s*\*", "write `except` without the star"),
    Spelling((3, 11), r"\w\[[^\]]*(?<![*\w\s)])\s*\*\w", "build the tuple of indices first"),
    Spelling((3, 14), r"^\s*except\s+[\w.]+\s*,\s*[\w.]+[^()]*:", "put the exceptions into parentheses"),
    Spelling((3, 14), r"""(?<![\w"'])[tT][rR]?["']""", "use an f-string"),
)  # fmt: skip


def newer_python(line: str, running: Version = sys.version_info[:2]) -> str:
    """What to say of a line that Python `running` cannot read, if a newer one probably can; else ""."""
    for spelling in SPELLINGS:
        if spelling.since > running and re.search(spelling.line, line[:2000]):
            needs, has = (".".join(map(str, version)) for version in (spelling.since, running))
            return f"this spelling probably needs Python {needs}, and the grader runs {has}: {spelling.older}"
    return ""
