"""Cases: seeds and sizes, drawn so that no swapped axis and no shared size can pass by luck.

Sizes within one case are all different, and none of 2 or 3 times another (a fused q/k/v must not look like anything
else). Everything is a pure function of the seed.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import torch
from torch import Tensor

from autograder.core.policy_fit import ARGUMENTS


class AttentionCase(msgspec.Struct, frozen=True):
    """One input of question 4(a): x is (batch, tokens, input_dim), the output (batch, tokens, inner_dim)."""

    seed: int
    batch: int
    tokens: int
    input_dim: int
    inner_dim: int
    dropout: float = 0.0

    @property
    def kwargs(self) -> dict[str, object]:
        """The arguments of the class's __init__, by the template's names."""
        return {name: getattr(self, name) for name in ARGUMENTS["4a"]}

    @property
    def output_shape(self) -> tuple[int, ...]:
        """(batch, tokens, inner_dim)"""
        return (self.batch, self.tokens, self.inner_dim)

    def x(self, *, stretch: float = 1.0) -> Tensor:
        """The input, (batch, tokens, input_dim), standard normal times `stretch`."""
        return normal(self.seed, self.batch, self.tokens, self.input_dim) * stretch


class LayerCase(msgspec.Struct, frozen=True):
    """One input of question 4(b): x and the output are (batch, tokens, dim)."""

    seed: int
    batch: int
    tokens: int
    dim: int
    heads: int
    dim_head: int
    mlp_dim: int
    dropout: float = 0.0

    @property
    def kwargs(self) -> dict[str, object]:
        """The arguments of the class's __init__, by the template's names."""
        return {name: getattr(self, name) for name in ARGUMENTS["4b"]}

    @property
    def output_shape(self) -> tuple[int, ...]:
        """(batch, tokens, dim)"""
        return (self.batch, self.tokens, self.dim)

    def x(self, *, stretch: float = 1.0) -> Tensor:
        """The input, (batch, tokens, dim), standard normal times `stretch`."""
        return normal(self.seed, self.batch, self.tokens, self.dim) * stretch


class ModelCase(msgspec.Struct, frozen=True):
    """A whole ViT of question 4(c), around the student's layers."""

    seed: int
    patch_size: int
    dim: int
    depth: int
    heads: int
    dim_head: int
    mlp_dim: int
    dropout: float = 0.0
    emb_dropout: float = 0.0

    @property
    def kwargs(self) -> dict[str, object]:
        """The arguments of the class's __init__, by the template's names."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if name != "seed"}


# (batch, tokens, input_dim, inner_dim): primes, all different; inner_dim on both sides of input_dim and of tokens.
ATTENTION_SIZES = ((2, 5, 11, 7), (3, 13, 7, 17), (4, 3, 13, 5), (3, 11, 19, 13))
# (batch, tokens, dim, heads, dim_head, mlp_dim): dim, heads*dim_head and mlp_dim all different, none a small multiple.
LAYER_SIZES = ((2, 5, 11, 3, 7, 17), (3, 7, 13, 2, 5, 31), (4, 3, 17, 5, 3, 29), (3, 11, 7, 2, 13, 19))

# What is wrong for no prime: even and composite sizes, all features as many as x has, d_k as many as tokens; and the
# notebook's own model, of one batch. Roles are told by the others; here they have to hold.
EVERYDAY_ATTENTION = ((2, 6, 8, 6), (32, 17, 64, 64))
EVERYDAY_LAYER = ((2, 4, 12, 3, 4, 24), (32, 17, 64, 8, 64, 128))

Size = TypeVar("Size")


def _sizes(usual: Sequence[Size], everyday: Sequence[Size], count: int) -> list[Size]:
    """So many sizes, the usual ones in turn; the last ones everyday's."""
    first = [usual[i % len(usual)] for i in range(count - len(everyday))]
    return [*first, *everyday]


def attention_cases(
    seed: int, count: int, *, dropout: float = 0.0, everyday: bool = False
) -> tuple[AttentionCase, ...]:
    """`count` cases of 4(a), of different sizes, each with a seed of its own; with `everyday`, two sizes as in use."""
    seeds = random.Random(seed).sample(range(1, 2**31), count)
    sizes = _sizes(ATTENTION_SIZES, EVERYDAY_ATTENTION if everyday else ATTENTION_SIZES[:0], count)
    return tuple(AttentionCase(s, *size, dropout=dropout) for s, size in zip(seeds, sizes))


def layer_cases(seed: int, count: int, *, dropout: float = 0.0, everyday: bool = False) -> tuple[LayerCase, ...]:
    """`count` cases of 4(b), of different sizes, each with a seed of its own; with `everyday`, two sizes as in use."""
    seeds = random.Random(seed).sample(range(1, 2**31), count)
    sizes = _sizes(LAYER_SIZES, EVERYDAY_LAYER if everyday else LAYER_SIZES[:0], count)
    return tuple(LayerCase(s, *size, dropout=dropout) for s, size in zip(seeds, sizes))


class Cases:
    """The fixture `cases`: `cases.attention(4)`, `cases.layer(3, dropout=0.5)`, the same ones for the same seed."""

    def __init__(self, seed: int, own: Mapping[str, int] | None = None) -> None:
        self._seed = seed
        self._own: Any = own or {}

    def at(self, own: Mapping[str, int]) -> Cases:
        """The same cases, these sizes of theirs as given."""
        return Cases(self._seed, own)

    def attention(self, count: int, *, dropout: float = 0.0, everyday: bool = False) -> tuple[AttentionCase, ...]:
        """`count` cases of 4(a), see `attention_cases`."""
        drawn = attention_cases(self._seed, count, dropout=dropout, everyday=everyday)
        return tuple(msgspec.structs.replace(case, **self._own) for case in drawn)

    def layer(self, count: int, *, dropout: float = 0.0, everyday: bool = False) -> tuple[LayerCase, ...]:
        """`count` cases of 4(b), see `layer_cases`."""
        drawn = layer_cases(self._seed, count, dropout=dropout, everyday=everyday)
        return tuple(msgspec.structs.replace(case, **self._own) for case in drawn)


def normal(seed: int, *shape: int) -> Tensor:
    """Standard normal float32 numbers of the seed, whatever else is random in this process."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float32)
