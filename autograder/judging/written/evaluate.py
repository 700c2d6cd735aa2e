"""A tree to its value: a number, a vector or a list of vectors, as plain floats and tuples.

Why separate: it is the only arithmetic that runs on a student's text. It works in floats (never big integers, so that
9^9^9^9 costs nothing), refuses what is not finite or beyond LARGEST, and knows no answer. Trees are shallow by the
grammar's cap, so plain recursion is safe.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import msgspec

from autograder.core.text import one_line
from autograder.judging.written.nodes import Call, Element, List, Name, Node, Number, Power, Product, Sum
from autograder.judging.written.verdict import Unreadable

Value = float | tuple["Value", ...]

LARGEST = 1e60  # the largest honest intermediate is d^2 sigma^8 or e^26, below 1e12
MAX_EXPONENT = 100.0


class Reading(msgspec.Struct, frozen=True):
    """The names, and how to read what students write in two ways. A judge tries every reading that applies.

    `inner`: "mu * mu" is the inner product of vectors, and |mu| the length. `columns`: a matrix written out times a
    vector is meant as in algebra (its columns are combined); else the vectors that it lists are combined.
    `zero_based`: x[0] is the first.
    """

    names: Mapping[str, Value]
    inner: bool = False
    columns: bool = False
    zero_based: bool = False
    softmax_total: float = 0.0


def evaluate(node: Node, reading: Reading) -> Value:
    """The value of `node`. Raises Unreadable for what has none: an unknown name, a division by zero, a huge number."""
    try:
        total = sum(math.exp(x) for x in _softmax_numbers(node, reading))
        return _value(node, msgspec.structs.replace(reading, softmax_total=total))
    except (OverflowError, ZeroDivisionError, ValueError):
        raise Unreadable(
            "a step of this answer divides by zero, takes a root of a negative number or gets too large",
            "look at its divisions and powers",
        ) from None


def _value(node: Node, reading: Reading) -> Value:
    return _RULES[type(node)](node, reading)


def _bounded(value: float) -> float:
    if isinstance(value, complex) or not abs(value) <= LARGEST:
        raise OverflowError
    return value


def _number(node: Number, reading: Reading) -> Value:
    return _bounded(float(node.text))


def _name(node: Name, reading: Reading) -> Value:
    full = node.name + node.index
    if full in reading.names:
        return reading.names[full]
    if node.name in reading.names and node.index in ("i", "j", "q", "k"):
        return reading.names[node.name]  # d_k, mu_q: the same quantity with a reminder of whose it is
    shown = one_line(f"{node.name}_{node.index}" if node.index else node.name, 20)
    if node.index.isdigit() and node.name in reading.names:
        raise Unreadable(f"{shown!r} is not a quantity of the question", f"for a power write {node.name}^{node.index}")
    raise Unreadable(f"{shown!r} is not a quantity that this answer can use", "use the letters of the question only")


def _sum(node: Sum, reading: Reading) -> Value:
    total: Value | None = None
    for sign, term in node.terms:
        value = _scaled(float(sign), _value(term, reading))
        total = value if total is None else _added(total, value)
    assert total is not None
    return total


def _added(left: Value, right: Value) -> Value:
    if isinstance(left, tuple) and isinstance(right, tuple) and len(left) == len(right):
        return tuple(_added(a, b) for a, b in zip(left, right))
    if isinstance(left, tuple) or isinstance(right, tuple):
        raise Unreadable(
            "this answer adds a number to a vector, or vectors of different lengths",
            "check that every term of the sum is a vector with three entries",
        )
    return _bounded(left + right)


def _scaled(factor: float, value: Value) -> Value:
    if isinstance(value, tuple):
        return tuple(_scaled(factor, entry) for entry in value)
    return _bounded(factor * value)


def _product(node: Product, reading: Reading) -> Value:
    product: Value = 1.0
    value: Value
    factors = node.factors
    position = 0
    while position < len(factors):
        join, factor = factors[position]
        after = factors[position + 1] if position + 1 < len(factors) else None
        if after and _inner_product(factor, *after, reading):
            value, position = _norm_squared(reading), position + 1
        else:
            value = _value(factor, reading)
        product = _divided(product, value) if join == "/" else _times(product, value, reading)
        position += 1
    return product


def _inner_product(left: Node, join: str, right: Node, reading: Reading) -> bool:
    """mu^T mu and mu @ mu always; mu * mu only in the reading where the mean is a vector."""
    if not _is_mean(right) or join == "/":
        return False
    if isinstance(left, Call) and left.function == "transpose":
        return _is_mean(left.arguments[0])
    return _is_mean(left) and (join == "@" or (join == "*" and reading.inner))


def _is_mean(node: Node) -> bool:
    return isinstance(node, Name) and node.name == "mu" and not node.index.isdigit()


def _norm_squared(reading: Reading) -> float:
    """mu^T mu for the mean vector whose d entries all equal the scalar mu."""
    if "mu" not in reading.names:
        raise Unreadable("'mu' is not a quantity that this answer can use", "use the letters of the question only")
    d, mu = reading.names["d"], reading.names["mu"]
    assert isinstance(d, float) and isinstance(mu, float)
    return d * mu * mu


def _divided(left: Value, right: Value) -> Value:
    if isinstance(right, tuple):
        raise Unreadable("this answer divides by a vector", "divide by a number, e.g. by a sum of exponentials")
    return _scaled(1.0 / right, left)


def _times(left: Value, right: Value, reading: Reading) -> Value:
    if not isinstance(left, tuple):
        return _scaled(left, right)
    if not isinstance(right, tuple):
        return _scaled(right, left)
    left_listed, right_listed = isinstance(left[0], tuple), isinstance(right[0], tuple)
    if left_listed and right_listed:
        raise Unreadable("this answer multiplies two matrices", "write the result as one vector with three entries")
    if left_listed and reading.columns:
        return tuple(_times(row, right, reading) for row in left)
    weights, vectors = (right, left) if left_listed else (left, right)
    if len(weights) != len(vectors):
        raise Unreadable("this answer multiplies lists of different lengths", "check how many entries each one has")
    total: Value | None = None
    for weight, vector in zip(weights, vectors):
        term = _times(weight, vector, reading)
        total = term if total is None else _added(total, term)
    assert total is not None
    return total


def _power(node: Power, reading: Reading) -> Value:
    base, exponent = _value(node.base, reading), _value(node.exponent, reading)
    if isinstance(base, tuple):
        raise Unreadable("this answer takes a power of a vector", "take powers of numbers only")
    return _each(lambda power: _raised(base, power), exponent)


def _raised(base: float, exponent: float) -> float:
    if abs(exponent) > MAX_EXPONENT:
        raise OverflowError
    raised = base**exponent
    if isinstance(raised, complex):
        raise ValueError
    return _bounded(raised)


def _each(function: Callable[[float], float], value: Value) -> Value:
    return tuple(_each(function, entry) for entry in value) if isinstance(value, tuple) else function(value)


def _list(node: List, reading: Reading) -> Value:
    return tuple(_value(item, reading) for item in node.items)


def _item(node: Element, reading: Reading) -> Value:
    value = _value(node.of, reading)
    index = node.index if node.bracket and reading.zero_based else node.index - 1
    if not isinstance(value, tuple) or not 0 <= index < len(value):
        raise Unreadable(f"this answer asks for entry {node.index}, which does not exist", "check the index")
    return value[index]


def _call(node: Call, reading: Reading) -> Value:
    if node.function == "dot" and len(node.arguments) == 2:
        return _product(Product((("*", node.arguments[0]), ("@", node.arguments[1]))), reading)
    if len(node.arguments) != 1 or node.function == "dot":
        raise Unreadable(f"{node.function} has a wrong number of arguments here", "check its brackets")
    argument = node.arguments[0]
    if _is_mean(argument) and (node.function == "norm" or (node.function == "abs" and reading.inner)):
        return math.sqrt(_norm_squared(reading))
    if node.function == "transpose" and _is_mean(argument):
        raise Unreadable("'mu^T' stands without a 'mu' directly after it", "write mu^T mu")
    return _FUNCTIONS[node.function](_value(argument, reading), reading)


def _softmax(value: Value, reading: Reading) -> Value:
    if not isinstance(value, tuple):
        return math.exp(value) / reading.softmax_total
    flat = flattened(value)
    largest = max(flat)
    powers = [math.exp(x - largest) for x in flat]
    return tuple(power / sum(powers) for power in powers)


def _softmax_numbers(node: Node, reading: Reading) -> list[float]:
    """The different numbers in softmax(1) v1 + softmax(2) v2 + ...: shorthand for the softmax over all of them."""
    found: dict[float, None] = {}
    for call in _calls(node):
        if call.function == "softmax" and len(call.arguments) == 1 and not isinstance(call.arguments[0], List):
            value = _value(call.arguments[0], reading)
            if not isinstance(value, tuple):
                found[value] = None
    return list(found)


def _calls(node: Node) -> list[Call]:
    """Every call in the tree, outermost first; what stands inside a softmax is not searched for another."""
    if isinstance(node, Call):
        return [node] + [c for a in node.arguments if node.function != "softmax" for c in _calls(a)]
    return [call for child in children(node) for call in _calls(child)]


def children(node: Node) -> tuple[Node, ...]:
    """The parts of one node."""
    match node:
        case Sum(terms=pairs) | Product(factors=pairs):
            return tuple(child for _, child in pairs)
        case Power(base=base, exponent=exponent):
            return base, exponent
        case Call(arguments=parts) | List(items=parts):
            return parts
        case Element(of=of):
            return (of,)
    return ()


def flattened(value: Value) -> tuple[float, ...]:
    """All numbers of a nested value in reading order."""
    return tuple(x for entry in value for x in flattened(entry)) if isinstance(value, tuple) else (value,)


def _length(value: Value, reading: Reading) -> Value:
    return math.sqrt(sum(x * x for x in flattened(value)))


def _repeated(value: Value, reading: Reading) -> Value:
    d = reading.names.get("d")
    if not isinstance(d, float):
        raise Unreadable("a sum sign cannot be read in this answer", "write the terms out")
    return _scaled(d, value)


_FUNCTIONS: Mapping[str, Callable[[Value, Reading], Value]] = {
    "exp": lambda value, _: _each(lambda x: _bounded(math.exp(x)), value),
    "sqrt": lambda value, _: _each(math.sqrt, value),
    "floor": lambda value, _: _each(lambda x: float(math.floor(x + 1e-9)), value),
    "abs": lambda value, _: _each(abs, value),
    "percent": lambda value, _: _scaled(0.01, value),
    "transpose": lambda value, _: value,
    "norm": _length,
    "softmax": _softmax,
    "repeat": _repeated,
}

_RULES: Mapping[type, Callable[..., Value]] = {
    Number: _number,
    Name: _name,
    Sum: _sum,
    Product: _product,
    Power: _power,
    Call: _call,
    Element: _item,
    List: _list,
}
