"""A class that comes as a zip: whatever is in it, nothing leaves the folder and nothing is written twice."""

from __future__ import annotations

import io
import os
import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from autograder.commands.batch import folder, unpacking
from autograder.core.errors import UsageError


def packed(place: Path, files: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return place


def unpacked(path: Path, out: Path) -> dict[str, bytes]:
    top = unpacking.folder_of(path, out, lambda path: f"autograder grade {path}")
    return {
        str(file.relative_to(top)): file.read_bytes()
        for file in sorted(top.rglob("*"))
        if file.is_file() and file.name != unpacking.MARK
    }


CLASS: dict[str, bytes | str] = {"ada/hw6.py": "a = 1", "ben/hw6.py": "b = 1", "cat.zip": b"PK"}


@pytest.mark.parametrize("front", ["", "assignment_1_export/", "a/b/"])
def test_folders_around_the_class_are_taken_off_and_a_submissions_own_stays(tmp_path: Path, front: str) -> None:
    path = packed(tmp_path / "class.zip", {front + name: data for name, data in CLASS.items()})
    assert set(unpacked(path, tmp_path / "out")) == set(CLASS)
    found = folder.read(tmp_path / "out" / "submissions", leave_out=tmp_path / "out")
    assert [entry.id for entry in found.entries] == ["ada", "ben", "cat"]


def test_a_class_of_one_stays_a_class(tmp_path: Path) -> None:
    path = packed(tmp_path / "class.zip", {"ada/hw6.py": "a = 1"})
    assert set(unpacked(path, tmp_path / "out")) == {"ada/hw6.py"}


@pytest.mark.parametrize("name", ["hw6.ipynb", "work/hw6.py"])
def test_one_submission_is_no_class_and_the_command_for_it_is_said(tmp_path: Path, name: str) -> None:
    path = packed(tmp_path / "ada.zip", {name: "", "work/notes.txt" if "/" in name else "notes.txt": ""})
    if name == "hw6.ipynb":
        with pytest.raises(UsageError, match=r"autograder grade .*ada\.zip"):
            unpacked(path, tmp_path / "out")
        assert not (tmp_path / "out").exists()
    else:  # a folder with a work in it may be one submission's of a class: what is in it is asked afterwards
        assert unpacked(path, tmp_path / "out")


def test_the_same_zip_is_unpacked_once_and_another_one_replaces_it(tmp_path: Path) -> None:
    path = packed(tmp_path / "class.zip", CLASS)
    unpacked(path, tmp_path / "out")
    before = os.stat(tmp_path / "out" / "submissions" / "ada" / "hw6.py").st_mtime_ns
    unpacked(path, tmp_path / "out")
    assert os.stat(tmp_path / "out" / "submissions" / "ada" / "hw6.py").st_mtime_ns == before
    packed(path, {"dan/hw6.py": "d = 1", "eve/hw6.py": ""})
    assert set(unpacked(path, tmp_path / "out")) == {"dan/hw6.py", "eve/hw6.py"}


def test_an_interrupted_unpacking_is_begun_anew(tmp_path: Path) -> None:
    path = packed(tmp_path / "class.zip", CLASS)
    unpacked(path, tmp_path / "out")
    top = tmp_path / "out" / "submissions"
    (top / unpacking.MARK).write_text("")
    (top / "ada" / "hw6.py").unlink()
    assert "ada/hw6.py" in unpacked(path, tmp_path / "out")


def test_a_folder_of_somebody_elses_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "out" / "submissions").mkdir(parents=True)
    with pytest.raises(UsageError, match="in the way"):
        unpacked(packed(tmp_path / "class.zip", CLASS), tmp_path / "out")


def test_what_would_leave_the_folder_is_left_out(tmp_path: Path) -> None:
    harmful = {"../out.py": "", "/etc/x.py": "", "ada/../../y.py": "", "__MACOSX/ada/hw6.py": "", "..\\z.py": ""}
    path = packed(tmp_path / "class.zip", {**CLASS, **harmful})
    assert set(unpacked(path, tmp_path / "out")) == set(CLASS)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["class.zip", "out"]


