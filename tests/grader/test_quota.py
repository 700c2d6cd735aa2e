"""What a child may keep on disk: enough for honest programs, and an end for one that fills it, told in words."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.core.records import Exit, ExitKind, Limits, Program
from autograder.judging import endings
from autograder.sandbox import landlock, quota, scratch, seccomp, zygote
from autograder.sandbox.room import Ended, Room
from tests.grader.pace import patience

LIMITS = Limits(seconds=patience(10), memory_mb=512)
MOST = LIMITS.scratch_mb << 20

# --- the count --------------------------------------------------------------------------------------------------------


def test_what_libraries_and_honest_programs_leave_is_within_bounds(tmp_path: Path) -> None:
    assert quota.overdrawn(str(tmp_path), MOST) == ""
    (tmp_path / ".cache" / "library" / "fonts").mkdir(parents=True)
    for number in range(100):
        (tmp_path / ".cache" / "library" / f"{number}.json").write_text("{}")
    (tmp_path / "model.pt").write_bytes(bytes(10 << 20))
    assert quota.overdrawn(str(tmp_path), MOST) == ""


def test_what_is_gone_meanwhile_is_nothing(tmp_path: Path) -> None:
    assert quota.overdrawn(str(tmp_path / "never there"), MOST) == ""


def test_a_file_with_holes_is_as_large_as_what_was_written(tmp_path: Path) -> None:
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(1 << 34)
    assert quota.overdrawn(str(tmp_path), MOST) == ""


def test_many_files_and_many_bytes_are_too_much(tmp_path: Path) -> None:
    many, large = tmp_path / "many", tmp_path / "large"
    for folder in (many, large):
        folder.mkdir()
    for number in range(quota.MOST_ENTRIES + 1):
        (many / f"{number}").touch()
    (large / "one").write_bytes(bytes(MOST // 2))
    (large / "two").write_bytes(bytes(MOST // 2 + 4096))
    assert quota.overdrawn(str(many), MOST) == "more than 10,000 files"
    assert quota.overdrawn(str(large), MOST) == "more than 64 MB of files"


def test_links_are_counted_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "outer").mkdir()
    for number in range(quota.MOST_ENTRIES + 1):
        (tmp_path / "outer" / f"{number}").touch()
    (tmp_path / "inner" / "away").symlink_to(tmp_path / "outer")
    (tmp_path / "inner" / "round").symlink_to(".")
    assert quota.overdrawn(str(tmp_path / "inner"), MOST) == ""


def test_a_tree_deeper_than_a_path_is_long_is_too_much(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("x" * 250, dir_fd=here)
        here, above = os.open("x" * 250, os.O_RDONLY, dir_fd=here), here
        os.close(above)
    os.close(here)
    assert quota.overdrawn(str(tmp_path), MOST) == "a folder that cannot be read"
    scratch.remove(str(tmp_path))  # pytest's own way of removing it recurses


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_too_much(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o300)
    assert quota.overdrawn(str(tmp_path), MOST) == "a folder that cannot be read"


def test_orders_come_whole_however_they_were_sent_and_looking_goes_on() -> None:
    ours, theirs = socket.socketpair()
    looks: list[int] = []
    with ours, theirs:

        def look() -> None:
            looks.append(1)
            if len(looks) == 2:
                ours.sendall(b"three\n")
                ours.shutdown(socket.SHUT_WR)

        ours.sendall(b"one\ntw")
        ours.sendall(b"o\n")
        assert list(quota.lines(theirs, look)) == [b"one", b"two", b"three"]
    assert len(looks) >= 2


# --- real children ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nursery() -> Iterator[zygote.Zygote]:
    zygote.warm_up()
    handle = zygote.start(LIMITS)
    yield handle
    handle.close()


def said(nursery: zygote.Zygote, text: str) -> str:
    with Room(nursery, LIMITS) as room:
        room.ask("start", {"text": text, "class_name": "C", "given": [], "probe_seed": 0})
    return room.output


HONEST = {
    "a temporary folder": "import tempfile\nwith tempfile.TemporaryDirectory() as d: open(d + '/x', 'w').write('x')",
    "a temporary file": "import tempfile\nwith tempfile.TemporaryFile() as f: f.write(bytes(1 << 20))",
    "a checkpoint": "import torch; torch.save(torch.zeros(1 << 20), 'model.pt'); print(torch.load('model.pt').shape)",
    "folders for results": "import os; os.makedirs('runs/one/plots', exist_ok=True); os.rename('runs/one', 'runs/two')",
    "torch's checkpointing": """
