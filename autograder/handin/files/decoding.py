"""Bytes of a submission to text, decoded once and as UTF-8, so that what is checked is what is executed.

Why separate: every later stage sees text only. Files that are not what their name says (a PDF, a web page, a pointer
of Git LFS) are named here, each with what to do. Of code, no encoding is guessed and no cookie honoured.
"""

from __future__ import annotations

import re

from autograder.core.errors import SubmissionError
from autograder.core.records import Finding, Place, Severity

_COOKIE = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")  # PEP 263: in one of the first two lines
_SAME_AS_READ = frozenset(
    {"utf8", "utf8sig", "ascii", "usascii", "latin1", "iso88591", "iso885915", "cp1252", "windows1252"}
)

# First bytes of what is handed in by mistake, what it is, and what to do.
_MISTAKEN: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "is a PDF with another ending. Hand in the notebook itself (File > Download > Download .ipynb)"),
    (b"PK\x03\x04", "is a zip or Word file with another ending. Hand in the notebook itself, or name the file .zip"),
    (b"\x1f\x8b", "is a gzip file with another ending. Unpack it and hand in the notebook itself"),
    (b"{\\rtf", "is a word processor's file. Hand in the notebook itself (File > Download > Download .ipynb)"),
    (
        b"version https://git-lfs.github.com/spec/",
        "is only a pointer of Git LFS, not the file it stands for. Run `git lfs pull`, then hand in the real file",
    ),
    (b"\xff\xfe", "is saved as UTF-16. Save it again as UTF-8 (in most editors: Save with encoding)"),
    (b"\xfe\xff", "is saved as UTF-16. Save it again as UTF-8 (in most editors: Save with encoding)"),
)
_FEW = 10  # one sign in ten that is no ASCII: prose in any language of Western Europe has fewer
_CONTROLS = bytes([*range(9), *range(14, 27), *range(28, 32), 127])  # no text holds them; 27 begins a colour
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)


def decode(data: bytes, file: str) -> str:
    """The text of `file`, its lines ended by \\n. Raises SubmissionError, with what to do, if it is not UTF-8 text."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip(b" \t\r\n\0"):
        raise SubmissionError(f"{file} is empty. Save your notebook, download it again and hand that in.")
    for start, what in _MISTAKEN:
        if data.startswith(start):
            raise SubmissionError(f"{file} {what}.")
    if _HTML.match(data[:4096]):
        raise SubmissionError(
            f"{file} is a web page (HTML), not the file itself: it was probably saved with the browser's Save as. "
            "In Colab use File > Download > Download .ipynb."
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if (old := _windows(data)) is None:
            line = data.count(b"\n", 0, error.start) + 1
            raise SubmissionError(
                f"{file} is not UTF-8 text: line {line} holds the byte 0x{data[error.start]:02x}."
                " Save it again as UTF-8."
            ) from None
        text = old
    text = text.rstrip("\0").replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise SubmissionError(
            f"{file} holds a NUL byte in line {line}: it seems damaged. Download and hand it in again."
        )
    return text


def any_text(data: bytes) -> str | None:
    """Text in whatever an editor saves it: UTF-8, Windows' "Unicode" (UTF-16), an old code page; None for no text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\0" in data[:200]:
        encoding = "utf-16-be" if data[:1] == b"\0" else "utf-16-le"
    else:
        encoding = "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return _windows(data)


def _windows(data: bytes) -> str | None:
    """The text as older editors on Windows save it, a byte a sign; None for what is no text in a Latin script."""
    odd = sum(data.count(bytes([byte])) for byte in range(0x80, 0x100))
    if odd * _FEW > len(data) or any(byte in data for byte in _CONTROLS):
        return None
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return None


def cookie_findings(text: str, file: str) -> tuple[Finding, ...]:
    """A coding cookie that names another codec: the text is read as UTF-8 all the same, and staff are told."""
    for number, line in enumerate(text.split("\n", 2)[:2], start=1):
        match = _COOKIE.match(line)
        if match and re.sub(r"[-_.]", "", match[1].lower()).removesuffix("unix") not in _SAME_AS_READ:
            found = Finding(
                rule="encoding-cookie",
                severity=Severity.FLAG,
                message=f"the file declares the encoding {match[1]}; it was read and executed as UTF-8",
                construct=match[1],
                place=Place(file, number),
                fix="delete that line: Python files are UTF-8 without it",
            )
            return (found,)
        if line.strip() and not line.lstrip().startswith("#"):
            break
    return ()
