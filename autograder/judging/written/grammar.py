"""Tokens to a tree, by precedence climbing: the grammar of every written answer.

    sum      := product (("+" | "-") product)*
    product  := power (("*" | "/" | "//" | "@" | nothing) power)*       "nothing": 5d, d(...), 0.5 [1, 2, 3]
    power    := ("+" | "-") power | postfix ("^" power)?
    postfix  := primary ("^T" | "'" | "%" | "_i" | "[i]")*
    primary  := number | name | "(" list ")" | "|" sum "|" | function ["_i"] primary
               | "frac" primary primary | "sum" limits product
    list     := sum (("," | ";") sum)*                           one item: a group, more: a list

Why separate: it decides what is *well-formed*, never what it is worth. Depth is capped here, so that no tree can
exhaust the stack of whoever walks it; sums and products are flat for the same reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from autograder.core.text import one_line
from autograder.judging.written import nodes
from autograder.judging.written.nodes import INDICES, Call, Element, List, Name, Node, Number, Power, Product, Repeat
from autograder.judging.written.tokens import Token
from autograder.judging.written.verdict import Unreadable

MAX_DEPTH = 24  # 3(a) with fractions in brackets in a matrix nests 6 deep


FUNCTIONS = frozenset("exp sqrt softmax norm dot floor ceil pow square trace ones abs transpose prod total".split())
_OF_SEVERAL = frozenset({"dot", "pow"})  # their brackets hold arguments; elsewhere a list is one argument
MOST_TERMS = 20  # the question has three vectors
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_STARTS = frozenset({"number", "name", "(", "[", "{", "|", "‖"})


class _Reader:
    """The position in the tokens and the depth of the tree: the only state of the parser."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens = tokens
        self.position = 0
        self.depth = 0
        self.bars = 0

    @contextmanager
    def deeper(self) -> Iterator[None]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable(f"brackets or powers are nested more than {MAX_DEPTH} deep", "write the result shorter")
        yield
        self.depth -= 1

    def peek(self, ahead: int = 0) -> Token:
        at = self.position + ahead
        return self.tokens[at] if at < len(self.tokens) else Token("end", "")

    def take(self) -> Token:
        token = self.peek()
        self.position += 1
        return token

    def accept(self, *kinds: str) -> Token | None:
        return self.take() if self.peek().kind in kinds else None

    def expect(self, kind: str) -> None:
        if not self.accept(kind):
            raise self.unexpected(f"where a {kind!r} was due")

    def unexpected(self, hint: str = "") -> Unreadable:
        where = "the answer ends" if self.peek().kind == "end" else f"there is {one_line(self.peek().text, 20)!r}"
        before = " ".join(t.text + (f"_{t.index}" if t.index else "") for t in self.tokens[: self.position][-4:])
        after = f" after {one_line(before, 60)!r}" if before else ""
        return Unreadable(
            f"{where}{after}{' ' + hint if hint else ''}, and the answer cannot be read there",
            "look for a missing or an extra bracket or sign; write times as *, powers as ^, fractions as (...)/(...)",
        )


def parse(tokens: tuple[Token, ...]) -> Node:
    """The tree of a whole answer. A list without brackets ("1.5, 2, 3") is a list. Raises Unreadable."""
    if not tokens:
        raise Unreadable("there is nothing here to read", "write the result only")
    reader = _Reader(tokens)
    node = _list(reader, "end")
    if reader.peek().kind != "end":
        raise reader.unexpected()
    return node


def _list(reader: _Reader, closing: str) -> Node:
    """Items up to `closing` (not taken). Rows end with ";"; numbers side by side in brackets are items too."""
    rows: list[list[Node]] = [[]]
    while reader.peek().kind != closing:
        if reader.accept(";"):
            rows.append([])
        elif reader.accept(",", "&"):
            continue
        elif reader.peek().kind == "end":
            raise reader.unexpected(f"before the closing {closing!r}")
        else:
            rows[-1].append(_sum(reader))
    rows = [row for row in rows if row]
    if len(rows) == 1:
        return rows[0][0] if len(rows[0]) == 1 else List(tuple(rows[0]))
    return List(tuple(row[0] if len(row) == 1 else List(tuple(row)) for row in rows))


def _sum(reader: _Reader) -> Node:
    terms = [(1, _product(reader))]
    while sign := reader.accept("+", "-"):
        terms.append((1 if sign.kind == "+" else -1, _product(reader)))
    return terms[0][1] if len(terms) == 1 else nodes.Sum(tuple(terms))


def _product(reader: _Reader) -> Node:
    factors = [("*", _power(reader))]
    while True:
        if sign := reader.accept("*", "/", "//", "@"):
            factors.append((sign.kind, _power(reader)))
        elif _side_by_side(reader):
            factors.append(("", _power(reader)))
        else:
            return factors[0][1] if len(factors) == 1 else Product(tuple(factors))


def _side_by_side(reader: _Reader) -> bool:
    """Whether the next token continues the product without a sign. A number does not: "2 3" is two items."""
    kind = reader.peek().kind
    if kind in ("|", "‖") and reader.bars:
        return False
    return kind in _STARTS and kind != "number"


def _power(reader: _Reader) -> Node:
    negative = False
    while sign := reader.accept("+", "-"):
        negative ^= sign.kind == "-"
    node = _postfix(reader)
    if reader.accept("^"):
        with reader.deeper():
            node = Power(node, _power(reader))
    return nodes.Sum(((-1, node),)) if negative else node


