"""Which thing was put where: attributes and items that are set, arguments that are passed, values that are returned.

Why separate: a name says by itself what it stands for; these connections run through the whole program, and are made
once, before the first question is answered. Nothing here may look at what a thing is called.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autograder.handin.rules.meaning import Own
from autograder.handin.rules.scopes import Binding, Scope

if TYPE_CHECKING:
    from autograder.handin.rules.resolve import Resolver


@dataclass
class Links:
    """The connections of one program, by the id of the node they lead from. Filled by `connect`, then only read."""

    attributes: dict[tuple[int, str], list[ast.expr]] = field(default_factory=dict)  # of a class, instance, function
    items: dict[int, list[tuple[ast.expr, ast.expr]]] = field(default_factory=dict)  # (key, value) of a literal
    returned: dict[int, list[ast.expr]] = field(default_factory=dict)  # of a function
    unpacked: set[int] = field(default_factory=set)  # tuples that are taken apart where they stand: a, b = nn, F


def connect(resolver: Resolver) -> None:
    """Fill `resolver.links`, and give parameters what the program's own calls pass to them."""
    for seen in resolver.program.seen:
        _note(resolver, seen.node, seen.scope)
    for base, name, value in resolver.program.attributes:
        for own in resolver.meaning(base).own:
            resolver.links.attributes.setdefault((id(own.node), name), []).append(value)
    for base, key, value in resolver.program.items:
        for own in resolver.meaning(base).own:
            resolver.links.items.setdefault(id(own.node), []).append((key, value))
    resolver.forget()  # what was answered before all attributes were known
    for seen in resolver.program.seen:
        if isinstance(seen.node, ast.Call) and (seen.node.args or seen.node.keywords):
            for own in resolver.meaning(seen.node.func).own:
                _pass(resolver, own, seen.node)
    resolver.forget()


def _note(resolver: Resolver, node: ast.AST, scope: Scope) -> None:
    if isinstance(node, ast.Assign) and all(isinstance(target, (ast.Tuple, ast.List)) for target in node.targets):
        resolver.links.unpacked.add(id(node.value))
    elif isinstance(node, ast.Return) and node.value is not None:
        resolver.links.returned.setdefault(id(scope.node), []).append(node.value)
    elif isinstance(node, ast.Call) and len(node.args) == 3 and resolver.dotted(node.func) == "builtins.setattr":
        for name in resolver.folder.texts(node.args[1]):
            resolver.program.attributes.append((node.args[0], name, node.args[2]))


def _pass(resolver: Resolver, own: Own, call: ast.Call) -> None:
    """Bind the parameters of the function that is called: beside their defaults, or in place of "unknown"."""
    function = _function(resolver, own)
    if function is None:
        return
    scope = resolver.program.bodies[id(function)]
    parameters = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
    if parameters and scope.bindings[parameters[0]][0].instance_of:
        parameters = parameters[1:]
    for name, value in [*zip(parameters, call.args), *((k.arg, k.value) for k in call.keywords)]:
        bindings = scope.bindings.get(name or "", [])
        if bindings and not bindings[0].instance_of:
            first = bindings[0]  # the parameter itself, with its default; unknown without one
            at = 1 if first.value is not None and first.sure else 0
            kept = bindings if first.value is not None else bindings[1:]
            scope.bindings[name or ""] = [*kept[:at], Binding(first.order, False, value=value), *kept[at:]]


def _function(resolver: Resolver, own: Own) -> ast.FunctionDef | ast.Lambda | None:
    """The student's function that a call of the thing runs: itself, the class's __init__, the instance's forward."""
    node: ast.AST | None = own.node
    if isinstance(node, ast.ClassDef):
        body = resolver.program.bodies[id(node)]
        defined = [b.definition for b in body.bindings.get("forward" if own.instance else "__init__", ())]
        node = defined[-1] if defined else None
    return node if isinstance(node, (ast.FunctionDef, ast.Lambda)) else None
