"""Where the students' entries begin: below a wrapper, in nbgrader's `submitted`, by section, or by kind of file.

Why separate: what is wrapped, parted or laid beside the course's own folders is still one class, and taken as it stands
every section would be one student.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from autograder.commands.batch.exports import pairs, people, shown, systems
from autograder.core.policy import FILES
from autograder.handin import folders
from autograder.handin.files import kinds

_TEAMS = "Submitted files"  # beside "Working files", which nobody handed in
_FORM = "(File responses)"  # Google Forms: a folder for each question to which files are the answer
_MOST = 200  # files of one entry that are looked at by name
_NBGRADER = ("source", "release", "autograded", "feedback", "nbgrader_config.py", "gradebook.db")
_WRAPPED = 3  # folders around a class
SURE = 3  # different works that no single person hands in
_HOMEWORK = re.compile(r"(?:hw|homework|assignment|pset)[ _-]*0*(\d+)(?!\d)", re.IGNORECASE)
_RESULTS, _FEEDBACK = {"index.html", "summary.json", "records"}, "feedback.csv"  # what `batch` and `feedback` write


class Part(NamedTuple):
    """Folders whose entries lie side by side; several together hold the files of the same students, by kind.

    `without`: those of their entries that are parts of the class themselves, or nobody's.
    """

    folders: tuple[Path, ...]
    without: frozenset[Path] = frozenset()


def tops(folder: Path, out: Path | None) -> tuple[list[Part], list[str]]:
    """Where the students' entries lie, and what staff should know about that.

    `out`: where results go, resolved. It may lie in the class's folder, and is nobody's.
    """
    notes = []
    for _ in range(_WRAPPED):
        names = {path.name for path in folders.listed_in(folder)}
        if _TEAMS in names:
            folder = folder / _TEAMS
            notes.append(f"read as Microsoft Teams keeps a class: what lies in {_TEAMS}/ is graded, and nothing else")
            break
        if "submitted" in names and names & set(_NBGRADER):
            folder = folder / "submitted"
            notes.append("read as a course of nbgrader: what lies in submitted/ is graded, and nothing else")
            break
        inside = _wrapped(folder, out)
        if inside is None:
            break
        notes += [f"the class is in {inside.name}/, the only folder with submissions", *_left_beside(folder, inside)]
        folder = inside
    if ours := [path for path in folders.listed_in(folder) if _ours(path)]:
        notes.append(f"left out, for they are results of an earlier run: {', '.join(f'{each.name}/' for each in ours)}")
    if kinds_apart := _by_kind(folder, out):
        named = ", ".join(f"{each.name}/" for each in kinds_apart)
        notes.append(f"read as one class with a folder for each kind of file: {named}")
        return [Part(tuple(kinds_apart))], notes
    if exported := _gradescopes(folder, out):
        graded = [path for path in exported if any(map(folders.is_work, _names(path)))] or exported
        without = [f"{path.name}/" for path in exported if path not in graded]
        notes += [f"left out, for no code is in it: {', '.join(without)}"] if without else []
        return [Part((path,)) for path in graded], notes
    beside: list[Path] = []
    others, own = _homeworks(folder, out)
    if others:
        notes.append(f"left out, for they are other homeworks': {', '.join(f'{each.name}/' for each in others)}")
    sections = own or _sections(folder, out) or (beside := _beside_students(folder, out))
    parts = [part for path in sections for part in _within(path, out)]
    if parts:
        named = ", ".join(f"{each.folders[0].relative_to(folder)}/" for each in parts)
        notes.append(f"taken as parts of one class: {named}")
    if sections and not beside:
        notes += _left_beside(folder, *sections)
    rest = Part((folder,), frozenset(beside))
    return [rest, *parts] if beside or not parts else parts, notes


def _within(section: Path, out: Path | None) -> list[Part]:
    """A part of a class, in parts where it is kept in such: by day or time, or what came late by itself."""
    if inside := _sections(section, out):
        return [Part((each,)) for each in inside]
    only = _only_folder(section, out)
    if only and people.groups(only.name) and people.apart(only) and not _is_named(only):
        return [Part((only,))]
    beside = _beside_students(section, out)
    return [Part((section,), frozenset(beside)), *(Part((each,)) for each in beside)]


def _names(folder: Path) -> list[str]:
    return [path.name for path in itertools.islice(folder.rglob("*"), _MOST) if path.is_file()]


def _gradescopes(folder: Path, out: Path | None) -> list[Path]:
    """Exports of Gradescope that lie side by side and are all there is: of two assignments, say, or of two sections."""
    inside = [path for path in folders.listed_in(folder) if path.is_dir() and not holds(path, out)]
    found = [each for path in inside for each in (path, _only_folder(path, out)) if each and _has_roster(each)]
    return found if len(found) == len(inside) else []


def _has_roster(folder: Path) -> bool:
    return (folder / folders.ROSTER).is_file()


def _left_beside(folder: Path, *inside: Path) -> list[str]:
    """What lies beside the folders that are graded, and may be somebody's."""
    files = [path.name for path in folders.listed_in(folder) if path.is_file() and path not in inside]
    found = [name for name in files if pairs.may_be_somebodys(name) and people.identity(kinds.named(name).stem)]
    return [f"left out, for it lies beside the folders of the class: {shown(found)}"] if found else []


