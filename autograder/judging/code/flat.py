"""Parameters whose axes do not say what they are: matrices in one row, biases with axes of their own, vectors in one.

nn.Parameter(torch.randn(a * b)) gets its axes in forward, and a bias is one row, too. So here it is decided, by sizes,
which rows are matrices: for the trusted room such a parameter has two axes and a mark in its name, which says that
these two are a guess. Of a bias that is stored as (heads, dim_head), say, the axes are taken away. Gains and shifts of
both normalisations may stand in one array: there each row, or column, is a vector of its own. What goes to the
student's room and comes back has its own name and shape.

Why separate: everything else reads names and shapes, and needs to know of this only where it reads axes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import msgspec
import torch
from torch import Tensor

from autograder.judging.code.cases import AttentionCase, LayerCase
from autograder.judging.code.weights import family, is_vector, wide
from autograder.sandbox.wire import ParameterSpec

MARK = " (flat)"
ROW = " (row {})"  # of an array of vectors
Case = AttentionCase | LayerCase


def is_flat(name: str) -> bool:
    """Whether the axes of the parameter of this name, as the trusted room has it, are a guess."""
    return name.endswith(MARK)


def stored_shape(name: str, weight: Tensor) -> tuple[int, ...]:
    """The axes that tell something: of a flat one its size alone; axes of one number are left out."""
    return (weight.numel(),) if is_flat(name) else wide(weight.shape)


class Storage:
    """One module's parameters; which of them are read in another way is decided where it is first made.

    There all sizes differ, and it stays so for other sizes; one that was not there is as others of its family were.
    """

    def __init__(self) -> None:
        self._first: frozenset[str] = frozenset()
        self._flat: frozenset[str] = frozenset()
        self._biases: frozenset[str] = frozenset()
        self._stacks: frozenset[str] = frozenset()
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._rows: dict[str, dict[str, Tensor]] = {}  # of each stack, by name: what they hold now
        self._dim = 1

    def read(self, specs: Iterable[ParameterSpec], case: object) -> tuple[ParameterSpec, ...]:
        """The parameters as the trusted room has them, for a module that was made for this case."""
        specs = tuple(specs)
        self._shapes, self._dim, self._rows = {spec.name: spec.shape for spec in specs}, 1, {}
        if not isinstance(case, Case):
            return specs  # the whole model: its weights are nobody's to read
        if not self._first:
            self._first = frozenset(self._shapes)
            self._flat = frozenset(spec.name for spec in specs if _is_matrix(spec, specs, case))
            self._biases = frozenset(spec.name for spec in specs if _is_bias(spec.shape, case))
            self._stacks = frozenset(spec.name for spec in specs if _is_stack(spec, case))
        new = [name for name in self._shapes if name not in self._first]
        self._flat |= _of_families(new, self._flat)
        self._biases |= _of_families(new, self._biases)
        self._dim = _sizes(case)[0]
        return tuple(read for spec in specs for read in self._apart(spec))

    def _apart(self, spec: ParameterSpec) -> list[ParameterSpec]:
        """The rows, or columns, of an array of vectors, each a parameter; else the one parameter."""
        sizes = wide(spec.shape)
        if spec.name not in self._stacks or not spec.rows or len(sizes) != 2 or min(sizes) != len(spec.rows):
            return [self._read(spec)]
        sizes = (max(sizes),)
        names = [spec.name + ROW.format(number) for number in range(len(spec.rows))]
        self._rows[spec.name] = {name: torch.full(sizes, fill) for name, fill in zip(names, spec.rows)}
        return [
            msgspec.structs.replace(spec, name=name, shape=sizes, fill=fill, rows=None)
            for name, fill in zip(names, spec.rows)
        ]

    def _read(self, spec: ParameterSpec) -> ParameterSpec:
        shape = self._read_shape(spec.name, spec.shape)
        if spec.name in self._flat:
            return msgspec.structs.replace(spec, name=spec.name + MARK, shape=shape, fill=None)
        return msgspec.structs.replace(spec, shape=shape)

    def _read_shape(self, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        size = math.prod(shape)
        if name in self._flat:
            return (size // self._dim, self._dim) if size % self._dim == 0 else (1, size)
        return (size,) if name in self._biases else shape

    def sent(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same weights under the module's own names, in its own shapes."""
        own = {name + MARK: name for name in self._flat}
        raw = {own.get(name, name): weight for name, weight in weights.items()}
        for stack, rows in self._rows.items():
            if new := {name: raw.pop(name) for name in rows if name in raw}:
                rows.update(new)
                whole = torch.stack(list(rows.values()), dim=int(self._of_columns(stack)))
                raw[stack] = whole.reshape(self._shapes[stack])
        changed = self._flat | self._biases
        return {name: w.reshape(self._shapes[name]) if name in changed else w for name, w in raw.items()}

    def received(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors by the module's names, by those of the trusted room and in its shapes: whatever the child says."""
        return dict(
            found
            for name, tensor in tensors.items()
            for found in (self._received_rows(name, tensor) or [self._received(name, tensor)])
        )

    def _received_rows(self, name: str, tensor: Tensor) -> list[tuple[str, Tensor]]:
        """Those of an array of vectors by their names; none for anything else."""
        rows = self._rows.get(name)
        if not rows or tuple(tensor.shape) != tuple(self._shapes[name]):
            return []
        whole = tensor.reshape(wide(tensor.shape))
        return list(zip(rows, whole.T if self._of_columns(name) else whole))

    def _of_columns(self, stack: str) -> bool:
        """Whether the vectors of an array stand side by side, not one below the other."""
        first, second = wide(self._shapes[stack])
        return first > second

    def _received(self, name: str, tensor: Tensor) -> tuple[str, Tensor]:
        if name in self._flat | self._biases and tuple(tensor.shape) == tuple(self._shapes.get(name, ())):
            tensor = tensor.reshape(self._read_shape(name, self._shapes[name]))
        return (name + MARK if name in self._flat else name), tensor


def _of_families(names: Iterable[str], others: Iterable[str]) -> frozenset[str]:
    families = {family(name) for name in others}
    return frozenset(name for name in names if family(name) in families)


def _is_matrix(spec: ParameterSpec, specs: Iterable[ParameterSpec], case: Case) -> bool:
    """Whether it is a row, or two, three or one for each head, of dim times four numbers and more, and no bias.

    A row as long as a side of a matrix beside it is that one's bias.
    """
    axes, (dim, heads, lengths) = wide(spec.shape), _sizes(case)
    if not axes or len(axes) > 2 or (len(axes) == 2 and axes[0] not in (2, 3, heads)):
        return False
    beside = (other for other in specs if _prefix(other.name) == _prefix(spec.name) and not is_vector(other.shape))
    others = (other for other in beside if other.name != spec.name)
    return axes[-1] % dim == 0 and axes[-1] not in lengths and not any(axes[-1] in other.shape for other in others)


def _is_bias(shape: tuple[int, ...], case: Case) -> bool:
    """Whether it has heads and their features on axes of their own, in up to three parts, and nothing else."""
    if not isinstance(case, LayerCase):
        return False
    axes = sorted(wide(shape))
    return any(axes == sorted([*parts, case.heads, case.dim_head]) for parts in ((), (2,), (3,)))


def _is_stack(spec: ParameterSpec, case: Case) -> bool:
    """Whether it holds vectors of dim numbers, below or beside one another, all of them new gains and shifts.

    A random matrix has no rows of one number; one that begins at zero has the sizes of a matrix.
    """
    if not isinstance(case, LayerCase) or not spec.rows or case.dim <= len(spec.rows):
        return False
    if sorted(wide(spec.shape)) != [len(spec.rows), case.dim]:
        return False
    inner = case.heads * case.dim_head
    return any(spec.rows) or len(spec.rows) not in (case.dim, case.dim_head, inner, case.mlp_dim)


def _sizes(case: Case) -> tuple[int, int, frozenset[int]]:
    """The features of x, the heads, and how long gains, shifts and biases are: of up to three projections, too."""
    if isinstance(case, AttentionCase):
        return case.input_dim, 1, _up_to_three(case.input_dim, case.inner_dim)
    inner = case.heads * case.dim_head
    return case.dim, case.heads, _up_to_three(case.dim, inner, case.dim_head) | {case.mlp_dim}


def _up_to_three(*sizes: int) -> frozenset[int]:
    return frozenset(times * size for times in (1, 2, 3) for size in sizes)


def _prefix(name: str) -> str:
    return name.rpartition(".")[0]