def test_links_and_devices_are_left_out(tmp_path: Path) -> None:
    path = packed(tmp_path / "class.zip", CLASS)
    with zipfile.ZipFile(path, "a") as archive:
        for name, kind in (("link", stat.S_IFLNK), ("pipe", stat.S_IFIFO)):
            about = zipfile.ZipInfo(f"ada/{name}")
            about.external_attr = (kind | 0o777) << 16
            archive.writestr(about, "/etc/passwd")
    assert set(unpacked(path, tmp_path / "out")) == set(CLASS)


def test_two_members_of_one_name_cost_nothing(tmp_path: Path) -> None:
    path = packed(tmp_path / "class.zip", CLASS)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("ada/hw6.py", "another")
    assert unpacked(path, tmp_path / "out")["ada/hw6.py"] == b"a = 1"


def renamed(path: Path, names: dict[bytes, bytes]) -> Path:
    """The zip with other bytes in the place of names of the same length, as programs write them that know no flag."""
    raw = path.read_bytes()
    for name, written in names.items():
        assert len(written) == len(name)
        raw = raw.replace(name, written)
    path.write_bytes(raw)
    return path


ZOE, JOSE = "Zoë Salda", "José Nu"
AS_WRITTEN = {
    "UTF-8 without the flag, as macOS and Info-ZIP": lambda name: name.encode(),
    "the letters of the first PC, as Windows": lambda name: name.encode("cp437"),
}


@pytest.mark.parametrize("how", AS_WRITTEN)
def test_names_are_those_that_who_packed_the_class_saw(tmp_path: Path, how: str) -> None:
    written = [AS_WRITTEN[how](who) for who in (ZOE, JOSE)]
    names = {b"x" * (len(name) - 1) + b"%d" % n: name for n, name in enumerate(written)}
    path = packed(tmp_path / "class.zip", {f"{name.decode()}/hw6.py": "" for name in names})
    assert set(unpacked(renamed(path, names), tmp_path / "out")) == {f"{ZOE}/hw6.py", f"{JOSE}/hw6.py"}


def test_a_name_that_stands_beside_the_old_letters_is_the_name(tmp_path: Path) -> None:
    own, others = b"yyyy\x82/hw6.py", b"xxxx\x82/hw6.py"
    path, told = tmp_path / "class.zip", "日本太郎/hw6.py".encode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ada/hw6.py", "")
        for name in ("yyyyy/hw6.py", "xxxxx/hw6.py"):  # WinZip's field holds the sum of the name that it is of
            entry = zipfile.ZipInfo(name)
            entry.extra = struct.pack("<HHBI", 0x7075, 5 + len(told), 1, zlib.crc32(own)) + told
            archive.writestr(entry, "")
    path = renamed(path, {b"yyyyy/hw6.py": own, b"xxxxx/hw6.py": others})
    assert set(unpacked(path, tmp_path / "out")) == {"ada/hw6.py", "日本太郎/hw6.py", "xxxxé/hw6.py"}


def test_backslashes_part_folders_in_a_class_as_in_a_submission(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "class\\ada\\": "",
        "class\\ada\\first.ipynb": "1",
        "class\\ada\\second.ipynb": "2",
        "class\\ben\\hw6.py": "3",
    }
    path = packed(tmp_path / "class.zip", files)
    assert set(unpacked(path, tmp_path / "out")) == {"ada/first.ipynb", "ada/second.ipynb", "ben/hw6.py"}
    assert {entry.id for entry in folder.read(tmp_path / "out" / "submissions").entries} == {"ada", "ben"}


