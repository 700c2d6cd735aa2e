"""What a submission may come in, and what is refused, in words: folders, zips, names, links, caps."""

from __future__ import annotations

import io
import os
import random
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from autograder.core import policy
from autograder.core.errors import SubmissionError, UsageError
from autograder.core.records import Severity, Submission
from autograder.handin.files.archive import zip_members
from autograder.handin.load import load
from tests.grader.source_tree import ROOT
from tests.grader.submission_samples import BOTH, LAYER, SHA, notebook


def written(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def zipped(path: Path, files: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def remarks(submission: Submission, rule: str = "file-name") -> list[str]:
    return [finding.message for finding in submission.findings if finding.rule == rule]


# (files, the one that is graded, whether its name deserves a remark)
FOUND = {
    "the notebook": ({"hw6.ipynb": notebook(BOTH)}, "hw6.ipynb", False),
    "the script": ({"hw6.py": BOTH}, "hw6.py", False),
    "the notebook in a folder": ({"me/hw6.ipynb": notebook(BOTH)}, "hw6.ipynb", False),
    "what macOS adds": (
        {"hw6.ipynb": notebook(BOTH), "__MACOSX/._hw6.ipynb": b"\0", "._hw6.ipynb": b"\0"},
        "hw6.ipynb",
        False,
    ),
    "checkpoints": ({"hw6.ipynb": notebook(BOTH), ".ipynb_checkpoints/hw6-checkpoint.ipynb": "{"}, "hw6.ipynb", False),
    "capitals": ({"HW6.IPYNB": notebook(BOTH)}, "HW6.IPYNB", False),
    "a copy's name": ({"Copy of hw6 (1).ipynb": notebook(BOTH)}, "Copy of hw6 (1).ipynb", True),
    "another name beside helpers": ({"mine.ipynb": notebook(BOTH), "helpers.py": "x = 1"}, "mine.ipynb", True),
    "a double ending": ({"hw6.ipynb.txt": notebook(BOTH)}, "hw6.ipynb.txt", True),
    "a notebook beside its own export": ({"my.ipynb": notebook(BOTH), "my.py": BOTH}, "my.ipynb", True),
    "copies of one notebook": ({"a.ipynb": notebook(BOTH), "b.ipynb": notebook(BOTH)}, "a.ipynb", True),
    "an older copy in a folder": ({"hw6.py": BOTH, "old/hw6.py": BOTH + "x = 1"}, "hw6.py", True),
    "both names": ({"hw6.ipynb": notebook(BOTH), "hw6.py": BOTH}, "hw6.ipynb", True),
    "a notebook without the classes": ({"hw6.ipynb": notebook("x = 1"), "hw6.py": BOTH}, "hw6.py", False),
    "an unreadable notebook": ({"hw6.ipynb": "{", "hw6.py": BOTH}, "hw6.py", True),
    "a notebook that breaks off, elsewhere a whole one": (
        {"hw6.ipynb": "", "sub/other.ipynb": notebook(BOTH)},
        "sub/other.ipynb",
        True,
    ),
    "two works that differ beside the classes": (
        {"a.ipynb": notebook(BOTH), "b.ipynb": notebook(BOTH + "x = 1")},
        "b.ipynb",
        True,
    ),
    "a class in each of two files": ({"a.py": SHA, "b.py": LAYER}, "b.py", True),
    "the right name in two folders": ({"a/hw6.py": BOTH, "b/hw6.py": BOTH + "x = 1"}, "b/hw6.py", True),
    "one file with both, one with one": ({"a.ipynb": notebook(BOTH), "b.py": SHA}, "a.ipynb", True),
    "a script with the ending of a notebook": ({"hw6.ipynb": BOTH}, "hw6.ipynb", True),
    "a notebook with the ending of a script": ({"hw6.py": notebook(BOTH)}, "hw6.py", True),
}


@pytest.mark.parametrize("files, name, remarked", FOUND.values(), ids=FOUND)
@pytest.mark.parametrize("packing", ["folder", "zip", "zip in a folder"])
def test_the_work_is_found(
    files: Mapping[str, str | bytes], name: str, remarked: bool, packing: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "s", {}) if packing != "folder" else written(tmp_path / "s", files)
    if packing == "zip":
        path = zipped(tmp_path / "s.zip", files)
    elif packing == "zip in a folder":
        (tmp_path / "s").mkdir()
        zipped(tmp_path / "s" / "up.zip", files)
    submission = load(path)
    assert submission.problem == ""
    assert submission.file == name
    assert sorted(submission.programs) == ["4a", "4b"]
    assert bool(remarks(submission)) == remarked
    assert all(finding.severity is Severity.REMARK for finding in submission.findings)


@pytest.mark.parametrize("name", ["hw6.ipynb", "any.ipynb"])
def test_a_single_file_is_graded(name: str, tmp_path: Path) -> None:
    submission = load(written(tmp_path, {name: notebook(BOTH)}) / name)
    assert sorted(submission.programs) == ["4a", "4b"]
    assert submission.name == name


# (files, words that the problem must hold)
REFUSED = {
    "nothing": ({}, ["found no files", "hw6.ipynb"]),
    "only a PDF": ({"hw6.pdf": b"%PDF-1.4"}, ["hw6.pdf", "hw6.ipynb"]),
    "an empty file": ({"hw6.ipynb": b"\n"}, ["empty"]),
    "a PDF renamed": ({"hw6.ipynb": b"%PDF-1.4\n..."}, ["PDF"]),
    "a zip renamed": ({"hw6.ipynb": b"PK\x03\x04..."}, ["zip"]),
    "a web page": ({"hw6.ipynb": "<!DOCTYPE html>\n<html></html>"}, ["web page"]),
    "a pointer": ({"hw6.ipynb": "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"}, ["LFS"]),
    "UTF-16": ({"hw6.py": BOTH.encode("utf-16")}, ["UTF-16"]),
    "no Latin script": ({"hw6.py": BOTH.encode() + "# コメント\n".encode("shift_jis") * 90}, ["UTF-8", "0x83"]),
    "a NUL byte": ({"hw6.py": BOTH + "x = '\0'"}, ["NUL"]),
    "a broken-off notebook": ({"hw6.ipynb": notebook(BOTH)[:-30]}, ["breaks off"]),
    "a merge": ({"hw6.ipynb": notebook(BOTH).replace('"cells"', '\n<<<<<<< HEAD\n"cells"', 1)}, ["merge", "line 2"]),
    "deep JSON": ({"hw6.ipynb": '{"cells":' + "[" * 100_000}, ["too deeply"]),
    "JSON of another kind": ({"hw6.ipynb": "[1, 2]"}, ["not a notebook"]),
    "cells that are no list": ({"hw6.ipynb": '{"nbformat": "four", "cells": {"0": null}}'}, ["cells", "object"]),
    "a cell that is no object": ({"hw6.ipynb": '{"cells": [null]}'}, ["cell 1"]),
    "source that is a number": (
        {"hw6.ipynb": '{"cells": [{"cell_type": "code", "source": 7}]}'},
        ["cell 1", "a number"],
    ),
    "no cells": ({"hw6.ipynb": '{"nbformat": 4}'}, ["cells"]),
}


@pytest.mark.parametrize("files, words", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused_in_words(
    files: Mapping[str, str | bytes], words: list[str], tmp_path: Path
) -> None:
    (tmp_path / "s").mkdir()
    submission = load(written(tmp_path / "s", files))
    assert [word for word in words if word not in submission.problem] == []
    assert submission.programs == {}
    assert sorted(submission.unusable) == ["4a", "4b"]


def test_a_path_that_is_not_there_is_the_callers_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing at"):
        load(tmp_path / "none")


def test_an_unreadable_notebook_leaves_the_written_answers_standing(tmp_path: Path) -> None:
    submission = load(written(tmp_path, {"hw6.ipynb": "{", "answers.toml": '[q2a]\nparameters = "40"\n'}))
    assert submission.problem == ""
    assert submission.answers == {"q2a": {"parameters": "40"}}
    assert "breaks off" in submission.unusable["4a"]


def test_a_notebook_without_the_classes_is_no_problem_of_the_whole(tmp_path: Path) -> None:
    submission = load(written(tmp_path, {"hw6.ipynb": notebook("x = 1")}))
    assert submission.problem == ""
    assert "SingleHeadAttention" in submission.unusable["4a"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = written(tmp_path / "out", {"hw6.py": BOTH, "answers.toml": "[q2a]\n"})
    folder = tmp_path / "s"
    folder.mkdir()
    for name in ("hw6.py", "answers.toml"):
        (folder / name).symlink_to(outside / name)
    (folder / "loop").symlink_to(".")
    submission = load(folder)
    assert "link" in submission.problem
    assert "link" in submission.answers_problem
    assert submission.answers is None


def test_links_beside_honest_work_are_ignored(tmp_path: Path) -> None:
    written(tmp_path, {"hw6.py": BOTH})
    for name, target in {"loop": ".", "self": "self", "results.json": "/nowhere", "lib.py": "/nowhere.py"}.items():
        (tmp_path / name).symlink_to(target)
    assert sorted(load(tmp_path).programs) == ["4a", "4b"]


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hw6.ipynb")
    assert "ordinary file" in load(tmp_path).problem


def test_a_file_over_the_cap_is_refused_in_words(tmp_path: Path) -> None:
    with (tmp_path / "hw6.ipynb").open("wb") as file:
        file.truncate((policy.CAPS.file_mb + 1) * 2**20)
    assert f"at most {policy.CAPS.file_mb} MB" in load(tmp_path).problem


def evil(name: str, **fields: int) -> bytes:
    """A zip with the work and one member more, whose header says what `fields` say."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("hw6.py", BOTH)
        info = zipfile.ZipInfo(name)
        for field, value in fields.items():
            setattr(info, field, value)
        archive.writestr(info, b"../etc/passwd")
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["../hw6.py", "/etc/hw6.py", "a/../../b", "C:\\x.py", "..\\x.py"])
def test_a_name_that_leads_out_of_the_zip_refuses_it(name: str, tmp_path: Path) -> None:
    assert "leads out" in load(written(tmp_path, {"s.zip": evil(name)}) / "s.zip").problem


def test_what_programs_leave_behind_counts_nothing_behind_backslashes_either(tmp_path: Path) -> None:
    left = {f"work\\.venv\\{number}.py": b"" for number in range(policy.CAPS.zip_files)}
    zipped(tmp_path / "s.zip", {"work\\": b"", "work\\hw6.py": BOTH, "work\\a\\": b"", **left})
    members = zip_members((tmp_path / "s.zip").read_bytes(), "s.zip")
    assert [member.name for member in members] == ["work/hw6.py"]
    assert sorted(load(tmp_path / "s.zip").programs) == ["4a", "4b"]


def test_a_link_in_a_zip_is_not_read(tmp_path: Path) -> None:
    data = evil("answers.toml", external_attr=(stat.S_IFLNK | 0o777) << 16)
    submission = load(written(tmp_path, {"s.zip": data}) / "s.zip")
    assert sorted(submission.programs) == ["4a", "4b"]
    assert "link" in submission.answers_problem


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_in_a_zip_refuses_it(tmp_path: Path) -> None:
    assert "more than once" in load(written(tmp_path, {"s.zip": evil("hw6.py")}) / "s.zip").problem


def test_bombs_are_refused_before_they_go_off(tmp_path: Path) -> None:
    ratio = zipped(tmp_path / "a.zip", {"hw6.py": b"#" * 5_000_000})
    assert "compressed more than" in load(ratio).problem
    many = zipped(tmp_path / "b.zip", {"hw6.py": BOTH, **{f"n/{i}": b"" for i in range(policy.CAPS.zip_files)}})
    assert f"at most {policy.CAPS.zip_files}" in load(many).problem
    noise = random.Random(1).randbytes(15 << 20)
    total = zipped(tmp_path / "c.zip", {f"{number}.bin": noise for number in range(5)})
    members = zip_members(total.read_bytes(), "c.zip")
    for member in [*members[:4], members[0]]:  # what is read again counts once
        assert member.read() == noise
    with pytest.raises(SubmissionError, match="unpacks to"):
        members[4].read()


def test_data_that_lies_in_a_zip_and_is_not_read_costs_nothing(tmp_path: Path) -> None:
    large = {"MNIST/raw/train-images-idx3-ubyte": bytes(47_000_016), "zeros.npy": bytes(5_000_000)}
    many = {f"pictures/{number}.png": b"\x89PNG" for number in range(1000)}
    some = {f"{number}.pt": bytes(2**20) for number in range(policy.CAPS.zip_total_mb)}
    read = load(zipped(tmp_path / "a.zip", {"hw6.py": BOTH, **large, **many, **some}))
    assert set(read.programs) == {"4a", "4b"} and not read.problem


@pytest.mark.parametrize("inside", [False, True], ids=["itself", "in a folder"])
def test_a_zip_that_is_larger_than_what_is_read_of_it_is_opened(tmp_path: Path, inside: bool) -> None:
    data = random.Random(1).randbytes((policy.CAPS.file_mb + 5) << 20)
    path = zipped(tmp_path / "a.zip", {"hw6.py": BOTH, "data/train.bin": data})
    read = load(tmp_path if inside else path)
    assert set(read.programs) == {"4a", "4b"} and not read.problem


def test_a_zip_of_the_folder_that_was_handed_out_is_as_good_as_the_folder(tmp_path: Path) -> None:
    ours = {f"hw6/{p.relative_to(ROOT)}": p.read_bytes() for p in (ROOT / "autograder").rglob("*.py")}
    assert "hw6/autograder/__main__.py" in ours
    read = load(zipped(tmp_path / "a.zip", {"hw6/hw6.py": BOTH, "hw6/tests/public/test_4a.py": b"", **ours}))
    assert set(read.programs) == {"4a", "4b"} and read.file == "hw6.py"


def test_a_zip_that_understates_a_size_is_cut_while_unpacking(tmp_path: Path) -> None:
    data = zipped(tmp_path / "a.zip", {"hw6.py": BOTH}).read_bytes()
    size = len(BOTH.encode()).to_bytes(4, "little")
    lied = data.replace(size, (10).to_bytes(4, "little"))
    assert lied != data
    assert "hw6.py" in load(written(tmp_path, {"b.zip": lied}) / "b.zip").problem


def test_a_password_is_named(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "a.zip", {"hw6.py": BOTH}).read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "password" in load(written(tmp_path, {"b.zip": bytes(data)}) / "b.zip").problem


def test_a_damaged_zip_is_named(tmp_path: Path) -> None:
    assert "damaged" in load(written(tmp_path, {"a.zip": b"PK\x03\x04 broken"}) / "a.zip").problem


def test_a_zip_within_a_zip_is_opened_and_what_lies_deeper_stays_shut(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", {"hw6.py": BOTH}).read_bytes()
    junk = {"Thumbs.db": b"\0", "desktop.ini": b"[x]", "__MACOSX/._inner.zip": b"\0"}
    once = zipped(tmp_path / "once.zip", {"inner.zip": inner, **junk})
    assert not load(once).problem and set(load(once).programs) == {"4a", "4b"}
    twice = zipped(tmp_path / "twice.zip", {"once.zip": once.read_bytes()})
    assert not load(twice).problem
    assert (
        "once.zip" in load(zipped(tmp_path / "thrice.zip", {"twice.zip": twice.read_bytes()})).problem
        or load(
            zipped(
                tmp_path / "four.zip",
                {"thrice.zip": zipped(tmp_path / "t.zip", {"twice.zip": twice.read_bytes()}).read_bytes()},
            )
        ).problem
    )
    beside = load(zipped(tmp_path / "beside.zip", {"inner.zip": inner, "hw6.py": SHA + "x = 1\n"}))
    assert beside.file == "hw6.py" and set(beside.programs) == {"4a"}


def test_a_bomb_within_a_zip_is_refused_as_any_other(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "inner.zip", {"hw6.py": "#" * 40_000_000}).read_bytes()
    assert "compressed more than" in load(zipped(tmp_path / "outer.zip", {"inner.zip": bomb})).problem


def test_nothing_is_written_anywhere(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"hw6.py": BOTH, "answers.toml": "[q2a]\n"})
    load(path)
    assert os.listdir(tmp_path) == ["a.zip"]
