"""Puts torch (and torchvision, when it fits) into the virtual environment whose interpreter runs this script.

Why separate: the default torch wheels on x86 Linux bring about 5 GB of CUDA packages which grading never uses, so the
CPU wheel index is tried first; both the Makefile and setup.sh need that choice. Only the standard library may be
imported here, and a torch that already works is never replaced.

Set TORCH to choose for yourself, e.g. TORCH="torch==2.13.0" or TORCH="torch==2.13.0 torchvision==0.28.0".
"""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Sequence

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PATIENCE_SECONDS = 5.0  # a reachable index answers in well under one second; an unreachable one must not stall set-up
PAIR = ("torch", "torchvision")

Run = Callable[[Sequence[str]], int]


def index_answers(url: str, seconds: float) -> bool:
    """Whether the wheel index can be reached from here, asked within `seconds`."""
    try:
        request = urllib.request.Request(url + "/torch/", method="HEAD")
        with urllib.request.urlopen(request, timeout=seconds) as reply:
            return 200 <= int(reply.status) < 400
    except (OSError, ValueError):  # URLError is an OSError; ValueError: no address
        return False


def attempts(wanted: str, cpu_index: bool) -> tuple[tuple[str, ...], ...]:
    """pip's arguments to try, in order. torchvision is optional: only full training downloads MNIST through it."""
    if wanted:
        return (tuple(wanted.split()),)
    plain = (PAIR, PAIR[:1])
    from_index = tuple((*names, "--index-url", CPU_INDEX) for names in plain)
    return (*from_index, *plain) if cpu_index else plain


def execute(command: Sequence[str]) -> int:
    """Run one command with its output shown, and return its exit status."""
    return subprocess.run(list(command), check=False).returncode


def imports(module: str, run: Run = execute) -> bool:
    """Whether `module` can be imported by this interpreter: tried in a process of its own."""
    probe = f"try:\n    import {module}\nexcept Exception:\n    raise SystemExit(1)"
    return run((sys.executable, "-W", "ignore", "-c", probe)) == 0


def install(wanted: str, cpu_index: bool, run: Run = execute) -> bool:
    """Try the attempts in order until torch can be imported. A torchvision that does not fit its torch is removed."""
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    loudness = () if sys.stdout.isatty() else ("--quiet",)  # a progress bar for people, none in a log
    for arguments in attempts(wanted, cpu_index):
        print(f"torch: pip install {' '.join(arguments)}", flush=True)
        if run((*pip, "install", *loudness, *arguments)) == 0 and imports("torch", run):
            break
    else:
        return False
    if "torchvision" in " ".join(arguments) and not imports("torchvision", run):
        print("torch: this torchvision does not fit this torch, and is removed (grading does not need it)", flush=True)
        run((*pip, "uninstall", "--quiet", "--yes", "torchvision"))
    return True


def main() -> int:
    """Exit status 0: torch can be imported. 1: it cannot, and the lines above say why."""
    if imports("torch"):
        print("torch: already installed, left as it is (make clean, then TORCH=..., to choose another)", flush=True)
        return 0
    wanted = os.environ.get("TORCH", "").strip()
    cpu_index = not wanted and index_answers(CPU_INDEX, PATIENCE_SECONDS)
    if not wanted and not cpu_index:
        print(
            f"torch: {CPU_INDEX} does not answer, so pip's default wheels are taken (up to 5 GB on Linux)", flush=True
        )
    if install(wanted, cpu_index):
        return 0
    print('torch could not be installed: see pip\'s lines above. Try another: TORCH="torch==2.6.0"', file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
