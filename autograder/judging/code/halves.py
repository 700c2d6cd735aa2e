"""Which matrices belong to which half of a layer of 4(b), by their sizes, and the layer with one half silent.

Why separate: it needs no roles. Those who ask a layer need it before any role is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import torch
from torch import Tensor

from autograder.judging.code.cases import LayerCase
from autograder.judging.code.weights import Shape, Weights, is_vector, wide

FOUR = 4  # queries, keys, values and the projection; a gated MLP has three


def silenced(weights: Weights, case: LayerCase, without: str) -> dict[str, Tensor]:
    """The weights with every matrix of one half set to zero: that half of the layer adds nothing.

    A matrix belongs to the attention when one of its axes counts heads or their features, in whatever number, to the
    MLP otherwise: so a half of a wrong size is silenced too, and does not spoil the judging of the other. Of a size
    that is nobody's, fused projections beside the one that joins them tell, or four maps between it and dim.
    """
    quiet = matrices(weights, case, without)
    return {name: torch.zeros_like(w) if name in quiet else w for name, w in weights.items()}


def matrices(weights: Weights, case: LayerCase, half: str) -> frozenset[str]:
    """The names of the matrices that belong to a half, "attention" or "mlp", by their sizes."""
    shapes = {name: wide(w.shape) for name, w in weights.items() if not is_vector(w.shape)}
    sizes = {n for shape in shapes.values() for n in shape}
    if case.dim == case.mlp_dim == case.heads * case.dim_head:  # then their order is all that tells
        last = frozenset(list(shapes)[-2:])
        return last if half == "mlp" else frozenset(shapes) - last
    joining = _joining(shapes, case)
    shapes = {name: shape for name, shape in shapes.items() if name not in joining}
    foreign = _foreign(list(shapes.values()), case)
    widths = _widths(sizes, case)
    return frozenset(
        name
        for name, shape in shapes.items()
        if (
            _beside_dim(shape, case)
            if case.heads * case.dim_head == case.dim
            else any(n in foreign or (n not in widths and _counts_heads(n, case)) for n in shape)
        )
        == (half == "attention")
    )


def _joining(shapes: Mapping[str, Shape], case: LayerCase) -> frozenset[str]:
    """Maps of x and what a half gives, side by side, to dim: of neither half, where both have maps of their own.

    With one half silent the other must go through them.
    """
    own = {case.mlp_dim, case.heads * case.dim_head, 3 * case.heads * case.dim_head}
    both = sum(case.mlp_dim in shape for shape in shapes.values()) > 1
    if not both or 2 * case.dim in own or case.dim in own:
        return frozenset()
    return frozenset(name for name, shape in shapes.items() if sorted(shape) == [case.dim, 2 * case.dim])


def _beside_dim(shape: Shape, case: LayerCase) -> bool:
    """Where all heads together have as many features as x: what has those alone, once or fused, and not the MLP's."""
    own = {case.heads, case.dim_head, *(parts * case.dim for parts in (1, 2, 3))}
    return case.mlp_dim not in shape and own.issuperset(shape)


def _widths(sizes: Set[int], case: LayerCase) -> frozenset[int]:
    """What the MLP may be wide instead of mlp_dim, where the heads are as asked: 96 and 768 are multiples of 3."""
    features = case.heads * case.dim_head
    if case.mlp_dim in sizes or features not in sizes:
        return frozenset()
    return frozenset(n for n in sizes if n % features and n not in (case.heads, case.dim_head))


def _foreign(shapes: Sequence[Shape], case: LayerCase) -> frozenset[int]:
    """Features of all heads in a number that was not asked for: 8 * 64, say, the provided Attention's own."""
    joining = {n for shape in shapes if len(shape) == 2 and case.dim in shape for n in shape}
    found = {n for n in joining if n != case.mlp_dim and n % case.dim and not _counts_heads(n, case)}
    fused = {n for n in found if 3 * n in joining and 3 * n != case.mlp_dim}
    apart = {n for n in found if sum(sorted(shape) == sorted((n, case.dim)) for shape in shapes) >= FOUR}
    return frozenset(fused | {3 * n for n in fused} | apart)


def _counts_heads(size: int, case: LayerCase) -> bool:
    inner = case.heads * case.dim_head
    if size in (inner, 2 * inner, 3 * inner) and case.mlp_dim not in (inner, size) and case.dim != inner:
        return True  # a multiple of dim it is only where the sizes are the program's own
    if size == case.mlp_dim or size % case.dim == 0 or size == 1:
        return False
    usual = size in (case.heads, case.heads * (case.dim // case.heads))
    return usual or size % case.dim_head == 0 or (case.heads > 2 and size % case.heads == 0)
