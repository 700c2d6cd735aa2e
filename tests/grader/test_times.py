"""A time reads the same wherever it stands, on every Python that is supported."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from autograder.core.times import time_of

WEST = timezone(-timedelta(hours=7))
ZONES = {"Z": timezone.utc, "UTC": timezone.utc, "-07:00": WEST, "-0700": WEST, "": None, None: None}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("clock", ["23:59", "23:59:00"])
def test_a_zone_is_read_in_each_of_its_spellings(zone: str | None, clock: str) -> None:
    assert time_of("2026-05-03", clock, zone) == datetime(2026, 5, 3, 23, 59, tzinfo=ZONES[zone])


@pytest.mark.parametrize(
    "typed", [("2026-02-30", "10:00", None), ("2026-02-03", "25:00", "Z"), ("2026-02-03", "", "Z")]
)
def test_a_time_that_there_is_not_is_refused(typed: tuple[str, str, str | None]) -> None:
    with pytest.raises(ValueError):
        time_of(*typed)
