"""What Gradescope says about a submission (submission_metadata.json), read field by field into a frozen record.

Why separate: the platform's format "may be subject to change", so nothing here may fail: a missing, unknown or
oddly typed field becomes its default and a word in `problems`; the grading goes on. Nothing here reads the clock:
lateness counts from the time of submission, so that a re-run months later says the same.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from autograder.core.lateness import late
from autograder.core.policy import POLICY, Late
from autograder.core.text import one_line

# previous_submissions carries whole result files; ours are at most 256 KB each and only the latest is included.
MAX_BYTES = 16 * 2**20
MAX_USERS = 50
MAX_PREVIOUS = 1000


class User(msgspec.Struct, frozen=True):
    """One submitter, as the platform names them."""

    id: str = ""
    name: str = ""
    email: str = ""
    due_date: datetime | None = None  # an extension of this student's own, where the platform gives one


class Assignment(msgspec.Struct, frozen=True):
    """The assignment as the platform knows it. `total_points` includes what is graded by hand."""

    id: str = ""
    course_id: str = ""
    title: str = ""
    release_date: datetime | None = None
    due_date: datetime | None = None
    late_due_date: datetime | None = None
    total_points: float | None = None
    group_submission: bool = False
    group_size: int | None = None


class Previous(msgspec.Struct, frozen=True):
    """An earlier submission of the same student or group."""

    submission_time: datetime | None = None
    score: float | None = None
    autograder_error: bool = False
    results: dict[str, object] | None = None  # what we left then; the platform gives that of the latest alone


class Metadata(msgspec.Struct, frozen=True):
    """Everything of submission_metadata.json that the grader uses. `problems` says what was missing or unreadable."""

    id: str = ""
    created_at: datetime | None = None
    method: str = ""
    users: tuple[User, ...] = ()
    assignment: Assignment = Assignment()
    previous: tuple[Previous, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def group(self) -> bool:
        """Whether several people handed in together."""
        return len(self.users) > 1


def read(path: Path) -> Metadata:
    """The metadata in the file at `path`; an empty record with its reason in `problems` when there is none."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return Metadata(problems=(f"{path.name} could not be read: {error.strerror or type(error).__name__}",))
    if len(data) > MAX_BYTES:
        return Metadata(problems=(f"{path.name} is larger than {MAX_BYTES // 2**20} MB and was not read",))
    return parse(data)


def parse(data: bytes) -> Metadata:
    """The metadata in `data` (JSON). Never raises."""
    try:
        found = json.loads(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        return Metadata(problems=(f"submission_metadata.json is not JSON: {one_line(str(error))}",))
    if not isinstance(found, dict):
        return Metadata(problems=("submission_metadata.json holds no object",))
    record = Metadata(
        id=_word(found.get("id")),
        created_at=time_of(found.get("created_at")),
        method=_word(found.get("submission_method")),
        users=tuple(_user(each) for each in _objects(found.get("users"), MAX_USERS)),
        assignment=_assignment(_mapping(found.get("assignment"))),
        previous=tuple(_previous(each) for each in _objects(found.get("previous_submissions"), MAX_PREVIOUS)),
    )
    return msgspec.structs.replace(record, problems=_problems(record))


def lateness(metadata: Metadata, rules: Late = POLICY.late) -> timedelta | None:
    """How long after the due date it was handed in; zero when in time, None when either time is unknown.

    With several due dates (an extension, a group of students with different ones) the latest counts. Times that
    cannot be compared, because only one of them names its time zone, count as unknown rather than as late.
    """
    return late(metadata.created_at, due_date(metadata), rules)


def due_date(metadata: Metadata) -> datetime | None:
    """When it was due: the latest of several dates; None when none is known, or when some cannot be compared."""
    dates = [metadata.assignment.due_date, *(user.due_date for user in metadata.users)]
    known = [date for date in dates if date is not None]
    return max(known) if known and len({date.tzinfo is None for date in known}) == 1 else None


def _problems(record: Metadata) -> tuple[str, ...]:
    wanted: tuple[tuple[str, object], ...] = (
        ("id", record.id),
        ("created_at", record.created_at),
        ("users", record.users),
        ("assignment.due_date", record.assignment.due_date),
    )
    return tuple(f"submission_metadata.json: {name} is missing or unreadable" for name, value in wanted if not value)


def _assignment(found: Mapping[str, object]) -> Assignment:
    size = _number(found.get("group_size"))
    return Assignment(
        id=_word(found.get("id")),
        course_id=_word(found.get("course_id")),
        title=_word(found.get("title")),
        release_date=time_of(found.get("release_date")),
        due_date=time_of(found.get("due_date")),
        late_due_date=time_of(found.get("late_due_date")),
        total_points=_number(found.get("total_points")),
        group_submission=found.get("group_submission") is True,
        group_size=None if size is None else int(size),
    )


def _user(found: Mapping[str, object]) -> User:
    own = _mapping(found.get("assignment"))
    return User(
        id=_word(found.get("id")),
        name=_word(found.get("name")),
        email=_word(found.get("email")),
        due_date=time_of(own.get("due_date")),
    )


def _previous(found: Mapping[str, object]) -> Previous:
    return Previous(
        submission_time=time_of(found.get("submission_time")),
        score=_number(found.get("score")),
        autograder_error=found.get("autograder_error") is True,
        results=dict(results) if (results := _mapping(found.get("results"))) else None,
    )


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _objects(value: object, limit: int) -> list[Mapping[str, object]]:
    return [_mapping(each) for each in value[:limit] if isinstance(each, dict)] if isinstance(value, list) else []


def _word(value: object) -> str:
    """A name or an identifier: text or a whole number, on one harmless line."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30:
        return str(value)
    return ""


def _number(value: object) -> float | None:
    """A finite number, given as a number or, as `total_points` is, as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def time_of(value: object) -> datetime | None:
    """An RFC 3339 time, also as Ruby writes one, with a space before the zone."""
    if not isinstance(value, str):
        return None
    try:
        return msgspec.convert(re.sub(r" (?=[+-])", "", value.strip()), datetime)
    except (msgspec.ValidationError, UnicodeEncodeError):  # half of a surrogate pair is no text
        return None
