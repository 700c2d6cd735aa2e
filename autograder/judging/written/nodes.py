"""The tree of a written answer: what the grammar makes, and what every reader of an answer walks.

Why separate: `grammar` decides how a text becomes such a tree, `evaluate` what the tree is worth; both speak in these
records, and neither needs the other. They hold no text that was not typed, and nothing is computed here.
"""

from __future__ import annotations

import msgspec

INDICES = ("i", "j", "k", "n", "t")  # letters that count


class Number(msgspec.Struct, frozen=True):
    """A number as it was typed: its digits say how exact it is meant."""

    text: str


class Name(msgspec.Struct, frozen=True):
    """A letter or word, with the index that was written at it: `v_2`, `mu`."""

    name: str
    index: str = ""


class Sum(msgspec.Struct, frozen=True):
    """Terms with their signs, +1 or -1."""

    terms: tuple[tuple[int, Node], ...]


class Product(msgspec.Struct, frozen=True):
    """Factors with how each is joined: "*" written out, "/" division, "//" that rounded down, "" by standing so."""

    factors: tuple[tuple[str, Node], ...]


class Power(msgspec.Struct, frozen=True):
    """`base ^ exponent`, however it was written."""

    base: Node
    exponent: Node


class Call(msgspec.Struct, frozen=True):
    """exp, sqrt, softmax, floor, ceil, norm, abs, dot, transpose, percent, pow, square, trace, ones, prod, total."""

    function: str
    arguments: tuple[Node, ...]


class Element(msgspec.Struct, frozen=True):
    """One entry of a list: `softmax(...)_2` counts from one, `softmax(...)[1]` as the writer does; or the i-th."""

    of: Node
    index: int | str
    bracket: bool


class Repeat(msgspec.Struct, frozen=True):
    """A sum of `term` for each `index` from 1 to `last` (0: as many as there are); with no index, of its entries."""

    index: str
    last: int
    term: Node


class Let(msgspec.Struct, frozen=True):
    """`body`, with names of the writer's own: in `s_1 v_1 + ..., s = softmax(...)` the name s.

    A name with an `index` that is a letter stands for a list, whose entry for each index is the term.
    """

    bindings: tuple[tuple[Name, Node], ...]
    body: Node


class List(msgspec.Struct, frozen=True):
    """A vector, or the rows of a matrix: `[1, 2]`."""

    items: tuple[Node, ...]


Node = Number | Name | Sum | Product | Power | Call | Element | Repeat | Let | List
