"""A typed value to two matrices, the answer of the pooling question.

Why separate: matrices are typed in more forms than anything else (nested lists, rows as text, LaTeX, one long list),
and the forms are told apart by nesting alone. It knows no right value and judges nothing.
"""

from __future__ import annotations

import math
import re

import msgspec

from autograder.judging.written.algebra import Value
from autograder.judging.written.asides import without_repeats
from autograder.judging.written.called import without_names
from autograder.judging.written.chains import LABEL, split_outside, unwrapped, without_spoken_groups
from autograder.judging.written.echo import matrices_echoed
from autograder.judging.written.evaluate import Reading, evaluate
from autograder.judging.written.grammar import parse
from autograder.judging.written.nodes import List, Node, Product
from autograder.judging.written.ones import in_brackets
from autograder.judging.written.read import CONSTANTS, MAX_ENTRIES, Figure, few, figure, number
from autograder.judging.written.spelling import bounded
from autograder.judging.written.taken_back import standing
from autograder.judging.written.tokens import tokens
from autograder.judging.written.verdict import Unreadable
from autograder.judging.written.words import FILLERS

_AS_SQUARES = "the numbers were read row by row as two square matrices"
_FOR_BOTH = "one matrix was read as the result for both inputs"
_BOTH = re.compile(
    r"\b(?:both|identical|same|ditto|twice|(?:for|of) each|each (?:of|image|input|matrix))\b"
    r"|^\s*[A-Za-z]\w?\s*=\s*[A-Za-z]\w?\s*="
    r"|^\s*[A-Za-z]\w?\s*=[^=]*\]\s*=\s*[A-Za-z]\w?\s*$",
    re.IGNORECASE,
)
_ALL_ = re.compile(r"\ball-(?=ones\b|zeros\b|\d's?\b)", re.IGNORECASE)
# One matrix that is said to stand for both: "[[...]] x2", "two copies of [[...]]", Python's [A]*2.
_TWICE = (
    re.compile(r"^\s{0,3}(?:two|2)\s+copies\s+of\s+(.*)$", re.DOTALL | re.IGNORECASE),
    re.compile(
        r"^(.*[\])}])\s{0,3},?\s{0,3}(?:\(\s{0,3})?(?:twice|[x×]\s?2)(?:\s{0,3}\))?\s{0,3}\.?$",
        re.DOTALL | re.IGNORECASE,
    ),
    re.compile(
        r"^\s{0,3}\[\s{0,3}(\[\s{0,3}\[.*\]\s{0,3}\]|(?:\w+\.)?ones\(.*\))\s{0,3}\]\s{0,3}\*\s{0,3}2\s{0,3}$", re.DOTALL
    ),
)
# Two matrices without a bracket, and what stands between them.
_BETWEEN = re.compile(
    r"\n[^\S\n]{0,9}[-=*_]{3,30}[^\S\n]{0,9}\n|\band\b|[.;,\n]\s{0,3}(?=(?:the\s+)?(?:second|2nd|(?:matrix|image|output|input)\s{0,3}2)\b)",
    re.IGNORECASE,
)
_ROWS = re.compile(r"[;\n]|\s/\s")
# "all sixes (4x4) for both": whose entries are said in words, and its size.
_DIGITS = "zero one two three four five six seven eight nine".split()
_ALL_OF = re.compile(
    rf"(?:\b(?:all|of|are|with|full)\s+(?:all\s+)?|^\s*)(?:({'|'.join(_DIGITS)})e?s|([0-9])'?s)\b"
    r"|\b(?:every|each|all)\s+(?:entry|entries|elements?|values?)\s+(?:is|are|equals?)\s+([0-9])(?![\d./])",
    re.IGNORECASE,
)
_SIDE = re.compile(r"(?<![\d.])([1-9])\s*(?:x|×|\*|by|-by-)\s*\1(?![\d.])", re.IGNORECASE)
_ONE_ENTRY = re.compile(r"[^\[\](){};,&\n=]*=[^\[\]{};,&\n=]*|\s*[A-Za-z]+(?:[ -][A-Za-z]+)*\s*")  # 5/7 = 0.71; five
_BETWEEN_LISTS = re.compile(r"\]\s*/\s*\[")
_BULLETS = tuple(
    tuple(re.compile(rf"(?<![\w^*/])\(?{mark}\)\s*(?=[\[(\\])") for mark in pair)
    for pair in (("1", "2"), ("a", "b"), ("A", "B"), ("i", "ii"))
)
FigureMatrix = tuple[tuple[Figure, ...], ...]
Nested = Figure | tuple["Nested", ...]


class Matrices(msgspec.Struct, frozen=True):
    """Matrices as rows of figures, and a remark when they were typed in another form than the template's."""

    matrices: tuple[FigureMatrix, ...]
    remark: str = ""

    @property
    def understood(self) -> str:
        """The matrices as rows of numbers."""
        return matrices_echoed([[[figure.value for figure in row] for row in matrix] for matrix in self.matrices])


