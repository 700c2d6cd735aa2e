"""Cells cut into top-level statements, each with its own lines; what Python cannot read is set aside, and only that.

Why separate: everything after this works on statements that are known to parse and to be of sane size. A broken line
in a scratch cell must never cost the class below it. Nothing here decides what is needed.
"""

from __future__ import annotations
import __future__

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from autograder.core import policy
from autograder.core.errors import UNPARSABLE
from autograder.core.records import Cell, Place
from autograder.core.text import MERGE_MARKS
from autograder.handin.slicing.facts import Names, read_names
from autograder.handin.slicing.lines import logical_starts
from autograder.handin.slicing.newer import newer_python

_CLAUSE = re.compile(r"(?:else|finally|except|elif)\b|[)\]}]")  # continues the block above, although at column 0
_MARK = re.compile(r"[<=>]{4,7}(?:\s|$)")  # of ">>>>>>>" a console's prompt was taken away
_INTRODUCES = re.compile(r"\s*(?:class|def|async\s+def)\s+(\w+)|^(\w+)\s*(?::[^=]*)?=(?!=)")


@dataclass(frozen=True)
class Chunk:
    """Statements that share physical lines (nearly always one), with those lines.

    `first` is the line of the cell on which lines[0] stands, so that node.lineno - first indexes `lines`.
    """

    lines: tuple[str, ...]
    places: tuple[Place, ...]
    first: int
    nodes: tuple[ast.stmt, ...]
    names: Names


@dataclass(frozen=True)
class Cut:
    """Where a block ends too early, and the names that it defines."""

    names: frozenset[str]
    place: Place


@dataclass(frozen=True)
class Broken:
    """Lines that cannot be used, why, and which names they seem to define.

    `cuts` tells of the block before them, when their first line ends it and what follows is indented as its body was.
    """

    place: Place
    message: str
    names: frozenset[str]
    whole_cell: bool = False
    cuts: Cut | None = None


@dataclass(frozen=True)
class _Piece:
    cell: Cell
    first: int  # line of the cell, from 1
    lines: tuple[str, ...]
    nodes: tuple[ast.stmt, ...]


