"""The files of a tar, or of what gzip, bzip2 or xz packed, read in memory: caps are checked while it comes out.

Why separate: unlike a zip, a tar has no table of what it holds, so it is read once, from its beginning, and no further
than the caps allow. Of its members only ordinary files are taken: a link is refused in words, a device left out.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import IO, Any

from autograder.core import policy
from autograder.core.errors import SubmissionError
from autograder.handin.files.archive import ONLY, check_amount, check_name
from autograder.handin.files.members import Member, counted, is_ignored, most_mb, text_of, too_large

_MB = 1024 * 1024
_BEYOND = 3  # times the cap for all files: what is ignored (.git, .venv) has to be read past
# Empty reads after the end, of 10 kB each, that a cut archive may ask for (40 MB, 20 ms). One whose header claims a
# terabyte would ask for a hundred million: tarfile reads past a file that way.
_AFTER_THE_END = 4096
_OPEN: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}
_BROKEN = (
    tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, OverflowError, MemoryError,
    RecursionError,
)  # fmt: skip


class _Counted(io.RawIOBase):
    """What comes out of the packed bytes, until it is more than any honest archive holds."""

    def __init__(self, file: IO[bytes], packed: int, name: str) -> None:
        self.file, self.name_of, self.out, self.after = file, name, 0, 0
        self.most = _BEYOND * policy.CAPS.zip_total_mb * _MB
        self.ratio = max(_MB, policy.CAPS.zip_ratio * packed)

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes. Raises SubmissionError beyond the caps, EOFError far beyond the end."""
        wanted = min(size, _MB) if size >= 0 else _MB
        data = self.file.read(wanted)
        self.out += len(data)
        self.after += not data
        if self.after > _AFTER_THE_END:
            raise EOFError("it ends before the files that it lists")
        if self.out > self.most:
            check_amount(0, 0, self.out, self.name_of)
        if self.out > self.ratio:
            times = f"more than {policy.CAPS.zip_ratio} times"
            raise SubmissionError(f"{self.name_of} is compressed {times}: that is no ordinary file. {ONLY}")
        return data


def tar_members(data: bytes, name: str) -> tuple[Member, ...]:
    """The ordinary files in it; the one file of what was packed alone. Raises SubmissionError, with what to do."""
    opened = next((how for start, how in _OPEN.items() if data.startswith(start)), None)
    try:
        if opened and _alone(name):
            alone = PurePosixPath(name.rpartition(".")[0]).name
            whole = _all(_Counted(opened(io.BytesIO(data)), len(data), name), most_mb(alone) * _MB, alone)
            return (Member(alone, lambda: whole, len(whole)),)
        stream = _Counted(opened(io.BytesIO(data)) if opened else io.BytesIO(data), len(data), name)
        with tarfile.open(fileobj=stream, mode="r|", errorlevel=0) as archive:
            found = {member.name: member for member in _members(archive, name)}  # of one that was added again the last
    except _BROKEN as error:
        raise SubmissionError(f"{name} cannot be opened ({error}). It seems damaged: make it again.") from None
    return tuple(found.values())


def _alone(name: str) -> bool:
    """Whether its name says that one file was packed: hw6.ipynb.gz."""
    stem, _, ending = name.lower().rpartition(".")
    return ending in ("gz", "bz2", "xz") and not stem.endswith(".tar")


def _all(stream: _Counted, limit: int, name: str) -> bytes:
    parts: list[bytes] = []
    while part := stream.read(_MB):
        parts.append(part)
        if stream.out > limit:
            raise SubmissionError(too_large(name, stream.out))
    return b"".join(parts)


def _members(archive: tarfile.TarFile, name: str) -> Iterator[Member]:
    entries = files = size = 0
    for entry in archive:
        entries += 1
        filename = text_of(entry.name.encode("utf-8", "surrogateescape")).replace("\\", "/")
        if entry.isdir() or is_ignored(filename) or not (entry.isreg() or entry.issym() or entry.islnk()):
            check_amount(files, entries, size, name)
            continue
        check_name(filename, name)
        files += 1
        size += counted(entry.size, filename) if entry.isreg() else 0
        check_amount(files, entries, size, name)
        yield Member(PurePosixPath(filename).as_posix(), _reader(archive, entry, filename), entry.size, _date(entry))


def _reader(archive: tarfile.TarFile, entry: tarfile.TarInfo, filename: str) -> Callable[[], bytes]:
    """Read at once: of a stream nothing can be read later."""
    limit, problem, data = most_mb(filename) * _MB, "", b""
    if not entry.isreg():
        problem = f"{filename} is a link to another file. Put the file itself into the archive."
    elif entry.size > limit:
        problem = too_large(filename, entry.size)
    elif entry.issparse():
        problem = f"{filename} is packed as a file with holes. Make the archive again without that (no --sparse)."
    else:
        file = archive.extractfile(entry)
        data = file.read() if file else b""

    def read() -> bytes:
        if problem:
            raise SubmissionError(problem)
        return data

    return read


def _date(entry: tarfile.TarInfo) -> int:
    try:
        return int(time.strftime("%Y%m%d%H%M", time.gmtime(entry.mtime)))
    except (ValueError, OverflowError, OSError):
        return 0
