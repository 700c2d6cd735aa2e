"""A class that comes as one zip: unpacked once, beside the results, so that every later run finds it there.

Why separate: the zip is the platform's or a colleague's, its names and contents are students'. Nothing leaves the
folder, nothing is executable or a link, and what does not fit on the disk is refused before it is written.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import lzma
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from autograder.commands.batch.exports import people, systems
from autograder.commands.batch.exports.places import holds
from autograder.core.errors import UsageError
from autograder.handin.files import kinds
from autograder.handin.files.packed_names import name_of
from autograder.handin.folders import BESIDE, ROSTER, WORK, is_work, own_files
from autograder.report import results
from autograder.sandbox import scratch

MARK = ".unpacked"  # in the folder: the hash of the zip that it is from
_SEVERAL = 3  # hand-ins in a zip that is called as one person's may be
_LONGEST_LIST = 8 << 20  # bytes of a zip's list: some 80,000 files; read in 0.5 s
_END_BYTES = (1 << 16) + 22  # in which a zip's end stands, with the longest comment
MAX_MEMBERS = 500_000  # a thousand submissions of some ten files, and a virtual environment in a few of them
MAX_GB = 64
_CHUNK = 1 << 20
_LONGEST_NAME = 255  # bytes; other systems count letters, of which one has up to four
# What reading a zip raises where it is broken; ValueError: a name that is no text, a number that is none.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, NotImplementedError, RuntimeError, EOFError,
    ValueError,
)  # fmt: skip
_PART = re.compile(r"(.+-\d{8}T\d{6}Z(?:-\d+)?)-\d{3}\.zip", re.IGNORECASE)  # HW6-20261121T171502Z-001.zip


def folder_of(path: Path, out: Path, single: Callable[[Path], str]) -> Path:
    """The folder of submissions: `path` itself, or where its zip was unpacked.

    Raises UsageError for a bad zip, and for one that is a single submission's: `single` words the command for that.
    """
    zips = _zips(path, out.resolve())
    if not zips:
        return path
    if len(zips) == 1 and _is_one(path):
        raise UsageError(f"{path} is one submission, and this command takes a class:\n  for this one:  {single(path)}")
    results.make_folder(out)
    target = out / "submissions"
    digest = "".join(map(_digest, zips))
    if _marked(target) == digest:
        return target
    if target.exists() and _marked(target) is None:
        raise UsageError(f"{target} is in the way and is not from a zip: give another --out")
    _unpack(zips, target, apart=len(zips) > 1 and not _PART.fullmatch(zips[0].name))
    (target / MARK).write_text(digest)
    return target


def _zips(path: Path, out: Path) -> list[Path]:
    """The zips that a class comes in: one, or the parts of one download, which Drive cuts any folder into."""
    if path.is_file():
        part = _PART.fullmatch(path.name)
        beside = sorted(path.parent.glob(f"{glob.escape(part[1])}-*.zip")) if part else []
        parts = [each for each in beside if _PART.fullmatch(each.name)]
        return parts or ([path] if path.suffix.lower() == ".zip" else [])
    try:
        entries = [entry for entry in path.iterdir() if not holds(entry, out)]
        listed = sorted(entry for entry in entries if entry.is_dir() or is_work(entry.name))
    except OSError:
        return []  # said when the class is read
    if len(listed) == 1 and listed[0].is_dir() and not own_files(listed[0]):
        inside = _zips(listed[0], out)  # one folder down; of one student's zips none is a class
        return [] if len(inside) == 1 and not is_a_class(inside[0]) else inside
    found = {part[1]: part for entry in listed if entry.is_file() and (part := _PART.fullmatch(entry.name))}
    if len(found) == 1 and all(_PART.fullmatch(entry.name) for entry in listed):
        return listed
    alone = bool(listed) and all(entry.suffix.lower() == ".zip" for entry in listed)
    sections = alone and all(is_a_class(entry) or not people.person(entry.stem) for entry in listed)
    return listed if sections and any(map(is_a_class, listed)) else []


def is_a_class(path: Path) -> bool:
    """Whether several people's works are in a zip, by its list alone: a class, or a section of one.

    It may be a student's, and this is the class's own process: what is broken or has a long list is no class, whatever
    it is.
    """
    return _told(path, lambda whose, own: len(whose) >= (_SEVERAL if own else 2))


def several_in(path: Path) -> bool:
    """Whether works of two people are in a zip, whosever it is by its name: they may have worked together."""
    return _told(path, lambda whose, own: len(whose) > 1)


def _told(path: Path, enough: Callable[[set[str], set[str]], bool]) -> bool:
    try:
        return path.suffix.lower() == ".zip" and _list_size(path) <= _LONGEST_LIST and _holds_several(path, enough)
    except (*_DAMAGED, OSError):
        return False


def _list_size(path: Path) -> int:
    """Bytes of a zip's list of members, as its end says: for what is not looked at, a number that is too large."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _END_BYTES))
        before, _, found = file.read(_END_BYTES).rpartition(b"PK\5\6")
    long = len(found) < 18 or b"PK\6\7" in before[-20:]  # of more than 4 GB or 65,535 files: another record counts
    return _LONGEST_LIST + 1 if long else int.from_bytes(found[8:12], "little")


