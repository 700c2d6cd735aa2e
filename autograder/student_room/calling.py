"""A class of the student's, called as the provided code calls it: by name, or by position where its names are others.

Why separate: `worker` answers, this makes, and goes backward. Nothing here knows which class it is.
"""

from __future__ import annotations

import contextlib
import inspect

from torch import Tensor, nn


def made(factory: object, kwargs: dict[str, object]) -> tuple[nn.Module, list[str]]:
    """The module; by position, with a note, when its arguments have other names, as the provided code passes them."""
    by_position = False
    with contextlib.suppress(TypeError, ValueError):  # a class whose signature cannot be told is called by name
        takes = inspect.signature(factory).parameters.values()  # type: ignore[arg-type]
        kinds = [each.kind for each in takes]
        known = {each.name for each in takes} >= kwargs.keys() or inspect.Parameter.VAR_KEYWORD in kinds
        places = sum(
            kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD) for kind in kinds
        )
        by_position = not known and (places >= len(kwargs) or inspect.Parameter.VAR_POSITIONAL in kinds)
    if by_position:
        return factory(*kwargs.values()), ["by-position"]  # type: ignore[operator]
    return factory(**kwargs), []  # type: ignore[operator]


def gradients(module: nn.Module, x: Tensor, output: Tensor, cotangent: Tensor) -> dict[str, Tensor]:
    """Those of sum(output * cotangent) that were reached, by the parameter's name; "" is x."""
    module.zero_grad()
    (output * cotangent.to(output.dtype)).sum().backward()  # type: ignore[no-untyped-call]
    named = {"": x, **dict(module.named_parameters())}
    return {name: p.grad for name, p in named.items() if p.grad is not None}
