"""Wrong versions of 4(b) whose weights have other sizes or numbers than the handout's: a gate, exchanged arguments.

Why separate: for these the weights themselves have to be read in another way before any formula is tried: as if the
layer had been made with other arguments, or a matrix were two, or one more. How they are read, `judging.reshaped` knows;
here stands what each mistake is. `RESHAPED` is the bank, more likely mistakes first.
"""

# ruff: noqa: E501  (one entry a line: the table is read as a table)
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec
import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.judging.code.layer_parts import Affine, LayerParts
from reference.encoder import layer, normalised


class Sizes(Protocol):
    """The sizes that a layer is made with."""

    dim: int
    heads: int
    dim_head: int
    mlp_dim: int


Changed = Callable[[Sizes], Mapping[str, int]]
Formula = Callable[[Tensor, LayerParts, Sequence[Affine]], Tensor]  # (x, parts, further maps) -> as encoder.layer


def plain_layer(x: Tensor, parts: LayerParts, further: Sequence[Affine]) -> Tensor:
    """The right layer: what is wrong are the sizes alone."""
    return layer(x, parts)


class Reshaped(msgspec.Struct, frozen=True):
    """One named mistake: read with these sizes and maps, the layer is this formula."""

    name: str
    title: str  # completes "your output equals the reference ..."
    hint: str
    half: str  # the one that it is in, "attention" or "mlp"; "" for both
    sizes: Changed = lambda made: {}  # those that are others than was asked for
    further: str = ""  # maps beside those of the layer that the formula is given: "mlp_dim x dim", out x in
    split: bool = False  # a map of twice the features is two, one above the other
    joined: Callable[[Sizes], float] | None = (
        None  # heads are added up, times this: one map of dim_head for all of them
    )
    repeated: bool = False  # one head stands in the place of each: a map of all heads' features adds up their parts
    identity: bool = False  # where two maps belong, one of them may be none
    tied: bool = False  # one map of the MLP serves for both, turned round for the other
    formula: Formula = plain_layer


def _made(heads: Callable[[Sizes], int], dim_head: Callable[[Sizes], int]) -> Changed:
    """Attention made for other numbers of heads and of features a head."""
    return lambda made: {"heads": heads(made), "dim_head": dim_head(made)}


def _wide(mlp_dim: Callable[[Sizes], int]) -> Changed:
    """An MLP of another width."""
    return lambda made: {"mlp_dim": mlp_dim(made)}


def _gated(x: Tensor, parts: LayerParts, further: Sequence[Affine]) -> Tensor:
    """The hidden features times those of a second map of x: x + fc2(act(fc1(n)) * gate(n))."""
    x = x + F.linear(parts.attention(normalised(x, parts.norm1)), *parts.projection)
    n = normalised(x, parts.norm2)
    hidden = parts.activation(F.linear(n, *parts.fc1))
    for gate in further[:1]:
        hidden = hidden * F.linear(n, *gate)
    return x + F.linear(hidden, *parts.fc2)


def _deeper(x: Tensor, parts: LayerParts, further: Sequence[Affine]) -> Tensor:
    """A map of mlp_dim to mlp_dim, and one more activation, between the two."""

    def activation(hidden: Tensor) -> Tensor:
        hidden = parts.activation(hidden)
        for middle in further[:1]:
            hidden = parts.activation(F.linear(hidden, *middle))
        return hidden

    return layer(x, msgspec.structs.replace(parts, activation=activation))


def _attended(x: Tensor, parts: LayerParts, before: Sequence[Affine] = (), between: Sequence[Affine] = ()) -> Tensor:
    """What the first half adds, with further maps of what enters the attention, or of what its heads give."""
    heads = parts.attention(_through(before, normalised(x, parts.norm1)))
    return F.linear(_through(between, heads), *parts.projection)


def _hidden(x: Tensor, parts: LayerParts, before: Sequence[Affine] = ()) -> Tensor:
    """What the second half adds, with a further map before its two."""
    n = _through(before, normalised(x, parts.norm2))
    return F.linear(parts.activation(F.linear(n, *parts.fc1)), *parts.fc2)


def _through(maps: Sequence[Affine], x: Tensor) -> Tensor:
    for one in maps[:1]:
        x = F.linear(x, *one)
    return x


