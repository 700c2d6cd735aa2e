"""answers.toml and history.json of a submission: parsed under caps, each with its own reason when it cannot be.

Why separate: a mistake in one of them must not touch the code, nor each other. Judging them is elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from autograder.core import policy
from autograder.core.errors import SubmissionError
from autograder.core.records import Finding, Severity
from autograder.core.text import one_line
from autograder.handin.files import likely
from autograder.handin.files.answers import Tables, parse_answers
from autograder.handin.files.broken_answers import salvaged
from autograder.handin.files.drafts import natural, wording
from autograder.handin.files.layout import LAYOUT, is_blank
from autograder.handin.files.members import Member

MAX_HISTORY_MB = 1  # ten epochs of a loss per batch are 0.4 MB
MAX_HISTORY_DEPTH = 10  # the template writes lists in an object
_BIGGEST = 2**63  # beyond it JSON readers differ


class Read(NamedTuple):
    """What a file holds, or None; why it cannot be used; remarks on which of several it is. None, "": no such file."""

    content: dict[str, Any] | None
    problem: str
    remarks: tuple[Finding, ...] = ()


class _Tried(NamedTuple):
    member: Member
    content: dict[str, Any] | None
    problem: str


def read_answers(members: Sequence[Member], near: str) -> Read:
    """Every table that can be read, of the file of that name, else of a filled one that downloads renamed."""
    name = policy.FILES.answers
    tried = [_Tried(member, *_answers(member)) for member in likely.named(members, near, name)]
    known = [one for one in tried if likely.is_named(one.member, name) or LAYOUT.keys() & (one.content or {}).keys()]
    filled = [one for one in known if _filled(one.content or {})]
    if not known:
        others = likely.documents(members, name)
        return Read(None, _no_text(others[0].name, name) if others else "")
    first, *rest = filled or known
    folder = first.member.name.rpartition("/")[0]
    near_it = [one for one in rest if filled and one.member.name.rpartition("/")[0] == folder]
    rivals = [one for one in near_it if one.content != first.content]
    if not rivals or likely.is_named(first.member, name):
        return Read(first.content, first.problem, tuple(_remarks(name, first, known, rivals)))
    best, *further = sorted([first, *rivals], key=_said, reverse=True)
    return Read(best.content, best.problem, (*_remarks(name, best, known, []), *_which(name, best, further)))


def _said(one: _Tried) -> tuple[object, ...]:
    """How far a file says that it is the last one; what is larger says more."""
    said = wording(one.member.name)
    return said.in_use, _filled(one.content or {}), said[1:], natural(one.member.name)


def _answers(member: Member) -> tuple[Tables | None, str]:
    """(tables, ""); (what can be read, why not all) or (None, why not)."""
    try:
        data = member.read()
    except SubmissionError as error:
        return None, str(error)
    try:
        tables = parse_answers(data)
        # "# 2a" is a comment to TOML, and a heading to who writes Markdown
        return tables if LAYOUT.keys() & tables.keys() else salvaged(data) or tables, ""
    except SubmissionError as error:
        problem = str(error)
    except (RecursionError, MemoryError):
        problem = f"{member.name} is nested too deeply to be read. Start again from the template."
    answers = salvaged(data)
    if not answers:
        return None, problem
    return answers, f"{problem} Each answer was read for itself: check that all of them are understood."


def _filled(tables: Tables) -> int:
    """How many boxes of the template have something in them."""
    return sum(not is_blank(tables.get(table, {}).get(key)) for table, keys in LAYOUT.items() for key in keys)


def _no_text(file: str, name: str) -> str:
    return (
        f"{one_line(file, 80)} is no plain text, so nothing in it was read. Save your answers as plain text (TextEdit: "
        f"Format > Make Plain Text; Word: Save As > Plain Text), as {name}, or fill in the template's {name}."
    )


def _which(name: str, best: _Tried, others: Sequence[_Tried]) -> Iterator[Finding]:
    """For the student and for staff: several could be meant, and they differ."""
    file = best.member.name
    names = ", ".join(one_line(one.member.name, 60) for one in (best, *others)[:5])
    message = f"several files may be {name} ({names}), and they differ; {one_line(file, 60)} is read"
    fix = f"hand in the one that is meant, called {name}"
    yield Finding("file-name", Severity.REMARK, message, construct=file, fix=fix)
    yield Finding("file-name", Severity.FLAG, message, construct=file, fix="see whether that is the one that is meant")


def _remarks(name: str, chosen: _Tried, known: Sequence[_Tried], rivals: Sequence[_Tried]) -> Iterator[Finding]:
    """For nothing: which file was read, and what of the others."""
    file = chosen.member.name
    messages = []
    if not likely.is_named(chosen.member, name):
        messages.append(f"the file is called {file} instead of {name}; it was read all the same")
    for one in known:
        if one is not chosen and likely.is_named(one.member, name):
            why = "could not be read" if one.content is None else "is blank" if not _filled(one.content) else ""
            messages += [f"{one.member.name} {why}, so {file} is read in its place"] if why else []
    messages += [f"both {file} and {one.member.name} hold answers; {file} is read" for one in rivals]
    for message in messages:
        yield Finding("file-name", Severity.REMARK, message, construct=file, fix=f"hand in one file, called {name}")


def read_history(members: Sequence[Member], near: str) -> Read:
    """The object in it; of several that downloads renamed, the likeliest that can be read."""
    name = policy.FILES.history
    tried = [_Tried(member, *_history(member)) for member in likely.named(members, near, name)]
    usable = [one for one in tried if one.content is not None]
    told = [one for one in tried if one.member.name.lower().endswith((".json", ".json.txt"))]
    if not usable:
        return Read(None, told[0].problem if told else "")
    return Read(usable[0].content, "", tuple(_remarks(name, usable[0], [one for one in tried if not one.content], [])))


def _history(member: Member) -> tuple[dict[str, object] | None, str]:
    """(the object, "") or (None, why not)."""
    again = f"Run {policy.FILES.saving_cell} of the template again; it writes this file."
    try:
        data = member.read()
        if len(data) > MAX_HISTORY_MB * 1024 * 1024:
            return None, f"{member.name} has more than {MAX_HISTORY_MB} MB. {again}"
        content = json.loads(
            data.decode("utf-8-sig"), parse_constant=lambda name: None, parse_int=_bounded, parse_float=_finite
        )
    except SubmissionError as error:
        return None, str(error)
    except (RecursionError, MemoryError):
        return None, f"{member.name} is nested too deeply. {again}"
    except ValueError as error:
        return None, f"{member.name} is not JSON ({str(error)[:100]}). {again}"
    if not isinstance(content, dict):
        return None, f"{member.name} should hold an object of lists, but holds {type(content).__name__}. {again}"
    if _deeper_than(content, MAX_HISTORY_DEPTH):
        return None, f"{member.name} is nested too deeply. {again}"
    return _clean(content), ""


def _bounded(digits: str) -> int | float | None:
    if len(digits) < 19:
        return int(digits)
    return _finite(digits)


def _finite(digits: str) -> float | None:
    """None for what overflows, as for NaN: no number that can be compared."""
    value = float(digits)
    return value if abs(value) != float("inf") else None


def _clean(value: Any) -> Any:
    """Without lone surrogates, which JSON can spell and UTF-8 cannot."""
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _deeper_than(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [part for one in level for part in _parts(one)]
        if not level:
            return False
    return True


def _parts(value: object) -> list[object]:
    return list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []
