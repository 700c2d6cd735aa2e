"""How much a child may keep in its scratch folder, counted from the trusted side while the child is alive.

Why separate: the kernel limits one file (RLIMIT_FSIZE) and the number of open ones, but neither the number of files nor
their sum, and a quota of its own it has only for users that an administrator prepared. So the zygote looks into the
folder of each child many times a second, and ends the child that keeps more than it may.

Nothing in here follows a link, recurses, or reads more than it takes to know that it is too much. Folders stay allowed:
`tempfile.TemporaryDirectory` and libraries with a cache make them, in honest programs.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import time
from collections.abc import Callable, Iterator

# A solution makes none, a library some dozen. So many are no burden on any disk, and are removed in a moment.
MOST_ENTRIES = 10_000
# In this time a child writes some 100 MB or makes some 10,000 files: a burden that every disk bears, and that goes with
# the child. Looking into an empty folder takes 20 microseconds, so 20 looks a second cost less than a thousandth.
LOOK_SECONDS = 0.05
# Looking at ten thousand files takes 50 ms; what is full is looked at less often, so that this never takes a processor.
PAUSE_TIMES = 4.0


def overdrawn(folder: str, most_bytes: int) -> str:
    """What is too much in the folder, in words; empty when it is within bounds. Bytes as the disk has them."""
    pending, entries, held = [folder], 0, 0
    while pending:
        current = pending.pop()
        try:
            with os.scandir(current) as found:
                for entry in found:
                    entries += 1
                    held += _bytes(entry)
                    if held > most_bytes:
                        return f"more than {most_bytes >> 20} MB of files"
                    if entries > MOST_ENTRIES:
                        return f"more than {MOST_ENTRIES:,} files"
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
        except OSError as error:  # gone meanwhile, or a link by now; but what nobody can look into is too much
            if error.errno in _CLOSED:
                return "a folder that cannot be read"
    return ""


# Made so by the child: without the right to read, or deeper than a path is long.
_CLOSED = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG)


def _bytes(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_blocks * 512  # a sparse file is as large as what was written
    except OSError:
        return 0


def lines(control: socket.socket, meanwhile: Callable[[], None]) -> Iterator[bytes]:
    """The lines that come over a socket until the other side hangs up; `meanwhile` is called every LOOK_SECONDS."""
    buffer, due = b"", time.monotonic() + LOOK_SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            ready = selector.select(max(0.0, due - time.monotonic()))
            if (start := time.monotonic()) >= due:
                meanwhile()
                due = time.monotonic() + max(LOOK_SECONDS, PAUSE_TIMES * (time.monotonic() - start))
            if not ready:
                continue
            data = control.recv(1 << 16)
            if not data:
                return
            *whole, buffer = (buffer + data).split(b"\n")
            yield from whole
