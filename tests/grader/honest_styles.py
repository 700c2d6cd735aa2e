"""Honest solutions in many hands: every one of these is right, and must get full marks (values, dropout, gradients).

`ATTENTION` and `LAYERS` map a name to the text of the class and its helpers, without the imports of `IMPORTS`.
"""

IMPORTS = (
    "import math\nimport torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nfrom einops import rearrange\n"
)

_HEAD = """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
"""
_SEPARATE = (
    _HEAD
    + """
        self.to_q = nn.Linear(input_dim, inner_dim, bias=False)
        self.to_k = nn.Linear(input_dim, inner_dim, bias=False)
        self.to_v = nn.Linear(input_dim, inner_dim, bias=False)
        self.softmax = nn.Softmax(dim=-1)
        self.dropout = nn.Dropout(dropout)
        self.scale = inner_dim ** -0.5

    def forward(self, x):
        q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)
"""
)

ATTENTION = {
    "plain": _SEPARATE + "        return self.dropout(self.softmax(q @ k.transpose(-2, -1) * self.scale)) @ v\n",
    "dropout on the output": _SEPARATE
    + "        return self.dropout(self.softmax(q @ k.transpose(1, 2) / math.sqrt(k.shape[-1])) @ v)\n",
    "einsum": _SEPARATE
    + """        scores = torch.einsum('bqd,bkd->bqk', q, k) * self.scale
        return torch.einsum('bqk,bkd->bqd', self.dropout(scores.softmax(-1)), v)
""",
    "softmax by hand, stable": _SEPARATE
    + """        s = torch.matmul(q, k.permute(0, 2, 1)) * self.scale
        e = torch.exp(s - s.max(dim=-1, keepdim=True).values)
        return torch.bmm(self.dropout(e / e.sum(-1, keepdim=True)), v)
""",
    "scaled query first": _SEPARATE + "        return self.dropout(torch.softmax((q * self.scale) @ k.mT, 2)) @ v\n",
    "keys first, columns": _SEPARATE
    + """        s = k @ q.transpose(1, 2) * self.scale  # (batch, keys, queries)
        a = nn.Softmax(dim=1)(s)
        return self.dropout(a).transpose(1, 2) @ v
""",
    "loop over the batch": _SEPARATE
    + """        outs = []
        for i in range(x.shape[0]):
            a = torch.softmax(q[i] @ k[i].T * self.scale, dim=1)
            outs.append(self.dropout(a) @ v[i])
        return torch.stack(outs)
""",
    "loop over the queries": _SEPARATE
    + """        rows = []
        for t in range(x.size(1)):
            s = (q[:, t:t + 1] * k).sum(-1) * self.scale
            w = self.dropout(torch.softmax(s, dim=-1))
            rows.append((w.unsqueeze(-1) * v).sum(1))
        return torch.stack(rows, dim=1)
""",
    "in-place scaling": _SEPARATE
    + """        s = torch.bmm(q, k.transpose(1, 2))
        s /= math.sqrt(q.size(-1))
        return torch.bmm(self.dropout(self.softmax(s)), v)
""",
    "returns a tuple": _SEPARATE
    + "        a = self.softmax(q @ k.transpose(-2, -1) * self.scale)\n        return self.dropout(a) @ v, a\n",
    "prints and warns": _SEPARATE
    + """        import warnings
        print('shapes', q.shape, k.shape)
        warnings.warn('just saying')
        return self.dropout(self.softmax(q @ k.transpose(-2, -1) * self.scale)) @ v
""",
    "einops": _SEPARATE
    + "        return self.dropout(self.softmax(q @ rearrange(k, 'b t d -> b d t') * self.scale)) @ v\n",
    "double precision inside": _SEPARATE
    + """        a = torch.softmax(q.double() @ k.double().transpose(-2, -1) * self.scale, -1)
        return (self.dropout(a) @ v.double()).float()
""",
    "fused, chunk": _HEAD
    + """
        self.qkv = nn.Linear(input_dim, 3 * inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)
        self.d = inner_dim

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        return self.drop(torch.softmax(q @ k.transpose(-2, -1) / self.d ** 0.5, dim=-1)) @ v
""",
    "fused, order v k q by split": _HEAD
    + """
        self.proj = nn.Linear(input_dim, 3 * inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)
        self.inner = inner_dim

    def forward(self, x):
        v, k, q = torch.split(self.proj(x), self.inner, dim=-1)
        return self.drop(torch.softmax(q @ k.transpose(-2, -1) / self.inner ** 0.5, dim=-1)) @ v
""",
    "fused, interleaved": _HEAD
    + """
        self.to_qkv = nn.Linear(input_dim, 3 * inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        q, k, v = rearrange(self.to_qkv(x), 'b t (d three) -> three b t d', three=3)
        return self.drop(torch.softmax(q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5, dim=-1)) @ v
""",
    "fused, view and unbind": _HEAD
    + """
        self.to_qkv = nn.Linear(input_dim, 3 * inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        b, t, _ = x.shape
        q, k, v = self.to_qkv(x).view(b, t, 3, -1).unbind(2)
        return self.drop(torch.softmax(q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5, dim=-1)) @ v
""",
    "kv fused": _HEAD
    + """
        self.to_kv = nn.Linear(input_dim, inner_dim * 2, bias=False)
        self.to_q = nn.Linear(input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        k, v = self.to_kv(x).chunk(2, dim=-1)
        q = self.to_q(x)
        return self.drop(torch.softmax(q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5, dim=-1)) @ v
""",
    "odd names and order": _HEAD
    + """
        self.a = nn.Linear(input_dim, inner_dim, bias=False)
        self.b = nn.Linear(input_dim, inner_dim, False)
        self.c = nn.Linear(input_dim, inner_dim, bias=False)
        self.p = dropout

    def forward(self, x):
        weights = torch.softmax(self.c(x) @ self.a(x).transpose(-2, -1) / self.a.out_features ** 0.5, dim=-1)
        return torch.dropout(weights, self.p, self.training) @ self.b(x)
""",
    "an unused layer": _SEPARATE.replace(
        "        self.softmax =",
        "        self.unused = nn.Linear(input_dim, inner_dim, bias=False)\n        self.softmax =",
    )
    + "        return self.dropout(self.softmax(q @ k.transpose(-2, -1) * self.scale)) @ v\n",
    "helper function and constant": "NEG_HALF = -0.5\n\n\ndef attend(q, k, v, drop):\n"
    "    return drop(torch.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** NEG_HALF, dim=-1)) @ v\n"
    + _SEPARATE
    + "        return attend(q, k, v, self.dropout)\n",
    "annotations and keyword defaults": """
from typing import Optional
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim: int, inner_dim: int, dropout: float = 0., scale: Optional[float] = None) -> None:
        super(SingleHeadAttention, self).__init__()
        self.query, self.key, self.value = (nn.Linear(input_dim, inner_dim, bias=False) for _ in range(3))
        self.drop = nn.Dropout(p=dropout)
        self.scale = scale or 1.0 / math.sqrt(inner_dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        attn = torch.softmax(self.query(x).matmul(self.key(x).transpose(-1, -2)).mul(self.scale), dim=-1)
        return self.drop(attn).matmul(self.value(x))
""",
}

