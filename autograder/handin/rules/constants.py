"""What an expression made of constants is worth: `"Multi" + "headAttention"`, `"".join(...)`, `chr(65)`, `x[::-1]`.

Why separate: names can be spelled at run time, and the cheap spellings are worked out here. Only text, bytes, numbers
and lists of them are ever computed, by our own code, within small bounds; nothing of the student's may be called here.
"""

from __future__ import annotations

import ast
import base64
import binascii
import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, product
from typing import Any

MOST_VALUES = 16  # how many values one expression may have (a loop variable has several)
MOST_STEPS = 5_000  # work on one expression: names that stand for sums of names grow like 2^n
LARGEST_PRODUCT = 2_000_000
LONGEST = 20_000  # characters, bytes or elements of one value: text handed to exec is the longest honest case

Value = Any  # str, bytes, int, float, bool, None, or a list of them
LookUp = Callable[[ast.Name], Sequence[ast.expr]]
Dotted = Callable[[ast.expr], str]

_TEXT_METHODS = frozenset(
    "join format replace lower upper title capitalize swapcase strip lstrip rstrip removeprefix removesuffix split "
    "decode encode".split()
)
_UNWORKABLE = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError, binascii.Error)


class _Unknown(Exception):
    """The expression is not made of constants."""


class Folder:
    """Works out constant expressions. `look_up` gives the expressions that a name may stand for (none: unknown), and
    `dotted` the canonical path of a called function ("" if it has none).
    """

    def __init__(self, look_up: LookUp, dotted: Dotted) -> None:
        self._look_up = look_up
        self._dotted = dotted
        self._steps = 0

    def values(self, node: ast.expr) -> tuple[Value, ...]:
        """Every value that the expression may have, at most 16; empty when that cannot be told."""
        self._steps = 0
        try:
            return tuple(islice(self._fold(node, {}, 24), MOST_VALUES))
        except (_Unknown, *_UNWORKABLE):
            return ()

    def texts(self, node: ast.expr) -> tuple[str, ...]:
        """Those of the values that are text."""
        return tuple(value for value in self.values(node) if isinstance(value, str))

    def _fold(self, node: ast.AST, local: dict[str, Value], depth: int) -> Iterator[Value]:
        self._steps += 1
        if depth <= 0 or self._steps > MOST_STEPS:
            raise _Unknown
        if isinstance(node, ast.Constant):
            return iter((node.value,))
        if isinstance(node, ast.Name):
            return self._name(node, local, depth)
        if isinstance(node, (ast.Tuple, ast.List)):
            return (list(parts) for parts in self._each(node.elts, local, depth))
        if isinstance(node, ast.BinOp):
            pairs = self._each([node.left, node.right], local, depth)
            return (_bounded(_operate(node.op, *pair)) for pair in pairs)
        if isinstance(node, ast.JoinedStr):
            return ("".join(map(str, parts)) for parts in self._each(node.values, local, depth))
        if isinstance(node, ast.FormattedValue) and node.format_spec is None and node.conversion in (-1, 115):
            return (str(value) for value in self._fold(node.value, local, depth - 1))
        if isinstance(node, ast.Subscript):
            pairs = self._each([node.value, node.slice], local, depth)
            return (_item(*pair) for pair in pairs)
        if isinstance(node, ast.Slice):
            parts = [part or ast.Constant(None) for part in (node.lower, node.upper, node.step)]
            return (slice(*three) for three in self._each(parts, local, depth))
        return self._compound(node, local, depth)

    def _compound(self, node: ast.AST, local: dict[str, Value], depth: int) -> Iterator[Value]:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return (-value for value in self._fold(node.operand, local, depth - 1))
        if isinstance(node, ast.NamedExpr):
            return self._fold(node.value, local, depth - 1)
        if isinstance(node, ast.IfExp):
            return (v for part in (node.body, node.orelse) for v in self._fold(part, local, depth - 1))
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            return self._comprehension(node, local, depth)
        if isinstance(node, ast.Call):
            return self._call(node, local, depth)
        raise _Unknown

    def _each(self, nodes: Sequence[ast.AST], local: dict[str, Value], depth: int) -> Iterator[tuple[Value, ...]]:
        if len(nodes) > 4096:
            raise _Unknown
        choices = [list(islice(self._fold(node, local, depth - 1), MOST_VALUES)) for node in nodes]
        return islice(product(*choices), MOST_VALUES)

    def _name(self, node: ast.Name, local: dict[str, Value], depth: int) -> Iterator[Value]:
        if node.id in local:
            return iter((local[node.id],))
        found = self._look_up(node)
        if not found:
            raise _Unknown
        return (value for each in found[:MOST_VALUES] for value in self._fold(each, local, depth - 1))

    def _comprehension(
        self, node: ast.ListComp | ast.GeneratorExp, local: dict[str, Value], depth: int
    ) -> Iterator[Value]:
        loop = node.generators[0]
        if len(node.generators) > 1 or loop.ifs or not isinstance(loop.target, ast.Name):
            raise _Unknown
        items = next(self._fold(loop.iter, local, depth - 1))
        name = loop.target.id
        yield [next(self._fold(node.elt, {**local, name: item}, depth - 1)) for item in _bounded(items)]

    def _call(self, node: ast.Call, local: dict[str, Value], depth: int) -> Iterator[Value]:
        if any(keyword.arg is None for keyword in node.keywords):
            raise _Unknown
        path = self._dotted(node.func)
        if path == "builtins.map" and len(node.args) == 2:
            inner = self._dotted(node.args[0])
            lists = self._fold(node.args[1], local, depth - 1)
            return ([_apply(inner, (item,)) for item in _bounded(items)] for items in lists)
        calls = self._each(node.args, local, depth)
        if path in _FUNCTIONS:
            return (_bounded(_apply(path, args)) for args in calls)
        if not isinstance(node.func, ast.Attribute) or node.func.attr not in _TEXT_METHODS:
            raise _Unknown
        name = node.func.attr
        keys = [keyword.arg or "" for keyword in node.keywords]
        named = next(self._each([keyword.value for keyword in node.keywords], local, depth))
        owners = list(self._fold(node.func.value, local, depth - 1))
        return (_method(owner, name, args, dict(zip(keys, named))) for args in calls for owner in owners)


