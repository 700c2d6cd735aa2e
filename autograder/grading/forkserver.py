"""Engines from a fork server: who has one started, and who may take an engine from it.

A class's lanes share one (`shared`): torch is imported once, and its memory is there once. Whoever finds VARIABLE in
the environment takes an engine from there, but only where that one stands as one that we start ourselves would: same
code, policy, user, limits, namespaces. Anywhere else, and when nobody serves any more, it starts its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from autograder.core import policy
from autograder.grading.process import Forked
from autograder.sandbox import scratch

# The folder that holds the socket of a fork server, and what its engines stand on.
VARIABLE = "AUTOGRADER_FORKSERVER"
SOCKET, STANDING = "engines", "standing"

# A request waits in the queue of the socket while the server imports torch.
QUEUE = 1024

# What of the environment is read while Python starts or torch is imported.
_READ_AT_START = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
# What of /proc/self a process hands down, beside its environment: identity and rights, limits, what it sees and where.
_HANDED_DOWN = ("limits", "cgroup", "oom_score_adj")
_OF_STATUS = ("Uid", "Gid", "Groups", "Cap", "NoNewPrivs", "Seccomp:", "Cpus_allowed:")

# Nothing is imported for nobody: a request comes first, or the end of standard input.
_START = (
    "import select, sys; select.select([0, int(sys.argv[2])], [], []); sys.path.insert(0, sys.argv[1]);"
    " from autograder.engine.forkserver import main; main(int(sys.argv[2]), int(sys.argv[3]))"
)


def engine(root: Path, start: str, environment: Mapping[str, str], limits: str = "") -> Forked | None:
    """An engine of the server at hand, if there is one and it would be as ours; `environment` is the engine's own.

    `root`: where the code is; `start`: the line that starts an engine of our own; `limits`: see `engine.main`.
    """
    folder = os.environ.get(VARIABLE, "")
    try:
        if folder and Path(folder, STANDING).read_text(encoding="utf-8") == _standing(root, start):
            return Forked(os.path.join(folder, SOCKET), environment, limits)
    except (OSError, ValueError):
        pass
    return None


@contextlib.contextmanager
def shared(lanes: int, root: Path, start: str, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """What so many lanes find in their environment beside ours; the server that it names ends afterwards.

    Nothing for a single lane, where a server at hand will do, or where there can be none (macOS).
    """
    with contextlib.ExitStack() as last:
        found = {}
        if lanes > 1 and possible() and not _served(root, start):
            with contextlib.suppress(OSError):  # TMPDIR's path is too long for a socket, or there is no /proc
                found = {VARIABLE: _serving(last, root, start, environment)}
        yield found


def _serving(last: contextlib.ExitStack, root: Path, start: str, environment: Mapping[str, str]) -> str:
    """Starts a server that `last` ends; its folder."""
    folder = tempfile.mkdtemp(prefix="autograder-")  # ours alone: mode 0700
    last.callback(scratch.remove, folder)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:  # only the server keeps it
        listener.bind(os.path.join(folder, SOCKET))
        listener.listen(QUEUE)
        Path(folder, STANDING).write_text(_standing(root, start), encoding="utf-8")
        process = _start(listener, root, environment)
    last.callback(process.communicate)
    last.callback(process.kill)  # of a child not waited for yet, so the number is its own
    return folder


def possible() -> bool:
    """Whether this system has what it takes: sockets that keep messages apart, and descriptors of processes."""
    return sys.platform.startswith("linux") and hasattr(os, "pidfd_open")


def _served(root: Path, start: str) -> bool:
    try:
        return Path(os.environ[VARIABLE], STANDING).read_text(encoding="utf-8") == _standing(root, start)
    except (OSError, ValueError, KeyError):
        return False


def _start(listener: socket.socket, root: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    flags = ["-I", "-B"] if sys.dont_write_bytecode else ["-I"]
    main_thread = threading.current_thread() is threading.main_thread()
    numbers = (str(listener.fileno()), str(os.getpid() if main_thread else 0))
    return subprocess.Popen(
        [sys.executable, *flags, "-c", _START, str(root), *numbers],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=environment,
        pass_fds=[listener.fileno()],
        start_new_session=True,
    )


def _standing(root: Path, start: str) -> str:
    """What an engine stands on that this process starts. Raises OSError where the system does not tell."""
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    spaces = sorted(Path("/proc/self/ns").iterdir())
    used = Path(os.environ.get(policy.VARIABLE) or policy.FILE)
    told = [
        sys.executable,
        str(root),
        start,
        str(sys.dont_write_bytecode),
        *(f"{name}={os.environ.get(name)}" for name in _READ_AT_START),
        hashlib.sha256(used.read_bytes()).hexdigest(),
        *(line for line in status if line.startswith(_OF_STATUS)),
        *(f"{path.name} {os.readlink(path)}" for path in spaces),
        *(Path("/proc/self", name).read_text(encoding="utf-8", errors="replace") for name in _HANDED_DOWN),
        os.readlink("/proc/self/root"),
        str(os.nice(0)),
    ]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()
