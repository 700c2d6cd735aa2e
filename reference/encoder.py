"""Handout 4(b): one layer of the Transformer encoder, normalising before each of its two blocks (Figure 1).

    x ─┬─ norm1 ─ attention ─ projection ─ + ─┬─ norm2 ─ fc1 ─ activation ─ fc2 ─ + ─>
       └──────────────────────────────────-┘  └──────────────────────────────────-┘

`layer` is the algebra, a pure function of explicit weights and of any attention that is handed in; the module only
holds weights. Read by the trusted room alone: nothing here may ever reach the student's process.
"""

from __future__ import annotations

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from autograder.judging.code.layer_parts import LayerParts, Norm
from autograder.student_room.provided import provide
from reference.attention import SingleHeadAttention


def _multi_head() -> type[nn.Module]:
    """The notebook's `Attention` over the reference's heads."""
    namespace: dict[str, object] = {"SingleHeadAttention": SingleHeadAttention}
    provide(namespace)
    return cast("type[nn.Module]", namespace["Attention"])


Attention = _multi_head()


def normalised(x: Tensor, norm: Norm) -> Tensor:
    """Layer normalisation over the features. x: (batch, tokens, dim) -> same shape."""
    return F.layer_norm(x, x.shape[-1:], norm.gain, norm.shift, norm.eps)


def layer(x: Tensor, parts: LayerParts) -> Tensor:
    """The encoder layer without dropout. x: (batch, tokens, dim) -> (batch, tokens, dim). Source: handout 4(b)."""
    x = x + F.linear(parts.attention(normalised(x, parts.norm1)), *parts.projection)
    hidden = parts.activation(F.linear(normalised(x, parts.norm2), *parts.fc1))  # (batch, tokens, mlp_dim)
    return x + F.linear(hidden, *parts.fc2)


class ViTLayer(nn.Module):
    """What a student writes for 4(b): dropout after the attention, inside the MLP and after the MLP."""

    def __init__(self, dim: int, heads: int, dim_head: int, mlp_dim: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attention = Attention(dim, heads, dim_head, dropout)
        self.projection = nn.Linear(heads * dim_head, dim)
        self.norm2 = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, mlp_dim)
        self.fc2 = nn.Linear(mlp_dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, tokens, dim) -> (batch, tokens, dim)"""
        x = x + self.dropout(self.projection(self.attention(self.norm1(x))))
        hidden = self.dropout(F.gelu(self.fc1(self.norm2(x))))  # (batch, tokens, mlp_dim)
        transformed: Tensor = x + self.dropout(self.fc2(hidden))
        return transformed
