"""seccomp: system calls that student code has no business with fail with EPERM, for this process and its threads.

What Landlock and another user do not close: UDP and UNIX sockets, new processes, shared memory that outlives a child,
the kernel interfaces with the longest list of past holes. libseccomp writes the filter once, in the zygote; a child
installs the finished program by one prctl, since building it there would cost each test 2 ms.

Denied with an error, not a kill: honest code that asks (a library that looks for a network at import) copes.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import sys
import tempfile

from autograder.sandbox.denied_calls import DENIED

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_CLONE_THREAD = 0x10000
_TIOCSTI = 0x5412  # types characters into a terminal
_FIOSETOWN, _SIOCSPGRP, _F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 0x8901, 0x8902, 8, 10, 15  # who gets a file's signals
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
# CUDA does not start without a UNIX socket (SOCK_SEQPACKET) to listen at. Nobody is accepted there, and nothing sent.
_OF_A_GPU = ("socket", "bind", "listen")
_INSTRUCTION = struct.Struct("<HBBI")  # struct sock_filter: code, jump if true, jump if false, constant

# Stands for the child's own pid, which nobody knows when the filter is written: above every pid (kernel: 2**22), and
# no constant that libseccomp would write by itself.
_OWN_PID = 0x5EED_1D1D


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def prepared(device: str = "cpu") -> bytes:
    """The filter as BPF instructions, for a child that computes on `device`; empty without libseccomp (or Linux)."""
    if not sys.platform.startswith("linux"):
        return b""
    try:
        return _written(device)
    except Exception:  # no library, an old one, an architecture it does not know: the layer is absent, and reported so
        return b""


def install(program: bytes) -> bool:
    """Puts the filter in force, for good. no_new_privs must be set. True when it is."""
    if not program:
        return False
    own = b"".join(
        _INSTRUCTION.pack(code, yes, no, os.getpid() if constant == _OWN_PID else constant)
        for code, yes, no, constant in _INSTRUCTION.iter_unpack(program)
    )
    held = ctypes.create_string_buffer(own, len(own))
    handed = _Program(len(own) // _INSTRUCTION.size, ctypes.cast(held, ctypes.c_void_p).value)
    return bool(_libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(handed), 0, 0) == 0)


def _written(device: str) -> bytes:
    import pyseccomp as library

    refused, absent = library.ERRNO(errno.EPERM), library.ERRNO(errno.ENOSYS)
    calls = library.SyscallFilter(library.ALLOW)  # another architecture's calls (x32, 32 bit) kill: its own default
    for name in DENIED:
        if _known(library, name) and not (device != "cpu" and name in _OF_A_GPU):
            calls.add_rule(refused, name)
    if device != "cpu":
        calls.add_rule(refused, "socket", library.Arg(0, library.NE, socket.AF_UNIX))
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_RDM):  # all others
            calls.add_rule(refused, "socket", library.Arg(1, library.MASKED_EQ, 0xF, kind))
    if _known(library, "mkdir"):  # then it is what the C library uses, and this one is for going step by step
        calls.add_rule(refused, "mkdirat")
    # threads are clone with a flag that can be looked at; clone3 keeps its flags in memory, and without it the C
    # library falls back to clone
    calls.add_rule(refused, "clone", library.Arg(0, library.MASKED_EQ, _CLONE_THREAD, 0))
    calls.add_rule(absent, "clone3")
    calls.add_rule(refused, "tgkill", library.Arg(0, library.NE, _OWN_PID))  # abort() signals itself
    calls.add_rule(refused, "ioctl", library.Arg(1, library.MASKED_EQ, 0xFFFF_FFFF, _TIOCSTI))
    # of itself alone (0): a neighbour of the same uid could be choked, or sent signals, by these
    for name in ("prlimit64", "sched_setaffinity"):
        calls.add_rule(refused, name, library.Arg(0, library.NE, 0))
    for request in (_FIOSETOWN, _SIOCSPGRP):
        calls.add_rule(refused, "ioctl", library.Arg(1, library.MASKED_EQ, 0xFFFF_FFFF, request))
    for command in (_F_SETOWN, _F_SETSIG, _F_SETOWN_EX):
        calls.add_rule(refused, "fcntl", library.Arg(1, library.MASKED_EQ, 0xFFFF_FFFF, command))
    for option in (_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE):
        calls.add_rule(refused, "prctl", library.Arg(0, library.MASKED_EQ, 0xFFFF_FFFF, option))
    with tempfile.TemporaryFile() as file:
        calls.export_bpf(file)
        file.seek(0)
        return file.read()


def _known(library: object, name: str) -> bool:
    """Whether this machine has the call and this libseccomp knows it."""
    try:
        return int(library.resolve_syscall(library.Arch.NATIVE, name)) >= 0  # type: ignore[attr-defined]
    except Exception:
        return False


_libc = ctypes.CDLL(None, use_errno=True)
