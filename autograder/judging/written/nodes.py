"""The tree of a written answer: what the grammar makes, and what every reader of an answer walks.

Why separate: `grammar` decides how a text becomes such a tree, `evaluate` what the tree is worth; both speak in these
records, and neither needs the other. They hold no text that was not typed, and nothing is computed here.
"""

from __future__ import annotations

import msgspec


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
    """Factors with how each is joined: "*" written out, "/" division, "" by standing side by side."""

    factors: tuple[tuple[str, Node], ...]


class Power(msgspec.Struct, frozen=True):
    """`base ^ exponent`, however it was written."""

    base: Node
    exponent: Node


class Call(msgspec.Struct, frozen=True):
    """exp, sqrt, softmax, floor, norm, abs, dot, transpose, repeat (a sum over d equal terms), percent."""

    function: str
    arguments: tuple[Node, ...]


class Element(msgspec.Struct, frozen=True):
    """One entry of a list: `softmax(...)_2` counts from one, `softmax(...)[1]` as the writer does."""

    of: Node
    index: int
    bracket: bool


class List(msgspec.Struct, frozen=True):
    """A vector, or the rows of a matrix: `[1, 2]`."""

    items: tuple[Node, ...]


Node = Number | Name | Sum | Product | Power | Call | Element | List
