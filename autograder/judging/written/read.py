"""A typed value to what its box asks for: a number, a vector, a formula (shapes and matrices have files of their own).

Why separate: it is where we are generous (TOML numbers or text, lists or LaTeX, "= 12 parameters", "H=5, W=7"), so that
no judge has to be. It knows no right value. Each function raises Unreadable, with what to write instead.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from autograder.core.policy import TOLERANCES
from autograder.judging.written.evaluate import Reading, Value, children, evaluate
from autograder.judging.written.grammar import parse
from autograder.judging.written.nodes import Call, Node, Number, Sum
from autograder.judging.written.tokens import bounded, plain, tokens
from autograder.judging.written.verdict import Unreadable

Read = TypeVar("Read")

EXACT = TOLERANCES.exact

CONSTANTS: dict[str, Value] = {"e": math.e}
MAX_ENTRIES = 200  # two 5x5 matrices are 50

# Words that people write around a number or a shape; they are dropped. Single letters label a size: H=5, C=7.
_NOUNS = """
 parameter parameters param params weight weights bias biases filter filters channel channels total in all the a is are
 per each plus of with output shape tensor size sizes dimension dimensions dims length width height row rows column
 columns col cols step steps time timesteps feature features map maps depth image images pixel pixels batch none answer
 sequence sequences matrix matrices first second and approx approximately about roughly equals kernel units vector
 vectors long entries deep high wide positions as avg average max maximum pool pooling pooled result final number count
 learnable trainable there has have we get will be would it this that our my layer conv convolution convolutional
 network h w c l n b k f
