"""What in a policy is of another kind than it must be: text for a number, a name with a slip, a line that is missing.

Why separate: msgspec decides whether a file is a policy (policy.py), in words for programmers; this is asked once it
said no, and tells a person what stands there and what to write instead. Pure: it is given tables and kinds, no file.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterator
from typing import TypeAlias

from msgspec import inspect

from autograder.core.policy_fit import Place

Misfit: TypeAlias = tuple[Place, str]

# What a line of that name looks like, where it is missing.
_SAMPLES: dict[type, str] = {inspect.FloatType: "2", inspect.IntType: "2", inspect.BoolType: "false"}


def misfits(table: dict[str, object], whole: inspect.StructType) -> Iterator[Misfit]:
    """(place, what stands there and what to write) of all that is of another kind than `whole`, the kind of the file.

    What is only out of its bounds is told, too. Nothing comes of a table that msgspec takes.
    """
    yield from _Reader(whole).table(table, whole, ())


def lists(whole: inspect.StructType) -> tuple[str, ...]:
    """The tables of which a file has several, each under a header in double brackets."""
    return tuple(field.name for field in whole.fields if _of_tables(field.type))


class _Reader:
    """Walks tables beside the kind of the whole file, which tells where else a name is known."""

    def __init__(self, whole: inspect.StructType) -> None:
        self.whole = whole

    def any(self, value: object, kind: inspect.Type, at: Place) -> Iterator[Misfit]:
        """What is wrong with a value that should be of this kind."""
        if isinstance(kind, inspect.StructType):
            yield from self.table(value, kind, at)
        elif isinstance(kind, inspect.DictType):
            yield from self.names(value, kind, at)
        elif isinstance(kind, (inspect.VarTupleType, inspect.TupleType)):
            yield from self.several(value, kind, at)
        elif isinstance(kind, inspect.UnionType) and (table := _table_among(kind)) and isinstance(value, dict):
            yield from self.table(value, table, at)
        elif what := _single(value, _scalar(kind), at):
            yield at, what

    def table(self, value: object, kind: inspect.StructType, at: Place) -> Iterator[Misfit]:
        """What is wrong with a table whose names are known."""
        if not isinstance(value, dict):
            yield at, _no_table(value, at)
            return
        known = {field.name: field for field in kind.fields}
        for name in value:
            if name not in known:
                yield (*at, _joined(name, value[name])), self.unknown(name, value, tuple(known))
        for name, field in known.items():
            if name in value:
                yield from self.any(value[name], field.type, (*at, name))
            elif field.required:
                yield at, _missing(name, field.type, at)

    def names(self, value: object, kind: inspect.DictType, at: Place) -> Iterator[Misfit]:
        """What is wrong with a table whose names are anybody's: the tests of a question, by their numbers."""
        if not isinstance(value, dict):
            one = f"{at[-1]}.{_quoted('2a.1')} = 1"
            yield at, f"{_shown(value)} stands here: each test has a line of its own, such as {one}"
            return
        table = _table_among(kind.value_type)
        for name, each in value.items():
            inside = {field.name for field in table.fields} if table else set()
            if isinstance(each, dict) and each and not inside & {*each}:
                joined = _joined(name, each)
                yield (*at, joined), f"a test's number stands in quotes: {at[-1]}.{_quoted(joined)} = {_leaf(each)}"
            else:
                yield from self.any(each, kind.value_type, (*at, name))

    def several(self, value: object, kind: inspect.VarTupleType | inspect.TupleType, at: Place) -> Iterator[Misfit]:
        """What is wrong with a list."""
        of_tables = _of_tables(kind)
        items = kind.item_types if isinstance(kind, inspect.TupleType) else ()
        if not isinstance(value, list):
            if of_tables and isinstance(value, dict):
                yield at, f"each of them has a header in double brackets: [[{at[-1]}]]"
            elif of_tables:
                yield at, f"{_shown(value)} stands here: write them as tables, each under a header [[{at[-1]}]]"
            else:
                yield at, f"{_shown(value)} stands where a list must: {at[-1]} = {_as_list(value)}"
        elif items and len(value) != len(items):
            yield at, f"{len(items)} stand here, in square brackets with commas between them, not {len(value)}"
        else:
            for index, each in enumerate(value):
                item = items[index] if isinstance(kind, inspect.TupleType) else kind.item_type
                yield from self.any(each, item, (*at, index))

    def unknown(self, name: str, table: dict[str, object], known: tuple[str, ...]) -> str:
        """A name that this table does not have: a test's number, another table's name, or a slip in one of these."""
        number = _joined(name, table[name])
        if "tests" in known and number[:1].isdigit():
            return f"a test's number stands in quotes behind tests: tests.{_quoted(number)} = {_leaf(table[name])}"
        if near := _near(name, [other for other in known if other not in table]):
            return f"there is no {name!r} here: did you mean {near}?"
        if not {*known} ^ {field.name for field in self.whole.fields} and (near := _near(name, lists(self.whole))):
            return f"there is no {name!r} here: did you mean [[{near}]]?"
        if homes := self.homes(name):
            which = f"its header, {homes[0]}," if len(homes) == 1 else f"the header of its table, {' or '.join(homes)},"
            return f"{name!r} has another place: is {which} missing above it?"
        near = _near(name, known)
        return f"there is no {name!r} here{f', and {near} is there already' if near else ''}; known are {_and(known)}"

    def homes(self, name: str) -> list[str]:
        """The headers of the tables that do have this name."""
        return [header for header, names in _headers(self.whole, "") if name in names]


