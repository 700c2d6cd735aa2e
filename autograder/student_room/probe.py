"""Probe heads: what stands for `SingleHeadAttention` while the encoder layer of question 4(b) is judged.

A probe mixes the tokens by a random matrix and projects by another, both drawn from a seed that the trusted room
chose. It is no attention, so nothing of the solution is lent to the student's process, and a wrong 4(a) costs nothing
in 4(b). The trusted room computes the same mixing from the same seed (`mix` is pure), so it never asks the child.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn


def mix(x: Tensor, seed: int, head: int, inner_dim: int) -> Tensor:
    """Head `head`'s random token mixing: x (batch, tokens, dim) -> (batch, tokens, inner_dim), in x's dtype."""
    across_tokens, across_features = mixing(seed, head, *x.shape[-2:], inner_dim)
    mixed: Tensor = across_tokens.to(x.dtype) @ x @ across_features.to(x.dtype)
    return mixed


@functools.lru_cache(256)
def mixing(seed: int, head: int, tokens: int, dim: int, inner_dim: int) -> tuple[Tensor, Tensor]:
    """The two matrices of a head, (tokens, tokens) and (dim, inner_dim), float64. Drawn once, used for many trials.

    A negative seed gives plain heads, for examples by hand: the mean over the tokens of the first feature, or, with the
    seed -2, of one feature after the other.
    """
    if seed < 0:
        picked = torch.zeros(dim, inner_dim, dtype=torch.float64)
        picked[head % dim if seed == -2 else 0] = 1.0
        return torch.full((tokens, tokens), 1 / tokens, dtype=torch.float64), picked
    generator = torch.Generator().manual_seed(seed * 1009 + head)
    across_tokens = torch.randn(tokens, tokens, generator=generator, dtype=torch.float64) / tokens**0.5
    return across_tokens, torch.randn(dim, inner_dim, generator=generator, dtype=torch.float64) / dim**0.5


class Counter:
    """How many probe heads were made and called: a hint for messages, never evidence (the student's room has it)."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.made = 0
        self.calls = 0


def probe_class(counter: Counter, *, answers_tuple: bool = False) -> type[nn.Module]:
    """A `SingleHeadAttention` look-alike whose n-th instance is head n of `mix`. It has no parameters.

    `answers_tuple`: it answers (output, weights of the tokens), as heads of one's own may.
    """

    class SingleHeadAttention(nn.Module):
        def __init__(self, input_dim: int, inner_dim: int, dropout: float = 0.0) -> None:
            super().__init__()
            self.inner_dim = inner_dim
            self.head = counter.made
            self.dropout = nn.Dropout(dropout)
            counter.made += 1

        def __deepcopy__(self, memo: object) -> nn.Module:
            """A head of its own, as a deep copy of a real one is: with a number of its own."""
            copied = type(self)(0, self.inner_dim, self.dropout.p)
            return copied.train(self.training)

        def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
            """x: (batch, tokens, input_dim) -> (batch, tokens, inner_dim), perhaps with (batch, tokens, tokens)"""
            counter.calls += 1
            mixed: Tensor = self.dropout(mix(x, counter.seed, self.head, self.inner_dim))
            if not answers_tuple:
                return mixed
            weights = mixing(counter.seed, self.head, *x.shape[-2:], self.inner_dim)[0].to(x.dtype)
            return mixed, weights.expand(x.shape[0], -1, -1)

    return SingleHeadAttention
