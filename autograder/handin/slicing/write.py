"""A slice written out as the text that is checked and executed, with the place of every line.

Why separate: it is the only code that touches the student's lines. Lines stay verbatim and in number; the only edits
are taking unused modules out of `import a, b` and blanking a definition that is given from outside, inside a larger
statement. Nothing here decides what is needed.
"""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Iterable, Iterator, Sequence, Set

from autograder.core import policy
from autograder.core.records import Place, Program
from autograder.handin.slicing.backward import Slice
from autograder.handin.slicing.statements import Chunk

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def write_program(
    question: str, class_name: str, chunks: Sequence[Chunk], found: Slice, given: frozenset[str]
) -> Program:
    """The program of one class. Raises SyntaxError (line of the executed text) or ValueError when it cannot be run."""
    kept = [chunks[index] for index in found.order]
    size = sum(1 for chunk in kept for node in chunk.nodes for _ in ast.walk(node))
    if size > policy.CAPS.ast_nodes:
        raise ValueError(f"they are too large (more than {policy.CAPS.ast_nodes} parts)")
    used = frozenset().union(*(c.names.flow.reads | c.names.later for c in kept), {class_name})
    lines: list[str] = []
    places: list[Place] = []
    for chunk in kept:
        lines.extend(_edited(chunk, used, given))
        places.extend(chunk.places)
    text = "\n".join(lines) + "\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(text, "<submission>", "exec", dont_inherit=True)
    return Program(question, class_name, text, tuple(places), hashlib.sha256(text.encode()).hexdigest())


def _edited(chunk: Chunk, used: frozenset[str], given: frozenset[str]) -> list[str]:
    lines = list(chunk.lines)
    if len(chunk.nodes) == 1 and isinstance(chunk.nodes[0], ast.Import):
        _narrow(lines, chunk, chunk.nodes[0], used)
    elif given and not all(isinstance(node, _DEFINITIONS) for node in chunk.nodes):
        return blanked(chunk, nested_definitions(chunk.nodes, given))
    return lines


def blanked(chunk: Chunk, nodes: Iterable[ast.stmt]) -> list[str]:
    """The lines of the chunk with these definitions, which stand in it, as `pass`."""
    lines = list(chunk.lines)
    for node in nodes:
        _blank(lines, chunk, node)
    return lines


def _narrow(lines: list[str], chunk: Chunk, node: ast.Import, used: frozenset[str]) -> None:
    """`import torch, torchvision` becomes `import torch` when only torch is used: the other may not even be there."""
    wanted = [alias for alias in node.names if (alias.asname or alias.name.partition(".")[0]) in used]
    if not wanted or len(wanted) == len(node.names):
        return
    last = (node.end_lineno or node.lineno) - chunk.first
    rest = lines[last].encode()[node.end_col_offset or 0 :].decode()
    names = ", ".join(f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in wanted)
    lines[: last + 1] = [f"import {names}{rest}", *[""] * last]


def nested_definitions(nodes: Sequence[ast.stmt], given: Set[str]) -> Iterator[ast.stmt]:
    """Definitions of given names at module level but inside an `if`, `try`, `with` or loop."""
    for node in nodes:
        if isinstance(node, _DEFINITIONS):
            if node.name in given:
                yield node
        elif isinstance(node, ast.Assign):
            if all(isinstance(target, ast.Name) and target.id in given for target in node.targets):
                yield node
        else:
            for part in ast.iter_child_nodes(node):
                inner = [part] if isinstance(part, ast.stmt) else getattr(part, "body", [])
                yield from nested_definitions([s for s in _as_list(inner) if isinstance(s, ast.stmt)], given)


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _blank(lines: list[str], chunk: Chunk, node: ast.stmt) -> None:
    begins = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
    first, last = begins - chunk.first, (node.end_lineno or node.lineno) - chunk.first
    before = lines[first].encode()[: node.col_offset].decode()
    lines[first : last + 1] = [f"{before}pass", *[""] * (last - first)]