def _holds_several(path: Path, enough: Callable[[set[str], set[str]], bool]) -> bool:
    """Whether those whose works lie in it are `enough`, which is given their names, and the words of the zip's own."""
    with zipfile.ZipFile(path) as archive:
        paths = [_parts(member) for member in archive.infolist() if _wanted(member)]
    front = _common(paths)
    below = [parts[front:] for parts in paths]
    tops = {parts[0].lower() for parts in below if len(parts) == 1}
    if tops & {*WORK, *BESIDE, ROSTER}:
        return ROSTER in tops
    exported = systems.read(Path(parts[0]) for parts in below if len(parts) == 1)
    if len({name.who for name in exported.values()}) > 1:
        return True
    whole = {parts[0] for parts in below if len(parts) > 1 and _is_whole(parts[-1])}
    whole |= {parts[0] for parts in below if len(parts) == 1 and _is_whole(parts[0])}
    whose = {people.identity(kinds.named(name).stem) for name in whole} - {""}
    own = set(people.person(path.stem).split())
    return enough(whose, own) and not any(own & set(who.split()) for who in whose)


def _is_whole(name: str) -> bool:
    """A notebook or an archive, or what has the right name; somebody's own modules may be called anything."""
    return name.lower() in WORK or kinds.named(name).kind in (kinds.NOTEBOOK, kinds.ZIP)


def _is_one(path: Path) -> bool:
    """Whether the work itself stands at the zip's top, and not in a folder or zip of somebody's."""
    try:
        with zipfile.ZipFile(path) as archive:
            paths = [_parts(member) for member in archive.infolist() if _wanted(member)]
    except (*_DAMAGED, OSError):
        return False  # said when it is unpacked
    return any(len(parts) == 1 and parts[0] in (*WORK, *BESIDE) for parts in paths)


def _digest(path: Path) -> str:
    total = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while part := file.read(_CHUNK):
                total.update(part)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    return total.hexdigest()


def _marked(target: Path) -> str | None:
    try:
        return (target / MARK).read_text()
    except OSError:
        return None


def _unpack(zips: Sequence[Path], target: Path, *, apart: bool) -> None:
    """All into one folder; `apart`: each into one of its own, since each is a part of the class."""
    path = zips[0]
    try:
        with contextlib.ExitStack() as opened:
            archives = [opened.enter_context(zipfile.ZipFile(path := each)) for each in zips]
            members = [(archive, member) for archive in archives for member in archive.infolist() if _wanted(member)]
            _check(path, [member for _, member in members if not _is_folder(member)], target.parent)
            if target.exists():
                scratch.remove(str(target))  # of an earlier zip
            target.mkdir()
            (target / MARK).write_text("")  # ours, and not whole yet
            for group in [[each] for each in archives] if apart else [archives]:
                front = _common([_parts(member) for archive, member in members if archive in group])
                for archive, member in (pair for pair in members if pair[0] in group):
                    path = Path(str(archive.filename))
                    below = _parts(member)[front:]
                    place = target.joinpath(*[path.stem] * apart, *below)
                    place.mkdir(parents=True, exist_ok=True) if _is_folder(member) else _write(archive, member, place)
    except _DAMAGED as error:
        raise UsageError(
            f"{path} cannot be unpacked ({error}). Download it once more, or unpack it and give the folder"
        ) from None