def matrices(raw: object) -> Matrices:
    """Two matrices: nested lists, rows as text ("1/7 2/7; 3/7 4/7"), LaTeX, or all entries in reading order."""
    typed = raw
    if isinstance(raw, str):
        raw = without_names(standing(bounded(raw)))
    if isinstance(raw, str) and (once := next(filter(None, (each.match(bounded(raw)) for each in _TWICE)), None)):
        raw = f"{once[1]} for both"
    nested = _spoken(raw) or _halves(raw) or _sized(raw)
    entries = _leaves(nested)
    if len(entries) > MAX_ENTRIES:
        raise Unreadable(f"{len(entries)} numbers, more than the two matrices can have", "write the two results only")
    depth = _depth(nested)
    if depth == 3 and isinstance(nested, tuple):
        return Matrices(tuple(_rows(matrix) for matrix in nested))
    if depth == 2 and isinstance(nested, tuple):
        found = _from_rows(nested)
        twice = len(found.matrices) == 1 and isinstance(raw, str) and (_BOTH.search(raw) or _BOTH.search(str(typed)))
        return Matrices(found.matrices * 2, _FOR_BOTH) if twice else found
    if depth == 1 and len(entries) % 2 == 0 and _side(len(entries) // 2):
        half = len(entries) // 2
        return Matrices((_square(entries[:half]), _square(entries[half:])), _AS_SQUARES)
    raise Unreadable(
        "this is not two matrices", 'write two lists of rows, e.g. [[["1/7", "2/7"], ["3/7", "4/7"]], [[1, 2], [3, 4]]]'
    )


def _from_rows(nested: tuple[Nested, ...]) -> Matrices:
    """Two flat matrices, two matrices stacked on each other, or one matrix alone."""
    lengths = {len(_leaves(row)) for row in nested}
    if len(lengths) != 1:
        raise Unreadable("the rows of your matrices have different lengths", "check each row for a missing number")
    (columns,) = lengths
    if len(nested) == 2 and columns > 2 and _side(columns):
        return Matrices((_square(_leaves(nested[0])), _square(_leaves(nested[1]))), _AS_SQUARES)
    if len(nested) == 2 * columns:
        halves = nested[:columns], nested[columns:]
        return Matrices(tuple(_rows(half) for half in halves), "the rows were read as two matrices below each other")
    return Matrices((_rows(nested),))


def _rows(matrix: Nested) -> FigureMatrix:
    if isinstance(matrix, Figure):
        raise Unreadable("a number stands where a matrix is due", "check the brackets of your matrices")
    if matrix and all(isinstance(entry, Figure) for entry in matrix) and _side(len(matrix)):
        return _square(_leaves(matrix))
    rows = tuple(_leaves(row) for row in matrix)
    if len({len(row) for row in rows}) != 1:
        raise Unreadable("the rows of your matrices have different lengths", "check each row for a missing number")
    return rows


def _side(count: int) -> int:
    """The side of a square with `count` entries, or 0."""
    side = math.isqrt(count)
    return side if side * side == count else 0


def _square(entries: tuple[Figure, ...]) -> FigureMatrix:
    side = _side(len(entries))
    return tuple(entries[start : start + side] for start in range(0, len(entries), side))


def _spoken(raw: object) -> Nested | None:
    """Two matrices whose entries are all said at once: "both are 4x4 matrices of sixes"."""
    if not isinstance(raw, str) or "[" in raw:
        return None
    raw = _ALL_.sub("all ", raw)
    said = list(_ALL_OF.finditer(bounded(raw)))
    size = _SIDE.search(raw)
    if len(said) == len(sides := _SIDE.findall(raw)) == 2 and not re.search(r"second.*first", raw, re.IGNORECASE):
        return tuple(_full(one, int(side)) for one, side in zip(said, sides))
    if len(said) != 1 or not size or re.search(r"\b(?:not|no|except|but)\b", raw, re.IGNORECASE):
        return None  # "all sixes, but for the corner"
    return (_full(said[0], int(size[1])),) * 2


def _full(said: re.Match[str], side: int) -> Nested:
    entry = Figure(float(said[2] or said[3] or _DIGITS.index(said[1].lower())))
    return (tuple([entry] * side),) * side


def _sized(raw: object) -> Nested:
    """As `_nested`; what says that all entries are one number, and not how many there are, is told so."""
    try:
        nested = _nested(raw)
    except Unreadable as problem:
        raise _without_size(raw) or problem from problem
    told = _without_size(raw) if isinstance(nested, Figure) else None
    if told:
        raise told
    return nested


def _without_size(raw: object) -> Unreadable | None:
    if not isinstance(raw, str) or not _ALL_OF.search(_ALL_.sub("all ", raw)) or _SIDE.search(raw):
        return None
    return Unreadable(
        "this says what all entries are, and not how many rows and columns there are",
        'write the size, e.g. "all sixes, 4x4, for both", or the matrices themselves',
    )


def _halves(raw: object) -> Nested | None:
    """Two matrices whose rows have no brackets: "5 6; 7 8 and 1 2; 3 4", with a line or "second:" between, too."""
    if not isinstance(raw, str) or "[" in raw or "\\" in raw or "(" in raw:
        return None
    halves = _BETWEEN.split(bounded(raw))
    if len(halves) != 2 or not all(
        len(re.findall(r"\d", half)) > 3 and _ROWS.search(half.strip(" .;\n")) for half in halves
    ):
        return None
    if "second" in halves[0].lower() and "first" in halves[1].lower():
        halves.reverse()
    spoken = re.compile(r"\b(?:the|first|second|1st|2nd|(?:matrix|image|output|input)\s*[12]?)\b|:", re.IGNORECASE)
    return tuple(
        _nested(re.sub(r"\s/\s", " ; ", spoken.sub(" ", half).strip(" .;,\n")).replace("\n", ";")) for half in halves
    )


def _nested(raw: object) -> Nested:
    if isinstance(raw, list):
        found = tuple(_nested(entry) for entry in few(raw))
        return found[0] if len(found) == 1 and isinstance(found[0], tuple) and _depth(found[0]) > 1 else found
    if isinstance(raw, str):
        raw = without_repeats(_ALL_.sub("all ", raw))
        raw = in_brackets(raw)
        if (said := _ALL_OF.search(raw)) and (size := _SIDE.search(raw)) and "[" not in raw:
            return _full(said, int(size[1]))
    if isinstance(raw, str) and _ONE_ENTRY.fullmatch(raw):
        return number(raw)
    if isinstance(raw, str):
        raw = without_spoken_groups(re.sub("[\"']", " ", bounded(raw)))  # quotes around entries say nothing
        text = LABEL.sub(
            " ", _numbered(unwrapped(re.sub(r"(?<=\d)(?:\.{2,}|…)", "", bounded(raw))).lstrip(" =≈≃~:→\n"))
        )
        text = _BETWEEN_LISTS.sub("] , [", _last_of_each(text.replace("|", ";")))
        return _nested_node(parse(tokens(re.sub(r"\s*\n\s*", " ", text), noise=FILLERS)))
    return number(raw)


def _last_of_each(text: str) -> str:
    """Of "[[8/7]] = [[1.14]] and [[...]]", the last of each chain that holds a matrix."""
    if "=" not in text or "[" not in text:
        return text
    pieces = split_outside(re.sub(r"\band\b", ",", text), ",;\n")
    return " , ".join(
        next((part for part in reversed(re.split("[=≈]", piece)) if "[" in part), piece) for piece in pieces
    )


def _numbered(text: str) -> str:
    """Without (1) and (2), or a) and b), before the matrices."""
    for first, second in _BULLETS:
        if first.search(text) and second.search(text):
            text = second.sub(" ", first.sub(" ", text))
    return text


def _nested_node(node: Node) -> Nested:
    if isinstance(node, List):
        return tuple(_nested_node(item) for item in node.items)
    if isinstance(node, Product) and len(matrices := _side_by_side(node)) > 1:
        return tuple(_nested_node(Product(factors)) for factors in matrices)  # two matrices side by side
    if isinstance(node, Product) and len(node.factors) == 1:
        return _nested_node(node.factors[0][1])
    value = evaluate(node, Reading(CONSTANTS))
    return _exact(value) if isinstance(value, tuple) else figure(node)


def _side_by_side(node: Product) -> list[tuple[tuple[str, Node], ...]]:
    """The factors of each list, as "1/9 [...] 1/9 [...]" and numpy's "[[1 1]\n [1 1]]" have them, without a sign."""
    groups: list[list[tuple[str, Node]]] = [[]]
    for join, factor in node.factors:
        another = join == "" or (join == "*" and _is_list(factor))  # [...] * 1/7 is one matrix
        if groups[-1] and another and any(_is_list(before) for _, before in groups[-1]):
            groups.append([])
        groups[-1].append((join if groups[-1] else "*", factor))
    return [tuple(group) for group in groups]


def _is_list(node: Node) -> bool:
    return isinstance(node, List) or (isinstance(node, Product) and any(_is_list(factor) for _, factor in node.factors))


def _exact(value: Value) -> Nested:
    """(1/7) [[1, 2], [3, 4]]: the entries are products of exact numbers."""
    return tuple(_exact(entry) for entry in value) if isinstance(value, tuple) else Figure(value)


def _leaves(nested: Nested) -> tuple[Figure, ...]:
    return (nested,) if isinstance(nested, Figure) else tuple(x for entry in nested for x in _leaves(entry))


def _depth(nested: Nested) -> int:
    return 0 if isinstance(nested, Figure) else 1 + max(map(_depth, nested), default=0)
