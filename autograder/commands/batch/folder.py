"""What a class's folder holds: one entry per submission, and who handed each in.

Why separate: folders come from anywhere (an unpacked Gradescope export, a folder of files by hand), with strange names
and broken neighbours. Nothing here opens a submission, and nothing but a folder without submissions may stop a class.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from autograder.core.errors import UsageError
from autograder.core.text import one_line
from autograder.handin.folders import ROSTER

SUFFIXES = {".zip", ".ipynb", ".py"}
MAX_ROSTER_MB = 64  # it repeats every test's output: 0.1 MB a student would be much
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?\s*(Z|[+-]\d\d:\d\d)?$")
MAX_NAME = 200  # bytes; of the 255 that a file name may have, writing in one step needs another 23


class Person(msgspec.Struct, frozen=True):
    """A student as the platform names them; what is not known is empty."""

    name: str = ""
    sid: str = ""
    email: str = ""


class Entry(msgspec.Struct, frozen=True):
    """One submission of a class: an id that is safe and unique as a file name, where it lies, and who handed it in."""

    id: str
    path: Path
    people: tuple[Person, ...] = ()
    when: datetime | None = None  # it was handed in, if an export says so


class Class(msgspec.Struct, frozen=True):
    """The submissions in order of name, and what staff should know about the folder."""

    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()


def read(folder: Path, *, leave_out: Path | None = None) -> Class:
    """Everything gradable in `folder`: sub-folders, zips, notebooks and scripts; `leave_out` is where results go.

    Raises UsageError when it is no folder, cannot be listed, or holds nothing gradable.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: give the folder that holds one folder, zip or file per submission")
    try:
        listed = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{folder} cannot be listed: {error.strerror or type(error).__name__}") from error
    out = leave_out.resolve() if leave_out else None
    found = [path for path in listed if _gradable(path) and not (out and _holds(path, out))]
    if not found:
        raise UsageError(f"no submission in {folder}: expected sub-folders, .zip, .ipynb or .py files")
    people, notes = _roster(folder / ROSTER)
    missing = sorted(set(people) - {path.name for path in found})
    if missing:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        notes += (f"{ROSTER} names submissions that are not in the folder: {shown}",)
    identities = zip(_identities(found), found)
    entries = (Entry(identity, path, *people.get(path.name, ((), None))) for identity, path in identities)
    return Class(tuple(entries), notes)


def _gradable(path: Path) -> bool:
    if path.name.startswith((".", "__")) or path.is_symlink():
        return False
    try:
        return path.is_dir() or (path.is_file() and path.suffix.lower() in SUFFIXES)
    except OSError:
        return False


def _holds(path: Path, out: Path) -> bool:
    """Whether `path` is the folder of results or holds it and nothing else that could be handed in."""
    here = path.resolve()
    return here == out or (out.is_relative_to(here) and not any(p.resolve() != out for p in here.iterdir()))


def _identities(found: Iterable[Path]) -> list[str]:
    """File names that are safe and unique, whatever the disk makes of upper and lower case: one for each path.

    A folder keeps its name where that is safe; what must be renamed gives way, with a number at its end.
    """
    paths = list(found)
    stems = [path.stem.casefold() for path in paths]
    plain = [p.stem if p.is_file() and stems.count(p.stem.casefold()) == 1 else p.name for p in paths]
    names: dict[int, str] = {}
    taken: set[str] = set()
    for index in sorted(range(len(paths)), key=lambda index: (_safe(plain[index]) != plain[index], index)):
        stem = _safe(plain[index])
        tries = itertools.chain([stem], (f"{stem}-{count}" for count in itertools.count(2)))
        names[index] = next(name for name in tries if name.casefold() not in taken)
        taken.add(names[index].casefold())
    return [names[index] for index in range(len(paths))]


def _safe(name: str) -> str:
    """Letters, digits, points, dashes and underscores; never hidden, empty, or longer than a file name may be."""
    return re.sub(r"[^\w.-]", "_", name).encode()[:MAX_NAME].decode(errors="ignore").lstrip(".") or "_"


def _roster(path: Path) -> tuple[dict[str, tuple[tuple[Person, ...], datetime | None]], tuple[str, ...]]:
    """(people and time by folder, notes) of an export's metadata; nothing when there is none. Never raises."""
    if not path.is_file():
        return {}, ()
    try:
        if path.stat().st_size > MAX_ROSTER_MB * 2**20:
            return {}, (f"{ROSTER} is larger than {MAX_ROSTER_MB} MB and was not read: the grades have ids only",)
        content = _yaml(path.read_bytes())
    except Exception as error:  # a parser of other people's bytes: whatever it says, the class is graded
        return {}, (f"{ROSTER} cannot be read: the grades have ids only ({one_line(str(error), 120)})",)
    if not isinstance(content, dict):
        return {}, (f"{ROSTER} holds no table of submissions: the grades have ids only",)
    return {str(folder): (_people(about), _when(about)) for folder, about in content.items()}, ()


def _yaml(data: bytes) -> object:
    """YAML as plain data. Ruby's own types, which the platform writes, are read as the plain value they hold."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """A loader of our own, so that no other's tags are changed."""

    def plain(loader: Loader, suffix: str, node: yaml.Node) -> object:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return node.value

    Loader.add_multi_constructor("!", plain)
    # Dates stay text, so that a broken one stops nothing.
    Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: node.value)
    return yaml.load(data, Loader=Loader)  # a safe loader: it makes plain data only


def _people(about: object) -> tuple[Person, ...]:
    submitters = _field(about, "submitters")
    listed = submitters if isinstance(submitters, list) else []
    people = (Person(*(_word(_field(each, key)) for key in ("name", "sid", "email"))) for each in listed[:50])
    return tuple(person for person in people if person != Person())


def _when(about: object) -> datetime | None:
    """The time of an export: "2022-05-03 20:00:00.000000000 -07:00"."""
    found = _TIME.match(_word(_field(about, "created_at")))
    if found is None:
        return None
    day, clock, zone = found.groups()
    try:
        return datetime.fromisoformat(f"{day}T{clock}{zone.replace('Z', '+00:00') if zone else ''}")
    except ValueError:
        return None


def _field(found: object, key: str) -> object:
    """The value under ":name" (a Ruby symbol) or "name"."""
    if not isinstance(found, dict):
        return None
    return found.get(f":{key}", found.get(key))


def _word(value: object) -> str:
    return one_line(str(value)) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
