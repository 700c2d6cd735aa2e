"""Modules of the student's own: files and packages handed in beside the notebook, or what a cell writes (%%writefile).

Why separate: the class runs alone, so what it imports from them has to stand in its program. An import of such a module
gives way to the module's own statements, which keep their file and lines; then the text that is checked is still the
text that is executed. Pure: nothing here reads a file or decides what is needed.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from autograder.core.records import Cell, Finding, Place, Severity
from autograder.handin.slicing.statements import Broken, Chunk, statements

_Uses = Mapping[str, "frozenset[str] | None"]
_Import = (ast.Import, ast.ImportFrom)


class Module(NamedTuple):
    """Where a module's text stands: in `file`, or in cells of it; `package` is what its relative imports begin from."""

    file: str
    cells: tuple[Cell, ...]
    package: str = ""


class Unfolded(NamedTuple):
    """Statements with the modules in place of their imports, what of the modules cannot be read, and what was done."""

    chunks: tuple[Chunk, ...]
    broken: tuple[Broken, ...]
    findings: tuple[Finding, ...]


class _Alias(NamedTuple):
    """One name of an import: the module it names or comes from, and the lines that bind it once that stands there."""

    module: str
    name: str = ""  # in the module; "" for the module itself
    bound: str = ""  # "" binds nothing: all of the module


def unfolded(chunks: Sequence[Chunk], modules: Mapping[str, Module]) -> Unfolded:
    """Every import of a known module replaced by what the module holds, once a module; `modules` by dotted names."""
    work = _Work(modules)
    done = tuple(work.of(chunks, "")) if modules else tuple(chunks)
    return Unfolded(done, tuple(work.broken), tuple(work.findings))


def resolved(module: str, level: int, package: str) -> str:
    """The full name of what `from ..module import x` names in a module of `package`; "" is the notebook's folder."""
    above = package.split(".")
    base = above[: max(len(above) - level + 1, 0)] if level else []
    return ".".join(part for part in (*base, module) if part)


def parents(name: str) -> tuple[str, ...]:
    """a.b.c: a, a.b, a.b.c, in the order in which Python runs them."""
    parts = name.split(".")
    return tuple(".".join(parts[:end]) for end in range(1, len(parts) + 1))


