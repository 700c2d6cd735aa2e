"""A tree to its value: a number, a vector or a list of vectors, as plain floats and tuples.

Why separate: it decides what the names and signs of an answer mean, in one of the readings that a judge tries, and
knows no answer. `algebra` has the arithmetic. Trees are shallow by the grammar's cap, so plain recursion is safe.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import msgspec

from autograder.core.text import one_line
from autograder.judging.written.algebra import Value, added, bounded, divided, each, flattened, scaled, times
from autograder.judging.written.functions import FUNCTIONS
from autograder.judging.written.nodes import Call, Element, Let, List, Name, Node, Number, Power, Product, Repeat, Sum
from autograder.judging.written.trees import calls, index_in, is_matrix, is_mean, is_transpose
from autograder.judging.written.verdict import Unreadable

MAX_EXPONENT = 100.0
_DIVIDES = ("/", "//")


class Reading(msgspec.Struct, frozen=True):
    """The names, and how to read what students write in two ways. A judge tries every reading that applies.

    `inner`: "mu * mu" is the inner product of vectors, and |mu| the length. `columns`: a matrix written out times a
    vector is meant as in algebra (its columns are combined); else the vectors that it lists are combined.
    `zero_based`: x[0] is the first. `indices`: where a sum stands at, by the letter it counts with.
    `diagonal`: entries on the diagonal of a matrix, of whose trace this is the inside.
    """

    names: Mapping[str, Value]
    inner: bool = False
    columns: bool = False
    zero_based: bool = False
    softmax_total: float = 0.0
    indices: Mapping[str, int] = {}
    diagonal: bool = False


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


def _number(node: Number, reading: Reading) -> Value:
    return bounded(float(node.text))


def _name(node: Name, reading: Reading) -> Value:
    at = reading.indices.get(node.index)
    full = node.name + (str(at) if at else node.index)
    if full in reading.names:
        return reading.names[full]
    if node.index and node.name in reading.names:
        return _entry_of_name(node, reading, at)
    if not node.index and node.name in reading.indices:
        return float(reading.indices[node.name])
    shown = one_line(f"{node.name}_{node.index}" if node.index else node.name, 20)
    raise Unreadable(f"{shown!r} is not a quantity that this answer can use", "use the letters of the question only")


def _entry_of_name(node: Name, reading: Reading, at: int | None) -> Value:
    """v_2 of a list v; d_k and mu_q are d and mu, with a reminder of whose they are."""
    value = reading.names[node.name]
    if isinstance(value, tuple) and (at or node.index.isdigit()):
        return _item(Element(Name(node.name), at or int(node.index), bracket=False), reading)
    if not node.index.isdigit():
        if node.index in ("i", "j", "q", "k"):
            return value
        raise Unreadable(
            f"{one_line(f'{node.name}_{node.index}', 20)!r} is not a quantity that this answer can use",
            "use the letters of the question only",
        )
    shown = one_line(f"{node.name}_{node.index}", 20)
    raise Unreadable(f"{shown!r} is not a quantity of the question", f"for a power write {node.name}^{node.index}")


def _sum(node: Sum, reading: Reading) -> Value:
    total: Value | None = None
    for sign, term in node.terms:
        value = scaled(float(sign), _value(term, reading))
        total = value if total is None else added(total, value)
    assert total is not None
    return total


def _product(node: Product, reading: Reading) -> Value:
    listed = _listed(node, reading)
    if listed is not None:
        return listed
    product: Value = 1.0
    value: Value
    factors = node.factors
    position = 0
    while position < len(factors):
        join, factor = factors[position]
        after = factors[position + 1] if position + 1 < len(factors) else None
        if after and _inner_product(factor, *after, reading):
            value, position = _norm_squared(reading), position + 1
        elif after and _softmax_by_letter(factor, after[1], reading):
            value, position = _softmax(_value(after[1], reading), reading), position + 1
        else:
            value = _value(factor, reading)
        product = divided(product, value) if join in _DIVIDES else times(product, value, reading.columns)
        product = FUNCTIONS["floor"](product) if join == "//" else product
        position += 1
    return product


def _listed(node: Product, reading: Reading) -> Value | None:
    """[v1 v2 v3]: vectors side by side are listed, since they have no product of their own."""
    if any(join for join, _ in node.factors[1:]) or not all(isinstance(factor, Name) for _, factor in node.factors):
        return None
    values = [_value(factor, reading) for _, factor in node.factors]
    plain = all(isinstance(value, tuple) and isinstance(value[0], float) for value in values)
    return tuple(values) if plain else None


def _softmax_by_letter(left: Node, right: Node, reading: Reading) -> bool:
    """σ(...), where no sigma is asked about."""
    return isinstance(left, Name) and left.name == "sigma" and "sigma" not in reading.names and isinstance(right, List)


def _inner_product(left: Node, join: str, right: Node, reading: Reading) -> bool:
    """mu^T mu, mu @ mu and numpy's mu @ mu.T always; mu * mu only in the reading where the mean is a vector.

    On the diagonal of a matrix, mu mu^T is a square.
    """
    if join in _DIVIDES or not is_mean(left.arguments[0] if is_transpose(left) else left):  # type: ignore[union-attr]
        return False
    if is_transpose(right):
        return is_mean(right.arguments[0]) and join == "@" and not reading.diagonal  # type: ignore[union-attr]
    if not is_mean(right):
        return False
    return is_transpose(left) or join == "@" or (join == "*" and reading.inner)


def _norm_squared(reading: Reading) -> float:
    """mu^T mu for the mean vector whose d entries all equal the scalar mu."""
    if "mu" not in reading.names:
        raise Unreadable("'mu' is not a quantity that this answer can use", "use the letters of the question only")
    d, mu = reading.names["d"], reading.names["mu"]
    assert isinstance(d, float) and isinstance(mu, float)
    return d * mu * mu


def _power(node: Power, reading: Reading) -> Value:
    base, exponent = _value(node.base, reading), _value(node.exponent, reading)
    if isinstance(base, tuple):
        raise Unreadable("this answer takes a power of a vector", "take powers of numbers only")
    return each(lambda power: _raised(base, power), exponent)


def _raised(base: float, exponent: float) -> float:
    if abs(exponent) > MAX_EXPONENT:
        raise OverflowError
    raised = base**exponent
    if isinstance(raised, complex):
        raise ValueError
    return bounded(raised)


def _list(node: List, reading: Reading) -> Value:
    return tuple(_value(item, reading) for item in node.items)


def _item(node: Element, reading: Reading) -> Value:
    value = _value(node.of, reading)
    if isinstance(node.index, str):
        if node.index not in reading.indices:
            raise Unreadable(f"it cannot be told which entry {node.index!r} is", "write the entries out")
        index = reading.indices[node.index] - 1
    else:
        index = node.index if node.bracket and reading.zero_based else node.index - 1
    if not isinstance(value, tuple) or not 0 <= index < len(value):
        raise Unreadable(f"this answer asks for entry {node.index}, which does not exist", "check the index")
    return value[index]


def _let(node: Let, reading: Reading) -> Value:
    names = dict(reading.names)
    for name, term in node.bindings:
        inner = msgspec.structs.replace(reading, names=names)
        if name.index and not name.index.isdigit():
            names[name.name] = tuple(_at(term, name.index, at, inner) for at in range(1, _how_many(inner) + 1))
        else:
            names[name.name + name.index] = _value(term, inner)
    return evaluate(node.body, msgspec.structs.replace(reading, names=names))


def _repeated(node: Repeat, reading: Reading) -> Value:
    d = reading.names.get("d")
    if isinstance(d, float) and not node.last:
        return scaled(d, _value(node.term, reading))
    index = node.index or index_in(node.term)
    if not index:
        value = _value(node.term, reading)
        return _total(value) if isinstance(value, tuple) else value
    return _total(tuple(_at(node.term, index, at, reading) for at in range(1, (node.last or _how_many(reading)) + 1)))


def _at(term: Node, index: str, at: int, reading: Reading) -> Value:
    return _value(term, msgspec.structs.replace(reading, indices={**reading.indices, index: at}))


def _how_many(reading: Reading) -> int:
    vectors = reading.names.get("V")
    if not isinstance(vectors, tuple):
        raise Unreadable("a sum sign cannot be read in this answer", "write the terms out")
    return len(vectors)


def _total(value: tuple[Value, ...]) -> Value:
    total = value[0]
    for entry in value[1:]:
        total = added(total, entry)
    return total


def _call(node: Call, reading: Reading) -> Value:
    if node.function == "dot" and len(node.arguments) == 2:
        return _product(Product((("*", node.arguments[0]), ("@", node.arguments[1]))), reading)
    if node.function == "pow" and len(node.arguments) == 2:
        return _power(Power(*node.arguments), reading)
    if len(node.arguments) != 1 or node.function in ("dot", "pow"):
        raise Unreadable(f"{node.function} has a wrong number of arguments here", "check its brackets")
    argument = node.arguments[0]
    if is_mean(argument) and (node.function == "norm" or (node.function == "abs" and reading.inner)):
        return math.sqrt(_norm_squared(reading))
    if node.function == "transpose" and is_mean(argument) and not reading.diagonal:
        raise Unreadable("'mu^T' stands without a 'mu' directly after it", "write mu^T mu")
    if node.function == "trace":
        return _trace(argument, reading)
    value = _value(argument, reading)
    return _softmax(value, reading) if node.function == "softmax" else FUNCTIONS[node.function](value)


def _trace(node: Node, reading: Reading) -> Value:
    """d times an entry of the diagonal, since all of them are equal; of a number, the number itself."""
    d = reading.names.get("d")
    if not isinstance(d, float):
        raise Unreadable("a trace cannot be read in this answer", "write the result without it")
    names = {**reading.names, "I": 1.0}
    inside = msgspec.structs.replace(reading, names=names, diagonal=True)
    return scaled(d, _value(node, inside)) if is_matrix(node) else _value(node, reading)


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
    for call in calls(node):
        if call.function == "softmax" and len(call.arguments) == 1 and not isinstance(call.arguments[0], List):
            value = _value(call.arguments[0], reading)
            if not isinstance(value, tuple):
                found[value] = None
    return list(found)


_RULES: Mapping[type, Callable[..., Value]] = {
    Number: _number,
    Name: _name,
    Sum: _sum,
    Product: _product,
    Power: _power,
    Call: _call,
    Element: _item,
    Repeat: _repeated,
    Let: _let,
    List: _list,
}
