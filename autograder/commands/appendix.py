"""The code appendix of a write-up, and the write-up as one PDF: cover, certification, the written part, the code.

Why separate: a command of its own. Files of a submission are read, laid out and joined in processes that may die; what
comes back is bytes and words.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from autograder.core.code_appendix import Appendix
from autograder.core.errors import SubmissionError, UsageError
from autograder.core.policy import FILES
from autograder.handin import reader
from autograder.report import appendix as pages
from autograder.report import results

MAX_WRITTEN = 40 << 20  # bytes of the written part: twenty photographed pages
SECONDS = 60.0  # of drawing and joining: a second each here


class Made(msgspec.Struct, frozen=True):
    """The file, and what its author should know."""

    data: bytes = b""
    notes: tuple[str, ...] = ()
    problem: str = ""


def build(path: Path, out: Path, write_up: Path | None = None, collaborators: str = "") -> tuple[str, ...]:
    """Writes `out` (.pdf or .html) from the submission at `path`; returns what its author should know.

    Raises UsageError when there is no code, or no such file, or what is needed is not installed.
    """
    as_html = out.suffix.lower() in (".html", ".htm")
    if as_html and write_up is not None:
        raise UsageError("--write-up joins PDFs: give --out a name that ends in .pdf")
    if not as_html and out.suffix.lower() != ".pdf":
        raise UsageError(f"--out {out}: give a name that ends in .pdf or .html")
    if not as_html:
        pages.needs_typst()
    code = _code(path, collaborators)
    written = _bytes(write_up) if write_up is not None else None
    done = reader.apart(path, lambda: _made(code, written, as_html), SECONDS)
    made = msgspec.json.decode(done, type=Made) if isinstance(done, bytes) else Made(problem=done)
    if made.problem:
        raise UsageError(made.problem)
    results.make_folder(out.parent)
    if not os.access(out.parent, os.W_OK):
        raise UsageError(f"--out {out}: nothing can be written to that folder: give a name in another one")
    results.write_bytes(out, made.data)
    return (*code.notes, *made.notes)


def _code(path: Path, collaborators: str) -> Appendix:
    from autograder.handin import appendix

    found = reader.apart(path, lambda: appendix.read(path))
    code = msgspec.json.decode(found, type=Appendix) if isinstance(found, bytes) else Appendix(problem=found)
    if code.problem:
        raise UsageError(code.problem)
    return msgspec.structs.replace(code, collaborators=collaborators or code.collaborators)


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--write-up {path}: {error.strerror or error}") from None
    if len(data) > MAX_WRITTEN:
        raise UsageError(f"--write-up {path} has {len(data) >> 20} MB, and at most {MAX_WRITTEN >> 20} MB are taken")
    return data


def _made(code: Appendix, written: bytes | None, as_html: bool) -> Made:
    """In the process that may die."""
    if as_html:
        return Made(pages.html(code).encode())
    if written is None:
        return Made(pages.pdf(code), pages.unwritten(code))
    from autograder.handin.appendix.pages import joined, looked_at, texts_of

    try:
        seen = looked_at(texts_of(written))
        lacking = [("collaborators", seen.states_collaborators), ("statement", seen.certifies)]
        cover = tuple(name for name, there in lacking if not there)
        front = pages.cover_pages(code, cover) if cover else b""
        # who states collaborators does so on the first page, and it has to stay the first
        whole = joined(front, written, pages.pdf(code), after_first=cover == ("statement",))
    except SubmissionError as error:
        return Made(problem=f"the written part cannot be used: {error}")
    notes = (*_said(code, cover), *(f"written part, {note}" for note in seen.notes), *pages.unwritten(code))
    return Made(whole, notes)


def _said(code: Appendix, cover: tuple[str, ...]) -> tuple[str, ...]:
    said = []
    if "collaborators" not in cover:
        said.append(
            "no page for collaborators was added: the written part seems to name them. Are they on its first page?"
        )
    elif not code.collaborators:
        said.append(f"page 1 has a blank line: state with whom you worked (--collaborators, or in {FILES.answers})")
    if "statement" in cover:
        said.append("the certification is on a page of its own, with a line for your signature: sign it")
    return tuple(said)
