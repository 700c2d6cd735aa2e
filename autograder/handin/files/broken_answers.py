"""answers.toml that is no TOML, or holds something monstrous: every answer for itself.

Why separate: `answers` reads the whole file as TOML. Where that fails, one missing quote, one endless number or one
answer of megabytes would cost all the others. Here the lines are dealt out to the names of the template first; each
answer is then read alone, as TOML, else as the text that stands there. YAML, headings in any dress, line numbers of a
viewer and a file on one line are dealt out alike; JSON is read as what it is. Work is linear in the file.
"""

from __future__ import annotations

import contextlib
import csv
import json
import re
from collections.abc import Iterator

from autograder.core.errors import SubmissionError
from autograder.handin.files.answers import Tables, parse_answers
from autograder.handin.files.decoding import any_text
from autograder.handin.files.layout import LAYOUT, canonical_key, canonical_table, is_blank

MAX_ENTRY = 4000  # characters kept of one answer: more than any judge reads, so that it refuses what is longer
MAX_HEADING = 40
MAX_LINE = 400  # characters in which a heading or a name is looked for
_HEADING = re.compile(r"\s*\[{1,2}\s*[\"']?([^\[\]\"'=]{1,40})[\"']?\s*\]{1,2}\s*(?:#.*)?$")
_DRESS = " \t#*=~_`>|:,.\"'{}[]()-"  # what people put around a heading, or their editor does
_FIRST_WORD = re.compile(r"[^\W\d_]{1,15}\.?\s+(?=\S)")  # "Frage 2a", "domanda 2a"
_KEY = re.compile(r"\s*(?:[-*]\s+)?[\"']?([A-Za-z][A-Za-z0-9 _-]{0,40})[\"']?\s*(?:=(?!=)|:(?!=)|\s(?=[\"'\[(\d]))")
_REMARKED = re.compile(r"([\"'])([^\"'\n]+)\1[ \t]*(\([^\"'\n]*\))")
_NUMBERED = re.compile(r"^[ \t]{0,8}\d{1,4}[ \t]{0,4}[|:│→\t][ \t]?", re.MULTILINE)
_NAMES = "|".join(sorted({key for keys in LAYOUT.values() for key in keys}))
# Each run of spaces is tried from its beginning alone, and is not longer than a hand makes it.
_BEGINS = re.compile(
    rf"(?<![ \t])[ \t]{{1,200}}(?=(?:{_NAMES})[ \t]{{0,20}}=)|(?<=\S)[ \t]{{0,200}}(?=\[(?:{'|'.join(LAYOUT)})\])"
)
_DOTTED = re.compile(r"\s*([A-Za-z0-9_.]{1,30})\.([A-Za-z][A-Za-z0-9 _-]{0,40})\s*=(?!=)")
# Rich text: \'e9 and \u963 are characters, a sign behind a backslash is that sign; all else is how it looks.
_LAYOUT = re.compile(r"\\'([0-9a-f]{2})|(?:\\uc0)?\\u(\d{1,6})[ ?]?|\\([\\{}])|\\[a-z]{1,32}-?\d{0,6} ?|[\\{}]")
_STRAIGHT = str.maketrans({**dict.fromkeys("“”„«»", '"'), **dict.fromkeys("‘’", "'")})
_ITEM = re.compile(r"^\s*-\s+(\S.*?)\s*$", re.MULTILINE)
_QUOTES = "\"'“”„‘’«»` "


def salvaged(data: bytes) -> Tables:
    """The answers that can be told apart, by table and key. Never raises; empty where no known name is."""
    whole = _decoded(data)
    if ready := _json(whole) or _rows(whole):
        return ready
    tables: Tables = {}
    for table, key, text in _entries(_on_lines(whole)):
        found, value = tables.setdefault(table, {}), _value(text)
        if key not in found or not is_blank(value):  # what stands below is newer: a draft, then the final answers
            found[key] = value
    return tables


def _decoded(data: bytes) -> str:
    if data.startswith(b"{\\rtf"):
        return _LAYOUT.sub(_sign, data.decode("cp1252", "replace"))
    text = any_text(data)
    return data.decode("utf-8", "replace") if text is None else text


def _json(text: str) -> Tables:
    """The tables of a file that is JSON; none where it is not, or holds none of ours."""
    try:
        content = json.loads(text) if text.lstrip()[:1] == "{" else None
        whole = parse_answers("\n".join(_as_toml(content)).encode()) if isinstance(content, dict) else {}
    except (ValueError, RecursionError, SubmissionError):
        return {}
    return whole if LAYOUT.keys() & whole.keys() else {}


