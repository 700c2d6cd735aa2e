"""Which name is bound where: the scopes of a program, and every binding in them, found in one walk.

Why separate: Python's scoping (parameters shadow module names, functions do not see class bodies, `global`) is the
ground on which an honest local variable called `F` is told from `torch.nn.functional`. The walk keeps its own stack, so
that deep programs cannot exhaust Python's. What a binding *means* must not be decided here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from autograder.handin.rules.grammar import assigned, running

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
Comprehension: TypeAlias = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_BRANCHES = (ast.If, ast.While, ast.For, ast.AsyncFor, ast.Try, ast.Match) + (
    (ast.TryStar,) if hasattr(ast, "TryStar") else ()
)


@dataclass(frozen=True)
class Binding:
    """One place where a name gets a value; of `path`, `value` and `definition` at most one is set (none: unknowable).

    `sure` means that running the scope runs this binding; `order` is its place in the walk; `fallback`: it runs only
    when something before it failed (in an `except`). `steps` leads from `value` to the part that the name gets: an
    index, or None for "each of them in turn".
    """

    order: int
    sure: bool
    path: str = ""
    value: ast.expr | None = None
    steps: tuple[int | None, ...] = ()
    definition: ast.AST | None = None  # a function or class of the student's own
    fallback: bool = False
    instance_of: ast.ClassDef | None = None  # the parameter is `self` (or `cls`) of this class


@dataclass
class Scope:
    """A module, class or function body, and the names bound in it."""

    node: ast.AST
    parent: Scope | None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    elsewhere: dict[str, Scope] = field(default_factory=dict)  # names declared global or nonlocal

    @property
    def is_class(self) -> bool:
        """Whether functions inside cannot see its names, as Python has it for class bodies."""
        return isinstance(self.node, ast.ClassDef)


@dataclass(frozen=True)
class Seen:
    """An expression or statement that runs, with the scope it runs in."""

    node: ast.AST
    scope: Scope
    order: int
    in_loop: bool


@dataclass(frozen=True)
class Star:
    """`from module import *`, in the order of the program."""

    module: str
    order: int


@dataclass
class Survey:
    """What one walk over a syntax tree found. Filled by `survey`, only read afterwards."""

    module: Scope
    seen: list[Seen] = field(default_factory=list)
    at: dict[int, Seen] = field(default_factory=dict)  # by id(node)
    bodies: dict[int, Scope] = field(default_factory=dict)  # of functions and classes, by id(node)
    stars: list[Star] = field(default_factory=list)
    attributes: list[tuple[ast.expr, str, ast.expr]] = field(default_factory=list)  # base.name = value
    items: list[tuple[ast.expr, ast.expr, ast.expr]] = field(default_factory=list)  # base[key] = value


@dataclass(frozen=True)
class _Step:
    node: ast.AST
    scope: Scope
    sure: bool
    in_loop: bool = False
    fallback: bool = False
    leaving: bool = False  # everything inside was visited: now its name is bound


# What these bind is bound when they are done: in `F = F.softmax` the right side still means the old F.
_BIND_LATE = (
    ast.Assign,
    ast.AnnAssign,
    ast.AugAssign,
    ast.NamedExpr,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
)


def survey(tree: ast.Module) -> Survey:
    """Walk `tree` once, in the order of its text, and note every scope, binding and running node."""
    program = Survey(Scope(tree, None))
    stack = [_Step(node, program.module, True) for node in reversed(tree.body)]
    while stack:
        visit = stack.pop()
        if visit.leaving:
            _bind(program, visit, len(program.seen))
            continue
        seen = Seen(visit.node, visit.scope, len(program.seen), visit.in_loop)
        program.seen.append(seen)
        program.at[id(visit.node)] = seen
        if isinstance(visit.node, _BIND_LATE):
            stack.append(replace(visit, leaving=True))
        else:
            _bind(program, visit, seen.order)
        stack.extend(reversed(list(_inside(program, visit))))
    return program


def _bind(program: Survey, visit: _Step, order: int) -> None:
    """Note what the node itself binds."""
    node, scope, sure = visit.node, visit.scope, visit.sure
    if isinstance(node, ast.Import):
        for alias in node.names:
            path = alias.name if alias.asname else alias.name.partition(".")[0]
            _add(scope, alias.asname or path, Binding(order, sure, path=path, fallback=visit.fallback))
    elif isinstance(node, ast.ImportFrom):
        _bind_from(program, visit, node, order)
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        _add(scope, node.name, Binding(order, sure, definition=node, fallback=visit.fallback))
    elif isinstance(node, (ast.Global, ast.Nonlocal)):
        for name in node.names:
            scope.elsewhere[name] = _declared(program, scope, node, name)
    else:
        for target, value, steps in assigned(node):
            _bind_target(program, visit, order, target, value, steps)


def _bind_from(program: Survey, visit: _Step, node: ast.ImportFrom, order: int) -> None:
    for alias in node.names:
        if alias.name == "*":
            program.stars.append(Star("" if node.level else node.module or "", order))
            continue
        path = "" if node.level else f"{node.module}.{alias.name}"
        _add(visit.scope, alias.asname or alias.name, Binding(order, visit.sure, path=path, fallback=visit.fallback))


def _declared(program: Survey, scope: Scope, node: ast.Global | ast.Nonlocal, name: str) -> Scope:
    """The scope that a `global` or `nonlocal` line means."""
    if isinstance(node, ast.Global):
        return program.module
    outer = scope.parent
    while outer is not None and (outer.is_class or name not in outer.bindings):
        outer = outer.parent
    return outer or program.module


def _bind_target(
    program: Survey,
    visit: _Step,
    order: int,
    target: ast.expr,
    value: ast.expr | None,
    steps: tuple[int | None, ...],
) -> None:
    todo = [(target, value, steps)]
    while todo:
        target, value, steps = todo.pop()
        if isinstance(target, ast.Name):
            scope = _walrus_scope(visit.scope) if isinstance(visit.node, ast.NamedExpr) else visit.scope
            _add(scope, target.id, Binding(order, visit.sure, value=value, steps=steps, fallback=visit.fallback))
        elif isinstance(target, ast.Starred):
            todo.append((target.value, None, ()))
        elif isinstance(target, (ast.Tuple, ast.List)):
            starred = any(isinstance(part, ast.Starred) for part in target.elts)
            for index, part in enumerate(target.elts):
                todo.append((part, value, (*steps, None if starred else index)))
        elif isinstance(target, ast.Attribute) and value is not None and not steps:
            program.attributes.append((target.value, target.attr, value))
        elif isinstance(target, ast.Subscript) and value is not None and not steps:
            program.items.append((target.value, target.slice, value))


def _walrus_scope(scope: Scope) -> Scope:
    """A walrus in a comprehension binds in the function around it."""
    while isinstance(scope.node, _COMPREHENSIONS) and scope.parent is not None:
        scope = scope.parent
    return scope


def _add(scope: Scope, name: str, binding: Binding) -> None:
    home = scope.elsewhere.get(name)
    if home is not None:  # from another scope: nobody can say when it runs
        binding = replace(binding, sure=False)
    (home or scope).bindings.setdefault(name, []).append(binding)


def _inside(program: Survey, visit: _Step) -> Iterator[_Step]:
    """The nodes that run inside this one, in the order of the text, each with its scope."""
    node, scope = visit.node, visit.scope
    if isinstance(node, _FUNCTIONS):
        yield from _inside_function(program, visit, node)
    elif isinstance(node, ast.ClassDef):
        yield from (_Step(part, scope, visit.sure) for part in [*node.decorator_list, *node.bases, *node.keywords])
        body = program.bodies[id(node)] = Scope(node, scope)
        yield from (_Step(part, body, True) for part in node.body)
    elif isinstance(node, _COMPREHENSIONS):
        yield from _inside_comprehension(visit, node)
    elif isinstance(node, ast.AnnAssign):
        yield from (_Step(part, scope, visit.sure) for part in running(node.annotation))
        yield from (_Step(part, scope, visit.sure) for part in (node.target, node.value) if part is not None)
    elif isinstance(node, ast.If) and _imports_alone(node) and _type_checking_only(program, scope, node.test):
        yield from (_Step(part, scope, visit.sure) for part in node.orelse)
    elif type(node).__name__ != "TypeAlias":  # `type X = ...` (Python 3.12) is a remark on types too
        sure = visit.sure and not isinstance(node, _BRANCHES)
        looping = visit.in_loop or isinstance(node, (ast.For, ast.AsyncFor, ast.While))
        fallback = visit.fallback or isinstance(node, ast.ExceptHandler)
        yield from (_Step(part, scope, sure, looping, fallback) for part in ast.iter_child_nodes(node))


def _inside_function(program: Survey, visit: _Step, node: Function) -> Iterator[_Step]:
    args = node.args
    inner = program.bodies[id(node)] = Scope(node, visit.scope)
    around: list[ast.expr] = [*args.defaults, *(d for d in args.kw_defaults if d is not None)]
    everyone = [*args.posonlyargs, *args.args, *args.kwonlyargs, *filter(None, (args.vararg, args.kwarg))]
    annotations = [arg.annotation for arg in everyone if arg.annotation]
    if not isinstance(node, ast.Lambda):
        around = [*node.decorator_list, *around]
        annotations += [node.returns] if node.returns else []
    _bind_parameters(program, visit.scope, node, inner)
    yield from (_Step(part, visit.scope, visit.sure) for part in around)
    yield from (_Step(part, visit.scope, visit.sure) for note in annotations for part in running(note))
    body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
    yield from (_Step(part, inner, True) for part in body)


def _bind_parameters(program: Survey, outer: Scope, node: Function, inner: Scope) -> None:
    args, order = node.args, len(program.seen)
    positional = [*args.posonlyargs, *args.args]
    defaults: dict[str, ast.expr] = {}
    defaults.update((arg.arg, d) for arg, d in zip(reversed(positional), reversed(args.defaults)))
    defaults.update((arg.arg, d) for arg, d in zip(args.kwonlyargs, args.kw_defaults) if d is not None)
    for arg in [*positional, *args.kwonlyargs, *filter(None, (args.vararg, args.kwarg))]:
        _add(inner, arg.arg, Binding(order, True, value=defaults.get(arg.arg)))
    if isinstance(outer.node, ast.ClassDef) and positional and not _is_static(node):
        inner.bindings[positional[0].arg] = [Binding(order, True, instance_of=outer.node)]


def _is_static(node: Function) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in getattr(node, "decorator_list", ()))


def _inside_comprehension(visit: _Step, node: Comprehension) -> Iterator[_Step]:
    """The first iterable runs outside, the rest in a scope of its own; the loops stand before the element."""
    inner = Scope(node, visit.scope)
    for index, generator in enumerate(node.generators):
        for target, value, steps in assigned(generator):
            _bind_target(Survey(inner), _Step(generator, inner, True), 0, target, value, steps)
        yield _Step(generator.iter, inner if index else visit.scope, visit.sure, visit.in_loop)
        yield from (_Step(test, inner, True) for test in generator.ifs)
    parts = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
    yield from (_Step(part, inner, True) for part in parts)


def _imports_alone(node: ast.If) -> bool:
    """What stands under TYPE_CHECKING as people use it; a class or a function there is read in any case."""
    return all(isinstance(part, (ast.Import, ast.ImportFrom, ast.Pass)) for part in node.body)


def _type_checking_only(program: Survey, scope: Scope, test: ast.expr) -> bool:
    """Whether `if test:` is typing's own TYPE_CHECKING, under which nothing ever runs."""
    if isinstance(test, ast.Attribute):
        return test.attr == "TYPE_CHECKING" and _only_path(scope, test.value, "typing")
    return _only_path(scope, test, "typing.TYPE_CHECKING")


def _only_path(scope: Scope, name: ast.expr, path: str) -> bool:
    if not isinstance(name, ast.Name):
        return False
    home: Scope | None = scope
    while home is not None and name.id not in home.bindings:
        home = home.parent
    return home is not None and all(binding.path == path for binding in home.bindings[name.id])
