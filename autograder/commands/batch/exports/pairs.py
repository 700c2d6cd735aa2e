"""Files of one folder that belong to one student by how they are named: "Ana.ipynb", "Ana.toml", "history_Ana.json".

Why separate: a folder that somebody filled by hand has nothing but names. What is left of a name without the words that
everybody's files have in them (hw6, answers, final, a number in brackets) is the student's. Only files that go with a
work are ever put together: two works stay two submissions.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePath
from typing import NamedTuple

from autograder.core.policy import FILES
from autograder.handin.files import kinds

# What files of this homework are called beside the name of whoever made them.
_WORDS = frozenset(
    "cs cs189 cs182 cs289a of the and my copy kopie copia final finished done new draft answers answer written "
    "solutions solution submission writeup history losses loss curves model weights checkpoint ckpt notebook code vit "
    "transformer attention mnist colab".split()
)
_HOMEWORK = re.compile(r"\b(hw|homework|assignment|hausaufgabe|pset)[ _-]*\d+(?![^\W_])|\b(hw|homework)\b")
_VERSION = re.compile(r"v\d+")
_COPY = re.compile(r"\((\d+)\)")
_BESIDE = {PurePath(name).suffix for name in (FILES.answers, FILES.checkpoint)}  # nothing else in a class is called so
# In these hardly any code is found; but somebody who hands in nothing else must not be forgotten.
_DOCUMENTS = (
    *(".pdf", ".docx", ".doc", ".odt", ".rtf", ".pages", ".tex", ".html", ".htm", ".md", ".txt", ".json", ""),
    *(".png", ".jpg", ".jpeg", ".heic", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".svg", ".eml", ".msg", ".mbox"),
    *(".pt", ".pth", ".ckpt", ".safetensors", ".pkl", ".npz", ".npy", ".url", ".webloc", ".gdoc", ".icloud"),
)
_COMPANIONS = {PurePath(name).stem for name in (FILES.answers, FILES.history, FILES.checkpoint)} | {"written"}


class Paired(NamedTuple):
    """The files that go with each work, by its name, and those that look like this homework's and go with none."""

    beside: dict[str, list[str]]
    alone: list[str]


def paired(names: Iterable[str]) -> Paired:
    """Which of a folder's files go together: what lies beside a work, and a notebook's script with the notebook."""
    owners: dict[str, list[str]] = defaultdict(list)
    others: list[str] = []
    for name in sorted(names):
        works = owners[owner(name)] if kinds.named(name).kind else others
        works.append(name)
    beside: dict[str, list[str]] = {}
    for key, works in owners.items():
        scripts = _scripts(works) if key else {}
        merged = {script for mine in scripts.values() for script in mine}
        beside |= {work: scripts.get(work, []) for work in works if work not in merged}
    alone = []
    for name in others:
        works = [work for work in owners.get(owner(name), []) if work in beside] if owner(name) else []
        works = [work for work in beside if _same_stem(work, name)] or works
        same = [work for work in works if _number(work) == _number(name)] or works
        for work in same:
            beside[work].append(name)
        if not same and _companion(name):
            alone.append(name)
    return Paired(beside, alone)


def owner(name: str) -> str:
    """Whose file it is, as far as its name says: what is left without the homework's own words; "" for nobody's."""
    return " ".join(words(kinds.named(name).stem))


def words(stem: str) -> list[str]:
    """The words of a name, in small letters, but for the homework's own."""
    plain = _HOMEWORK.sub(" ", _COPY.sub(" ", unicodedata.normalize("NFC", stem).casefold().replace("_", " ")))
    found = "".join(letter if _is_of_a_word(letter) else " " for letter in plain).split()
    return [word for word in found if word not in _WORDS and not _VERSION.fullmatch(word)]


def _is_of_a_word(letter: str) -> bool:
    """Vowel signs are no letters: without them मीना and मोना were one name."""
    return letter.isalnum() or unicodedata.category(letter).startswith("M")


def _same_stem(one: str, other: str) -> bool:
    return _stem(one) == _stem(other)


def _stem(name: str) -> str:
    return unicodedata.normalize("NFC", kinds.named(name).stem).casefold()


def _scripts(works: list[str]) -> dict[str, list[str]]:
    """The scripts that were saved beside each notebook: those with its number, or the only one of the only notebook."""
    notebooks = [work for work in works if kinds.named(work).kind == kinds.NOTEBOOK]
    scripts = [work for work in works if kinds.named(work).kind == kinds.SCRIPT]
    if len(notebooks) == len(scripts) == 1:
        return {notebooks[0]: scripts}
    return {notebook: [s for s in scripts if _number(s) == _number(notebook)] for notebook in notebooks}


def _ending(name: str) -> str:
    return PurePath(_COPY.sub("", name).strip()).suffix.lower()


def _number(name: str) -> str:
    found = _COPY.search(name)
    return found[1] if found else ""


def may_be_somebodys(name: str) -> bool:
    """Whether a file by itself looks like somebody's hand-in, or a part of one."""
    return kinds.named(name).kind == kinds.PACKED or _companion(name)


def _companion(name: str) -> bool:
    words = set(re.findall(r"[^\W\d_]+", name.casefold()))
    if _ending(name) in _DOCUMENTS and owner(name) and "readme" not in words:
        return True
    return _ending(name) in _BESIDE or (_ending(name) in (".json", ".txt") and bool(words & _COMPANIONS))
