"""answers.toml, from bytes to tables: what the student typed, as plain JSON-able values, under canonical names.

Why separate: it is the only reader of the file, and it runs on hostile bytes, so size and nesting are capped before and
after the TOML parser. It judges nothing: a blank, a wrong type or an unknown name passes through to the judges and to
`layout`. Missing tables and keys are simply missing.

Read generously, so that a spelling costs nobody points:
- a byte order mark, Windows line ends, names in any case or with dashes or spaces ("Output-Shape"), tables written
  [2a], [Q2A], [q2.a] or [question 2a];
- LaTeX in double quotes, where TOML itself would refuse "\\mu" and turn "\\frac" into a form feed.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping

from autograder.core.errors import SubmissionError
from autograder.core.policy import FILES
from autograder.core.text import MERGE_MARKS, one_line
from autograder.handin.files.decoding import any_text
from autograder.handin.files.layout import canonical_key, canonical_table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_BYTES = 64 * 1024  # the template with every answer in LaTeX is below 4 KB
MAX_DEPTH = 8  # two matrices of numbers in a table nest 4 deep
MAX_VALUES = 2000
READ_DIGITS = 4300  # Python's own limit, which 3.10 has from 3.10.7 on only; the same file is read alike by all
MAX_DIGITS = 30  # integers beyond are kept as text: no answer needs one, and JSON readers differ on them

Tables = dict[str, dict[str, object]]

# LaTeX commands that begin like one of TOML's own escapes (\b \t \n \f \r \u).
_LIKE_ESCAPES = (
    r"b(?:eta|m|ar|egin|oldsymbol|igl?|igr|oxed|ullet)|B?igg?[lr]?|t(?:imes|o|op|ext\w*|frac|ilde|ranspose)"
    r"|n(?:abla|eq?|u|olimits|ormalsize)|f(?:rac|orall)|r(?:ho|ight\w*|m|angle|vert|Vert|brack|brace)|u(?:nderbrace|parrow)"
)
_BARE_BACKSLASH = re.compile(rf"\\\\|\\\"|(\\)(?=(?:{_LIKE_ESCAPES})(?![a-z])|[^btnfru\"\\U\s]|U(?![0-9a-fA-F]{{8}}))")
# Comments and literal strings pass unchanged; strings in double quotes get their LaTeX backslashes doubled. An unclosed
# quote matches up to the end of its line, so that no position is tried twice: linear time.
_PIECES = re.compile(
    r"""#[^\n]*|\'\'\'.*?(?:\'\'\'|\Z)|'[^'\n]*'?"""
    r"""|\"\"\"(?:[^\\]|\\.)*?(?:\"\"\"|\\?\Z)|"(?:[^"\\\n]|\\[^\n])*"?""",
    re.DOTALL,
)
_TOO_LONG = (
    f"{FILES.answers} holds a value that is nested too deep or a number that is too long. "
    "Write each answer as a short number, a list or text in quotes."
)
_NO_TEXT = (b"{\\rtf", b"PK\x03\x04", b"%PDF-", b"\xd0\xcf\x11\xe0")  # rich text, Word or a zip, PDF, old Word
_LINE = re.compile(r"line (\d+)")
_MARKS = (MERGE_MARKS[0], MERGE_MARKS[-1])  # the one between them may be a line that somebody drew


