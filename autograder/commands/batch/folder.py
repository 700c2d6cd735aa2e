"""What a class's folder holds: one entry per submission, and who handed each in.

Why separate: folders come from anywhere (an export of a course system, a folder of files by hand), with strange names
and broken neighbours. Nothing here opens a submission, and nothing but a folder without submissions may stop a class.
"""

from __future__ import annotations

import itertools
import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import msgspec

from autograder.commands.batch import exports, roster
from autograder.commands.batch.entries import Class, Entry
from autograder.commands.batch.exports import doubts, places
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
        listed = [path for part in top.folders for path in _all(part) if _plain(path) and path not in top.without]
        listed = [path for path in listed if not places.holds(path, out)]
        gradable = [path for path in listed if _gradable(path)]
        notes += _links(top.folders)
        if (top.folders[0] / ROSTER).is_file():
            hand_ins += [
                exports.HandIn(path.stem if path.is_file() else path.name, ((path, path.name),)) for path in gradable
            ]
            continue
        found = exports.found(listed, gradable)
        part = _called(top.folders[0], [each.folders[0] for each in tops]) if len(tops) > 1 else ""
        hand_ins += [msgspec.structs.replace(one, part=part) for one in found.hand_ins]
        notes += found.notes
    notes += doubts.notes(hand_ins)
    if not hand_ins:
        raise UsageError(f"no submission in {folder}: expected sub-folders, .zip, .ipynb or .py files")
    hand_ins.sort(key=lambda one: str(one.files[0][0]))
    read_all = [roster.read(top.folders[0] / ROSTER) for top in tops]
    people = {name: about for part, _ in read_all for name, about in part.items()}
    more = [note for _, notes_of_part in read_all for note in notes_of_part]
    told = (*notes, *more, *_missing(people, hand_ins))  # with names of files, which anybody may have made
    return Class(tuple(_entries(hand_ins, people, out)), tuple(one_line(note, MAX_NOTE) for note in told))


def _called(part: Path, parts: Sequence[Path]) -> str:
    """What a part of the class is called: "late", and "101/late" within a section; "" where it is the class's folder.

    An id begins with it where a name comes again, so it must not depend on which other sections somebody was late in.
    """
    within = part.relative_to(os.path.commonpath(parts))
    return within.as_posix() if within.parts else ""


def _links(parts: Sequence[Path]) -> list[str]:
    """That links among the entries were left out: what they lead to may be anywhere."""
    links = [path.name for part in parts for path in _all(part) if path.is_symlink()]
    return [f"left out, for links are not followed: {exports.shown(sorted(links))}"] if links else []


def _missing(people: roster.Roster, hand_ins: Sequence[exports.HandIn]) -> tuple[str, ...]:
    """That the export's metadata names submissions which are not there, or does not name what is."""
    there = {one.files[0][0].name for one in hand_ins}
    notes = []
    if missing := sorted(set(people) - there):
        notes.append(f"{ROSTER} names submissions that are not in the folder: {exports.shown(missing)}")
    if people and (unknown := sorted(there - set(people))):
        notes.append(f"graded without a name, for {ROSTER} does not name them: {exports.shown(unknown)}")
    return tuple(notes)


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


def _all(folder: Path) -> list[Path]:
    """What lies in it, but for what is hidden or left behind by programs."""
    try:
        listed = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{folder} cannot be listed: {error.strerror or type(error).__name__}") from error
    return [path for path in listed if not (path.name.startswith((".", "__")) or is_ignored(path.name))]


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
    same: dict[str, list[exports.HandIn]] = {}
    for one in hand_ins:
        same.setdefault(one.label.casefold(), []).append(one)
    plain = [one.label if _keeps(one, same[one.label.casefold()]) else one.longer for one in hand_ins]
    names: dict[int, str] = {}
    taken: set[str] = set()
    for index in sorted(range(len(plain)), key=lambda index: (_safe(plain[index]) != plain[index], index)):
        stem = _safe(plain[index])
        tries = itertools.chain([stem], (f"{stem}-{count}" for count in itertools.count(2)))
        names[index] = next(name for name in tries if name.casefold() not in taken)
        taken.add(names[index].casefold())
    return [names[index] for index in range(len(plain))]


def _keeps(one: exports.HandIn, same: Sequence[exports.HandIn]) -> bool:
    """Whether it is called by its label alone, though others have the same: then these lie in parts of its own part.

    Who hands in again, late, is the same submission as before: results, and points that people gave, go by the id.
    """
    below = f"{one.part}/" if one.part else ""
    return all(other is one or other.part != one.part and other.part.startswith(below) for other in same)


def _safe(name: str) -> str:
    """Letters, digits, points, dashes and underscores; never hidden, empty, or longer than a file name may be."""
    return (
        re.sub(r"[^\w.-]", "_", unicodedata.normalize("NFC", name))
        .encode()[:MAX_NAME]
        .decode(errors="ignore")
        .lstrip(".")
        or "_"
    )
