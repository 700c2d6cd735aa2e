"""What a call gives back: getattr, import_module, attrgetter and their like, and functions of the student's own.

Why separate: each function of the library that reaches things by quoted names is one case here, and a newcomer adds the
next one here. Calls are never carried out.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from autograder.handin.rules import paths
from autograder.handin.rules.meaning import UNKNOWN, Meaning, Own, any_of, exactly

if TYPE_CHECKING:
    from autograder.handin.rules.resolve import Resolver


_IMPORTERS = frozenset({"importlib.import_module", "importlib.reload", "builtins.__import__", "importlib.__import__"})


def called(resolver: Resolver, node: ast.Call) -> Meaning:
    """What the result of a call stands for, where that can be told."""
    function = resolver.meaning(node.func)
    found = [_called_path(resolver, path, node) for path in function.paths]
    found += [_called_own(resolver, own) for own in function.own]
    answer = any_of(found)
    return Meaning(answer.things, answer.doubt or function.doubt)


def _called_path(resolver: Resolver, path: str, node: ast.Call) -> Meaning:
    """What a function of the library gives back. Each `if` is one way of reaching a thing by its quoted name."""
    args = node.args
    head, _, method = path.rpartition(".")
    if path == "builtins.getattr" and len(args) >= 2:
        return resolver.member(args[0], resolver.folder.texts(args[1]))
    if path == "builtins.vars" and len(args) == 1:
        return resolver.member(args[0], ("__dict__",))
    if path == "builtins.globals":
        return exactly("globals()")
    if path in _IMPORTERS and args:
        return _imported(resolver, path, node)
    if path in ("operator.attrgetter", "operator.itemgetter", "types.SimpleNamespace", "builtins.dict"):
        return exactly(Own(node, instance=True))
    if path == "functools.partial" and args:
        return resolver.meaning(args[0])
    if method == "__getattribute__" and args:
        texts = resolver.folder.texts(args[-1])
        if len(args) == 2:  # object.__getattribute__(nn, "X")
            return resolver.member(args[0], texts)
        return any_of(exactly(paths.canonical(f"{head}.{text}")) for text in texts)
    if method in ("get", "pop", "__getitem__", "setdefault") and args:
        return any_of(resolver.entry(head, key) for key in resolver.folder.texts(args[0]))
    if head.startswith("torch._C") and args:  # torch._C._jit_get_operation("aten::name")
        return any_of(exactly(f"torch.ops.{t.replace('::', '.')}") for t in resolver.folder.texts(args[0]) if "::" in t)
    return UNKNOWN


def _imported(resolver: Resolver, path: str, node: ast.Call) -> Meaning:
    if path.endswith("reload"):
        return resolver.meaning(node.args[0])
    modules = resolver.folder.texts(node.args[0])
    whole = path.endswith("import_module") or len(node.args) > 3 or any(k.arg == "fromlist" for k in node.keywords)
    return any_of(exactly(paths.canonical(m if whole else m.partition(".")[0])) for m in modules)


def _called_own(resolver: Resolver, own: Own) -> Meaning:
    node = own.node
    if isinstance(node, ast.ClassDef) and not own.instance:
        return exactly(Own(node, instance=True))
    if isinstance(node, ast.Lambda):
        return resolver.meaning(node.body)
    if isinstance(node, ast.FunctionDef):
        return any_of(map(resolver.meaning, resolver.links.returned.get(id(node), ())))
    return UNKNOWN


def getter(resolver: Resolver, node: ast.Call) -> Meaning:
    """What `attrgetter("a.b")(base)` and `itemgetter("a")(table)` reach; UNKNOWN for any other call."""
    found: list[Meaning] = []
    for own in resolver.meaning(node.func).own:
        if isinstance(own.node, ast.Call) and own.instance and node.args:
            kind = resolver.dotted(own.node.func)
            keys = [text for arg in own.node.args for text in resolver.folder.texts(arg)]
            if kind == "operator.attrgetter":
                found.append(resolver.member(node.args[0], keys))
            elif kind == "operator.itemgetter":
                tables = resolver.meaning(node.args[0]).paths
                found += [resolver.entry(table, key) for table in tables for key in keys]
    return any_of(found)
