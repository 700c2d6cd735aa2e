"""Random masks for dropout on a CPU, four times as fast as torch's own generator draws them, of the same distribution.

Why separate: on the handout's model, torch's Mersenne twister takes a tenth of a step, one number after another. SFC64
(numpy's) draws 64 bits at once; each element gets 32 of them, so that the probability is met to 2**-32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy
import torch
from torch import Tensor


def maker(seed: int) -> Callable[[Sequence[int], float], Tensor]:
    """draw(shape, p): float32 of that shape, each element 1 with probability p, else 0, independently of all others."""
    source = numpy.random.SFC64(seed)

    def draw(shape: Sequence[int], p: float) -> Tensor:
        if p >= 1:
            return torch.ones(tuple(shape))
        count = math.prod(shape)
        bits = source.random_raw((count + 1) // 2).view(numpy.int32)[:count]
        below = round(p * 2**32) - 2**31  # of 2**32 equally likely values from -2**31 on
        return torch.lt(torch.from_numpy(bits), below, out=torch.empty(count)).view(tuple(shape))

    return draw
