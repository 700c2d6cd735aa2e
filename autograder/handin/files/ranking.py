"""Of several files that could be the work and differ, the one that people would take; and what to say of it.

Why separate: a submission lost because nobody said which draft counts would be unfair, and a wrong guess must be seen:
the student is told which file was graded and why, and staff are asked to look. Nothing here reads the code again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from autograder.core import policy
from autograder.core.records import Finding, Severity
from autograder.core.text import one_line
from autograder.handin.files.drafts import agrees, natural, open_ends, wording
from autograder.handin.files.extras import read_history
from autograder.handin.files.members import Member
from autograder.handin.files.tried import Tried

_SHOWN = 5  # names in a message


class _Signs(NamedTuple):
    """What speaks for a file, the strongest first; what is larger says more."""

    filled: int
    in_use: bool
    agrees: bool
    original: bool
    final: int
    dates: tuple[int, ...]
    numbers: tuple[int, ...]
    trained: bool
    done: int
    notebook: bool
    date: int


_WHY = {
    "filled": "has more of the classes",
    "in_use": "is not called old, a draft or a backup",
    "agrees": f"has the outputs that {policy.FILES.history} is about",
    "original": "is not called a copy",
    "final": "is called the final one",
    "dates": "has the last date in its name",
    "numbers": "has the last number in its name",
    "trained": "has saved outputs",
    "done": "leaves less to do",
    "notebook": "is a notebook",
    "date": "was changed last",
}


def ranked(rivals: Sequence[Tried], members: Sequence[Member]) -> tuple[list[Tried], tuple[Finding, ...]]:
    """The likeliest first; remarks for the student, and a flag for staff where the classes differ."""
    signs = {one.member.name: _signs(one, members) for one in rivals}
    order = sorted(rivals, key=lambda one: (signs[one.member.name], natural(one.member.name)), reverse=True)
    first = order[0]
    others = [one for one in order[1:] if _programs(one) != _programs(first)]
    why = _why(signs[first.member.name], [signs[one.member.name] for one in others or order[1:]])
    return order, tuple(_findings(first, order, why, doubt=bool(others)))


def _signs(one: Tried, members: Sequence[Member]) -> _Signs:
    cells = one.work.cells if one.work else ()
    outputs = "\n".join(cell.outputs for cell in cells)
    said = wording(one.member.name)
    history = read_history(members, one.member.name).content
    return _Signs(
        one.filled,
        said.in_use,
        agrees(outputs, history),
        said.original,
        said.final,
        said.dates,
        said.numbers,
        any(cell.outputs.strip() or cell.images for cell in cells),
        -open_ends(cell.source for cell in cells),
        one.base.endswith(".ipynb"),
        one.member.date,
    )


def _programs(one: Tried) -> dict[str, str]:
    return {number: program.text for number, program in one.sliced.programs.items()} if one.sliced else {}


def _why(first: _Signs, others: Sequence[_Signs]) -> str:
    """What sets it apart from the best of the others ("": nothing but the order of their names)."""
    second = max(others)
    return next((_WHY[name] for name, a, b in zip(_Signs._fields, first, second) if a != b), "")


def differs(one: Tried, other: Tried) -> bool:
    """Whether a class is written in one of them as it is not in the other."""
    return _programs(one) != _programs(other)


def is_later(one: Tried, other: Tried, members: Sequence[Member]) -> bool:
    """Whether the history, or how it is called, says that it is the later draft of the two."""
    mine, theirs = _signs(one, members), _signs(other, members)
    return mine.original >= theirs.original and (mine.agrees, mine.final, mine.dates, mine.numbers) > (
        theirs.agrees, theirs.final, theirs.dates, theirs.numbers
    )  # fmt: skip


def drafts_beside(first: Tried, others: Sequence[Tried], why: str) -> tuple[Finding, ...]:
    """What is said to the student, and to staff, of drafts that are left aside for their names or their outputs."""
    return tuple(_findings(first, [first, *others], why, doubt=True))


def _findings(first: Tried, order: Sequence[Tried], why: str, *, doubt: bool) -> list[Finding]:
    file = one_line(first.member.name, 60)
    names = ", ".join(one_line(one.member.name, 60) for one in order[:_SHOWN]) + (", …" if len(order) > _SHOWN else "")
    because = f"which {why}" if why else "the last of them by name, since nothing else tells them apart"
    what = "define the classes" if first.defines else "could be the submission, though none defines the classes"
    message = f"several files {what} ({names}), and they differ; graded is {file}, {because}"
    fix = f"hand in the one that you mean alone, called {policy.FILES.notebook}"
    found = [Finding("file-name", Severity.REMARK, message, construct=first.member.name, fix=fix)]
    if doubt:
        look = "see whether that is the one that is meant: the classes in the others are not the same"
        found.append(Finding("file-name", Severity.FLAG, message, construct=first.member.name, fix=look))
    return found
