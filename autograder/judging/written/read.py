"""A typed value to what its box asks for: a number, a vector, a formula (shapes and matrices have files of their own).

Why separate: it is where we are generous (TOML numbers or text, lists or LaTeX, "= 12 parameters", "H=5, W=7"), so that
no judge has to be. It knows no right value. Each function raises Unreadable, with what to write instead.
"""

from __future__ import annotations

import math
import re

import msgspec

from autograder.core.policy import TOLERANCES
from autograder.core.spoken import in_digits
from autograder.core.text import one_line
from autograder.handin.files.layout import is_blank as is_blank
from autograder.judging.written.algebra import Value
from autograder.judging.written.asides import without_equations, without_part, without_repeats
from autograder.judging.written.chains import (
    LABEL,
    Said,
    cut,
    last_that_reads,
    said,
    unwrapped,
    without_reason,
    without_words,
)
from autograder.judging.written.echo import MOST, echoed
from autograder.judging.written.evaluate import Reading, evaluate
from autograder.judging.written.grammar import parse
from autograder.judging.written.moments import with_moments
from autograder.judging.written.nodes import Call, List, Node, Number, Repeat, Sum
from autograder.judging.written.spelling import bounded, plain
from autograder.judging.written.taken_back import standing
from autograder.judging.written.tokens import tokens
from autograder.judging.written.trees import children
from autograder.judging.written.verdict import Unreadable
from autograder.judging.written.words import FILLERS

EXACT = TOLERANCES.exact

CONSTANTS: dict[str, Value] = {"e": math.e}
MAX_ENTRIES = 200  # two 5x5 matrices are 50

_WORDS_ONLY = re.compile(r"\([^()\d]*[A-Za-z][^()\d]*\)")
_LEADING = re.compile(r"^\s*([\d.,]+)(\s[A-Za-z\s]*|\s*[A-Za-z]{3}[A-Za-z\s]*)\(([^()]*)\)\s*$")
_MULTIPLIED = re.compile(r"filter|kernel|times|\bx\b", re.IGNORECASE)
_ABOUT = re.compile(r"\b(?:approx(?:imately)?|about|roughly|the|a?\s*vector|answer|output|result)\b", re.IGNORECASE)
_OF_WHICH = re.compile(r"(?:(?<=[\w)\]}])[,;]?\s+\d+\s+|,?\s*)\bof\s+(?:which|these|those|them)\b.*", re.DOTALL)
_NAMED_PARTS = re.compile(  # w = 3*4, b = 3
    r"^\s*w(?:eights?)?\s*[=:]\s*([\d*+x ]{1,40}?)\s*[,;]\s*(?:and\s+)?b(?:ias(?:es)?)?\s*[=:]\s*(\d{1,6})\s*\.?\s*$",
    re.IGNORECASE,
)
_NAMED_ENTRIES = re.compile(r"\s*(?:[A-Za-z]\w{0,3}\s*=\s*-?[\d.]+\s*(?:[,;\n]\s*|$)){2,}")
_SIGNED = r"([-+]?\s{0,3}[\d.]+)"
_AXES = (
    r"\\?(?:hat|mathbf|vec)?\s{0,3}\{?\s{0,3}%s\s{0,3}\}?",
    r"\\?(?:mathbf|vec)?\s{0,3}\{?e\}?\s{0,3}_?\s{0,3}\{?%s\}?",
)
_NTH = r"(?:the\s+)?%s(?:\s+(?:entry|component|element|coordinate))?\s{0,3}(?:is|=|:)?\s{0,3}"
_BY_AXIS = (  # 0.25 i + 1.5 j + 3.75 k, the same with unit vectors e1, e2, e3, and "first 0.25, second 1.5, third 3.75"
    *(
        re.compile(
            r"(?<![\w.])"
            + r"\s{0,3}".join(rf"{_SIGNED}\s{{0,3}}\*?\s{{0,3}}{axis % each}" for each in letters)
            + r"(?!\w)"
        )
        for axis, letters in zip(_AXES, ("ijk", "123"))
    ),
    re.compile(
        r"^\s{0,3}"
        + r"[\s,;]{0,4}".join(_NTH % nth + _SIGNED for nth in ("first", "second", "third"))
        + r"\s{0,3}\.?\s{0,3}$",
        re.IGNORECASE,
    ),
)
_TOTAL = re.compile(r"\b(?:total|altogether|overall|answer|result|sum)\b", re.IGNORECASE)


