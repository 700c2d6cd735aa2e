"""All that the slice needs to know of a top-level statement: what it reads now and later, binds, and changes in place.

Why separate: it is facts about one statement, without regard to the others; `backward` puts them together. symtable
(the interpreter's own) says what function bodies look up globally, on every Python version alike.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from autograder.handin.slicing import by_text
from autograder.handin.slicing.evaluation import Flow, flow

# Methods that change their receiver: list, dict, set, deque, an ArgumentParser's, a Module's, and (by the trailing
# underscore) torch's in-place ones.
_CHANGING_METHODS = frozenset(
    "add append appendleft clear discard extend insert pop popitem register remove reverse setdefault sort update "
    "difference_update intersection_update symmetric_difference_update add_module register_buffer register_module "
    "register_parameter __setattr__ __setitem__ __delattr__ __delitem__ add_argument set_defaults".split()
)
_COMPREHENSIONS = frozenset({"listcomp", "setcomp", "dictcomp", "genexpr"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True)
class Names:
    """The facts. `flow` is for running the statement; `later` for calling what it defines; the rest see below."""

    flow: Flow
    later: frozenset[str]
    assigned_to: frozenset[str]  # names whose attribute, item or decorator registry is set: X.a = ..., setattr(X, ...)
    methods_on: frozenset[str]  # names changed by one of their own methods: X.append(...)
    binds_when_called: frozenset[str]  # names that the functions in it bind by `global`
    changes_when_called: frozenset[str]  # names whose attributes or items they set
    calls: frozenset[str]  # names called as a statement of their own: setup()
    chains: frozenset[str]  # dotted names read anywhere: torch.utils.checkpoint
    stars: tuple[str, ...]  # modules imported with *
    dotted: tuple[str, ...]  # modules of `import a.b` without `as`, which bind only `a`
    fields: frozenset[str] = frozenset()  # names in the annotations of class bodies, which records look at
    fills: bool = False  # the module's table under names that are worked out


def read_names(text: str, nodes: Sequence[ast.stmt], *, lazy_annotations: bool) -> Names:
    """The names of one chunk. Raises SyntaxError for what parses but cannot be compiled (a stray `return`)."""
    prefix = "from __future__ import annotations\n" if lazy_annotations else ""
    table = symtable.symtable(prefix + text + "\n", "<submission>", "exec")
    later, bound_by_global = _later(table, inside_function=False)
    set_on, method_on = changes(running(nodes))
    everything = list(_everything(nodes))
    set_anywhere, _ = changes(everything)
    imports = [node for node in everything if isinstance(node, ast.Import)]
    return Names(
        flow=flow(nodes, lazy_annotations=lazy_annotations),
        later=frozenset(later).union(filter(None, map(by_text.loaded, everything))),
        assigned_to=frozenset(set_on),
        methods_on=frozenset(method_on),
        binds_when_called=frozenset(bound_by_global),
        changes_when_called=frozenset(set_anywhere & later),
        calls=frozenset(_called(nodes)),
        chains=frozenset(filter(None, map(dotted, everything))),
        stars=tuple(_stars(nodes)),
        dotted=tuple(a.name for node in imports for a in node.names if "." in a.name and not a.asname),
        fields=frozenset(_fields(nodes)),
        fills=any(map(by_text.fills, running(nodes))),
    )


def _fields(nodes: Iterable[ast.AST]) -> Iterator[str]:
    classes = [node for node in running(nodes) if isinstance(node, ast.ClassDef)]
    notes = [field.annotation for each in classes for field in each.body if isinstance(field, ast.AnnAssign)]
    yield from (part.id for part in _everything(notes) if isinstance(part, ast.Name))


def _later(table: symtable.SymbolTable, *, inside_function: bool) -> tuple[set[str], set[str]]:
    """(names that function bodies look up globally, names that they bind by `global`)."""
    kind = str(getattr(table.get_type(), "value", table.get_type()))
    inside = inside_function or (kind == "function" and table.get_name() not in _COMPREHENSIONS)
    read: set[str] = set()
    bound: set[str] = set()
    if inside and kind != "annotation":
        outer = [symbol for symbol in table.get_symbols() if symbol.is_global()]
        read = {symbol.get_name() for symbol in outer if symbol.is_referenced() or symbol.is_declared_global()}
        bound = {symbol.get_name() for symbol in outer if symbol.is_declared_global() and symbol.is_assigned()}
    for child in table.get_children():
        more_read, more_bound = _later(child, inside_function=inside)
        read |= more_read
        bound |= more_bound
    return read, bound


def _everything(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    for node in nodes:
        yield from ast.walk(node)


def running(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Every node that is run with the statements: not the bodies of functions (their decorators are)."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, _FUNCTIONS):
            stack.extend(getattr(node, "decorator_list", ()))
        else:
            stack.extend(ast.iter_child_nodes(node))


def changes(nodes: Iterable[ast.AST]) -> tuple[set[str], set[str]]:
    """(names set through an attribute, item, setattr or decorator; names changed by a method or an in-place call)."""
    assigned: set[str] = set()
    methods: set[str] = set()
    for node in nodes:
        if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            assigned.add(_root(node))
        elif isinstance(node, ast.Call):
            into = assigned if isinstance(node.func, ast.Name) else methods
            into.update(_changed_by_call(node))
        for decorator in getattr(node, "decorator_list", ()):
            assigned.update(_decorated_into(decorator))
    return assigned - {""}, methods - {""}


def _changed_by_call(call: ast.Call) -> Iterator[str]:
    if isinstance(call.func, ast.Name) and call.func.id in {"setattr", "delattr"} and call.args:
        yield _root(call.args[0])
    elif isinstance(call.func, ast.Attribute):
        method = call.func.attr
        in_place = method.endswith("_") and not method.endswith("__")
        if method in _CHANGING_METHODS or in_place:
            yield _root(call.func.value)
        if in_place:  # nn.init.normal_(TABLE)
            yield from (_root(argument) for argument in call.args)


def _decorated_into(decorator: ast.expr) -> Iterator[str]:
    """@add_method(ViTLayer), @registry.register: the decorated thing goes into another one."""
    if isinstance(decorator, ast.Call):
        yield from (_root(argument) for argument in decorator.args)
        decorator = decorator.func
    if isinstance(decorator, ast.Attribute) and decorator.attr in _CHANGING_METHODS:
        yield _root(decorator)


def _root(node: ast.AST) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)) or _is_vars(node):
        node = node.args[0] if isinstance(node, ast.Call) else node.value  # type: ignore[attr-defined]
    return node.id if isinstance(node, ast.Name) else ""


def _is_vars(node: ast.AST) -> bool:
    """vars(X): what is changed in it is X."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "vars" and bool(node.args)


def dotted(node: ast.AST) -> str:
    """`torch.utils.checkpoint` of the attribute of that name; "" for what is no name, and for a name alone."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if parts and isinstance(node, ast.Name) else ""


def _called(nodes: Iterable[ast.stmt]) -> Iterator[str]:
    for node in nodes:
        call = node.value if isinstance(node, (ast.Expr, ast.Assign)) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            yield call.func.id


def _stars(nodes: Iterable[ast.stmt]) -> Iterator[str]:
    for node in running(nodes):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            yield "." * node.level + (node.module or "")