"""
NOISE = frozenset(_NOUNS.split())
_THEREFORE = re.compile(r"\b(?:so|thus|hence|therefore|giving|gives)\b", re.IGNORECASE)
LABEL = re.compile(
    r"(?:^|(?<=[\s,;(\[]))(?![xX]\s*\d)[A-Za-z](?:[A-Za-z_ ]*[A-Za-z_])?(?:\s?[0-9])?\s*[=:](?!=)"
    r"|(?:^|(?<=[\s,;]))[0-9]\s*[:)](?=\s*[\[(])"
)
WRAPPED = re.compile(r"\b(?:torch\.Size|torch\.tensor|np\.array|np\.shape|numpy\.array|array|tensor|Size)\s*(?=[(\[])")
_WORDS_ONLY = re.compile(r"\([^()\d]*[A-Za-z][^()\d]*\)")
_LEADING = re.compile(r"^\s*([\d.,]+)(\s[A-Za-z\s]*|\s*[A-Za-z]{3}[A-Za-z\s]*)\(([^()]*)\)\s*$")
_MULTIPLIED = re.compile(r"filter|kernel|times|\bx\b", re.IGNORECASE)
_REASON = re.compile(r"\(?\s*\b(?:where|since|because|given|assuming|when|if)\b", re.IGNORECASE)
_ASIDE = re.compile(r"\(?\s*\b(?:where|since|because|with|for|if|given|assuming|as|when|by)\b", re.IGNORECASE)
_BLANKS = frozenset({"", "?", "??", "???", "todo", "...", "-", "n/a", "tbd", "fixme", "your answer here"})


class Figure(msgspec.Struct, frozen=True):
    """A number, and how it was rounded: to `decimals` places (None: exact), with `significant` digits."""

    value: float
    decimals: int | None = None
    significant: int = 0


def is_blank(raw: object) -> bool:
    """Whether nothing was answered: a missing key, "", "?", "TODO", an empty list, or a list of such."""
    if isinstance(raw, str):
        return raw.strip().lower().strip("._ ") in _BLANKS or not raw.strip("_ .")
    return raw is None or (isinstance(raw, list) and all(map(is_blank, raw)))


def number(raw: object) -> Figure:
    """One number: 12, "12", "5/7", "0.71", "= 12 parameters", "2*3 + 6"."""
    while isinstance(raw, list) and len(raw) == 1:
        raw = raw[0]
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        raise Unreadable(f"{_kind(raw)} where one number is asked for", 'write a number, e.g. 12 or "5/7"')
    if isinstance(raw, str):
        return _last_that_reads(cut(without_aside(raw)), _figure_of_text)
    return figure(Number(repr(raw))) if raw >= 0 else figure(Sum(((-1, Number(repr(-raw))),)))


def exactly(figure: Figure, truth: float) -> bool:
    """Whether the number is `truth` up to the last bits of a float."""
    return abs(figure.value - truth) <= EXACT * max(1.0, abs(truth))


def without_aside(text: str) -> str:
    """Without "(including the bias)", and without the working in "35 parameters (30 + 5)", which is no product."""
    text = _WORDS_ONLY.sub(" ", WRAPPED.sub(" ", _REASON.split(bounded(text))[0]))
    match = _LEADING.match(text)
    if not match or _MULTIPLIED.search(match[2]):
        return text
    try:
        same = figure(parse(tokens(match[3], noise=NOISE))).value == float(match[1].replace(",", ""))
    except (Unreadable, ValueError):
        same = True
    return match[1] if same or re.search("[A-Za-z=]", match[3]) else text


def _figure_of_text(text: str) -> Figure:
    return figure(parse(tokens(LABEL.sub(" ", text), noise=NOISE)))


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


def combinations(raw: object, names: dict[str, Value]) -> tuple[Value, ...]:
    """A vector, by every way of reading it: three numbers, or a combination of the vectors in `names`."""
    known = {**CONSTANTS, **names}
    if isinstance(raw, str):
        return _last_that_reads(cut(_REASON.split(bounded(raw))[0]), lambda text: _by_every_reading(text, known))
    if not isinstance(raw, list) or len(few(raw)) == 0:
        raise Unreadable(f"{_kind(raw)} where a vector is asked for", "write three numbers, or the combination as text")
    return (tuple(_entry(entry, known) for entry in raw),)


def _entry(raw: object, names: dict[str, Value]) -> Value:
    if isinstance(raw, list):
        return tuple(_entry(entry, names) for entry in few(raw))
    if isinstance(raw, str):
        return _last_that_reads(cut(raw), lambda text: _by_every_reading(text, names))[0]
    return number(raw).value


def _by_every_reading(text: str, names: dict[str, Value]) -> tuple[Value, ...]:
    node = parse(tokens(WRAPPED.sub(" ", text)))
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
    return tuple(values)


def formula(raw: object, sample: dict[str, Value]) -> Node:
    """The tree of a formula in the names of `sample`. Of a chain "E[x] = a = b" the last part that can be read."""
    if isinstance(raw, list) and len(raw) == 1:
        raw = raw[0]
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        raise Unreadable(f"{_kind(raw)} where a formula is asked for", "write the formula as text, in quotes")
    text = raw if isinstance(raw, str) else repr(raw)

    def read(part: str) -> Node:
        node = parse(tokens(part))
        if isinstance(evaluate(node, Reading(sample)), tuple):
            raise Unreadable("a list where one formula is asked for", "write one formula")
        return node

    return _last_that_reads(cut(_ASIDE.split(bounded(text))[0]), read)


def uses_inner_product(node: Node) -> bool:
    """Whether the mean is written as a vector: mu^T mu or a norm."""
    if isinstance(node, Call) and node.function in ("transpose", "norm", "dot", "repeat"):
        return True
    return any(uses_inner_product(child) for child in children(node))


def cut(text: str, between: str = "") -> list[str]:
    """The parts of a chain of equalities or arrows, outside of brackets; of "a ≈ b" only the exact a."""
    text = _THEREFORE.sub(" → ", plain(text)).strip().rstrip(".")
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if depth <= 0 and sign in "=→:":
            parts.append("")
        else:
            parts[-1] += sign
    exact = [part.split("≈")[0] if part.split("≈")[0].strip() else part.replace("≈", " ") for part in parts]
    return [part for part in exact if part.strip(" .,;" + between)] or [""]


def _last_that_reads(parts: Sequence[str], read: Callable[[str], Read]) -> Read:
    """What the last readable part says; when none reads, the problem of the last."""
    problem: Unreadable | None = None
    for part in reversed(parts):
        try:
            return read(part)
        except Unreadable as unreadable:
            problem = problem or unreadable
    assert problem is not None
    raise problem


def few(raw: list[object]) -> list[object]:
    """The list itself. Raises Unreadable when it is longer than any answer."""
    if len(raw) > MAX_ENTRIES:
        raise Unreadable(f"a list of {len(raw)} entries, far more than this answer has", "write the result only")
    return raw


def _kind(raw: object) -> str:
    kinds = {bool: "true or false stands", list: "a list stands", str: "text stands", int: "a number stands"}
    return kinds.get(type(raw), "something else stands")