class Combination(msgspec.Struct, frozen=True):
    """A vector by every way of reading it, and what it was understood as."""

    values: tuple[Value, ...]
    understood: str


class Figure(msgspec.Struct, frozen=True):
    """A number, and how it was rounded: to `decimals` places (None: exact), with `significant` digits."""

    value: float
    decimals: int | None = None
    significant: int = 0


def number(raw: object) -> Figure:
    """One number: 12, "12", "5/7", "0.71", "= 12 parameters", "2*3 + 6", "6 weights, 2 biases, 8 in total"."""
    while isinstance(raw, list) and len(raw) == 1:
        raw = raw[0]
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        raise Unreadable(f"{_kind(raw)} where one number is asked for", 'write a number, e.g. 12 or "5/7"')
    if isinstance(raw, str):
        raw = _NAMED_PARTS.sub(r"\1 + \2", bounded(raw))
        return last_that_reads(
            cut(without_aside(without_part(_OF_WHICH.sub("", in_digits(without_repeats(standing(bounded(raw)))))))),
            _figure_of_text,
        )
    return figure(Number(repr(raw))) if raw >= 0 else figure(Sum(((-1, Number(repr(-raw))),)))


def _counted(clause: str) -> str:
    return next((noun for noun in ("weight", "bias") if noun in clause.lower()), "")


def exactly(figure: Figure, truth: float) -> bool:
    """Whether the number is `truth` up to the last bits of a float."""
    return abs(figure.value - truth) <= EXACT * max(1.0, abs(truth))


def without_aside(text: str) -> str:
    """Without "(including the bias)", and without the working in "35 parameters (30 + 5)", which is no product."""
    text = without_equations(_WORDS_ONLY.sub(" ", unwrapped(without_reason(text))))
    match = _LEADING.match(text)
    if not match or _MULTIPLIED.search(match[2]):
        return text
    try:
        same = figure(parse(tokens(match[3], noise=FILLERS))).value == float(match[1].replace(",", ""))
    except (Unreadable, ValueError):
        same = True
    return match[1] if same or re.search("[A-Za-z=]", match[3]) else text


def _figure_of_text(text: str) -> Figure:
    node = parse(tokens(LABEL.sub(" ", text), noise=FILLERS))
    if isinstance(node, List):
        return _one_of(node, text)
    return figure(node)


def _one_of(node: List, text: str) -> Figure:
    """Of "6 weights, 2 biases, 8 in total" the total; "6 weights and 2 biases" are added up. Else it is a list."""
    figures = [figure(item) for item in node.items]
    values = [each.value for each in figures]
    if len(values) > 2 and values[-1] == sum(values[:-1]):
        return figures[-1]
    clauses = [clause for clause in plain(text).split(",") if re.search(r"\d", clause)]
    totals = [each for each, clause in zip(figures, clauses) if _TOTAL.search(clause)]
    if len(totals) == 1 and len(clauses) == len(figures):
        return totals[0]
    if len(values) == len(clauses) == 2 and {_counted(clause) for clause in clauses} == {"weight", "bias"}:
        return Figure(sum(values))
    raise Unreadable("a list where one number is asked for", 'write a number, e.g. 12 or "5/7"')


def figure(node: Node) -> Figure:
    """The number that a tree says, with its rounding. Raises Unreadable for a vector or an unknown name."""
    value = evaluate(node, Reading(CONSTANTS))
    if isinstance(value, tuple):
        raise Unreadable("a list where one number is asked for", 'write a number, e.g. 12 or "5/7"')
    decimals = _decimals(node)
    if decimals is None:
        return Figure(value)
    return Figure(value, decimals, len(f"{abs(value):.{decimals}f}".replace(".", "").lstrip("0")))