def _postfix(reader: _Reader) -> Node:
    node = _primary(reader)
    while True:
        if _accept_transpose(reader):
            node = Call("transpose", (node,))
        elif reader.accept("%"):
            node = Call("percent", (node,))
        elif reader.accept("_"):
            node = _subscript(reader, node)
        elif isinstance(node, (Call, Name)) and _indexed(reader, node):
            node = _bracketed(reader, node)
        else:
            return node


def _indexed(reader: _Reader, node: Call | Name) -> bool:
    """Whether [1], [i] or numpy's [:, 1] comes; after a name of one number, brackets group a factor."""
    if reader.peek().kind != "[" or (isinstance(node, Name) and (node.index or node.name in ("d", "mu", "sigma", "e"))):
        return False
    ahead = 3 if reader.peek(1).kind == ":" and reader.peek(2).kind == "," else 1
    entry = reader.peek(ahead)
    if reader.peek(ahead + 1).kind not in ("]", ",") or (entry.kind != "number" and entry.text not in INDICES):
        return False
    return reader.peek(ahead + 1).kind == "]" or reader.peek(ahead + 2).kind == ":"


def _bracketed(reader: _Reader, node: Node) -> Node:
    while reader.peek().kind in ("[", ":", ","):
        reader.take()
    node = Element(node, _entry(reader), bracket=True)
    while reader.peek().kind in (",", ":"):
        reader.take()
    reader.expect("]")
    return node


def _accept_transpose(reader: _Reader) -> bool:
    """Take ^T, ^{T}, ^(T) or an apostrophe."""
    if reader.accept("'"):
        return True
    if reader.peek().kind != "^":
        return False
    opened = reader.peek(1).kind in ("{", "(")
    if reader.peek(2 if opened else 1).text != "T":
        return False
    reader.position += 4 if opened else 2
    return True


def _subscript(reader: _Reader, node: Node) -> Node:
    """The 2 of ‖mu‖_2 says which norm and changes nothing; elsewhere it picks an entry."""
    opened = reader.accept("{", "(")
    index = _entry(reader)
    if opened:
        reader.expect(_CLOSING[opened.kind])
    is_norm = isinstance(node, Call) and node.function == "norm"
    return node if is_norm and index == 2 else Element(node, index, bracket=False)


def _entry(reader: _Reader) -> int | str:
    """The 2 or the i of an index."""
    return reader.take().text.lower() if reader.peek().text.lower() in INDICES else _small_integer(reader)


def _small_integer(reader: _Reader) -> int:
    if reader.peek().kind != "number" or not reader.peek().text.isdigit() or len(reader.peek().text) > 2:
        raise reader.unexpected("where the number of an entry was due")
    return int(reader.take().text)


def _primary(reader: _Reader) -> Node:
    with reader.deeper():
        return _primary_inside(reader)


def _primary_inside(reader: _Reader) -> Node:
    token = reader.peek()
    if token.kind == "number":
        return Number(reader.take().text)
    if token.kind in _CLOSING:
        reader.take()
        node = _list(reader, _CLOSING[token.kind])
        reader.expect(_CLOSING[token.kind])
        if isinstance(node, List) and not node.items:
            raise Unreadable("there is an empty pair of brackets", "fill it in, or take it out")
        return node
    if token.kind in ("|", "‖"):
        return _between_bars(reader)
    if token.kind == "name" and token.text != "T":
        return _named(reader)
    raise reader.unexpected()


def _between_bars(reader: _Reader) -> Node:
    bar = reader.take()
    reader.bars += 1
    node = _sum(reader)
    reader.expect(bar.kind)
    reader.bars -= 1
    return Call("norm" if bar.kind == "‖" else "abs", (node,))


def _named(reader: _Reader) -> Node:
    token = reader.take()
    if token.text == "frac":
        return Product((("*", _primary(reader)), ("/", _primary(reader))))
    if token.text == "sum":
        return _repeat(reader)
    if token.text not in FUNCTIONS:
        return Name(token.text, token.index)
    entry = _entry(reader) if token.text == "softmax" and reader.accept("_") else None
    if token.text == "exp":
        reader.accept("^")  # exp^{2} is often typed for exp(2)
    argument = _primary(reader) if reader.peek().kind in _CLOSING else _postfix(reader)
    several = isinstance(argument, List) and token.text in _OF_SEVERAL
    call = Call(token.text, argument.items if several and isinstance(argument, List) else (argument,))
    return call if entry is None else Element(call, entry, bracket=False)


def _repeat(reader: _Reader) -> Node:
    """sum_{i=1}^{d} term: d equal terms, since every entry of the mean is the same or stands for its own square.

    sum_{i=1}^{3} s_i v_i: its terms written out. sum(...) of Python: the entries of a list.
    """
    index = _limits(reader) if reader.accept("_") else ""
    last = 0
    if reader.accept("^"):
        limit = _primary(reader)
        if isinstance(limit, Number) and limit.text.isdigit() and int(limit.text[:9]) <= MOST_TERMS:
            last = int(limit.text)
        elif not isinstance(limit, Name) or limit.name != "d":
            raise Unreadable("a sum in this answer does not run to d", "write the result without the sum")
    called = not index and reader.peek().kind == "("
    return Repeat(index, last, _postfix(reader) if called else _product(reader))


def _limits(reader: _Reader) -> str:
    """The index of {i=1}. What starts elsewhere has another number of terms."""
    index = ""
    opened = reader.accept("{", "(")
    if not opened:
        return reader.take().text.lower()
    while not reader.accept(_CLOSING[opened.kind]):
        token = reader.take()
        if token.kind == "end":
            raise reader.unexpected()
        if token.kind == "number" and token.text != "1":
            raise Unreadable(f"a sum in this answer starts at {token.text[:9]}", "start it at 1, or write its result")
        index = index or (token.text.lower() if token.kind == "name" else "")
    return index
