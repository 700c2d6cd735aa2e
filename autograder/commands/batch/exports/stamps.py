"""When something was handed in, where a system leaves that in a timestamp.txt beside it (nbgrader, Sakai).

Why separate: the one file of an export that is opened, and it may be the student's own: read in part, never trusted to
be what it is called.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from autograder.core.times import time_of

_NAME = "timestamp.txt"
_BYTES = 100
# nbgrader: 2026-11-20 23:59:59.999999 UTC; Sakai: 20261120213000000, in the zone of the course
_FORM = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)[ T]?(\d\d):?(\d\d):?(\d\d)(?:[.\d]*)\s*(UTC|Z|[+-]\d\d:?\d\d)?")


def of(folder: Path) -> datetime | None:
    """The time in the folder's own timestamp.txt, or in that of its only folder with one; None when nothing says it."""
    try:
        places = [path for path in (folder, *sorted(folder.iterdir())) if (path / _NAME).is_file()]
    except OSError:
        return None
    own = [path for path in places if path == folder] or places
    return _read(own[0] / _NAME) if len(own) == 1 and not own[0].is_symlink() else None


def _read(path: Path) -> datetime | None:
    try:
        if path.is_symlink():
            return None
        with path.open("rb") as file:
            found = _FORM.fullmatch(file.read(_BYTES).decode("ascii", "replace").strip())
        if not found:
            return None
        year, month, day, hour, minute, second, zone = found.groups()
        return time_of(f"{year}-{month}-{day}", f"{hour}:{minute}:{second}", zone)
    except (OSError, ValueError):
        return None
