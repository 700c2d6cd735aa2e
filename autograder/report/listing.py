"""The student's executed code as lines that a page can show: where each stands, its colours, and what refers to it.

Why separate: it is the one place that brings together the executed text, its places in the notebook and the results.
Student text stays data here: segments of plain text with a class name of ours, escaped by the template.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Sequence

import msgspec

from autograder.core.records import Finding, Program, Status, TestResult
from autograder.core.text import one_line, printable

# What a reader can still scroll through. A program is a few hundred lines at most; more is shown as "n more lines".
MAX_CODE_LINES = 1500
MAX_LINE = 300

# Pygments' kinds of token to the template's class names; most text has none.
COLOURS = (
    ("Token.Keyword", "k"),
    ("Token.Operator.Word", "k"),
    ("Token.Comment", "c"),
    ("Token.Literal.String", "s"),
    ("Token.Literal.Number", "m"),
    ("Token.Name.Class", "d"),
    ("Token.Name.Function", "d"),
    ("Token.Name.Decorator", "d"),
)

Segment = tuple[str, str]


class Mark(msgspec.Struct, frozen=True):
    """Why a line of code is highlighted: a label to read and the anchor of what it refers to."""

    label: str
    anchor: str


class CodeLine(msgspec.Struct, frozen=True):
    """One executed line: where it stands in the submission, its text in segments (CSS class, text), and its marks."""

    cell: int | None
    line: int
    segments: tuple[Segment, ...]
    marks: tuple[Mark, ...]


class Listing(msgspec.Struct, frozen=True):
    """The executed program of one question."""

    question: str
    class_name: str
    file: str
    lines: tuple[CodeLine, ...]
    more: int


def listing(program: Program, tests: Sequence[TestResult], found: Sequence[Finding]) -> Listing:
    """The program's lines, each with the tests and findings that point at it: test i has the anchor "test-i"."""
    rows = program.text.split("\n")
    rows = [printable(row).replace("\n", " ") for row in (rows if rows[-1] else rows[:-1])]
    shown = [row if len(row) <= MAX_LINE else row[:MAX_LINE] + "…" for row in rows[:MAX_CODE_LINES]]
    coloured = _segments(program, shown)
    lines = tuple(_code_line(program, n, parts, tests, found) for n, parts in enumerate(coloured, start=1))
    first = program.place(1)
    return Listing(
        question=one_line(program.question),
        class_name=one_line(program.class_name),
        file=one_line(first.file) if first else "",
        lines=lines,
        more=len(rows) - len(shown),
    )


def _code_line(
    program: Program, number: int, parts: tuple[Segment, ...], tests: Sequence[TestResult], found: Sequence[Finding]
) -> CodeLine:
    place = program.place(number)
    if place is None:
        return CodeLine(None, number, parts, ())
    marks = [
        Mark(one_line(test.number or test.name), f"test-{index}")
        for index, test in enumerate(tests)
        if test.status is Status.FAILED and test.feedback.where and _mentions(test.feedback.where, str(place))
    ]
    marks += [Mark(one_line(f.rule), f"finding-{index}") for index, f in enumerate(found) if f.place == place]
    return CodeLine(place.cell, place.line, parts, tuple(marks))


def _mentions(where: str, place: str) -> bool:
    """Whether a text names a place. "line 1" is no mention of "line 19": a digit must not follow."""
    return place in where and re.search(re.escape(place) + r"(?!\d)", where) is not None


def _segments(program: Program, rows: Sequence[str]) -> list[tuple[Segment, ...]]:
    """The rows in coloured segments, where Pygments is there (rich brings it along); else each in one plain segment.

    Piece by piece: the questions' programs have most of theirs in common, and the class has what was given.
    """
    try:
        import pygments.lexers.python  # noqa: F401
    except ImportError:
        return [(("", row),) for row in rows]
    starts = [*_starts(program, len(rows)), len(rows)]
    return [line for first, last in itertools.pairwise(starts) for line in _coloured("\n".join(rows[first:last]))]


def _starts(program: Program, count: int) -> list[int]:
    """The rows, of so many and from 0, at which a part begins that was cut from the submission in one piece.

    Pieces are whole statements, so that each can be coloured without the others, and nothing need be parsed here.
    """
    places = program.places[:count]
    follows = [(one.file, one.cell, one.line + 1) for one in places]
    first = [0] if count else []
    return first + [n for n, one in enumerate(places) if n and (one.file, one.cell, one.line) != follows[n - 1]]


@functools.lru_cache(maxsize=1024)
def _coloured(text: str) -> tuple[tuple[Segment, ...], ...]:
    """The lines of a text, each in coloured segments."""
    from pygments.lexers.python import PythonLexer

    rows = text.split("\n")
    lines: list[list[Segment]] = [[]]
    for kind, part in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text):
        for index, piece in enumerate(part.split("\n")):
            if index:
                lines.append([])
            if piece:
                lines[-1].append((_colour(kind), piece))
    return tuple(tuple(line) for line in lines) if len(lines) == len(rows) else tuple((("", row),) for row in rows)


@functools.cache
def _colour(kind: object) -> str:
    """The CSS class of a token kind, e.g. Token.Keyword.Namespace."""
    return next((name for prefix, name in COLOURS if str(kind).startswith(prefix)), "")