def test_a_name_too_long_for_this_disk_is_shortened_and_costs_nobody_the_work(tmp_path: Path) -> None:
    long = "長" * 90
    path = packed(tmp_path / "class.zip", {f"{long}1.ipynb": "1", f"{long}2.ipynb": "2", f"ada/{long}.tar.gz": "3"})
    found = unpacked(path, tmp_path / "out")
    assert sorted(found.values()) == [b"1", b"2", b"3"]
    assert {name[-6:] for name in found} == {".ipynb", "tar.gz"}


BROKEN = {"no zip": b"hello", "cut off": None, "empty": b""}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_zip_is_said_in_one_sentence(tmp_path: Path, what: str) -> None:
    path = packed(tmp_path / "class.zip", CLASS)
    path.write_bytes(path.read_bytes()[:-30] if BROKEN[what] is None else BROKEN[what] or b"")
    with pytest.raises(UsageError, match="cannot be unpacked"):
        unpacked(path, tmp_path / "out")


def test_damaged_data_in_a_whole_zip_is_said_in_one_sentence(tmp_path: Path) -> None:
    path = packed(tmp_path / "class.zip", {**CLASS, "dan/hw6.py": os.urandom(3000).hex()})
    data = bytearray(path.read_bytes())
    for place in range(data.index(b"dan/hw6.py") + 10, len(data) - 400):
        data[place] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(UsageError, match="cannot be unpacked"):
        unpacked(path, tmp_path / "out")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_data_that_is_damaged_is_said_however_it_was_packed(tmp_path: Path, method: int) -> None:
    path = tmp_path / "class.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("ada/hw6.py", os.urandom(30_000).hex())
        archive.writestr("ben/hw6.py", "b = 1")
    data = bytearray(path.read_bytes())
    for place in range(5000, 5100):
        data[place] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(UsageError, match="cannot be unpacked"):
        unpacked(path, tmp_path / "out")


def test_a_list_whose_names_are_no_text_is_said_in_one_sentence(tmp_path: Path) -> None:
    path = packed(tmp_path / "class.zip", {"ada/hw6.py": "", "zoë/hw6.py": ""})
    with pytest.raises(UsageError, match="cannot be unpacked"):
        unpacked(renamed(path, {"zoë".encode(): b"zo\xff\xff"}), tmp_path / "out")


def test_a_zip_with_a_password_is_told_before_anything_is_written(tmp_path: Path) -> None:
    data = bytearray(packed(tmp_path / "class.zip", CLASS).read_bytes())
    for start, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(start) + flags] |= 1
    (tmp_path / "class.zip").write_bytes(data)
    with pytest.raises(UsageError, match="is protected by a password: unpack it yourself"):
        unpacked(tmp_path / "class.zip", tmp_path / "out")
    assert not (tmp_path / "out" / "submissions").exists()


def test_a_zip_without_files_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no files"):
        unpacked(packed(tmp_path / "class.zip", {}), tmp_path / "out")


def test_more_than_the_disk_has_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "class.zip", {**CLASS, "ada/big.bin": bytes(1 << 20)})
    monkeypatch.setattr(shutil, "disk_usage", lambda place: _Free())
    with pytest.raises(UsageError, match="more than is free"):
        unpacked(path, tmp_path / "out")
    assert not (tmp_path / "out" / "submissions").exists()


class _Free:
    free = 1 << 19


def test_a_member_that_is_larger_than_the_list_says_ends_the_unpacking(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ada/hw6.py", bytes(1 << 20))
        archive.writestr("ben/hw6.py", b"")
    raw = bytearray(data.getvalue())
    entry = raw.rindex(b"ada/hw6.py") - 46  # in the central list: the size stands at its 24th byte
    raw[entry + 24 : entry + 28] = (1000).to_bytes(4, "little")
    (tmp_path / "class.zip").write_bytes(raw)
    with pytest.raises(UsageError, match="cannot be unpacked"):
        unpacked(tmp_path / "class.zip", tmp_path / "out")


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert unpacking.folder_of(tmp_path, tmp_path / "out", str) == tmp_path
    assert not (tmp_path / "out").exists()
