"""A class that is graded again, interrupted, or graded by several at once: nothing is lost, nothing done twice."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from autograder.commands import batch
from autograder.commands.batch import lanes, record, tables, touched
from autograder.commands.batch.entries import Entry, Person
from autograder.commands.batch.record import Task
from autograder.core.errors import UsageError
from autograder.core.records import Report
from autograder.grading import Options, forkserver
from autograder.report import results
from autograder.report.class_table import ClassRow
from tests.grader import processes
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

pytestmark = pytest.mark.boxed  # lanes die, and are killed
QUICK = Options(only="2a")  # no child is needed: half a second for a whole class
ANSWERS = '[q2a]\noutput = "[1, 2]"\n'


def make(top: Path, *names: str) -> Path:
    for name in names:
        (top / name).mkdir(parents=True)
        (top / name / "answers.toml").write_text(ANSWERS)
    return top


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return make(tmp_path / "class", "ada", "ben", "cat")


def files(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def comparable(out: Path) -> list[dict[str, object]]:
    return [results.comparable(json.loads(path.read_bytes())) for path in sorted((out / "results").iterdir())]


def graded(course: Path, out: Path, **how: object) -> tuple[int, int]:
    done = batch.run(course, out, QUICK, **{"jobs": 1, **how})  # type: ignore[arg-type]
    return done.kept, len(done.rows)


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_a_second_run_grades_only_what_is_new_or_changed(course: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert graded(course, out) == (0, 3)
    before = files(out)
    assert graded(course, out) == (3, 3)
    assert {name: data for name, data in files(out).items() if name != "summary.json"} == {
        name: data for name, data in before.items() if name != "summary.json"
    }
    (course / "ben" / "answers.toml").write_text(ANSWERS + "# a thought\n")
    make(course, "dan")
    assert graded(course, out) == (2, 4)
    assert graded(course, out, fresh=True) == (0, 4)


def test_lost_and_damaged_files_are_made_again(course: Path, tmp_path: Path) -> None:
    make(course, "dan", "eve", "fay", "gus")
    out = tmp_path / "out"
    graded(course, out)
    lost = [out / name for name in ("results/ada.json", "reports/ben.html", "records/cat.json")]
    for path in lost:
        path.unlink()
    (out / "records" / "dan.json").write_bytes(b"{}")
    before = {path: path.read_bytes() for path in (out / "results" / "fay.json", out / "reports" / "gus.html")}
    for path, whole in before.items():
        path.write_bytes(whole[: len(whole) // 2])
    done = batch.run(course, out, QUICK, jobs=1)
    assert (done.kept, len(done.rows)) == (1, 7)
    assert all(path.is_file() for path in lost) and record.read(out / "records" / "dan.json")
    assert results.comparable(json.loads((out / "results" / "fay.json").read_bytes())) == results.comparable(
        json.loads(before[out / "results" / "fay.json"])
    )
    assert (out / "reports" / "gus.html").read_text("utf-8").rstrip().endswith("</html>")
    [note] = [note for note in done.notes if "damaged" in note]
    assert note.endswith("records/dan.json"), "a lost record is nothing that could be read"
    assert graded(course, out) == (7, 7)
    (out / "results" / "fay.json").write_bytes(b"")
    assert graded(course, out) == (6, 7) and (out / "results" / "fay.json").stat().st_size


def test_the_key_changes_with_all_that_decides(course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {touched.decides(QUICK).all, touched.decides(Options()).all, touched.decides(Options(only="2a", seed=1)).all}
    policy = tmp_path / "policy.toml"
    policy.write_bytes((ROOT / "autograder" / "policy.toml").read_bytes().replace(b'title = "', b'title = "New ', 1))
    monkeypatch.setenv("AUTOGRADER_POLICY", str(policy))
    keys.add(touched.decides(QUICK).all)
    monkeypatch.setenv("AUTOGRADER_SECRET", "another")
    keys.add(touched.decides(QUICK).all)
    tests = shutil.copytree(ROOT / "tests" / "hidden", tmp_path / "hidden")
    keys.add(touched.decides(Options(only="2a", tests=tests)).all)
    (tests / "test_more.py").write_text("")
    keys.add(touched.decides(Options(only="2a", tests=tests)).all)
    assert len(keys) == 7 and touched.decides(QUICK).all == touched.decides(QUICK).all


def test_the_key_sees_every_name_and_byte_and_no_time(course: Path, tmp_path: Path) -> None:
    def key() -> str:
        return record.content(course / "ada")

    seen, path = [key()], course / "ada" / "hw6.ipynb"
    for change in (lambda: path.write_bytes(b"1"), lambda: path.write_bytes(b"2"), lambda: path.rename(path.parent / "b"),
                   lambda: (course / "ada" / "data").mkdir()):  # fmt: skip
        change()
        seen.append(key())
    assert len(set(seen)) == len(seen)
    os.utime(course / "ada" / "b", (1, 1))
    assert key() == seen[-1]


def test_what_cannot_be_read_whole_has_no_key_and_is_graded_each_time(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert record.content(course / "nobody") == ""
    monkeypatch.setattr(record, "MAX_BYTES", 3)
    assert record.content(course / "ada") == ""
    assert graded(course, tmp_path / "out") == (0, 3)
    assert graded(course, tmp_path / "out") == (0, 3)


def test_a_pipe_or_a_link_in_a_submission_is_named_and_never_opened(course: Path) -> None:
    os.mkfifo(course / "ada" / "pipe")
    (course / "ada" / "link").symlink_to("/dev/zero")
    assert record.content(course / "ada")


def test_what_was_not_wholly_graded_is_graded_again(course: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    graded(course, out)
    known = record.read(out / "records" / "ada.json")
    assert known is not None
    (out / "records" / "ada.json").write_bytes(record.encode(record.Record("", known.report)))
    assert graded(course, out) == (2, 3)


# --- the folder of results --------------------------------------------------------------------------------------------


def test_results_of_another_assignment_are_not_mixed_with_these(course: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    graded(course, out)
    (out / "summary.json").write_text(json.dumps({"assignment": "CS182 Homework 9"}))
    with pytest.raises(UsageError, match=r"CS182 Homework 9.*another --out"):
        graded(course, out)
    assert (out / "grades.csv").exists()


def test_two_runs_do_not_write_to_one_folder(course: Path, tmp_path: Path) -> None:
    with batch._alone(tmp_path), pytest.raises(UsageError, match="another run"):
        graded(course, tmp_path)
    assert not (tmp_path / "grades.csv").exists()


def test_results_of_what_left_the_class_stay_and_are_named(course: Path, tmp_path: Path) -> None:
    graded(course, tmp_path / "out")
    shutil.rmtree(course / "ben")
    done = batch.run(course, tmp_path / "out", QUICK, jobs=1)
    assert [row.id for row in done.rows] == ["ada", "cat"] and any("ben" in note for note in done.notes)
    assert (tmp_path / "out" / "results" / "ben.json").exists()


def test_who_has_no_points_because_nothing_could_be_used_is_told(course: Path, tmp_path: Path) -> None:
    (course / "dan.zip").write_bytes(b"")  # as a download that was cut short leaves it
    (course / "eve").mkdir()
    done = batch.run(course, tmp_path / "out", QUICK, jobs=1)
    told = [note for note in done.notes if "nothing in them could be used" in note]
    assert len(told) == 1 and "no points: dan, eve." in told[0]
    shutil.rmtree(course / "eve")
    (course / "dan.zip").unlink()
    assert not any("could be used" in note for note in batch.run(course, tmp_path / "out", QUICK, jobs=1).notes)


# --- tables for other sites -------------------------------------------------------------------------------------------


def test_the_long_table_has_a_row_for_each_test_and_tells_what_was_not_graded(course: Path, tmp_path: Path) -> None:
    graded(course, tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out" / "tests.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["id"], row["test"]) for row in rows] == [
        (i, t) for i in ("ada", "ben", "cat") for t in ("2a.1", "2a.2")
    ]
    assert {row["question"] for row in rows} == {"2a"} and {row["possible"] for row in rows} == {"1"}
    assert all(row["status"] in ("passed", "failed") and row["score"] for row in rows)


def test_the_package_grades_from_python(course: Path) -> None:
    import autograder

    [report] = autograder.grade_many([str(course / "ada")], autograder.Options(only="2a"))
    with pytest.raises(UsageError, match="takes several submissions"):
        list(autograder.grade_many(str(course / "ada")))
    assert report.complete and report == msgspec.structs.replace(report)
    with pytest.raises(AttributeError, match="no attribute 'grades'"):
        autograder.grades  # noqa: B018


def test_a_class_that_is_graded_in_part_has_no_more_points_than_were_asked_for() -> None:
    ada = Entry("ada", Path("x"), (Person("Ada", "1", ""),))
    part = [
        (ada, ClassRow("ada", {"4a": 9.0}, 9.0, possible=10.0)),
        (ada, ClassRow("b", {"4a": 0.0}, 0.0, possible=9.0)),
    ]
    assert {row["Max Points"] for row in csv.DictReader(tables.gradescope(part).splitlines())} == {"10"}
    assert list(csv.reader(tables.canvas(part).splitlines()))[1][5] == "10"
    assert json.loads(tables.summary(part, (), 1.0))["possible"] == 10
    assert "out of 10 points, not 39" in next(iter(tables.partly(part)))
    whole = [(ada, ClassRow("ada", {"4a": 9.0}, 38.0, possible=39.0))]
    assert not list(tables.partly(whole)) and not list(tables.partly([]))


def test_each_student_of_a_group_has_a_row_in_the_tables_of_other_sites() -> None:
    people = (Person("Ada Lovelace", "0123", "ada@example.org"), Person("=Ben", "77", ""))
    pairs = [
        (Entry("submission_1", Path("x"), people), ClassRow("submission_1", {"2a": 1.5}, 1.5)),
        (Entry("submission_2", Path("y"), ()), ClassRow("submission_2", {"2a": 2.0}, 2.0)),
        (Entry("submission_3", Path("z"), (Person("Cat", "5", ""),)), ClassRow("submission_3", {}, None)),
    ]
    scope = list(csv.DictReader(tables.gradescope(pairs).splitlines()))
    assert [(row["Name"], row["Total Score"], row["2a"]) for row in scope] == [
        ("Ada Lovelace", "1.5", "1.5"), ("'=Ben", "1.5", "1.5"), ("Cat", "", ""),
    ]  # fmt: skip
    assert {row["Max Points"] for row in scope} == {"39"}
    head, possible, *rows = csv.reader(tables.canvas(pairs).splitlines())
    assert head[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert possible[0] == "Points Possible" and possible[5] == "39"
    ada = rows[0]
    assert (ada[0], ada[2], ada[3], ada[5]) == ("Ada Lovelace", "0123", "ada@example.org", "1.5")


# --- several at once, and killed on the way ---------------------------------------------------------------------------


def test_one_lane_and_three_give_the_same(course: Path, tmp_path: Path) -> None:
    make(course, "dan", "eve")
    graded(course, tmp_path / "one", jobs=1)
    graded(course, tmp_path / "three", jobs=3)
    assert comparable(tmp_path / "one") == comparable(tmp_path / "three")
    assert (tmp_path / "one" / "grades.csv").read_bytes() == (tmp_path / "three" / "grades.csv").read_bytes()


def test_a_submission_that_is_taken_away_meanwhile_is_said_and_stops_nothing(course: Path) -> None:
    tasks = [Task(name, str(course / name)) for name in ("ada", "nobody", "cat")]
    done = {one.id: one.report for one in lanes.run(tasks, QUICK, 1)}
    assert [one.complete for one in (done["ada"], done["nobody"], done["cat"])] == [True, False, True]
    assert "not in the class's folder any more" in str(done["nobody"].tests)


def test_tests_that_are_not_there_end_the_command_and_not_a_submission(course: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--tests"):
        list(lanes.run([Task("ada", str(course / "ada"))], Options(tests=tmp_path / "nowhere"), 2))


def dying(monkeypatch: pytest.MonkeyPatch, how: str, marker: Path, lives: int) -> None:
    """The first lanes die, or say nonsense, instead of grading a submission called ben."""
    change = f"""
