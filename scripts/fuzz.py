"""Feeds one reader of foreign bytes with changed inputs for as long as asked: `fuzz.py TARGET --minutes M`.

Why separate: the quick test of the same targets runs a few seconds; this runs for minutes or a night, by hand. Each
input is a valid one with random changes. A finding is an exception that is not documented, a crash, or an input that
takes longer than a second; each kind is shown once, and its input is written to the folder given by `--keep`.
"""

from __future__ import annotations

import argparse
import hashlib
import mmap
import os
import random
import resource
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BATCH = 500  # inputs for each forked process: it may crash, and what it leaks goes with it
MEMORY_MB = 2048  # beyond what is mapped already; the caps of every reader are far below


def main() -> int:
    """The number of kinds of findings, at most 1: an exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    sys.path.insert(0, str(ROOT))
    from tests.grader.fuzz_targets import TARGETS

    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"))
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    return fuzz(chosen.target, chosen.minutes, chosen.seed, chosen.keep)


def fuzz(name: str, minutes: float, seed: int, keep: Path) -> int:
    """Batches in forked processes until the time is up; 1 when there was a finding."""
    end = time.monotonic() + 60 * minutes
    found: dict[str, str] = {}
    tried, slowest, batch = 0, 0.0, 0
    while time.monotonic() < end:
        done, took, findings = _batch(name, f"{seed}:{batch}", end)
        tried, slowest, batch = tried + done, max(slowest, took), batch + 1
        for kind, data in findings:
            if kind not in found:
                found[kind] = _kept(keep, name, data)
                print(f"finding: {kind}\n  input: {found[kind]}", flush=True)
    print(f"{name}: {tried} inputs, slowest {slowest:.2f} s, {len(found)} kinds of findings", flush=True)
    return min(1, len(found))


def _batch(name: str, seed: str, end: float) -> tuple[int, float, list[tuple[str, bytes]]]:
    """(inputs tried, seconds of the slowest, findings). What the process was at when it died is in shared memory."""
    from tests.grader.fuzz_targets import MAX_INPUT

    shared = mmap.mmap(-1, 16 + MAX_INPUT)
    report, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(report)
        _child(name, seed, end, shared, write)
    os.close(write)
    with os.fdopen(report, "rb") as file:
        findings = [(kind.decode(), bytes.fromhex(data.decode())) for kind, data in map(bytes.split, file)]
    _, status = os.waitpid(pid, 0)
    number, length, micros = (int.from_bytes(shared[a:b], "little") for a, b in ((0, 4), (4, 8), (8, 16)))
    if status:
        ended = f"signal-{os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"status-{os.WEXITSTATUS(status)}"
        findings.append((ended, bytes(shared[16 : 16 + length])))
    return number, micros / 1e6, [(kind.replace("|", " "), data) for kind, data in findings]


def _child(name: str, seed: str, end: float, shared: mmap.mmap, write: int) -> None:
    from tests.grader.fuzz_targets import SECONDS, TARGETS, mutated

    status = 1
    try:
        resource.setrlimit(resource.RLIMIT_AS, (_mapped() + (MEMORY_MB << 20),) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        target, source, slowest = TARGETS[name], random.Random(seed), 0
        with os.fdopen(write, "w") as file:
            for number in range(1, BATCH + 1):
                if time.monotonic() > end:
                    break
                data = mutated(source, target)
                shared[0:8] = number.to_bytes(4, "little") + len(data).to_bytes(4, "little")
                shared[16 : 16 + len(data)] = data
                signal.setitimer(signal.ITIMER_REAL, 20 * SECONDS)  # a hang: the signal ends this process
                begun = time.process_time()
                try:
                    target.run(data)
                except Exception as error:
                    file.write(f"{_kind(error)} {data.hex()}\n")
                took = time.process_time() - begun
                if took > SECONDS:
                    file.write(f"slow|{10 ** len(str(int(took)))}s {data.hex()}\n")
                slowest = max(slowest, int(took * 1e6))
                shared[8:16] = slowest.to_bytes(8, "little")
            signal.setitimer(signal.ITIMER_REAL, 0)
        status = 0
    finally:
        os._exit(status)


def _kind(error: Exception) -> str:
    """The type and the last place of ours that it came through, in one word."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(str(ROOT))]
    last = frames[-1] if frames else traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}|{Path(last.filename).name}:{last.lineno}"


def _mapped() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 8 << 30


def _kept(keep: Path, name: str, data: bytes) -> str:
    keep.mkdir(parents=True, exist_ok=True)
    path = keep / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    return str(path)


if __name__ == "__main__":
    sys.exit(main())
