"""Classes as instructors keep them: wrapped, in parts, in zips, with what is late or the course's own beside.

Each layout says whose hand-ins there are; what stands in a note, by words of it, is what staff cannot see otherwise.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.commands.batch import folder, unpacking
from autograder.commands.batch.entries import Class
from autograder.commands.batch.exports import people
from autograder.handin import folders

STUB = "{}"  # a notebook in which nothing is written yet


def text(name: str) -> str:
    """A notebook with both classes that no other name's equals; what is called blank has none."""
    return (
        STUB
        if "blank" in name
        else json.dumps({"cells": [{"source": f"# {name}\nclass SingleHeadAttention: ...\nclass ViTLayer: ..."}]})
    )


def make(top: Path, *names: str) -> Path:
    """Files that say their own name. "A.zip!B" lies in a zip; a name that ends with / is an empty folder."""
    for name in names:
        outer, _, inner = name.partition("!")
        path = top / outer
        path.parent.mkdir(parents=True, exist_ok=True)
        if inner:
            with zipfile.ZipFile(path, "a") as archive:
                archive.writestr(inner, "" if inner.endswith("/") else text(name))
        elif name.endswith("/"):
            path.mkdir()
        else:
            path.write_text(text(name))
    return top


def read(top: Path, out: Path) -> Class:
    """As the command reads it."""
    found = unpacking.folder_of(top, out, str)
    folders.refuse_one(found, str, str, people.identity)
    return folder.read(found, leave_out=out)


def whose(found: Class) -> dict[str, set[str]]:
    return {
        entry.id: {str(p.relative_to(entry.path)) for p in entry.path.rglob("*") if p.is_file()}
        if entry.path.is_dir()
        else {entry.path.name}
        for entry in found.entries
    }


