"""Students who hand in more than once, late, or as a group: what counts, and that staff are told."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from autograder.commands import batch
from autograder.commands.batch import folder, handed, tables
from autograder.commands.batch.folder import Entry, Person
from autograder.core import lateness
from autograder.core.errors import UsageError
from autograder.grading import Options
from autograder.handin.folders import ROSTER
from autograder.report.class_table import ClassRow

ADA, BEN = Person("Ada", "1", "a@x.org"), Person("Ben", "", "b@x.org")


def pair(name: str, total: float | None, *people: Person, when: str = "") -> tuple[Entry, ClassRow]:
    time = datetime.fromisoformat(when) if when else None
    return Entry(name, Path(name), people, time), ClassRow(name, {}, total)


CHOICES = {
    "one each": ([pair("s1", 3, ADA), pair("s2", 4, BEN)], {"Ada": "s1", "Ben": "s2"}),
    "the latest, not the best": (
        [pair("s1", 9, ADA, when="2026-05-03 20:00"), pair("s2", 4, ADA, when="2026-05-03 21:00")], {"Ada": "s2"}),
    "across zones": (
        [pair("s1", 9, ADA, when="2026-05-03T20:00-07:00"), pair("s2", 4, ADA, when="2026-05-03T21:00+00:00")], {"Ada": "s1"}),
    "the best where no time is known": ([pair("s1", 9, ADA), pair("s2", 4, ADA)], {"Ada": "s1"}),
    "and where one is missing": ([pair("s1", 9, ADA), pair("s2", 4, ADA, when="2026-05-03 21:00")], {"Ada": "s1"}),
    "what we failed to grade stands": ([pair("s1", 9, ADA), pair("s2", None, ADA)], {"Ada": "s2"}),
    "a group, and one of it alone": (
        [pair("s1", 9, ADA, BEN, when="2026-05-03 20:00"), pair("s2", 4, BEN, when="2026-05-03 21:00")],
        {"Ada": "s1", "Ben": "s2"}),
    "twice in one group": ([pair("s1", 9, ADA, ADA)], {"Ada": "s1"}),
    "one name, two students": (
        [pair("s1", 9, Person("Ada", "1")), pair("s2", 4, Person("Ada", "2"))], {"Ada": "s1 s2"}),
    "nobody": ([pair("s1", 9)], {}),
}  # fmt: skip


@pytest.mark.parametrize("what", CHOICES)
def test_each_student_has_one_row_in_other_sites_tables(what: str) -> None:
    pairs, expected = CHOICES[what]
    found: dict[str, list[str]] = {}
    for row in csv.DictReader(tables.gradescope(pairs).splitlines()):
        found.setdefault(row["Name"], []).append(row["Submission ID"])
    assert {name: " ".join(ids) for name, ids in found.items()} == expected
    several = sum(len({e.id for e, _ in pairs if p in e.people}) > 1 for p in {p for e, _ in pairs for p in e.people})
    assert len(list(handed.notes(pairs, None))) == (1 if several else 0)
    assert len(tables.grades(pairs).splitlines()) == len(pairs) + 1, "and every submission one in grades.csv"


DUE = {
    "2026-05-03 23:59": datetime(2026, 5, 3, 23, 59),
    "2026-05-03T23:59:30": datetime(2026, 5, 3, 23, 59, 30),
    "2026-05-03": datetime(2026, 5, 3, 23, 59, 59),
}


@pytest.mark.parametrize("typed", DUE)
def test_a_time_as_people_type_it(typed: str) -> None:
    assert handed.due(typed) == DUE[typed] and handed.due(" ") is None
    zone = handed.due(f"{typed} -0700")
    assert zone is not None and zone.utcoffset() == timedelta(hours=-7)


@pytest.mark.parametrize("typed", ["tomorrow", "2026-13-01", "2026-05-03 25:00", "05/03/2026", "2026-05-03 23:59 PST"])
def test_what_is_no_time_is_refused(typed: str) -> None:
    with pytest.raises(UsageError, match="--due"):
        handed.due(typed)


def test_pages_and_terminal_say_first_who_was_late() -> None:
    late, _ = pair("s1", 1, ADA, when="2026-05-04T01:00:30-07:00")
    soon, row = pair("s2", 1, BEN, when="2026-05-01T01:00:30-07:00")
    pairs = [(late, ClassRow("s1", {}, 1.0, "4a.4 is wrong")), (soon, row)]
    told = [one.remark for one in handed.remarked(pairs, handed.due("2026-05-03 23:59"))]
    assert told == ["late by 1 hour 1 minute; 4a.4 is wrong", ""]
    assert [one.remark for one in handed.remarked(pairs, None)] == ["4a.4 is wrong", ""]


def test_lateness_is_counted_in_the_exports_own_time_unless_it_is_said() -> None:
    entry, _ = pair("s1", 1, ADA, when="2026-05-04T01:00:30-07:00")
    for typed, expected in (("2026-05-03 23:59", "01:01:30"), ("2026-05-04 08:00 Z", "00:00:30"), ("2026-05-04", "00:00:00"),
                            ("2026-05-01 00:00", "73:00:30")):  # fmt: skip
        due = handed.due(typed)
        assert due is not None and lateness.clock(handed.late(entry, due)) == expected
    assert handed.late(pair("s2", 1)[0], datetime(2026, 5, 3)) is None


def test_a_class_with_a_due_time_says_who_was_late_and_takes_nothing(tmp_path: Path) -> None:
    for name in ("submission_1", "submission_2", "submission_3"):
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "answers.toml").write_text('[q2a]\noutput = "[1, 2]"\n')
    stamp = "\n  :created_at: 2026-05-0{} 20:00:00.000000000 -07:00\n"
    people = "  :submitters:\n  - :name: Ada\n    :sid: '1'\n"
    roster = (
        "".join(f"submission_{n}:{stamp.format(n)}{people}" for n in (1, 3)) + "submission_2:\n  :created_at: never\n"
    )
    (tmp_path / "class" / ROSTER).write_text(roster)
    assert [entry.when is not None for entry in folder.read(tmp_path / "class").entries] == [True, False, True]
    out, quick = tmp_path / "out", Options(only="2a")
    plain = batch.run(tmp_path / "class", out, quick, jobs=1)
    done = batch.run(tmp_path / "class", out, quick, jobs=1, due=handed.due("2026-05-02"))
    assert [row.points for row in done.rows] == [row.points for row in plain.rows]
    rows = list(csv.DictReader((out / "grades.csv").read_text("utf-8").splitlines()))
    assert [row["late"] for row in rows] == ["00:00:00", "", "20:00:01"] and rows[0]["submitted"].startswith(
        "2026-05-01 20"
    )
    assert any("late: 1 of 3" in note and "of 1 no time is known" in note for note in done.notes)
    assert any("Ada: submission_1, submission_3, counted submission_3" in note for note in done.notes)
    assert len((out / "gradescope.csv").read_text("utf-8").splitlines()) == 2
