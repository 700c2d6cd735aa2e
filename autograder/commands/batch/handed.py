"""Who handed in what, when, and which of several counts: one row for each student in the tables of other sites.

Why separate: it decides between submissions and looks into none. Nothing is taken away for being late: the table and
the student's page say by how much, and what the policy would take.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec

from autograder.commands.batch.entries import Entry, Person
from autograder.core import lateness
from autograder.core.errors import UsageError
from autograder.core.policy import POLICY, Late
from autograder.core.records import Report
from autograder.core.times import time_of
from autograder.report import message, summary
from autograder.report.class_table import ClassRow

Pairs = Sequence[tuple[Entry, ClassRow]]
Mine = tuple[Entry, ClassRow, Person]


class Handed(msgspec.Struct, frozen=True):
    """When a submission came, and when it was due: both with a zone."""

    when: datetime
    due: datetime


_DUE = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?))?\s*(Z|[+-]\d\d:?\d\d)?")


def due(typed: str) -> datetime | None:
    """ "2026-05-03 23:59", with "-07:00" behind it if it is not the export's own time. None when nothing was typed.

    A day alone ends with it. Raises UsageError for what is no time.
    """
    if not typed.strip():
        return None
    found = _DUE.fullmatch(typed.strip())
    try:
        if found is None:
            raise ValueError
        day, clock, zone = found.groups()
        return time_of(day, clock or "23:59:59", zone)
    except ValueError:
        raise UsageError(f'--due {typed}: give a time as "2026-05-03 23:59", or a day') from None


def late(entry: Entry, due: datetime) -> timedelta | None:
    """By how much it came too late; None when nobody knows. Without a zone, `due` is in the export's own."""
    times = handed(entry, due)
    return lateness.late(times.when, times.due) if times else None


def handed(entry: Entry, due: datetime | None) -> Handed | None:
    """When it came and when it was due, in zones that can be compared; None when one of them is not known."""
    if entry.when is None or due is None:
        return None
    zone = entry.when.tzinfo or timezone.utc
    return Handed(entry.when.replace(tzinfo=zone), due if due.tzinfo else due.replace(tzinfo=zone))


def told(report: Report, times: Handed | None, rules: Late = POLICY.late) -> Report:
    """The report with how late it came and what that takes; the same report in time, and while the policy is silent.

    No total is lowered by it, and the notice says so. The points are told where students see every test: of the share
    that is taken of a total they could work that total out.
    """
    notice = lateness.notice(times.when, times.due, rules) if times and rules.shown else ""
    if not times or not notice:
        return report
    tests = summary.summarise(report).tests
    earned, _, _ = summary.total(tests)
    points = lateness.taken(earned, lateness.late(times.when, times.due, rules), rules)
    if points and all(test.visibility == "visible" for test in tests):
        notice += (
            f" Of the {message.points(earned)} points earned here that is {message.points(points)}; the total shown is "
            "before that."
        )
    elif points:
        notice += " The total shown is before that."
    return msgspec.structs.replace(report, notices=(*report.notices, notice))


def remarked(pairs: Pairs, due: datetime | None) -> list[ClassRow]:
    """The rows of pages and terminal, with how late each was before whatever else is remarked of it."""
    rows = []
    for entry, row in pairs:
        by = late(entry, due) if due else None
        words = f"late by {lateness.words(by)}" if by else ""
        rows.append(msgspec.structs.replace(row, remark="; ".join(filter(None, [words, row.remark]))))
    return rows


def counted(pairs: Pairs) -> list[Mine]:
    """One submission for each student, in the class's order: the latest; where a time is missing, the one with the most
    points, so that nobody loses by what is not known. One that we failed to grade gives way to no other.
    """
    chosen = [max(mine, key=_rank(mine)) for mine in _by_student(pairs).values()]
    order = {entry.id: number for number, (entry, _) in enumerate(pairs)}
    return sorted(chosen, key=lambda one: order[one[0].id])


def _rank(mine: Sequence[Mine]) -> Callable[[Mine], Any]:
    times = [entry.when for entry, _, _ in mine]
    if all(times) and len({time.tzinfo is None for time in times if time}) == 1:
        return lambda one: one[0].when
    return lambda one: float("inf") if one[1].total is None else one[1].total


def _called(person: Person) -> str:
    return person.name or person.email or person.user


def _by_student(pairs: Pairs) -> dict[str, list[Mine]]:
    """Who has a student id is known by it, else by address, by what else the platform has, or by name."""
    found: dict[str, list[Mine]] = {}
    for entry, row in pairs:
        for person in dict.fromkeys(entry.people):
            key = f"sid {person.sid}" if person.sid else (person.email or person.user or person.name).casefold()
            found.setdefault(key, []).append((entry, row, person))
    return found


def notes(pairs: Pairs, due: datetime | None) -> Iterable[str]:
    """What staff should know: who handed in more than once and what counts, whose points no other site gets, how many
    were late."""
    counts = {(person, entry.id) for entry, _, person in counted(pairs)}
    several = [mine for mine in _by_student(pairs).values() if len({entry.id for entry, _, _ in mine}) > 1]
    told = []
    for mine in several:
        which = next(entry.id for entry, _, person in mine if (person, entry.id) in counts)
        told.append(f"{_called(mine[0][2])}: {', '.join(entry.id for entry, _, _ in mine)}, counted {which}")
    if told:
        more = f"; and {len(told) - 8} more" if len(told) > 8 else ""
        where = "grades.csv has all, the other tables what counts"
        yield f"handed in more than once ({where}): {'; '.join(told[:8])}{more}"
    nobody = [entry.id for entry, _ in pairs if not entry.people]
    if nobody and len(nobody) < len(pairs):  # else there are no such tables
        more = f" and {len(nobody) - 8} more" if len(nobody) > 8 else ""
        shown = ", ".join(nobody[:8]) + more
        yield f"no row in gradescope.csv and canvas.csv, for nobody is named who handed it in: {shown}"
    if due is not None:
        times = [late(entry, due) for entry, _ in pairs]
        unknown = f"; of {times.count(None)} no time is known" if None in times else ""
        yield f"late: {sum(bool(time) for time in times)} of {len(times)} (grades.csv says by how much){unknown}"
        if POLICY.late.lost_each_day:
            yield "the policy takes points for lateness: `taken` in grades.csv says how many; no total is lowered by it"
