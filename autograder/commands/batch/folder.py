"""What a class's folder holds: one entry per submission, and who handed each in.

Why separate: folders come from anywhere (an export of a course system, a folder of files by hand), with strange names
and broken neighbours. Nothing here opens a submission, and nothing but a folder without submissions may stop a class.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import msgspec

from autograder.commands.batch import exports, roster
from autograder.commands.batch.entries import Class, Entry
from autograder.commands.batch.exports import places
from autograder.commands.batch.exports.gathering import gather
from autograder.core.errors import UsageError
from autograder.core.text import one_line
from autograder.handin.files import kinds
from autograder.handin.files.members import is_ignored
from autograder.handin.folders import ROSTER

MAX_NAME = 200  # bytes; of the 255 that a file name may have, writing in one step needs another 23
MAX_NOTE = 1500  # characters: five names of the longest that a disk knows, and the sentence around them
GATHERED = "gathered"  # in the folder of results: what of a student lay in several places


def read(folder: Path, *, leave_out: Path | None = None) -> Class:
    """Everything gradable in `folder`: sub-folders, zips, notebooks, scripts, and what an export makes of these.

    `leave_out` is where results go, and where the files of one student are gathered that lie side by side with others'.
    Raises UsageError when it is no folder, cannot be listed, or holds nothing gradable.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: give the folder that holds one folder, zip or file per submission")
    out = leave_out.resolve() if leave_out else None
    tops, notes = places.tops(folder, out)
    hand_ins: list[exports.HandIn] = []
    for top in tops:
        listed = [path for part in top for path in _listed(part) if not places.holds(path, out)]
        gradable = [path for path in listed if _gradable(path)]
        if (top[0] / ROSTER).is_file():
            hand_ins += [
                exports.HandIn(path.stem if path.is_file() else path.name, ((path, path.name),)) for path in gradable
            ]
            continue
        found = exports.found(listed, gradable)
        hand_ins += found.hand_ins if len(tops) == 1 else [_of_part(one, top[0].name) for one in found.hand_ins]
        notes += found.notes
    notes += [*_twice(hand_ins), *_perhaps_classes(hand_ins)]
    if not hand_ins:
        raise UsageError(f"no submission in {folder}: expected sub-folders, .zip, .ipynb or .py files")
    hand_ins.sort(key=lambda one: str(one.files[0][0]))
    people, more = roster.read(tops[0][0] / ROSTER)
    told = (*notes, *more, *_missing(people, hand_ins))  # with names of files, which anybody may have made
    return Class(tuple(_entries(hand_ins, people, out)), tuple(one_line(note, MAX_NOTE) for note in told))


def _of_part(one: exports.HandIn, part: str) -> exports.HandIn:
    return msgspec.structs.replace(one, part=part)


def _twice(hand_ins: Sequence[exports.HandIn]) -> list[str]:
    """That a name comes again in another part of the class: it may be one student, and nothing says which counts."""
    parts: dict[str, list[str]] = {}
    for one in hand_ins:
        if one.part:
            parts.setdefault(one.label, []).append(one.part)
    again = [f"{label} ({', '.join(each)})" for label, each in parts.items() if len(each) > 1]
    return [f"one name in several parts of the class, graded each: {exports.shown(again)}"] if again else []


def _perhaps_classes(hand_ins: Sequence[exports.HandIn]) -> list[str]:
    """That a folder was graded as one student's which may be a class's own."""
    found = [one.alone.name for one in hand_ins if one.alone and places.several_in(one.alone)]
    if not found:
        return []
    said = f"graded as one hand-in each, with three whole works or more in it: {exports.shown(found)}"
    return [f"{said}. If one is a folder of several students, give that folder to batch by itself"]


def _missing(people: roster.Roster, hand_ins: Sequence[exports.HandIn]) -> tuple[str, ...]:
    """That the export's metadata names submissions which are not there."""
    missing = sorted(set(people) - {one.files[0][0].name for one in hand_ins})
    return (f"{ROSTER} names submissions that are not in the folder: {exports.shown(missing)}",) if missing else ()


def _entries(hand_ins: Sequence[exports.HandIn], people: roster.Roster, out: Path | None) -> list[Entry]:
    entries = []
    for identity, one in zip(_identities(hand_ins), hand_ins):
        path = one.alone or (gather(one.files, out / GATHERED / identity) if out else one.files[0][0])
        called = one_line(unicodedata.normalize("NFC", one.label))
        entry = Entry(identity, path, one.people, one.when, one.system, "" if called == identity else called)
        if path.name in people:
            who, when = people[path.name]
            entry = msgspec.structs.replace(entry, people=who, when=when)
        entries.append(entry)
    return entries


def _listed(folder: Path) -> list[Path]:
    try:
        listed = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{folder} cannot be listed: {error.strerror or type(error).__name__}") from error
    return [
        path for path in listed if not (path.name.startswith((".", "__")) or is_ignored(path.name)) and _plain(path)
    ]


def _plain(path: Path) -> bool:
    try:
        return not path.is_symlink() and (path.is_dir() or path.is_file())
    except OSError:
        return False


def _gradable(path: Path) -> bool:
    return path.is_dir() or bool(kinds.named(path.name).kind)


def _identities(hand_ins: Sequence[exports.HandIn]) -> list[str]:
    """File names that are safe and unique, whatever the disk makes of upper and lower case: one for each hand-in.

    A folder keeps its name where that is safe; what must be renamed gives way, with a number at its end.
    """
    stems = [one.label.casefold() for one in hand_ins]
    plain = [one.label if stems.count(one.label.casefold()) == 1 else one.longer for one in hand_ins]
    names: dict[int, str] = {}
    taken: set[str] = set()
    for index in sorted(range(len(plain)), key=lambda index: (_safe(plain[index]) != plain[index], index)):
        stem = _safe(plain[index])
        tries = itertools.chain([stem], (f"{stem}-{count}" for count in itertools.count(2)))
        names[index] = next(name for name in tries if name.casefold() not in taken)
        taken.add(names[index].casefold())
    return [names[index] for index in range(len(plain))]


def _safe(name: str) -> str:
    """Letters, digits, points, dashes and underscores; never hidden, empty, or longer than a file name may be."""
    return (
        re.sub(r"[^\w.-]", "_", unicodedata.normalize("NFC", name))
        .encode()[:MAX_NAME]
        .decode(errors="ignore")
        .lstrip(".")
        or "_"
    )
