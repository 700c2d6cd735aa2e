"""A submission as bytes, for a machine that does not see the class's disk, and laid out again over there.

Why separate: both ends must agree that what is graded there is what lies here: names, links and pipes included, since
what reading says of them is part of the result. Plain data, no pickle, and nothing is opened that is not a file.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from autograder.handin.files.members import is_ignored

# A submission has some ten files of together 1 MB. What is beyond these is graded where the class lies: the scheduler
# holds all that is on its way in memory.
MAX_FILES = 500
MAX_BYTES = 32 * 2**20

FILE, FOLDER, LINK, OTHER = "file", "folder", "link", "other"


class Member(msgspec.Struct, frozen=True, array_like=True):
    """One file, folder or link below a submission's folder; `name` and a link's target as the disk has them."""

    name: bytes
    kind: str
    data: bytes = b""


class Packed(msgspec.Struct, frozen=True, array_like=True):
    """A submission: its own name, and what it is. A file has one member, without a name."""

    name: bytes
    members: tuple[Member, ...]


_decoder = msgspec.msgpack.Decoder(Packed)


def packed(path: Path) -> bytes | None:
    """The submission at `path`; None when it is too large to be sent, or cannot be read whole."""
    try:
        members = tuple(_bounded(path))
    except (OSError, OverflowError):
        return None
    return zlib.compress(msgspec.msgpack.encode(Packed(os.fsencode(path.name), members)), 1)


def unpack(data: bytes, folder: Path) -> Path:
    """Lays the submission out in `folder`, which is empty; its path. Raises OSError when the disk does not take it."""
    found = _decoder.decode(zlib.decompress(data))
    top = folder / os.fsdecode(found.name)
    for member in sorted(found.members, key=lambda member: member.kind != FOLDER):  # keeps the order within a kind
        place = top / os.fsdecode(member.name) if member.name else top
        if member.kind == FOLDER:
            place.mkdir()
        elif member.kind == FILE:
            place.write_bytes(member.data)
        elif member.kind == LINK:
            os.symlink(os.fsdecode(member.data), place)
        else:
            os.mkfifo(place)
    return top


def _bounded(path: Path) -> Iterator[Member]:
    size = 0
    for count, (name, place) in enumerate(_places(path)):
        member = _member(os.fsencode(name), place, MAX_BYTES - size)
        size += len(member.name) + len(member.data)
        if count >= MAX_FILES or size > MAX_BYTES:
            raise OverflowError
        yield member


def _places(path: Path) -> Iterator[tuple[str, str]]:
    """(name below `path`, path): the top itself first, folders before what they hold.

    What programs leave behind (`venv`, `.git`) is named and not looked into: reading a submission does not, either.
    """
    todo = [("", str(path))]
    while todo:
        name, place = todo.pop()
        yield name, place
        if os.path.isdir(place) and not os.path.islink(place) and not (name and is_ignored(name)):
            todo += [(f"{name}/{entry}".lstrip("/"), os.path.join(place, entry)) for entry in sorted(os.listdir(place))]


def _member(name: bytes, place: str, left: int) -> Member:
    about = os.lstat(place)
    if stat.S_ISDIR(about.st_mode):
        return Member(name, FOLDER)
    if stat.S_ISLNK(about.st_mode):
        return Member(name, LINK, os.fsencode(os.readlink(place)))
    if not stat.S_ISREG(about.st_mode):
        return Member(name, OTHER)
    if about.st_size > left:
        raise OverflowError
    with open(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        return Member(name, FILE, file.read(left + 1))