def _wanted(member: zipfile.ZipInfo) -> bool:
    """A plain file or a folder with a harmless path, and none of what systems leave in zips."""
    parts = PurePosixPath(name_of(member)).parts
    mode = member.external_attr >> 16
    plain = not mode or not stat.S_IFMT(mode) or (stat.S_ISDIR(mode) if _is_folder(member) else stat.S_ISREG(mode))
    harmless = bool(parts) and ".." not in parts and not parts[0].startswith(("/", "__MACOSX"))
    return harmless and plain and "\0" not in member.filename


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    """The names on its way; of a folder an empty one more, so that it lies in none that has to be kept for it alone."""
    parts = tuple(_fitting(part) for part in PurePosixPath(name_of(member)).parts)
    return (*parts, "") if _is_folder(member) else parts


def _fitting(name: str) -> str:
    """A name that this disk takes: one that is too long keeps its beginning, and its ending says what it is."""
    raw = name.encode("utf-8", "replace")
    if len(raw) <= _LONGEST_NAME:
        return name
    last = "".join(PurePosixPath(name).suffixes[-2:])[-16:]  # .tar.gz
    last = f"~{hashlib.sha256(raw).hexdigest()[:8]}{last}"  # of two that begin alike each is kept
    return raw[: _LONGEST_NAME - len(last.encode("utf-8", "replace"))].decode(errors="ignore") + last


def _is_folder(member: zipfile.ZipInfo) -> bool:
    return name_of(member).endswith("/")


def _check(path: Path, members: list[zipfile.ZipInfo], place: Path) -> None:
    size = sum(member.file_size for member in members)
    if not members:
        raise UsageError(f"{path} holds no files")
    if any(member.flag_bits & 1 for member in members):
        raise UsageError(f"{path} is protected by a password: unpack it yourself, and give the folder")
    if len(members) > MAX_MEMBERS or size > MAX_GB << 30:
        raise UsageError(
            f"{path} holds {len(members):,} files of {size >> 20:,} MB: unpack it yourself, and look at it"
        )
    if size > shutil.disk_usage(place).free * 0.9:
        raise UsageError(f"{path} holds {size >> 20:,} MB, more than is free in {place}: give an --out with more room")


def _common(paths: list[tuple[str, ...]]) -> int:
    """How many folders wrap the submissions: what all files lie in, unless it is itself somebody's submission."""
    count = 0
    while all(len(parts) > count + 1 for parts in paths) and len({parts[count] for parts in paths}) == 1:
        if any(len(parts) == count + 2 and parts[-1] in (*WORK, *BESIDE) for parts in paths):
            break
        count += 1
    return count


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, place: Path) -> None:
    """One member; its size is what the zip's list says, or it is a bomb. Names that the disk refuses are left out."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        left = member.file_size
        with archive.open(member) as source, place.open("xb") as file:
            while part := _more(source):
                left -= len(part)
                if left < 0:
                    raise zipfile.BadZipFile(f"{name_of(member)} is larger than the zip says")
                file.write(part)
    except FileExistsError:
        pass  # a second member of the same name: the first one stays
    except OSError as error:
        if error.errno in (28, 122):  # ENOSPC, EDQUOT
            raise UsageError(f"{place.parent}: the disk is full. Give an --out with more room") from None


def _more(source: IO[bytes]) -> bytes:
    """The next bytes. Raises BadZipFile: what bzip2 says of damaged data reads as a disk's refusal."""
    try:
        return source.read(_CHUNK)
    except (OSError, lzma.LZMAError) as error:
        raise zipfile.BadZipFile(str(error)) from None