_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "builtins.chr": chr,
    "builtins.ord": ord,
    "builtins.str": str,
    "builtins.bytes": lambda value: bytes(value) if isinstance(value, (list, bytes)) else b"",
    "builtins.bytearray": lambda value: bytes(value) if isinstance(value, (list, bytes)) else b"",
    "builtins.bytes.fromhex": bytes.fromhex,
    "builtins.reversed": lambda value: list(reversed(value)),
    "builtins.list": list,
    "builtins.tuple": list,
    "builtins.sorted": sorted,
    "builtins.int": int,
    "base64.b64decode": base64.b64decode,
    "base64.b32decode": base64.b32decode,
    "base64.b85decode": base64.b85decode,
    "base64.b16decode": base64.b16decode,
    "base64.urlsafe_b64decode": base64.urlsafe_b64decode,
    "binascii.unhexlify": binascii.unhexlify,
    "binascii.a2b_base64": binascii.a2b_base64,
    "codecs.decode": lambda text, codec: _decode(text, codec),
    "codecs.encode": lambda text, codec: codecs.encode(text, "rot13") if codec in ("rot13", "rot_13") else _fail(),
}


def _fail() -> Value:
    raise _Unknown


def _decode(value: Value, codec: str) -> Value:
    """Only codecs that cannot grow their input much: never the compressed ones."""
    plain = {"rot13", "rot_13", "hex", "base64", "utf-8", "utf8", "ascii", "latin-1", "latin1", "utf-7", "utf-16"}
    return codecs.decode(value, codec) if codec in plain else _fail()


def _apply(path: str, args: tuple[Value, ...]) -> Value:
    function = _FUNCTIONS.get(path)
    return function(*args) if function else _fail()


def _bounded(value: Value) -> Value:
    return _fail() if isinstance(value, (str, bytes, list)) and len(value) > LONGEST else value


def _operate(op: ast.operator, left: Value, right: Value) -> Value:
    if isinstance(op, ast.Add):
        return left + right
    if isinstance(op, ast.Mult) and all(not isinstance(v, int) or v <= 256 for v in (left, right)):
        return left * right
    if isinstance(op, ast.Mod) and isinstance(left, str):
        if re.search(r"%[^sdc%]", left):  # no widths: "%999999999s" is one text of 1 GB
            return _fail()
        return left % (tuple(right) if isinstance(right, list) else right)
    if isinstance(op, (ast.Sub, ast.BitXor)) and all(isinstance(v, int) for v in (left, right)):
        return left - right if isinstance(op, ast.Sub) else left ^ right
    return _fail()


def _size(value: Value) -> int:
    if isinstance(value, list):
        return sum(map(_size, value)) + len(value)
    return len(value) if isinstance(value, (str, bytes)) else 1


def _item(value: Value, index: Value) -> Value:
    return value[index] if isinstance(value, (str, bytes, list)) else _fail()


def _method(owner: Value, name: str, args: tuple[Value, ...], named: dict[str, Value]) -> Value:
    """A method of text or bytes. A format's fields stay plain, so that no width can make it huge."""
    if not isinstance(owner, (str, bytes)):
        return _fail()
    if name == "format" and (b":" in owner if isinstance(owner, bytes) else ":" in owner):
        return _fail()
    if _size(owner) * (1 + sum(map(_size, args))) > LARGEST_PRODUCT:  # replace and join can multiply
        return _fail()
    if (
        name in ("decode", "encode")
        and args
        and args[0] not in ("utf-8", "utf8", "ascii", "latin-1", "utf-7", "utf-16")
    ):
        return _fail()
    return _bounded(getattr(owner, name)(*args, **named))
