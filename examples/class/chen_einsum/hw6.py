# -*- coding: utf-8 -*-
"""HW6, exported from Colab."""

import torch
import torch.nn.functional as F
from torch import nn

# %% 4(a)


class SingleHeadAttention(nn.Module):
    """softmax(QK^T / sqrt(d)) V with the indices written out:
    b = sample, i = query token, j = key token, d = feature."""

    def __init__(self, input_dim: int, inner_dim: int, dropout: float = 0.0):
        super().__init__()
        self.W_q = nn.Linear(input_dim, inner_dim, bias=False)
        self.W_k = nn.Linear(input_dim, inner_dim, bias=False)
        self.W_v = nn.Linear(input_dim, inner_dim, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.W_q(x), self.W_k(x), self.W_v(x)
        scores = torch.einsum("bid,bjd->bij", q, k) / q.shape[-1] ** 0.5
        weights = torch.softmax(scores, dim=-1)
        return self.dropout(torch.einsum("bij,bjd->bid", weights, v))


# %% 4(b)


class ViTLayer(nn.Module):
    def __init__(self, dim: int, heads: int, dim_head: int, mlp_dim: int, dropout: float = 0.0):
        super().__init__()
        self.dim = dim
        self.attention = Attention(dim, heads=heads, dim_head=dim_head, dropout=dropout)
        self.projection = nn.Linear(heads * dim_head, dim)
        self.hidden = nn.Linear(dim, mlp_dim)
        self.back = nn.Linear(mlp_dim, dim)
        self.dropout = nn.Dropout(dropout)

    def norm(self, x):
        return F.layer_norm(x, (self.dim,))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.dropout(self.projection(self.attention(self.norm(x))))
        h = self.dropout(F.relu(self.hidden(self.norm(x))))
        return x + self.dropout(self.back(h))
