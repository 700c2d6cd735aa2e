"""A policy's text by its lines: the table that each stands in, and the name that it gives a value to.

Why separate: TOML's reader keeps no lines, and a person needs one. This reads headers and names alone, also where the
text is no TOML, which two things ask: where a value stands (policy_line.py), and what the slip is (policy_slips.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_PART = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_NAME = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"^\s*(\[+)\s*({_NAME})\s*(\]*)\s*(?:#.*)?$")
_KEY = re.compile(rf"^\s*({_NAME})\s*=")


class Line(NamedTuple):
    """A line: its number from 1, its text, the table it is in or begins, and the name before its =, each in parts.

    `nth` is which of several tables of a name it is in, from 0. `opens` and `closes` are the brackets of a header: both
    are "" where it is none.
    """

    number: int
    text: str
    header: tuple[str, ...]
    nth: int
    key: tuple[str, ...]
    opens: str
    closes: str

    @property
    def path(self) -> tuple[str, ...]:
        """The whole name: ("late", "shown")."""
        return self.header + self.key


def lines(text: str) -> Iterator[Line]:
    """Every line of a policy, in order."""
    header: tuple[str, ...] = ()
    counted: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        key, opens, closes = _KEY.match(line), "", ""
        if title := _HEADER.match(line):
            opens, header, closes = title[1], _parts(title[2]), title[3]
            if len(header) == 1:
                counted[header[0]] = counted.get(header[0], -1) + 1
        nth = counted.get(header[0], 0) if header else 0
        yield Line(number, line, header, nth, _parts(key[1]) if key else (), opens, closes)


def line_of(text: str, where: tuple[str | int, ...]) -> int:
    """The line (from 1) of the innermost part of `where` that stands in a line; 0 when none does.

    A test's number is one part of `where`, quoted or not in the text.
    """
    wanted = ".".join(part for part in where if isinstance(part, str))
    index = where[1] if len(where) > 1 and isinstance(where[1], int) else None
    found, longest = 0, 0
    for line in lines(text):
        name = ".".join(line.path)
        here = name and (wanted == name or wanted.startswith(f"{name}."))
        if here and len(name) > longest and (index is None or line.nth == index or not line.header):
            found, longest = line.number, len(name)
    return found


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, name))
