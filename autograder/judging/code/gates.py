"""Parameters of a layer that begin at 0 and multiply what a half adds, as ReZero's and SkipInit's do.

With 0 in its place a gate hides the half behind it, whatever stands there; so it is opened, set to 1, wherever a gain
is. Whether a number or a vector is a gate only an experiment tells: a shift begins at 0, too, and hides nothing.

Why separate: which parameters may be one, and what the experiment says of them; `judging.open_gates` asks the layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec
from torch import Tensor

from autograder.judging.code.weights import GATE, is_vector
from autograder.sandbox.wire import ParameterSpec

MOST = 8  # numbers and vectors that are tried: two stand in a layer that has them
_NO_GATES = frozenset({"Linear", "LayerNorm"})  # what begins at 0 in these is a bias


def opened(parameters: Iterable[ParameterSpec], gates: Collection[str]) -> tuple[ParameterSpec, ...]:
    """The parameters, those of these names as gains that begin at 1."""
    return tuple(
        msgspec.structs.replace(spec, fill=1.0, owner=GATE) if spec.name in gates else spec for spec in parameters
    )


def likely(parameters: Iterable[ParameterSpec]) -> list[str]:
    """The names of what may be a gate: numbers and vectors that begin at 0, outside of torch's own layers."""
    found = [p.name for p in parameters if p.fill == 0.0 and is_vector(p.shape) and p.owner not in _NO_GATES]
    return found[:MOST]


def shut(acting: Callable[[Mapping[str, Tensor]], Collection[str]], ones: Mapping[str, Tensor]) -> Sequence[str]:
    """Those of `ones` that hide a matrix when they are 0; `acting`: the matrices that matter with these values."""
    if not ones:
        return ()
    open_ = set(acting(ones))
    if open_ <= set(acting({name: one * 0 for name, one in ones.items()})):
        return ()
    return [name for name, one in ones.items() if not open_ <= set(acting({**ones, name: one * 0}))]


def matrices(weights: Mapping[str, Tensor]) -> list[str]:
    """The names of those that are no vectors and no single numbers."""
    return [name for name, w in weights.items() if math.prod(w.shape) > 1 and not is_vector(w.shape)]
