"""One student's files from several places in one folder of ours, under the names that the student gave them.

Why separate: the only part that writes. Nothing of the class's folder is changed or moved; where the disk allows, no
byte is written twice.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from autograder.core.errors import UsageError
from autograder.core.text import printable
from autograder.sandbox import scratch

_DEEPEST = 40  # as for a submission's own folders
_LONGEST = 240  # bytes of a name: of the 255 that a disk takes, a number in brackets needs some
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}  # what no other file will fare better with


def gather(files: Iterable[tuple[Path, str]], target: Path) -> Path:
    """`target`, made anew with the files and folders under the names beside them; a name that is there gets a number.

    Links, devices and what cannot be read are left out, and cost nobody else anything. Raises UsageError when the disk
    is full or the place cannot be written to.
    """
    try:
        if target.exists():
            scratch.remove(str(target))
        target.mkdir(parents=True)
        for path, name in files:
            _put(path, target / _named(PurePosixPath(name.replace("\\", "/")).name), 0)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}. Give another --out") from None
    return target


def _named(given: str) -> str:
    """A name that is the student's as far as it can be read, and leads nowhere else: what is hidden in it is gone.

    Checked after that: two points may be all that is left.
    """
    name = printable(given).replace("\n", " ")
    if len(name.encode()) > _LONGEST:
        stem, point, suffix = name.rpartition(".")
        end = point + suffix if stem and len(suffix) < 10 else ""
        name = name.encode()[: _LONGEST - len(end.encode())].decode(errors="ignore") + end
    return name if name.strip(". ") else "file"


def _put(path: Path, place: Path, depth: int) -> None:
    if path.is_symlink() or depth > _DEEPEST:
        return
    try:
        if path.is_dir():
            place = place if place.is_dir() else _free(place)
            place.mkdir(exist_ok=True)
            for child in listed(path):
                _put(child, place / _named(child.name), depth + 1)
        elif path.is_file():
            _link(path, _free(place))
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise


def listed(folder: Path) -> list[Path]:
    """What lies in it; nothing when it cannot be listed."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _free(place: Path) -> Path:
    """The place, or one with a number as browsers give it."""
    count, found = 0, place
    while found.exists():
        count += 1
        found = place.with_name(f"{place.stem} ({count}){place.suffix}")
    return found


def _link(path: Path, place: Path) -> None:
    with contextlib.suppress(OSError):  # another disk, or a file that is not ours
        os.link(path, place)
        return
    shutil.copy2(path, place)
