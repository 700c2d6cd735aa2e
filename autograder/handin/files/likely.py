"""Which files may be answers.toml or history.json: the one of that name, then what downloads and editors make of it.

Why separate: "answers (1).toml", "answers.toml.txt" and "hw6_answers.toml" are no mistake to their writer, nor is a
filled copy beside the blank template. What is in a file decides elsewhere; here is told by names alone what is tried,
in which order, and what is there under that name and can never be it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from autograder.handin.files.members import Member

MOST = 20  # files that are tried; a submission holds a handful
# What may stand in the place of the ending, or behind it. Rich text keeps its lines: they are read one by one.
_PLAIN = ("", ".txt", ".text", ".md", ".bak", ".rtf", ".json", ".yaml", ".yml", ".csv", ".tsv", ".ini", ".cfg")
# What is no text, by its ending: it is named to the student, never read.
_DOCUMENTS = (".rtfd", ".doc", ".docx", ".odt", ".pages", ".pdf", ".gdoc", ".png", ".jpg", ".jpeg", ".heic")


def named(members: Sequence[Member], near: str, name: str) -> list[Member]:
    """Files that may be `name`, the likeliest first: beside the work, then of that very name, then least deep."""
    folder = PurePosixPath(near).parent
    found = [member for member in members if is_named(member, name) or _may_be(member, name)]
    found.sort(key=lambda m: (PurePosixPath(m.name).parent != folder, not is_named(m, name), *_place(m)))
    return found[:MOST]


def is_named(member: Member, name: str) -> bool:
    """Whether it is `name`, in any case; "answers.toml.txt" is what Windows makes of it."""
    return _base(member) in (name.lower(), f"{name.lower()}.txt")


def documents(members: Sequence[Member], name: str) -> list[Member]:
    """What its name calls `name`, or its word in it, and a word processor, a scanner or a camera made."""
    word = _word(name)
    return [m for m in members if PurePosixPath(_base(m)).suffix in _DOCUMENTS and word in _base(m)]


def _place(member: Member) -> tuple[int, int, str]:
    return member.name.count("/"), len(member.name), member.name


def _base(member: Member) -> str:
    return PurePosixPath(member.name).name.lower()


def _word(name: str) -> str:
    """answers.toml: "answer", as some people write it."""
    return PurePosixPath(name.lower()).stem.removesuffix("s")


def _may_be(member: Member, name: str) -> bool:
    """Of its kind, with its word in the name; a kind that nothing else of a submission is of needs no word."""
    base, ending = PurePosixPath(_base(member)), PurePosixPath(name.lower()).suffix
    if ending == ".toml" and base.suffix == ending:
        return True
    inner = PurePosixPath(base.stem).suffix.partition(" ")[0]  # "answers.toml (1).txt"
    return _word(name) in base.name and (base.suffix == ending or base.suffix in _PLAIN and inner in ("", ending))