def _mapped_before_attention(x: Tensor, parts: LayerParts, further: Sequence[Affine]) -> Tensor:
    x = x + _attended(x, parts, before=further)
    return x + _hidden(x, parts)


def _mapped_heads(x: Tensor, parts: LayerParts, further: Sequence[Affine]) -> Tensor:
    x = x + _attended(x, parts, between=further)
    return x + _hidden(x, parts)


def _mapped_after_projection(x: Tensor, parts: LayerParts, further: Sequence[Affine]) -> Tensor:
    x = x + _through(further, _attended(x, parts))
    return x + _hidden(x, parts)


def _mapped_before_mlp(x: Tensor, parts: LayerParts, further: Sequence[Affine]) -> Tensor:
    x = x + _attended(x, parts)
    return x + _hidden(x, parts, before=further)


def _mapped_after_mlp(x: Tensor, parts: LayerParts, further: Sequence[Affine]) -> Tensor:
    x = x + _attended(x, parts)
    return x + _through(further, _hidden(x, parts))


def _joined(attention: bool, mlp: bool, *, last: bool = False) -> Formula:
    """x and what a half gives stand side by side, x `last` or first, and a map of 2 * dim to dim joins them."""

    def merged(x: Tensor, added: Tensor, maps: Sequence[Affine]) -> Tensor:
        return F.linear(torch.cat([added, x] if last else [x, added], dim=-1), *maps[0])

    def formula(x: Tensor, parts: LayerParts, further: Sequence[Affine]) -> Tensor:
        added = _attended(x, parts)
        x = merged(x, added, further) if attention else x + added
        added = _hidden(x, parts)
        return merged(x, added, further[attention:]) if mlp else x + added

    return formula


_ORDER = "compare your call of Attention with its arguments: Attention(dim, heads, dim_head, dropout)"
_WIDTH = "the MLP maps dim to mlp_dim and back; both are arguments of __init__"

_SIDE = "handout 4(b) puts the heads' outputs side by side, (batch, tokens, heads * dim_head), and projects them to dim"
_ONE_MAP = "the attention block of handout 4(b) has one linear map beside those of its heads: the projection to dim"
_TWO_MAPS = "handout 4(b): the MLP has two linear maps"
_ADDED = "a residual connection adds x and what a block gives, number by number: no map is needed there"

