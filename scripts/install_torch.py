"""Puts torch (and torchvision, when it fits) into the virtual environment whose interpreter runs this script.

Why separate: the default torch wheels on x86 Linux bring about 5 GB of CUDA packages which grading never uses, so the
CPU wheel index is tried first; both the Makefile and setup.sh need that choice. Only the standard library may be
imported here, and a torch that already works is never replaced.

Set TORCH to choose for yourself, e.g. TORCH="torch==2.13.0" or TORCH="torch==2.13.0 torchvision==0.28.0".

    python scripts/install_torch.py                torch
    python scripts/install_torch.py ARGUMENTS      whatever else, as `pip install ARGUMENTS`

Either way, that no package index answers is said in one sentence, in place of pip's line for each of its tries.

Set UV to a uv (UV=$(command -v uv)) to have it unpack several packages at once: the 5 GB take it 25 s in place of 100.
It is told what pip is configured with, and what it cannot do is left to pip.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Sequence

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PATIENCE_SECONDS = 5.0  # a reachable index answers in well under one second; an unreachable one must not stall set-up
PAIR = ("torch", "torchvision")
ANOTHER = 'see pip\'s lines above. Try another: TORCH="torch==2.6.0"'
_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")

# How uv is told pip's settings, each of which may hold several words; with any other, pip does it.
_SETTINGS = {"index-url": "--default-index", "extra-index-url": "--index", "find-links": "--find-links",
             "constraint": "--constraint"}  # fmt: skip
_FOR_PIP_ALONE = ("config-file", "disable-pip-version-check", "default-timeout", "timeout", "retries", "cert",
                  "no-cache-dir", "root-user-action", "no-input", "progress-bar")  # fmt: skip

UNREACHED = 69  # in the place of pip's exit status: no index answered (EX_UNAVAILABLE of sysexits.h)
NO_NETWORK = (
    "no package index answers: this machine has no network, or needs its proxy (HTTPS_PROXY) or mirror (PIP_INDEX_URL) "
    "to be named. Then run the same again: what is installed already stays."
)
_NOTHING = "(from versions: none)"  # what pip says where it saw no index at all: a full disk may follow a try, too
# What pip says of each try.
_TRIES = re.compile(r"\s*WARNING: Retrying \(Retry\(")  # further in, where a build asks for what it needs

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
    """Run one command with its output shown, and return its exit status; UNREACHED where pip failed for its network.

    What it complains of comes at its end. Of its tries to connect the first is mentioned at once; where all are
    in vain, nothing else is, for pip then says of each package that there is none.
    """
    tried, complaints = False, list[str]()
    with subprocess.Popen(list(command), stderr=subprocess.PIPE, text=True, errors="replace") as process:
        for line in process.stderr or ():
            if not _TRIES.match(line):
                complaints.append(line)
            elif not tried:
                print("pip: no answer yet, trying again", file=sys.stderr, flush=True)
                tried = True
    if process.returncode and tried and any(_NOTHING in line for line in complaints):
        return UNREACHED
    print(*complaints, sep="", end="", file=sys.stderr, flush=True)
    return process.returncode


def imports(module: str, run: Run = execute) -> bool:
    """Whether `module` can be imported by this interpreter: tried in a process of its own."""
    probe = f"try:\n    import {module}\nexcept Exception:\n    raise SystemExit(1)"
    return run((sys.executable, "-W", "ignore", "-c", probe)) == 0


def by_uv(arguments: Sequence[str], run: Run = execute) -> int:
    """The exit status of the same by the uv that UV names; 1 where there is none, or where pip has to do it."""
    uv = os.environ.get("UV", "").strip()
    told = settings() if uv and os.path.isfile(uv) else None
    if told is None:
        return 1
    where = ("pip", "install", "--python", sys.executable, "--index-strategy", "unsafe-best-match")  # as pip chooses
    status = run((uv, *where, "--compile-bytecode", "--quiet", *told, *arguments))
    if status:
        print(f"uv could not: pip install {' '.join(arguments)}", flush=True)
    return status


def settings() -> tuple[str, ...] | None:
    """What pip is configured with, as uv's options; None where there is something that uv cannot be told."""
    asked = subprocess.run((*_PIP, "config", "list"), capture_output=True, text=True, check=False)
    told: list[str] = []
    for line in asked.stdout.splitlines():
        key, _, value = line.partition("=")
        scope, _, name = key.rpartition(".")
        if name in _SETTINGS and scope in ("global", "install", ":env:"):
            told += [word for each in value.strip("'\"").split() for word in (_SETTINGS[name], each)]
        elif name not in _FOR_PIP_ALONE:
            return None
    return None if asked.returncode else tuple(told)


def install(wanted: str, cpu_index: bool, run: Run = execute) -> str:
    """Try the attempts in order until torch can be imported: "" then, else why it cannot.

    A torchvision that does not fit its torch is removed. An index that cannot be reached is not asked again.
    """
    loudness = () if sys.stdout.isatty() else ("--quiet",)  # a progress bar for people, none in a log
    for arguments in attempts(wanted, cpu_index):
        print(f"torch: pip install {' '.join(arguments)}", flush=True)
        status = by_uv(arguments, run) and run((*_PIP, "install", *loudness, *arguments))
        if status == 0 and imports("torch", run):
            break
        if status == UNREACHED and "--index-url" not in arguments:
            return NO_NETWORK
    else:
        return ANOTHER
    if "torchvision" in " ".join(arguments) and not imports("torchvision", run):
        print("torch: this torchvision does not fit this torch, and is removed (grading does not need it)", flush=True)
        run((*_PIP, "uninstall", "--quiet", "--yes", "torchvision"))
    return ""


def main(named: Sequence[str] = ()) -> int:
    """Exit status 0: torch can be imported, or what was named is installed. 1: not so, and the last line says why."""
    if named:
        status = by_uv(named) and execute((*_PIP, "install", "--quiet", *named))
        if status == UNREACHED:
            print(f"{named[-1]} could not be installed: {NO_NETWORK}", file=sys.stderr)
        return 1 if status else 0
    if imports("torch"):
        print("torch: already installed, left as it is (make clean, then TORCH=..., to choose another)", flush=True)
        return 0
    wanted = os.environ.get("TORCH", "").strip()
    cpu_index = not wanted and index_answers(CPU_INDEX, PATIENCE_SECONDS)
    if not wanted and not cpu_index:
        print(
            f"torch: {CPU_INDEX} does not answer, so pip's default wheels are taken (up to 5 GB on Linux)", flush=True
        )
    if not (why := install(wanted, cpu_index)):
        return 0
    print(f"torch could not be installed: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
