"""Whether a saved picture shows anything: one colour all over is blank; a middle with at most a legend is empty axes.

Why separate: a plot that was made before its data is a picture like any other to whoever counts them. PNG, which
notebooks save, is read by hand: no library for it is needed to check homework. Bounded, and never sure of other kinds.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, NamedTuple

MAX_BYTES = 64 << 20  # of a picture, unpacked: 4,000 x 4,000 in colour
MAX_SLOW = 4 << 20  # bytes that are reckoned one by one: two seconds here, and a plot of the notebook has one
MARGIN = 0.15  # of each side: frame, numbers and names of an axis stand there
# Of the middle's width and height: what fills no more and ends in its own frame is a legend beside nothing.
LEGEND, FRAME = (0.55, 0.35), 0.7
_IN_A_PAGE = re.compile(r"<img[^>]{0,200}?src=.data:(?P<kind>image/(?:png|jpeg|gif|webp));base64,(?P<data>[\w+/=\s]+)")
_DRAWING = re.compile(rb"<(?:\w+:)?(?:path|poly\w+|line|circle|ellipse|rect|use|image|text)\b")  # what an SVG shows
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


class Picture(NamedTuple):
    """One saved picture: its MIME type and its bytes (empty: it cannot be decoded)."""

    kind: str
    data: bytes


class Look(str, Enum):
    """What is to be seen. UNSURE: of a kind or size that is not looked into."""

    DRAWN = "drawn"
    EMPTY = "empty"
    BLANK = "blank"
    UNSURE = "unsure"


def saved_pictures(notebook: str) -> Mapping[int, tuple[Picture, ...]]:
    """The pictures under each cell of a notebook's JSON, by the cell's number from 1. Raises ValueError for no JSON."""
    content, _ = json.JSONDecoder().raw_decode(notebook.lstrip("\ufeff \t\n"))
    cells = content.get("cells") if isinstance(content, dict) else None
    numbered = enumerate(cells if isinstance(cells, list) else [], start=1)
    return {number: tuple(pictures_of(cell)) for number, cell in numbered if isinstance(cell, dict)}


def pictures_of(cell: Mapping[str, Any]) -> Iterator[Picture]:
    """The pictures that a cell of a notebook's JSON has saved."""
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        data = output.get("data") if isinstance(output, dict) else None
        for kind, value in data.items() if isinstance(data, dict) else ():
            if kind.startswith("image/"):
                text = "".join(part for part in value if isinstance(part, str)) if isinstance(value, list) else value
                yield Picture(kind, _bytes(kind, text) if isinstance(text, str) else b"")
                break  # one output in several kinds is one picture
        else:
            yield from _within_pages(data.get("text/html") if isinstance(data, dict) else None)


def _within_pages(page: object) -> Iterator[Picture]:
    """The picture that a page holds as text, as of a figure that was shown by HTML(...)."""
    text = "".join(part for part in page if isinstance(part, str)) if isinstance(page, list) else page
    found = _IN_A_PAGE.search(text) if isinstance(text, str) else None
    if found:
        yield Picture(found["kind"], _bytes(found["kind"], found["data"]))


def _bytes(kind: str, text: str) -> bytes:
    if kind == "image/svg+xml":
        return text.encode("utf-8", "replace")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def looked_at(picture: Picture, most: int = MAX_SLOW) -> Look:
    """What the picture shows, as far as that can be told by reckoning `most` bytes one by one."""
    if not picture.data.strip():
        return Look.BLANK
    if picture.kind == "image/svg+xml":
        return Look.UNSURE if _DRAWING.search(picture.data) else Look.BLANK
    if not picture.data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Look.UNSURE
    try:
        return _png(picture.data, most)
    except (zlib.error, struct.error, ValueError, IndexError):
        return Look.UNSURE  # cut off or damaged: a browser may still show some of it


