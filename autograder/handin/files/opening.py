"""Archives that lie among the files of a submission: opened in place, as whoever hands in would have unpacked them.

Why separate: what one archive holds is read in `files.archive` and `files.tarball`; here is decided which are opened,
how deep, and where their files then lie. All of them together are held to the caps of one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from autograder.core.errors import SubmissionError
from autograder.handin.files.archive import check_amount, ending, zip_members
from autograder.handin.files.choosing import code_files
from autograder.handin.files.members import Member, counted
from autograder.handin.files.tarball import tar_members

_DEEP = 2  # archives within each other that are opened: what was downloaded, and what its writer made of it
_MOST = 10  # archives that are opened at each depth: somebody's drafts, or the parts of a download


class _Opened(NamedTuple):
    archive: Member
    files: tuple[Member, ...]


def archive_members(data: bytes, name: str) -> tuple[Member, ...]:
    """The files in an archive, which its first bytes tell the kind of. Raises SubmissionError, with what to do."""
    return zip_members(data, name) if data[:2] == b"PK" or name.lower().endswith(".zip") else tar_members(data, name)


def opened(members: Sequence[Member]) -> tuple[Member, ...]:
    """The files with those of the archives among them; an archive that cannot be opened stays, and says why when read.

    Folders that wrap all of the files are taken away.
    """
    members, count, size = unwrapped(members), 0, 0
    for _ in range(_DEEP):
        beside_code = any(not member.packed for member in code_files(members))
        found: list[_Opened] = []
        closed: dict[str, Member] = {}
        for archive in [member for member in members if ending(member.name)][:_MOST]:
            try:
                files = archive_members(archive.read(), archive.name)
                more = count + len(files), size + sum(counted(file.size, file.name) for file in files)
                check_amount(more[0], more[0], more[1], archive.name)
                count, size = more
                found.append(_Opened(archive, files))
            except SubmissionError as error:
                closed[archive.name] = archive._replace(read=_raising(str(error)))
        away = {one.archive.name for one in found}
        rest = [closed.get(member.name, member) for member in members if member.name not in away]
        members = unwrapped([*rest, *_placed(rest, found, beside_code)])
    return tuple(members)


def _raising(problem: str) -> Callable[[], bytes]:
    def read() -> bytes:
        raise SubmissionError(problem)

    return read


def _placed(rest: Sequence[Member], found: Sequence[_Opened], beside_code: bool) -> list[Member]:
    """Side by side where no name is there twice, as of one download in parts; else each in a folder of its own.

    Beside code, each in a folder of its own: there it is asked only for what is missing outside.
    """
    names = [member.name.lower() for member in (*rest, *(file for one in found for file in one.files))]
    if not beside_code and len(set(names)) == len(names):
        return [file for one in found for file in one.files]
    taken = {PurePosixPath(name).parts[0] for name in names if "/" in name}
    out: list[Member] = []
    for one in found:
        folder = one.archive.name[: -len(ending(one.archive.name))]
        folder = one.archive.name if folder.lower() in taken or not folder else folder
        taken.add(folder.lower())
        packed = beside_code or one.archive.packed
        out += [file._replace(name=f"{folder}/{file.name}", packed=packed) for file in one.files]
    return out


def unwrapped(members: Sequence[Member]) -> tuple[Member, ...]:
    """The files without the folders that a zip program wraps around them all."""
    while members and len({PurePosixPath(member.name).parts[0] for member in members}) == 1:
        if any("/" not in member.name for member in members):
            break
        members = [member._replace(name=member.name.partition("/")[2]) for member in members]
    return tuple(members)
