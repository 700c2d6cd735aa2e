"""Modules of the student's own: a .py file handed in beside the notebook, or one that a cell writes with %%writefile.

Why separate: the class runs alone, so what it imports from them has to stand in its program. An import of such a module
gives way to the module's own statements, which keep their file and lines; then the text that is checked is still the
text that is executed. Pure: nothing here reads a file or decides what is needed.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from autograder.core.records import Cell, Finding, Place, Severity
from autograder.handin.slicing.statements import Broken, Chunk, statements


class Module(NamedTuple):
    """Where a module's text stands: in `file`, or in cells of it."""

    file: str
    cells: tuple[Cell, ...]


class Unfolded(NamedTuple):
    """Statements with the modules in place of their imports, what of the modules cannot be read, and what was done."""

    chunks: tuple[Chunk, ...]
    broken: tuple[Broken, ...]
    findings: tuple[Finding, ...]


def unfolded(chunks: Sequence[Chunk], modules: Mapping[str, Module]) -> Unfolded:
    """Every top-level `import m` and `from m import …` of a known module replaced by what m holds, once a module."""
    work = _Work(modules)
    done = tuple(work.of(chunks)) if modules else tuple(chunks)
    return Unfolded(done, tuple(work.broken), tuple(work.findings))


def imported(node: ast.stmt) -> str:
    """The module that a statement imports alone ("" for several, for packages of packages, for anything else)."""
    if isinstance(node, ast.ImportFrom) and node.level <= 1 and node.module and "." not in node.module:
        return node.module
    if isinstance(node, ast.Import) and len(node.names) == 1 and "." not in node.names[0].name:
        return node.names[0].name
    return ""


class _Work:
    """Which modules stand there already. Lives for one notebook."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        self.modules = modules
        self.names: dict[str, tuple[str, ...]] = {}
        self.broken: list[Broken] = []
        self.findings: list[Finding] = []

    def of(self, chunks: Sequence[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            node = chunk.nodes[0]
            name = imported(node) if len(chunk.nodes) == 1 else ""
            if name not in self.modules:
                yield chunk
                continue
            if name not in self.names:
                yield from self._module(name, chunk.places[0])
            yield from _bound(node, name, self.names[name], chunk.places[0])

    def _module(self, name: str, place: Place) -> Iterator[Chunk]:
        module = self.modules[name]
        found, broken = statements(module.cells, module.file)
        self.broken += broken
        self.names[name] = tuple(sorted({n for chunk in found for n in chunk.names.flow.maybe if n.isidentifier()}))
        self.findings.append(_remark(name, module, place))
        yield from self.of(found)


def _bound(node: ast.stmt, module: str, names: Sequence[str], place: Place) -> Iterator[Chunk]:
    """What the import itself binds: other names for what the module holds, or the module as a thing with attributes."""
    lines = []
    if isinstance(node, ast.ImportFrom):
        lines = [f"{alias.asname} = {alias.name}" for alias in node.names if alias.asname not in (None, alias.name)]
    elif isinstance(node, ast.Import):
        lines = [f"class {node.names[0].asname or module}:", *(f"    {name} = {name}" for name in names), "    pass"]
    for chunk in statements([Cell(place.cell, "\n".join(lines))], place.file)[0] if lines else ():
        yield dataclasses.replace(chunk, places=(place,) * len(chunk.places))


def _remark(name: str, module: Module, place: Place) -> Finding:
    cell = module.cells[0].number if module.cells else None
    where = f"cell {cell}, which writes {name}.py" if cell else module.file
    return Finding(
        rule="local-import",
        severity=Severity.REMARK,
        message=f"this imports your own {name}.py: what stands in {where} was read in its place",
        construct=name,
        place=place,
        fix=f"one notebook is safer: paste what you need from {name}.py into it, in place of the import",
    )
