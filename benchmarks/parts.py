"""What single parts of a grading cost: the seconds behind the counts that the tests assert.

    python benchmarks/parts.py

Best of five, in CPU seconds. The tests count work instead, since machines differ threefold.
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# As the engine does: two threads that wait for each other on a busy machine were seen to take ten times as long.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def best(function: Callable[[], object], repeats: int = 5) -> float:
    """CPU seconds of the quickest of `repeats` calls."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Prints one line a part, with the figure that it should stay below on a machine of 2 cores."""
    from autograder.handin.rules import check
    from tests.grader.test_judging_parts import search_that_finds_nothing
    from tests.grader.test_rules_honest import program
    from tests.grader.test_written_parse import HOSTILE_TEXTS
    from tests.grader.written_judges import JUDGES

    locale = (Path(sysconfig.get_paths()["stdlib"]) / "locale.py").read_text(encoding="utf-8")
    lines = locale.count("\n")
    line("read a notebook of 40 cells", best(notebook_of_40_cells()), 0.05)
    line("rules on 500 lines", best(lambda: check(program(locale))) * 500 / lines, 0.1)
    line("a search of roles that finds nothing", best(search_that_finds_nothing, 2), 1.0)
    judged = max(
        best(lambda t=text: [judge(t) for judge in JUDGES.values()], 1)  # type: ignore[misc]
        for text in HOSTILE_TEXTS
    )
    line("the most costly written answer", judged, 0.5)


def notebook_of_40_cells() -> Callable[[], object]:
    """Reads a notebook like a real one, with a picture of 300 kB under each cell."""
    from autograder.handin.load import load
    from tests.grader.submission_samples import BOTH, notebook

    folder = Path(tempfile.mkdtemp())
    picture = ({"output_type": "display_data", "data": {"image/png": "A" * 300_000}},)
    sources = ["!pip install einops", BOTH, *[f"for i in range({n}):\n    print(i)" for n in range(40)]]
    text = notebook(*sources, outputs=picture)
    json.loads(text)
    (folder / "hw6.ipynb").write_text(text)
    load(folder)  # the imports are paid once
    return lambda: load(folder)


def line(what: str, seconds: float, most: float) -> None:
    """One measurement beside what it should stay below."""
    print(f"{what:40} {seconds:7.3f} s   (should stay below {most:g})")


if __name__ == "__main__":
    main()
