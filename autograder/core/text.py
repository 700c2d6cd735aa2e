"""The one sanitiser for text that a student wrote, or could have written, before a person or a platform reads it.

Why separate: results.json, the HTML report, the terminal and the class tables all show such text (printed output,
exception texts and *type names*, answers, file names), and one forgotten escape is enough to forge a line of a report.
Nothing here knows where the text goes: HTML escaping is the template's job (Jinja2 autoescape), never done by hand.

Three strengths:

- `printable`  any text, harmless: no control sequences, nothing invisible. `<` stays: for source code in the report;
- `clean`      the same, short, and without `<` and `>`: for every text field of results.json;
- `one_line`   the same on one line: for names and table cells.

All three are idempotent and run in time linear in the text; `clean` and `one_line` look at its beginning only, so that
a megabyte of exception text costs no more than the line that is shown of it.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata

ELLIPSIS = "…"

# A base letter carries at most two marks in the languages that we expect to read (Vietnamese), three in pointed Hebrew.
# Beyond four, stacked marks paint over the neighbouring lines of a report.
MAX_MARKS = 4
TAB = "    "

# Escape sequences of ECMA-48 in the 7-bit and the 8-bit spelling: strings with their payload (OSC, DCS, SOS, PM, APC),
# CSI with parameters, and the short ones. An unterminated string loses only its introducer (its ESC goes with the
# controls below): else one stray byte could swallow all that follows. No class matches an introducer: linear time.
_SEQUENCE = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x80-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]+[0-~]"
)
_NEWLINE = re.compile("\r\n|[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")

# Letters and marks that print as nothing: Unicode calls them letters, a reader calls them a trick.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")

# Gradescope and its exports may show a text field where markup is read. Look-alikes keep "a < b" and "<class 'int'>"
# legible, and there is then no tag to escape, whatever shows the text. (`&` alone starts no tag.)
_ANGLES = str.maketrans({"<": "‹", ">": "›"})
_CONTROLS = dict.fromkeys([*(n for n in range(32) if n != 10), 127])

# How much is read for `limit` characters shown: most text shrinks little; what is mostly escapes says nothing more.
READ_TIMES, READ_MORE = 4, 1000

# What git leaves at the beginning of a line where two versions of a file did not fit together.
MERGE_MARKS = ("<<<<<<<", "=======", ">>>>>>>")


def printable(text: str) -> str:
    """`text` with newlines as LF, tabs as spaces, and without anything that a terminal or a page would obey or hide.

    Control characters and invisible format characters (bidi overrides, zero-width joiners, tags) go; lone surrogates,
    private-use and unassigned code points become U+FFFD; marks on one base character are capped at MAX_MARKS.
    """
    text = _NEWLINE.sub("\n", _SEQUENCE.sub("", text)).replace("\t", TAB)
    if text.isascii():
        return text.translate(_CONTROLS)
    kept: list[str] = []
    marks = 0
    for character in text:
        shown = _shown(character)
        marks = marks + 1 if shown and unicodedata.category(shown).startswith("M") else (0 if shown else marks)
        if marks <= MAX_MARKS:
            kept.append(shown)
    return "".join(kept)


def _shown(character: str) -> str:
    """What stands for one character: itself, a plain space, the replacement sign, or nothing."""
    category = unicodedata.category(character)
    if character == "\n":
        return character
    if character in _BLANK or category in ("Cc", "Cf"):
        return ""
    if category.startswith("C"):
        return "\ufffd"
    return " " if category == "Zs" else character


def clean(text: str, limit: int = 500, *, lines: int = 12) -> str:
    """`text` fit for a text field that a student reads: printable, no `<` or `>`, at most `limit` characters and
    `lines` lines. What is cut off is marked by an ellipsis. Raises ValueError for a limit or line count below 1.
    """
    if limit < 1 or lines < 1:
        raise ValueError(f"limit and lines must be at least 1, not {limit} and {lines}")
    begun = _beginning(text, limit)
    rows = [row.rstrip() for row in printable(begun).translate(_ANGLES).strip("\n ").split("\n")]
    rows = [row for row, before in zip(rows, ["", *rows]) if row or before]  # one blank line in a row says enough
    if len(rows) > lines or len(begun) < len(text):
        rows = rows[:lines] or [""]
        rows[-1] = _ended(rows[-1])
    return _shortened("\n".join(rows), limit)


def _ended(row: str) -> str:
    return row if row.endswith(ELLIPSIS) else f"{row} {ELLIPSIS}".strip()


def wrapped(text: str, width: int) -> str:
    """The text in lines of at most `width` columns. Lines that begin with a blank are commands, and stay as they are.

    So does a word that is longer, a path say: it can be copied only in one piece.
    """
    return "\n".join(_in_lines(line, width) for line in text.split("\n"))


def _in_lines(line: str, width: int) -> str:
    if len(line) <= width or line[:1].isspace():
        return line
    return textwrap.fill(line, max(width, 1), break_long_words=False, break_on_hyphens=False)


def counted(count: int, noun: str) -> str:
    """ "1 epoch", "10 epochs"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def one_line(text: str, limit: int = 200) -> str:
    """`text` on one line, spaces collapsed, sanitised like `clean`, at most `limit` characters."""
    if limit < 1:
        raise ValueError(f"limit must be at least 1, not {limit}")
    begun = _beginning(text, limit)
    line = " ".join(printable(begun).translate(_ANGLES).split())
    return _shortened(line if len(begun) == len(text) else _ended(line), limit)


def _beginning(text: str, limit: int) -> str:
    return text[: READ_TIMES * limit + READ_MORE]


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + ELLIPSIS
