"""Classes as course systems and people lay them out: which files are one student's, whose, and what stays apart."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from autograder.commands.batch import folder, tables, unpacking
from autograder.commands.batch.entries import Class, Person
from autograder.commands.batch.exports import pairs, systems
from autograder.commands.batch.exports.gathering import gather
from autograder.core.errors import UsageError
from autograder.core.text import printable
from autograder.handin import folders
from autograder.report.class_table import ClassRow


def work(who: str) -> str:
    """A notebook with both classes, as text that no other person's equals."""
    return json.dumps({"cells": [{"source": f"# {who}\nclass SingleHeadAttention: ...\nclass ViTLayer: ..."}]})


def make(top: Path, *names: str) -> Path:
    """Files that each say their own name; a name that ends with / is an empty folder."""
    for name in names:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(exist_ok=True) if name.endswith("/") else path.write_text(work(name))
    return top


def read(top: Path, out: Path) -> Class:
    folders.refuse_one(top, single=str, whole=str)  # as the command does first
    return folder.read(top, leave_out=out)


def handed_in(found: Class) -> dict[str, set[str]]:
    """The files of each submission by the names that its student gave them."""
    return {
        entry.id: {str(p.relative_to(entry.path)) for p in entry.path.rglob("*") if p.is_file()}
        if entry.path.is_dir()
        else {entry.path.name}
        for entry in found.entries
    }


ONE = {"hw6.ipynb", "answers.toml"}

# --- what is nobody's export stays as it is ---------------------------------------------------------------------------

AS_THEY_ARE = {
    "folders": (["ada/hw6.ipynb", "ben/hw6.ipynb", "ben/answers.toml"], {"ada", "ben"}),
    "files of several people": (["ada.ipynb", "ben.ipynb", "cy.py"], {"ada", "ben", "cy"}),
    "two notebooks of one name": (["ada.ipynb", "ada (1).ipynb", "ada final.ipynb"], {"ada", "ada__1_", "ada_final"}),
    "a script of somebody else": (["ada.ipynb", "ben.py"], {"ada", "ben"}),
    "a zip and a script": (["ada.zip", "ada.py"], {"ada.zip", "ada.py"}),
    "a key and a roster beside": (["ada.ipynb", "ben.ipynb", "roster.csv", "README.txt", "grades.xlsx"], {"ada", "ben"}),
    "one name among others that looks like Canvas's": (["a_1_2345_hw6.ipynb", "ben.ipynb", "cy.ipynb"], {"a_1_2345_hw6", "ben", "cy"}),
    "underscores and numbers": (["smith_3031234567_hw6.ipynb", "lee_3037654321_hw6.ipynb"], {"smith_3031234567_hw6", "lee_3037654321_hw6"}),
    "attempts in folders": (["ada/1/hw6.ipynb", "ada/2/hw6.ipynb", "ben/1/hw6.ipynb", "ben/2/hw6.ipynb", "cy/1/hw6.ipynb"], {"ada", "ben", "cy"}),
    "folders of one homework's parts": (["ada/code/a.ipynb", "ada/written/answers.toml", "ben/code/b.ipynb", "ben/written/answers.toml"], {"ada", "ben"}),
    "one student with drafts, one folder around": (["hw6/ada/first.ipynb", "hw6/ada/second.ipynb"], {"hw6"}),
    "endings that programs add": (["ada.ipynb.txt", "ben.ipynb.json", "cy.ipynb (1)", "dan.py.txt", "eve.ipynb.gz"], {"ada", "ben", "cy__1_", "dan", "eve"}),
    "archives that are not opened": (["ada.rar", "ben.7z", "cy.tar.zst", "dan.tar.gz", "eve.ipynb"], {"ada", "ben", "cy", "dan", "eve"}),
    "students who parted their work alike": (["ada/attn.ipynb", "ada/layer.ipynb", "ben/attn.ipynb", "ben/layer.ipynb", "ben/layer.toml"], {"ada", "ben"}),
    "one with two notebooks, one with others' answers": (["ada/attn.ipynb", "ada/layer.ipynb", "ben/answers.toml", "ben/notes.toml"], {"ada", "ben"}),
    "students with the same two folders": (["ada/code/hw6.ipynb", "ada/old/hw6.ipynb", "ben/code/hw6.py", "ben/old/hw6.py"], {"ada", "ben"}),
    "a folder called submitted": (["submitted/hw6.ipynb", "ben/hw6.ipynb"], {"submitted", "ben"}),
}  # fmt: skip


