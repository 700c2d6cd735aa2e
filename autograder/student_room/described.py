"""What a module of the student's has as parameters, in words that cross the wall: name, shape, dtype and two hints.

Why separate: the worker answers messages; what a parameter is told to be is read here, beside the student's code, so
it is a claim and decides nothing.
"""

from __future__ import annotations

import math

from torch import Tensor, nn


def parameters(module: nn.Module) -> list[dict[str, object]]:
    """One record a parameter. `owner`: the class of the layer that holds it; `fill`: see `filled`."""
    owners = {id(p): type(m).__name__ for m in module.modules() for p in m._parameters.values()}
    return [
        {"name": name, "shape": list(p.shape), "dtype": dtype(p), "owner": owners.get(id(p), ""), "fill": filled(p)}
        for name, p in module.named_parameters()
    ]


def filled(parameter: Tensor) -> float | None:
    """The one number that a vector is filled with, as gains and shifts are at first; None for anything else."""
    if not 1 < parameter.numel() == max(parameter.shape) or parameter.device.type != "cpu":
        return None
    entries = parameter.detach().flatten()
    first = float(entries[0])
    return first if math.isfinite(first) and bool((entries == first).all()) else None


def dtype(tensor: Tensor) -> str:
    """As the wall writes it: "float32"."""
    return str(tensor.dtype).removeprefix("torch.")
