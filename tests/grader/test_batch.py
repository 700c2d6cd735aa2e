"""A class's folder as it comes from anywhere: names, rosters, broken neighbours, and an end before the end."""

from __future__ import annotations

import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.commands.batch import folder, tables
from autograder.commands.batch.entries import Entry, Person
from autograder.core.errors import UsageError
from autograder.handin.folders import ROSTER
from autograder.report import results
from autograder.report.class_table import ClassRow
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

CLASS = ROOT / "examples" / "class"


def ids(top: Path, out: Path | None = None) -> list[str]:
    return [entry.id for entry in folder.read(top, leave_out=out).entries]


def make(top: Path, *names: str) -> Path:
    """A class's folder: a name with a suffix is a file, one without is a folder with a script in it."""
    for name in names:
        path = top / name
        if path.suffix:
            path.write_bytes(b"")
        else:
            path.mkdir()
            (path / "hw6.py").write_text("")
    return top


# --- what is a submission, and what it is called ----------------------------------------------------------------------


def test_folders_zips_notebooks_and_scripts_are_submissions_and_nothing_else_is(tmp_path: Path) -> None:
    make(tmp_path, "ada", "ben.zip", "eve.ipynb", "fay.PY", "notes.txt", "grades.csv", ".hidden", "__MACOSX")
    (tmp_path / "link").symlink_to(tmp_path / "ada")
    os.mkfifo(tmp_path / "pipe.py")
    assert ids(tmp_path) == ["ada", "ben", "eve", "fay"]


NAMES = {
    "safe names stay": (["submission_1", "b-c"], ["b-c", "submission_1"]),
    "files lose their suffix": (["ada.zip"], ["ada"]),
    "tars are taken": (["ada.tar.gz", "ben.tgz"], ["ada", "ben"]),
    "but not where two share a stem": (["ada.zip", "ada.py"], ["ada.py", "ada.zip"]),
    "nor where they differ in case alone": (["Ada.zip", "ada.py"], ["Ada.zip", "ada.py"]),
    "spaces and signs become underscores": (["a b?"], ["a_b_"]),
    "what must be renamed gives way": (["a b", "a_b"], ["a_b-2", "a_b"]),
    "three that come out the same": (["a b", "a?b", "a!b"], ["a_b", "a_b-2", "a_b-3"]),
    "a name that looks like a number given": (["a b", "a_b", "a_b-2"], ["a_b-3", "a_b", "a_b-2"]),
    "letters of any script stay": (["Zoë", "李"], ["Zoë", "李"]),
}


@pytest.mark.parametrize("what", NAMES)
def test_ids_are_safe_and_unique(tmp_path: Path, what: str) -> None:
    names, expected = NAMES[what]
    assert sorted(ids(make(tmp_path, *names))) == sorted(expected)


def test_a_very_long_name_still_fits_into_a_file_name(tmp_path: Path) -> None:
    make(tmp_path, "李" * 85, "x" * 250, "x" * 251)
    found = ids(tmp_path)
    assert len(set(found)) == 3
    for name in found:
        results.write_bytes(tmp_path / f"{name}.json", b"{}")


def test_the_folder_of_results_is_no_submission_of_the_class_it_lies_in(tmp_path: Path) -> None:
    make(tmp_path, "ada")
    out = tmp_path / "out"
    (out / "results").mkdir(parents=True)
    assert ids(tmp_path, out) == ["ada"]
    nested = tmp_path / "build" / "class"
    nested.mkdir(parents=True)
    assert ids(tmp_path, nested) == ["ada", "out"]
    assert ids(tmp_path, tmp_path / "ada" / "out") == ["ada", "build", "out"], "a submission stays one"


def test_a_folder_without_submissions_and_no_folder_at_all_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no submission in"):
        folder.read(tmp_path)
    with pytest.raises(UsageError, match="is not a folder"):
        folder.read(tmp_path / "nowhere")


# --- who handed it in -------------------------------------------------------------------------------------------------