N = "hw6.ipynb"
VARIED = [
    "ada/hw6.ipynb",
    "ben/hw6/hw6.ipynb",
    "cy/hw6.py",
    "dan.zip!hw6.ipynb",
    "eve/blank/hw6.ipynb",
    "fay/hw6.zip!hw6.ipynb",
]
SIX = {"ada", "ben", "cy", "dan", "eve", "fay"}
# Layouts, the ids, words of the notes.
PARTS: dict[str, tuple[list[str], set[str], list[str]]] = {
    "wrapped, each in another way": ([f"HW6 submissions/{name}" for name in VARIED], SIX, ["HW6 submissions/"]),
    "wrapped, two who handed in": (["subs/ada/hw6.ipynb", "subs/ben/hw6.ipynb"], {"ada", "ben"}, ["subs/"]),
    "wrapped twice, two": (["hw6/subs/ada/hw6.ipynb", "hw6/subs/ben/hw6.ipynb", "roster.csv"], {"ada", "ben"}, ["subs/"]),
    "wrapped, three files of the same bytes": ([f"subs/{who}/blank.ipynb" for who in ("ada", "ben", "cy")] + [f"subs/{who}/hw6.ipynb" for who in ("ada", "ben", "cy")], {"ada", "ben", "cy"}, ["subs/"]),
    "sections, some unfinished": (["mon/ada/hw6.ipynb", "mon/ben/blank/hw6.ipynb", "mon/cy/hw6.py", "tue/dan/hw6.ipynb", "tue/eve/blank/hw6.ipynb"], {"ada", "ben", "cy", "dan", "eve"}, ["mon/, tue/"]),
    "readers": (["Kim/ada/hw6.ipynb", "Kim/ben/hw6.ipynb", "Kim/eve/hw6.ipynb", "Lee/cy/hw6.ipynb", "Lee/dan/hw6.ipynb"], {"ada", "ben", "cy", "dan", "eve"}, ["Kim/, Lee/"]),
    "readers with files": (["kim/ada_hw6.ipynb", "kim/ada.toml", "kim/ben_hw6.ipynb", "kim/eve_hw6.ipynb", "lee/cy_hw6.ipynb", "lee/dan_hw6.ipynb", "lee/cy.toml"], {"ada_hw6", "ben_hw6", "cy_hw6", "dan_hw6", "eve_hw6"}, ["kim/, lee/"]),
    "small sections, one empty": (["Section 1/ada/hw6.ipynb", "Section 1/ben/hw6.ipynb", "Section 2/cy/hw6.ipynb", "Section 3/"], {"ada", "ben", "cy"}, ["Section 1/, Section 2/"]),
    "by date": (["2026-11-20/ada.ipynb", "2026-11-20/ben.ipynb", "2026-11-21/cy.ipynb", "2026-11-21/ada.ipynb", "2026-11-22/dan.ipynb"], {"2026-11-20_ada", "2026-11-21_ada", "ben", "cy", "dan"}, ["ada (2026-11-20, 2026-11-21)"]),
    "by attempt": (["attempt 1/ada.ipynb", "attempt 1/ben.ipynb", "attempt 2/ada.ipynb", "attempt 2/ben.ipynb"], {"attempt_1_ada", "attempt_1_ben", "attempt_2_ada", "attempt_2_ben"}, ["one name in several parts"]),
    "what is late beside": (["ada/hw6.ipynb", "ben/hw6.ipynb", "LATE/dan/hw6.ipynb", "LATE/ben/hw6.ipynb"], {"ada", "ben", "dan", "LATE_ben"}, ["LATE/", "ben (LATE, beside these)"]),
    "one file that is late": (["ada.ipynb", "ben.ipynb", "late/dan.ipynb", "late/dan.toml"], {"ada", "ben", "dan"}, ["late/"]),
    "requests of which none is a work": (["ada/hw6.ipynb", "ben/hw6.ipynb", "regrade requests/ben.txt"], {"ada", "ben"}, ["ben.txt"]),
    "sections and one stray": ([f"{part}/{who}/hw6.ipynb" for part, names in (("101", "ada ben cy"), ("102", "dan eve fay")) for who in names.split()] + ["gus.ipynb"], SIX | {"gus"}, ["101/, 102/"]),
    "sections and the solution": ([f"{part}/{who}/hw6.ipynb" for part, names in (("101", "ada ben cy"), ("102", "dan eve fay")) for who in names.split()] + ["solution/hw6.ipynb"], SIX | {"solution"}, ["101/, 102/", "the course's own: solution"]),
    "the solution beside the folder of all": (["submissions/ada/hw6.ipynb", "submissions/ben/hw6.ipynb", "solution/hw6.ipynb", "hw6_template.ipynb"], {"ada", "ben"}, ["in submissions/"]),
    "two exports of Gradescope": ([f"{export}/{file}" for export, n in (("a_6_export", 1), ("a_7_export", 3)) for file in ("submission_metadata.yml", f"submission_{n}/hw6.ipynb", f"submission_{n + 1}/hw6.ipynb")], {f"submission_{n}" for n in (1, 2, 3, 4)}, []),
    "Gradescope's code and Gradescope's PDFs": (["code/export/submission_metadata.yml", "code/export/submission_1/hw6.ipynb", "code/export/submission_2/hw6.ipynb", "written/export/submission_metadata.yml", "written/export/submission_3.pdf"], {"submission_1", "submission_2"}, ["no code is in it: export/"]),
    "two downloads as zips": (["on time.zip!ada/hw6.ipynb", "on time.zip!ben/hw6.ipynb", "late.zip!dan/hw6.ipynb"], {"ada", "ben", "dan"}, ["late/, on time/"]),
    "zips of readers, one folder down": (["HW6/kim.zip!ada/hw6.ipynb", "HW6/kim.zip!ben/hw6.ipynb", "HW6/kim.zip!cy/hw6.ipynb", "HW6/lee.zip!dan/hw6.ipynb", "HW6/lee.zip!eve/hw6.ipynb", "HW6/lee.zip!fay/hw6.ipynb"], SIX, ["kim/, lee/"]),
    "sections below, and what is late": ([f"subs/{part}/{who}/hw6.ipynb" for part, names in (("101", "ada ben cy"), ("102", "dan eve fay")) for who in names.split()] + ["late/gus/hw6.ipynb"], SIX | {"gus"}, ["101/", "102/", "late/"]),
    "another homework beside this one and its late ones": (["hw5/ada/hw5.ipynb", "hw5/ben/hw5.ipynb", "hw6/ada/hw6.ipynb", "hw6/ben/hw6.ipynb", "hw6_late/dan/hw6.ipynb"], {"ada", "ben", "dan"}, ["other homeworks': hw5/"]),
    "what lies beside the folder of all": (["subs/ada/hw6.ipynb", "subs/ben/hw6.ipynb", "dan.rar", "Eve writeup.pdf", "roster.csv"], {"ada", "ben"}, ["beside the folders of the class: Eve writeup.pdf, dan.rar"]),
    "several homeworks": (["hw4/ada/hw4.ipynb", "hw4/ben/hw4.ipynb", "hw5/ada/hw5.ipynb", "hw5/ben/hw5.ipynb", "hw6/ada/hw6.ipynb", "hw6/ben/hw6.ipynb"], {"ada", "ben"}, ["hw4/, hw5/"]),
    "one zip and a roster": (["class.zip!subs/ada/hw6.ipynb", "class.zip!subs/ben/hw6.ipynb", "class.zip!subs/cy/", "roster.csv"], {"ada", "ben", "cy"}, []),
    "a zip for each section": (["Sec 1.zip!ada/hw6.ipynb", "Sec 1.zip!ben/hw6.ipynb", "Sec 2.zip!cy/hw6.ipynb", "Sec 2.zip!dan/hw6.ipynb"], {"ada", "ben", "cy", "dan"}, ["Sec 1/, Sec 2/"]),
    "a zip of Canvas's": ([f"subs.zip!{who}_152203{n}_904120{n}_hw6.ipynb" for n, who in enumerate(("adaa", "benb", "cyc"))], {"adaa_1522030", "benb_1522031", "cyc_1522032"}, ["Canvas"]),
    "results of an earlier run": (["ada/hw6.ipynb", "ben/hw6.ipynb", "out/index.html", "out/summary.json", "out/records/ada.json", "back/feedback.csv", "back/ada.html"], {"ada", "ben"}, ["out/", "back/"]),
    "by the hour": (["9am/ada/hw6.ipynb", "9am/ben/hw6.ipynb", "10:30/cy/hw6.ipynb", "10:30/dan/hw6.ipynb"], {"ada", "ben", "cy", "dan"}, ["10:30/, 9am/"]),
    "by day and hour": (["Mon 9-10am/ada.ipynb", "Mon 9-10am/ben.ipynb", "Tue 14h/cy.ipynb", "Tue 14h/dan.ipynb"], {"ada", "ben", "cy", "dan"}, ["Mon 9-10am/, Tue 14h/"]),
    "readers by the hour": ([f"{part}/{who}/hw6.ipynb" for part, names in (("Kim/9am", "ada ben"), ("Kim/10am", "cy"), ("Lee/9am", "dan eve fay")) for who in names.split()], SIX, ["Kim/10am/, Kim/9am/, Lee/9am/"]),
    "what is late within a section": (["101/ada/hw6.ipynb", "101/ben/hw6.ipynb", "101/late/cy/hw6.ipynb", "102/dan/hw6.ipynb", "102/eve/hw6.ipynb", "102/late/fay_hw6.ipynb"], {"ada", "ben", "cy", "dan", "eve", "fay_hw6"}, ["101/, 101/late/, 102/, 102/late/"]),
    "who handed in within a section, and late": (["101/ada/hw6.ipynb", "101/ben/hw6.ipynb", "101/late/ben/hw6.ipynb", "102/cy/hw6.ipynb", "102/dan/hw6.ipynb"], {"ada", "ben", "cy", "dan", "101_late_ben"}, ["ben (101, 101/late)"]),
    "late submissions": (["ada/hw6.ipynb", "ben/hw6.ipynb", "Late submissions/cy/hw6.ipynb", "work of section 2/dan/hw6.ipynb", "work of section 2/eve/hw6.ipynb"], {"ada", "ben", "cy", "dan", "eve"}, ["Late submissions/, work of section 2/"]),
    "one late submission, a file": (["ada.ipynb", "ben.ipynb", "late homework/cy.ipynb"], {"ada", "ben", "cy"}, ["late homework/"]),
    "a section of which all were late": (["101/ada/hw6.ipynb", "101/ben/hw6.ipynb", "102/late/cy/hw6.ipynb", "103/dan/hw6.ipynb", "103/eve/hw6.ipynb"], {"ada", "ben", "cy", "dan", "eve"}, ["101/, 102/late/, 103/"]),
    "one who is late in each of two sections": (["101/ada/hw6.ipynb", "101/ben/hw6.ipynb", "101/late/zed/hw6.ipynb", "102/cy/hw6.ipynb", "102/dan/hw6.ipynb", "102/late/zed/hw6.ipynb"], {"ada", "ben", "cy", "dan", "101_late_zed", "102_late_zed"}, ["zed (101/late, 102/late)"]),
    "what is late with a reader": ([f"{part}/{who}/hw6.ipynb" for part, names in (("Kim", "ada ben cy"), ("Kim/late", "dan"), ("Lee", "eve fay gus")) for who in names.split()], SIX | {"gus"}, ["Kim/, Kim/late/, Lee/"]),
    "two in a zip of somebody's name": (["ada/hw6.ipynb", "ben.zip!hw6.ipynb", "kim.zip!cy/hw6.ipynb", "kim.zip!dan/hw6.ipynb"], {"ada", "ben", "kim"}, ["several whole works in it: kim.zip."]),
    "what Windows leaves": (["ada/hw6.ipynb", "ben/hw6.ipynb", "$RECYCLE.BIN/S-1/hw6.ipynb", "System Volume Information/x"], {"ada", "ben"}, []),
}  # fmt: skip


