"""Frames: how the two rooms talk. A length prefix, a small JSON header, then raw little-endian tensor bytes.

    magic "HW6\\n" | header length, uint32 | body length, uint64 | header, UTF-8 JSON | body, tensors back to back

This is the only wire code, used on both sides. It never unpickles, and it knows every length before it reads. What
a header may say is decided by `autograder.sandbox.wire`, on the trusted side; here a header is only bytes.
"""

from __future__ import annotations

import struct

PREFIX = struct.Struct("<4sIQ")
MAGIC = b"HW6\n"
MAX_HEADER = 1 << 20  # a program text is the longest thing in a header, and its cells are capped at 512 KB

# dtype name -> bytes per element. Everything that may cross the wall.
ITEM_SIZE = {"float32": 4, "float64": 8, "float16": 2, "int64": 8, "uint8": 1}


class FrameError(Exception):
    """The bytes are not a frame, or larger than agreed."""


def pack(header: bytes, body: bytes = b"") -> bytes:
    """One frame as bytes."""
    return PREFIX.pack(MAGIC, len(header), len(body)) + header + body


class FrameReader:
    """Feed it bytes as they come; `next_frame` gives (header, body) once a whole frame is there.

    Never holds more than one frame of the agreed size: a longer one is refused from its prefix alone.
    """

    def __init__(self, max_body: int, max_header: int = MAX_HEADER) -> None:
        self._buffer = bytearray()
        self._max_body = max_body
        self._max_header = max_header

    @property
    def empty(self) -> bool:
        """Whether nothing was fed that is not taken yet."""
        return not self._buffer

    def feed(self, data: bytes) -> None:
        """Appends what the socket gave, of any length."""
        self._buffer += data

    def next_frame(self) -> tuple[bytes, bytes] | None:
        """(header, body), or None while incomplete. Raises FrameError on anything that is no frame."""
        lengths = self._lengths()
        if lengths is None or len(self._buffer) < PREFIX.size + sum(lengths):
            return None
        start = PREFIX.size + lengths[0]
        end = start + lengths[1]
        header, body = bytes(self._buffer[PREFIX.size : start]), bytes(self._buffer[start:end])
        del self._buffer[:end]
        return header, body

    def _lengths(self) -> tuple[int, int] | None:
        if len(self._buffer) < PREFIX.size:
            if not MAGIC.startswith(bytes(self._buffer[:4])):
                raise FrameError("does not begin like a frame")
            return None
        magic, header, body = PREFIX.unpack_from(self._buffer)
        if magic != MAGIC:
            raise FrameError("does not begin like a frame")
        if header > self._max_header or body > self._max_body:
            raise FrameError(f"frame of {header} + {body} bytes is larger than agreed")
        return header, body
