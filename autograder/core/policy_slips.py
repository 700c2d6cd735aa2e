"""What keeps a policy from being TOML at all: the slip in the line that its reader stopped at, in a person's words.

Why separate: what a file means is known only once it can be read (policy_kinds.py); this has the text and a line.
Pure: it guesses from that line and the headers above it, says nothing where it has no guess, and accepts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from autograder.core.policy_text import Line, lines

_SWITCHES = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}
_CURLY = re.compile(r"^[“”„‟‘’‚«»]")
_BLANK = re.compile(r"[\u00a0\u2000-\u200f\u202f\u2060\u3000\ufeff]")  # what a web page or a word processor puts there
_BEGUN = re.compile(r"^\s*([\w\"'.-]+)\s*=\s*\[")


class Slip(NamedTuple):
    """Where it is, as a line from 1, and what to write there."""

    line: int
    what: str


def slip(text: str, said: str, several: Sequence[str]) -> Slip | None:
    """The slip behind a TOML reader's message `said`, which ends in its line; None where nothing is recognised.

    `several` are the tables whose headers have double brackets.
    """
    if text.lstrip().startswith("{"):
        return Slip(1, "this looks like JSON; a policy is written as the one that comes with the grader is")
    read = list(lines(text))
    for line in read:
        if line.header in {(name,) for name in several} and line.opens == "[":
            name = line.header[0]
            return Slip(line.number, f"write [[{name}]], with double brackets: a policy has several of them")
    place = re.search(r"at line (\d+)", said)
    number = int(place[1]) if place else len(read)
    stopped = read[number - 1] if number <= len(read) else read[-1]
    found = _twice(read[: stopped.number], several) or _unclosed(read[: stopped.number], said) or _line(stopped)
    return found


def _twice(read: list[Line], several: Sequence[str]) -> Slip | None:
    """A name or a header that stood above already."""
    seen: dict[tuple[str, ...], int] = {}
    last = read[-1]
    for line in read[:-1]:
        if line.opens == "[[":
            seen = {path: number for path, number in seen.items() if path[: len(line.header)] != line.header}
            continue
        if line.key or line.opens:
            seen.setdefault(line.path, line.number)
    before = next((seen[path] for path in _beginnings(last) if path in seen), 0)
    if not before or last.opens == "[[" or not (last.key or last.opens):
        return None
    name = ".".join(last.key or last.header)
    if last.opens:
        return Slip(last.number, f"{name} stands in line {before} already: there can be one, so put its lines together")
    lost = len(last.key) == 1 and last.header[:1] and last.header[0] in several
    header = f", or is the header [[{last.header[0]}]] missing above it?" if lost else ""
    return Slip(last.number, f"{name} stands in line {before} already: take one of them out{header}")


def _beginnings(line: Line) -> Iterator[tuple[str, ...]]:
    """A line's whole path, and every name before it that may have been given a value where a table begins."""
    yield line.path
    if line.key:
        yield from (line.path[:size] for size in range(1, len(line.path)) if size > len(line.header))


def _line(line: Line) -> Slip | None:
    """The slip in the line itself."""
    if line.opens and len(line.opens) != len(line.closes):
        name = ".".join(line.header)
        return Slip(line.number, f"a header has as many brackets behind it as before it: [{name}] or [[{name}]]")
    if line.opens or not line.text.strip():
        return None
    if line.text.startswith(("<<<<<<<", "=======", ">>>>>>>")):
        return Slip(line.number, "two versions of the file were merged and are both here: keep the lines of one")
    if odd := _BLANK.search(line.text.partition("#")[0].partition('"')[0]):
        return Slip(line.number, f"a blank here is none (U+{ord(odd[0]):04X}): type it anew")
    if not line.key:
        what = _nameless(line.text.partition("#")[0].strip())
    else:
        what = _value(line.text.partition("=")[0].strip(), line.text.partition("=")[2].strip())
    return Slip(line.number, what) if what else None


def _nameless(text: str) -> str:
    """What is wrong with a line that is no header and gives nothing a value."""
    name, _, value = text.partition("=")
    if re.fullmatch(r"\s*\w+(?:[ ]+\w+)+\s*", name) and value:
        return f"a name has no space in it: {'_'.join(name.split())} = {value.strip()}"
    if alone := re.fullmatch(r"[(<{]?\s*([\w.]+)\s*[)>}]?:?", text):
        return f"a header stands in brackets, [{alone[1]}], and a name has = and a value behind it"
    if named := re.match(r"([\w.\"'-]+)(?:\s*:=?\s*|\s+)([^\s=].*)$", text):
        return f"write a = between name and value: {named[1]} = {named[2]}"
    return ""


