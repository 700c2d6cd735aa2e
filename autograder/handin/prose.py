"""What a student wrote for people: the notebook's Markdown by question, for those that a person grades.

Why separate: nothing of it is graded by a test. It is read like all else of a submission, in a process that may die
(`reader.apart`), and leaves it as markup that a page may hold. Nobody's text is hidden: what belongs to no question, or
cannot be told, is the rest, and is shown beside every answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from autograder.core.errors import SubmissionError
from autograder.core.policy import POLICY
from autograder.handin.files.decoding import decode
from autograder.handin.load import load, members_of
from autograder.handin.markup import Pictures, plain, rendered

_TEMPLATE = Path(__file__).parents[2] / "student_template" / "hw6.ipynb"
_FORMS = "administrivia"  # the table of answers.toml that belongs to the handout's first question
_NUMBERS = tuple(question.number for question in (*POLICY.questions, *POLICY.by_hand))
# "2(d)", "**2.d)**", "## Question 2d: pooling", "Q3.c.c" at the start of a line. A bare "1." is an item of a list.
_WORD = r"(?:(?:questions?|problems?|exercises?|parts?|answers?(?:\s+(?:to|for))?|q)[\s.:]*)"
_BETWEEN = r"[\s.()\[\]_-]{0,3}"
MAX_LINE = 300  # characters of a line that may begin an answer


class Prose(msgspec.Struct, frozen=True):
    """Markup by question; `rest`: of what is for no question; `files`: what lies beside the work to be read."""

    answers: dict[str, str] = {}
    rest: str = ""
    files: tuple[str, ...] = ()
    problem: str = ""


def read(path: Path) -> Prose:
    """What the submission at `path` says in words. Where it cannot be read, `problem` says why."""
    try:
        members = members_of(path)
        submission = load(path)
        own = next((member for member in members if member.name == submission.file), None)
        cells = list(_cells(decode(own.read(), own.name))) if own and ".ipynb" in own.name.lower() else []
    except (SubmissionError, ValueError, RecursionError) as error:
        return Prose(problem=str(error) or "it is nested too deeply")
    pictures = Pictures()
    sections: dict[str, list[str]] = {}
    for text, attached in cells:
        for number, part in _sections(text):
            sections.setdefault(number, []).append(rendered(part, attached, pictures))
    for number, text in _typed(submission.answers or {}):
        sections.setdefault(number, []).append(plain(text))
    rest = "\n".join(sections.pop("", []))
    files = tuple(member.name for member in members if member.name.lower().endswith(".pdf"))
    return Prose({number: "\n".join(parts) for number, parts in sections.items()}, rest, files, submission.problem)


def _cells(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(Markdown, attachments) of the student's own cells: the template's text is nobody's answer."""
    given = (
        {_bare(source) for source, _ in _markdown(_TEMPLATE.read_text(encoding="utf-8"))}
        if _TEMPLATE.exists()
        else set()
    )
    return ((source, attached) for source, attached in _markdown(text) if _bare(source) not in given | {""})


def _markdown(saved: str) -> Iterator[tuple[str, dict[str, Any]]]:
    content, _ = json.JSONDecoder().raw_decode(saved.lstrip("\ufeff \t\n"))
    cells = content.get("cells") if isinstance(content, dict) else None
    for cell in cells if isinstance(cells, list) else []:
        if isinstance(cell, dict) and cell.get("cell_type") == "markdown":
            source, attached = cell.get("source"), cell.get("attachments")
            lines = source if isinstance(source, list) else [source]
            yield (
                "".join(line for line in lines if isinstance(line, str)),
                attached if isinstance(attached, dict) else {},
            )


def _bare(text: str) -> str:
    return " ".join(text.split())


def _label(number: str) -> str:
    spelled = _BETWEEN.join(re.findall(r"\d+|[a-z]", number))
    word = _WORD + ("+" if number.isdigit() else "*")
    return rf"{word}[(\[]?{spelled}(?:[)\].:]|\s|[*_]|$)(?!{_BETWEEN}[a-z\d]\b)"


_LABELS = [
    (number, re.compile(rf"[\s#>*_-]{{0,12}}{_label(number)}", re.IGNORECASE))
    for number in sorted(_NUMBERS, key=len, reverse=True)
]


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """(question, text): a line that begins with a question's number begins its answer; before the first, nobody's."""
    number, part = "", list[str]()
    for line in text.splitlines():
        begun = question_begun(line)
        if begun and part:
            yield number, "\n".join(part)
            part = []
        number = begun or number
        part.append(line)
    if part:
        yield number, "\n".join(part)


def _typed(answers: dict[str, dict[str, object]]) -> Iterator[tuple[str, str]]:
    """What answers.toml says for a question that no test looks at."""
    for question in POLICY.by_hand:
        for name in (f"q{question.number.replace('.', '')}", *([_FORMS] if question is POLICY.by_hand[0] else ())):
            for key, value in answers.get(name, {}).items():
                yield question.number, f"{key}: {value}"


def question_begun(line: str) -> str:
    """The question whose answer a line begins; empty where it begins none."""
    return next((name for name, label in _LABELS if len(line) <= MAX_LINE and label.match(line)), "")
