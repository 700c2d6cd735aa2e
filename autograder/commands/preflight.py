"""What is missing from a submission, before it is handed in.

Why separate: a command of its own: it runs no test and no code of anybody's, and reads in a process that may die.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from autograder.core.inventory import Inventory, Item, State
from autograder.handin import reader


def look(path: Path) -> Inventory:
    """What is there at `path`. Raises UsageError (nothing is there) and GraderFault (ours)."""
    from autograder.handin import present  # before the fork, so that the child need not import it

    found = reader.apart(path, lambda: present.read(path))
    if isinstance(found, bytes):
        return msgspec.json.decode(found, type=Inventory)
    return Inventory(path.name, (Item("Files", "your work", State.MISSING, found),))
