"""The files of a submission by name: a folder, a zip, or one file. Read into memory under caps, never written anywhere.

Why separate: this is where a submission's outside is distrusted: links are followed to its own files alone, devices
not opened, sizes checked before and while reading. Nothing here looks at what a file says.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from autograder.core import policy
from autograder.core.errors import SubmissionError

_IGNORED = frozenset(
    {
        "__macosx",
        ".ipynb_checkpoints",
        ".git",
        "__pycache__",
        ".ds_store",
        ".venv",
        "venv",
        "node_modules",
        "site-packages",
        "dist-packages",
        "thumbs.db",
        "desktop.ini",
        ".spotlight-v100",
        ".trashes",
        "lost+found",
        ".fseventsd",
        "$recycle.bin",
        "system volume information",
        "found.000",
    }
)
_COPIES, KEPT_COPY = ".ipynb_checkpoints", "-checkpoint.ipynb"
_SMALLER = {".ipynb": "Clear large outputs (keep the training lines and the loss plot), save"}
_OTHERWISE = "The files of this homework are far smaller: take the one that the template or your own code writes"
_OURS = "autograder/__main__.py"
_PACKED = (".zip", ".tar", ".gz", ".bz2", ".xz", ".tgz", ".tbz", ".tbz2", ".txz")
_MB = 1024 * 1024
_DEPTH = 3  # the submission, a folder that a zip program added, and one more
_DEEPEST = 40  # folders within folders in all
_ENTRIES = 5000  # of a folder; a graded folder holds ten


class Member(NamedTuple):
    """One file of the submission. `read()` raises SubmissionError when it cannot or should not be read."""

    name: str  # relative, with /
    read: Callable[[], bytes]
    size: int = 0  # as it lies there, unpacked; 0: not known
    date: int = 0  # YYYYMMDDhhmm, where an archive says when it was changed
    packed: bool = False  # in an archive that lies beside code


def is_ignored(name: str) -> bool:
    """Whether a path lies in a folder that programs leave behind, or is such a file ("._hw6.py").

    Not the copies that Jupyter keeps of a notebook: one counts where the notebook itself cannot be read.
    """
    parts = PurePosixPath(name).parts
    if name.endswith(KEPT_COPY) or parts[-1:] == (_COPIES,):
        parts = tuple(part for part in parts if part != _COPIES)
    return any(part.lower() in _IGNORED or part.startswith("._") for part in parts)


def without_ours(members: tuple[Member, ...]) -> tuple[Member, ...]:
    """The student's own files: none of this package and its public tests, which students unpack beside their work."""
    ours = our_folders(member.name for member in members)
    return tuple(member for member in members if not member.name.startswith(ours)) if ours else members


def our_folders(names: Iterable[str]) -> tuple[str, ...]:
    """How the names of this package's files and public tests begin, where they lie among the files."""
    tops = [name.removesuffix(_OURS) for name in names if f"/{name}".endswith(f"/{_OURS}")]
    return tuple(top + part for top in tops for part in ("autograder/", "tests/public/"))


def folder_members(root: Path) -> tuple[Member, ...]:
    """The regular files under `root`, and links to such, to a small depth. Raises SubmissionError on too many.

    A folder that holds nothing but another one is no depth: a zip of a whole path has ten of these.
    """
    return tuple(_walk(root, "", _DEPTH, [0], Path(os.path.realpath(root))))


def _walk(folder: Path, prefix: str, depth: int, seen: list[int], root: Path) -> Iterator[Member]:
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise SubmissionError(f"The folder {prefix or folder.name} cannot be read: {error.strerror}.") from None
    seen[0] += len(found)
    if seen[0] > _ENTRIES:
        raise SubmissionError(
            f"There are more than {_ENTRIES} files. Hand in only {policy.FILES.notebook} and what goes with it."
        )
    found = [entry for entry in found if not is_ignored(prefix + entry.name)]
    depth -= len(found) > 1
    for entry in found:
        name = prefix + text_of(os.fsencode(entry.name))
        if entry.is_dir(follow_symlinks=False):
            if depth > 0 and name.count("/") < _DEEPEST:
                yield from _walk(Path(entry.path), name + "/", depth, seen, root)
        elif entry.is_symlink() and (inside := _inside(entry, root)):
            yield Member(name, _reader(inside, name))
        elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
            yield Member(name, _reader(entry.path, name), _size(entry))
        elif entry.name in (policy.FILES.notebook, policy.FILES.script):
            yield Member(name, _reader(entry.path, name))  # a pipe or device: refused when read, in words


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:  # it went away
        return 0


def text_of(raw: bytes) -> str:
    """A name as text: one that is not UTF-8 is an old Windows', as zips from there are unpacked."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _inside(entry: os.DirEntry[str], root: Path) -> str:
    """Where a link leads, if that is an ordinary file of the same submission; "" else: then it is refused in words."""
    target = os.path.realpath(entry.path)
    return target if Path(target).is_relative_to(root) and os.path.isfile(target) else ""


def _reader(path: str, name: str) -> Callable[[], bytes]:
    return lambda: read_file(Path(path), name)


def most_mb(name: str) -> int:
    """How many MB of a file of this name are read at most. Of a notebook, what its cells show is cut (see `large`)."""
    return policy.CAPS.upload_mb if name.lower().endswith((*_PACKED, ".ipynb")) else policy.CAPS.file_mb


def counted(size: int, name: str) -> int:
    """What a file of this size adds to what is read in all: nothing where it is too large to be read, as MNIST is."""
    return min(size, policy.CAPS.file_mb * _MB) if size <= most_mb(name) * _MB else 0


def read_file(path: Path, name: str) -> bytes:
    """The bytes of a regular file, no link, at most `most_mb`. Raises SubmissionError."""
    limit = most_mb(name) * _MB
    if path.is_symlink():
        raise SubmissionError(f"{name} is a link to another file. Hand in the file itself.")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SubmissionError(f"{name} cannot be read: {error.strerror}.") from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SubmissionError(f"{name} is not an ordinary file. Hand in the file itself.")
        data = file.read(limit + 1) if status.st_size <= limit else b""
    if status.st_size > limit or len(data) > limit:
        raise SubmissionError(too_large(name, max(status.st_size, len(data))))
    return data


def too_large(name: str, size: int, most: int = 0) -> str:
    """The words for a file over the cap, which is `most` MB, or what is read of a file of this name."""
    return (
        f"{name} has {size / _MB:.0f} MB; at most {most or most_mb(name)} MB are read. "
        f"{_SMALLER.get(PurePosixPath(name).suffix.lower(), _OTHERWISE)}, and hand in again."
    )
