"""The files of a zip, read in memory: every cap is checked on what the zip says, and again on what comes out.

Why separate: an archive can claim anything. Nothing is ever unpacked to a disk. Whether a zip
within a zip is opened is decided in `handin.load`; then it is read here under the same caps.
"""

from __future__ import annotations

import io
import lzma
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import PurePosixPath

from autograder.core import policy
from autograder.core.errors import SubmissionError
from autograder.handin.files.members import Member, is_ignored, too_large

_MB = 1024 * 1024
_GOES_WITH_IT = f"{policy.FILES.answers}, {policy.FILES.history}, {policy.FILES.checkpoint}"
_ONLY = f"Make a new zip with only {policy.FILES.notebook} and what goes with it ({_GOES_WITH_IT})."


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
    used = [entry for entry in entries if not _is_folder(entry) and not is_ignored(entry.filename)]
    _check_amount(used, len(entries), name)
    for entry in used:
        _check_entry(entry, name)
    twice = [filename for filename, count in Counter(entry.filename for entry in used).items() if count > 1]
    if twice:
        raise SubmissionError(
            f"{name} holds the file {twice[0][:100]} more than once; it is unclear which one counts. {_ONLY}"
        )
    # old Windows tools write their own sign between folders
    return tuple(Member(entry.filename.replace("\\", "/"), _reader(archive, entry)) for entry in used)


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.endswith("/")  # ZipInfo.is_dir fails on an empty name


def _check_amount(used: list[zipfile.ZipInfo], entries: int, name: str) -> None:
    if len(used) > policy.CAPS.zip_files or entries > 10 * policy.CAPS.zip_files:
        raise SubmissionError(
            f"{name} holds {max(len(used), entries)} files; at most {policy.CAPS.zip_files} are read. {_ONLY}"
        )
    total = sum(entry.file_size for entry in used)
    if total > policy.CAPS.zip_total_mb * _MB:
        raise SubmissionError(
            f"{name} unpacks to {total / _MB:.0f} MB; at most {policy.CAPS.zip_total_mb} MB are read. {_ONLY}"
        )


def _check_entry(entry: zipfile.ZipInfo, name: str) -> None:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    shown = entry.filename[:100]
    if not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise SubmissionError(f"{name} holds a file whose name leads out of the zip ({shown!r}). {_ONLY}")
    if entry.flag_bits & 1:
        raise SubmissionError(f"{name} is protected by a password ({shown}). Make the zip without one.")
    if entry.file_size > _MB and entry.file_size > policy.CAPS.zip_ratio * max(entry.compress_size, 1):
        raise SubmissionError(
            f"{name} holds {shown}, which is compressed more than {policy.CAPS.zip_ratio} times: "
            f"that is no ordinary file. {_ONLY}"
        )


def _reader(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], bytes]:
    return lambda: _read(archive, entry)


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    limit = policy.CAPS.file_mb * _MB
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise SubmissionError(f"{entry.filename} is a link to another file. Put the file itself into the zip.")
    if entry.file_size > limit:
        raise SubmissionError(too_large(entry.filename, entry.file_size))
    try:
        with archive.open(entry) as file:
            data = file.read(limit + 1)
    except _UNPACKING as error:
        raise SubmissionError(
            f"{entry.filename} cannot be unpacked ({error}). The zip seems damaged: make it again."
        ) from None
    if len(data) > limit:
        raise SubmissionError(too_large(entry.filename, len(data)))
    return data
