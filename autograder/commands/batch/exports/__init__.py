"""A class as course systems and people lay it out: which files are one hand-in, whose it is, and when it came.

Why separate: Canvas, Moodle, Blackboard and others put several files of each student side by side, and what belongs
together stands only in names. Read one by one, the answers would be nobody's and everybody's written questions lost.
Nothing here opens a submission.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from autograder.commands.batch.entries import Person
from autograder.commands.batch.exports import pairs, stamps, systems
from autograder.commands.batch.exports.gathering import listed
from autograder.commands.batch.exports.systems import Named
from autograder.handin.files import kinds

_SAKAI = "Submission attachment(s)"  # what the student gave; comments and feedback lie beside it


class HandIn(msgspec.Struct, frozen=True):
    """What one student handed in at one time: files with the names that they gave them. `label` may not be unique."""

    label: str
    files: tuple[tuple[Path, str], ...]
    people: tuple[Person, ...] = ()
    when: datetime | None = None
    system: str = ""
    part: str = ""  # of the class that it lies in

    @property
    def longer(self) -> str:
        """A label that tells it from others of the same one, if anything does."""
        if self.part:
            return f"{self.part}_{self.label}"
        return self.label if self.system else self.files[0][0].name

    @property
    def alone(self) -> Path | None:
        """The one file or folder that it is; None where several have to be gathered."""
        return self.files[0][0] if len(self.files) == 1 else None


class Found(msgspec.Struct, frozen=True):
    """The hand-ins of one folder, and what staff should know about how they were told apart."""

    hand_ins: tuple[HandIn, ...]
    notes: tuple[str, ...] = ()


def found(entries: Sequence[Path], gradable: Sequence[Path]) -> Found:
    """The hand-ins among all `entries` of one folder, of which `gradable` can be graded by themselves."""
    named = systems.read(entries)
    if len(named) < sum(path not in named for path in gradable):
        named = {}
    from_systems, notes = _from_systems(named)
    rest = [path for path in gradable if path not in named]
    index = {"index.html"} if named else set()  # some systems put one beside what they export
    files = [path for path in entries if path not in named and path.is_file() and path.name not in index]
    by_name, more = _by_name(rest, files)
    return Found((*from_systems, *by_name), (*notes, *more))


def _from_systems(named: dict[Path, Named]) -> tuple[list[HandIn], list[str]]:
    groups: dict[tuple[str, str, datetime | None, bool], list[tuple[Path, Named]]] = defaultdict(list)
    for path, name in named.items():
        groups[name.system, name.who, name.when, name.late].append((path, name))
    attempts: dict[str, int] = defaultdict(int)
    for _, who, _, _ in groups:
        attempts[who] += 1
    hand_ins = [_hand_in(group, attempts[group[0][1].who] > 1) for group in groups.values()]
    notes = []
    for system in dict.fromkeys(name.system for name in named.values()):
        mine = [name for name in named.values() if name.system == system]
        whose = len({name.who for name in mine})
        notes.append(f"read as an export of {system}: {len(mine)} of its entries, {whose} who handed in")
        if late := sorted({name.who for name in mine if name.late}):
            notes.append(f"marked as late by {system}: {shown(late)}")
    return hand_ins, notes


def _hand_in(group: Sequence[tuple[Path, Named]], one_of_several: bool) -> HandIn:
    name = group[0][1]
    label = name.who
    if one_of_several:
        label += "_LATE" if name.late else f"_{name.when:%Y-%m-%d_%H%M}" if name.when else ""
    given = [(path, name) for path, name in group if name.file not in (".txt", "text.html")] or group
    files: list[tuple[Path, str]] = []
    for path, each in given:
        inside = path / _SAKAI
        path = inside if each.system == "Sakai" and inside.is_dir() else path
        if path.is_dir() and len(given) > 1:
            files += [(child, child.name) for child in listed(path)]
        else:
            files.append((path, each.file or path.name))
    person = Person(name.name, user=name.user)
    when = name.when or next((time for path, _ in group if path.is_dir() and (time := stamps.of(path))), None)
    return HandIn(label, tuple(files), (person,), when, name.system)


def _by_name(works: Sequence[Path], files: Sequence[Path]) -> tuple[list[HandIn], list[str]]:
    """Each work, with the files that are named like it."""
    beside, alone = pairs.paired(path.name for path in files)
    by_name = {path.name: path for path in files}
    merged = {name for others in beside.values() for name in others}
    folders: dict[str, list[Path]] = defaultdict(list)  # of one name where a class is kept by kind of file
    for path in works:
        if path.is_dir():
            folders[path.name].append(path)
    named = {path: " ".join(pairs.words(path.name)) for path in works if path.is_dir()}
    beside |= {path.name: [name for name in alone if pairs.owner(name) == who] for path, who in named.items() if who}
    alone = [name for name in alone if pairs.owner(name) not in {*named.values()} - {""}]
    hand_ins, together = [], []
    for path in works:
        others = beside.get(path.name, [])
        if path.name in merged and path.is_file() or path in folders[path.name][1:]:
            continue
        if others:
            together.append(f"{path.name} with {', '.join(others)}")
        given = [path, *folders[path.name][1:], *(by_name[name] for name in others)]
        if path in named and others:
            given[:1] = listed(path)
        label = kinds.named(path.name).stem if path.is_file() else path.name
        when = stamps.of(path) if path.is_dir() else None
        hand_ins.append(HandIn(label, tuple((each, each.name) for each in given), when=when))
    notes = []
    if together:
        notes.append(f"put together by their names: {shown(together, '; ')}")
    if alone:
        notes.append(
            f"left out, for their names say of no submission here that they go with it: {shown(alone)}. Name each like "
            "the notebook that it belongs to, or put each student's files into a folder"
        )
    return hand_ins, notes


def shown(names: Iterable[str], between: str = ", ") -> str:
    """The first few, and how many more."""
    every = list(names)
    more = f"{between}and {len(every) - 5} more" if len(every) > 5 else ""
    return between.join(every[:5]) + more
