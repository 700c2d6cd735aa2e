"""Where the students' entries begin: below a wrapper, in nbgrader's `submitted`, in a folder for each section.

Why separate: what is wrapped, parted or laid beside the course's own folders is still one class, and taken as it stands
every section would be one student.
"""

from __future__ import annotations

from pathlib import Path

from autograder.commands.batch.exports import systems
from autograder.handin import folders

_NBGRADER = ("source", "release", "autograded", "feedback", "nbgrader_config.py", "gradebook.db")
_WRAPPED = 3  # folders around a class
_SURE = 3  # different works that no single person hands in


def tops(folder: Path, out: Path | None) -> tuple[list[Path], list[str]]:
    """The folders in which the students' entries lie side by side, and what staff should know about them.

    `out`: where results go, resolved. It may lie in the class's folder, and is nobody's.
    """
    notes = []
    for _ in range(_WRAPPED):
        names = {path.name for path in folders.listed_in(folder)}
        if "submitted" in names and names & set(_NBGRADER):
            folder = folder / "submitted"
            notes.append("read as a course of nbgrader: what lies in submitted/ is graded, and nothing else")
            break
        inside = _wrapped(folder, out)
        if inside is None:
            break
        notes.append(f"the class is in {inside.name}/, the only folder with submissions")
        folder = inside
    sections = _sections(folder, out)
    if sections:
        notes.append(f"taken as parts of one class: {', '.join(f'{each.name}/' for each in sections)}")
    return sections or [folder], notes


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
    return inside[0] if _surely_a_class(inside[0]) else None


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


def _surely_a_class(folder: Path) -> bool:
    return len(systems.read(folders.listed_in(folder))) > 1 or len(folders.submissions_in(folder)) >= _SURE


def _entries(folder: Path) -> list[Path]:
    return [path for path in folders.listed_in(folder) if path.is_dir() or folders.is_work(path.name)]


def _loose(entry: Path) -> bool:
    """Whether it is the work itself, as it lies in a student's own folder, and neither a student's folder nor a zip."""
    return entry.is_file() and entry.name.lower() in folders.WORK
