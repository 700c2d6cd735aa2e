"""What the current process may use: its limits made narrower, and the address space that it has already.

Why separate: the reading process and every child of the student's room limit themselves before they meet foreign input,
and a limit that is set in two ways is set wrongly in one. Nothing here decides how much is allowed.
"""

from __future__ import annotations

import resource
from pathlib import Path


def lower(which: int, most: int) -> None:
    """Sets a limit of `resource`, soft and hard, to `most` or to what it is already, if that is less."""
    hard = resource.getrlimit(which)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))


def address_space(unknown: int) -> int:
    """Bytes of address space that this process has mapped; `unknown` where there is no /proc to ask (macOS)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return unknown
