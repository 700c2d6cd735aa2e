"""What staff should look at among the hand-ins of a class: one student twice, several as one, and what is the course's.

Why separate: nothing here changes what is graded. Names decide alone, and names may mean either, so each is told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.commands.batch import unpacking
from autograder.commands.batch.exports import HandIn, people, places, shown
from autograder.handin import folders
from autograder.handin.files import kinds


def notes(hand_ins: Sequence[HandIn]) -> Iterator[str]:
    """Everything that may be otherwise than it was graded."""
    if found := _in_several_parts(hand_ins):
        yield f"one name in several parts of the class, graded each: {shown(found)}"
    if found := _perhaps_one(hand_ins):
        yield f"perhaps one student's, graded each, for their names differ in little: {shown(found, '; ')}"
    if found := [one.label for one in hand_ins if not one.people and people.staffs(one.label)]:
        yield f"graded like any other, though by name it may be the course's own: {shown(found)}"
    if found := [one.alone.name for one in hand_ins if one.alone and _several(one.alone)]:
        yield (
            f"graded as one hand-in each, with several whole works in it: {shown(found)}. "
            "If one is a folder of several students, give that folder to batch by itself"
        )


def _several(entry: Path) -> bool:
    """Whether what was taken for one hand-in holds at least three whole works that differ: drafts, or a class.

    Or the works of two people: it may be that they worked together.
    """
    if not entry.is_dir():
        return unpacking.several_in(entry)
    if len(places.entries_of(entry)) >= places.SURE and len(folders.submissions_in(entry)) >= places.SURE:
        return True
    return len(people.apart(entry)) > 1 or _numbered(entry)


def _numbered(entry: Path) -> bool:
    """Whether as many works lie in it that differ in a number alone: hw6.ipynb, hw6 (1).ipynb, hw6 (2).ipynb."""
    stems = [kinds.named(path.name) for path in folders.listed_in(entry) if path.is_file()]
    same = Counter(re.sub(r"\s*\(\d+\)", "", named.stem) for named in stems if named.kind == kinds.NOTEBOOK)
    return max(same.values(), default=0) >= places.SURE


def _in_several_parts(hand_ins: Sequence[HandIn]) -> list[str]:
    parts: dict[str, list[str]] = {}
    for one in hand_ins:
        if people.identity(one.label):
            parts.setdefault(one.label, []).append(one.part)
    again = {label: [part or "beside these" for part in each] for label, each in parts.items() if len({*each}) > 1}
    return [f"{label} ({', '.join(sorted(each, key='beside these'.__eq__))})" for label, each in again.items()]


def _perhaps_one(hand_ins: Sequence[HandIn]) -> list[str]:
    """Entries with the same person's name in them, where no system says whose they are."""
    whose: dict[str, list[HandIn]] = {}
    for one in hand_ins:
        if not one.people and (who := people.person(one.label)):
            whose.setdefault(who, []).append(one)
    several = [each for each in whose.values() if len(each) > 1]
    named = [[one.longer if one.part or not one.alone else one.alone.name for one in each] for each in several]
    in_parts = [len({one.part for one in each}) > 1 and len({one.label for one in each}) == 1 for each in several]
    return [" and ".join(names) for names, told in zip(named, in_parts) if not told]
