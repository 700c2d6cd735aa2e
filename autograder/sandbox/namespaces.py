"""The zygote's own process tree, network, System V objects and /proc, where the kernel lets us have them (Linux).

Why separate: it is done once, before anything of the room is there, and it is the one layer that another process must
stay behind for. A child in there has no number for any process of ours, not even a wrong one; and when the zygote dies,
the kernel ends every process below it, whatever that has started. Root needs CAP_SYS_ADMIN for it (a container rarely
has it), an ordinary user a kernel that gives user namespaces away; where it is refused, all else is as before.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import sys

from autograder.sandbox import lockdown

# From the kernel's sched.h and mount.h.
NEWNS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x2_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000
NOSUID, NODEV, NOEXEC, RECURSIVE, PRIVATE = 2, 4, 8, 0x4000, 1 << 18
SYS_ADMIN = 1 << 21  # among the capabilities
CAPABILITY_VERSION = 0x2008_0522  # the third: two words for each set

# What the inner process says to the engine when everything is in force.
INSIDE = b"\x01"

_libc = ctypes.CDLL(None, use_errno=True)


def enter(control: socket.socket) -> bool:
    """Goes on as the first process of new namespaces and says so on `control`; False where that is refused.

    The process that called it stays outside until the inner one has ended, and then ends likewise: it never returns.
    After a refusal this process may be halfway: it must end, and another one go on without.
    """
    ids = os.getuid(), os.getgid()
    try:
        _call(_libc.unshare(NEWNS | NEWIPC | NEWPID | NEWNET | (NEWUSER if ids[0] else 0)))
        if ids[0]:
            _map(*ids)
        inner = os.fork()
    except OSError:
        return False
    if inner:
        control.close()
        _wait_outside(inner)
    lockdown.prctl(lockdown.PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        _call(_libc.mount(b"none", b"/", None, RECURSIVE | PRIVATE, None))
        _call(_libc.mount(b"proc", b"/proc", b"proc", NOSUID | NODEV | NOEXEC, None))
        if ids[0]:
            _give_up_capabilities()
    except OSError:
        return False
    with contextlib.suppress(OSError):
        control.send(INSIDE)
    return True


def entered(control: socket.socket) -> bool:
    """The engine's side: waits until the other one is inside, or is gone. Raises TimeoutError when neither happens."""
    return control.recv(1, socket.MSG_PEEK) == INSIDE and bool(control.recv(1))


def possible() -> bool:
    """Whether it is worth trying: a try that is refused costs a fork of all of torch."""
    if not sys.platform.startswith("linux"):
        return False
    if os.getuid() != 0:
        return not closed_to_users()
    return bool((lockdown.capabilities() or 0) & SYS_ADMIN)


def closed_to_users() -> bool:
    """Whether this kernel gives ordinary users no user namespaces at all. What else may refuse them shows by trying."""
    for switch in ("user/max_user_namespaces", "kernel/unprivileged_userns_clone"):
        with contextlib.suppress(OSError), open(f"/proc/sys/{switch}", encoding="ascii") as file:
            if file.read().strip() == "0":
                return True
    return False


def _call(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), "refused")


def _map(uid: int, gid: int) -> None:
    """In a user namespace everybody keeps the numbers that they have outside."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def _give_up_capabilities() -> None:
    """An ordinary user has all of them inside, and so would its children."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    _call(_libc.capset(ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)())))


def _wait_outside(inner: int) -> None:
    """Ends as the inner process did. Never returns."""
    lockdown.prctl(lockdown.PR_SET_DUMPABLE, 0)
    os.closerange(0, 1024)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the inner one ends when the engine hangs up
    with contextlib.suppress(ChildProcessError):
        os.waitpid(inner, 0)
    os._exit(0)
