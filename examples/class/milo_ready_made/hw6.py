import torch
from torch import nn


class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.0):
        super().__init__()
        self.inp = nn.Linear(input_dim, inner_dim, bias=False)
        self.attention = nn.MultiheadAttention(inner_dim, num_heads=1, dropout=dropout, bias=False, batch_first=True)

    def forward(self, x):
        x = self.inp(x)
        out, _ = self.attention(x, x, x)
        return out


class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.attn = Attention(dim, heads=heads, dim_head=dim_head, dropout=dropout)
        self.out = nn.Linear(heads * dim_head, dim)
        self.mlp = nn.Sequential(
            nn.Linear(dim, mlp_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(mlp_dim, dim), nn.Dropout(dropout)
        )
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.drop(self.out(self.attn(self.norm1(x))))
        return x + self.mlp(self.norm2(x))
