"""Which uid is nobody else's: two gradings of one machine must not give their children the same one.

Why separate: children that share a uid can choke each other (limits, signals), whichever grading they are of. The lock
is the kernel's (flock): it ends with the process that took it, so that none is ever stale.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterator

from autograder.sandbox.lockdown import UIDS

# Folders of the machine, not of this grading; root's own in them, or none.
PLACES = ("/run/lock", "/var/lock", "/tmp")
NAME = "autograder-uids"

Ids = tuple[int, int] | None


def take(ids_of: Callable[[int], Ids], first: int) -> tuple[Ids, int]:
    """(ids, lock) of the first free number from `first` on; (None, -1) where children cannot change who they are.

    The lock is a descriptor: closing it gives the ids back. It is -1 where there is no place for locks. Raises OSError
    when every uid is taken.
    """
    folder = _folder() if ids_of(first) else None
    if folder is None:
        return ids_of(first), -1
    for number in range(first, first + UIDS):
        ids = ids_of(number)
        assert ids is not None
        with contextlib.suppress(OSError):
            return ids, _locked(os.path.join(folder, str(ids[0])))
    raise OSError(f"all of the {UIDS} uids for student code are in use on this machine")


def _locked(path: str) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise
    return file


def _folder() -> str | None:
    """Where the locks are: the first folder that is there or can be made, and that nobody but root may change."""
    for path in _paths():
        with contextlib.suppress(OSError):
            os.mkdir(path, 0o700)
        with contextlib.suppress(OSError):
            found = os.lstat(path)
            if stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & 0o022 and _writable(path):
                return path
    return None


def _writable(path: str) -> bool:
    return not os.statvfs(path).f_flag & os.ST_RDONLY


def _paths() -> Iterator[str]:
    for place in PLACES:
        yield os.path.join(place, NAME)