@pytest.mark.parametrize("what", AS_THEY_ARE)
def test_what_no_system_has_named_is_left_as_it_is(tmp_path: Path, what: str) -> None:
    names, ids = AS_THEY_ARE[what]
    found = read(make(tmp_path / "class", *names), tmp_path / "out")
    assert {entry.id for entry in found.entries} == ids
    assert not [note for note in found.notes if "perhaps one student's" not in note]
    assert not any(entry.people for entry in found.entries)
    assert not (tmp_path / "out").exists(), "nothing had to be gathered"


EVIL = "\x1b[2J\u202e<b>"
EVIL_NAMES = {
    "by hand": [f"s{EVIL}/hw6.ipynb", f"t{EVIL}.ipynb", f"t{EVIL}.toml", f"nobody{EVIL}.toml"],
    "Canvas": [f"a{EVIL}_12_3456_{EVIL}hw6.ipynb", f"a{EVIL}_12_3457_{EVIL}.toml", f"b{EVIL}_LATE_13_3458_hw6.ipynb"],
    "sections": [f"{part}{EVIL}/{who}{EVIL}.ipynb" for part in "AB" for who in ("ada", *(f"{part}{n}" for n in "123"))],
}


@pytest.mark.parametrize("what", EVIL_NAMES)
def test_a_name_tells_no_reader_anything_but_itself(tmp_path: Path, what: str) -> None:
    found = read(make(tmp_path / "class", *EVIL_NAMES[what]), tmp_path / "out")
    assert found.notes or what == "by hand"
    said = [*found.notes, *(f"{e.id} {e.called} {e.people}" for e in found.entries)]
    gathered = [str(path.relative_to(tmp_path)) for path in (tmp_path / "out").rglob("*")]
    assert not [text for text in said if text != printable(text) or "<" in text]
    assert not [name for name in gathered if name != printable(name)]


def test_a_name_of_which_two_points_are_left_leads_nowhere_else(tmp_path: Path) -> None:
    hidden = "\u200b..\u200b"
    ada = "Doe, Ada(ada)/Submission attachment(s)"
    names = [f"{ada}/hw6.ipynb", f"{ada}/{hidden}/bob/answers.toml", f"{ada}/{hidden}/{hidden}/grades.csv"]
    top = make(tmp_path / "class", *names, "Doe, Bob(bob)/Submission attachment(s)/hw6.ipynb")
    for extra in ("a.py", "a\u200b.py/b.py", "\udc80" * 250 + ".toml", "\t" * 100 + ".py/c.py"):
        path = top / ada / extra
        path.parent.mkdir(exist_ok=True)
        path.write_text("1")
    target = gather([(top / ada, "work"), (top / ada, hidden)], tmp_path / "out" / "gathered" / "ada")
    assert [path.name for path in (tmp_path / "out").rglob("*") if not path.is_relative_to(target.parent)] == []
    assert [path.name for path in target.parent.iterdir()] == ["ada"]
    for inside in ("work", "file"):
        found = {str(path.relative_to(target / inside)) for path in (target / inside).rglob("*") if path.is_file()}
        assert {"hw6.ipynb", "file/bob/answers.toml", "file/file/grades.csv", "a.py", "a (1).py/b.py"} <= found
        assert sum(name.endswith((".toml", "c.py")) for name in found) == 3, "long names are cut, and nothing is lost"


# --- what systems make of a class -------------------------------------------------------------------------------------