def _png(data: bytes, most: int) -> Look:
    chunks = list(_chunks(data))
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1][:13])
    bits = depth * _CHANNELS.get(colour, 0)
    stride = -(-width * bits // 8)
    if interlaced or not 0 < stride * height <= MAX_BYTES:
        return Look.UNSURE
    unpacker, size = zlib.decompressobj(), (stride + 1) * height
    raw = unpacker.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"), size)
    if len(raw) < size:
        return Look.UNSURE
    # several small pixels share a byte: then bytes are compared, but for a last one that is not full
    return _seen(raw, stride, width * bits // 8 // max(bits // 8, 1), height, max(bits // 8, 1), most)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        yield kind, data[at + 8 : at + 8 + length]
        at += length + 12


def _seen(raw: bytes, stride: int, width: int, height: int, step: int, most: int) -> Look:
    """Row by row of `width` pixels of `step` bytes, until more is seen in the middle than a legend."""
    before, slow = bytes(stride), 0
    left, right = (round(side * width) * step for side in (MARGIN, 1 - MARGIN))
    inside = range(round(MARGIN * height), round((1 - MARGIN) * height))
    first = middle = b""
    blank, seen = True, _Extent()
    for number in range(height):
        start = number * (stride + 1)
        line, kind = raw[start + 1 : start + 1 + stride], raw[start]
        quick = kind == 0 or (kind == 2 and not any(line))
        slow += 0 if quick else stride
        if slow > most:
            return Look.UNSURE
        row = (line if kind == 0 else before) if quick else _unfiltered(kind, line, before, step)
        first = first or row[:step]
        blank = blank and row[: width * step] == first * width
        if number in inside and (part := row[left:right]):
            middle = middle or part[:step]
            if part != middle * (len(part) // step):
                seen = seen.with_row(number, part, middle)
                if seen.wide > LEGEND[0] * (right - left) / step or seen.high > LEGEND[1] * len(inside):
                    return Look.DRAWN
        before = row
    return Look.BLANK if blank else Look.EMPTY if not seen.wide or seen.is_framed else Look.DRAWN


class _Extent(NamedTuple):
    """The columns and rows, in pixels, from the first to the last that is not of the ground's colour."""

    left: int = 1 << 30
    right: int = 0
    top: int = -1
    bottom: int = -1
    last: int = 0  # how many pixels of the last such row are not

    @property
    def wide(self) -> int:
        return max(self.right - self.left, 0)

    @property
    def high(self) -> int:
        return self.bottom - self.top + 1 if self.top >= 0 else 0

    @property
    def is_framed(self) -> bool:
        """Whether it ends in a line as long as it is wide, as a box does; what a curve has there is its own width."""
        return self.wide > 1 and self.last > FRAME * self.wide

    def with_row(self, number: int, part: bytes, ground: bytes) -> _Extent:
        step = len(ground)
        differs = [at for at in range(0, len(part) - step + 1, step) if part[at : at + step] != ground]
        ends = (differs[0] // step, differs[-1] // step + 1) if differs else (self.left, self.right)
        return _Extent(
            min(self.left, ends[0]),
            max(self.right, ends[1]),
            self.top if self.top >= 0 else number,
            number,
            len(differs),
        )


def _unfiltered(kind: int, line: bytes, before: bytes, step: int) -> bytes:
    """A row of a PNG from what was stored: differences from its neighbours to the left and above."""
    row = bytearray(line)
    for i, stored in enumerate(line):
        left = row[i - step] if i >= step else 0
        above = before[i]
        corner = before[i - step] if i >= step else 0
        row[i] = (stored + _guess(kind, left, above, corner)) & 255
    return bytes(row)


def _guess(kind: int, left: int, above: int, corner: int) -> int:
    if kind < 4:
        return (0, left, above, (left + above) // 2)[kind]
    whole = left + above - corner
    near = abs(whole - left), abs(whole - above), abs(whole - corner)
    return left if near[0] <= near[1] and near[0] <= near[2] else above if near[1] <= near[2] else corner
