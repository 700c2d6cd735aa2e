"""Whether what is printed may have colours: in a terminal that has them, unless the person wants none.

Why separate: every command that prints a report asks, and so does what runs in a student's notebook.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO


def coloured(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether escape sequences belong there: not into a pipe, a dumb terminal, or where NO_COLOR says no."""
    return stream.isatty() and environment.get("TERM") != "dumb" and not environment.get("NO_COLOR")
