"""What the calls and assignments of a notebook's training say, by their names: for those who look for mistakes in it.

Why separate: `training_loop` and the modules beside it each look for mistakes of their own in the same code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LOOPS = (ast.For, ast.While)
KEPT = 512  # statements of which it is known what is in them: more than a notebook has
OPTIMIZERS = frozenset({"Adam", "AdamW", "SGD", "RMSprop", "Adagrad", "NAdam", "RAdam"})


class Mistake(NamedTuple):
    """What is wrong, at which node, and what mends it."""

    name: str
    node: ast.stmt | ast.expr
    found: str
    fix: str


def softmax_twice(node: ast.expr) -> Mistake:
    """A softmax before the cross-entropy."""
    return Mistake(
        "softmax-twice",
        node,
        "a softmax goes into the cross-entropy, which takes the softmax itself: with both, learning is slow",
        "give the loss the model's output as it is",
    )


def outermost(node: ast.AST) -> Iterator[ast.For | ast.While]:
    """The loops in it that stand in no other one."""
    if isinstance(node, LOOPS):
        yield node
        return
    for part in ast.iter_child_nodes(node):
        yield from outermost(part)


def reached(node: ast.AST, functions: Mapping[str, ast.AST]) -> Iterator[ast.AST]:
    """The node itself, and each of these functions that it leads to."""
    left, found = [node], set[str]()
    while left:
        scope = left.pop()
        yield scope
        new = sorted((called(scope) & functions.keys()) - found)
        found |= set(new)
        left += [functions[name] for name in new]


def name_of(node: ast.AST) -> str:
    """The last name of a called thing: `step` of `optimizer.step`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


@lru_cache(KEPT)
def within(node: ast.AST) -> tuple[ast.AST, ...]:
    """It, and all that is in it: asked again for each mistake."""
    return tuple(ast.walk(node))


@lru_cache(KEPT)
def called(node: ast.AST) -> frozenset[str]:
    """The names of the functions that are called in it, and methods with a point in front, but for a scheduler's."""
    found = set()
    for part in within(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
            found.add(part.func.id)
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            scheduler = "sched" in name_of(part.func.value).lower()
            found.add("" if scheduler else f".{part.func.attr}")
    return frozenset(found)


def is_softmax(node: ast.AST) -> bool:
    """Whether it is a call of a softmax."""
    return isinstance(node, ast.Call) and (
        name_of(node.func) == "softmax" or (isinstance(node.func, ast.Call) and name_of(node.func.func) == "Softmax")
    )


def bound_to(node: ast.AST, function: str) -> Iterator[str]:
    """The names that are given what a call of that name returns."""
    for target, value in assigned(node):
        if (
            isinstance(target, (ast.Name, ast.Attribute))
            and isinstance(value, ast.Call)
            and name_of(value.func) == function
        ):
            yield name_of(target)


@lru_cache(KEPT)
def assigned(node: ast.AST) -> tuple[tuple[ast.expr, ast.expr], ...]:
    """(target, value) of each assignment in it."""
    return tuple(
        (target, part.value) for part in within(node) if isinstance(part, ast.Assign) for target in part.targets
    )