def _rows(text: str) -> Tables:
    """The tables of a spreadsheet that was saved as text: "2a,parameters,40", a row an answer."""
    tables: Tables = {}
    for separator in ",;\t":
        with contextlib.suppress(csv.Error):
            for row in csv.reader(text.splitlines(), delimiter=separator):
                names = (
                    [canonical_table(row[0]), canonical_key(row[1])]
                    if len(row) > 2 and len(row[0]) < MAX_HEADING
                    else []
                )
                if names and names[1] in LAYOUT.get(names[0], ()):
                    tables.setdefault(names[0], {})[names[1]] = _value(separator.join(row[2:]).rstrip(separator))
    return tables if sum(map(len, tables.values())) > 1 else {}


def _as_toml(content: dict[str, object]) -> Iterator[str]:
    for table, entries in content.items():
        if isinstance(entries, dict):
            yield f"[{_quoted(table)}]"
            # a JSON value is a TOML value, but for null and for objects, which no answer is
            yield from (f"{_quoted(key)} = {_quoted(entry)}" for key, entry in entries.items() if entry is not None)


def _quoted(value: object) -> str:
    """As JSON, with every sign as it is: TOML has no escape for one beyond the first 65,536 in two halves."""
    return json.dumps(value, ensure_ascii=False)


def _on_lines(text: str) -> str:
    """Without a viewer's line numbers, if most lines have one; each heading and answer on a line of its own."""
    lines = text.splitlines()
    if sum(bool(_NUMBERED.match(line)) for line in lines) * 2 > len(lines):
        lines = [_NUMBERED.sub("", line, count=1) for line in lines]
    return "\n".join(_BEGINS.sub("\n", line) if len(_BEGINS.findall(line)) > 1 else line for line in lines)


def _sign(match: re.Match[str]) -> str:
    if match[1]:
        return bytes.fromhex(match[1]).decode("cp1252", "replace")
    if match[2]:
        return chr(int(match[2])) if int(match[2]) < 0xD800 else "\ufffd"  # no half of a pair, which UTF-8 cannot spell
    return match[3] or ""


def _entries(text: str) -> Iterator[tuple[str, str, str]]:
    """(table, key, what stands after "="): up to the next heading, or the next name that the table has."""
    table = key = ""
    kept: list[str] = []
    length = 0
    for line in text.splitlines():
        heading, named = _heading(line[:MAX_LINE]), _named(line[:MAX_LINE], table)
        if not heading and not named:
            if length <= MAX_ENTRY:
                kept.append(line[:MAX_ENTRY])
            length += len(line)
            continue
        if key:
            yield table, key, "\n".join(kept)[: MAX_ENTRY + 1]
        kept, length, key = [], 0, ""
        if heading:
            table = heading
        if named:
            table, key, start = named
            kept, length = [line[start : start + MAX_ENTRY]], len(line) - start
    if key:
        yield table, key, "\n".join(kept)[: MAX_ENTRY + 1]


def _heading(line: str) -> str:
    """The table that begins here, if it is one of the template's."""
    match = _HEADING.match(line)
    bare = line.partition(" #")[0].strip(_DRESS)
    for said in (match[1] if match else "", bare, _FIRST_WORD.sub("", bare, count=1)):
        if 0 < len(said) <= MAX_HEADING and (name := canonical_table(said)) in LAYOUT:
            return name
    return ""


def _named(line: str, table: str) -> tuple[str, str, int] | None:
    """(table, key, where the answer begins) for a line that begins one of the template's answers."""
    if match := _DOTTED.match(line):
        table, key = canonical_table(match[1]), canonical_key(match[2])
    elif match := _KEY.match(line):
        key = canonical_key(match[1])
    return (table, key, match.end()) if match and key in LAYOUT.get(table, ()) else None


def _value(text: str) -> object:
    """What TOML makes of it, else the text without its quotes and comment."""
    if len(text) > MAX_ENTRY:
        return text[:MAX_ENTRY]
    text = text.translate(_STRAIGHT)
    if len(items := _ITEM.findall(text)) > 1:  # YAML's list, an entry a line
        text = f"[{', '.join(items)}]"
    paragraph = text.strip().partition("\n\n")[0]
    for whole in (
        text,
        paragraph,
        paragraph.partition("\n")[0],
    ):  # what follows an answer may be a fence, or a greeting
        try:
            return parse_answers(f"[q2a]\nparameters = {whole.strip().rstrip(',')}\n".encode())["q2a"].get(
                "parameters", ""
            )
        except (SubmissionError, RecursionError, KeyError):
            continue
    if behind := _REMARKED.fullmatch(text.strip()):  # "5 x 7" (rows x columns): the remark should stand within
        return f"{behind[2]} {behind[3]}"
    first, _, comment = text.partition("#")
    return (first if comment else text).strip().strip(_QUOTES)
