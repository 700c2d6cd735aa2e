"""A notebook that is large for what its cells show: animations, figures with a library in each, pasted photographs.

Why separate: nobody writes 20 MB of code, and whoever shows much must not lose the work for it. What is shown is cut
here, on the bytes, before anything builds the whole in memory; the code is not touched, and nothing is judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import msgspec

from autograder.core import policy
from autograder.core.errors import SubmissionError
from autograder.handin.files.members import Member, too_large

_SMALL = 64 << 10  # bytes: what is no longer is never cut; a plot has 20 to 60 KB
_SHARE = (
    0.75  # of `file_mb`, for all that is longer: the rest is for code, small outputs, and the starts of what was cut
)
_START = 16 << 10  # of a picture or a page: enough to know its kind, and that it is a plot
_ENDS = 1 << 20  # of each end of a text: progress bars that overwrite themselves, some 5000 lines of them
_WITHIN = re.compile(r"data:[\w/+.-]+;base64,[\w+/=]{1000,}")  # a picture in the text of a Markdown cell

_Fields = dict[str, msgspec.Raw]


class _Part(NamedTuple):
    """One thing that a cell shows, its size in bytes, and how it is cut."""

    size: int
    cut: Callable[[], None]


def slimmed(members: tuple[Member, ...]) -> tuple[Member, ...]:
    """The same files; a notebook above `file_mb` is read with less of what its cells show. Raises nothing itself."""
    return tuple(
        member._replace(read=partial(_read, member)) if member.name.lower().endswith(".ipynb") else member
        for member in members
    )


def _read(member: Member) -> bytes:
    """Raises SubmissionError where it is too large even so, or where it cannot be told what its cells show."""
    data, most = member.read(), policy.CAPS.file_mb << 20
    if len(data) <= most:
        return data
    try:
        slim = _slim(data, most)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        slim = data
    if len(slim) > most:
        raise SubmissionError(too_large(member.name, len(data), policy.CAPS.file_mb))
    return slim


def _slim(data: bytes, most: int) -> bytes:
    """The notebook's JSON, with the largest things that its cells show cut, so many that the others have room."""
    about = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_Fields)
    if "cells" not in about:  # of an old notebook, or of something else
        return data
    cells = msgspec.json.decode(about["cells"], type=list[_Fields])
    left = _SHARE * most
    waiting: list[Callable[[], None]] = []
    parts: list[_Part] = []
    for cell in cells:
        parts += _shown(cell, waiting)
    for part in sorted(parts, key=lambda part: part.size):
        left -= part.size
        if left < 0:
            part.cut()
    for put in reversed(waiting):  # what lies within is put back first
        put()
    about["cells"] = msgspec.Raw(msgspec.json.encode(cells))
    return msgspec.json.encode(about)


def _shown(cell: _Fields, waiting: list[Callable[[], None]]) -> Iterator[_Part]:
    """The long things of a cell; `waiting` gets how each table that was opened for them is put back."""
    if _long(cell.get("outputs")):
        outputs = msgspec.json.decode(cell["outputs"], type=list[msgspec.Raw])
        waiting.append(partial(_put, cell, "outputs", outputs))
        for index, output in enumerate(outputs):
            if _long(output):
                fields = msgspec.json.decode(output, type=_Fields)
                waiting.append(partial(_put, outputs, index, fields))
                yield from _values(fields, ("text", "traceback"))
                yield from _within(fields, "data", waiting)
    if _long(cell.get("attachments")):
        files = msgspec.json.decode(cell["attachments"], type=_Fields)
        waiting.append(partial(_put, cell, "attachments", files))
        for name in files:
            yield from _within(files, name, waiting)
    if "cell_type" in cell and msgspec.json.decode(cell["cell_type"]) != "code":
        yield from _values(cell, ("source",))


def _within(fields: _Fields, key: str, waiting: list[Callable[[], None]]) -> Iterator[_Part]:
    """The long values of the table that stands under `key`: one for each kind in which a thing was saved."""
    if _long(fields.get(key)):
        kinds = msgspec.json.decode(fields[key], type=_Fields)
        waiting.append(partial(_put, fields, key, kinds))
        yield from _values(kinds, tuple(kinds))


def _values(fields: _Fields, keys: tuple[str, ...]) -> Iterator[_Part]:
    for key in keys:
        if _long(fields.get(key)):
            yield _Part(len(bytes(fields[key])), partial(_cut, fields, key))


def _long(value: msgspec.Raw | None) -> bool:
    return value is not None and len(memoryview(value)) > _SMALL


def _put(holder: dict[str, msgspec.Raw] | list[msgspec.Raw], key: str | int, value: object) -> None:
    holder[key] = msgspec.Raw(msgspec.json.encode(value))  # type: ignore[index]


def _cut(fields: _Fields, key: str) -> None:
    value = msgspec.json.decode(fields[key])
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    if not isinstance(value, str):
        short: object = {}  # a figure's numbers
    elif key == "source":
        short = _WITHIN.sub("data:,", value)
    elif key in ("text", "text/plain"):
        short = value if len(value) <= 2 * _ENDS else f"{value[:_ENDS]}\n[... cut ...]\n{value[-_ENDS:]}"
    else:
        short = value[:_START]
    _put(fields, key, short)
