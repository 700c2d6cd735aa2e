"""Statements as far as one class goes: without what never runs, and without other classes that a condition defines too.

Why separate: the slice takes a statement whole. An `if` around two classes would have each judged by the other's rules,
and an old version under `if False:` would be the last definition. Pure: statements in, statements out.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace

from autograder.core.errors import UNPARSABLE
from autograder.handin.slicing.facts import read_names
from autograder.handin.slicing.statements import Chunk
from autograder.handin.slicing.write import blanked, nested_definitions


def that_run(chunks: Sequence[Chunk]) -> tuple[Chunk, ...]:
    """Without each `if` whose condition is false: a constant, or a name that is bound once, to one."""
    constants = dict(_constants(chunks))
    return tuple(chunk for chunk in chunks if not _is_dead(chunk, constants))


def of_class(chunks: Sequence[Chunk], class_name: str, others: Set[str]) -> tuple[Chunk, ...]:
    """With `others`, the classes of other questions, blanked where one statement defines `class_name` as well."""
    return tuple(_alone(chunk, others) if class_name in chunk.names.flow.maybe else chunk for chunk in chunks)


def _constants(chunks: Sequence[Chunk]) -> Iterator[tuple[str, object]]:
    bound = Counter(name for chunk in chunks for name in chunk.names.flow.maybe | chunk.names.binds_when_called)
    for node in (node for chunk in chunks for node in chunk.nodes):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = (target.id for target in node.targets if isinstance(target, ast.Name))
            yield from ((name, node.value.value) for name in names if bound[name] == 1)


def _is_dead(chunk: Chunk, constants: Mapping[str, object]) -> bool:
    node = chunk.nodes[0]
    if len(chunk.nodes) > 1 or not isinstance(node, ast.If) or node.orelse:
        return False
    test, wanted = node.test, True
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, wanted = test.operand, not wanted
    if isinstance(test, ast.Constant):
        return bool(test.value) is not wanted
    return isinstance(test, ast.Name) and test.id in constants and bool(constants[test.id]) is not wanted


def _alone(chunk: Chunk, others: Set[str]) -> Chunk:
    """The same without the other classes; as it is where one of them is used in it."""
    used = chunk.names.flow.reads | chunk.names.later
    found = [] if isinstance(chunk.nodes[0], ast.ClassDef) else list(nested_definitions(chunk.nodes, others - used))
    if not found:
        return chunk
    lines = blanked(chunk, found)
    text = "\n".join(lines)
    try:
        nodes = ast.parse(text).body
        names = read_names(text, nodes, lazy_annotations=True)
    except UNPARSABLE:
        return chunk
    for node in nodes:
        ast.increment_lineno(node, chunk.first - 1)
    return replace(chunk, lines=tuple(lines), nodes=tuple(nodes), names=names)
