"""Stands for torch's compiler: what it would compile gives the same without it, and it is not loaded.

Why separate: the compiler (`torch.compile`, `torch._dynamo`) is 800 modules and takes more than a second. Torch loads
it for calls that compile nothing: a layer that uses `torch.utils.checkpoint` did that in every child, only to ask for
one of its settings, and so does whoever makes an optimiser.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import torch

from autograder.student_room.stand_ins import Finder, Quiet

COMPILER = "torch._dynamo"


def put() -> None:
    """For this process and those that it forks. One that is loaded already stays: a full run of training has it, since
    what records a step needs parts of it.
    """
    torch.compile = uncompiled  # type: ignore[assignment]
    if COMPILER not in sys.modules:
        sys.meta_path.insert(0, Finder([COMPILER], _Compiler))


def uncompiled(model: object = None, *args: object, **options: object) -> object:
    """Stands for torch.compile, which gives the same function, only faster, and needs a compiler that is not here."""
    return _same if model is None else model


def _same(function: Any) -> Any:
    return function


def _yes(*args: object, **options: object) -> bool:
    return True


def _optimize(*args: object, **options: object) -> Callable[[Any], Any]:
    return _same


class _Compiler(types.ModuleType):
    """The compiler or a part of it: whatever is asked of it is off, and what it should wrap comes back as it is."""

    disable = run = staticmethod(uncompiled)
    optimize = optimize_assert = staticmethod(_optimize)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return (
            _yes if name.endswith("_supported") else _OFF
        )  # what needs it says so and stops, where it could do without


_OFF = Quiet()
