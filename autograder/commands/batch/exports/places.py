"""Where the students' entries begin: below a wrapper, in nbgrader's `submitted`, by section, or by kind of file.

Why separate: what is wrapped, parted or laid beside the course's own folders is still one class, and taken as it stands
every section would be one student.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from autograder.commands.batch.exports import pairs, systems
from autograder.handin import folders

_TEAMS = "Submitted files"  # beside "Working files", which nobody handed in
_FORM = "(File responses)"  # Google Forms: a folder for each question to which files are the answer
_MOST = 200  # files of one entry that are looked at by name
_NBGRADER = ("source", "release", "autograded", "feedback", "nbgrader_config.py", "gradebook.db")
_WRAPPED = 3  # folders around a class
_SURE = 3  # different works that no single person hands in


def tops(folder: Path, out: Path | None) -> tuple[list[tuple[Path, ...]], list[str]]:
    """The folders in which the students' entries lie side by side, and what staff should know about them.

    Several together hold the files of the same students, by kind. `out`: where results go, resolved. It may lie in the
    class's folder, and is nobody's.
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
        notes.append(f"the class is in {inside.name}/, the only folder with submissions")
        folder = inside
    if kinds_apart := _by_kind(folder, out):
        named = ", ".join(f"{each.name}/" for each in kinds_apart)
        notes.append(f"read as one class with a folder for each kind of file: {named}")
        return [tuple(kinds_apart)], notes
    sections = _sections(folder, out)
    if sections:
        notes.append(f"taken as parts of one class: {', '.join(f'{each.name}/' for each in sections)}")
    return [(each,) for each in sections or [folder]], notes


def holds(path: Path, out: Path | None) -> bool:
    """Whether `path` is the folder of results or holds it and nothing else that could be handed in."""
    if out is None:
        return False
    here = path.resolve()
    return here == out or (out.is_relative_to(here) and not any(p.resolve() != out for p in here.iterdir()))


def _wrapped(folder: Path, out: Path | None) -> Path | None:
    """The only folder in it, where that is surely a class's and nobody's hand-in."""
    listed = [path for path in folders.listed_in(folder) if not holds(path, out)]
    inside = [path for path in listed if path.is_dir()]
    if len(inside) != 1 or any(folders.is_work(path.name) for path in listed if path.is_file()):
        return None
    within = {path.name for path in folders.listed_in(inside[0])}
    return inside[0] if _TEAMS in within or _surely_a_class(inside[0]) or _by_kind(inside[0], out) else None


def _sections(folder: Path, out: Path | None) -> list[Path]:
    """The folders of a class that is kept in parts; none when they may be students'.

    Where names come again from folder to folder, they are attempts or parts of a homework, and each folder a student's.
    """
    listed = [path for path in folders.listed_in(folder) if not holds(path, out)]
    if any(path.is_file() and (folders.is_work(path.name) or path.name == folders.ROSTER) for path in listed):
        return []
    parts = {path: _entries(path) for path in listed if path.is_dir()}
    parts = {path: entries for path, entries in parts.items() if entries}
    if len(parts) < 2 or not any(_surely_a_class(path) for path in parts):
        return []
    if any(folders.own_files(path) or any(_loose(entry) for entry in entries) for path, entries in parts.items()):
        return []
    if 2 * sum(len(entries) > 1 for entries in parts.values()) < len(parts):
        return []
    return [] if folders.again(parts.values()) else sorted(parts)


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
    people = max(({_whose(entry) for entry in held[path]} - {""} for path in at_work), key=len, default=set())
    if len(people) < 2 or any(2 * len(each & people) < max(len(each), 1) for each in apart):
        return []
    return sorted(held)


def _whose(entry: Path) -> str:
    return entry.name.casefold() if entry.is_dir() else pairs.owner(entry.name)


def _files(entry: Path) -> list[Path]:
    """The file itself, or those of a person's folder, as many as one may have."""
    if entry.is_file():
        return [entry]
    return [path for path in itertools.islice(entry.rglob("*"), _MOST) if path.is_file()]


def _surely_a_class(folder: Path) -> bool:
    return len(systems.read(folders.listed_in(folder))) > 1 or len(folders.submissions_in(folder)) >= _SURE


def several_in(entry: Path) -> bool:
    """Whether what was taken for one hand-in holds at least three whole works that differ: drafts, or a class."""
    return entry.is_dir() and len(_entries(entry)) >= _SURE and len(folders.submissions_in(entry)) >= _SURE


def _entries(folder: Path) -> list[Path]:
    return [path for path in folders.listed_in(folder) if path.is_dir() or folders.is_work(path.name)]


def _loose(entry: Path) -> bool:
    """Whether it is the work itself, as it lies in a student's own folder, and neither a student's folder nor a zip."""
    return entry.is_file() and entry.name.lower() in folders.WORK
