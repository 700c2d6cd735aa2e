"""A policy's text as plain data, and where in it something stands that cannot be used: its file, its line, its name.

Why separate: what a policy means is next door; this only reads the text, for a person's sake.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.core.errors import UsageError
from autograder.core.policy_slips import slip
from autograder.core.policy_text import line_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class BadPolicy(UsageError):
    """The policy cannot be used: the text names file, line and what to change."""


def read(path: Path, several: Sequence[str]) -> tuple[str, dict[str, object]]:
    """(text, tables) of a policy; every number in it is finite. Raises BadPolicy.

    `several` are the tables whose headers have double brackets. TOML has words for what is no number, and no bound
    refuses all of them: nan is not below 0, and inf is above it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadPolicy(f"the policy {path} cannot be read: {error}") from None
    try:
        table: dict[str, object] = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # no TOML, a number of 5,000 digits, lists 1,000 deep
        found = slip(text, str(error), several)
        at, what = (f", line {found.line},", found.what) if found else ("", str(error))
        raise BadPolicy(f"{path}{at} is no TOML: {what}") from None
    for where, value in _not_finite(table):
        raise BadPolicy(located(path, text, f"the value '{value}' is no finite number", where))
    return text, table


def _not_finite(value: object, where: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], float]]:
    """(place, number) of each that is not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        yield where, value
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inside:
        yield from _not_finite(each, (*where, name))


def located(path: Path, text: str, what: str, where: tuple[str | int, ...]) -> str:
    """`what` is wrong with the policy at `where`, with the file, the line and the name; () is the file as a whole."""
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).removeprefix(".")
    line = line_of(text, where)
    return f"{path}{f', line {line}' if line else ''}{f' ({name})' if name else ''}: {what}"
