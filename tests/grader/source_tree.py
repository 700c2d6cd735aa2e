"""Reads the project's own source tree: who imports whom, who keeps state, who runs data as code.

Why separate: the architecture's tables read better without the reading of syntax trees, which has tests of its own.
Nothing here imports or runs the code that it reads.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]

DANGEROUS = frozenset({"eval", "exec", "compile", "__import__", "os.system", "torch.load", "torch.save", "os.popen"})
DANGEROUS_MODULES = frozenset({"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"})


class Module(NamedTuple):
    """One Python file of ours: its path from the project's root, its dotted name, and its tree."""

    path: str
    name: str
    tree: ast.Module
    lines: int


class Import(NamedTuple):
    """One imported dotted name. `lazy`: inside a function, so not paid for when the module is imported."""

    target: str
    line: int
    lazy: bool


def modules(folder: str) -> list[Module]:
    found = [_read(file) for file in sorted((ROOT / folder).rglob("*.py"))]
    assert found, f"no Python files under {folder}: this test would check nothing"
    return found


@functools.cache
def _read(file: Path) -> Module:
    relative = file.relative_to(ROOT)
    name = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
    text = file.read_text(encoding="utf-8")
    return Module(str(relative), name, ast.parse(text), len(text.splitlines()))


@functools.cache
def imports(module: Module) -> tuple[Import, ...]:
    return tuple(_imports(module, module.tree, lazy=False))


def _imports(module: Module, node: ast.AST, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, lazy) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = _absolute(module, child)
            yield from (Import(f"{base}.{alias.name}", child.lineno, lazy) for alias in child.names)
        elif isinstance(child, ast.Call) and dotted(child.func) in {"import_module", "importlib.import_module"}:
            first = child.args[0] if child.args else None
            if isinstance(first, ast.Constant):
                yield Import(str(first.value), child.lineno, lazy)
        elif isinstance(child, ast.If) and dotted(child.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            yield from (found._replace(lazy=True) for found in _imports(module, child, lazy))
            continue
        inner = lazy or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        yield from _imports(module, child, inner)


def _absolute(module: Module, statement: ast.ImportFrom) -> str:
    if not statement.level:
        return statement.module or ""
    package = module.name.split(".")
    keep = len(package) - statement.level + (1 if module.path.endswith("__init__.py") else 0)
    return ".".join([*package[:keep], *([statement.module] if statement.module else [])])


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a chain of plain attributes, else an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def top(name: str) -> str:
    return name.split(".")[0]


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def edges(ours: Mapping[str, Module]) -> dict[str, set[str]]:
    """Which of `ours` each of them imports when it is imported itself."""
    return {
        name: {target for found in imports(module) if (target := _nearest(found, ours)) not in ("", name)}
        for name, module in ours.items()
    }


def _nearest(found: Import, ours: Mapping[str, Module]) -> str:
    name = found.target
    while name and name not in ours:
        name = name.rpartition(".")[0]
    return "" if found.lazy or name == "autograder" else name


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Names that are left when everything that imports nothing of the rest is taken away, again and again."""
    left = dict(graph)
    while True:
        free = [name for name, targets in left.items() if not targets & left.keys()]
        if not free:
            return sorted(left)
        for name in free:
            del left[name]


def public(module: Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    """What others may call: functions, classes and their methods whose names, and whose class's, begin without `_`.

    What is made inside a function is nobody else's, and Python's own `__methods__` say what they do by their names.
    """
    yield from _public(module.tree.body, "")


def _public(
    body: list[ast.stmt], prefix: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _public(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, (ast.If, ast.Try)):
            yield from _public([*node.body, *node.orelse], prefix)


def module_state(module: Module) -> list[str]:
    """Names bound at module level that some function of the module changes."""
    bound = {
        target.id
        for statement in module.tree.body
        if isinstance(statement, (ast.Assign, ast.AnnAssign))
        for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if isinstance(target, ast.Name)
    }
    changed = []
    for function in ast.walk(module.tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            local = _names_bound_in(function)
            changed += [name for node in ast.walk(function) for name in _changes(node) if name in bound - local]
            changed += [name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names]
    return sorted(set(changed))


def _names_bound_in(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    names = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    return names | {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


CHANGING_METHODS = frozenset({"append", "extend", "insert", "add", "update", "setdefault", "pop", "clear", "remove"})


def _changes(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, (ast.Store, ast.Del)):
        yield dotted(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING_METHODS:
        yield dotted(node.func.value)


def dangers(module: Module) -> set[str]:
    called = {dotted(node.func) for node in ast.walk(module.tree) if isinstance(node, ast.Call)} & DANGEROUS
    return called | ({top(found.target) for found in imports(module)} & DANGEROUS_MODULES)