def holds(path: Path, out: Path | None) -> bool:
    """Whether `path` is a folder of results, or holds the one that is written now and nothing else to be handed in."""
    if _ours(path):
        return True
    if out is None:
        return False
    here = path.resolve()
    return here == out or (out.is_relative_to(here) and not any(p.resolve() != out for p in here.iterdir()))


def _ours(path: Path) -> bool:
    if not path.is_dir():
        return False
    within = {each.name for each in folders.listed_in(path)}
    return within >= _RESULTS or _FEEDBACK in within and not any(map(folders.is_work, within))


def _only_folder(folder: Path, out: Path | None) -> Path | None:
    """The only folder in it, where no work lies beside that, but for what by name is the course's own."""
    listed = [path for path in folders.listed_in(folder) if not holds(path, out)]
    listed = [path for path in listed if not people.staffs(kinds.named(path.name).stem)]
    inside = [path for path in listed if path.is_dir()]
    if len(inside) != 1 or any(folders.is_work(path.name) for path in listed if path.is_file()):
        return None
    return inside[0]


def _wrapped(folder: Path, out: Path | None) -> Path | None:
    """The only folder in it, where that is surely a class's and nobody's hand-in."""
    inside = _only_folder(folder, out)
    return inside if inside and _is_a_class(inside, out) else None


def _is_a_class(folder: Path, out: Path | None, depth: int = _WRAPPED) -> bool:
    """Whether several people's works lie in it, or in the only folder of it. A person's own has drafts and places."""
    listed = folders.listed_in(folder)
    if _TEAMS in {path.name for path in listed} or _exported(folder):
        return True
    named = bool(people.person(folder.name))
    if len(people.apart(folder)) >= (SURE if named else 2) or _by_kind(folder, out) or _sections(folder, out):
        return True
    if not named and any(people.identity(path.name) for path in listed) and len(folders.submissions_in(folder)) >= SURE:
        return True
    inside = _only_folder(folder, out) if depth else None
    return inside is not None and _is_a_class(inside, out, depth - 1)


def _exported(folder: Path) -> bool:
    """Whether a course system has written it: then each entry is one hand-in, whatever is in there."""
    return (folder / folders.ROSTER).is_file() or len(systems.read(folders.listed_in(folder))) > 1


def _homeworks(folder: Path, out: Path | None) -> tuple[list[Path], list[Path]]:
    """(the folders of other homeworks, those of this one and of what came late), where they lie side by side."""
    inside = [path for path in folders.listed_in(folder) if path.is_dir() and not holds(path, out)]
    nobodys = [path for path in inside if not people.person(path.name)]  # and not hw5-ada/
    numbers = {path: found[1] for path in nobodys if (found := _HOMEWORK.match(path.name))}
    own = [path for path, number in numbers.items() if number in re.findall(r"\d+", FILES.notebook)]
    others = [path for path in numbers if path not in own]
    if not own or not others or any(map(_is_one, numbers)):
        return [], []
    late = [path for path in inside if path not in numbers and people.groups(path.name, late=True)]
    return others, sorted([*own, *late])


def _sections(folder: Path, out: Path | None) -> list[Path]:
    """The folders of a class that is kept in parts; none when they may be students'.

    Each holds somebody's work, half of them those of two people; of three, where the folders have people's names: then
    they may be students with runs and places. Where names come again from folder to folder, they are attempts or parts
    of a homework, and each folder a student's, unless the folders' own names say that they are not.
    """
    listed = [path for path in folders.listed_in(folder) if not holds(path, out)]
    if _exported(folder) or any(path.is_file() and folders.is_work(path.name) for path in listed):
        return []
    inside = [path for path in listed if path.is_dir() and folders.listed_in(path)]
    parts = {path: entries for path in inside if (entries := entries_of(path))}
    named = any(people.person(path.name) for path in parts)
    works = [path for path, entries in parts.items() if named or any(map(folders.is_somebodys, entries))]
    if len(parts) < 2 or not _of_people(works, SURE if named else 2):
        return []
    if any(folders.own_files(path) or any(_loose(entry) for entry in entries) for path, entries in parts.items()):
        return []
    theirs = [[entry for entry in entries if not people.groups(entry.name)] for entries in parts.values()]
    return [] if named and any(theirs) and folders.again(theirs) else sorted(inside)


