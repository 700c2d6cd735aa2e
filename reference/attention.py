"""Handout 4(a): scaled dot-product attention, softmax(QKᵀ / √d_k) V, for one head.

The algebra is in pure functions of explicit tensors, in whatever dtype they come; the module only holds weights, as an
ideal student's would. Read by the trusted room alone: nothing here may ever reach the student's process.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def attention_weights(q: Tensor, k: Tensor, *, scale: float | None = None) -> Tensor:
    """Row i says how token i attends to every token j, and sums to 1.

    q, k: (..., tokens, d_k) -> (..., tokens, tokens). `scale` multiplies the scores; None means 1/√d_k (handout 4(a)).
    """
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    scores = q @ k.transpose(-2, -1) * scale  # (..., queries, keys)
    return torch.softmax(scores, dim=-1)  # over the keys


def attention(q: Tensor, k: Tensor, v: Tensor, *, scale: float | None = None) -> Tensor:
    """q, k: (..., tokens, d_k), v: (..., tokens, d_v) -> (..., tokens, d_v). Source: handout 4(a)."""
    return attention_weights(q, k, scale=scale) @ v


def multi_head(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    """The same for all heads at once, each (batch, heads, tokens, dim_head); `dim`, the size of x, plays no part."""
    return attention(q, k, v)


def single_head(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """Self-attention of x: (batch, tokens, input_dim) -> (batch, tokens, inner_dim).

    Each w: (inner_dim, input_dim), as `nn.Linear.weight` is laid out; no bias (handout 4(a)).
    """
    return attention(x @ w_q.T, x @ w_k.T, x @ w_v.T)


class SingleHeadAttention(nn.Module):
    """What a student writes for 4(a): three projections without bias, dropout on the attention weights."""

    def __init__(self, input_dim: int, inner_dim: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.w_q = nn.Linear(input_dim, inner_dim, bias=False)
        self.w_k = nn.Linear(input_dim, inner_dim, bias=False)
        self.w_v = nn.Linear(input_dim, inner_dim, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, tokens, input_dim) -> (batch, tokens, inner_dim)"""
        weights = attention_weights(self.w_q(x), self.w_k(x))  # (batch, queries, keys)
        attended: Tensor = self.dropout(weights) @ self.w_v(x)
        return attended
