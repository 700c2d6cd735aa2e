"""An interpreter in a folder that others may not enter: children reach it by a door, and the door shows nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autograder.sandbox import readable


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="there is no /proc")
def test_a_door_is_a_way_through_and_nothing_can_be_listed_by_it(tmp_path: Path) -> None:
    root = tmp_path / "closed" / "lib"
    root.mkdir(parents=True)
    (root / "module.py").write_text("x = 1")
    (tmp_path / "closed").chmod(0o700)
    [(named, door)] = readable.open_doors([str(root)]).items()
    number = int(door.rpartition("/")[2])
    try:
        assert named == str(root) and Path(door, "module.py").read_text() == "x = 1"
        with pytest.raises(OSError):
            os.listdir(number)
        with pytest.raises(OSError):
            os.pread(number, 1, 0)
    finally:
        os.close(number)
