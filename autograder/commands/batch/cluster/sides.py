"""What decides about a result on one machine, so that two can be compared before the one grades for the other.

Why separate: it is asked in a process of its own on either side, which reads what lies on the disk now. A worker that
was started yesterday holds yesterday's modules. It also tries, once, what student code can reach there.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from autograder import __version__
from autograder.commands.batch import record, touched
from autograder.core import isolation, mnist, policy
from autograder.core.errors import UsageError
from autograder.core.events import Fault, Ready, Refused
from autograder.grading import Options, setup_of
from autograder.grading.supervisor import ROOT, Engine

# Seconds that an engine may take to import torch and to try its walls: 3 here; a cold shared disk takes a minute.
START_SECONDS = 180.0

VARIABLES = (policy.VARIABLE, mnist.VARIABLE)
PROBLEM, ISOLATION = "problem", "isolation"  # of a `Side`: what is not compared
_FILES = ("the grader's own code", "hidden tests", "policy", "course secret", "MNIST's images")  # told by their hash

# A student's program that can open a socket on a worker can command the scheduler, which runs anything for anybody.
NEEDED = "network"

Side = dict[str, str]

_START = "import sys; sys.path.insert(0, sys.argv[1]); from autograder.commands.batch.cluster.sides import main; main()"


def environment() -> dict[str, str]:
    """The variables that choose policy and images here; empty where one is not set."""
    return {name: os.environ.get(name, "") for name in VARIABLES}


def with_variables(chosen: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with those variables as they are over there."""
    kept = {name: value for name, value in os.environ.items() if name not in chosen}
    return kept | {name: value for name, value in chosen.items() if value}


def ask(options: bytes, chosen: Mapping[str, str]) -> Side:
    """This machine's side, found out by a process of its own. Never raises: what is wrong stands under PROBLEM."""
    command = [sys.executable, "-X", "utf8", "-c", _START, str(ROOT)]
    try:
        done = subprocess.run(
            command,
            input=options,
            capture_output=True,
            env=with_variables(chosen),
            timeout=2 * START_SECONDS,
            check=False,
        )
        return msgspec.json.decode(done.stdout, type=Side)
    except msgspec.MsgspecError:
        *_, last = [b"it says nothing", *done.stderr.strip().splitlines()]
        return {PROBLEM: f"the grader does not start there: {last.decode('utf-8', 'replace')}"}
    except (OSError, subprocess.SubprocessError) as error:
        return {PROBLEM: f"the grader does not start there: {error}"}


def main() -> None:
    """Prints the side of this machine for the options on standard input."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not break the answer
    answers.write(msgspec.json.encode(_here(record.options_decoder.decode(sys.stdin.buffer.read()))))
    answers.flush()


def _here(options: Options) -> Side:
    try:
        setup = setup_of(options)
        if not any(Path(setup.tests[0]).rglob("test_*.py")):
            raise UsageError(f"there are no tests in {setup.tests[0]}")
        code = [ROOT / "autograder", ROOT / "reference"]
        hashes = [
            _hash(code),
            _hash([Path(setup.tests[0])]),
            _digest([_policy()]),
            _digest([setup.secret.encode()]),
            _images(),
        ]
    except (OSError, UsageError, LookupError) as error:
        return {PROBLEM: str(error)}
    side = {"autograder": __version__, "Python": platform.python_version()}
    side |= {name: importlib.metadata.version(name) for name in ("torch", "numpy", "einops", "pytest")}
    return side | dict(zip(_FILES, hashes, strict=True)) | _tried(options)


def _tried(options: Options) -> Side:
    said = "the engine ended"
    with Engine.start() as engine:
        engine.send(setup_of(options))
        for event in engine.events(time.monotonic() + START_SECONDS):
            if isinstance(event, (Ready, Refused)):
                return {ISOLATION: event.isolation.line}
            if isinstance(event, Fault):
                said = event.text
    return {PROBLEM: f"the grading engine does not start there: {said}"}


def _policy() -> bytes:
    return Path(os.environ.get(policy.VARIABLE, policy.FILE)).read_bytes()


def _images() -> str:
    """The hash of the images that weights are measured on; "bundled digits" where there are none but ours."""
    try:
        return _digest(path.read_bytes() for path in mnist.find(Path(os.environ.get(mnist.VARIABLE, mnist.FETCHED))))
    except LookupError:
        if mnist.VARIABLE in os.environ:
            raise
        return "bundled digits"


def _hash(tops: Iterable[Path]) -> str:
    found = [(path.relative_to(top).as_posix(), path) for top in tops for path in touched.sources(top)]
    return _digest(part for name, path in found for part in (name.encode(), path.read_bytes()))


def _digest(parts: Iterable[bytes]) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "little"))
        total.update(part)
    return total.hexdigest()[:16]


def unfit(ours: Side, theirs: Side) -> str:
    """Why the other side must not grade for this one, in half a sentence; empty when it may."""
    if problem := theirs.get(PROBLEM):
        return problem
    held = theirs[ISOLATION]
    if not held.startswith(isolation.WEAK) and (weak := isolation.weaknesses(held)):  # marked: it is allowed to be weak
        return f"student code could {'; '.join(weak)} there (`doctor` on that machine shows it)"
    if NEEDED not in held.removeprefix(isolation.WEAK).split("+"):
        return "student code could open a socket there, and command the scheduler (`doctor` on that machine shows it)"
    words = [
        _differs(name, ours.get(name, ""), theirs.get(name, "")) for name in ours if name not in (PROBLEM, ISOLATION)
    ]
    return "; ".join(filter(None, words))


def _differs(name: str, ours: str, theirs: str) -> str:
    if ours == theirs:
        return ""
    return f"{name}: not the same there" if name in _FILES else f"{name}: {theirs or 'none'} there, {ours} here"
