"""Archives of any kind within a submission, or as the submission: what is read, what is refused, and in which words."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from autograder.core import policy
from autograder.handin.load import load, members_of
from tests.grader.submission_samples import BOTH, notebook
from tests.grader.test_handed_in_ways import READ, TOML, handed
from tests.grader.test_submission_packing import written, zipped

PACK: dict[str, Callable[[bytes], bytes]] = {
    ".tar": lambda data: data,
    ".tar.gz": gzip.compress,
    ".tgz": gzip.compress,
    ".tar.bz2": bz2.compress,
    ".tar.xz": lzma.compress,
}


def tarred(files: Mapping[str, bytes | str], *more: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        for entry in more:
            archive.addfile(entry, io.BytesIO(b"\0" * min(entry.size, 4096)))
    return out.getvalue()


def entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


PROJECT = {
    "./cs189/hw6.ipynb": notebook(BOTH),
    "./cs189/answers.toml": TOML,
    "./cs189/.git/HEAD": "ref",
    "./cs189/.venv/lib/vit.py": "x = 1",
    "./cs189/env/lib/python3.10/site-packages/vit_pytorch/hw6.py": BOTH + "x = 1",
    "./cs189/.ipynb_checkpoints/hw6-checkpoint.ipynb": notebook("x = 1"),
}


@pytest.mark.parametrize("ending", PACK)
def test_a_tar_is_read_as_a_zip_is(tmp_path: Path, ending: str) -> None:
    data = PACK[ending](tarred(PROJECT))
    (tmp_path / f"hw6{ending}").write_bytes(data)
    inside = handed(tmp_path / "s", {f"me{ending}": data})
    for found in (load(tmp_path / f"hw6{ending}"), inside):
        assert found.file == "hw6.ipynb" and set(found.programs) == {"4a", "4b"} and found.answers == READ
        assert not [one for one in found.findings if one.rule == "file-name"]


def test_one_file_that_was_packed_alone_is_that_file(tmp_path: Path) -> None:
    found = handed(tmp_path, {"hw6.ipynb.gz": gzip.compress(notebook(BOTH).encode()), "answers.toml": TOML})
    assert found.file == "hw6.ipynb" and found.answers == READ


def test_of_a_file_that_was_added_again_the_last_counts(tmp_path: Path) -> None:
    first, second = tarred({"hw6.py": "x = 1\n"}), tarred({"hw6.py": BOTH})
    (tmp_path / "a.tar").write_bytes(first[:1024] + second)
    assert set(load(tmp_path / "a.tar").programs) == {"4a", "4b"}


# --- several ----------------------------------------------------------------------------------------------------------


def test_the_parts_of_one_download_are_put_together(tmp_path: Path) -> None:
    one = zipped(
        tmp_path / "1.zip", {"CS189/HW6/hw6.ipynb": notebook("from vit import *"), "CS189/HW6/answers.toml": TOML}
    )
    two = zipped(tmp_path / "2.zip", {"CS189/HW6/vit.py": BOTH, "CS189/HW6/history.json": '{"epochs": 10}'})
    files = {"drive-download-001.zip": one.read_bytes(), "drive-download-002.zip": two.read_bytes()}
    found = handed(tmp_path / "s", files)
    assert found.file == "hw6.ipynb" and set(found.programs) == {"4a", "4b"}
    assert found.answers == READ and found.history == {"epochs": 10}


def test_of_several_drafts_in_zips_the_last_is_graded(tmp_path: Path) -> None:
    files = {
        f"hw6_v{number}.zip": zipped(tmp_path / f"{number}.zip", {"hw6.py": BOTH + f"x = {number}"}).read_bytes()
        for number in (2, 10, 9)
    }
    assert handed(tmp_path / "s", files).file == "hw6_v10/hw6.py"


def test_an_archive_beside_the_work_is_asked_only_for_what_is_missing(tmp_path: Path) -> None:
    inner = zipped(
        tmp_path / "r.zip", {"hw6.py": BOTH + "x = 1", "history.json": "{}", "answers.toml": "[q2a]\nparameters = 1\n"}
    )
    found = handed(
        tmp_path / "s", {"vit.ipynb": notebook(BOTH), "answers (1).toml": TOML, "results.zip": inner.read_bytes()}
    )
    assert found.file == "vit.ipynb" and found.answers == READ and found.history == {}
    blank = handed(tmp_path / "b", {"hw6.py": "x = 1\n", "work.zip": inner.read_bytes()})
    assert blank.file == "work/hw6.py" and set(blank.programs) == {"4a", "4b"}


def test_what_cannot_be_opened_beside_the_work_takes_nothing_away(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "hw6.py": BOTH,
        "answers.toml": TOML,
        "data.zip": b"PK\x03\x04 broken",
        "raw.tar.gz": b"\x1f\x8b broken",
    }
    found = handed(tmp_path, {**files, "train-images-idx3-ubyte.gz": gzip.compress(b"\0" * 2**26)})
    assert set(found.programs) == {"4a", "4b"} and found.answers == READ and not found.problem


# --- refused ----------------------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[str, bytes, str]] = {
    "a foreign kind": (
        "hw6.rar",
        b"Rar!\x1a\x07\0",
        "hw6.rar is an archive of a kind that is not opened here: unpack it",
    ),
    "another": ("hw6.7z", b"7z\xbc\xaf'\x1c", "hw6.7z is an archive of a kind that is not opened here: unpack it"),
    "no tar": ("a.tar", b"no tar at all" * 99, "cannot be opened"),
    "a broken gzip": ("a.tar.gz", gzip.compress(tarred({"hw6.py": BOTH * 99}))[:-300], "cannot be opened"),
    "a way out": ("a.tar", tarred({"../hw6.py": BOTH}), "leads out of the archive"),
    "an absolute name": ("a.tar", tarred({"/etc/hw6.py": BOTH}), "leads out of the archive"),
    "a link": ("a.tar", tarred({}, entry("hw6.py", tarfile.SYMTYPE, "/etc/passwd")), "hw6.py is a link"),
    "a hard link": ("a.tar", tarred({}, entry("hw6.py", tarfile.LNKTYPE, "other.py")), "hw6.py is a link"),
    "a device": ("a.tar", tarred({}, entry("hw6.py", tarfile.CHRTYPE)), "Looked for hw6.ipynb"),
    "many files": (
        "a.tar",
        tarred({f"{n}.py": "" for n in range(policy.CAPS.zip_files + 1)}),
        f"at most {policy.CAPS.zip_files} are read",
    ),
    "a bomb": ("a.tar.gz", gzip.compress(tarred({".git/x": b"\0" * 2**26})), "compressed more than 100 times"),
    "a bomb of xz": ("a.tar.xz", lzma.compress(tarred({"hw6.py": b"\0" * 2**25})), "compressed more than 100 times"),
    "a bomb in one file": ("hw6.py.gz", gzip.compress(b"#" * 2**26), "compressed more than 100 times"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("whole", [True, False], ids=["itself", "in a folder"])
def test_what_is_no_honest_archive_is_refused_in_words(tmp_path: Path, case: str, whole: bool) -> None:
    name, data, words = REFUSED[case]
    folder = tmp_path / "s"
    folder.mkdir()
    path = written(folder, {name: data})
    found = load(path / name if whole else path)
    assert words in found.problem and not found.programs
    if not whole:  # and what lies beside it is read
        beside = handed(folder, {"answers.toml": TOML})
        assert beside.answers == READ and words in beside.unusable["4a"]


def test_answers_in_what_cannot_be_opened_are_told_with_what_to_do(tmp_path: Path) -> None:
    found = handed(tmp_path, {"hw6.py": BOTH, "rest.rar": b"Rar!"})
    assert set(found.programs) == {"4a", "4b"} and "unpack it" in found.answers_problem


def test_a_claimed_size_is_not_believed(tmp_path: Path) -> None:
    data = bytearray(tarred({"hw6.py": BOTH}))
    for claim in (b"77777777777\0", b"\x80" + b"\0" * 6 + b"\xff" * 5):
        data[124:136] = claim
        total = sum(data[:148]) + 32 * 8 + sum(data[156:512])
        data[148:156] = f"{total:06o}\0 ".encode()
        (tmp_path / "a.tar").write_bytes(bytes(data))
        assert not load(tmp_path / "a.tar").programs


def test_all_archives_together_are_held_to_the_caps_of_one(tmp_path: Path) -> None:
    most = policy.CAPS.zip_files * 9 // 20
    files = {
        f"{part}.zip": zipped(tmp_path / "x.zip", {f"{part}{n}.txt": "x" for n in range(most)}).read_bytes()
        for part in "abc"
    }
    handed(tmp_path / "s", files)
    names = [member.name for member in members_of(tmp_path / "s")]
    assert len(names) == 2 * most + 1 and "c.zip" in names