def _bare(value: str) -> str:
    """A value without the comment behind it."""
    return value.partition("#")[0].strip() if value[:1] not in "\"'" else value


def _value(name: str, value: str) -> str:
    """What is wrong with the value that stands behind a name; "" where that is not seen."""
    bare = _bare(value)
    if not bare:
        return f"{name} has no value: write one behind the =, or take the line out"
    if _CURLY.match(bare):
        return f'these are no straight quotes: {name} = "{bare.strip("“”„‟‘’‚«»")}"'
    if bare[0] in "\"'":
        return _quotes(bare)
    if meant := _SWITCHES.get(bare.lower()):
        return (
            f"write {meant} in small letters: {name} = {meant}" if meant == bare.lower() else f"write {name} = {meant}"
        )
    if bare.lower() in ("none", "null", "nil", "undefined"):
        return f"there is no word for nothing: write a value behind {name}, or take the line out"
    if bare[0] == "=":
        return f"one = stands between name and value: {name} = {bare.lstrip('= ')}"
    if bare[0] == "[":
        pair = re.search(r"([\"'])\s+([\"'])", bare)
        return "a comma is missing between the texts of this list" if pair else ""
    if bare[0] == "{":
        colon = re.search(r"[\w\"']\s*:", bare)
        return "between braces stand names with =, in one line: { points = 1 }" if colon or "}" not in bare else ""
    return _number(name, bare) or _word(name, bare)


def _word(name: str, bare: str) -> str:
    if re.fullmatch(r"[\d.,]*\s*[^\W\d][\w .()/-]*", bare) or re.fullmatch(r"\d[\w.()]*[^\W\d][\w.()]*", bare):
        return f'a text stands in quotes, {name} = "{bare}", and a number has no letters'
    return ""


def _number(name: str, bare: str) -> str:
    """What is wrong with a number."""
    if behind := re.fullmatch(r"([+-]?[\d_.]+)\s*([;,]|//.*)", bare):
        comment = ", and a comment begins with #" if behind[2][0] == "/" else ""
        return f"nothing stands behind a value: {name} = {behind[1]}{comment}"
    if re.fullmatch(r"[+-]?\d{1,3}(?:,\d{3})+", bare):
        return f"a number has no comma: {bare.replace(',', '')}, or {bare.replace(',', '.', 1)} for a part of one"
    if re.fullmatch(r"[+-]?\d*,\d+", bare):
        return f"numbers have a point, not a comma: {name} = {bare.replace(',', '.')}"
    if percent := re.fullmatch(r"([\d.]+)\s*%", bare):
        return f"a share is a part of 1: {name} = {_share(percent[1])}"
    if parts := re.fullmatch(r"(\d+)\s*/\s*([1-9]\d*)", bare):
        return f"a number is written out: {name} = {int(parts[1]) / int(parts[2]):.4g}"
    if re.fullmatch(r"[+-]?(?:\.\d+|\d+\.|0\d+(?:\.\d*)?)", bare):
        return f"a number has a digit on both sides of its point, and no 0 before it: {name} = {float(bare):g}"
    return ""


def _share(percent: str) -> str:
    try:
        return f"{float(percent) / 100:g}"
    except ValueError:
        return "0.5"


def _quotes(value: str) -> str:
    if value[0] == '"' and re.search(r"(?<!\\)\\[^btnfruU\"\\]", value):
        return "in double quotes a \\ is written twice; in single ones it stands for itself"
    ends = re.match(rf"({value[0]})(?:[^{value[0]}\\]|\\.)*\1\s*(.*)$", value)
    if not ends:
        return f"the text is not closed: it needs a {value[0]} at its end, as at its beginning"
    return "" if ends[2].startswith("#") or not ends[2] else f"behind the text there is more, {ends[2]}: take it out"


def _unclosed(read: list[Line], said: str) -> Slip | None:
    """A list that began above, or in this line, and does not end."""
    if "array" not in said.lower():
        return None
    begun = next((line for line in reversed(read) if _BEGUN.match(line.text) and "]" not in line.text), None)
    return (
        Slip(begun.number, "this list is not closed, or lacks a comma: it needs a ] at its end, and commas between")
        if begun
        else None
    )
