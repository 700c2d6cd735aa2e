"""What the files in a zip are called: by whoever packed them, and not by the tables of the 1980s.

Why separate: the format knows two alphabets and one sign between folders, and common programs write neither as it says.
A class's own zip and a student's are read alike. Nothing here opens a file, or trusts where a name leads.
"""

from __future__ import annotations

import struct
import zipfile
import zlib

_UTF8 = 1 << 11  # the flag that names are UTF-8
_UNICODE_PATH = 0x7075  # the field in which WinZip and WinRAR write them, beside a name in the system's own letters


def name_of(entry: zipfile.ZipInfo) -> str:
    """Its path, with / between folders and one at a folder's end.

    Without the flag the format means the letters of the first PC, which is what Python reads. macOS and Info-ZIP write
    UTF-8 without it: hardly any text in the old letters is valid UTF-8 by chance. Older tools of Windows write a
    backslash.
    """
    return _letters(entry).replace("\\", "/")


def _letters(entry: zipfile.ZipInfo) -> str:
    if entry.flag_bits & _UTF8 or entry.filename.isascii():
        return entry.filename
    try:
        raw = entry.filename.encode("cp437")
        return _told(entry.extra, raw) or raw.decode("utf-8")
    except UnicodeError:
        return entry.filename  # in the old letters; or Python has read the field already


def _told(extra: bytes, raw: bytes) -> str:
    """The name in UTF-8 that the extra fields hold, where it is this name's; "" where there is none."""
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and field[:1] == b"\x01" and field[1:5] == struct.pack("<I", zlib.crc32(raw)):
            return field[5:].decode("utf-8").partition("\0")[0]
    return ""
