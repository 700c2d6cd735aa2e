"""The files of a zip, read in memory: every cap is checked on what the zip says, and again on what comes out.

Why separate: an archive can claim anything. Nothing is ever unpacked to a disk. Whether an archive
within a submission is opened is decided in `files.opening`; then it is read here under the same caps.
"""

from __future__ import annotations

import functools
import io
import lzma
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from autograder.core import policy
from autograder.core.errors import SubmissionError
from autograder.core.text import one_line
from autograder.handin.files.members import Member, counted, is_ignored, most_mb, our_folders, too_large
from autograder.handin.files.packed_names import name_of

_MB = 1024 * 1024
TARS = (".tar.gz", ".tar.bz2", ".tar.xz", ".tar", ".tgz", ".tbz", ".tbz2", ".txz")
_ALONE = (".gz", ".bz2", ".xz")  # of one file: what a submission holds, and no data set
_OF_A_SUBMISSION = (".ipynb", ".py", ".toml", ".json", ".safetensors", ".md", ".txt")
FOREIGN = (".rar", ".7z", ".zipx", ".tar.zst", ".tzst", ".zst", ".lz", ".lz4", ".dmg", ".iso", ".cab", ".ace", ".sit")
_GOES_WITH_IT = f"{policy.FILES.answers}, {policy.FILES.history}, {policy.FILES.checkpoint}"
ONLY = f"Make a new zip with only {policy.FILES.notebook} and what goes with it ({_GOES_WITH_IT})."


# MemoryError: a member packed with LZMA says itself how much unpacking takes, up to 4 GB.
_UNPACKING = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError, MemoryError
)  # fmt: skip


def zip_members(data: bytes, name: str) -> tuple[Member, ...]:
    """The files in a zip. Raises SubmissionError when it is no zip, or looks like an attack or an accident."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError, UnicodeError) as error:
        raise SubmissionError(f"{name} cannot be opened as a zip ({error}). It seems damaged: make it again.") from None
    called = [(name_of(entry), entry) for entry in entries]
    used = [(own, entry) for own, entry in called if not own.endswith("/") and not is_ignored(own)]
    ours = our_folders(own for own, _ in used)
    used = [(own, entry) for own, entry in used if not own.startswith(ours)] if ours else used
    check_amount(len(used), len(entries), 0, name)
    for own, _ in used:
        check_name(own, name)
    twice = [own for own, count in Counter(own for own, _ in used).items() if count > 1]
    if twice:
        raise SubmissionError(
            f"{name} holds the file {twice[0][:100]} more than once; it is unclear which one counts. {ONLY}"
        )
    unpacking = _Unpacking(archive, name)
    return tuple(
        Member(own, functools.partial(unpacking.read, own, one), one.file_size, _date(one)) for own, one in used
    )


def ending(name: str) -> str:
    """By what a file's name says that it is an archive that can be opened; "" for any other file."""
    lower = name.lower()
    found = next((known for known in (*TARS, ".zip") if lower.endswith(known)), "")
    alone = next((known for known in _ALONE if lower.endswith(known)), "")
    return found or (alone if lower.removesuffix(alone).endswith(_OF_A_SUBMISSION) else "")


def not_opened(members: Sequence[Member]) -> str:
    """What to say of archives among the files: why each could not be opened, and what to do; "" where there is none."""
    words = []
    for member in members:
        shown = one_line(member.name, 60)
        if member.name.lower().endswith(FOREIGN):
            words.append(f"{shown} is an archive of a kind that is not opened here: unpack it and hand in its files.")
        elif ending(member.name):
            try:
                member.read()
                words.append(f"{shown} was not opened: unpack it and hand in its files.")
            except SubmissionError as error:
                words.append(str(error))
    return " ".join(words[:3])


def check_name(filename: str, name: str) -> None:
    """Raises SubmissionError for a file whose name leads out of the archive `name`."""
    path = PurePosixPath(filename.replace("\\", "/"))
    if not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        kind = "zip" if name.lower().endswith(".zip") else "archive"
        raise SubmissionError(f"{name} holds a file whose name leads out of the {kind} ({filename[:100]!r}). {ONLY}")


def check_amount(files: int, entries: int, size: int, name: str) -> None:
    """Raises SubmissionError for more files, or more bytes in all, than are read of what `name` is."""
    if files > policy.CAPS.zip_files or entries > 10 * policy.CAPS.zip_files:
        raise SubmissionError(
            f"{name} holds {max(files, entries)} files; at most {policy.CAPS.zip_files} are read. {ONLY}"
        )
    if size > policy.CAPS.zip_total_mb * _MB:
        raise SubmissionError(
            f"{name} unpacks to {size / _MB:.0f} MB; at most {policy.CAPS.zip_total_mb} MB are read. {ONLY}"
        )


def _date(entry: zipfile.ZipInfo) -> int:
    year, month, day, hour, minute, _ = entry.date_time
    return (((year * 100 + month) * 100 + day) * 100 + hour) * 100 + minute if year > 1980 else 0


class _Unpacking:
    """Reads the files of one zip, each under its own cap and all of them under that of the zip.

    What is never read costs nothing, whatever it is: students zip whole folders, data and all.
    """

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._archive = archive
        self._name = name
        self._seen: set[str] = set()  # what is read again counts once
        self._size = 0

    def read(self, own: str, entry: zipfile.ZipInfo) -> bytes:
        """The bytes of the file called `own`.

        Raises SubmissionError where it is a link, too large, damaged, or packed as no file is.
        """
        limit = most_mb(own) * _MB
        _check_entry(own, entry, self._name)
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise SubmissionError(f"{own} is a link to another file. Put the file itself into the zip.")
        if entry.file_size > limit:
            raise SubmissionError(too_large(own, entry.file_size))
        if own not in self._seen:
            size = counted(entry.file_size, own)
            check_amount(0, 0, self._size + size, self._name)
            self._seen.add(own)
            self._size += size
        try:
            with self._archive.open(entry) as file:
                data = file.read(limit + 1)
        except _UNPACKING as error:
            raise SubmissionError(
                f"{own} cannot be unpacked ({error}). The zip seems damaged: make it again."
            ) from None
        if len(data) > limit:
            raise SubmissionError(too_large(own, len(data)))
        return data


def _check_entry(own: str, entry: zipfile.ZipInfo, name: str) -> None:
    shown = own[:100]
    if entry.flag_bits & 1:
        raise SubmissionError(f"{name} is protected by a password ({shown}). Make the zip without one.")
    if entry.file_size > _MB and entry.file_size > policy.CAPS.zip_ratio * max(entry.compress_size, 1):
        raise SubmissionError(
            f"{name} holds {shown}, which is compressed more than {policy.CAPS.zip_ratio} times: "
            f"that is no ordinary file. {ONLY}"
        )
