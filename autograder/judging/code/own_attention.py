"""A layer that brings its own multi-head attention in place of the provided one: which matrices project q, k and v.

Nobody has to use the provided `Attention`, so a layer that makes no probe head is judged with attention over its own
projections. Layouts: three matrices, q/k/v or k/v fused in the usual orders, or one set of small matrices per head.
The attention itself is handed in by the tests: nothing here knows it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from autograder.judging.code.cases import LayerCase

Function = Callable[[Tensor], Tensor]
# (q, k, v), each (batch, heads, tokens, dim_head) -> the same shape
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
Block = Tensor  # (heads, dim_head, dim + 1): a projection with its bias as last column

ORDERS = tuple(itertools.permutations(range(3)))

# Ways to read q, k and v off the parameters. A layer with one attention has at most a few; what claims hundreds of
# matrices would make tens of thousands of them.
MAX_LAYOUTS = 18


def candidates(weights: Mapping[str, Tensor], case: LayerCase, attend: Attend) -> Iterator[Function]:
    """Multi-head attentions that these parameters could make, likely ones first.

    Each maps x (batch, tokens, dim) to (batch, tokens, heads * dim_head), as the provided `Attention` does.
    """
    ways = itertools.chain(_fused(weights, case), _separate(weights, case), _per_head(weights, case))
    layouts = list(itertools.islice(ways, MAX_LAYOUTS))
    for q, k, v in ORDERS:
        yield from (_function(blocks[q], blocks[k], blocks[v], attend) for blocks in layouts)


def _function(q: Block, k: Block, v: Block, attend: Attend) -> Function:
    def mixing(x: Tensor) -> Tensor:
        ones = torch.cat([x, torch.ones_like(x[..., :1])], dim=-1)  # the bias column meets these
        project = [torch.einsum("btf,hdf->bhtd", ones, block.to(x.dtype)) for block in (q, k, v)]
        return attend(*project).transpose(1, 2).flatten(2)

    return mixing


def _rows(weights: Mapping[str, Tensor], size: int, dim: int) -> Iterator[tuple[str, Tensor]]:
    """(name, matrix with bias column) of every parameter that maps dim to `size` features, however it is stored."""
    for name, weight in weights.items():
        shape = tuple(weight.shape)
        if shape not in ((size, dim), (dim, size)):
            continue
        matrix = weight if shape == (size, dim) else weight.T
        prefix = name.rpartition(".")[0]
        beside = [
            b for n, b in weights.items() if n != name and n.rpartition(".")[0] == prefix and tuple(b.shape) == (size,)
        ]
        bias = beside[0] if len(beside) == 1 else torch.zeros(size)
        yield name, torch.cat([matrix, bias[:, None]], dim=1)


def _heads(matrix: Tensor, case: LayerCase) -> Block:
    return matrix.reshape(case.heads, case.dim_head, -1)


def _fused(weights: Mapping[str, Tensor], case: LayerCase) -> Iterator[Sequence[Block]]:
    """q, k and v in one matrix, ordered (qkv, head, feature), (head, qkv, feature) or (head, feature, qkv)."""
    inner, heads, dim_head = case.heads * case.dim_head, case.heads, case.dim_head
    for _, matrix in _rows(weights, 3 * inner, case.dim):
        yield tuple(matrix.reshape(3, heads, dim_head, -1).unbind(0))
        yield tuple(matrix.reshape(heads, 3, dim_head, -1).unbind(1))
        yield tuple(matrix.reshape(heads, dim_head, 3, -1).unbind(2))
    for _, matrix in _rows(weights, 2 * inner, case.dim):
        for _, single in _rows(weights, inner, case.dim):
            yield (_heads(single, case), *matrix.reshape(2, heads, dim_head, -1).unbind(0))
            yield (_heads(single, case), *matrix.reshape(heads, 2, dim_head, -1).unbind(1))


def _separate(weights: Mapping[str, Tensor], case: LayerCase) -> Iterator[Sequence[Block]]:
    """Three matrices, split into heads contiguously."""
    found = [_heads(matrix, case) for _, matrix in _rows(weights, case.heads * case.dim_head, case.dim)]
    yield from itertools.islice(itertools.combinations(found, 3), 20)  # six such matrices give 20 choices


def _per_head(weights: Mapping[str, Tensor], case: LayerCase) -> Iterator[Sequence[Block]]:
    """Small matrices, head by head (q k v q k v ...) or list by list (q q ... k k ... v v ...), as they were made."""
    found = [matrix for _, matrix in _rows(weights, case.dim_head, case.dim)]
    if len(found) == 3 * case.heads:
        yield [torch.stack(found[role::3]) for role in range(3)]
        yield [torch.stack(found[role * case.heads : (role + 1) * case.heads]) for role in range(3)]
    fused = [matrix for _, matrix in _rows(weights, 3 * case.dim_head, case.dim)]
    if len(fused) == case.heads:
        yield tuple(torch.stack(fused).reshape(case.heads, 3, case.dim_head, -1).unbind(1))