RESHAPED = (
    Reshaped("heads-exchanged", "with heads and dim_head exchanged in the call of Attention", _ORDER, "attention", _made(lambda c: c.dim_head, lambda c: c.heads)),
    Reshaped("dim-over-heads", "with dim // heads features a head instead of dim_head", "dim_head is an argument of __init__: was it used?", "attention", _made(lambda c: c.heads, lambda c: c.dim // c.heads)),
    Reshaped("heads-of-dim", "with dim features a head instead of dim_head", "dim_head is an argument of __init__: was it used?", "attention", _made(lambda c: c.heads, lambda c: c.dim)),
    Reshaped("heads-by-division", "with dim // dim_head heads instead of heads", "heads is an argument of __init__: was it used?", "attention", _made(lambda c: c.dim // c.dim_head, lambda c: c.dim_head)),
    Reshaped("one-wide-head", "with one head of heads * dim_head features instead of heads of dim_head", _ORDER, "attention", _made(lambda c: 1, lambda c: c.heads * c.dim_head)),
    Reshaped("one-head", "with one head of dim_head features", "heads is an argument of __init__: was it used?", "attention", _made(lambda c: 1, lambda c: c.dim_head)),
    Reshaped("gate", "with a gate in the MLP: two maps of dim to mlp_dim, whose features are multiplied", "Figure 1 has a plain MLP: linear, activation, linear", "mlp", further="mlp_dim x dim", formula=_gated),
    Reshaped("gate-in-one", "with a gate in the MLP: its first map has 2 * mlp_dim features, and one half of them multiplies the other", "Figure 1 has a plain MLP: linear, activation, linear", "mlp", further="mlp_dim x dim", split=True, formula=_gated),
    Reshaped("width-dim", "with an MLP of dim features instead of mlp_dim", _WIDTH, "mlp", _wide(lambda c: c.dim)),
    Reshaped("one-map", "with an MLP of one linear map, dim to dim, where two belong", _WIDTH, "mlp", _wide(lambda c: c.dim), identity=True),
    Reshaped("tied-maps", "with one matrix for both maps of the MLP, transposed for the second", "each of the two linear maps of the MLP has weights of its own", "mlp", tied=True),
    Reshaped("three-maps", "with a third linear map in the MLP, mlp_dim to mlp_dim", "handout 4(b): the MLP has two linear maps", "mlp", further="mlp_dim x mlp_dim", formula=_deeper),
    Reshaped("width-4-dim", "with an MLP of 4 * dim features instead of mlp_dim", _WIDTH, "mlp", _wide(lambda c: 4 * c.dim)),
    Reshaped("width-2-dim", "with an MLP of 2 * dim features instead of mlp_dim", _WIDTH, "mlp", _wide(lambda c: 2 * c.dim)),
    Reshaped("width-inner", "with an MLP of heads * dim_head features instead of mlp_dim", _WIDTH, "mlp", _wide(lambda c: c.heads * c.dim_head)),
    Reshaped("width-2-mlp", "with an MLP of 2 * mlp_dim features instead of mlp_dim", _WIDTH, "mlp", _wide(lambda c: 2 * c.mlp_dim)),
    Reshaped("width-4-mlp", "with an MLP of 4 * mlp_dim features instead of mlp_dim", _WIDTH, "mlp", _wide(lambda c: 4 * c.mlp_dim)),
    Reshaped("width-half-mlp", "with an MLP of mlp_dim // 2 features instead of mlp_dim", _WIDTH, "mlp", _wide(lambda c: c.mlp_dim // 2)),
    Reshaped("heads-added", "with the heads' outputs added up instead of side by side", _SIDE, "attention", joined=lambda c: 1.0),
    Reshaped("heads-averaged", "with the mean of the heads' outputs instead of all of them side by side", _SIDE, "attention", joined=lambda c: 1 / c.heads),
    Reshaped("one-head-for-all", "with one head in the places of all of them, its output repeated", "each head has projections of its own: are so many made, or is one taken `heads` times, as [head] * heads does?", "attention", _made(lambda c: 1, lambda c: c.dim_head), repeated=True),
    Reshaped("map-after-projection", "with one more linear map after the projection, dim to dim", _ONE_MAP, "attention", further="dim x dim", formula=_mapped_after_projection),
    Reshaped("map-of-heads", "with one more linear map between the heads and the projection", _ONE_MAP, "attention", further="inner x inner", formula=_mapped_heads),
    Reshaped("map-before-attention", "with one more linear map before the attention, dim to dim", _ONE_MAP, "attention", further="dim x dim", formula=_mapped_before_attention),
    Reshaped("map-after-mlp", "with a third linear map after the MLP, dim to dim", _TWO_MAPS, "mlp", further="dim x dim", formula=_mapped_after_mlp),
    Reshaped("map-before-mlp", "with a third linear map before the MLP, dim to dim", _TWO_MAPS, "mlp", further="dim x dim", formula=_mapped_before_mlp),
    Reshaped("joined-attention", "with x and what the attention half gives side by side, and mapped back to dim, where they are added up", _ADDED, "attention", further="dim x two_dim", formula=_joined(True, False)),
    Reshaped("joined-mlp", "with the first sum and what the MLP gives side by side, and mapped back to dim, where they are added up", _ADDED, "mlp", further="dim x two_dim", formula=_joined(False, True)),
    Reshaped("joined-both", "with x and what a half gives side by side, and mapped back to dim, where they are added up, in both halves", _ADDED, "", further="dim x two_dim", formula=_joined(True, True)),
    Reshaped("joined-attention-last", "with what the attention half gives and x side by side, and mapped back to dim, where they are added up", _ADDED, "attention", further="dim x two_dim", formula=_joined(True, False, last=True)),
    Reshaped("joined-mlp-last", "with what the MLP gives and the first sum side by side, and mapped back to dim, where they are added up", _ADDED, "mlp", further="dim x two_dim", formula=_joined(False, True, last=True)),
    Reshaped("joined-both-last", "with what a half gives and x side by side, and mapped back to dim, where they are added up, in both halves", _ADDED, "", further="dim x two_dim", formula=_joined(True, True, last=True)),
)  # fmt: skip
