"""How much a module of the student's may claim to hold, before the trusted room allocates or searches for it.

Why separate: the parameters are the child's word. One on the meta device has as many elements as it says and takes no
memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from autograder.judging.expect import Unmet
from autograder.sandbox.wire import MAX_TENSORS, ParameterSpec

BYTES = 4  # of a number as it is drawn: float32
MOST_PARAMETERS = MAX_TENSORS - 1  # their gradients come back in one reply, beside the output


def check(parameters: Sequence[ParameterSpec], subject: str, most_bytes: int) -> None:
    """Raises Unmet when the parameters of `subject` are too many, or too large for one message to the child."""
    if len(parameters) > MOST_PARAMETERS:
        raise Unmet(
            f"{subject} has {len(parameters)} parameters",
            expected=f"at most {MOST_PARAMETERS}; a solution has a few dozen",
            fix="look for a loop in __init__ that makes more layers than there are heads",
        )
    numbers = sum(math.prod(parameter.shape) for parameter in parameters)
    if numbers * BYTES > most_bytes:
        largest = max(parameters, key=lambda parameter: math.prod(parameter.shape))
        raise Unmet(
            f"the parameters of {subject} hold {_amount(numbers)} numbers, {_amount(math.prod(largest.shape))} of them "
            "in one",
            expected=f"at most {most_bytes // BYTES:,} in all, far more than the sizes of this case need",
            fix="compare the sizes of your layers with the arguments of __init__",
        )


def _amount(count: int) -> str:
    return f"{count:,}" if count < 10**18 else "more than 10**18"
