"""The submissions of a class as everything after the folder knows them: an id, a place, who and when.

Why separate: what finds them (`folder`, `roster`, `exports`) and what uses them (tables, pages, `handed`) share nothing
else.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec


class Person(msgspec.Struct, frozen=True):
    """A student as the platform names them, sanitised by `core.text.one_line`; what is not known is empty."""

    name: str = ""
    sid: str = ""
    email: str = ""
    user: str = ""  # what else the platform tells students apart by: a login, or its own number


class Entry(msgspec.Struct, frozen=True):
    """One submission of a class: an id that is safe and unique as a file name, where it lies, and who handed it in."""

    id: str
    path: Path
    people: tuple[Person, ...] = ()
    when: datetime | None = None  # it was handed in, if an export says so
    system: str = ""  # whose export it came in, where its name says that
    called: str = ""  # what it was called, sanitised, where that is no id and nobody's name is known


class Class(msgspec.Struct, frozen=True):
    """The submissions in order of name, and what staff should know about the folder."""

    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()
