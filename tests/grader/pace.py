"""Time in tests: deadlines that fit the machine, and work that is told by counting.

Why separate: machines of one kind differ threefold, and two test runs may share one. So no test asserts seconds. What
must not grow is compared with itself on a smaller input (`growth`) or counted (`calls`); what must be waited for is
given a deadline in the seconds of the machine that it was tried on, times how much slower this one is (`patience`).
"""

from __future__ import annotations

import functools
import math
import sys
import time
from collections.abc import Callable
from types import FrameType

# Seconds that `_fixed_work` takes on the machine of the figures in these tests (2 cores, Python 3.11), with nothing beside it.
_THERE = 0.006
# A neighbour may take most of both cores, and swapping or a cold disk cost more than the processor tells.
_CROWDED = 4.0


def _fixed_work() -> float:
    start = time.process_time()  # what neighbours take is `_CROWDED`'s part: counted here, too, it would be squared
    table: dict[int, str] = {}
    for number in range(60_000):
        table[number % 997] = str(number) + "x"
    return time.process_time() - start


@functools.cache
def slowness() -> float:
    """How many times slower this machine is than the one that the tests' seconds are of; at least 1, measured once."""
    return max(1.0, min(_fixed_work() for _ in range(5)) / _THERE)


def patience(seconds: float) -> int:
    """The deadline for something that takes up to `seconds` on the machine of the figures, however busy this one is.

    Whole seconds, rounded up, on every machine: a library that takes nothing else (nbclient does) would otherwise be
    tried with a whole number on a fast machine and fail on a slow one.
    """
    return math.ceil(seconds * slowness() * _CROWDED)


def calls(function: Callable[[], object]) -> int:
    """How many functions, Python's and C's, a call of `function` calls: its work, the same on every machine."""
    count = 0

    def profile(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


# Work of a regular expression is not told by `calls`. Eight times the input: linear work takes 8 times as long, n log n
# 11, quadratic 64. What lies between is for the clock, whose noise on a shared machine was seen to be a factor of 2.
TIMES = 8
LINEAR = 28.0


def growth(function: Callable[[int], object], size: int) -> float:
    """How many times longer `function(TIMES * size)` takes than `function(size)`, in this process's CPU time.

    Measured up to three times while it seems too long: beside other work one measure was seen to be out by more than 2,
    and what is quadratic is so each time.
    """
    seen: list[float] = []
    while len(seen) < 3 and (not seen or seen[-1] >= LINEAR):
        small = min(_seconds(function, size) for _ in range(5))
        seen.append(min(_seconds(function, TIMES * size) for _ in range(2)) / small)
    return min(seen)


def _seconds(function: Callable[[int], object], size: int) -> float:
    """CPU seconds of one call, from as many as the clock needs: at least 2 ms, which it tells to a part in 1,000."""
    total, count = 0.0, 0
    while total < 2e-3:
        start = time.process_time()
        function(size)
        total += time.process_time() - start
        count += 1
    return total / count