def _decimals(node: Node) -> int | None:
    """The places after the point of the least precise decimal in it; None when every number in it is exact."""
    if isinstance(node, Number):
        return _places(node.text)
    within = [places for child in children(node) if (places := _decimals(child)) is not None]
    if isinstance(node, Call) and node.function == "percent" and within:
        return min(within) + 2
    return min(within, default=None)


def _places(text: str) -> int | None:
    mantissa, _, exponent = text.lower().partition("e")
    if "." not in mantissa and not exponent:
        return None
    return min(max(len(mantissa.partition(".")[2]) - int(exponent or 0), 0), 15)


def combinations(raw: object, names: dict[str, Value]) -> Combination:
    """Three numbers, or a combination of the vectors in `names`."""
    known = {**CONSTANTS, **names}
    if isinstance(raw, str):
        raw = standing(bounded(raw))
        if _NAMED_ENTRIES.fullmatch(raw):
            raw = re.sub(r"[A-Za-z]\w*\s*=", " ", raw)  # x = 0.25, y = 1.5, z = 3.75
        for named in _BY_AXIS:
            raw = named.sub(r"\1, \2, \3", raw)
        answer = said(raw)
        text = answer.text if answer.defined else without_reason(answer.text)
        return last_that_reads(cut(text), lambda part: _by_every_reading(part, known, answer))
    if not isinstance(raw, list) or len(few(raw)) == 0:
        raise Unreadable(f"{_kind(raw)} where a vector is asked for", "write three numbers, or the combination as text")
    entries = tuple(_entry(entry, known) for entry in raw)
    return Combination((entries,), one_line(str(list(raw)).replace("'", ""), MOST))


def _entry(raw: object, names: dict[str, Value]) -> Value:
    if isinstance(raw, list):
        return tuple(_entry(entry, names) for entry in few(raw))
    if isinstance(raw, str):
        return last_that_reads(cut(raw), lambda text: _by_every_reading(text, names, Said(text))).values[0]
    return number(raw).value


def _by_every_reading(text: str, names: dict[str, Value], answer: Said) -> Combination:
    node = answer.node(_ABOUT.sub(" ", unwrapped(text)))
    values: list[Value] = []
    problem: Unreadable | None = None
    for columns in (False, True):
        for zero_based in (True, False):
            try:
                value = evaluate(node, Reading(names, columns=columns, zero_based=zero_based))
            except Unreadable as unreadable:
                problem = problem or unreadable
            else:
                values += [] if value in values else [value]
    if not values and problem:
        raise problem
    return Combination(tuple(values), echoed(node))


def formula(raw: object, sample: dict[str, Value]) -> Node:
    """The tree of a formula in the names of `sample`. Of a chain "E[x] = a = b" the last part that can be read."""
    if isinstance(raw, list) and len(raw) == 1:
        raw = raw[0]
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        raise Unreadable(f"{_kind(raw)} where a formula is asked for", "write the formula as text, in quotes")
    text = raw if isinstance(raw, str) else repr(raw)

    answer = said(without_equations(with_moments(standing(bounded(text)))))

    def read(part: str) -> Node:
        node = answer.node(part)
        if isinstance(evaluate(node, Reading(sample)), tuple):
            raise Unreadable("a list where one formula is asked for", "write one formula")
        return node

    return last_that_reads(cut(answer.text if answer.defined else without_words(answer.text)), read)


def uses_inner_product(node: Node) -> bool:
    """Whether the mean is written as a vector: mu^T mu or a norm."""
    if isinstance(node, Repeat) or (isinstance(node, Call) and node.function in ("transpose", "norm", "dot", "trace")):
        return True
    return any(uses_inner_product(child) for child in children(node))


def few(raw: list[object]) -> list[object]:
    """The list itself. Raises Unreadable when it is longer than any answer."""
    if len(raw) > MAX_ENTRIES:
        raise Unreadable(f"a list of {len(raw)} entries, far more than this answer has", "write the result only")
    return raw


def _kind(raw: object) -> str:
    kinds = {bool: "true or false stands", list: "a list stands", str: "text stands", int: "a number stands"}
    return kinds.get(type(raw), "something else stands")
