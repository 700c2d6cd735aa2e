"""Students who hand in more than once, late, or as a group: what counts, and that staff are told."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from autograder.commands import batch, feedback
from autograder.commands.batch import folder, handed, tables
from autograder.commands.batch.entries import Entry, Person
from autograder.core import lateness, policy
from autograder.core.errors import UsageError
from autograder.core.policy import Late
from autograder.core.records import Report, Status, Submission, TestResult
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


TENTH = Late(True, 10.0, 0.1, 0.25)
WORK = Report(
    Submission("x", "hw6.ipynb", "0"),
    (TestResult("4a.4", "the formula", Status.PASSED, 4.0, 4.0), TestResult("4a.5", "any", Status.FAILED, 0.0, 1.0)),
)


def notices(when: str, rules: Late, report: Report = WORK) -> tuple[str, ...]:
    times = handed.handed(pair("s1", 1, when=when)[0], handed.due("2026-05-03 23:59"))
    return handed.told(report, times, rules).notices


def test_in_time_unknown_or_while_the_policy_is_silent_a_student_is_told_nothing() -> None:
    for when in ("", "2026-05-03 20:00", "2026-05-04T00:05:00-07:00"):
        assert notices(when, TENTH) == ()
    assert notices("2026-05-05 01:00", Late(False, 0.0, 0.0, 0.0)) == () and handed.told(WORK, None, TENTH) is WORK


def test_a_late_student_is_told_when_it_came_how_late_and_what_that_costs() -> None:
    told = "Handed in 2026-05-05 01:00 -0700, 1 day 1 hour after the due date, 2026-05-03 23:59 -0700. "
    [notice] = notices("2026-05-05T01:00:00-07:00", TENTH)
    assert notice == told + (
        "That takes 0.2 of the points that were earned. Of the 4 points earned here that is 0.8; the total shown is "
        "before that."
    )
    [notice] = notices("2026-05-05T01:00:00-07:00", Late(True, 10.0, 0.0, 0.0))
    assert notice == told + "That takes no points here."
    hidden = msgspec.structs.replace(WORK.tests[0], visibility="hidden")
    [notice] = notices("2026-05-05T01:00:00-07:00", TENTH, msgspec.structs.replace(WORK, tests=(hidden, WORK.tests[1])))
    assert "takes 0.2 of the points" in notice and "0.8" not in notice and "the 4 points" not in notice


def test_a_class_keeps_what_a_late_student_is_told_and_takes_it_back_with_the_due_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "POLICY", msgspec.structs.replace(policy.POLICY, late=TENTH))
    monkeypatch.setattr(handed.told, "__defaults__", (TENTH,))
    (tmp_path / "class" / "submission_1").mkdir(parents=True)
    (tmp_path / "class" / "submission_1" / "answers.toml").write_text('[q2a]\noutput = "[1, 2]"\n')
    (tmp_path / "class" / ROSTER).write_text("submission_1:\n  :created_at: 2026-05-05 20:00:00.000000000 -07:00\n")
    out, quick = tmp_path / "out", Options(only="2a")
    for due, late in (
        ("2026-05-03", True),
        ("2026-05-03", True),
        ("", False),
        ("2026-05-03", True),
        ("2026-05-06", False),
    ):
        done = batch.run(tmp_path / "class", out, quick, jobs=1, due=handed.due(due))
        feedback.write(out, tmp_path / "pages")
        for name in (
            out / "reports/submission_1.html",
            out / "results/submission_1.json",
            tmp_path / "pages/submission_1.html",
        ):
            assert ("Handed in 2026-05-05 20:00 -0700, 1 day 20 hours after" in name.read_text("utf-8")) is late, (
                due,
                name,
            )
    assert done.kept == 1, "nothing was graded again"


def test_a_class_with_a_due_time_says_who_was_late_and_takes_nothing(tmp_path: Path) -> None:
    for name in ("submission_1", "submission_2", "submission_3"):
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "answers.toml").write_text('[q2a]\noutput = "[1, 2]"\n')
    stamp = "\n  :created_at: 2026-05-0{} 20:00:00.000000000 -07:00\n"
    people = "  :submitters:\n  - :name: Ada\n    :sid: '1'\n"
    roster = (
        "".join(f"submission_{n}:{stamp.format(n)}{people}" for n in (1, 3))
        + "submission_2:\n  :created_at: never\n  :submitters: []\n"
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
    [nobody] = [note for note in done.notes if "no row in" in note]
    assert nobody.endswith("nobody is named who handed it in: submission_2") and nobody in plain.notes
    assert len((out / "gradescope.csv").read_text("utf-8").splitlines()) == 2


def test_a_table_that_only_an_earlier_run_wrote_is_named_so_that_nobody_imports_it(tmp_path: Path) -> None:
    (tmp_path / "class" / "submission_1").mkdir(parents=True)
    (tmp_path / "class" / "submission_1" / "answers.toml").write_text('[q2a]\noutput = "[1, 2]"\n')
    (tmp_path / "class" / ROSTER).write_text("submission_1:\n  :submitters:\n  - :name: Ada\n    :sid: '1'\n")
    out, quick = tmp_path / "out", Options(only="2a")
    first = batch.run(tmp_path / "class", out, quick, jobs=1, similar=True, against=None)
    again = batch.run(tmp_path / "class", out, quick, jobs=1, similar=True, against=out)
    (tmp_path / "class" / ROSTER).unlink()
    then = batch.run(tmp_path / "class", out, quick, jobs=1)
    assert not any("of an earlier run" in note for note in (*first.notes, *again.notes))
    [left] = [note for note in then.notes if "of an earlier run" in note]
    assert "canvas.csv, changes.csv, gradescope.csv, similar.csv" in left
    assert "canvas.csv, changes.csv" in (out / "index.html").read_text("utf-8")
