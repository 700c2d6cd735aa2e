"""A table of points as a person saved it: by a page of `hand`, from a spreadsheet, or typed. Its lines, checked.

Why separate: here is known what spreadsheets make of a table, and which lines cannot be meant; what the points are
for, and what they go over, is `hand`'s affair.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import itertools
import math
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from autograder.core.errors import UsageError
from autograder.core.policy import POLICY
from autograder.core.text import clean

HEAD = ("id", "question", "points", "comment")
NEEDED = HEAD[:3]
SEPARATORS = (",", ";", "\t")  # a spreadsheet writes semicolons where the comma stands in numbers
MAX_MB = 64
_ABOVE = 10  # lines in which the columns' names are looked for
MAX_COMMENT = 4000  # characters; a student's page shows all of it
QUESTIONS = {question.number: question for question in POLICY.by_hand}
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods are zips; .xls
_POINT_ZERO = re.compile(r"(?<=\d)[.,]0+$")
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)  # 3.03E+09
_PLAIN = re.compile(r"[^a-z0-9]+")
_SEPARATED = re.compile(
    r'"?sep=([^"\r\n])"?\r?\n?', re.IGNORECASE
)  # a first line that tells spreadsheets what separates


class Line(msgspec.Struct, frozen=True):
    """What one line says, which stands at `where` ("FILE, line N"). `points`: None where it gives none."""

    where: str
    id: str
    question: str
    points: float | None
    comment: str


def lines(path: Path, ids: Collection[str] | None) -> Iterator[Line]:
    """The lines of a table. `ids`: who may stand in it; None: anybody. Raises UsageError for what cannot be meant."""
    first, separator, rows = _opened(_text(path), path)
    head = [cell.strip().lower() for cell in next(rows, (first, []))[1]]
    _refuse_head(head, f"{path}, line {first}", separator)
    numbers = _numbers(ids or ())
    for number, row in rows:
        where = f"{path}, line {number}"
        if not any(cell.strip() for cell in row):
            continue
        if any(cell.strip() for cell in row[len(head) :]):
            raise UsageError(
                f"{where}: it has {len(row)} cells, and line {first} names {len(head)} columns: put quotes around a"
                f" cell with {_named(separator)} in it"
            )
        found = _line(dict(zip(head, row)), ids, numbers, where)
        _refuse_swallowed(row, head, separator, ids or (), where)
        yield found


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_MB << 20:
            raise UsageError(f"--hand {path}: it is larger than {MAX_MB} MB: give the table that the page saves")
        data = path.read_bytes()
        if data.startswith(_WORKBOOKS):
            raise UsageError(f"--hand {path} is a spreadsheet's own file: save it as CSV, in UTF-8, and give that")
        wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # what Excel calls Unicode text
        return data.decode("utf-16" if wide else "utf-8-sig")
    except OSError as error:
        raise UsageError(f"--hand {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(
            f'--hand {path} is not UTF-8: save it as CSV with that encoding (Excel calls it "CSV UTF-8")'
        ) from None


def _opened(text: str, path: Path) -> tuple[int, str, Iterator[tuple[int, list[str]]]]:
    """(the line with the names of the columns, what separates cells, the rows from there on).

    That line decides: its names are known, and nobody's comment stands in it. Before it a spreadsheet may have a title,
    or rows that are blank.
    """
    told = _SEPARATED.match(text)
    text, first = text[told.end() :] if told else text, 2 if told else 1
    tried = [*SEPARATORS, *([told[1]] if told and told[1] not in SEPARATORS else [])]
    above = list(itertools.islice(io.StringIO(text, newline=""), _ABOVE)) or [""]

    def known(place: tuple[int, str]) -> int:
        cells = above[place[0]].split(place[1])
        return len(set(NEEDED) & {cell.strip(' \t\r\n"').lower() for cell in cells})

    at, separator = max(itertools.product(range(len(above)), tried), key=known)  # of equals the first, and a comma
    return first + at, separator, _rows(text[sum(map(len, above[:at])) :], separator, first + at, path)


def _rows(text: str, separator: str, first: int, path: Path) -> Iterator[tuple[int, list[str]]]:
    """(number of the line in which it begins, cells) of each row.

    Strict: a quote that is closed nowhere, or where more follows, would take the next people's rows into one cell.
    """
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        number = first + rows.line_num
        try:
            yield number, next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise UsageError(f"{path}, line {number}: {_broken(str(error), first + rows.line_num - 1)}") from None


def _broken(error: str, last: int) -> str:
    """What is wrong with a row that cannot be read beyond line `last`."""
    if "unexpected end of data" in error:
        return (
            "a quote is opened in this row and never closed, so that all below it would be one cell: close it, or take"
            " it out"
        )
    if "expected after" in error:
        return (
            f"a quote of this row is followed by more text in its cell, in line {last}: close it where the cell ends,"
            " and write a quote within quotes twice"
        )
    return f"this is no row of a table ({error})"


def _refuse_head(head: Sequence[str], where: str, separator: str) -> None:
    if missing := [name for name in NEEDED if name not in head]:
        raise UsageError(
            f"{where}: there is no column {', '.join(missing)}; the page saves {', '.join(HEAD)}, and a comma,"
            " a semicolon or a tab may separate them"
        )
    if twice := [name for name in HEAD if head.count(name) > 1]:
        raise UsageError(f"{where}: there are two columns {twice[0]!r}: leave one of the two")


def _refuse_swallowed(
    row: Sequence[str], head: Sequence[str], separator: str, ids: Collection[str], where: str
) -> None:
    """A cell in which a line reads as a row of somebody's: one quote too few above, and one more in a row below."""
    for below in [line for cell in row for line in cell.splitlines()[1:]]:
        cells = dict(zip(head, (part.strip(" '\"") for part in below.split(separator))))
        points = cells.get("points", "").strip("0123456789.,")
        if cells.get("id") in ids and cells.get("question") in QUESTIONS and not points:
            raise UsageError(
                f"{where}: a quote that is opened in this row takes in the row of {cells['id']!r} below: close it where"
                " its cell ends"
            )


