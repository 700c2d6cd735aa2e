"""What a file of a hand-in is by its name alone: whether it can be somebody's whole work, and of which kind.

Why separate: a class's folder is told apart by names, before anything is opened, and browsers, mail and Windows write
endings of their own behind the right one. What is inside decides later, where it is read.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import NamedTuple

from autograder.handin.files.archive import FOREIGN, TARS

NOTEBOOK, SCRIPT, ZIP, PACKED = "notebook", "script", "zip", "packed"


class Named(NamedTuple):
    """A file's name without its ending, and what the ending says; `kind` is empty for what is nobody's whole work.

    PACKED: an archive of a kind that is not opened. Somebody's work all the same, of which its owner must be told.
    """

    stem: str
    kind: str


def _any_of(endings: tuple[str, ...]) -> str:
    return "|".join(map(re.escape, endings))


_ENDING = re.compile(
    "|".join((
        rf"(?:(?P<{NOTEBOOK}>\.ipynb(?:\.txt|\.json|\.download)?)",
        rf"(?P<{SCRIPT}>\.py(?:\.txt)?)",
        rf"(?P<{ZIP}>{_any_of(('.zip', *TARS))}|\.(?:ipynb|py)\.(?:gz|bz2|xz))",
        rf"(?P<{PACKED}>{_any_of(FOREIGN)}))(?P<copy>\s?\(\d{{1,3}}\))?$",
    )),
    re.IGNORECASE,
)  # fmt: skip


def named(name: str) -> Named:
    """What the name says: "ada.ipynb.txt" is ada's notebook, and so is "ada.ipynb (1)", a copy."""
    match = _ENDING.search(name)
    if match is None:
        return Named(PurePath(name).stem, "")
    kind = next(kind for kind in (NOTEBOOK, SCRIPT, ZIP, PACKED) if match[kind])
    return Named(name[: match.start()] + (match["copy"] or ""), kind)
