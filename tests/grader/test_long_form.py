"""A class's tests as a table with types, and what docs/class.md does with it."""

from __future__ import annotations

import csv
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.commands import batch
from autograder.commands.batch import columns
from autograder.core.errors import UsageError
from autograder.grading import Options
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

QUICK = Options(only="2a")
CLASS = ROOT / "examples" / "class"
needs = {name: pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not installed")
         for name in ("pyarrow", "pandas", "polars")}  # fmt: skip


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a few, with the table."""
    pytest.importorskip("pyarrow")
    top = tmp_path_factory.mktemp("long")
    (top / "class").mkdir()
    for name in ("ada_complete", "fay_no_scale", "lena_truncated"):
        (top / "class" / name).mkdir()
        for file in (CLASS / name).iterdir():
            (top / "class" / name / file.name).write_bytes(file.read_bytes())
    assert len(batch.run(top / "class", top / "out", QUICK, jobs=1, parquet=True).rows) == 3
    return top / "out"


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=patience(120), check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs["pandas"]
def test_both_tables_say_the_same_and_one_has_types(out: Path) -> None:
    code = f"""
import pandas
typed = pandas.read_parquet({str(out / columns.FILE)!r})
print(*(typed[name].dtype.kind for name in ("score", "possible", "seconds")))
print(*typed.columns)
for row in typed.itertuples():
    print(row.id, row.test, row.status, f"{{row.score:g}}", f"{{row.possible:g}}")
"""
    kinds, names, *rows = run(code).splitlines()
    plain = list(csv.DictReader((out / "tests.csv").read_text("utf-8").splitlines()))
    assert kinds == "f f f" and names.split() == list(plain[0])
    assert rows == [" ".join(row[name] for name in ("id", "test", "status", "score", "possible")) for row in plain]


@needs["pandas"]
def test_the_example_of_the_document_runs(out: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "class.md").read_text("utf-8"), flags=re.DOTALL)
    [block] = [block for block in blocks if "import pandas" in block]
    shown = run(block.replace("build/class", str(out)))
    assert "2a.1" in shown and "ada_complete" in shown and "share" in shown


@needs["polars"]
def test_the_line_in_polars_runs(out: Path) -> None:
    [line] = re.findall(r"`(polars\.read_parquet.*?)`", (ROOT / "docs" / "class.md").read_text("utf-8"))
    assert "2a.1" in run(f"import polars\nprint({line.replace('build/class', str(out))})")


@pytest.mark.slow
def test_grading_from_python_runs_as_the_document_has_it() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "class.md").read_text("utf-8"), flags=re.DOTALL)
    [block] = [block for block in blocks if "grade_many" in block]
    points, names = run(block).splitlines()
    assert float(points) > 0 and names.startswith("ben_fused")


def test_what_was_not_graded_is_null_and_odd_text_stays_text(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    import msgspec

    from autograder.commands.batch.entries import Entry
    from autograder.core.records import Feedback, Status, TestResult
    from autograder.report import results
    from autograder.report.summary import summarise

    test = TestResult("2a.1", "odd \udcff", Status.ERROR, 0.0, 1.0, feedback=Feedback(found="=1+1"))
    whole = summarise(msgspec.structs.replace(results.failure("x"), tests=(test,)))
    columns.write([(Entry("ada", tmp_path), whole)], tmp_path)
    code = f"import pyarrow.parquet as p; print(p.read_table({str(tmp_path / columns.FILE)!r}).to_pylist())"
    shown = run(code)
    assert "'score': None" in shown and "'possible': 1.0" in shown and "'found': '=1+1'" in shown


def test_without_pyarrow_it_is_refused_before_anything_is_graded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pyarrow.*\[table\]"):
        batch.run(CLASS, tmp_path / "out", QUICK, jobs=1, parquet=True)
    assert not (tmp_path / "out").exists()
