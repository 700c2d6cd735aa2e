"""Who handed in what in a Gradescope export: its submission_metadata.yml, read without trust.

Why separate: it is the platform's file with everybody's names in it, and whatever it holds, the class is graded.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from autograder.commands.batch.entries import Person
from autograder.core.text import one_line
from autograder.core.times import time_of
from autograder.handin.folders import ROSTER

MAX_ROSTER_MB = 64  # it repeats every test's output: 0.1 MB a student would be much
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?\s*(Z|UTC|[+-]\d\d:?\d\d)?$")


Roster = dict[str, tuple[tuple[Person, ...], datetime | None]]  # people and time by the name of a folder


def read(path: Path) -> tuple[Roster, tuple[str, ...]]:
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
    # Numbers, dates and yes stay as they are typed: an id keeps its zeros, and a broken date stops nothing.
    for kind in ("int", "float", "bool", "timestamp"):
        Loader.add_constructor(f"tag:yaml.org,2002:{kind}", lambda loader, node: node.value)
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
    try:
        return time_of(*found.groups())
    except ValueError:
        return None


def _field(found: object, key: str) -> object:
    """The value under ":name" (a Ruby symbol) or "name"."""
    if not isinstance(found, dict):
        return None
    return found.get(f":{key}", found.get(key))


def _word(value: object) -> str:
    return one_line(str(value)) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