class _Work:
    """Which modules stand there already. Lives for one notebook."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        self.modules = modules
        self.names: dict[str, tuple[str, ...]] = {}
        self.defined: dict[str, tuple[str, str]] = {}  # the file and the lines of what a module defines, by name
        self.broken: list[Broken] = []
        self.findings: list[Finding] = []

    def of(self, chunks: Sequence[Chunk], package: str) -> Iterator[Chunk]:
        uses = _uses(chunks)
        spaces: dict[str, str] = {}  # the module that a name of this file stands for
        for chunk in chunks:
            if renamed := self._out_of(chunk, spaces):
                yield from renamed
                continue
            imports = [part for node in chunk.nodes for part in ast.walk(node) if isinstance(part, _Import)]
            known = [(node, found) for node in imports if (found := self._known(node, package))]
            for _, aliases in known:
                for alias in aliases:
                    yield from self._modules(alias.module, chunk.places[0])
            spaces |= {alias.bound: alias.module for _, found in known for alias in found if not alias.name}
            yield from self._edited(chunk, known, uses) if known else [chunk]

    def _out_of(self, chunk: Chunk, spaces: Mapping[str, str]) -> tuple[Chunk, ...]:
        """`X = module.X` as `X = X`, so that not all of the module is needed for it; nothing for another statement."""
        node = chunk.nodes[0]
        value = node.value if len(chunk.nodes) == 1 and isinstance(node, ast.Assign) else None
        if not (isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name) and len(chunk.lines) == 1):
            return ()
        if value.attr not in self.names.get(spaces.get(value.value.id, ""), ()):
            return ()
        line = chunk.lines[0].encode()
        text = (line[: value.col_offset] + value.attr.encode() + line[value.end_col_offset or 0 :]).decode()
        made = statements([Cell(chunk.places[0].cell, text)], chunk.places[0].file)[0]
        return tuple(dataclasses.replace(one, places=chunk.places) for one in made)

    def _known(self, node: ast.Import | ast.ImportFrom, package: str) -> list[_Alias]:
        """What it imports of known modules; nothing for an import that names other modules, too, in one `from`."""
        if isinstance(node, ast.Import):
            return [_Alias(one.name, bound=one.asname or one.name) for one in node.names if one.name in self.modules]
        base = resolved(node.module or "", node.level, package)
        found = []
        for one in node.names:
            inner = f"{base}.{one.name}" if base else one.name
            if inner in self.modules and (node.module is None or inner != base):
                found.append(_Alias(inner, bound=one.asname or one.name))
            elif base in self.modules:
                found.append(_Alias(base, one.name, "" if one.name == "*" else one.asname or one.name))
        return found if len(found) == len(node.names) else []

    def _modules(self, name: str, place: Place) -> Iterator[Chunk]:
        for module in parents(name):
            if module in self.modules and module not in self.names:
                yield from self._module(module, place)

    def _module(self, name: str, place: Place) -> Iterator[Chunk]:
        module = self.modules[name]
        found, broken = statements(module.cells, module.file)
        self.broken += broken
        self.names[name] = _names(found)  # of a circle of modules, what is known so far
        self.findings.append(_remark(name, module, place))
        self.findings += self._again(found)
        yield from self.of(found, module.package)
        stars = {star for chunk in found for node in chunk.nodes for star in self._stars(node, module.package)}
        own = {*self.names[name], *(inner for star in stars for inner in self.names.get(star, ()))}
        self.names[name] = tuple(sorted(own))

    def _again(self, chunks: Sequence[Chunk]) -> Iterator[Finding]:
        """For staff: two modules define a name differently, and in one program the later one counts for both."""
        for chunk in chunks:
            node, file = chunk.nodes[0], chunk.places[0].file
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                text = "\n".join(chunk.lines)
                other, before = self.defined.setdefault(node.name, (file, text))
                if before != text and other != file:
                    message = f"{other} and {file} both define {node.name}, and not alike: in one program one counts"
                    fix = "see whether the classes use both"
                    yield Finding("local-import", Severity.FLAG, message, None, node.name, chunk.places[0], fix)

    def _stars(self, node: ast.stmt, package: str) -> Iterator[str]:
        if isinstance(node, ast.ImportFrom):
            yield from (alias.module for alias in self._known(node, package) if not alias.bound)

    def _edited(
        self, chunk: Chunk, known: Sequence[tuple[ast.Import | ast.ImportFrom, list[_Alias]]], uses: _Uses
    ) -> Iterator[Chunk]:
        """The statement with what the imports bind in their place: other names, or a module as a thing."""
        lines = [[line] for line in chunk.lines]
        for node, aliases in reversed(known):
            first, last = node.lineno - chunk.first, (node.end_lineno or node.lineno) - chunk.first
            before = chunk.lines[first].encode()[: node.col_offset].decode()
            after = chunk.lines[last].encode()[node.end_col_offset or 0 :].decode()
            binding = [line for alias in aliases for line in self._bound(alias, uses)] + _others(node, aliases)
            if before.strip() or after.strip(" ;"):
                if any(line.startswith((" ", "class ")) for line in binding):
                    continue  # a class cannot stand behind other things in a line: the import stays as it is
                lines[first] = [before + ("; ".join(binding) or "pass") + after]
            else:
                lines[first] = [before + line for line in binding] or [before + "pass"]
            lines[first + 1 : last + 1] = [[] for _ in range(last - first)]
        text = "\n".join(line for part in lines for line in part)
        places = [place for part, place in zip(lines, chunk.places) for _ in part]
        if not text.strip() or text.strip() == "pass":
            return
        for made in statements([Cell(chunk.places[0].cell, text)], chunk.places[0].file)[0]:
            at = made.first - 1
            yield dataclasses.replace(made, places=tuple(places[at : at + len(made.lines)]))

    def _bound(self, alias: _Alias, uses: _Uses) -> list[str]:
        if alias.name:
            return [f"{alias.bound} = {alias.name}"] if alias.bound not in ("", alias.name) else []
        if alias.bound == alias.module and "." in alias.module:  # import a.b binds a, with all that is known of it
            return self._space(alias.module.partition(".")[0], alias.module.partition(".")[0])
        return self._space(alias.module, alias.bound, uses.get(alias.bound, frozenset()))

    def _space(self, module: str, bound: str, used: frozenset[str] | None = None) -> list[str]:
        """A class with what the module holds, and its modules, as attributes; of the first only what is `used`."""
        inner = sorted({parents(name)[module.count(".") + 1] for name in self.names if name.startswith(f"{module}.")})
        spaces = [line for name in inner for line in self._space(name, name.rpartition(".")[2])]
        own = [f"{name} = {name}" for name in self.names.get(module, ()) if used is None or name in used]
        return [f"class {bound}:", *(f"    {line}" for line in (*own, *spaces, "pass"))]


def _uses(chunks: Sequence[Chunk]) -> _Uses:
    """The attributes of each name that are read; None where the name is used for itself, too: then all may be."""
    found: dict[str, frozenset[str] | None] = {}
    nodes = [part for chunk in chunks for node in chunk.nodes for part in ast.walk(node)]
    owners = {id(part.value) for part in nodes if isinstance(part, ast.Attribute)}
    for part in nodes:
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
            seen = found.get(part.value.id, frozenset())
            found[part.value.id] = None if seen is None else seen | {part.attr}
        elif isinstance(part, ast.Name) and id(part) not in owners:
            found[part.id] = None
    return found


def _names(chunks: Sequence[Chunk]) -> tuple[str, ...]:
    return tuple(sorted({name for chunk in chunks for name in chunk.names.flow.maybe if name.isidentifier()}))


def _others(node: ast.Import | ast.ImportFrom, known: Sequence[_Alias]) -> list[str]:
    """The rest of `import torch, helpers`."""
    if isinstance(node, ast.ImportFrom):
        return []
    ours = {alias.module for alias in known}
    return [ast.unparse(ast.Import([one])) for one in node.names if one.name not in ours]


def _remark(name: str, module: Module, place: Place) -> Finding:
    cell = module.cells[0].number if module.cells and module.file == place.file else None
    written = name.replace(".", "/") + ".py"
    file = written if cell else PurePosixPath(module.file).name
    where = f"cell {cell}, which writes {written}," if cell else module.file
    return Finding(
        rule="local-import",
        severity=Severity.REMARK,
        message=f"this imports your own {file}: what stands in {where} was read in its place",
        construct=name,
        place=place,
        fix=f"one notebook is safer: paste what you need from {file} into it, in place of the import",
    )
