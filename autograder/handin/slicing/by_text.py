"""Names that are bound or looked up by a text, or on the module: `globals()["ViTLayer"] = Block`, `__main__.N = 3`.

Why separate: the slice follows names, and these are texts in the syntax; what they do is the same. Pure: a node in, its
names out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

_TABLES = frozenset({"globals", "locals", "vars"})  # of the module, where no function is around them


def stored(target: ast.AST) -> Iterator[str]:
    """What an assignment to this target binds: an item of the module's table, or an attribute of the module."""
    if isinstance(target, (ast.Tuple, ast.List)):
        for part in target.elts:
            yield from stored(part)
    elif isinstance(target, ast.Subscript) and _is_table(target.value):
        yield from _text(target.slice)
    elif isinstance(target, ast.Attribute) and _is_module(target.value):
        yield target.attr


def bound(call: ast.Call) -> frozenset[str]:
    """What this call binds: globals().update(A=..., **{"B": ...}), setattr(module, "A", ...)."""
    return frozenset(_bound(call))


def _bound(call: ast.Call) -> Iterator[str]:
    function = call.func
    if isinstance(function, ast.Name) and function.id == "setattr" and len(call.args) == 3 and _is_module(call.args[0]):
        yield from _text(call.args[1])
    if not isinstance(function, ast.Attribute) or not _is_table(function.value):
        return
    if function.attr in ("__setitem__", "setdefault") and call.args:
        yield from _text(call.args[0])
    elif function.attr == "update":
        yield from (keyword.arg for keyword in call.keywords if keyword.arg)
        for argument in [*call.args, *(keyword.value for keyword in call.keywords if not keyword.arg)]:
            for key in argument.keys if isinstance(argument, ast.Dict) else ():
                yield from _text(key)


def computed(statement: ast.stmt) -> frozenset[str]:
    """What a loop may bind that fills the table under names of its own: every text in it that is a name."""
    parts = list(ast.walk(statement))
    stores = (part for part in parts if isinstance(part, ast.Subscript) and isinstance(part.ctx, ast.Store))
    if not any(_is_table(part.value) and not isinstance(part.slice, ast.Constant) for part in stores):
        return frozenset()
    return frozenset(name for part in parts for name in _text(part))


def fills(node: ast.AST) -> bool:
    """Whether this fills the table under names that cannot be read off it: globals().update(SETTINGS)."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.ctx, ast.Store) and _is_table(node.value) and not isinstance(node.slice, ast.Constant)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "update":
        return False
    given = [*node.args, *(keyword.value for keyword in node.keywords if not keyword.arg)]
    return _is_table(node.func.value) and not all(map(_is_literal, given))


def _is_literal(node: ast.AST) -> bool:
    return isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys)


def loaded(node: ast.AST | None) -> str:
    """The name that is looked up: `globals()["Block"]`, `__main__.Block`; "" for what is none of that."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and _is_module(node.value):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and _is_table(node.value):
        return next(_text(node.slice), "")
    return ""


def _text(node: ast.AST | None) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        yield node.value


def _is_table(node: ast.AST) -> bool:
    """Whether this is `globals()`, or the `__dict__` of the module itself."""
    if isinstance(node, ast.Attribute):
        return node.attr == "__dict__" and _is_module(node.value)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return False
    return node.func.id in _TABLES and all(node.func.id == "vars" and _is_module(part) for part in node.args)


def _is_module(node: ast.AST) -> bool:
    """Whether this is the module that is being written: `sys.modules[__name__]`, or an import of that name.

    In a notebook that is `__main__`, and so it is where the program runs.
    """
    if isinstance(node, ast.Name):
        return node.id == "__main__"
    if isinstance(node, ast.Call):
        named = isinstance(node.func, ast.Name) and node.func.id == "__import__"
        named = named or isinstance(node.func, ast.Attribute) and node.func.attr == "import_module"
        return named and bool(node.args) and _is_own_name(node.args[0])
    if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Attribute):
        return False
    return node.value.attr == "modules" and _is_own_name(node.slice)


def _is_own_name(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return node.value == "__main__"
    return isinstance(node, ast.Name) and node.id == "__name__"
