"""A tree back to text, in one plain spelling: what a typed answer was understood as.

Why separate: students check "read as" before they hand in, and see it beside a verdict. It prints what was typed, never
a value that the grader worked out.
"""

from __future__ import annotations

from collections.abc import Sequence

from autograder.core.text import one_line
from autograder.judging.written.nodes import (
    Call,
    Element,
    Let,
    List,
    Name,
    Node,
    Number,
    Power,
    Product,
    Repeat,
    Sum,
)

MOST = 160  # characters; the longest honest formula has 60


def echoed(node: Node) -> str:
    """`node` as one line of plain text."""
    return one_line(_text(node), MOST)


def matrices_echoed(matrices: Sequence[Sequence[Sequence[float]]]) -> str:
    """Matrices as rows of numbers with three digits."""
    rows = [[f"[{', '.join(f'{value:.3g}' for value in row)}]" for row in matrix] for matrix in matrices]
    return one_line(" and ".join(f"[{', '.join(each)}]" for each in rows), MOST)


def _text(node: Node) -> str:
    match node:
        case Number(text=text):
            return text
        case Name(name=name, index=index):
            return name if not index else f"{name}{index}" if index.isdigit() else f"{name}_{index}"
        case Sum(terms=terms):
            text = "".join(f" {'+' if sign > 0 else '-'} {_inside(term, Sum)}" for sign, term in terms)
            return text[3:] if terms[0][0] > 0 else f"-{text[3:]}"
        case Product(factors=factors):
            (_, first), *others = factors
            return _factor(first) + "".join(f"{_SIGNS[join]}{_factor(factor)}" for join, factor in others)
        case Power(base=base, exponent=exponent):
            return f"{_inside(base, Sum, Product, Power)}^{_inside(exponent, Sum, Product)}"
        case Call(function="transpose", arguments=(of,)):
            return f"{_factor(of)}^T"
        case Call(function="percent", arguments=(of,)):
            return f"{_factor(of)} %"
    return _listed(node)


_SIGNS = {"*": " * ", "": " * ", "@": " @ ", "/": "/", "//": "//"}


def _listed(node: Node) -> str:
    match node:
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(map(_text, arguments))})"
        case Element(of=of, index=index, bracket=bracket):
            return f"{_factor(of)}[{index}]" if bracket else f"{_factor(of)}_{index}"
        case Repeat(index=index, last=last, term=term):
            counted = f"_{index}" if index else ""
            return f"sum{counted}{f'^{last}' if last else ''} {_factor(term)}"
        case Let(bindings=bindings, body=body):
            return f"{_text(body)}, where {', '.join(f'{_text(name)} = {_text(term)}' for name, term in bindings)}"
        case List(items=items):
            return f"[{', '.join(map(_text, items))}]"
    return ""


def _factor(node: Node) -> str:
    return _inside(node, Sum, Product)


def _inside(node: Node, *kinds: type) -> str:
    return f"({_text(node)})" if isinstance(node, kinds) else _text(node)