CANVAS = "{0}_9041{1}_hw6-2.ipynb {0}_9042{1}_answers-2.toml"
BLACKBOARD = "HW 6_{0}_attempt_{1}_hw6.ipynb HW 6_{0}_attempt_{1}_answers.toml HW 6_{0}_attempt_{1}.txt"
SYSTEMS = {
    "Canvas": (
        [*CANVAS.format("adaa_15", 1).split(), "ben_LATE_16_90433_hw6.zip", "cy_17_text.html", "2026-11-21T1702_Grades.csv"],
        {"adaa_15": {"hw6-2.ipynb", "answers-2.toml"}, "ben_16": {"ben_LATE_16_90433_hw6.zip"}, "cy_17": {"cy_17_text.html"}},
    ),
    "Canvas, two of one name": (
        [*CANVAS.format("adaa_15", 1).split(), *CANVAS.format("adaa_16", 2).split()],
        {"adaa_15": {"hw6-2.ipynb", "answers-2.toml"}, "adaa_16": {"hw6-2.ipynb", "answers-2.toml"}},
    ),
    "Canvas, two downloads in one folder": (
        ["ada_15_90411_hw6.ipynb", "ada_LATE_15_90412_hw6-1.ipynb", "ada_LATE_15_90413_answers.toml"],
        {"ada_15": {"ada_15_90411_hw6.ipynb"}, "ada_15_LATE": {"hw6-1.ipynb", "answers.toml"}},
    ),
    "Blackboard": (
        [*(name.replace("|", " ") for name in BLACKBOARD.replace(" 6", "|6").format("jd12", "2026-11-20-23-59-01").split(" ")),
         "HW6_ks3_attempt_2026-11-21-00-03-12.txt"],
        {"jd12": ONE, "ks3": {"HW6_ks3_attempt_2026-11-21-00-03-12.txt"}},
    ),
    "Moodle, in folders": (
        ["Ann Mo_23_assignsubmission_file_/hw6.ipynb", "Ann Mo_23_assignsubmission_file_/answers.toml",
         "Ann Mo_24_assignsubmission_file_/hw6.ipynb", "Bo Li_25_assignsubmission_onlinetext_/onlinetext.html",
         "Bo Li_25_assignsubmission_file_/my work/hw6.ipynb"],
        {"Ann_Mo_23": ONE, "Ann_Mo_24": {"hw6.ipynb"}, "Bo_Li_25": {"onlinetext.html", "my work/hw6.ipynb"}},
    ),
    "Moodle, files": (
        ["Ann Mo_23_assignsubmission_file_hw6.ipynb", "Ann Mo_23_assignsubmission_file_answers.toml"],
        {"Ann_Mo_23": ONE},
    ),
    "Brightspace": (
        ["709-118 - Maya Patel - Nov 19, 2026 442 PM/hw6.ipynb", "709-118 - Maya Patel - Nov 21, 2026 1207 AM/hw6.ipynb",
         "710-118 - Oli G - Nov 20, 2026 901 AM/hw6.ipynb", "index.html"],
        {"Maya_Patel_709_2026-11-19_1642": {"hw6.ipynb"}, "Maya_Patel_709_2026-11-21_0007": {"hw6.ipynb"}, "Oli_G_710": {"hw6.ipynb"}},
    ),
    "Sakai, below the homework's title": (
        [f"HW 6/{who}/{file}" for who in ("Doe, Jane(jd)", "Doe, Jane(jd2)", "Li, Bo(bl)")
         for file in ("Submission attachment(s)/hw6.ipynb", "Submission attachment(s)/answers.toml", "comments.txt")]
        + ["HW 6/grades.csv"],
        {"jd": ONE, "jd2": ONE, "bl": ONE},
    ),
    "otter's zips from a form": (
        ["hw6_2026_11_20T22_47_13_402713 - Mateo Rossi.zip", "hw6_2026_11_20T23_30_00_000101 - Mateo Rossi.zip",
         "hw6_2026_11_20T23_58_02_771800 - Fatima El.zip", "final_grades.csv"],
        {"Mateo_Rossi_2026-11-20_2247": {"hw6_2026_11_20T22_47_13_402713 - Mateo Rossi.zip"},
         "Mateo_Rossi_2026-11-20_2330": {"hw6_2026_11_20T23_30_00_000101 - Mateo Rossi.zip"},
         "Fatima_El": {"hw6_2026_11_20T23_58_02_771800 - Fatima El.zip"}},
    ),
    "a course of nbgrader": (
        ["source/hw6/hw6.ipynb", "release/hw6/hw6.ipynb", "nbgrader_config.py", "submitted/ada/hw6/hw6.ipynb",
         "submitted/ben/hw6/hw6.ipynb", "submitted/ben/hw5/hw5.ipynb"],
        {"ada": {"hw6/hw6.ipynb"}, "ben": {"hw6/hw6.ipynb", "hw5/hw5.ipynb"}},
    ),
    "sections": (
        ["mon/ada.zip", "mon/ben.zip", "mon/cy.zip", "tue/dan.zip", "tue/ada.zip", "late/eve.zip", "mon grades.csv"],
        {"mon_ada": {"ada.zip"}, "tue_ada": {"ada.zip"}, "ben": {"ben.zip"}, "cy": {"cy.zip"}, "dan": {"dan.zip"}, "eve": {"eve.zip"}},
    ),
    "Microsoft Teams": (
        ["Student Work/Submitted files/Ada A/Homework 6/Version 2/hw6.ipynb", "Student Work/Submitted files/Ben B/Homework 6/Version 1/hw6.ipynb",
         "Student Work/Working files/Ada A/Homework 6/hw6.ipynb"],
        {"Ada_A": {"Homework 6/Version 2/hw6.ipynb"}, "Ben_B": {"Homework 6/Version 1/hw6.ipynb"}},
    ),
    "Google Forms, a folder for each question": (
        ["Notebook (File responses)/hw6 - Ada A.ipynb", "Notebook (File responses)/hw6 - Ben B.ipynb",
         "Answers (File responses)/answers - Ada A.toml", "Answers (File responses)/answers - Ben B.toml", "HW6 (Responses).csv"],
        {"hw6_-_Ada_A": {"hw6 - Ada A.ipynb", "answers - Ada A.toml"}, "hw6_-_Ben_B": {"hw6 - Ben B.ipynb", "answers - Ben B.toml"}},
    ),
    "Google Forms as Drive packs it": (
        [f"HW6 (File responses)/{kind} (File responses)/{file}" for kind, file in
         (("Notebook", "hw6 - Ada A.ipynb"), ("Notebook", "hw6 - Ben B.ipynb"), ("Answers", "answers - Ben B.toml"))],
        {"hw6_-_Ada_A": {"hw6 - Ada A.ipynb"}, "hw6_-_Ben_B": {"hw6 - Ben B.ipynb", "answers - Ben B.toml"}},
    ),
    "by hand, by kind of file": (
        ["notebooks/ada.ipynb", "notebooks/ben.ipynb", "notebooks/cy.py", "toml/ada.toml", "toml/ben.toml", "losses/history_ada.json"],
        {"ada": {"ada.ipynb", "ada.toml", "history_ada.json"}, "ben": {"ben.ipynb", "ben.toml"}, "cy": {"cy.py"}},
    ),
    "by hand, by part of the homework": (
        ["code/ada/hw6.ipynb", "code/ben/src/hw6.ipynb", "code/cy/hw6.py", "written/ada/answers.toml", "written/ben/answers.toml", "written/ben/scan.pdf"],
        {"ada": {"ada/hw6.ipynb", "ada/answers.toml"}, "ben": {"ben/src/hw6.ipynb", "ben/answers.toml", "ben/scan.pdf"}, "cy": {"hw6.py"}},
    ),
    "by hand, in many ways": (
        ["Ana García.ipynb", "Ana García.toml", "Ana García.history.json", "hw6_Lee, Min-jun.ipynb", "answers_Lee, Min-jun.toml",
         "kapoor.py", "kapoor_answers.toml", "SOKO.IPYNB", "SOKO.TOML", "Priya N - hw6.ipynb", "Priya N - answers.toml",
         "hw6 - Jo Po.ipynb", "history - Jo Po.json", "ivo.ipynb", "ivo.py", "README.txt"],
        {"Ana_García": {"Ana García.ipynb", "Ana García.toml", "Ana García.history.json"},
         "hw6_Lee__Min-jun": {"hw6_Lee, Min-jun.ipynb", "answers_Lee, Min-jun.toml"},
         "kapoor": {"kapoor.py", "kapoor_answers.toml"}, "SOKO": {"SOKO.IPYNB", "SOKO.TOML"},
         "Priya_N_-_hw6": {"Priya N - hw6.ipynb", "Priya N - answers.toml"},
         "hw6_-_Jo_Po": {"hw6 - Jo Po.ipynb", "history - Jo Po.json"}, "ivo": {"ivo.ipynb", "ivo.py"}},
    ),
    "by hand, twice": (
        ["Leo - hw6.ipynb", "Leo - answers.toml", "Leo - hw6(1).ipynb", "Leo - answers(1).toml", "Leo - history.json"],
        {"Leo_-_hw6": {"Leo - hw6.ipynb", "Leo - answers.toml", "Leo - history.json"},
         "Leo_-_hw6_1_": {"Leo - hw6(1).ipynb", "Leo - answers(1).toml"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SYSTEMS)
def test_each_students_files_are_one_submission(tmp_path: Path, what: str) -> None:
    names, expected = SYSTEMS[what]
    found = read(make(tmp_path / "class", *names), tmp_path / "out")
    assert handed_in(found) == expected
    assert found.notes, "and staff are told how the class was read"
    before = {p: p.read_bytes() for p in sorted((tmp_path / "class").rglob("*")) if p.is_file()}
    assert {p.relative_to(tmp_path / "class").as_posix() for p in before} == set(names)
    again = read(tmp_path / "class", tmp_path / "out")
    assert handed_in(again) == expected, "read again, nothing is doubled"


def test_what_goes_with_nobody_is_named_aloud(tmp_path: Path) -> None:
    nobodys = ["answers_zoe.toml", "zoe.safetensors", "history (3).json", "yan.docx", "xiu"]
    others = ["grades.csv", "README.md", "homework 6.pdf"]
    notes = " ".join(
        read(make(tmp_path / "class", "ada.ipynb", "ben.ipynb", *nobodys, *others), tmp_path / "out").notes
    )
    assert all(name in notes for name in nobodys)
    assert not any(name in notes for name in others) and "put each student's files into a folder" in notes


def test_a_folder_that_may_be_a_class_among_the_students_is_named_aloud(tmp_path: Path) -> None:
    top = make(
        tmp_path / "class", "solution.ipynb", "zoe/hw6.ipynb", *(f"all/{who}.py" for who in ("ada", "ben", "cy"))
    )
    for path in top.rglob("*.py"):
        path.write_text(f"class SingleHeadAttention: {path.stem} = 1\nclass ViTLayer: pass\n")
    found = read(top, tmp_path / "out")
    assert {entry.id for entry in found.entries} == {"solution", "zoe", "all"}
    (said,) = [note for note in found.notes if "give that folder to batch by itself" in note]
    assert "all" in said and "zoe" not in said
    assert not [note for note in read(top / "all", tmp_path / "out").notes if "by itself" in note]


def test_who_when_and_late_are_read_from_the_names(tmp_path: Path) -> None:
    names = ["jd12", "ks3"]
    top = make(tmp_path / "class", *(f"HW6_{who}_attempt_2026-11-20-23-5{n}-01_hw6.zip" for n, who in enumerate(names)))
    entries = read(top, tmp_path / "out").entries
    assert [entry.people for entry in entries] == [(Person(user="jd12"),), (Person(user="ks3"),)]
    assert [entry.when for entry in entries] == [datetime(2026, 11, 20, 23, 50, 1), datetime(2026, 11, 20, 23, 51, 1)]
    top = make(tmp_path / "canvas", "ada_LATE_15_90411_hw6.ipynb", "ben_16_90412_hw6.ipynb")
    assert "marked as late by Canvas: ada_15" in read(top, tmp_path / "out").notes


TIMES = {
    "nbgrader's": ("2026-11-20 23:59:59.999999 UTC", "2026-11-20 23:59:59+00:00"),
    "nbgrader's in another zone": ("2026-11-20 23:59:59 -0800\n", "2026-11-20 23:59:59-08:00"),
    "Sakai's": ("20261120213000000", "2026-11-20 21:30:00"),
    "no time": ("yesterday", None),
    "an impossible one": ("2026-13-45 23:59:59", None),
    "a student's own text": ("2026-11-20 23:59:59 UTC, I swear", None),
}


@pytest.mark.parametrize("what", TIMES)
def test_a_time_that_lies_beside_is_read(tmp_path: Path, what: str) -> None:
    text, expected = TIMES[what]
    make(tmp_path / "class", "ada/hw6/hw6.ipynb", "ben/hw6/hw6.ipynb")
    (tmp_path / "class" / "ada" / "hw6" / "timestamp.txt").write_text(text)
    ada, ben = read(tmp_path / "class", tmp_path / "out").entries
    assert ada.when == (expected and datetime.fromisoformat(expected)) and ben.when is None


def test_canvas_finds_its_students_by_its_own_number() -> None:
    files = [Path(name) for name in ("ada_15_90411_hw6.ipynb", "ben_LATE_16_90412_hw6.ipynb")]
    assert {name.user for name in systems.read(files).values()} == {"15", "16"}


def test_canvas_csv_has_the_number_and_grades_csv_too(tmp_path: Path) -> None:
    top = make(tmp_path / "class", "ada_15_90411_hw6.ipynb", "ben_16_90412_hw6.ipynb")
    rows = [(entry, ClassRow(entry.id, {}, 5.0)) for entry in read(top, tmp_path / "out").entries]
    listed = list(csv.DictReader(io.StringIO(tables.canvas(rows))))
    assert [(row["Student"], row["ID"]) for row in listed[1:]] == [("ada", "15"), ("ben", "16")]
    grades = list(csv.DictReader(io.StringIO(tables.grades(rows))))
    assert [(row["id"], row["name"], row["user"]) for row in grades] == [
        ("ada_15", "ada", "15"),
        ("ben_16", "ben", "16"),
    ]


def test_a_name_that_is_no_file_name_stands_beside_the_id(tmp_path: Path) -> None:
    top = make(tmp_path / "class", "=1+1 Jake/hw6.py", "Zoe\u0308/hw6.py", "ada/hw6.py")
    rows = [(entry, ClassRow(entry.id, {}, 5.0)) for entry in read(top, tmp_path / "out").entries]
    found = {row["id"]: row["name"] for row in csv.DictReader(io.StringIO(tables.grades(rows)))}
    assert found == {"_1_1_Jake": "'=1+1 Jake", "Zoë": "Zoë", "ada": "ada"}


# --- the downloads themselves -----------------------------------------------------------------------------------------


def zipped(place: Path, *names: str) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(place, "w") as archive:
        for name in names:
            archive.writestr(name, work(name))
    return place


def test_the_parts_of_one_download_from_drive_are_one_class(tmp_path: Path) -> None:
    top, out = tmp_path / "class", tmp_path / "out"
    first = zipped(top / "HW6-20261121T171502Z-001.zip", "HW6/Ada - hw6.ipynb", "HW6/Ben - hw6.ipynb")
    zipped(top / "HW6-20261121T171502Z-002.zip", "HW6/Ada - answers.toml", "HW6/Ben - history.json")
    make(top, "responses.xlsx")
    for given in (top, first):
        found = read(unpacking.folder_of(given, out, str), out)
        assert handed_in(found) == {
            "Ada_-_hw6": {"Ada - hw6.ipynb", "Ada - answers.toml"},
            "Ben_-_hw6": {"Ben - hw6.ipynb", "Ben - history.json"},
        }
    zipped(top / "ben.zip", "hw6.ipynb")
    assert unpacking.folder_of(top, out, str) == top, "beside somebody's zip each zip is somebody's"


def test_an_export_in_a_zip_is_read_like_one_in_a_folder(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "submissions.zip", *CANVAS.format("adaa_15", 1).split(), *CANVAS.format("ben_16", 2).split()
    )
    found = read(unpacking.folder_of(path, tmp_path / "out", str), tmp_path / "out")
    assert {id: len(names) for id, names in handed_in(found).items()} == {"adaa_15": 2, "ben_16": 2}


def test_one_class_several_times_is_refused(tmp_path: Path) -> None:
    make(tmp_path, *(f"{day}/{who}/hw6.py" for day in ("monday", "tuesday") for who in "abc"))
    with pytest.raises(UsageError, match="several classes"):
        read(tmp_path, tmp_path / "out")


WITHIN = {
    "below a wrapper": SYSTEMS["Sakai, below the homework's title"],
    "in sections": SYSTEMS["sections"],
    "side by side": SYSTEMS["Canvas"],
}


@pytest.mark.parametrize("what", WITHIN)
def test_results_that_lie_in_the_class_are_nobodys_when_it_is_run_again(tmp_path: Path, what: str) -> None:
    names, expected = WITHIN[what]
    top = make(tmp_path / "class", *names)
    out = top / "out"
    for _ in range(2):
        assert handed_in(read(top, out)) == expected
        make(out, "results/ada.json", "reports/ada.html", "records/ada.json", "submissions/ada.zip")


def test_the_parts_of_a_download_stay_one_class_with_results_beside_them(tmp_path: Path) -> None:
    zipped(tmp_path / "HW6-20261121T171502Z-001.zip", "HW6/Ada - hw6.ipynb", "HW6/Ben - hw6.ipynb")
    out = tmp_path / "out"
    assert [unpacking.folder_of(tmp_path, out, str) for _ in range(2)] == [out / "submissions"] * 2


def test_what_cannot_be_put_beside_is_left_out_and_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "one.toml", "two.toml")
    link, copy = os.link, shutil.copy2

    def refused(do: Callable[[Path, Path], object]) -> Callable[[Path, Path], object]:
        def unless_closed(path: Path, place: Path) -> object:
            if path.name == "one.toml":  # root may read all: what others meet is raised here
                raise PermissionError(errno.EACCES, "closed")
            return do(path, place)

        return unless_closed

    monkeypatch.setattr(os, "link", refused(link))
    monkeypatch.setattr(shutil, "copy2", refused(copy))
    target = gather([(tmp_path / name, name) for name in ("one.toml", "two.toml")], tmp_path / "ada")
    assert {path.name for path in target.iterdir()} == {"two.toml"}
    with pytest.raises(UsageError, match="Give another --out"):
        gather([(tmp_path / "two.toml", "two.toml")], tmp_path / "two.toml" / "ada")


def test_files_with_the_longest_of_names_are_all_kept(tmp_path: Path) -> None:
    make(tmp_path, "one.toml")
    given = [(tmp_path / "one.toml", "x" * 250 + ".toml")] * 2
    names = {path.name for path in gather(given, tmp_path / "ada").iterdir()}
    assert len(names) == 2 and all(name.endswith(".toml") for name in names)


HOSTILE = ["../x", "a/../../x", "..", "a\\..\\x", ".", "\u200b..", "\x1b[0m..\n", "\u200b"]


@pytest.mark.parametrize("given", HOSTILE)
def test_a_name_that_a_student_gave_leads_nowhere_else(tmp_path: Path, given: str) -> None:
    from autograder.commands.batch.exports.gathering import gather

    make(tmp_path, "one.toml", "two.toml")
    target = gather([(tmp_path / "one.toml", given), (tmp_path / "two.toml", given)], tmp_path / "out" / "ada")
    assert len(list(target.iterdir())) == 2 and {p.name for p in tmp_path.iterdir()} == {"one.toml", "two.toml", "out"}


def test_links_of_a_student_are_not_followed_when_files_are_gathered(tmp_path: Path) -> None:
    folder_of_ada = tmp_path / "class" / "Ada_1_assignsubmission_file_"
    make(
        tmp_path / "class",
        "Ada_1_assignsubmission_file_/hw6.ipynb",
        "Ada_1_assignsubmission_onlinetext_/onlinetext.html",
    )
    (folder_of_ada / "secret").symlink_to("/etc/passwd")
    (folder_of_ada / "all").symlink_to("/etc")
    assert handed_in(read(tmp_path / "class", tmp_path / "out")) == {"Ada_1": {"hw6.ipynb", "onlinetext.html"}}


OWNERS = {
    "hw6.ipynb": "", "answers.toml": "", "HW6 final (2).ipynb": "", "homework 6.py": "", "hw 06 - solutions.toml": "",
    "Ana García.toml": "ana garcía", "hw6_ana.ipynb": "ana", "answers-ana.toml": "ana", "ana_v2_final(3).ipynb": "ana",
    "3031234567_hw6.ipynb": "3031234567", "1_answers.toml": "1", "1.ipynb": "1", "O'Brien hw6.ipynb": "o brien",
}  # fmt: skip


def test_what_is_left_of_a_name_is_its_owners() -> None:
    assert {name: pairs.owner(name) for name in OWNERS} == OWNERS
