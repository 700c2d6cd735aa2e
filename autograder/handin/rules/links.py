"""Which thing was put where: attributes and items that are set, arguments that are passed, values that are returned.

Why separate: a name says by itself what it stands for; these connections run through the whole program, and are made
once, before the first question is answered. Nothing here may look at what a thing is called.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from autograder.handin.rules.meaning import Lookup, Own
from autograder.handin.rules.scopes import Binding, Scope, Survey


@dataclass
class Links:
    """The connections of one program, by the id of the node they lead from. Filled by `connect`, then only read."""

    attributes: dict[tuple[int, str], list[ast.expr]] = field(default_factory=dict)  # of a class, instance, function
    items: dict[int, list[tuple[ast.expr, ast.expr]]] = field(default_factory=dict)  # (key, value) of a literal
    returned: dict[int, list[ast.expr]] = field(default_factory=dict)  # of a function
    unpacked: set[int] = field(default_factory=set)  # tuples that are taken apart where they stand: a, b = nn, F
    passed: dict[tuple[int, str], list[Binding]] = field(default_factory=dict)  # of a function's parameter, by its name

    def bindings(self, scope: Scope, name: str) -> list[Binding]:
        """What binds the name in this scope, with what the program's own calls pass; empty when nothing does."""
        return self.passed.get((id(scope.node), name)) or scope.bindings.get(name, [])


def connect(lookup: Lookup, program: Survey, links: Links) -> None:
    """Fills `links`, about which `lookup` is asked again as they grow: `a.b.c = x` needs what `a.b` was set to."""
    put = [*program.attributes]
    for seen in program.seen:
        _note(links, seen.node, seen.scope)
        put += _set_by_name(lookup, seen.node)
    for base, name, value in put:
        for own in lookup.meaning(base).own:
            links.attributes.setdefault((id(own.node), name), []).append(value)
    for base, key, value in program.items:
        for own in lookup.meaning(base).own:
            links.items.setdefault(id(own.node), []).append((key, value))
    lookup.forget()  # what was answered before all attributes were known
    for seen in program.seen:
        if isinstance(seen.node, ast.Call) and (seen.node.args or seen.node.keywords):
            for own in lookup.meaning(seen.node.func).own:
                _pass(program, links, own, seen.node)
    lookup.forget()


def _note(links: Links, node: ast.AST, scope: Scope) -> None:
    if isinstance(node, ast.Assign) and all(isinstance(target, (ast.Tuple, ast.List)) for target in node.targets):
        links.unpacked.add(id(node.value))
    elif isinstance(node, ast.Return) and node.value is not None:
        links.returned.setdefault(id(scope.node), []).append(node.value)


def _set_by_name(lookup: Lookup, node: ast.AST) -> Iterator[tuple[ast.expr, str, ast.expr]]:
    """(base, name, value) of setattr(base, "name", value)."""
    if isinstance(node, ast.Call) and len(node.args) == 3 and lookup.dotted(node.func) == "builtins.setattr":
        for name in lookup.texts(node.args[1]):
            yield node.args[0], name, node.args[2]


def _pass(program: Survey, links: Links, own: Own, call: ast.Call) -> None:
    """Binds the parameters of the function that is called: beside their defaults, or in place of "unknown"."""
    function = _function(program, own)
    if function is None:
        return
    scope = program.bodies[id(function)]
    parameters = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
    if parameters and scope.bindings[parameters[0]][0].instance_of:
        parameters = parameters[1:]
    for name, value in [*zip(parameters, call.args), *((k.arg, k.value) for k in call.keywords)]:
        bindings = links.bindings(scope, name or "")
        if bindings and not bindings[0].instance_of:
            first = bindings[0]  # the parameter itself, with its default; unknown without one
            at = 1 if first.value is not None and first.sure else 0
            kept = bindings if first.value is not None else bindings[1:]
            known = Binding(first.order, False, value=value)
            links.passed[id(function), name or ""] = [*kept[:at], known, *kept[at:]]


def _function(program: Survey, own: Own) -> ast.FunctionDef | ast.Lambda | None:
    """The student's function that a call of the thing runs: itself, the class's __init__, the instance's forward."""
    node: ast.AST | None = own.node
    if isinstance(node, ast.ClassDef):
        body = program.bodies[id(node)]
        defined = [b.definition for b in body.bindings.get("forward" if own.instance else "__init__", ())]
        node = defined[-1] if defined else None
    return node if isinstance(node, (ast.FunctionDef, ast.Lambda)) else None
