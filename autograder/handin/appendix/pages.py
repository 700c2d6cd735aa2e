"""The written part's PDF: where its questions begin, what its first pages say, and the whole as one file.

Why separate: pypdf is imported here alone. A PDF is a file like any other of a submission, so this runs in the reading
process. What cannot be told, e.g. of a scan without text, is said to be so: nothing here refuses a write-up.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from autograder.core.errors import SubmissionError
from autograder.core.policy import POLICY
from autograder.core.text import one_line
from autograder.handin.prose import question_begun

MAX_PAGES = 300  # of a written part; a scan of a homework has 20
# Lines that may stand above a question on its page: a name, a date, the homework's title.
HEAD_LINES = 3
MAX_TITLE = 100  # characters
if TYPE_CHECKING:
    from pypdf import PdfReader

_MAIN = sorted({question.number[:1] for question in (*POLICY.questions, *POLICY.by_hand)})
_MAINS = f"[{''.join(_MAIN)}]"
_WORD = r"(?:[A-Z][\w-]*|of|and|on|in|the|for|to|with|\(\d+\s*(?:points?|pts?)\))"
# "Question 3", "Problem 2: ..."; and "2 Fundamentals of Attention", where every word is one of a title.
_NAMED = re.compile(rf"\s*(?:question|problem|exercise)\s*\.?\s*({_MAINS})\b", re.IGNORECASE)
_TITLED = re.compile(rf"\s*({_MAINS})[.:)]?\s+[A-Z]\w{{3,}}(?:\s+{_WORD}){{0,8}}\s*")
_CERTIFIES = re.compile(r"i\s*certify\s*that\s*all\s*solutions", re.IGNORECASE)
_WITH_WHOM = re.compile(r"collaborat|worked\s+(?:on\s+this\s+\w+\s+)?(?:with|alone)|discussed\s+with", re.IGNORECASE)


class Written(NamedTuple):
    """What was seen of the written part: of its two first pages, and what its author should look at."""

    states_collaborators: bool
    certifies: bool
    notes: tuple[str, ...]


def looked_at(texts: Sequence[str]) -> Written:
    """What the pages, as text, say."""
    whole = "\n".join(texts)
    return Written(bool(_WITH_WHOM.search("\n".join(texts[:2]))), bool(_CERTIFIES.search(whole)), tuple(_notes(texts)))


def _notes(texts: Sequence[str]) -> Iterator[str]:
    bare = [number for number, text in enumerate(texts, 1) if not text.strip()]
    if bare:
        pages = "no page" if len(bare) == len(texts) else f"all pages but {_listed(bare)}"
        yield f"looked at {pages} for where questions begin: there is no text on the others (scanned?)"
    now, begun = "", dict[str, int]()
    for page, text in enumerate(texts, 1):
        lines = [line for line in text.split("\n") if line.strip()]
        for place, line in enumerate(lines):
            number = _begins(line)
            if not number or number == now or number in begun:
                continue
            if now and place >= HEAD_LINES or page in begun.values():
                yield f"page {page}: question {number} seems to begin below something else; start it on a new page"
            begun[number], now = page, number
    missing = [number for number in _MAIN if number not in begun]
    if begun and missing and not bare:
        yield f"no heading of question {_listed(missing)} was found: is it there?"


def _listed(numbers: Sequence[object]) -> str:
    return ", ".join(map(str, numbers[:8])) + (", …" if len(numbers) > 8 else "")


def _begins(line: str) -> str:
    """The main question that a line begins: "Question 3", "3 Fundamentals of Attention", "3(a) ..."; else nothing."""
    found = _NAMED.match(line) or (_TITLED.fullmatch(line) if len(line) <= MAX_TITLE else None)
    return found[1] if found else question_begun(line)[:1]


def texts_of(data: bytes) -> list[str]:
    """The text of each page. Raises SubmissionError for what is no PDF that can be read."""
    return [page.extract_text() or "" for page in _reader(data).pages]


def _reader(data: bytes) -> PdfReader:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    if not data.lstrip().startswith(b"%PDF-"):
        raise SubmissionError("it is no PDF: save it as one, or print it to one (photographs: all of them to one PDF)")
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it finds is said below, or mended by itself
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise SubmissionError("it is locked by a password: save it without one")
        if not reader.pages:
            raise SubmissionError("it has no page: save or print it to a PDF again")
        if len(reader.pages) > MAX_PAGES:
            raise SubmissionError(f"it has {len(reader.pages)} pages, and at most {MAX_PAGES} are taken")
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        why = one_line(str(error), 80)
        raise SubmissionError(f"it seems damaged ({why}): save or print it to a PDF again") from None
    return reader


def joined(front: bytes, written: bytes, code: bytes, *, after_first: bool) -> bytes:
    """The PDFs one after the other; with `after_first`, `front` stands behind the written part's own first page."""
    from pypdf import PdfWriter

    writer, body = PdfWriter(), _reader(written)
    first = 1 if after_first else 0
    if first:
        writer.append(body, pages=(0, first))
    if front:
        writer.append(_reader(front))
    writer.append(body, pages=(first, len(body.pages)))
    writer.append(_reader(code))
    whole = io.BytesIO()
    writer.write(whole)
    return whole.getvalue()
