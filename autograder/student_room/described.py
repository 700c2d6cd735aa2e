"""What a module of the student's has as parameters, in words that cross the wall: name, shape, dtype and two hints.

Why separate: the worker answers messages; what a parameter is told to be is read here, beside the student's code, so
it is a claim and decides nothing.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

MOST_ROWS = 6  # two gains and two shifts are four; a matrix of a case has seven rows and more


def parameters(module: nn.Module) -> list[dict[str, object]]:
    """One record a parameter. `owner`: the class of the layer that holds it; `fill`, `rows`: see `filled`, `rows`."""
    owners = {id(p): type(m).__name__ for m in module.modules() for p in m._parameters.values()}
    return [
        {
            "name": name,
            "shape": list(p.shape),
            "dtype": dtype(p),
            "owner": owners.get(id(p), ""),
            "fill": filled(p),
            "rows": rows(p),
        }
        for name, p in module.named_parameters()
    ]


def filled(parameter: Tensor) -> float | None:
    """The one number that a vector, or a single number, holds, as gains and shifts do at first; None for all else."""
    if not 0 < parameter.numel() == max(parameter.shape, default=1) or parameter.device.type != "cpu":
        return None
    entries = parameter.detach().flatten()
    first = float(entries[0])
    return first if math.isfinite(first) and bool((entries == first).all()) else None


def rows(parameter: Tensor) -> list[float] | None:
    """Of up to six rows, each filled with 0 or with 1, these numbers, as of gains and shifts in one; else None.

    Where the first axis is the longer one, they are those of its columns.
    """
    axes = [size for size in parameter.shape if size != 1]
    if len(axes) != 2 or not 0 < min(axes) <= MOST_ROWS or parameter.device.type != "cpu":
        return None
    entries = parameter.detach().reshape(axes)
    entries = entries.T if axes[0] > axes[1] else entries
    first = entries[:, :1]
    if not bool((entries == first).all()) or not bool(((first == 0) | (first == 1)).all()):
        return None
    return [float(number) for number in first.flatten()]


def dtype(tensor: Tensor) -> str:
    """As the wall writes it: "float32"."""
    return str(tensor.dtype).removeprefix("torch.")
