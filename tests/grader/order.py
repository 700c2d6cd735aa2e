"""The order of the test files: what may take long begins first, so that no worker ends alone with it.

Why separate: it is the whole rule. A file's tests stay together and in their order, for they share what is costly.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

DEAR = ("slow", "boxed")


def dearest_first(items: list[pytest.Item]) -> None:
    """Sorts in place: files by how many of their tests are slow or need a box, the quick ones last, as they were."""
    dear: Counter[Path] = Counter()
    for item in items:
        dear[item.path] += any(item.get_closest_marker(mark) for mark in DEAR)
    items.sort(key=lambda item: -dear[item.path])
