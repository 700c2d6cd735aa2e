"""Pages to send back: what students may see and no more, each of a group has one, and nothing is overwritten."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.commands import batch, feedback
from autograder.commands.batch import record
from autograder.core.errors import UsageError
from autograder.core.records import Feedback, Finding, Report, Severity, Status, Submission, TestResult
from tests.grader.test_batch_again import QUICK, make

Make = Callable[..., Path]


def report(*, complete: bool = True) -> Report:
    flag = Finding("rule", Severity.FLAG, "a suspicion for staff alone", "4a")
    tests = tuple(
        TestResult(f"4a.{n}", f"test that is {seen}", Status.FAILED, 0.0, 1.0, visibility=seen, staff="what staff read",
                   feedback=Feedback(found=f"found by {seen}"))
        for n, seen in enumerate(("visible", "hidden", "after_due_date", "after_published"), start=1)
    )  # fmt: skip
    return Report(Submission("s", "hw6.ipynb", "0", findings=(flag,)), tests, complete=complete)


@pytest.fixture
def graded(tmp_path: Path) -> Make:
    def make(ids: dict[str, record.Record] | None = None, roster: str = "") -> Path:
        folder = tmp_path / "graded"
        (folder / "records").mkdir(parents=True)
        for identity, known in (ids or {"ada": record.Record("k", report())}).items():
            (folder / "records" / f"{identity}.json").write_bytes(record.encode(known))
        if roster:
            (folder / "gradescope.csv").write_text(roster, encoding="utf-8")
        return folder

    return make


def rows(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((out / "feedback.csv").read_text(encoding="utf-8").splitlines()))


def test_a_page_shows_what_students_may_see_and_nothing_for_staff(graded: Make, tmp_path: Path) -> None:
    count, notes = feedback.write(graded(), tmp_path / "out")
    page = (tmp_path / "out" / "ada.html").read_text(encoding="utf-8")
    assert (count, notes) == (1, ()) and "found by visible" in page
    for secret in ("found by hidden", "found by after", "suspicion", "what staff read", "Staff report"):
        assert secret not in page


def test_once_published_what_was_to_come_is_shown_and_what_is_hidden_stays_so(graded: Make, tmp_path: Path) -> None:
    feedback.write(graded(), tmp_path / "out", published=True)
    page = (tmp_path / "out" / "ada.html").read_text(encoding="utf-8")
    assert "found by after_due_date" in page and "found by after_published" in page and "found by hidden" not in page


def test_points_given_by_hand_are_on_the_page(graded: Make, tmp_path: Path) -> None:
    given = TestResult("2d", "by a person", Status.FAILED, 1.0, 2.0, feedback=Feedback(found="well argued, but short"))
    feedback.write(graded({"ada": record.Record("k", report(), hand=(given,))}), tmp_path / "out")
    assert "well argued, but short" in (tmp_path / "out" / "ada.html").read_text(encoding="utf-8")


def test_each_student_of_a_group_has_a_page_and_names_do_not_meet(graded: Make, tmp_path: Path) -> None:
    head = "Name,SID,Email,Total Score,Max Points,Submission ID\n"
    roster = head + "Ada,11,a@x,1,2,one\nBen,,b@x,1,2,one\nCy,11,c@x,1,2,two\n=Di,../13,d@x,1,2,two\n"
    known = record.Record("k", report())
    feedback.write(graded({"one": known, "two": known}, roster), tmp_path / "out")
    found = {row["name"]: row["file"] for row in rows(tmp_path / "out")}
    assert found == {"Ada": "11.html", "Ben": "b@x.html", "Cy": "11-2.html", "'=Di": "_13.html"}
    assert all((tmp_path / "out" / name).is_file() for name in found.values())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graded", "out"], "nothing is written elsewhere"


def test_a_name_in_another_script_keeps_its_letters_so_that_no_page_changes_hands(graded: Make, tmp_path: Path) -> None:
    known = record.Record("k", report())
    feedback.write(graded({"מרים_כהן": known, "李小龍": known, "Zoë": known, "字" * 80: known}), tmp_path / "out")
    before = {row["id"]: row["file"] for row in rows(tmp_path / "out")}
    assert before["מרים_כהן"] == "מרים_כהן.html" and before["李小龍"] == "李小龍.html" and before["Zoë"] == "Zoë.html"
    assert len(before["字" * 80].encode()) <= feedback.MAX_NAME + len(".html"), "as long as a file system allows"


def test_a_result_that_is_not_whole_is_told(graded: Make, tmp_path: Path) -> None:
    _, [note] = feedback.write(graded({"ada": record.Record("", report(complete=False))}), tmp_path / "out")
    assert "ada" in note and "fault of ours" in note


def test_who_stands_in_no_table_any_more_has_no_page_and_is_named(graded: Make, tmp_path: Path) -> None:
    known = record.Record("k", report())
    folder, out = graded({"ada": known, "ben": known, "gone": known}), tmp_path / "out"
    feedback.write(folder, out)
    (folder / "summary.json").write_text('{"notes": [], "totals": {"ada": 1.5, "ben": null, "lost": 2}}')
    count, notes = feedback.write(folder, out)
    assert count == 2 and [row["id"] for row in rows(out)] == ["ada", "ben"], "ben, too: he is in the class, ungraded"
    [left, lost, before] = notes
    assert left.endswith(": gone") and "left the class" in left
    assert lost.endswith(": lost") and "lost or damaged" in lost
    assert before.endswith(": gone.html") and (out / "gone.html").is_file()


def test_a_class_whose_summary_is_lost_has_its_pages_and_a_damaged_one_is_told(graded: Make, tmp_path: Path) -> None:
    folder = graded()
    assert feedback.write(folder, tmp_path / "out") == (1, ())
    for damaged in (b"", b'{"totals": ["ada"]}'):
        (folder / "summary.json").write_bytes(damaged)
        count, [note] = feedback.write(folder, tmp_path / "out")
        assert count == 1 and "summary.json cannot be read" in note


def test_of_a_class_that_is_graded_again_only_those_who_are_in_it_are_sent_pages(tmp_path: Path) -> None:
    course, out = make(tmp_path / "class", "ada", "ben", "-dan"), tmp_path / "out"
    batch.run(course, out, QUICK, jobs=1)
    (course / "ben").rename(course / "Ben B")
    batch.run(course, out, QUICK, jobs=1)
    _, [note] = feedback.write(out, tmp_path / "pages")
    assert [row["id"] for row in rows(tmp_path / "pages")] == ["'-dan", "Ben_B", "ada"] and note.endswith(": ben")


def test_what_is_no_graded_class_is_refused_before_anything_is_written(graded: Make, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="batch --out"):
        feedback.write(tmp_path / "nothing", tmp_path / "out")
    folder = graded()
    for place in (folder, folder / "reports"):
        with pytest.raises(UsageError, match="for staff"):
            feedback.write(folder, place)
    assert not (tmp_path / "out").exists() and not (folder / "reports").exists()


def test_the_command_says_where_they_are(graded: Make, tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["feedback", str(graded()), "--out", str(tmp_path / "out")])
    assert run.exit_code == 0 and "1 pages" not in run.output and "1 page" in run.output
