"""What one submission costs, cold and warm, beside `import torch` in the same run.

    python benchmarks/speed.py [-n 5] [SUBMISSION]

Prints medians and ratios; on a noisy machine only the ratios mean something. Peak memory is the sum over all processes
of their proportional set size (shared pages counted once), sampled every 10 ms: it needs root to be complete.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUBMISSION = ROOT / "examples" / "class" / "ada_complete"

# The project's targets: cold against `import torch`, seconds for each further submission, MB of all processes together.
COLD, FURTHER, MEMORY = 1.8, 0.3, 600.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("-n", type=int, default=5, help="counted runs")
    parser.add_argument("submission", nargs="?", type=Path, default=SUBMISSION)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as out:
        torch = [sys.executable, "-c", "import torch"]
        grade = [sys.executable, "-m", "autograder", "grade", str(given.submission), "--out", out, "--quiet"]
        pairs = [(timed(torch), timed(grade)) for _ in range(given.n + 1)][1:]
        peak = peak_mb(grade)
    importing, cold = (statistics.median(column) for column in zip(*pairs))
    ratio = statistics.median(b / a for a, b in pairs)
    warm = further(given.submission, given.n)
    print(f"import torch                    {importing:6.2f} s")
    print(f"one submission, cold            {cold:6.2f} s   {ratio:.2f} x import torch (target {COLD})")
    print(f"each further submission         {warm:6.2f} s   (target {FURTHER})")
    print(f"peak memory, all processes      {peak:6.0f} MB  (target {MEMORY:.0f})")


def timed(command: Sequence[str]) -> float:
    """Seconds of the whole process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def further(submission: Path, count: int) -> float:
    """Median seconds of the second and later submissions of one run."""
    from autograder.grading import grade_many

    times = []
    last = time.perf_counter()
    for _ in grade_many([submission] * (count + 1)):
        now = time.perf_counter()
        times.append(now - last)
        last = now
    return statistics.median(times[1:])


def peak_mb(command: Sequence[str], every: float = 0.01) -> float:
    """Largest sum of proportional set sizes of a command and its descendants, in MB; `every`: seconds between looks."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(_pss_kb(pid) for pid in _family(process.pid)))
        time.sleep(every)
    return peak / 1024


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += _family(child)
    return found


def _pss_kb(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.environ.pop("PYTHONPATH", None)
    main()
