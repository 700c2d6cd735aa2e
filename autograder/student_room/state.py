"""What a program may leave behind in this process beside its own module: whether a next one would find it changed.

Why separate: a process holds one conversation after another, each with its program run anew. One that changed torch
itself gets a fresh process, so that no test depends on those before it. That is a courtesy to honest
programs, and no defence: a program may hide what it changed, and gains nothing, since nothing here decides.
"""

from __future__ import annotations

import builtins
import gc
import math
import operator
import sys
import threading
from collections.abc import Callable, Sequence
from types import ModuleType

import numpy
import torch
import torch.nn.functional as F
from torch import nn

from autograder.student_room import versions

# What programs of this homework are made of, so what one may change: whole namespaces, name by name.
WATCHED: tuple[ModuleType | type, ...] = (
    torch, nn, F, nn.init, torch.Tensor, nn.Parameter, nn.Module, nn.Linear, nn.Dropout, nn.Softmax, nn.LayerNorm,
    nn.ModuleList, nn.Sequential, nn.GELU, nn.ReLU, builtins, math, numpy,
)  # fmt: skip

_OF_PYTHON = ("__annotations__", "__slotnames__")  # which Python itself adds to a class: when asked for, when copied


def remember() -> Callable[[], bool]:
    """Takes the present state for the unchanged one. The answer tells, in this process or a fork, whether it changed.

    A name that came in addition does not count: torch itself adds some when they are first used. One among Python's
    own names does, and one that hides what a class inherits: the program of another question would find it, and work
    here alone.
    """
    settings = _present()
    known = []
    for each in WATCHED:
        names = [name for name in vars(each) if name != "__warningregistry__"]
        known.append((each, versions.version(each), names, [vars(each)[name] for name in names]))

    def changed() -> bool:
        gc.collect()  # what only a cycle keeps alive, threads and what ends slowly among it, is gone
        if settings != _present():
            return True
        for each, version, names, values in known:
            if version is not None and version == versions.version(each):
                continue
            # compared without a line of Python for each
            if not all(map(operator.is_, map(vars(each).get, names), values)) or _hides(each, names):
                return True
        return False

    return changed


def _hides(each: ModuleType | type, names: Sequence[str]) -> bool:
    """Whether a name that a class got hides one that it inherits: torch.Tensor has add from a class above it."""
    above = each.__mro__[1:] if isinstance(each, type) else ()
    new = set(vars(each)).difference(names, _OF_PYTHON) if above else ()
    return any(name in vars(one) for one in above for name in new)


def _present() -> tuple[object, ...]:
    hooks = vars(sys.modules["torch.nn.modules.module"])
    return (
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_anomaly_enabled(),
        str(getattr(sys.modules.get("torch.utils._device"), "CURRENT_DEVICE", None)),
        sum(len(value) for name, value in hooks.items() if name.startswith("_global_") and isinstance(value, dict)),
        sys.getrecursionlimit(),
        threading.active_count(),
        len(vars(builtins)),
        gc.isenabled(),
    )
