"""A program of ours that nobody handed in: the zygote runs it before it forks.

Why separate: it is text, and stands where programs run.
"""

# A little of everything that a solution uses, so that it is set up once, before the fork, and not in every child.
PROGRAM = """
import torch
from torch import nn

class Warm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm, self.linear, self.drop = nn.LayerNorm(dim), nn.Linear(dim, dim), nn.Dropout(0.5)
        self.mlp = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.ReLU(), nn.SiLU(), nn.Softmax(dim=-1))

    def forward(self, x):
        y = self.drop(torch.softmax(self.linear(x) @ x.transpose(-2, -1) / 2 ** 0.5, dim=-1)) @ self.norm(x)
        y = y + torch.einsum("bij,bjd->bid", torch.einsum("bid,bjd->bij", y, x), y)
        y = torch.matmul(y, self.linear.weight)
        return torch.cat([self.mlp(y), torch.stack(y.chunk(2, dim=-1)).sum(0)], dim=-1)
"""
