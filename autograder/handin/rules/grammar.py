"""What single nodes of Python's grammar do: which targets they assign to, and what of an annotation runs.

Why separate: it is knowledge of the language, node by node; the walk that needs it knows of scopes and order. Nothing
here may keep state.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator


def assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr | None, tuple[int | None, ...]]]:
    """(target, value, steps into the value) for every target that the node assigns to."""
    if isinstance(node, ast.Assign):
        yield from ((target, node.value, ()) for target in node.targets)
    elif isinstance(node, ast.NamedExpr) or (isinstance(node, ast.AnnAssign) and node.value is not None):
        yield node.target, node.value, ()
    elif isinstance(node, ast.AugAssign):
        yield node.target, None, ()
    elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
        yield node.target, node.iter, (None,)
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield node.optional_vars, None, ()
    elif isinstance(node, ast.ExceptHandler) and node.name:
        yield ast.Name(node.name, ast.Store()), None, ()
    elif type(node).__name__ == "TypeAlias":
        yield node.name, None, ()  # type: ignore[attr-defined]
    elif isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
        yield ast.Name(node.name, ast.Store()), None, ()
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield ast.Name(node.rest, ast.Store()), None, ()


_RUN = (ast.NamedExpr, ast.Call, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def running(annotation: ast.expr) -> Iterator[ast.expr]:
    """The parts of an annotation that do something when it is evaluated; the rest is only a remark on types."""
    if isinstance(annotation, ast.Constant):
        return
    for part in ast.walk(annotation):
        if isinstance(part, _RUN):
            yield part