_LAYER = """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
"""
_PARTS = (
    _LAYER
    + """
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
"""
)

LAYERS = {
    "plain GELU": _PARTS
    + """        x = x + self.drop(self.proj(self.attn(self.norm1(x))))
        return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))
""",
    "ReLU": _PARTS
    + """        x = self.drop(self.proj(self.attn(self.norm1(x)))) + x
        return self.drop(self.fc2(self.drop(torch.relu(self.fc1(self.norm2(x)))))) + x
""",
    "SiLU": _PARTS
    + """        x = x + self.drop(self.proj(self.attn(self.norm1(x))))
        return x + self.drop(self.fc2(self.drop(F.silu(self.fc1(self.norm2(x))))))
""",
    "tanh-GELU": _PARTS
    + """        x = x + self.drop(self.proj(self.attn(self.norm1(x))))
        return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x)), approximate='tanh'))))
""",
    "dropout before the projection": _PARTS
    + """        x = x + self.proj(self.drop(self.attn(self.norm1(x))))
        return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))
""",
    "dropout only inside Attention": _PARTS
    + """        x = x + self.proj(self.attn(self.norm1(x)))
        return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))
""",
    "norms named in the other order": _PARTS
    + """        x = x + self.drop(self.proj(self.attn(self.norm2(x))))
        return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm1(x))))))
""",
    "functional layer_norm": _LAYER
    + """
        self.dim = dim
        self.attn = Attention(dim=dim, heads=heads, dim_head=dim_head, dropout=dropout)
        self.proj = nn.Linear(heads * dim_head, dim, bias=False)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(mlp_dim, dim), nn.Dropout(dropout))

    def forward(self, x):
        x = x + self.proj(self.attn(F.layer_norm(x, (self.dim,))))
        return x + self.mlp(F.layer_norm(x, x.shape[-1:]))
""",
    "no affine": _LAYER
    + """
        self.norm = nn.LayerNorm(dim, elementwise_affine=False)
        self.attn = nn.Sequential(Attention(dim, heads, dim_head, dropout), nn.Linear(heads * dim_head, dim), nn.Dropout(dropout))
        self.mlp = nn.Sequential(nn.Linear(dim, mlp_dim), nn.ReLU(), nn.Dropout(dropout), nn.Linear(mlp_dim, dim), nn.Dropout(dropout))

    def forward(self, x):
        x = x + self.attn(self.norm(x))
        return x + self.mlp(self.norm(x))
""",
    "PreNorm and Residual helpers": """
class PreNorm(nn.Module):
    def __init__(self, dim, fn):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fn = fn

    def forward(self, x, **kwargs):
        return self.fn(self.norm(x), **kwargs)


class Residual(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x):
        return self.fn(x) + x


class FeedForward(nn.Module):
    def __init__(self, dim, hidden_dim, dropout=0.):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(dim, hidden_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden_dim, dim), nn.Dropout(dropout))

    def forward(self, x):
        return self.net(x)
"""
    + _LAYER
    + """
        attention = nn.Sequential(Attention(dim, heads, dim_head, dropout), nn.Linear(heads * dim_head, dim), nn.Dropout(dropout))
        self.layers = nn.Sequential(Residual(PreNorm(dim, attention)), Residual(PreNorm(dim, FeedForward(dim, mlp_dim, dropout))))

    def forward(self, x):
        return self.layers(x)
""",
    "ModuleDict": _LAYER
    + """
        self.m = nn.ModuleDict({
            'ln_mlp': nn.LayerNorm(dim), 'ln_att': nn.LayerNorm(dim), 'down': nn.Linear(mlp_dim, dim),
            'up': nn.Linear(dim, mlp_dim), 'att': Attention(dim, heads, dim_head, dropout), 'out': nn.Linear(heads * dim_head, dim)})
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        m, drop = self.m, self.drop
        x = x + drop(m['out'](m['att'](m['ln_att'](x))))
        return x + drop(m['down'](drop(F.gelu(m['up'](m['ln_mlp'](x))))))
""",
    "heads made by hand": _LAYER
    + """
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.heads = nn.ModuleList([SingleHeadAttention(dim, dim_head, dropout) for _ in range(heads)])
        self.proj = nn.Linear(heads * dim_head, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(mlp_dim, dim), nn.Dropout(dropout))

    def forward(self, x):
        h = self.norm1(x)
        x = x + self.proj(torch.cat([head(h) for head in self.heads], dim=-1))
        return x + self.mlp(self.norm2(x))
""",
    "own LayerNorm with gamma and beta": """
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))
        self.beta = nn.Parameter(torch.zeros(dim))
        self.eps = eps

    def forward(self, x):
        mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, unbiased=False)
        return (x - mean) / torch.sqrt(var + self.eps) * self.gamma + self.beta
"""
    + _PARTS.replace("nn.LayerNorm", "LayerNorm")
    + """        x = x + self.drop(self.proj(self.attn(self.norm1(x))))
        return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))
""",
    "in place on a new tensor": _PARTS
    + """        y = self.drop(self.proj(self.attn(self.norm1(x))))
        y += x
        z = self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(y))))))
        return z.add_(y)
""",
    "sub-class of a helper base": """
class Block(nn.Module):
    def residual(self, x, fn):
        return x + fn(x)


class ViTLayer(Block):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.one = nn.Sequential(nn.LayerNorm(dim), Attention(dim, heads, dim_head), nn.Linear(heads * dim_head, dim), nn.Dropout(dropout))
        self.two = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, mlp_dim), nn.ReLU(inplace=True), nn.Dropout(dropout), nn.Linear(mlp_dim, dim), nn.Dropout(dropout))

    def forward(self, x):
        return self.residual(self.residual(x, self.one), self.two)
""",
}