def parse_answers(data: bytes) -> Tables:
    """The tables of answers.toml by canonical name ("q2a"), each by key ("output_shape"), in file order.

    Values are text, int, finite float, bool, or lists of them. A value that stands before the first table is under "".
    Raises SubmissionError, with the line and what to do, when the bytes are not TOML or exceed the caps.
    """
    document = _document(_text(data))
    tables: Tables = {}
    for name, value in document.items():
        for table, key, entry in _entries(name, value):
            _keep(tables.setdefault(table, {}), key, _plain(entry, 1))
    if sum(_count(value) for table in tables.values() for value in table.values()) > MAX_VALUES:
        raise SubmissionError(
            f"{FILES.answers} holds more than {MAX_VALUES} values. Keep the tables of the template only."
        )
    return tables


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise SubmissionError(
            f"{FILES.answers} has {len(data) // 1024} KB, more than the {MAX_BYTES // 1024} KB that are read. "
            "It should hold the final answers only; the working belongs in the write-up."
        )
    if data.startswith(_NO_TEXT):
        raise SubmissionError(
            f"{FILES.answers} is a document with layout, not plain text. Save it again as plain text "
            "(TextEdit: Format > Make Plain Text; Word: Save As > Plain Text)."
        )
    text = any_text(data)
    if text is None:
        line = _odd_line(data)
        raise SubmissionError(
            f"{FILES.answers} is not UTF-8 text (line {line}). Save it again with the encoding UTF-8, "
            "or retype the odd character of that line, e.g. sigma for σ."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _odd_line(data: bytes) -> int:
    """The line, from 1, of the first byte that is not UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return data[: error.start].count(b"\n") + 1
    return 1


def _document(text: str) -> Mapping[str, object]:
    _refuse_deep(text)
    repaired = _PIECES.sub(_latex_kept, text)
    try:
        return tomllib.loads(repaired)
    except tomllib.TOMLDecodeError as error:
        raise SubmissionError(_syntax_message(text, str(error))) from None
    except (RecursionError, ValueError):
        raise SubmissionError(_TOO_LONG) from None


def _refuse_deep(text: str) -> None:
    """Before the parser recurses: brackets and dotted names (a.b.c) outside of strings and comments."""
    depth = 0
    for line, row in enumerate(_PIECES.sub(lambda m: "\n" * m[0].count("\n"), text).split("\n"), start=1):
        if "." * MAX_DEPTH in re.sub(r"[\w\s-]+", "", row):
            raise SubmissionError(f"{FILES.answers} line {line}: a name with {MAX_DEPTH} dots or more is not read.")
        for sign in row:
            depth += (sign in "[{") - (sign in "]}")
            if depth > MAX_DEPTH:
                raise SubmissionError(
                    f"{FILES.answers} line {line}: brackets are nested more than {MAX_DEPTH} deep. "
                    "Two matrices need three levels: [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]."
                )


def _latex_kept(match: re.Match[str]) -> str:
    piece = match[0]
    if not piece.startswith('"'):
        return piece
    return _BARE_BACKSLASH.sub(lambda m: "\\\\" if m[1] else m[0], piece)


def _syntax_message(text: str, error: str) -> str:
    """The parser's line, the line itself, and the fix that fits what stands there; a merge's mark before all else."""
    match = _LINE.search(error)
    rows = text.split("\n")
    marks = [number for number, row in enumerate(rows, 1) if row.startswith(_MARKS)]
    if marks:
        return (
            f"{FILES.answers} line {marks[0]} holds a mark left by a merge conflict: {rows[marks[0] - 1][:40]!r}."
            " Keep the answers that are yours, and delete the marks and the other version."
        )
    line = min(int(match[1]), len(rows)) if match else len(rows)
    row = rows[line - 1]
    if match and not row.strip() and line > 1:
        line, row = line - 1, rows[line - 2]
    return f"{FILES.answers} line {line} cannot be read: {one_line(row, 80)!r}. {_fix(row, error)}"


def _fix(row: str, error: str) -> str:
    _, equals, value = row.partition("=")
    if any(quote in row for quote in "“”„‘’«»"):
        return "Curly quotes are not quotes to TOML: retype them as plain \" or '."
    if "overwrite" in error.lower() or "declare" in error.lower() or "twice" in error.lower():
        return "The same name stands twice: keep one of them, or put the heading of its question above it, e.g. [q2b]."
    if row.count('"') % 2 or row.count("'") % 2:
        return "A quote seems to be missing: text begins and ends with the same quote."
    if equals and not value.strip():
        return 'Nothing stands after the "=": write the answer there, or "" for a blank.'
    if equals and value.strip()[0] not in "\"'[{":
        return "Put quotes around an answer that is text or a formula, e.g. '(x + 1)/2'."
    if equals and value.count("[") != value.count("]"):
        return 'The brackets do not match: every "[" needs its "]".'
    if equals and re.search(r"\d\s*/\s*\d", value):
        return 'Put quotes around a fraction inside a list, e.g. ["1/7", "2/7"].'
    return "Look for a missing quote, comma, bracket or equals sign in that line or the one before it."


def _entries(name: str, value: object) -> list[tuple[str, str, object]]:
    """(table, key, value) for a top-level item; [q2.a] opens as [q2a]."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value = value[0]  # [[q2a]] opens a list of tables in TOML; nobody means that here
    if not isinstance(value, dict):
        return [("", canonical_key(name), value)]
    found: list[tuple[str, str, object]] = []
    for key, entry in value.items():
        joined = canonical_table(f"{name}{key}")
        if isinstance(entry, dict) and joined in ("q2a", "q2b", "q2c", "q3a", "q3c"):
            found += [(joined, canonical_key(inner), inner_value) for inner, inner_value in entry.items()]
        else:
            found.append((canonical_table(name), canonical_key(key), entry))
    return found


def _keep(table: dict[str, object], key: str, value: object) -> None:
    """The first filled-in answer stays, when two spellings of one name are in the file."""
    if key not in table or table[key] in ("", []):
        table[key] = value


def _plain(value: object, depth: int) -> object:
    """Only what JSON can carry: dates, times, nan, inf and endless integers as text, inline tables as their values."""
    if depth > MAX_DEPTH:
        what = f"{FILES.answers} holds a value nested more than {MAX_DEPTH} deep"
        raise SubmissionError(f"{what}. Write it as a flat list.")
    if isinstance(value, dict):
        return [_plain(entry, depth + 1) for entry in value.values()]
    if isinstance(value, list):
        return [_plain(entry, depth + 1) for entry in value]
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        if abs(value) < 10**MAX_DIGITS:
            return value
        if abs(value) >= 10**READ_DIGITS:
            raise SubmissionError(_TOO_LONG)
        return f"an integer of more than {MAX_DIGITS} digits"
    if isinstance(value, float) and math.isfinite(value):
        return value
    return str(value)


def _count(value: object) -> int:
    return sum(map(_count, value)) if isinstance(value, list) else 1
