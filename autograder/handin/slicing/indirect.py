"""Statements that may change a class by a way that names do not show: an alias, a registry, a decorator, a loop.

Why separate: the slice follows names, which is right for nearly every notebook and leaves out what only costs time.
What it may have missed is found here from the other side: whatever changes something, ends quickly and can be run from
what stands above it. It is tried only where points were lost without it. Pure: facts in, indices out.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field

from autograder.handin.slicing.backward import Slice, is_main_guard
from autograder.handin.slicing.facts import changes, dotted, running
from autograder.handin.slicing.statements import Chunk

# What such statements call: torch builds tables, the others functions and records. Not torch.utils.data or torchvision.
_QUICK_MODULES = frozenset(
    "abc collections contextlib copy dataclasses einops enum functools inspect itertools math numbers numpy operator re"
    " string sys torch types typing".split()
)
_SLOW_PARTS = frozenset({"utils", "optim", "hub", "load", "save", "compile", "distributed", "multiprocessing"})
_SLOW_BUILTINS = frozenset(
    {"open", "input", "exec", "eval", "compile", "__import__", "breakpoint", "help", "exit", "quit"}
)
# Methods that are at home in training and plotting, whatever they are called on.
_SLOW_METHODS = frozenset(
    "backward step zero_grad fit train eval evaluate predict show plot imshow savefig figure subplots load_state_dict"
    " state_dict download read write cuda to parameters".split()
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_BUILTINS = frozenset(dir(builtins))


def indirect(chunks: Sequence[Chunk], found: Slice, given: frozenset[str]) -> tuple[int, ...]:
    """Statements beside `found` that may change what it defines, in order."""
    kept = [chunks[i].names for i in found.order]
    needed = frozenset().union(*(n.flow.reads | n.flow.maybe | n.later for n in kept)) - given
    parts = (part for i in found.order for node in chunks[i].nodes for part in ast.walk(node))
    asked = any(isinstance(part, ast.Attribute) and part.attr == "__subclasses__" for part in parts)
    told = {name for n in kept for name in n.flow.maybe} if asked else set[str]()
    return tuple(_Reading(chunks, frozenset(found.order), needed, given, told=told).found())


@dataclass
class _Reading:
    """What is known while going through the statements from above. Lives for one call of `indirect`."""

    chunks: Sequence[Chunk]
    kept: frozenset[int]
    needed: frozenset[str]
    given: frozenset[str]
    known: set[str] = field(default_factory=set)  # bound by what can be run
    imports: dict[str, str] = field(default_factory=dict)  # the module of every imported name
    functions: dict[str, ast.AST] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)  # classes of networks: their instances are what is tried out
    told: set[str] = field(default_factory=set)  # classes that are told of their heirs, and may keep a table of them
    quick: dict[str, bool] = field(default_factory=dict)  # by function, until one is defined anew
    changing: dict[str, bool] = field(default_factory=dict)

    def found(self) -> Iterator[int]:
        for index, chunk in enumerate(self.chunks):
            if is_main_guard(chunk):
                continue
            kept, flow = index in self.kept, chunk.names.flow
            runs = (
                kept
                or flow.reads | flow.deletes <= self.known | _BUILTINS
                and self._is_quick(running(chunk.nodes), flow.maybe)
            )
            if runs and not kept and self._may_matter(chunk):
                yield index
            self.known = (self.known | flow.surely if runs else self.known - flow.maybe) - flow.deletes
            for node in chunk.nodes:
                self._define(node)

    def _define(self, node: ast.stmt) -> None:
        if isinstance(node, (*_FUNCTIONS, ast.Assign, ast.Import, ast.ImportFrom, ast.ClassDef)):
            self.quick, self.changing = {}, {}
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self.imports.update(_imported(node))
        elif isinstance(node, _FUNCTIONS):
            self.functions[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            self.functions.update((t.id, node.value) for t in node.targets if isinstance(t, ast.Name))
        elif isinstance(node, ast.ClassDef):
            if any(map(self._is_network, node.bases)):
                self.modules.add(node.name)
            if self._is_told(node) or _asks_for_heirs(node) or any(map(_asks_for_heirs, node.body)):
                self.told.add(node.name)

    def _is_network(self, base: ast.expr) -> bool:
        path = _path(base)
        return bool(path) and (path[-1] == "Module" or path[0] in self.modules | self.given)

    def _is_told(self, node: ast.stmt) -> bool:
        """Whether a class above, and so whatever asks that one, learns of this class."""
        bases = node.bases if isinstance(node, ast.ClassDef) else []
        return any((path := _path(base)) and path[0] in self.told for base in bases)

    def _is_quick(self, nodes: Iterable[ast.AST], own: Set[str]) -> bool:
        """Whether every call in `nodes` ends soon. `own`: names that are bound in there."""
        return all(self._ends_soon(node.func, own) for node in nodes if isinstance(node, ast.Call))

    def _ends_soon(self, called: ast.expr, own: Set[str]) -> bool:
        chain = _path(called)
        if not chain:  # a method of a text, a list, or of what another call gives: that one is looked at by itself
            return not (isinstance(called, ast.Attribute) and called.attr in _SLOW_METHODS)
        root = chain[0]
        if root in own:
            return chain[-1] not in _SLOW_METHODS
        if root in self.imports:
            path = [*self.imports[root].split("."), *chain[1:]]
            return path[0] in _QUICK_MODULES and not _SLOW_PARTS & set(path)
        if len(chain) > 1:
            return root in self.known and chain[-1] not in _SLOW_METHODS
        if root in self.functions:
            if root not in self.quick:
                self.quick[root] = True  # while it is looked at: what it calls may call it
                body = list(ast.walk(self.functions[root]))
                self.quick[root] = self._is_quick(body, _local(body))
            return self.quick[root]
        if root in self.modules | self.given:
            return False
        return root in self.known or root in _BUILTINS - _SLOW_BUILTINS

    def _may_matter(self, chunk: Chunk) -> bool:
        names, nodes = chunk.names, chunk.nodes
        if all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in nodes):
            return False
        changed = (names.assigned_to | names.methods_on) - set(self.imports)
        decorators = [d for node in nodes for d in getattr(node, "decorator_list", ())]
        called = [node.func for node in running(nodes) if isinstance(node, ast.Call)]
        ours = {path[0] for part in (*decorators, *called) if (path := _path(part))}
        changing = any(map(self._changes_something, sorted(ours)))
        told = any(map(self._is_told, nodes)) or any(map(self._is_asked, nodes))
        return bool(told or changed or changing or (names.flow.deletes | names.flow.maybe) & self.needed)

    def _is_asked(self, node: ast.stmt) -> bool:
        """Whether a method of something that is needed is called for what it does, not for what it gives."""
        call = node.value if isinstance(node, ast.Expr) else None
        path = _path(call.func) if isinstance(call, ast.Call) else []
        return len(path) > 1 and path[0] in self.needed - set(self.imports)

    def _changes_something(self, name: str) -> bool:
        """Whether calling this function may change what is not its own: one that prints shapes does not."""
        if name not in self.functions:
            return False
        if name not in self.changing:
            self.changing[name] = False  # while it is looked at
            parts = list(ast.walk(self.functions[name]))
            on, by_method = changes(parts)
            called = {part.func.id for part in parts if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)}
            outer = any(isinstance(part, (ast.Global, ast.Nonlocal)) for part in parts)
            self.changing[name] = bool(outer or on or by_method) or any(map(self._changes_something, sorted(called)))
        return self.changing[name]


def _asks_for_heirs(node: ast.stmt) -> bool:
    """Whether a class is made by a metaclass of the notebook's own, or a method of it is called for each heir."""
    if isinstance(node, ast.ClassDef):
        return any(keyword.arg == "metaclass" and isinstance(keyword.value, ast.Name) for keyword in node.keywords)
    return isinstance(node, _FUNCTIONS) and node.name == "__init_subclass__"


def _path(node: ast.expr) -> list[str]:
    """["torch", "nn", "Linear"]; [] for what is no name."""
    return [node.id] if isinstance(node, ast.Name) else list(filter(None, dotted(node).split(".")))


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """(name that it binds, what that is)"""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, f"{node.module}.{alias.name}"
        else:
            yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2


def _local(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """Parameters, and what is bound inside."""
    stored = (n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return frozenset(n.arg for n in nodes if isinstance(n, ast.arg)) | frozenset(stored)
