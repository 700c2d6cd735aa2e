"""A child's scratch folder: whether anything was left in it, and removing it, whatever the child made of it.

Why separate: the library's way recurses, so that 1,500 folders inside each other end the process that calls it, and
paths grow beyond what the kernel takes. Nothing in here raises.
"""

from __future__ import annotations

import contextlib
import os


def remove(folder: str) -> None:
    """Removes the folder and all in it, without following links. What cannot be removed is left, silently."""
    pending, number, prefix = [folder], 0, os.urandom(8).hex()  # no name of the child's is in the way
    while pending:
        current, inner = pending.pop(), []
        with contextlib.suppress(OSError):
            os.chmod(current, 0o700)  # a child may have closed its own folder
        for path, is_folder in _entries(current):
            with contextlib.suppress(OSError):
                if not is_folder:
                    os.unlink(path)
                    continue
                # up to the top, so that no path gets longer than two names, however deep it was
                number += 1
                above = os.path.join(folder, f"{prefix}{number}")
                os.chmod(path, 0o700)
                os.rename(path, above)
                inner.append(above)
        pending += inner
        if current != folder:
            with contextlib.suppress(OSError):
                os.rmdir(current)
    with contextlib.suppress(OSError):
        os.rmdir(folder)


def holds_anything(folder: str) -> bool:
    """Whether something lies in the folder, or it cannot be looked into."""
    try:
        with os.scandir(folder) as entries:
            return any(True for _ in entries)
    except OSError:
        return True


def _entries(folder: str) -> list[tuple[str, bool]]:
    """(path, whether it is a folder and no link) of what lies in it now."""
    try:
        with os.scandir(folder) as entries:
            return [(entry.path, entry.is_dir(follow_symlinks=False)) for entry in entries]
    except OSError:
        return []