import torch, torch.utils.checkpoint as c
x = torch.ones(2, requires_grad=True)
c.checkpoint(lambda t: t * t, x, use_reentrant=False).sum().backward()
""",
    "twenty open files": "files = [open(f'{i}.txt', 'w') for i in range(20)]",
    "a file made again and again": "for i in range(2000): open('log', 'w').write('x' * 100)",
}


@pytest.mark.slow
@pytest.mark.boxed
@pytest.mark.parametrize("what", HONEST)
def test_an_honest_program_does_not_notice(nursery: zygote.Zygote, what: str) -> None:
    assert said(nursery, f"{HONEST[what]}\nimport time; time.sleep(0.2)\nprint('done')").endswith("done\n")


# Each ends by itself, far below what would harm even without any layer.
BOMBS = {
    "files": ("for i in range(20_000): open(str(i), 'w').close()", "more than 10,000 files"),
    "folders": ("for i in range(20_000): os.mkdir(str(i))", "more than 10,000 files"),
    "bytes": ("for i in range(20): open(str(i), 'wb').write(bytes(15 << 20))", "more than 64 MB of files"),
    "names of one file": (
        "open('a', 'w').close()\nfor i in range(20_000): os.link('a', str(i))",
        "more than 10,000 files",
    ),
}


@pytest.mark.slow
@pytest.mark.boxed
@pytest.mark.parametrize("what", BOMBS)
def test_a_child_that_fills_its_disk_is_ended_with_the_reason(nursery: zygote.Zygote, what: str) -> None:
    text, why = BOMBS[what]
    with pytest.raises(Ended) as ended:
        said(nursery, f"import os, time\n{text}\ntime.sleep(600)")
    assert ended.value.exit.kind is ExitKind.DISK and ended.value.exit.detail == why
    assert said(nursery, "print('the next one')") == "the next one\n"


@pytest.mark.slow
@pytest.mark.boxed
def test_files_without_a_name_are_bounded_by_their_size_and_number(nursery: zygote.Zygote) -> None:
    text = """
import os
kept = []
try:
    while True:
        kept.append(os.open("x", os.O_CREAT | os.O_RDWR)); os.unlink("x")
except OSError as error: print(len(kept) < 256, error.errno)
try:
    os.ftruncate(kept[0], 1 << 34)
except OSError as error: print(error.errno)
try:
    os.ftruncate(kept[0], (16 << 20) + 1)
except OSError as error: print(error.errno)
os.ftruncate(kept[0], 16 << 20)
"""
    assert said(nursery, text) == "True 24\n27\n27\n"  # EMFILE, EFBIG


@pytest.mark.slow
@pytest.mark.boxed
@pytest.mark.skipif(not landlock.abi(), reason="no Landlock here")
def test_only_files_and_folders_are_made(nursery: zygote.Zygote) -> None:
    text = """
import os, shutil
for made in (lambda: os.symlink("/etc/passwd", "link"), lambda: os.mkfifo("pipe"), lambda: os.mknod("node")):
    try: made()
    except OSError: continue
    print("made", os.listdir("."))
"""
    assert said(nursery, text) == ""


@pytest.mark.slow
@pytest.mark.boxed
@pytest.mark.skipif(not seccomp.prepared(), reason="no libseccomp here")
def test_a_tree_is_not_dug_faster_than_anybody_looks(nursery: zygote.Zygote) -> None:
    text = """
import os
os.mkdir("d")
for step in (lambda: os.chdir("d"), lambda: os.fchdir(os.open("d", 0)), lambda: os.mkdir("e", dir_fd=os.open("d", 0))):
    try: step()
    except PermissionError: print("no")
"""
    assert said(nursery, text) in ("no\nno\nno\n", "no\nno\n")  # some machines know no other call for the last


def test_the_student_reads_what_was_too_much_and_what_to_do() -> None:
    program = Program("4a", "SingleHeadAttention", "", (), "")
    exit = Exit(ExitKind.DISK, detail="more than 10,000 files")
    told = endings.explain(exit, program, "one forward pass", show_text=False).feedback
    assert "kept more on disk than a grading process may (more than 10,000 files)" in told.found
    assert "writes files" in told.fix