def _headers(kind: inspect.StructType, before: str) -> Iterator[tuple[str, set[str]]]:
    """(header as it is written, the names below it) of every table, those in tables too."""
    for field in kind.fields:
        many = isinstance(field.type, inspect.VarTupleType)
        inside = field.type.item_type if isinstance(field.type, inspect.VarTupleType) else field.type
        if isinstance(inside, inspect.StructType):
            name = f"{before}{field.name}"
            yield f"[[{name}]]" if many else f"[{name}]", {each.name for each in inside.fields}
            yield from _headers(inside, f"{name}.")


def _single(value: object, kind: inspect.Type, at: Place) -> str:
    """What is wrong with a value that is no table and no list; "" when nothing is."""
    if isinstance(kind, inspect.LiteralType):
        words = _and([_quoted(str(word)) for word in kind.values if word])
        return (
            "" if isinstance(value, str) and value in kind.values else f"{_shown(value)} is none of the words {words}"
        )
    if isinstance(kind, inspect.StrType):
        return "" if isinstance(value, str) else _no_text(value, at)
    if isinstance(kind, inspect.BoolType):
        return "" if isinstance(value, bool) else _no_switch(value, at)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _no_number(value, kind, at)
    if isinstance(kind, inspect.IntType) and isinstance(value, float):
        whole = f"write {value:.0f}, without a point" if value.is_integer() else "take a whole one"
        return f"{value:g} is no whole number: {whole}"
    return _out_of_bounds(value, kind)


def _no_text(value: object, at: Place) -> str:
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        return f"a list stands where one text must: write it without brackets{_as_line(at, _quoted(value[0]))}"
    if isinstance(value, (list, dict)):
        return f"{_shown(value)} stands where a text in quotes must"
    return f"{_shown(value)} stands where a text must: write it in quotes{_as_line(at, _quoted(_plain(value)))}"


def _no_switch(value: object, at: Place) -> str:
    words = {"true": "true", "yes": "true", "on": "true", "1": "true"}
    words |= {"false": "false", "no": "false", "off": "false", "0": "false"}
    meant = words.get(str(value).strip().lower()) if isinstance(value, (str, int)) else None
    write = f"write {meant}, without quotes{_as_line(at, meant)}" if meant else "write true or false, without quotes"
    return f"{_shown(value)} stands where true or false must: {write}"


def _no_number(value: object, kind: inspect.Type, at: Place) -> str:
    if isinstance(value, list) and len(value) == 1 and _is_number(value[0]):
        return f"a list stands where one number must: write it without brackets{_as_line(at, str(value[0]))}"
    said = f"{_shown(value)} stands where a number must"
    number = _number_in(value) if isinstance(value, str) else ""
    return f"{said}: write it without quotes{_as_line(at, number)}" if number else said


def _number_in(text: str) -> str:
    """The number that a text spells, as TOML writes it: "0,5", ".5" and "+5" are some, "50 %" and "ten" are none."""
    try:
        number = float(text.strip().replace(",", ".").replace("_", ""))
    except ValueError:
        return ""
    return f"{number:.15g}" if math.isfinite(number) else ""


