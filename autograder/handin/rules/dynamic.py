"""Rule "dynamic": ways of reaching or changing things that reading cannot follow, shown to staff. Never costs points.

Why separate: it says nothing about right or wrong. A submission with one of these may be honest; a person looks at it.
Everything here is FLAG and nothing may become more.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.core.records import Severity
from autograder.handin.rules import paths, tricks
from autograder.handin.rules.allowed_nn import find as find_disallowed
from autograder.handin.rules.resolve import Resolver
from autograder.handin.rules.scopes import Seen
from autograder.handin.rules.uses import Placed, Source, Use, spelled

RULE = "dynamic"
_FIX = "Nothing in this question needs it; plain calls by name are read without a person looking at them."


def find(source: Source) -> Iterator[Placed]:
    """A flag for every construct that a person should look at."""
    for use in source.uses:
        yield from _use(source, use)
    for seen in source.resolver.program.seen:
        for construct in _node(source.resolver, seen):
            yield _flag(source, construct, seen.node)


def _flag(source: Source, construct: str, node: ast.AST, spelling: str = "") -> Placed:
    line = getattr(node, "lineno", 1)
    shown = f" (written `{spelling}`)" if spelling and spelling != construct else ""
    message = f"{construct}{shown} goes round what can be read from the program; staff will look at it."
    return source.finding(RULE, Severity.FLAG, construct, line, message, _FIX)


def _use(source: Source, use: Use) -> Iterator[Placed]:
    for path in sorted(use.paths):
        construct = tricks.flagged_path(path)
        if construct and path not in tricks.IMPORTERS:
            yield _flag(source, construct, use.node, use.spelling)
    named = isinstance(use.node, ast.Call) and any(True for _ in _call(source.resolver, use.node))
    if use.trick and not named and _forbidden(source, use):
        yield _flag(source, _trick_name(source.resolver, use.node), use.node, use.spelling)


def _forbidden(source: Source, use: Use) -> bool:
    one = Source(source.program, source.resolver, (use,), source.line)
    return any(map(paths.ready_made, use.paths)) or any(True for _ in find_disallowed(one))


def _trick_name(resolver: Resolver, node: ast.expr) -> str:
    """What the trick is called: "getattr", "sys.modules", "attrgetter"."""
    inner = node.func if isinstance(node, ast.Call) else node.value if isinstance(node, ast.Subscript) else node
    if isinstance(inner, ast.Call):
        inner = inner.func
    known = sorted(resolver.meaning(inner).paths)
    return known[0].removeprefix("builtins.") if known else spelled(inner)


def _node(resolver: Resolver, seen: Seen) -> Iterator[str]:
    """The names of what is to be flagged about one node."""
    node = seen.node
    if isinstance(node, ast.Attribute):
        yield from _attribute(resolver, node)
    elif isinstance(node, (ast.Assign, ast.Yield, ast.Tuple, ast.List, ast.Set, ast.Dict)):
        yield from _kept(resolver, seen)
    elif isinstance(node, ast.ClassDef):
        yield from _class(resolver, node)
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        if node.name in tricks.METHODS:
            yield node.name
    elif isinstance(node, ast.Call):
        yield from _call(resolver, node)
    elif isinstance(node, ast.Subscript):
        if isinstance(node.value, ast.Call) and resolver.dotted(node.value.func) in tricks.TABLES:
            yield f"{resolver.dotted(node.value.func).removeprefix('builtins.')}()[...]"
        if isinstance(node.ctx, ast.Store) and any(p.endswith("__dict__") for p in resolver.meaning(node.value).paths):
            yield "patching of " + spelled(node.value)


def _kept(resolver: Resolver, seen: Seen) -> Iterator[str]:
    """A whole module put where it cannot be followed: yielded, in a literal, in a table that nobody knows."""
    node = seen.node
    held: list[ast.expr | None] = []
    if isinstance(node, ast.Yield):
        held = [node.value]
    elif isinstance(node, ast.Assign):
        stores = [target for target in node.targets if isinstance(target, (ast.Attribute, ast.Subscript))]
        held = [node.value] if any(not resolver.meaning(store.value).own for store in stores) else []
    elif isinstance(node, ast.Dict):
        held = [*node.keys, *node.values]
    elif isinstance(getattr(node, "ctx", None), ast.Store) or id(node) in resolver.links.unpacked:
        held = []
    elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        held = list(node.elts)
    for value in held:
        for path in sorted(resolver.meaning(value).paths) if isinstance(value, (ast.Name, ast.Attribute)) else ():
            if paths.is_namespace(path):
                yield f"{path} handed on"


def _attribute(resolver: Resolver, node: ast.Attribute) -> Iterator[str]:
    if node.attr in tricks.ATTRIBUTES:
        yield node.attr
    base = resolver.meaning(node.value)
    if node.attr == "__dict__" and base.paths:
        yield "__dict__ of " + min(base.paths)
    if not isinstance(node.ctx, ast.Load) and not base.doubt:
        for path in base.paths:
            if not f"{path}.".startswith(tricks.SETTINGS):
                yield f"patching of {path}.{node.attr}"


def _class(resolver: Resolver, node: ast.ClassDef) -> Iterator[str]:
    for base in node.bases:
        for path in resolver.meaning(base).paths:
            if path in tricks.BASES:
                yield f"subclass of {path}"
    if any(keyword.arg == "metaclass" for keyword in node.keywords):
        yield "metaclass"


def _call(resolver: Resolver, node: ast.Call) -> Iterator[str]:
    function = resolver.dotted(node.func)
    if function in ("builtins.getattr", "builtins.hasattr", "builtins.setattr", "builtins.delattr"):
        yield from _getattr(resolver, node, function)
    elif function == "builtins.vars" and node.args and resolver.meaning(node.args[0]).paths:
        yield "vars() of " + min(resolver.meaning(node.args[0]).paths)
    elif function in ("operator.attrgetter", "operator.methodcaller"):
        if any(not isinstance(arg, ast.Constant) for arg in node.args):
            yield function
    elif function in tricks.IMPORTERS:
        if not (node.args and isinstance(node.args[0], ast.Constant)):
            yield function.removeprefix("builtins.")
    elif function == "builtins.type" and len(node.args) == 3:
        yield "type() with three arguments"
    elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
        table = resolver.dotted(node.func.value.func)
        if table in tricks.TABLES and node.func.attr in ("get", "pop", "__getitem__", "items", "values", "update"):
            yield f"{table.removeprefix('builtins.')}()[...]"
    yield from _handed_on(resolver, node, function)


def _getattr(resolver: Resolver, node: ast.Call, function: str) -> Iterator[str]:
    """getattr and its family on something of torch's, with a computed name; setattr on it with any name."""
    short = function.removeprefix("builtins.")
    if len(node.args) < 2:
        return
    owners = resolver.meaning(node.args[0]).paths
    changes = short in ("setattr", "delattr")
    if owners and (changes or not isinstance(node.args[1], ast.Constant)):
        yield f"{short} on {min(owners)}"
    for name in resolver.folder.texts(node.args[1]):
        if name in tricks.ATTRIBUTES or name == "__dict__" and owners:
            yield f"{short} of {name}"
        if short == "hasattr" and any(paths.ready_made(paths.canonical(f"{owner}.{name}")) for owner in owners):
            yield f"hasattr of {name}"


def _handed_on(resolver: Resolver, node: ast.Call, function: str) -> Iterator[str]:
    """A whole module given to something that cannot be followed, or getattr, exec and the like given as a value."""
    followed = function in tricks.READERS or any(own for own in resolver.meaning(node.func).own)
    for arg in [*node.args, *(keyword.value for keyword in node.keywords)]:
        for path in resolver.meaning(arg).paths if isinstance(arg, (ast.Name, ast.Attribute)) else ():
            if paths.is_namespace(path) and not followed:
                yield f"{path} handed on"
            elif path in tricks.POWERS and not followed:
                yield f"{path.removeprefix('builtins.')} handed on"
