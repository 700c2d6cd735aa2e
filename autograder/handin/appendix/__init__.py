"""A submission's code by question, for the appendix of its write-up: all of it, as it was typed, and nothing is run.

Why separate: a grade needs the two classes and what they use, a reader of the appendix wants every cell, at its
question. It happens in the reading process. What is cut is cut with a word about it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from autograder.core.code_appendix import Appendix, Block, Section, Shown
from autograder.core.errors import SubmissionError
from autograder.core.policy import POLICY
from autograder.core.records import Line, Submission
from autograder.core.text import printable
from autograder.handin.appendix.parts import CODING, TRAINING, Piece, parted
from autograder.handin.evidence import gather, plotted
from autograder.handin.files.cells import imports_module
from autograder.handin.files.decoding import decode
from autograder.handin.files.members import Member
from autograder.handin.files.notebook import SavedCell, looks_like_notebook, read_notebook
from autograder.handin.files.pictures import Look, Picture, looked_at, saved_pictures
from autograder.handin.load import load, members_of
from autograder.handin.present.written import FORMS, unwritten

BEFORE = "Before the questions: imports and set-up"
# A homework has 400 lines; more than this is data that somebody pasted.
MAX_LINES = 5_000
MAX_LINE = 2_000  # characters: twenty lines of a page
MAX_PRINTED = (40, 20)  # lines of the beginning and of the end of what a cell printed: ten epochs are ten lines
MAX_PICTURES = 6
MAX_PICTURE_BYTES = 8 << 20  # of all pictures together
_FIGURE = re.compile(r"<Figure size [\dx. ]+ with \d+ Axes?>")  # what matplotlib says beside each picture
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}


def read(path: Path) -> Appendix:
    """The code of the submission at `path`. Raises UsageError when nothing is there."""
    submission = load(path)
    if not submission.file:
        return Appendix(problem=submission.problem or next(iter(submission.unusable.values()), "there is no code"))
    try:
        members = members_of(path)
        own = next(member for member in members if member.name == submission.file)
        text = decode(own.read(), own.name)
        cells, others = _cells(text, own.name)
        pictures = saved_pictures(text) if others is not None else {}
    except (SubmissionError, ValueError, RecursionError) as error:
        return Appendix(problem=str(error))
    plots = frozenset(cell.number or 0 for cell in plotted(submission.cells))
    pieces = [*_modules(members, own, cells), *parted(cells, others or {}, plots, own.name)]
    notes: list[str] = []
    sections = tuple(_sections(_within(pieces, notes), {cell.number: cell for cell in cells}, pictures, notes))
    return Appendix(own.name, sections, _losses(submission), *_forms(submission), tuple(dict.fromkeys(notes)))


def _cells(text: str, name: str) -> tuple[Sequence[SavedCell], dict[int, str] | None]:
    """(code cells, other cells by number); a script is one cell without a number, and has no others."""
    if not (looks_like_notebook(text) or ".ipynb" in name.lower()):
        return (SavedCell(0, text, "", 0),), None
    cells, _, others = read_notebook(text, name)
    return cells, {other.number: other.source for other in others if other.number is not None}


def _modules(members: Sequence[Member], own: Member, cells: Sequence[SavedCell]) -> Iterator[Piece]:
    """Modules of one's own that lie beside the work and that it imports."""
    folder = PurePosixPath(own.name).parent
    for member in members:
        path = PurePosixPath(member.name)
        beside = member is not own and path.suffix == ".py" and path.parent == folder and path.stem.isidentifier()
        if beside and any(imports_module(path.stem, cell.source) for cell in cells):
            with contextlib.suppress(SubmissionError):  # what cannot be read is no code that a person can read
                yield Piece("", path.name, decode(member.read(), member.name), 1, 0)


def _within(pieces: Sequence[Piece], notes: list[str]) -> Iterator[Piece]:
    """The pieces, without the lines and ends of lines that nobody reads."""
    left = MAX_LINES
    for piece in pieces:
        lines = printable(piece.text).split("\n")
        long = sum(len(line) > MAX_LINE for line in lines)
        if long:
            notes.append(f"{piece.place}: {long} lines are longer than {MAX_LINE} characters, and were cut")
        kept = [_cut(line) for line in lines[:left]]
        if len(lines) > left:
            kept.append(f"# (here {len(lines) - left} more lines are left out)")
            notes.append(f"{piece.place}: lines beyond the first {MAX_LINES} of the appendix are left out")
        left -= min(left, len(lines))
        yield piece._replace(text="\n".join(kept))


def _cut(line: str) -> str:
    return line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]} … ({len(line) - MAX_LINE} characters more)"


def _sections(
    pieces: Iterator[Piece],
    cells: Mapping[int, SavedCell],
    pictures: Mapping[int, tuple[Picture, ...]],
    notes: list[str],
) -> Iterator[Section]:
    room = [MAX_PICTURES, MAX_PICTURE_BYTES]
    blocks: dict[str, list[Block]] = {number: [] for number in ("", *CODING)}
    for piece in pieces:
        block = Block(piece.place, piece.text, piece.first)
        if piece.number == TRAINING and piece.cell:
            shown = tuple(_shown(piece, pictures.get(piece.cell, ()), room, notes))
            block = Block(piece.place, piece.text, piece.first, _printed(cells[piece.cell].outputs), shown)
        blocks[piece.number].append(block)
    titles = {question.number: question.title for question in POLICY.questions}
    for number, found in blocks.items():
        if found or number:
            yield Section(number, titles[number] if number else BEFORE, tuple(found))


def _printed(outputs: str) -> str:
    lines = [_cut(line.rstrip()) for line in printable(outputs).strip("\n").split("\n")]
    lines = [line for line in lines if not _FIGURE.fullmatch(line)]
    first, last = MAX_PRINTED
    if len(lines) > first + last:
        lines[first:-last] = [f"(here {len(lines) - first - last} more lines are left out)"]
    return "\n".join(lines)


def _shown(piece: Piece, pictures: Sequence[Picture], room: list[int], notes: list[str]) -> Iterator[Shown]:
    for picture in pictures:
        ending = _ENDINGS.get(picture.kind)
        if ending is None or not picture.data:
            notes.append(
                f"{piece.place}: a picture of the kind {picture.kind[:30]} is left out; PNG and JPEG are shown"
            )
        elif looked_at(picture) is Look.BLANK:
            notes.append(f"{piece.place}: a picture of one colour is left out: run that cell again?")
        elif room[0] < 1 or len(picture.data) > room[1]:
            notes.append(
                f"{piece.place}: pictures beyond {MAX_PICTURES}, or {MAX_PICTURE_BYTES >> 20} MB, are left out"
            )
        else:
            room[:] = [room[0] - 1, room[1] - len(picture.data)]
            yield Shown(ending, picture.data, f"the picture under {piece.place}")


def _losses(submission: Submission) -> tuple[Line, ...]:
    evidence = gather(submission.history, "", submission.cells)
    pairs = (("training set", evidence.train_loss), ("validation set", evidence.validation_loss))
    return tuple(Line(name, values) for name, values in pairs if values)


def _forms(submission: Submission) -> tuple[str, str]:
    """(signed by, collaborators) as answers.toml has them; "" where it does not."""
    given = (submission.answers or {}).get(FORMS, {})
    signed, others = given.get("signed_by"), given.get("collaborators")
    listed = ", ".join(map(str, others)) if isinstance(others, list) else str(others)
    return ("" if unwritten(signed) else str(signed)), ("" if unwritten(others) else listed)