def _of_people(parts: Iterable[Path], each: int) -> bool:
    """Whether each folder holds somebody's work, half of them those of so many people, and all together of three."""
    whose = [SURE if _exported(path) else _people_in(path) for path in parts]
    return all(whose) and sum(whose) >= SURE and 2 * sum(count >= each for count in whose) >= len(whose)


def _people_in(folder: Path) -> int:
    """How many people's works lie in it, or in the folders of it that are sections by their names."""
    inside = [path for path in folders.listed_in(folder) if path.is_dir() and people.groups(path.name)]
    return len(people.apart(folder)) + sum(len(people.apart(path)) for path in inside)


def _beside_students(folder: Path, out: Path | None) -> list[Path]:
    """The folders of several people that lie beside students' own: what came late, and sections, told by name."""
    if _exported(folder):
        return []
    inside = [path for path in folders.listed_in(folder) if path.is_dir() and not holds(path, out)]
    inside = [path for path in inside if folders.listed_in(path)]
    late = [path for path in inside if people.groups(path.name, late=True) and not (_is_one(path) or _is_named(path))]
    parts = [path for path in inside if people.groups(path.name) or people.numbered(path.name)]
    parts = [path for path in parts if path not in late]
    whose = {path: 0 if _is_one(path) else SURE if _exported(path) else len(people.apart(path)) for path in parts}
    if not all(whose.values()) or max(whose.values(), default=0) < 2:
        parts = []  # groups that handed in one work each, one of them in several folders
    found = sorted({*late, *parts})
    return found if any(path not in found for path in folders.listed_in(folder)) else []


def _is_named(folder: Path) -> bool:
    """Whether an entry has the folder's name in it: Late/Late_hw6.ipynb is somebody's of that name."""
    own = set(pairs.words(folder.name))
    return any(own & set(pairs.words(kinds.named(path.name).stem)) for path in folders.listed_in(folder))


def _is_one(folder: Path) -> bool:
    return bool(folders.own_files(folder)) or any(_loose(entry) for entry in entries_of(folder))


def _by_kind(folder: Path, out: Path | None) -> list[Path]:
    """The folders of a class that is kept by kind of file, as a form's questions are; none when they may be students'.

    Each holds the files or the folders of people, no kind of file lies in two, works lie in one alone (a form has what
    questions it likes), of several people, and at least half of those who have something in another have a work.
    """
    listed = [path for path in folders.listed_in(folder) if not holds(path, out)]
    held = {path: folders.listed_in(path) for path in listed if path.is_dir()}
    held = {path: entries for path, entries in held.items() if entries}
    if len(held) < 2 or any(path.is_file() and folders.is_work(path.name) for path in listed):
        return []
    apart = [{_whose(entry) for entry in entries} - {""} for entries in held.values()]
    mixed = len({entry.is_dir() for entries in held.values() for entry in entries}) > 1
    if mixed or len(set().union(*apart)) < 2:
        return []
    files = {path: [file for entry in entries for file in _files(entry)] for path, entries in held.items()}
    kinds_of = [{file.suffix.lower() for file in each} for each in files.values()]
    at_work = [path for path, each in files.items() if any(folders.is_work(file.name) for file in each)]
    of_a_form = all(path.name.endswith(_FORM) for path in held)
    if sum(map(len, kinds_of)) != len(set().union(*kinds_of)) or not (len(at_work) == 1 or of_a_form):
        return []
    whose = max(({_whose(entry) for entry in held[path]} - {""} for path in at_work), key=len, default=set())
    if len(whose) < 2 or any(2 * len(each & whose) < max(len(each), 1) for each in apart):
        return []
    return sorted(held)


def _whose(entry: Path) -> str:
    return entry.name.casefold() if entry.is_dir() else pairs.owner(entry.name)


def _files(entry: Path) -> list[Path]:
    """The file itself, or those of a person's folder, as many as one may have."""
    if entry.is_file():
        return [entry]
    return [path for path in itertools.islice(entry.rglob("*"), _MOST) if path.is_file()]


def entries_of(folder: Path) -> list[Path]:
    """What in a folder may be a hand-in by itself: its folders, notebooks, scripts and archives."""
    return [path for path in folders.listed_in(folder) if path.is_dir() or folders.is_work(path.name)]


def _loose(entry: Path) -> bool:
    """Whether it is the work itself, as it lies in a student's own folder, and neither a student's folder nor a zip."""
    return entry.is_file() and entry.name.lower() in folders.WORK