def _out_of_bounds(value: float, kind: inspect.Type) -> str:
    if not isinstance(kind, (inspect.IntType, inspect.FloatType)):
        return ""
    bounds = [
        (kind.gt is not None and not value > kind.gt, f"above {kind.gt}"),
        (kind.ge is not None and not value >= kind.ge, f"{kind.ge} or more"),
        (kind.le is not None and not value <= kind.le, f"{kind.le} at most"),
        (kind.lt is not None and not value < kind.lt, f"below {kind.lt}"),
    ]
    share = "; a share is a part of 1, so 50 % is 0.5" if (kind.ge, kind.le) == (0, 1) else ""
    return next((f"{value:g} stands here: it must be {bound}{share}" for broken, bound in bounds if broken), "")


def _no_table(value: object, at: Place) -> str:
    if isinstance(value, list) and all(isinstance(each, dict) for each in value) and isinstance(at[-1], str):
        more = f"; there are {len(value)} of them, and only one can be" if len(value) > 1 else ""
        return f"there is one such table, so its header has single brackets: [{at[-1]}]{more}"
    if isinstance(at[-1], int):
        return f"{_shown(value)} stands where a table must: each has a header of its own, [[{at[0]}]]"
    return f"{_shown(value)} stands where a table must: its lines stand below a header of their own, [{at[-1]}]"


def _missing(name: str, kind: inspect.Type, at: Place) -> str:
    if isinstance(kind, inspect.StructType):
        return f"the table [{'.'.join([*map(str, at), name])}] is missing"
    if _of_tables(kind):
        return f"there is no [[{name}]] at all; if that is meant, write {name} = [] above the first header"
    sample = _SAMPLES.get(type(_scalar(kind)), '"…"')
    sample = f"[{sample}]" if isinstance(kind, (inspect.VarTupleType, inspect.TupleType)) else sample
    return f"{name} is missing: write {name} = {sample}, with your own value"


def _near(name: str, known: list[str] | tuple[str, ...]) -> str:
    """The known name that a slip was made in; "" when none is like it."""
    plain = name.lower().replace("-", "_").replace(" ", "_")
    return next(iter(difflib.get_close_matches(plain, known, n=1, cutoff=0.7)), "")


def _joined(name: str, value: object) -> str:
    """A number that was written without quotes, which TOML takes for a table in a table: {"4a": {"1": 5}} is 4a.1."""
    while isinstance(value, dict) and len(value) and name[:1].isdigit() and "points" not in value:
        below = next(iter(value))
        name, value = f"{name}.{below}", value[below]
    return name


def _leaf(value: object) -> str:
    while isinstance(value, dict) and value and "points" not in value:
        value = next(iter(value.values()))
    return "{ … }" if isinstance(value, dict) else _quoted(value) if isinstance(value, str) else _plain(value)


def _scalar(kind: inspect.Type) -> inspect.Type:
    """The kind of a value where it may be a table, too; the words of several lists of words in one."""
    if not isinstance(kind, inspect.UnionType):
        return kind
    words = [word for each in kind.types if isinstance(each, inspect.LiteralType) for word in each.values]
    return inspect.LiteralType(tuple(words)) if words else kind.types[0]


def _table_among(kind: inspect.Type) -> inspect.StructType | None:
    tables = [each for each in getattr(kind, "types", ()) if isinstance(each, inspect.StructType)]
    return tables[0] if tables else None


def _of_tables(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.VarTupleType) and isinstance(kind.item_type, inspect.StructType)


def _as_line(at: Place, value: str) -> str:
    """`: points = 5`, so that it can be copied; "" inside a list, where a line would be another thing."""
    if not isinstance(at[-1], str):
        return f": {value}"
    return f": {f'{at[-2]}.{_quoted(at[-1])}' if '.' in at[-1] else at[-1]} = {value}"


def _as_list(value: object) -> str:
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else [value]
    return f"[{', '.join(_quoted(_plain(part)) for part in parts)}]"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(value: object) -> str:
    """What stands there, by its kind and in its own spelling."""
    if isinstance(value, bool):
        return f"the word {_plain(value)}"
    if isinstance(value, str):
        return f"the text {_quoted(value if len(value) <= 40 else f'{value[:40]}…')}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return (
        "a list" if isinstance(value, list) else "a table" if isinstance(value, dict) else f"the date or time {value}"
    )


def _and(words: list[str] | tuple[str, ...]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
