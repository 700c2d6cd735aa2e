"""What a call gives back: getattr, import_module, attrgetter and their like, and functions of the student's own.

Why separate: each function of the library that reaches things by quoted names is one case here, and a newcomer adds the
next one here. Calls are never carried out.
"""

from __future__ import annotations

import ast

from autograder.handin.rules import paths
from autograder.handin.rules.meaning import UNKNOWN, Lookup, Meaning, Own, any_of, exactly

_IMPORTERS = frozenset({"importlib.import_module", "importlib.reload", "builtins.__import__", "importlib.__import__"})


def called(lookup: Lookup, node: ast.Call) -> Meaning:
    """What the result of a call stands for, where that can be told."""
    function = lookup.meaning(node.func)
    found = [_called_path(lookup, path, node) for path in function.paths]
    found += [_called_own(lookup, own) for own in function.own]
    answer = any_of(found)
    return Meaning(answer.things, answer.doubt or function.doubt)


def _called_path(lookup: Lookup, path: str, node: ast.Call) -> Meaning:
    """What a function of the library gives back. Each `if` is one way of reaching a thing by its quoted name."""
    args = node.args
    head, _, method = path.rpartition(".")
    if path == "builtins.getattr" and len(args) >= 2:
        return lookup.member(args[0], lookup.texts(args[1]))
    if path == "builtins.vars" and len(args) == 1:
        return lookup.member(args[0], ("__dict__",))
    if path == "builtins.globals":
        return exactly("globals()")
    if path in _IMPORTERS and args:
        return _imported(lookup, path, node)
    if path in ("operator.attrgetter", "operator.itemgetter", "types.SimpleNamespace", "builtins.dict"):
        return exactly(Own(node, instance=True))
    if path == "functools.partial" and args:
        return lookup.meaning(args[0])
    if method == "__getattribute__" and args:
        texts = lookup.texts(args[-1])
        if len(args) == 2:  # object.__getattribute__(nn, "X")
            return lookup.member(args[0], texts)
        return any_of(exactly(paths.canonical(f"{head}.{text}")) for text in texts)
    if method in ("get", "pop", "__getitem__", "setdefault") and args:
        return any_of(lookup.entry(head, key) for key in lookup.texts(args[0]))
    if head.startswith("torch._C") and args:  # torch._C._jit_get_operation("aten::name")
        return any_of(exactly(f"torch.ops.{t.replace('::', '.')}") for t in lookup.texts(args[0]) if "::" in t)
    return UNKNOWN


def _imported(lookup: Lookup, path: str, node: ast.Call) -> Meaning:
    if path.endswith("reload"):
        return lookup.meaning(node.args[0])
    modules = lookup.texts(node.args[0])
    whole = path.endswith("import_module") or len(node.args) > 3 or any(k.arg == "fromlist" for k in node.keywords)
    return any_of(exactly(paths.canonical(m if whole else m.partition(".")[0])) for m in modules)


def _called_own(lookup: Lookup, own: Own) -> Meaning:
    node = own.node
    if isinstance(node, ast.ClassDef) and not own.instance:
        return exactly(Own(node, instance=True))
    if isinstance(node, ast.Lambda):
        return lookup.meaning(node.body)
    if isinstance(node, ast.FunctionDef):
        return any_of(map(lookup.meaning, lookup.returned(node)))
    return UNKNOWN


def getter(lookup: Lookup, node: ast.Call) -> Meaning:
    """What `attrgetter("a.b")(base)` and `itemgetter("a")(table)` reach; UNKNOWN for any other call."""
    found: list[Meaning] = []
    for own in lookup.meaning(node.func).own:
        if isinstance(own.node, ast.Call) and own.instance and node.args:
            kind = lookup.dotted(own.node.func)
            keys = [text for arg in own.node.args for text in lookup.texts(arg)]
            if kind == "operator.attrgetter":
                found.append(lookup.member(node.args[0], keys))
            elif kind == "operator.itemgetter":
                tables = lookup.meaning(node.args[0]).paths
                found += [lookup.entry(table, key) for table in tables for key in keys]
    return any_of(found)
