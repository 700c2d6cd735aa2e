"""Landlock: an allow-list of files for this process and all that it starts. Linux 5.13 and later, no privilege needed.

Source: the kernel's Documentation/userspace-api/landlock.rst. Any error means "absent": the caller is told, and the
other layers stand alone.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_ALL_V1 = (1 << 13) - 1
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15  # ABI 2, 3, 5
_NET_ALL = 3  # ABI 4: bind and connect over TCP
_SCOPE_ALL = 3  # ABI 6: abstract UNIX sockets and signals to processes outside
_READ = _READ_FILE | _READ_DIR | _EXECUTE
# Files and folders, and nothing else: no program, link, device, pipe or socket is made there.
_SCRATCH = _WRITE_FILE | _READ_FILE | _READ_DIR | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | _REFER | _TRUNCATE
_DEVICE = _WRITE_FILE | _READ_FILE | _IOCTL_DEV
_FILE_ONLY = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def abi() -> int:
    """The kernel's Landlock version; 0 where there is none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, _syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG))


def restrict(
    read: Iterable[str], write: Iterable[str], devices: Iterable[str] = (), rewrite: Iterable[str] = ()
) -> bool:
    """Allows reading below `read`, files and folders below `write`, nothing else. True when it is in force.

    `devices`: files that may be used as the devices they are. Below `rewrite`, what is there may be written, too.
    """
    version = abi()
    if not version:
        return False
    handled = _ALL_V1
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV)):
        handled |= right if version >= since else 0
    rules = _Ruleset(handled, _NET_ALL if version >= 4 else 0, _SCOPE_ALL if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _syscall(_CREATE_RULESET, ctypes.byref(rules), size, 0)
    if ruleset < 0:
        return False
    try:
        for path in read:
            _allow(ruleset, path, _READ & handled)
        for path in write:
            _allow(ruleset, path, _SCRATCH & handled)
        for path in devices:
            _allow(ruleset, path, _DEVICE & handled)
        for path in rewrite:
            _allow(ruleset, path, (_READ | _WRITE_FILE | _TRUNCATE) & handled)
        return _syscall(_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there need not be allowed
    try:
        if not os.path.isdir(path):
            rights &= _FILE_ONLY
        _syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(_PathBeneath(rights, parent)), 0)
    finally:
        os.close(parent)


_libc = ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *arguments: object) -> int:
    return int(_libc.syscall(ctypes.c_long(number), *arguments))
