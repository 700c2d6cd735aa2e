#!/usr/bin/env python3
"""Kills processes of real gradings at random moments, and says what an honest submission lost by it: nothing.

    python tests/grader/box.py --write . python scripts/faults.py [RUNS] [--seed N]

Each run grades one right submission and sends one SIGKILL to the supervisor, the engine, the process that grades, the
zygote or a child (by a descriptor, never by a number), at a random moment after it came to be. Afterwards
results.json must be whole and valid, hold no lost point, and be complete unless the supervisor itself was killed; and
nothing of the grading may be alive. Exit status 1 when any run broke one of these.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.grader import box, processes  # noqa: E402
from tests.grader.honest_styles import ATTENTION, IMPORTS  # noqa: E402
from tests.grader.pace import patience  # noqa: E402

ROLES = ("supervisor", "engine", "grader", "zygote", "child", "nobody")
# How long each lives at most, as a part of a grading. Most of one is the import of torch: two of them live through it.
LIFE = {"supervisor": 1.1, "engine": 0.9, "zygote": 0.4, "grader": 0.08, "child": 0.15, "nobody": 0}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if not box.inside():
        parser.error("run it in the box, for it kills: python tests/grader/box.py --write . python scripts/faults.py")
    chance, told, broken = random.Random(given.seed), collections.Counter[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "hw6.py").write_text(IMPORTS + ATTENTION["plain"], encoding="utf-8")
        length = _timed(Path(folder))
        for number in range(given.runs):
            role = ROLES[number % len(ROLES)]
            wrong, hit = one(Path(folder), role, chance.uniform(0, LIFE[role] * length))
            told[f"{role}: {'killed' if hit else 'was not there'}"] += 1
            if wrong:
                broken += 1
                print(f"run {number}, {role}: {wrong}", flush=True)
            if number % 20 == 19:
                print(f"{number + 1} runs, {broken} broken; {dict(told)}", flush=True)
    print(f"{given.runs} runs, {broken} broken; {dict(told)}")
    return int(broken > 0)


def _timed(folder: Path) -> float:
    start = time.monotonic()
    wrong, _ = one(folder, "nobody", 0)
    assert not wrong, wrong
    return time.monotonic() - start


def one(folder: Path, role: str, moment: float) -> tuple[str, bool]:
    """One grading: (what was wrong with it afterwards, whether somebody was killed)."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "autograder", "grade", str(folder), "--out", out, "--only", "4a", "--quiet"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while not holder(process, role) and process.poll() is None:
            time.sleep(0.005)
        time.sleep(moment if role != "nobody" else 0)
        all_of_it, hit = processes.descendants(process.pid), strike(process, role)
        all_of_it += [pid for pid in processes.descendants(process.pid) if pid not in all_of_it]
        try:
            said = process.communicate(timeout=patience(60))[1].decode()
        except subprocess.TimeoutExpired:
            process.kill()
            return "it did not end", hit
        left = processes.still_there(all_of_it)
        file = Path(out) / "results.json"
        wrong = f"left alive: {left}" if left else judged(file, process.returncode, role if hit else "")
        return (f"{wrong}; {said[-300:]}" if wrong else ""), hit


def holder(process: subprocess.Popen[bytes], role: str) -> int:
    """The number of the process that has this role now; 0 when there is none."""
    if role in ("supervisor", "nobody"):
        return process.pid
    below = [pid for pid in processes.descendants(process.pid) if processes.parent(pid) == process.pid]
    engine = below[0] if below else 0  # the reader, if there is one, was started later
    inner = [pid for pid in processes.descendants(engine) if processes.parent(pid) == engine] if engine else []
    zygote, grader = processes.zygote(engine) if engine else 0, [*inner, 0, 0][1]
    children = processes.descendants(zygote) if zygote else []
    return {"engine": engine, "zygote": zygote, "grader": grader, "child": [*children, 0][0]}[role]


def strike(process: subprocess.Popen[bytes], role: str) -> bool:
    """Kills who has that role now; False when nobody has."""
    pid = holder(process, role)
    if role == "supervisor":
        process.kill()
    if role in ("supervisor", "nobody") or not pid:
        return role == "supervisor"
    try:
        processes.end(pid, below=process.pid)
    except (AssertionError, ProcessLookupError):  # ended in the meantime
        return False
    return True


def judged(path: Path, status: int, killed: str) -> str:
    """What is wrong with a result; "" when nothing is."""
    if not path.exists():
        return "" if killed == "supervisor" else "there is no result"
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        return f"the result is no JSON: {error}"
    lost = [
        (test["number"], test["output"]) for test in data["tests"] if test.get("score", 1) < test.get("max_score", 1)
    ]
    if lost:
        return f"points were lost: {lost}"
    if killed == "supervisor":
        return ""
    if not data["extra_data"]["complete"] or status != 0:
        return f"it is not complete (exit status {status}): {data['extra_data']['staff_notes']}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