from autograder.commands.batch import lane as l
import os, pathlib
whole, marker = l.done, pathlib.Path({str(marker)!r})
def done(task, report):
    tried = len(marker.read_text()) if marker.exists() else 0
    if task.id == 'ben' and tried < {lives}:
        marker.write_text('x' * (tried + 1))
        {how}
    return whole(task, report)
l.done = done
"""
    path, insert, own = lanes._START.split("; ", 2)
    monkeypatch.setattr(lanes, "_START", f"{path}; {insert}\nexec({change!r})\n{own}")


HOW = {"it dies": "os._exit(9)", "it says nonsense": "os.write(2, b''); print(flush=True); os.write(3, b'{}')"}


def reports(course: Path, jobs: int) -> dict[str, Report]:
    tasks = [Task(path.name, str(path)) for path in sorted(course.iterdir())]
    return {done.id: done.report for done in lanes.run(tasks, QUICK, jobs)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_lane_that_dies_costs_nothing(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    dying(monkeypatch, "os._exit(9)", tmp_path / "tried", 1)
    assert all(report.complete for report in reports(course, jobs).values())
    assert (tmp_path / "tried").read_text() == "x"


def test_a_submission_whose_lane_dies_twice_is_reported_without_a_score_and_the_others_are_graded(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying(monkeypatch, "os._exit(9)", tmp_path / "tried", 2)
    found = reports(course, 2)
    assert {name: report.complete for name, report in found.items()} == {"ada": True, "ben": False, "cat": True}
    assert any("ended before it answered" in note for note in found["ben"].staff_notes)


def test_a_lane_that_hangs_is_replaced(course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dying(monkeypatch, "import time; time.sleep(10_000)", tmp_path / "tried", 1)
    monkeypatch.setattr(lanes, "BEYOND", patience(6) - QUICK.seconds)  # what a lane may take in all
    assert all(report.complete for report in reports(course, 1).values())
    assert (tmp_path / "tried").exists()


@pytest.fixture
def long_class(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path, Path]]:
    """A class that is being graded by two lanes, and has some results."""
    top, out = tmp_path / "class", tmp_path / "out"
    for number in range(30):
        shutil.copytree(ROOT / "examples" / "class" / "hana_post_norm", top / f"submission_{number:02d}")
    command = [sys.executable, "-m", "autograder", "batch", str(top), "--out", str(out), "--quiet", "--jobs", "2"]
    command += ["--only", "4a"]
    pipe, alone = subprocess.PIPE, {name: value for name, value in os.environ.items() if name != forkserver.VARIABLE}
    process = subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, env=alone)
    deadline = time.monotonic() + patience(60)
    while len(list(out.glob("records/*"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    yield process, top, out
    process.kill()
    process.communicate(timeout=patience(60))


@pytest.mark.slow
@pytest.mark.boxed
@pytest.mark.parametrize("victim", ["the command", "a lane", "an engine", "the fork server"])
def test_whoever_is_killed_the_class_goes_on_where_it_was(
    long_class: tuple[subprocess.Popen[str], Path, Path], victim: str
) -> None:
    process, top, out = long_class
    below = processes.descendants(process.pid)
    server, lane, _ = [pid for pid in below if processes.parent(pid) == process.pid]
    engine = next(pid for pid in below if processes.parent(pid) == server)
    if victim == "the command":
        process.kill()
        process.communicate(timeout=patience(60))
        assert not processes.still_there(below, patience(30)), "its lanes end with it"
        assert not (out / "grades.csv").exists()
    else:
        ended = {"a lane": lane, "an engine": engine, "the fork server": server}[victim]
        processes.end(ended, below=process.pid)
        process.communicate(timeout=patience(120))
        assert process.returncode == 0
    done = batch.run(top, out, Options(only="4a"))
    assert done.complete and len(done.rows) == 30
    assert done.kept >= 3 if victim == "the command" else done.kept == 30
    assert len({row.total for row in done.rows}) == 1
    for path in (out / "results").iterdir():
        assert json.loads(path.read_bytes())["extra_data"]["complete"], path.name


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_lanes_and_leaves_no_scratch(
    long_class: tuple[subprocess.Popen[str], Path, Path], ending: signal.Signals
) -> None:
    process, _, _ = long_class
    below = processes.descendants(process.pid)
    process.send_signal(ending)
    _, errors = process.communicate(timeout=patience(60))
    assert process.returncode == 128 + ending and "Traceback" not in errors
    assert not processes.still_there(below)
