"""A typed value to the sizes of a tensor, in the order typed.

Why separate: in a shape, x and * separate sizes, as commas and words do; in every other answer they multiply. It knows
no right value and judges nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from autograder.core.policy import TOLERANCES
from autograder.core.text import one_line
from autograder.judging.written.grammar import parse
from autograder.judging.written.nodes import Number, Power
from autograder.judging.written.read import LABEL, NOISE, Figure, cut, few, figure, number, without_aside
from autograder.judging.written.tokens import Token, tokens
from autograder.judging.written.verdict import Unreadable


class Shape(msgspec.Struct, frozen=True):
    """The sizes of a tensor, in the order typed."""

    sizes: tuple[int, ...]


def shape(raw: object) -> Shape:
    """Sizes in the order typed: [5, 7], "5 x 7", "(5, 7)", "H=5, W=6, C=7", "7 channels of 5 x 6"."""
    while isinstance(raw, list) and len(raw) == 1 and isinstance(raw[0], (list, str)):
        raw = raw[0]
    if isinstance(raw, list):
        return Shape(tuple(_size(number(entry)) for entry in few(raw)))
    if isinstance(raw, str):
        readings = [_sizes(part) for part in cut(LABEL.sub(" ", without_aside(raw)), between=",;")]
        return Shape(max(reversed(readings), key=len))  # "9 x 7 = 63": the sizes, not their product
    return Shape((_size(number(raw)),))


def _sizes(text: str) -> tuple[int, ...]:
    pieces = _pieces(_unwrapped(tokens(text, noise=NOISE)))
    if not pieces:
        raise Unreadable("there is no size in this answer", 'write the sizes, e.g. "5 x 7"')
    return tuple(size for piece in pieces for size in _one_or_two(piece))


def _one_or_two(piece: tuple[Token, ...]) -> tuple[int, ...]:
    """The size that a piece says; 5^2 says it twice, as in 5^2 x 7."""
    match parse(piece):
        case Power(base=base, exponent=Number(text="2")):
            return (_size(figure(base)),) * 2
        case node:
            return (_size(figure(node)),)


def _size(figure: Figure) -> int:
    whole = round(figure.value)
    if abs(figure.value - whole) > TOLERANCES.exact or whole < 0:
        raise Unreadable(f"{one_line(f'{figure.value:g}', 20)} is not a size: sizes are whole numbers", "round down")
    return whole


def _unwrapped(found: tuple[Token, ...]) -> tuple[Token, ...]:
    """Without brackets around the whole, one pair after the other."""
    while found and found[0].kind in ("(", "[", "{") and _closing_of_first(found) == len(found) - 1:
        found = found[1:-1]
    return found


def _closing_of_first(found: Sequence[Token]) -> int:
    depth = 0
    for position, token in enumerate(found):
        depth += (token.kind in ("(", "[", "{")) - (token.kind in (")", "]", "}"))
        if depth == 0:
            return position
    return -1


def _pieces(found: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """Cut outside of brackets at commas, x and between numbers side by side; at * when there is nothing else."""
    depth = 0
    pieces: list[list[Token]] = [[]]
    has_sign = any(token.text in ("x", ",", ";", "&") for token in found)
    for before, token in zip((Token("", ""), *found), found):
        depth += (token.kind in ("(", "[", "{")) - (token.kind in (")", "]", "}"))
        if depth == 0 and (token.text in ("x", ",", ";", "&") or (token.text == "*" and not has_sign)):
            pieces.append([])
            continue
        if depth == 0 and token.kind == "number" and before.kind in ("number", ")"):
            pieces.append([])
        pieces[-1].append(token)
    return [part for piece in pieces if piece for part in _nested_pieces(tuple(piece))]


def _nested_pieces(piece: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """(5 x 6) x 7: a group that holds sizes is cut again."""
    inner = _unwrapped(piece)
    holds_sizes = inner != piece and any(token.text in ("x", ",") for token in inner)
    return _pieces(inner) if holds_sizes else [piece]
