"""A made-up class through `batch`: time, rate, and peak memory of all processes, for several numbers of lanes.

    python benchmarks/class_speed.py [-n 200] [--jobs 1 2] [--only 4a] [--without 4c.3] [--among FOLDER] [--keep OUT]

Submissions are drawn with a seed from the styles and mistakes of the tests: three quarters right, in all their styles;
the rest with one mistake, unfilled, or broken. Nothing hostile is made: it comes from `--among`, and then the whole
command belongs in a box. What the others get must not depend on it: `--keep` leaves the results for a comparison.
Memory is the sum over all processes of their proportional set size, sampled twice a second; as root, or it is not all.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.speed import peak_mb, timed  # noqa: E402
from tests.grader import attention_styles, encoder_styles, honest_styles, training_styles  # noqa: E402

ANSWERS = ROOT / "examples" / "class" / "ada_complete"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("-n", type=int, default=200, help="submissions")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2], help="lanes, one run for each number")
    parser.add_argument("--only", default="", help="grade only this question")
    parser.add_argument("--without", default="", help="leave this question or test out")
    parser.add_argument("--among", type=Path, help="a folder of submissions that are mixed in")
    parser.add_argument("--keep", type=Path, help="where the last run's results are left")
    given = parser.parse_args()
    importing = min(timed([sys.executable, "-c", "import torch"]) for _ in range(3))
    print(f"import torch {importing:.2f} s; {given.n} submissions")
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        make(top / "class", given.n, random.Random(1))
        if given.among:
            shutil.copytree(given.among, top / "class", symlinks=True, dirs_exist_ok=True)
        count = len(list((top / "class").iterdir()))
        for jobs in given.jobs:
            out = top / f"out-{jobs}"
            command = [sys.executable, "-m", "autograder", "batch", str(top / "class"), "--out", str(out), "--quiet"]
            command += ["--jobs", str(jobs), *(["--only", given.only] if given.only else [])]
            command += ["--without", given.without] if given.without else []
            report(command, jobs, count, importing)
            if given.keep and jobs == given.jobs[-1]:
                shutil.copytree(out, given.keep)
            shutil.rmtree(out)


def report(command: Sequence[str], jobs: int, count: int, importing: float) -> None:
    start = time.perf_counter()
    peak = peak_mb(command, every=0.5)  # looking costs milliseconds of a core
    seconds = time.perf_counter() - start
    each = seconds / count
    print(
        f"{jobs} lane{'s' if jobs > 1 else ' '}  {seconds:7.1f} s  {count / seconds:5.2f} /s  {each:.3f} s each"
        f"  {each / importing:.2f} x import torch  {peak:6.0f} MB",
        flush=True,
    )


def make(top: Path, count: int, draw: random.Random) -> None:
    """`count` submissions below `top`, each a folder with a script, answers and a history."""
    heads = list((honest_styles.ATTENTION | attention_styles.ATTENTIONS).values())
    layers = list((honest_styles.LAYERS | encoder_styles.ENCODERS).values())
    wrong = list(training_styles.TRAINS.values())
    for number in range(count):
        kind = draw.random()
        head, layer = draw.choice(heads), draw.choice(layers)
        if kind > 0.95:
            head, layer = draw.choice([("class SingleHeadAttention(:", layer), ("", layer), (head, "")])
        elif kind > 0.75:
            head, layer = draw.choice(wrong)
        folder = top / f"submission_{number:05d}"
        folder.mkdir(parents=True)
        (folder / "hw6.py").write_text(honest_styles.IMPORTS + head + layer, encoding="utf-8")
        for name in ("answers.toml", "history.json"):
            if draw.random() > 0.1:
                shutil.copy(ANSWERS / name, folder)


if __name__ == "__main__":
    main()
