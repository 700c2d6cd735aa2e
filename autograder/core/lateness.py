"""How late something was handed in, in words and in points: one place for Gradescope's runs and for a class.

Why separate: it is the only thing in this project that can take points for anything but the work, so it is pure, short,
and off unless the policy says otherwise. What is not known (a time, a zone) is not late.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from autograder.core.policy import POLICY, Late

DAY = timedelta(days=1)
TAG = "late"  # of the line that says what was taken


def late(when: datetime | None, due: datetime | None, rules: Late = POLICY.late) -> timedelta | None:
    """By how much it came after the due date; zero in time or within the grace, None when nobody knows.

    Times of which one names its zone and the other does not cannot be compared.
    """
    if when is None or due is None or (when.tzinfo is None) != (due.tzinfo is None):
        return None
    by = when - due
    return timedelta(0) if by <= timedelta(minutes=rules.grace_minutes) else by


def share_taken(by: timedelta | None, rules: Late = POLICY.late) -> float:
    """The share of the earned points that the policy takes for it."""
    if not by:
        return 0.0
    return min(rules.most_lost, rules.lost_each_day * math.ceil(by / DAY))


def taken(earned: float, by: timedelta | None, rules: Late = POLICY.late) -> float:
    """The points that the policy takes of what was earned; never more than that, and never below nothing."""
    return round(max(earned, 0.0) * share_taken(by, rules), 2)


def notice(when: datetime, due: datetime, rules: Late = POLICY.late) -> str:
    """What a student is told of it: when it was handed in, how late, what part of the points that takes.

    Empty for what is in time, and where nobody knows.
    """
    by = late(when, due, rules)
    if not by:
        return ""
    share = share_taken(by, rules)
    cost = f"That takes {share:.4g} of the points that were earned." if share else "That takes no points here."
    return f"Handed in {moment(when)}, {words(by)} after the due date, {moment(due)}. {cost}"


def moment(when: datetime) -> str:
    """A time as people read it, with its zone."""
    return when.strftime("%Y-%m-%d %H:%M %z").strip()


def clock(by: timedelta | None) -> str:
    """Hours, minutes and seconds as Gradescope writes them; empty for what nobody knows."""
    if by is None:
        return ""
    seconds = int(by.total_seconds())
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def words(by: timedelta) -> str:
    """ "2 days 3 hours", "1 hour 5 minutes", "30 seconds": the two largest parts."""
    seconds = int(by.total_seconds())
    sizes = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
    parts = []
    for name, size in sizes:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(parts[:2]) or "less than a second"
