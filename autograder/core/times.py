"""A time as files and people write one, read: one way for all of them.

Why separate: what may stand where differs from file to file (see who calls it), what a zone is called does not, and
Python 3.10 reads fewer of its spellings than later ones.
"""

from __future__ import annotations

from datetime import datetime


def time_of(day: str, clock: str, zone: str | None) -> datetime:
    """The time at which it is `clock` ("23:59" or "23:59:59") on a `day` ("2026-05-03").

    `zone`: "Z" or "UTC", or how far from it: "-07:00", "-0700". None or "": the time keeps no zone. Raises ValueError
    for a day or a time that there is not.
    """
    zone = zone or ""
    offset = "+00:00" if zone in ("UTC", "Z") else f"{zone[:3]}:{zone[-2:]}" if zone else ""
    return datetime.fromisoformat(f"{day}T{clock}{offset}")