def _named(separator: str) -> str:
    return {",": "a comma", ";": "a semicolon", "\t": "a tab"}.get(separator, repr(separator))


def _line(
    cells: Mapping[str, str], ids: Collection[str] | None, numbers: Mapping[str, Sequence[str]], where: str
) -> Line:
    identity, number, typed = (cells.get(name, "").strip() for name in NEEDED)
    if ids is not None and identity not in ids:
        identity = _whose(identity, ids, numbers, where)
    number = _meant(number)
    if number not in QUESTIONS:
        raise UsageError(f"{where}: {number!r} is not graded by hand; these are: {', '.join(QUESTIONS)}")
    return Line(where, identity, number, _points(typed, number, where), clean(cells.get("comment", ""), MAX_COMMENT))


def _numbers(ids: Collection[str]) -> dict[str, list[str]]:
    """The ids that are numbers, by what a spreadsheet leaves of each: no zeros in front."""
    found: dict[str, list[str]] = {}
    for identity in ids:
        if identity.isdecimal():
            found.setdefault(identity.lstrip("0") or "0", []).append(identity)
    return found


def _whose(typed: str, ids: Collection[str], numbers: Mapping[str, Sequence[str]], where: str) -> str:
    """The id of which a spreadsheet made this, where it can be one alone. Raises UsageError else."""
    plain = unicodedata.normalize("NFC", typed.removeprefix("'"))  # as one keeps what looks like a formula
    left = _POINT_ZERO.sub("", plain)
    same = [plain] if plain in ids else numbers.get(left and (left.lstrip("0") or "0"), ())
    if len(same) == 1:
        return same[0]
    told = f"{where}: there is no submission {plain!r} in this class"
    if _ROUNDED.fullmatch(plain):
        told += ": a spreadsheet made a number of the id, and rounded it. Give the column the format Text, and put the"
        raise UsageError(f"{told} ids in once more")
    near = difflib.get_close_matches(plain.casefold(), [identity.casefold() for identity in ids], 1)
    meant = [identity for identity in ids if identity.casefold() in near]
    raise UsageError(f"{told}: is {meant[0]!r} meant?" if meant else told)


def _meant(typed: str) -> str:
    """The question that is spelled so, as people do ("2(d)", "Q2d", "3.c.c"); as it is where that is none, or two."""
    plain = _PLAIN.sub("", typed.casefold().removeprefix("question").removeprefix("q"))
    found = [number for number in QUESTIONS if _PLAIN.sub("", number.casefold()) == plain]
    return found[0] if len(found) == 1 and typed not in QUESTIONS else typed


def _points(typed: str, number: str, where: str) -> float | None:
    if not typed:
        return None
    try:
        points = float(typed.replace(",", "."))
    except ValueError:
        points = math.nan
    most = QUESTIONS[number].points
    if not math.isfinite(points):
        raise UsageError(f"{where}: the points {typed[:40]!r} are not a number")
    if not 0 <= points <= most:
        raise UsageError(f"{where}: {typed} points for {number}, which gives 0 to {most:g}")
    return points + 0.0  # no -0
