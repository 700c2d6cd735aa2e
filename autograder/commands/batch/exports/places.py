"""Where the students' entries begin: below a wrapper, in nbgrader's `submitted`, by section, or by kind of file.

Why separate: what is wrapped, parted or laid beside the course's own folders is still one class, and taken as it stands
every section would be one student.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from autograder.commands.batch.exports import pairs, people, systems
from autograder.core.policy import FILES
from autograder.handin import folders
from autograder.handin.files import kinds

_TEAMS = "Submitted files"  # beside "Working files", which nobody handed in
_FORM = "(File responses)"  # Google Forms: a folder for each question to which files are the answer
_MOST = 200  # files of one entry that are looked at by name
_NBGRADER = ("source", "release", "autograded", "feedback", "nbgrader_config.py", "gradebook.db")
_WRAPPED = 3  # folders around a class
_SURE = 3  # different works that no single person hands in
_HOMEWORK = re.compile(r"(?:hw|homework|assignment|pset)[ _-]*0*(\d+)", re.IGNORECASE)
_RESULTS = ({"index.html", "summary.json", "records"}, {"feedback.csv"})  # what `batch` and `feedback` write


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
        if own := _this_homework(folder, out):
            folder = own
            notes.append(f"only {own.name}/ is graded: the folders beside it are other homeworks'")
            continue
        inside = _wrapped(folder, out)
        if inside is None:
            break
        notes.append(f"the class is in {inside.name}/, the only folder with submissions")
        folder = inside
    if ours := [path for path in folders.listed_in(folder) if _ours(path)]:
        notes.append(f"left out, for they are results of an earlier run: {', '.join(f'{each.name}/' for each in ours)}")
    if kinds_apart := _by_kind(folder, out):
        named = ", ".join(f"{each.name}/" for each in kinds_apart)
        notes.append(f"read as one class with a folder for each kind of file: {named}")
        return [Part(tuple(kinds_apart))], notes
    beside: list[Path] = []
    sections = _sections(folder, out) or (beside := _beside_students(folder, out))
    if sections:
        notes.append(f"taken as parts of one class: {', '.join(f'{each.name}/' for each in sections)}")
    parts = [Part((each,)) for each in sections]
    return [Part((folder,), frozenset(beside)), *parts] if beside or not parts else parts, notes


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
    return any(ours <= within for ours in _RESULTS)


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
    """Whether several people's works lie in it, or in the only folder of it."""
    if _TEAMS in {path.name for path in folders.listed_in(folder)} or _surely_a_class(folder):
        return True
    if len(people.apart(folder)) > 1 or _by_kind(folder, out) or _sections(folder, out):
        return True
    inside = _only_folder(folder, out) if depth else None
    return inside is not None and _is_a_class(inside, out, depth - 1)


def _this_homework(folder: Path, out: Path | None) -> Path | None:
    """This homework's folder among those of several."""
    inside = [path for path in folders.listed_in(folder) if path.is_dir() and not holds(path, out)]
    numbers = {path: found[1] for path in inside if (found := _HOMEWORK.fullmatch(path.name))}
    own = [path for path, number in numbers.items() if number in re.findall(r"\d+", FILES.notebook)]
    return own[0] if len(own) == 1 and 1 < len(numbers) == len(inside) else None


def _sections(folder: Path, out: Path | None) -> list[Path]:
    """The folders of a class that is kept in parts; none when they may be students'.

    One holds three works of several people, or half of them two. Where names come again from folder to folder, they are
    attempts or parts of a homework, and each folder a student's, unless the folders' own names say that they are not.
    """
    listed = [path for path in folders.listed_in(folder) if not holds(path, out)]
    if any(path.is_file() and (folders.is_work(path.name) or path.name == folders.ROSTER) for path in listed):
        return []
    parts = {path: _entries(path) for path in listed if path.is_dir()}
    parts = {path: entries for path, entries in parts.items() if entries}
    if len(parts) < 2 or not (any(_surely_a_class(path) for path in parts) or _of_people(parts)):
        return []
    if any(folders.own_files(path) or any(_loose(entry) for entry in entries) for path, entries in parts.items()):
        return []
    if 2 * sum(len(entries) > 1 for entries in parts.values()) < len(parts):
        return []
    named = any(people.person(path.name) for path in parts)
    return [] if named and folders.again(parts.values()) else sorted(parts)


def _of_people(parts: Iterable[Path]) -> bool:
    """Whether each folder holds somebody's work, half of them those of two people, and all together of three."""
    whose = [len(people.apart(path)) for path in parts]
    return all(whose) and sum(whose) >= _SURE and 2 * sum(count > 1 for count in whose) >= len(whose)


def _beside_students(folder: Path, out: Path | None) -> list[Path]:
    """The folders of several people that lie beside students' own: what came late, or sections where they are sure."""
    inside = [path for path in folders.listed_in(folder) if path.is_dir() and not holds(path, out)]
    inside = [path for path in inside if not folders.own_files(path) and folders.listed_in(path)]
    late = [path for path in inside if people.groups(path.name, late=True)]
    sure = [path for path in inside if path not in late and _surely_a_class(path)]
    more = sure if len(sure) > 1 else [path for path in sure if people.groups(path.name)]
    found = sorted({*late, *more})
    return found if any(path not in found for path in folders.listed_in(folder)) else []


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


def _surely_a_class(folder: Path) -> bool:
    if len(systems.read(folders.listed_in(folder))) > 1 or len(folders.submissions_in(folder)) >= _SURE:
        return True
    return len(people.apart(folder)) >= _SURE


def several_in(entry: Path) -> bool:
    """Whether what was taken for one hand-in holds at least three whole works that differ: drafts, or a class.

    Or the works of two people: it may be that they worked together.
    """
    if not entry.is_dir():
        return False
    if len(_entries(entry)) >= _SURE and len(folders.submissions_in(entry)) >= _SURE:
        return True
    return len(people.apart(entry)) > 1 or _numbered(entry)


def _numbered(entry: Path) -> bool:
    """Whether as many works lie in it that differ in a number alone: hw6.ipynb, hw6 (1).ipynb, hw6 (2).ipynb."""
    stems = [kinds.named(path.name) for path in folders.listed_in(entry) if path.is_file()]
    same = Counter(re.sub(r"\s*\(\d+\)", "", named.stem) for named in stems if named.kind == kinds.NOTEBOOK)
    return max(same.values(), default=0) >= _SURE


def _entries(folder: Path) -> list[Path]:
    return [path for path in folders.listed_in(folder) if path.is_dir() or folders.is_work(path.name)]


def _loose(entry: Path) -> bool:
    """Whether it is the work itself, as it lies in a student's own folder, and neither a student's folder nor a zip."""
    return entry.is_file() and entry.name.lower() in folders.WORK
