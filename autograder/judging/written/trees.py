"""What stands in a tree: its parts, its calls, whether a part is the mean, a transpose or a matrix.

Why separate: questions about how an answer is written, which need no value of any name. `evaluate` and the readers ask.
"""

from __future__ import annotations

from itertools import pairwise

from autograder.judging.written.nodes import (
    INDICES,
    Call,
    Element,
    Let,
    List,
    Name,
    Node,
    Power,
    Product,
    Repeat,
    Sum,
)


def children(node: Node) -> tuple[Node, ...]:
    """The parts of one node."""
    match node:
        case Sum(terms=pairs) | Product(factors=pairs):
            return tuple(child for _, child in pairs)
        case Power(base=base, exponent=exponent):
            return base, exponent
        case Call(arguments=parts) | List(items=parts):
            return parts
        case Element(of=of) | Repeat(term=of):
            return (of,)
        case Let(bindings=bindings, body=body):
            return (*(term for _, term in bindings), body)
    return ()


def calls(node: Node) -> list[Call]:
    """Every call in the tree, outermost first; what stands inside a softmax is not searched for another."""
    if isinstance(node, Let):
        return []  # its body is asked for itself, when its names are known
    if isinstance(node, Call):
        return [node] + [c for a in node.arguments if node.function != "softmax" for c in calls(a)]
    return [call for child in children(node) for call in calls(child)]


def is_mean(node: Node) -> bool:
    """Whether it is the mean itself, not one entry of it."""
    return isinstance(node, Name) and node.name == "mu" and not node.index.isdigit()


def is_transpose(node: Node) -> bool:
    """Whether it is something transposed."""
    return isinstance(node, Call) and node.function == "transpose"


def is_matrix(node: Node) -> bool:
    """Whether I or mu mu^T stands in it."""
    if isinstance(node, Name) and node.name == "I":
        return True
    if isinstance(node, Product) and any(is_mean(a) and is_transpose(b) for (_, a), (_, b) in pairwise(node.factors)):
        return True
    return any(map(is_matrix, children(node)))


def index_in(node: Node) -> str:
    """The letter with which a sum that does not say it counts: the i of sum s_i v_i."""
    if isinstance(node, (Name, Element)) and isinstance(node.index, str) and node.index in INDICES:
        return node.index
    return next(filter(None, map(index_in, children(node))), "")
