import torch
from torch import nn

# I wanted to see the matrices as in the lecture (Q = X W_q), so no nn.Linear here


class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.0):
        super().__init__()
        self.W_q = nn.Parameter(torch.randn(input_dim, inner_dim) / input_dim**0.5)
        self.W_k = nn.Parameter(torch.randn(input_dim, inner_dim) / input_dim**0.5)
        self.W_v = nn.Parameter(torch.randn(input_dim, inner_dim) / input_dim**0.5)
        self.d = inner_dim
        self.drop = nn.Dropout(dropout)

    def forward(self, X):
        Q = X @ self.W_q
        K = X @ self.W_k
        V = X @ self.W_v
        A = torch.softmax(Q @ K.transpose(1, 2) / self.d**0.5, dim=2)
        return self.drop(A) @ V


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