@pytest.mark.parametrize("what", PARTS)
def test_everybody_has_one_entry_and_the_parts_are_named(tmp_path: Path, what: str) -> None:
    names, ids, words = PARTS[what]
    found = read(make(tmp_path / "class", *names), tmp_path / "out")
    notes = " | ".join(found.notes)
    assert set(whose(found)) == ids, notes
    assert not [word for word in words if word not in notes], notes


# What looks like people's folders and is one person's: the ids stay those of the top.
ONES: dict[str, tuple[list[str], set[str]]] = {
    "drafts in folders": (["ada/draft/hw6.ipynb", "ada/final/hw6.ipynb", "ben/old/hw6.ipynb", "ben/new version/hw6.ipynb"], {"ada", "ben"}),
    "places": (["ada/colab/hw6.ipynb", "ada/laptop/hw6.ipynb", "ben/gpu run/hw6.ipynb", "ben/cpu/hw6.ipynb"], {"ada", "ben"}),
    "questions": (["ada/q4a/a.ipynb", "ada/q4b/b.ipynb", "ben/part 1/a.ipynb", "ben/part 2/b.ipynb"], {"ada", "ben"}),
    "models": (["ada/attention/a.ipynb", "ada/encoder/b.ipynb", "ben/vit/a.ipynb", "ben/mlp/b.ipynb"], {"ada", "ben"}),
    "dates": (["ada/2026-11-20/hw6.ipynb", "ada/2026-11-21/hw6.ipynb", "ben/20261120/hw6.ipynb"], {"ada", "ben"}),
    "times of day": (["ada/9am/hw6.ipynb", "ada/11pm/hw6.ipynb", "ben/9am/hw6.ipynb", "ben/10h/hw6.ipynb", "cy/hw6.ipynb"], {"ada", "ben", "cy"}),
    "a day's drafts of each": ([f"{who}/{when}/hw6_{n}.ipynb" for who in ("ada", "ben") for when in ("monday 9am", "friday") for n in (1, 2, 3)], {"ada", "ben"}),
    "late drafts of one's own": (["ada/hw6.ipynb", "ada/late/hw6.ipynb", "ben/hw6.ipynb", "ben/late night/hw6.ipynb"], {"ada", "ben"}),
    "own modules": (["ada/ada_hw6.ipynb", "ada/blocks.py", "ada/heads.py", "ben/ben_hw6.ipynb", "ben/blank_notes.ipynb"], {"ada", "ben"}),
    "two with three drafts among others": ([f"ada/v{n}/hw6.ipynb" for n in (1, 2, 3)] + [f"ben/attempt {n}/hw6.ipynb" for n in (1, 2, 3)] + [f"{who}/hw6.ipynb" for who in ("cy", "dan", "eve")], {"ada", "ben", "cy", "dan", "eve"}),
    "two with three runs among others": ([f"ada/{name}/hw6.ipynb" for name in ("macbook", "hive", "savio")] + [f"ben/run_{name}.ipynb" for name in ("cosine", "adamw", "rope")] + [f"{who}/hw6.ipynb" for who in ("cy", "dan")], {"ada", "ben", "cy", "dan"}),
    "numbered notebooks among others": ([f"ada/Untitled{n}.ipynb" for n in (1, 2, 3)] + [f"ben/hw6copy{n}.ipynb" for n in (1, 2, 3)] + ["cy/hw6.ipynb"], {"ada", "ben", "cy"}),
    "own names in three ways": ([f"Ada Adams/{name}.ipynb" for name in ("hw6_ada", "ada_adams_vit", "hw6_aadams")] + [f"Ben B/{name}.ipynb" for name in ("ben", "B_Ben_HW6")], {"Ada_Adams", "Ben_B"}),
    "one with three drafts, others with data": ([f"ada/hw6_v{n}.ipynb" for n in (1, 2, 3)] + [f"{who}/{name}" for who in ("ben", "cy", "dan") for name in (f"{who}_hw6.ipynb", "data/MNIST/raw/x", "figs/loss.png")], {"ada", "ben", "cy", "dan"}),
    "three drafts in German, of one": ([f"ada/{name}/hw6.ipynb" for name in ("Entwurf", "Abgabe", "Versuch 2")], {"ada"}),
    "a package beside the notebook": (["ada/ada_hw6.ipynb", "ada/blocks/attention.py", "ada/embeddings/patch.py", "ada/trainer/train.py", "ben/hw6.ipynb"], {"ada", "ben"}),
    "the same three attempts of everybody": ([f"{who}/attempt_{n}/hw6.ipynb" for who in ("ada", "ben", "cy") for n in (1, 2, 3)], {"ada", "ben", "cy"}),
    "groups, one with a folder for each member": ([f"Group {n}/hw6.ipynb" for n in (1, 2, 3)] + [f"Group 4/{who}/hw6.ipynb" for who in ("ada", "ben", "cy")], {f"Group_{n}" for n in (1, 2, 3, 4)}),
    "a student called Late": (["Late/Late_hw6.ipynb", "Late/hw6_draft.ipynb", "ada/hw6.ipynb", "ben/hw6.ipynb"], {"Late", "ada", "ben"}),
    "repositories, one named after another homework": (["hw6-ada/src/hw6.ipynb", "hw6-ben/hw6.ipynb", "hw5-cy/src/hw6.ipynb"], {"hw6-ada", "hw6-ben", "hw5-cy"}),
    "a table of feedback in one's own folder": (["ada/hw6.ipynb", "ada/feedback.csv", "ben/hw6.ipynb"], {"ada", "ben"}),
    "one with a friend's folder": (["ada/hw6.ipynb", "ben/zoe/hw6.ipynb", "cy/hw6.ipynb"], {"ada", "ben", "cy"}),
    "students by number": (["3031234567/ada_hw6.ipynb", "3031234567/ada.toml", "3037654321/ben_hw6.ipynb"], {"3031234567", "3037654321"}),
    "one zip of one student": (["ada.zip!code/hw6.ipynb", "ada.zip!old/hw6.ipynb"], {"ada"}),
    "zips of students": (["ada.zip!ada/hw6.ipynb", "ben.zip!src/hw6.ipynb", "ben.zip!notes/n.ipynb"], {"ada", "ben"}),
}  # fmt: skip


