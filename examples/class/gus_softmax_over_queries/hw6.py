import torch
import torch.nn as nn


class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.0):
        super().__init__()
        self.to_q = nn.Linear(input_dim, inner_dim, bias=False)
        self.to_k = nn.Linear(input_dim, inner_dim, bias=False)
        self.to_v = nn.Linear(input_dim, inner_dim, bias=False)
        self.softmax = nn.Softmax(dim=1)
        self.dropout = nn.Dropout(dropout)
        self.inner_dim = inner_dim

    def forward(self, x):
        q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)
        scores = torch.matmul(q, k.transpose(1, 2)) / self.inner_dim**0.5
        return torch.matmul(self.dropout(self.softmax(scores)), v)


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
