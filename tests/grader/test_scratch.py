"""What a child leaves in its scratch folder is removed, however deep, closed or linked it is."""

from __future__ import annotations

import os
from pathlib import Path

from autograder.sandbox import scratch


def deep(top: Path, levels: int) -> None:
    """Folders inside each other, made from within, since no path is as long."""
    here = os.open(top, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("inside", dir_fd=here)
        below = os.open("inside", os.O_RDONLY, dir_fd=here)
        os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=here))
        os.close(here)
        here = below
    os.close(here)


def test_a_folder_deeper_than_recursion_and_paths_reach_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "room"
    folder.mkdir()
    deep(folder, 3000)
    scratch.remove(str(folder))
    assert not folder.exists()


def test_what_a_link_points_to_stays(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "room"
    (outside / "kept").mkdir(parents=True)
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "link").symlink_to(outside)
    (folder / "broken").symlink_to("nowhere")
    scratch.remove(str(folder))
    assert (outside / "kept").exists() and not folder.exists()


def test_folders_that_are_closed_to_their_owner_and_odd_names_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "room"
    for name in ("a/b/c", "-rf", "\n", ".1", "x" * 255):
        (folder / name).mkdir(parents=True)
    for closed in (folder / "a" / "b", folder / "a", folder):
        closed.chmod(0)
    scratch.remove(str(folder))
    assert not folder.exists()


def test_a_folder_that_is_not_there_is_no_reason_to_complain(tmp_path: Path) -> None:
    scratch.remove(str(tmp_path / "none"))
