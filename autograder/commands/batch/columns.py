"""A class's results in long form as Parquet: tests.csv with types, for pandas, polars, DuckDB and the like.

Why separate: it needs pyarrow, which brings numpy and is imported only when it is asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograder.commands.batch.entries import Entry
from autograder.commands.batch.tables import LONG, long
from autograder.core.errors import UsageError
from autograder.report import results
from autograder.report.summary import Summary

FILE = "tests.parquet"  # in the folder of results


def refuse_without_pyarrow() -> None:
    """Raises UsageError where pyarrow is not installed: said before an hour of grading, and not after it."""
    if importlib.util.find_spec("pyarrow") is None:
        raise UsageError('--parquet needs pyarrow, which is not installed here: pip install "hw6-autograder[table]"')


def write(graded: Sequence[tuple[Entry, Summary]], out: Path) -> None:
    """OUT/tests.parquet: text columns and numbers; a score that is null is not graded."""
    arrow: Any = importlib.import_module("pyarrow")
    parquet: Any = importlib.import_module("pyarrow.parquet")
    types = {str: arrow.string(), float: arrow.float64()}
    schema = arrow.schema([(name, types[kind]) for name, kind in LONG.items()])
    rows = [{name: _clean(value) for name, value in row.items()} for row in long(graded)]
    file = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(rows, schema=schema), file)
    results.write_bytes(out / FILE, file.getvalue())


def _clean(value: str | float | None) -> str | float | None:
    """Text as UTF-8 can write it: a file's name may hold what is none."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
