"""A marimo notebook made a plain script, line for line: what its cells define stands at the beginning of the line.

Why separate: marimo saves each cell as the body of a function, in any order, and hands names from one to the next as
arguments; that is the format, not the student's program. Nothing here runs a cell or looks for classes.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence
from typing import NamedTuple

from autograder.core import policy
from autograder.core.errors import UNPARSABLE

_ARGUED = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINES = (*_ARGUED, ast.ClassDef)


class _Part(NamedTuple):
    """Lines of the file, made plain; what they need of other cells and what they hand on."""

    first: int  # from 0
    lines: list[str]
    needs: frozenset[str] = frozenset()
    gives: frozenset[str] = frozenset()


def plain_marimo(text: str) -> tuple[str, ...]:
    """The file's cells as plain Python in the order in which they run, each with its lines where they stood.

    Empty when it is no marimo notebook. One text when the cells stand in an order in which they can run.
    """
    if "marimo.App" not in text:
        return ()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text).body
    except UNPARSABLE:
        return ()
    app = next((name for node in body if (name := _app(node))), "")
    if not app:
        return ()
    lines = text.split("\n")
    parts = [_part(node, after, lines, app) for node, after in zip(body, [*body[1:], None])]
    head = _first(body[0])
    parts[:0] = [_Part(0, lines[:head])] if head else []
    ordered = _in_order(parts)
    if ordered == parts:
        return ("\n".join(line for part in parts for line in part.lines),)
    return tuple("\n".join([""] * part.first + part.lines) for part in ordered)


def _app(node: ast.stmt) -> str:
    """The name that a statement gives to the notebook ("" for any other statement)."""
    if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
        return ""
    target, function = node.targets[0], node.value.func
    made = isinstance(function, ast.Attribute) and function.attr == "App" and isinstance(function.value, ast.Name)
    return target.id if made and isinstance(target, ast.Name) else ""


def _first(node: ast.stmt) -> int:
    """The line, from 0, on which a statement begins, decorators among it."""
    marks: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(mark.lineno for mark in marks)]) - 1


def _part(node: ast.stmt, after: ast.stmt | None, lines: Sequence[str], app: str) -> _Part:
    first, end = _first(node), node.end_lineno or node.lineno
    here = list(lines[first : _first(after) if after else len(lines)])
    if isinstance(node, _ARGUED) and _is_of(node.decorator_list, app, "cell"):
        arguments = frozenset(argument.arg for argument in node.args.args)
        return _Part(first, _dedented(node, here, first, end), arguments, _handed_on(node))
    if isinstance(node, ast.With) and _is_of([item.context_expr for item in node.items], app, "setup"):
        return _Part(first, _dedented(node, here, first, end))
    if isinstance(node, _DEFINES):  # a function or class of its own, under @app.function or @app.class_definition
        for mark in node.decorator_list:
            if _is_of([mark], app, "function", "class_definition"):
                at = mark.lineno - 1 - first
                here[at : (mark.end_lineno or mark.lineno) - first] = [""] * ((mark.end_lineno or 0) - mark.lineno + 1)
    return _Part(first, here)


def _is_of(marks: Sequence[ast.expr], app: str, *names: str) -> bool:
    plain = (mark.func if isinstance(mark, ast.Call) else mark for mark in marks)
    return any(
        isinstance(mark, ast.Attribute)
        and mark.attr in names
        and isinstance(mark.value, ast.Name)
        and mark.value.id == app
        for mark in plain
    )


def _handed_on(node: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    last = node.body[-1]
    returned = last.value if isinstance(last, ast.Return) else None
    parts = returned.elts if isinstance(returned, ast.Tuple) else [returned]
    return frozenset(part.id for part in parts if isinstance(part, ast.Name))


def _dedented(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.With, here: list[str], first: int, end: int
) -> list[str]:
    """The body alone, moved to the beginning of the line; the `def` or `with` and each `return` become blank."""
    begins, column = _first(node.body[0]) - first, node.body[0].col_offset
    blank, rest = [""] * (end - first), here[end - first :]
    if here[begins][:column].strip():  # all on one line: `def _(): return`
        return blank + rest
    out = blank[:begins]
    out += [line[column:] if not line[:column].strip() else line for line in here[begins : end - first]]
    for part in node.body:
        if isinstance(part, ast.Return):
            last = part.end_lineno or part.lineno
            out[part.lineno - 1 - first : last - first] = [""] * (last - part.lineno + 1)
    return out + rest


def _in_order(parts: Sequence[_Part]) -> list[_Part]:
    """As they stand, but for a cell that needs what a later one hands on: marimo runs that one first."""
    given = frozenset(name for part in parts for name in part.gives)
    if len(parts) > policy.CAPS.cells:
        return list(parts)
    waiting, done, out = list(parts), set[str](), list[_Part]()
    while waiting:
        ready = next((part for part in waiting if part.needs & given <= done), waiting[0])  # a circle: as it stands
        waiting.remove(ready)
        out.append(ready)
        done |= ready.gives
    return out
