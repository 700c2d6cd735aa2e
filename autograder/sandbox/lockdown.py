"""What a child gives up before the student's code runs: descriptors, resources, identity, the file system.

Each layer is one small function and reports whether it held. Order matters: descriptors and scratch folder while still
privileged, identity next, then what can never be undone (no_new_privs, Landlock, seccomp, which is last because it
denies what the others need).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import socket
import sys

from autograder.core import own_limits
from autograder.core.records import Limits
from autograder.sandbox import devices, landlock, seccomp

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER = 1, 4, 38, 36
SIGKILL = 9

# Children share the group of the user that setup.sh makes, and each has a uid of its own: two that live at the same
# time (the one at work and the spare for the next test) must not be able to signal or trace each other.
STUDENT_USER = "student"
# 60706 to 61183 are given out by no distribution and no part of systemd (its UIDS-GIDS document).
FIRST_UID, UIDS = 60_706, 256

# What root needs to give a child another uid (SETGID, SETUID), a folder of its own (CHOWN) and an end (KILL), and to
# clean up after it (DAC_OVERRIDE). Docker leaves root all of them; `--cap-drop ALL` and some clusters none.
OTHER_USER = sum(1 << number for number in (0, 1, 5, 6, 7))

# The engine and the zygote open a dozen. The limit itself may be "none" (macOS), which is no number to count to.
MOST_DESCRIPTORS = 65_536


def prctl(option: int, value: int) -> bool:
    """One prctl call; False where the system has none (macOS) or refuses."""
    if not sys.platform.startswith("linux"):
        return False
    return bool(_libc.prctl(option, value, 0, 0, 0) == 0)


_libc = ctypes.CDLL(None, use_errno=True)


def capabilities() -> int | None:
    """The capabilities in effect, a bit each; None where the system has none, or does not tell."""
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="ascii", errors="replace") as status:
        return next((int(line.split()[1], 16) for line in status if line.startswith("CapEff:")), None)
    return None


def student_ids(child: int) -> tuple[int, int] | None:
    """(uid, gid) for the n-th child; None when we are not root, or root that may not do all that it takes."""
    held = capabilities()
    if os.getuid() != 0 or (held is not None and held & OTHER_USER != OTHER_USER):
        return None
    import grp

    try:
        gid = grp.getgrnam(STUDENT_USER).gr_gid
    except KeyError:
        gid = FIRST_UID
    return FIRST_UID + child % UIDS, gid


def lock_down(
    connection: socket.socket,
    output: int,
    scratch: str,
    limits: Limits,
    readable: list[str],
    ids: tuple[int, int] | None,
    calls: bytes,
) -> socket.socket:
    """Applies every layer to this process; returns the connection under its new number. `calls`: seccomp's filter."""
    opened = devices.files() if limits.device == "cuda" else ()
    prctl(PR_SET_PDEATHSIG, SIGKILL)
    os.setsid()
    offer_for_sacrifice()
    connection = keep_only(
        connection, output, [int(p.rsplit("/", 1)[1]) for p in readable if p.startswith("/proc/self/fd/")]
    )
    if ids:
        os.chown(scratch, *ids)
    os.chdir(scratch)
    limit_resources(limits, alone=ids is not None)
    if ids:
        drop_identity(*ids)
        prctl(PR_SET_PDEATHSIG, SIGKILL)  # the kernel forgets it when the ids change (prctl(2))
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    more = [*devices.READ, *devices.libraries(os.environ)] if opened else []
    landlock.restrict([*readable, *more], [scratch], opened, [os.devnull, *(devices.REWRITE if opened else ())])
    os.environ.update(HOME=scratch, TMPDIR=scratch, TORCHINDUCTOR_CACHE_DIR=scratch)  # torch's checkpointing makes one
    seccomp.install(calls)
    return connection


def offer_for_sacrifice() -> None:
    """When memory runs out, the kernel is to take this process, not the grader."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def keep_only(connection: socket.socket, output: int, kept: list[int]) -> socket.socket:
    """Descriptor 0 is empty, 1 and 2 go to `output`, the connection moves to 3; all else but `kept` is closed."""
    null = os.open(os.devnull, os.O_RDONLY)
    number = os.dup(connection.detach())
    out = os.dup(output)
    for source, target in ((null, 0), (out, 1), (out, 2), (number, 3)):
        os.dup2(source, target, inheritable=True)
    low = 4
    for fd in [*sorted(kept), min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], MOST_DESCRIPTORS)]:
        os.closerange(low, fd)
        low = fd + 1
    # fresh streams: what the engine had buffered is not the student's, and each line must be out before a kill
    sys.stdin = open(0, closefd=False)
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
    return socket.socket(fileno=3)


def limit_resources(given: Limits, *, alone: bool) -> None:
    """rlimits: address space beyond what torch already maps, CPU time, files, processes, core dumps.

    `alone`: the process is to be of a user that has no other one.
    """
    room = own_limits.address_space(unknown=8 << 30) + (given.memory_mb << 20)
    limits = {
        resource.RLIMIT_CORE: 0,
        # the wall clock comes first; this one needs nobody's help, and the zygote cannot tell who will train
        resource.RLIMIT_CPU: int(max(given.seconds, given.training_seconds)) + 2,
        # `quota` counts what has a name. What is open without one is these two multiplied: 4 GB at most, until it ends.
        resource.RLIMIT_FSIZE: given.scratch_mb << 18,  # a quarter of what all its files may hold
        resource.RLIMIT_NOFILE: 256,  # removing a deep folder takes one for each level, CUDA takes some dozen
        resource.RLIMIT_STACK: 64 << 20,
    }
    if sys.platform.startswith("linux"):
        if given.device == "cpu":  # CUDA reserves address space for all memory of the machine and of the GPU
            limits[resource.RLIMIT_AS] = room
        if alone:  # counted per user: our own processes would count too
            limits[resource.RLIMIT_NPROC] = 64
    for which, value in limits.items():
        own_limits.lower(which, value)


def limit_memory(megabytes: int) -> None:
    """Address space of this process beyond what it maps already, where the system counts it (Linux). The soft limit."""
    if sys.platform.startswith("linux"):
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        value = own_limits.address_space(unknown=8 << 30) + (megabytes << 20)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(resource.RLIMIT_AS, (value, hard))


def drop_identity(uid: int, gid: int) -> None:
    """Real, effective and saved ids all change, and no supplementary group stays."""
    os.setgroups([])
    if hasattr(os, "setresuid"):
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    else:  # macOS: as root, these two change all three
        os.setgid(gid)
        os.setuid(uid)
