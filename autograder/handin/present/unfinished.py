"""Classes that begin well and cannot end: a method that always stops, or no `forward` at all.

Why separate: what a class computes is for the tests. Here only what reading alone makes certain is said: a `raise` or a
false `assert` that every call meets, and a class that neither has a `forward` nor inherits or is given one.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from autograder.core.errors import UNPARSABLE
from autograder.core.text import one_line

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LEAVES = (ast.Return, ast.Yield, ast.YieldFrom, ast.Break)
# With one of these a class answers calls by itself.
_OTHER_WAYS = {"forward", "__call__", "__getattr__", "__getattribute__", "_call_impl", "_wrapped_call_impl"}
_MODULE = {"Module", "object"}
# What a class body may hold without hiding a method: under an `if`, say, anything may be defined.
_PLAIN = (*_FUNCTIONS, ast.Assign, ast.AnnAssign, ast.Expr, ast.Pass)


class Unfinished(NamedTuple):
    """What is not finished, in words, and the line of the program that shows it."""

    words: str
    line: int


def unfinished(text: str, class_name: str) -> Unfinished | None:
    """Why a class of the program cannot give an output; None when it may."""
    try:
        tree = ast.parse(text)
    except UNPARSABLE:
        return None
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    mine = [node for node in classes if node.name == class_name]
    if not mine or _given_otherwise(tree, classes):
        return None
    return _stopped(mine[-1]) or _without_forward(mine[-1], classes)


def _given_otherwise(tree: ast.Module, classes: Sequence[ast.ClassDef]) -> bool:
    """Whether `forward` is set in another way than by a method: by assignment, by a function, by its name as text."""
    methods = {id(method) for node in classes for method in node.body if isinstance(method, _FUNCTIONS)}
    return any(
        (isinstance(node, _FUNCTIONS) and node.name == "forward" and id(node) not in methods)
        or (isinstance(node, ast.Attribute) and node.attr in _OTHER_WAYS and isinstance(node.ctx, ast.Store))
        or (isinstance(node, ast.Name) and node.id in _OTHER_WAYS and isinstance(node.ctx, ast.Store))
        or (isinstance(node, ast.alias) and "forward" in (node.name, node.asname))
        or (isinstance(node, ast.Constant) and node.value == "forward")
        for node in ast.walk(tree)
    )


def _stopped(node: ast.ClassDef) -> Unfinished | None:
    if not all(isinstance(part, _PLAIN) for part in node.body):
        return None
    methods = {part.name: part for part in node.body if isinstance(part, _FUNCTIONS)}
    for name in ("__init__", "forward"):
        known = name in methods and not methods[name].decorator_list
        for statement in _until_left(methods[name].body) if known else ():
            if _stops(statement):
                words = one_line(ast.unparse(statement), 60)
                return Unfinished(f"{name} always stops at `{words}`", statement.lineno)
    return None


def _until_left(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that every call comes to: those before the first that may leave the method."""
    for statement in body:
        yield statement
        if any(isinstance(part, _LEAVES) for part in ast.walk(statement)):
            return


def _stops(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assert):
        return isinstance(node.test, ast.Constant) and not node.test.value
    return isinstance(node, ast.Raise)


def _without_forward(node: ast.ClassDef, classes: Sequence[ast.ClassDef]) -> Unfinished | None:
    """Through the bases, each the last class of its name above; what stands in no line of the program may have one."""
    own: list[str] = []
    todo = [node]
    while todo:
        one = todo.pop()
        parts = list(one.body)
        if one.keywords or one.decorator_list or not all(isinstance(part, _PLAIN) for part in parts):
            return None
        names = [part.name for part in parts if isinstance(part, _FUNCTIONS)]
        if _OTHER_WAYS & set(names):
            return None
        own += names
        for base in one.bases:
            name = base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else ""
            above = [other for other in classes if other.name == name and other.lineno < one.lineno]
            if not above and name not in _MODULE:
                return None
            todo += above[-1:]
    near = difflib.get_close_matches("forward", own, n=1, cutoff=0.6)
    return Unfinished("has no method `forward`" + (f"; is `{near[0]}` meant to be it?" if near else ""), node.lineno)
