"""answers.toml and history.json of a submission: parsed under caps, each with its own reason when it cannot be.

Why separate: a mistake in one of them must not touch the code, nor each other. Judging them is elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from autograder.core import policy
from autograder.core.errors import SubmissionError
from autograder.handin.files.answers import Tables, parse_answers
from autograder.handin.files.broken_answers import salvaged
from autograder.handin.files.members import Member

MAX_HISTORY_MB = 1  # ten epochs of a loss per batch are 0.4 MB
MAX_HISTORY_DEPTH = 10  # the template writes lists in an object
_BIGGEST = 2**63  # beyond it JSON readers differ


def read_answers(members: Sequence[Member], near: str) -> tuple[Tables | None, str]:
    """(tables, ""); (what can be read, why not all) or (None, why not); (None, "") when there is no such file."""
    member = _find(members, near, policy.FILES.answers)
    if member is None:
        return None, ""
    try:
        data = member.read()
    except SubmissionError as error:
        return None, str(error)
    try:
        return parse_answers(data), ""
    except SubmissionError as error:
        problem = str(error)
    except (RecursionError, MemoryError):
        problem = f"{member.name} is nested too deeply to be read. Start again from the template."
    answers = salvaged(data)
    if not answers:
        return None, problem
    return answers, f"{problem} Each answer was read for itself: check that all of them are understood."


def read_history(members: Sequence[Member], near: str) -> tuple[dict[str, object] | None, str]:
    """(the object, "") or (None, why not); (None, "") when there is no such file."""
    member = _find(members, near, policy.FILES.history)
    if member is None:
        return None, ""
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


def _find(members: Sequence[Member], near: str, name: str) -> Member | None:
    """The file of that name beside the work, else anywhere; "answers.toml.txt" is what Windows makes of it."""
    named = [m for m in members if PurePosixPath(m.name).name.lower() in (name, name + ".txt")]
    folder = PurePosixPath(near).parent
    beside = [member for member in named if PurePosixPath(member.name).parent == folder]
    ordered = sorted(beside or named, key=lambda member: (member.name.count("/"), len(member.name)))
    return ordered[0] if ordered else None