@pytest.mark.parametrize("what", ONES)
def test_what_one_person_keeps_in_folders_is_that_persons(tmp_path: Path, what: str) -> None:
    names, ids = ONES[what]
    assert set(whose(read(make(tmp_path / "class", *names), tmp_path / "out"))) == ids


BLACKBOARD = "HW6_{0}_attempt_2026-11-20-20-00-00_{1}"
TOGETHER: dict[str, tuple[list[str], dict[str, set[str]]]] = {
    "Blackboard, logins with an underscore": (
        [BLACKBOARD.format(who, file) for who in ("b_smith", "c_smith", "ada") for file in (N, "answers.toml")],
        {who: {N, "answers.toml"} for who in ("b_smith", "c_smith", "ada")},
    ),
    "Canvas without names": (
        ["anon_3kQ9z_9041202_hw6.ipynb", "anon_3kQ9z_9041203_answers.toml", "LATE_anon_Zb1aP_9041300_hw6.ipynb"],
        {"anon_3kQ9z": {N, "answers.toml"}, "anon_Zb1aP": {"LATE_anon_Zb1aP_9041300_hw6.ipynb"}},
    ),
    "Canvas, a group with an underscore": (
        ["team_x_1522050_9041301_hw6.ipynb", "team_x_1522050_9041302_answers.toml", "ada_1522051_9041303_my_2026_11_hw6.ipynb"],
        {"team_x_1522050": {N, "answers.toml"}, "ada_1522051": {"ada_1522051_9041303_my_2026_11_hw6.ipynb"}},
    ),
    "Canvas, zips that somebody unpacked": (
        ["ben_LATE_1522032_9041300_hw6/hw6.ipynb", "ben_LATE_1522032_9041301_answers.toml", "ada_1522031_9041299_hw6.ipynb"],
        {"ben_1522032": {N, "answers.toml"}, "ada_1522031": {"ada_1522031_9041299_hw6.ipynb"}},
    ),
    "Brightspace, files": (
        [f"709-118 - Ada A - Nov 20, 2026 1158 PM - {file}" for file in (N, "answers.toml")] + ["index.html"],
        {"Ada_A_709": {N, "answers.toml"}},
    ),
    "nbgrader's exchange": (
        ["inbound/ada+hw6+2026-11-20 22:47:13.123456 UTC+a1/hw6.ipynb", "inbound/ada+hw6+2026-11-21 09:00:00 UTC/hw6.ipynb", "inbound/ben+hw6+2026-11-20 20:00:00.0 UTC/hw6.ipynb"],
        {"ada_2026-11-20_2247": {N}, "ada_2026-11-21_0900": {N}, "ben": {N}},
    ),
    "a file beside a folder of its name": (
        ["Ada A/hw6.ipynb", "Ada A/answers.toml", "Ada A history.json", "Ben B/hw6.ipynb", "Ben B.toml"],
        {"Ada_A": {N, "answers.toml", "Ada A history.json"}, "Ben_B": {N, "Ben B.toml"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", TOGETHER)
def test_what_is_one_students_comes_together(tmp_path: Path, what: str) -> None:
    names, expected = TOGETHER[what]
    found = read(make(tmp_path / "class", *names), tmp_path / "out")
    assert whose(found) == expected
    assert not [note for note in found.notes if "left out" in note]


EXPORTS = {
    "Gradescope": "submission_{0}",
    "Moodle": "S {0}_23{0}_assignsubmission_file_",
    "Brightspace": "709{0}-118 - S {0} - Nov 20, 2026 1158 PM",
    "Sakai": "S, {0}(s{0})/Submission attachment(s)",
}


@pytest.mark.parametrize("system", EXPORTS)
def test_each_entry_of_an_export_is_one_hand_in_whatever_it_holds(tmp_path: Path, system: str) -> None:
    """Drafts, runs and a partner's copy do not cost a student the name that the export has."""
    odd = {
        1: ["hw6_v1.ipynb", "hw6_v2.ipynb", "hw6_v3.ipynb"],
        2: ["zoe/hw6.ipynb", "yan/hw6.ipynb", "xiu/hw6.ipynb"],
        3: ["bea.ipynb", "cem.ipynb"],
    }
    names = [f"{EXPORTS[system].format(n)}/{file}" for n in (1, 2, 3, 4, 5) for file in odd.get(n, [N])]
    top = make(tmp_path / "class", *names)
    if system == "Gradescope":
        listed = "".join(f"submission_{n}:\n  :submitters:\n  - :name: S {n}\n" for n in (1, 2, 3, 4, 5))
        (top / "submission_metadata.yml").write_text(f"---\n{listed}")
    found = read(top, tmp_path / "out")
    assert len(found.entries) == 5 and all(entry.people for entry in found.entries), found
    assert not [note for note in found.notes if "parts of one class" in note or "does not name" in note]


def test_vowel_signs_and_initials_tell_people_apart(tmp_path: Path) -> None:
    names = ["मीना", "मोना", "Chen, A", "Chen", "New", "My"]
    made = make(tmp_path / "class", *(f"{name}.{ending}" for name in names for ending in ("ipynb", "toml")))
    found = read(made, tmp_path / "out")
    assert sorted(whose(found).values(), key=min) == sorted(({f"{n}.ipynb", f"{n}.toml"} for n in names), key=min)


def _list_of_a_million(data: bytes) -> bytes:
    end = data.rfind(b"PK\5\6")
    return data[: end + 12] + (1 << 30).to_bytes(4, "little") + data[end + 16 :]


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "a list that is said to be long": _list_of_a_million,
    "a second end, for a list that is longer": lambda data: (
        data[: data.rfind(b"PK\5\6")] + b"PK\6\7" + bytes(16) + data[data.rfind(b"PK\5\6") :]
    ),
    "a name that no disk takes": lambda data: data.replace(b"x" * 99, b"/" + b"y" * 98),
    "a name that is no text": lambda data: data.replace(b"x" * 99, b"\xff" * 99),
    "a list of noise": lambda data: (
        data[: data.rfind(b"PK\1\2") + 4] + bytes(range(60)) + data[data.rfind(b"PK\5\6") :]
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_students_zip_stops_no_class_whatever_is_wrong_with_it(tmp_path: Path, what: str) -> None:
    top = make(
        tmp_path / "class",
        "ada/hw6.ipynb",
        "ben.zip!code/hw6.ipynb",
        f"ben.zip!{'x' * 99}.ipynb",
        f"ben.zip!{'z' * 400}.ipynb",
    )
    broken = top / "ben.zip"
    broken.write_bytes(BROKEN[what](broken.read_bytes()))
    assert set(whose(read(top, tmp_path / "out"))) == {"ada", "ben"}
    (top / "ada" / N).unlink()
    (top / "ada").rmdir()
    assert set(whose(read(top, tmp_path / "again"))) == {"ben"}, "and by itself it is not taken for a class"


TOLD = {
    "perhaps one student's": ["Dan.ipynb", "Dan final.ipynb", "Eve.ipynb", "Gus LATE.ipynb", "Gus.ipynb"],
    "the course's own: hw6_template, solution": ["ada/hw6.ipynb", "hw6_template.ipynb", "solution/hw6.ipynb"],
    "left out, for their names say": ["ada.ipynb", "Eve_best.pt", "Ben.eml", "Jo Screenshot.png"],
    "several whole works in it: HW6": ["HW6/hw6.ipynb", "HW6/hw6 (1).ipynb", "HW6/hw6 (2).ipynb"],
    "several whole works in it: both": ["ada/hw6.ipynb", "both/zoe/hw6.ipynb", "both/yan/hw6.ipynb"],
    "several whole works in it: all.zip": ["ada/hw6.ipynb", "ben/hw6.ipynb", "all.zip!ada/hw6.ipynb", "all.zip!ben/hw6.ipynb"],
    "does not name them: submission_2": ["submission_metadata.yml", "submission_1/hw6.ipynb", "submission_2/hw6.ipynb"],
    "links are not followed: zoe": ["ada/hw6.ipynb", "ben/hw6.ipynb"],
}  # fmt: skip


@pytest.mark.parametrize("said", TOLD)
def test_what_may_be_otherwise_is_told(tmp_path: Path, said: str) -> None:
    top = make(tmp_path / "class", *TOLD[said])
    if "links" in said:
        (top / "zoe").symlink_to(top / "ada")
    if (metadata := top / "submission_metadata.yml").exists():
        metadata.write_text("---\nsubmission_1:\n  :submitters:\n  - :name: Ada A\n")
    notes = read(top, tmp_path / "out").notes
    assert [note for note in notes if said in note], notes


@pytest.mark.parametrize(
    "name, who",
    [("Ada A. Smith", "a ada smith"), ("Smith, Ada", "ada smith"), ("hw6_ada_final (2)", "ada"), ("2026-11-20 Ada", "ada"),
     ("attempt 2", ""), ("q4a", ""), ("Section 101", ""), ("2026-11-20", ""), ("最终", ""), ("3031234567", "3031234567"),
     ("Sun Li", "li sun"), ("王芳", "王芳"), ("solution", ""), ("hw6", ""), ("LATE", "")],
)  # fmt: skip
def test_a_name_is_a_persons_or_nobodys(name: str, who: str) -> None:
    assert people.person(name) == who
