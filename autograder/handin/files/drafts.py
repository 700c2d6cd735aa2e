"""Which of several drafts is the one that is meant, as people would tell: by name, by outputs, by what is left open.

Why separate: names such as "hw6_FINAL_final (2)" follow habits, not rules, and this is the one place that knows them.
Nothing here is sure, so whoever asks tells staff. Nothing here reads a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

# What people call a file that they do not mean any more, or not yet.
_DISOWNED = frozenset(
    "alt alte ancien archive archived attic backup backups bak borrador broken brouillon deprecated draft drafts "
    "entwurf junk obsolete old older outdated prev previous sandbox scratch temp tmp trash unfinished unused viejo "
    "vieux wip wrong".split()
)
_COPIES = frozenset("copia copie copy kopie".split())  # some people work on in the copy
_FINAL = frozenset(
    "abgabe clean complete completed correct corrected done endgueltig endgültig final finale finalized finished "
    "fixed handin letzte neu new newest latest last solved submission submit submitted turnin".split()
)
_DISOWNED_SIGNS, _FINAL_SIGNS = ("旧", "草稿", "备份"), ("最终", "最後", "最后", "定稿")
# FinalFinal, hw6v2, final2: words that nothing else separates
_JOINED = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=\d)(?=v\d)|(?<=final)(?=\d)|(?<=copy)(?=\d)|(?<=draft)(?=\d)")
_WORD = re.compile(r"[^\W\d_]+")
_DATE = re.compile(r"(20\d\d)[-_. ]?([01]\d)[-_. ]?([0-3]\d)")
# v2, ver 2, final2, (2), _2, -2, 2.1: a number by itself or behind such a word; not that of hw6
_NUMBER = re.compile(
    r"(?:^|[\s_.()/\-])(?:v|ver|vers|version|rev|revision|try|attempt|take|final|new|draft|copy)?[\s_.\-(]*(\d{1,3})"
    r"(?=$|[\s_.()/\-])"
)
_TODO = re.compile(r"\b(?:TODO|FIXME)\b|raise NotImplementedError|YOUR CODE HERE", re.IGNORECASE)
_LONGEST = 300  # characters of a path that are looked at, from its end: an archive's names have no limit
_MOST = 100  # numbers of a history that are looked for


class Wording(NamedTuple):
    """How far a path says that its file is the last one: the larger of two says it more."""

    in_use: bool  # not called old, a draft or a backup
    original: bool  # not called a copy
    final: int  # how often it is called so
    dates: tuple[int, ...]
    numbers: tuple[int, ...]


def wording(name: str) -> Wording:
    """What the path of a file says of it, by what people call their drafts."""
    path = PurePosixPath(name[-_LONGEST:])
    text = _JOINED.sub(" ", path.with_suffix("").as_posix()).lower()
    words = _WORD.findall(text)
    numbers = tuple(int(found) for found in _NUMBER.findall(_DATE.sub("", text)))
    return Wording(
        not any(word in _DISOWNED for word in words) and not any(sign in text for sign in _DISOWNED_SIGNS),
        not any(word in _COPIES for word in words),
        sum(word in _FINAL for word in words) + sum(text.count(sign) for sign in _FINAL_SIGNS),
        tuple(int("".join(found)) for found in _DATE.findall(text)),
        numbers if len(numbers) < 3 else (),
    )


def is_a_drafts(word: str) -> bool:
    """Whether a word, in small letters, is what people call a draft, a copy or the last version, and nobody's name."""
    return word in _DISOWNED | _COPIES | _FINAL or any(sign in word for sign in _DISOWNED_SIGNS + _FINAL_SIGNS)


def agrees(outputs: str, history: object) -> bool:
    """Whether the numbers of a history stand in the outputs, rounded as prints do: both are of one run."""
    values = [value for value in list(_numbers(history))[:_MOST] if value != round(value, 2)]
    seen = sum(any(f"{value:.{digits}f}" in outputs for digits in (3, 4, 5)) for value in values)
    return bool(values) and 2 * seen > len(values)


def open_ends(sources: Iterable[str]) -> int:
    """How often code says that something is still to be done."""
    return sum(len(_TODO.findall(source)) for source in sources)


def natural(name: str) -> tuple[tuple[bool, int, str], ...]:
    """A key that sorts as people do: "hw6 2" before "hw6 10"."""
    parts = re.split(r"(\d{1,18})", name[-_LONGEST:].lower())
    return tuple((part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts)


def _numbers(value: object) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _numbers(part)