EXPORT = """---
submission_1:
  :submitters:
  - :name: Ada Lovelace
    :sid: '0123'
    :email: ada@example.org
  - :name: Ben
    :sid: 77
    :email:
  :created_at: 2022-05-03 20:00:00.000000000 -07:00
  :score: 12.5
  :results: !ruby/hash:ActiveSupport::HashWithIndifferentAccess
    score: !ruby/object:BigDecimal 18:0.12e2
submission_2:
  :submitters:
  - :name: 'Zoë'
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_an_export_names_the_students_of_each_submission(tmp_path: Path, encoding: str) -> None:
    make(tmp_path, "submission_1", "submission_2", "submission_3")
    (tmp_path / ROSTER).write_text(EXPORT, encoding=encoding)
    found = folder.read(tmp_path)
    (note,) = found.notes
    assert note.endswith(f"{ROSTER} does not name them: submission_3")
    assert [entry.people for entry in found.entries] == [
        (Person("Ada Lovelace", "0123", "ada@example.org"), Person("Ben", "77", "")),
        (Person("Zoë"),),
        (),
    ]


def test_submissions_that_an_export_names_and_does_not_hold_are_noted(tmp_path: Path) -> None:
    make(tmp_path, "submission_1")
    (tmp_path / ROSTER).write_text(EXPORT, encoding="utf-8")
    assert folder.read(tmp_path).notes == (f"{ROSTER} names submissions that are not in the folder: submission_2",)


def test_a_name_and_an_id_are_what_was_typed_and_not_the_number_or_the_truth_that_yaml_sees(tmp_path: Path) -> None:
    typed = (("Yes", "007"), ("No", "0123"), ("2026-01-01", "30_312"), ("Ada", "1:30"), ("1e3", "0x1F"))
    listed = "".join(f"  - :name: {name}\n    :sid: {sid}\n" for name, sid in typed)
    make(tmp_path, "submission_1")
    (tmp_path / ROSTER).write_text(f"submission_1:\n  :submitters:\n{listed}", encoding="utf-8")
    [entry] = folder.read(tmp_path).entries
    assert [(person.name, person.sid) for person in entry.people] == list(typed)


STRANGE = {
    "no YAML": b"submission_1: [",
    "not UTF-8": b"\xff\xfe\x00",
    "a list": b"- submission_1",
    "empty": b"",
    "an object of Python": b"submission_1: !!python/object/apply:os.system ['true']",
    "entries of other kinds": b"submission_1: 3\n4: [5]\n6: {7: 8}\n? [a, b]\n: c",
    "submitters of other kinds": b"submission_1:\n  :submitters: [3, {':name': [1]}, null, {':name': {}}]",
    "a date that is none": b"submission_1:\n  :created_at: 2022-99-99 00:00:00\n",
}


@pytest.mark.parametrize("what", STRANGE)
def test_a_strange_roster_never_stops_the_class(tmp_path: Path, what: str) -> None:
    make(tmp_path, "submission_1")
    (tmp_path / ROSTER).write_bytes(STRANGE[what])
    found = folder.read(tmp_path)
    assert [(entry.id, entry.people) for entry in found.entries] == [("submission_1", ())]


# --- the command ------------------------------------------------------------------------------------------------------


def batch(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autograder", "batch", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=patience(300), check=False)


def table(out: Path) -> list[list[str]]:
    return list(csv.reader((out / "grades.csv").read_text(encoding="utf-8").splitlines()))


@pytest.mark.slow
def test_a_class_with_names_and_broken_entries_is_graded_to_its_end(tmp_path: Path) -> None:
    top = tmp_path / "class"
    shutil.copytree(CLASS / "hana_post_norm", top / "submission_1")
    (top / "submission_2").mkdir()
    (top / "broken.zip").write_bytes(b"no zip")
    roster = "submission_1:\n  :submitters:\n  - :name: =1+1\n    :sid: '007'\n  - :name: <i>Ben</i>\n"
    (top / ROSTER).write_text(roster, encoding="utf-8")
    out = top / "out"
    for _ in range(2):  # its own results are no submission of the second run
        done = batch(top, "--out", out)
        assert done.returncode == 0, done.stderr
        head, *rows = table(out)
        assert head[:4] == ["id", "name", "sid", "email"] and head[-1] == "total"
        assert [row[0] for row in rows] == ["broken", "submission_1", "submission_2"]
        assert rows[1][1:4] == ["'=1+1; ‹i›Ben‹/i›", "007; ", ""], "no formula for a spreadsheet, and no markup"
        assert [row[-1] for row in rows][::2] == ["0", "0"] and float(rows[1][-1]) > 20
    assert "<i>" not in (out / "index.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_disk_that_fills_meanwhile_is_told_as_that_and_the_same_command_goes_on(tmp_path: Path) -> None:
    top, out = tmp_path / "class", tmp_path / "out"
    for name in ("june_unfilled", "milo_ready_made"):
        shutil.copytree(CLASS / name, top / name)
    full = (9000, resource.getrlimit(resource.RLIMIT_FSIZE)[1])  # a record fits, a page does not
    line = [sys.executable, "-m", "autograder", "batch", str(top), "--out", str(out), "--only", "2a", "--jobs", "1"]
    done = subprocess.run(
        line, cwd=ROOT, capture_output=True, text=True, timeout=patience(120), check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, full),
    )  # fmt: skip
    assert done.returncode == 3 and "itself failed" not in done.stderr, done.stderr
    *_, told = done.stderr.strip().splitlines()
    assert told.startswith("autograder: june_unfilled.html could not be written") and "the disk is full" in told
    assert told.endswith("0 of 2 submissions are graded there, and the same command goes on from them")
    again = batch(top, "--out", out, "--only", "2a")
    assert again.returncode == 0 and len(table(out)) == 3, again.stderr


def test_a_member_without_a_number_keeps_the_place_of_the_others() -> None:
    group = (Person("Ada", "", "a@x"), Person("Ben", "77", ""), Person("Cid", "", ""))
    row = ClassRow("g", {"2a": 1.0}, 1.0)
    head, line = csv.reader(tables.grades([(Entry("g", Path("g"), group), row)]).splitlines())
    assert dict(zip(head, line)) | {"name": "Ada; Ben; Cid", "sid": "; 77; ", "email": "a@x; ; "} == dict(
        zip(head, line)
    )


@pytest.mark.parametrize("command", ["grade", "batch"])
def test_results_that_cannot_be_put_anywhere_are_told_in_one_sentence(tmp_path: Path, command: str) -> None:
    (tmp_path / "taken").write_text("")
    what = CLASS if command == "batch" else CLASS / "hana_post_norm"
    line = [sys.executable, "-m", "autograder", command, str(what), "--out", str(tmp_path / "taken" / "out")]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=patience(60), check=False)
    assert done.returncode == 2 and "--out" in done.stderr and len(done.stderr.splitlines()) == 1


def heed_ctrl_c() -> None:
    """A shell starts what runs in its background deaf to Ctrl-C, and that is inherited; a terminal's command is not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done_and_says_so(tmp_path: Path) -> None:
    top, out = tmp_path / "class", tmp_path / "out"
    for number in range(40):
        shutil.copytree(CLASS / "hana_post_norm", top / f"submission_{number:02d}")
    command = [sys.executable, "-m", "autograder", "batch", str(top), "--out", str(out), "--quiet"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c
    )
    deadline = time.monotonic() + patience(60)
    while len(list(out.glob("records/*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=patience(60))
    done = len(table(out)) - 1
    assert 2 <= done < 40 and process.returncode == 3
    assert f"stopped after {done} of 40 submissions" in errors and "Traceback" not in errors
    for path in (out / "results").iterdir():
        assert json.loads(path.read_text(encoding="utf-8"))["extra_data"]["complete"], path.name
    assert not list(out.rglob(".*")), "no half-written file is left"
