"""Engines for commands of another checkout, or of another policy: one import of torch for all of them.

Why separate: the server that all tests take engines from has this checkout's code and policy, and serves nobody else.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from autograder.grading import forkserver

_SERVE = (
    "import sys; from autograder.grading.supervisor import shared\n"
    f"with shared(2) as there:\n    print(there.get({forkserver.VARIABLE!r}, ''), flush=True); sys.stdin.read()"
)


@contextlib.contextmanager
def served(root: Path, **variables: str) -> Iterator[dict[str, str]]:
    """What the commands of the checkout at `root` find in their environment, to take their engines from one server.

    `variables`: what else is in their environment.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", forkserver.VARIABLE)}
    with subprocess.Popen([sys.executable, "-c", _SERVE], cwd=root, env=environment | variables, text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:  # fmt: skip
        assert server.stdin is not None and server.stdout is not None
        place = server.stdout.readline().strip()
        try:
            yield {forkserver.VARIABLE: place} if place else {}
        finally:
            server.stdin.close()
