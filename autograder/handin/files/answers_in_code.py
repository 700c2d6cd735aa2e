"""Answers that stand in a cell of the notebook as a dictionary, where no file of answers was handed in.

Why separate: nothing is run: a dictionary is read as it is written, and what is no number, text or list in it is kept
as text, which the judges read as they read any other.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence

from autograder.core.errors import UNPARSABLE
from autograder.core.records import Cell
from autograder.handin.files.answers import MAX_BYTES, Tables
from autograder.handin.files.layout import LAYOUT, canonical_key, canonical_table

MAX_NESTED = 6  # two matrices in a list nest 3 deep


def answers_in_code(cells: Sequence[Cell]) -> tuple[Tables, Cell] | None:
    """(tables, the cell) of the last dictionary that has tables of the template; None where there is none."""
    for cell in reversed(cells):
        if len(cell.source) <= MAX_BYTES and any(name[1:] in cell.source for name in LAYOUT if name.startswith("q")):
            for node in reversed(list(_dictionaries(cell.source))):
                tables = dict(_tables(node))
                if LAYOUT.keys() & tables.keys():
                    return tables, cell
    return None


def _dictionaries(source: str) -> Iterator[ast.Dict]:
    """Every dictionary that a statement of the cell's own is or assigns, in order."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(source).body
    except UNPARSABLE:
        return
    for statement in body:
        value = getattr(statement, "value", None)
        if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Expr)) and isinstance(value, ast.Dict):
            yield value


def _tables(node: ast.Dict) -> Iterator[tuple[str, dict[str, object]]]:
    for key, value in zip(node.keys, node.values):
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and isinstance(value, ast.Dict):
            entries = zip(value.keys, value.values)
            named = [(k.value, v) for k, v in entries if isinstance(k, ast.Constant) and isinstance(k.value, str)]
            yield canonical_table(key.value), {canonical_key(name): _value(entry) for name, entry in named}


def _value(node: ast.expr, depth: int = 0) -> object:
    """Numbers, text and lists as they are; 4 * 8 + 8, 8 / 9 and calls as the text that they are."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, str)):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)) and depth < MAX_NESTED:
        return [_value(part, depth + 1) for part in node.elts]
    return ast.unparse(node)