def statements(cells: Sequence[Cell], file: str) -> tuple[tuple[Chunk, ...], tuple[Broken, ...]]:
    """Every top-level statement of every cell in order, and what had to be set aside. Never raises for the student."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "\d" in a student's string is not our news
        parsed = [part for cell in cells for part in _pieces(cell, file)]
        read = [part if isinstance(part, Broken) else _chunk(part, file) for part in parsed]
    chunks = tuple(part for part in read if isinstance(part, Chunk))
    return chunks, tuple(part for part in read if isinstance(part, Broken))


def is_future(node: ast.stmt) -> bool:
    """Whether this is a `from __future__` import that this Python knows (an unknown one would refuse the program)."""
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and node.level == 0
        and all(name in __future__.all_feature_names for name in _names(node))
    )


def _names(node: ast.stmt) -> list[str]:
    return [alias.name for alias in getattr(node, "names", []) if isinstance(alias, ast.alias)]


def _pieces(cell: Cell, file: str) -> Iterator[_Piece | Broken]:
    if len(cell.source) > policy.CAPS.cell_kb * 1024:
        size = f"this cell has {len(cell.source) // 1024} KB of code; at most {policy.CAPS.cell_kb} KB are read"
        yield Broken(Place(file, 1, cell.number), size, frozenset(), whole_cell=True)
        return
    lines = cell.source.split("\n")
    try:
        yield from _grouped(cell, 1, lines, ast.parse(cell.source).body)
    except UNPARSABLE:
        yield from _salvaged(cell, lines, file)


def _salvaged(cell: Cell, lines: list[str], file: str) -> Iterator[_Piece | Broken]:
    """The blocks of a cell that does not parse as a whole, each parsed by itself."""
    above: list[str] = []
    for first, block in _blocks(lines):
        try:
            body = ast.parse("\n".join(block)).body
        except UNPARSABLE as error:
            broken = _broken(cell, first, block, error, file)
            cut = Cut(_introduced(above), Place(file, first, cell.number)) if _runs_into(block, above) else None
            yield replace(broken, cuts=cut)
        else:
            for node in body:
                ast.increment_lineno(node, first - 1)
            yield from _grouped(cell, first, block, body)
        above = block


def _runs_into(block: list[str], above: list[str]) -> bool:
    """Whether lines that are indented under no statement of the block belong to the class or function above."""
    inside = [line for line in block[1:] if line.strip()]
    below = bool(inside) and inside[0][0] in " \t"
    return below and bool(above) and above[0][:1] not in " \t" and _stands_alone(block[0])


def _stands_alone(line: str) -> bool:
    """Whether the line opens nothing that the next ones could continue: a whole statement, or a mark of a merge."""
    if _MARK.match(line):
        return True
    try:
        return bool(ast.parse(line))
    except UNPARSABLE:
        return False


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """(first line, lines) of the runs that begin at column 0."""
    at: list[int] = []
    decorated = False
    for index in logical_starts(lines):
        line = lines[index].lstrip("\f")
        if line[0].isspace() and at or _CLAUSE.match(line) and at:
            continue
        if not decorated:
            at.append(index)
        decorated = line.startswith("@")
    for first, last in pairwise([*at, len(lines)]):
        yield first + 1, lines[first:last]


def _grouped(cell: Cell, start: int, lines: Sequence[str], nodes: Sequence[ast.stmt]) -> Iterator[_Piece]:
    """One piece for each run of statements on common physical lines. `lines[0]` is line `start` of the cell."""
    group: list[ast.stmt] = []
    first = last = 0
    for node in nodes:
        begins = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
        if group and begins > last and not _runs_on(lines[last - start], group[-1]):
            yield _Piece(cell, first, tuple(lines[first - start : last - start + 1]), tuple(group))
            group = []
        first = first if group else begins
        group.append(node)
        last = node.end_lineno or node.lineno
    if group:
        yield _Piece(cell, first, tuple(lines[first - start : last - start + 1]), tuple(group))


def _runs_on(line: str, node: ast.stmt) -> bool:
    """Whether a `; \\` after the statement joins the next line to it."""
    rest = line.encode()[node.end_col_offset or 0 :]
    return rest.endswith(b"\\") and b"#" not in rest


def _chunk(piece: _Piece, file: str) -> Chunk | Broken:
    lines = list(piece.lines)
    too_big = _too_big(piece.nodes)
    if too_big:
        return Broken(Place(file, piece.first, piece.cell.number), too_big, _introduced(lines))
    try:
        # a program's annotations are not evaluated, so what they name is not needed
        names = read_names("\n".join(lines), piece.nodes, lazy_annotations=True)
    except UNPARSABLE as error:
        if isinstance(error, SyntaxError) and error.lineno:
            error.lineno -= 1
        return _broken(piece.cell, piece.first, lines, error, file)
    places = tuple(Place(file, piece.first + offset, piece.cell.number) for offset in range(len(lines)))
    return Chunk(piece.lines, places, piece.first, piece.nodes, names)


def _too_big(nodes: Sequence[ast.stmt]) -> str:
    """Measured level by level, without recursion: the tree may be deeper than the interpreter's stack."""
    level: list[ast.AST] = list(nodes)
    depth = count = 0
    while level:
        depth, count = depth + 1, count + len(level)
        if depth > policy.CAPS.ast_depth:
            return f"nested too deeply to be read safely (more than {policy.CAPS.ast_depth} levels)"
        if count > policy.CAPS.ast_nodes:
            return f"too large to be read (more than {policy.CAPS.ast_nodes} parts in one statement)"
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return ""


def _broken(cell: Cell, first: int, lines: list[str], error: BaseException, file: str) -> Broken:
    offset = 0
    if isinstance(error, SyntaxError):
        offset = min(max((error.lineno or 1) - 1, 0), len(lines) - 1)
        message = f"{error.msg}: {lines[offset].strip()[:80]}" if lines[offset].strip() else str(error.msg)
        if lines[offset].startswith(MERGE_MARKS):
            message = f"a mark left by a merge conflict: {lines[offset][:80]}"
        elif error.msg.startswith("invalid non-printable character"):
            message = f"{message} (a sign that nobody sees came with text from elsewhere: type that line anew)"
        elif newer := newer_python(lines[offset]):
            message = f"{message} ({newer})"
    elif isinstance(error, ValueError):
        message = str(error)
    else:
        message = "nested too deeply for Python to read"
    return Broken(Place(file, first + offset, cell.number), message, _introduced(lines))


def _introduced(lines: Sequence[str]) -> frozenset[str]:
    shown = ("".join(sign for sign in line if sign.isprintable() or sign.isspace()) for line in lines)
    found = (match for match in map(_INTRODUCES.match, shown) if match)
    return frozenset(match[1] or match[2] for match in found)
