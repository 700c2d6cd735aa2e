"""More honest solutions of 4(b): other parameters, activations, places of dropout. Used by test_judging_styles."""

ENCODERS = {
    "tiny eps": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-12), nn.LayerNorm(dim, eps=1e-12)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.drop(self.proj(self.attn(self.norm1(x))))
        return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))
""",
    "one LayerNorm without bias": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, bias=False), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.drop(self.proj(self.attn(self.norm1(x))))
        return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))
""",
    "QuickGELU": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.drop(self.proj(self.attn(self.norm1(x))))
        return x + self.drop(self.fc2(self.drop((lambda z: z * torch.sigmoid(1.702 * z))(self.fc1(self.norm2(x))))))
""",
    "tanh": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.drop(self.proj(self.attn(self.norm1(x))))
        return x + self.drop(self.fc2(self.drop(torch.tanh(self.fc1(self.norm2(x))))))
""",
    "PReLU": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.act = nn.PReLU()
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.drop(self.proj(self.attn(self.norm1(x))))
        return x + self.drop(self.fc2(self.drop(self.act(self.fc1(self.norm2(x))))))
""",
    "F.dropout training": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.p = dropout

    def forward(self, x):
        d = lambda t: F.dropout(t, p=self.p, training=self.training)
        x = x + d(self.proj(self.attn(self.norm1(x))))
        return x + d(self.fc2(d(F.gelu(self.fc1(self.norm2(x))))))
""",
    "checkpoint": """from torch.utils.checkpoint import checkpoint

class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = x + checkpoint(lambda z: self.drop(self.proj(self.attn(self.norm1(z)))), x, use_reentrant=False)
        return x + checkpoint(self._mlp, x, use_reentrant=False)
    def _mlp(self, x):
        return self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))
""",
    "custom init": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.drop = nn.Dropout(dropout)
        self.apply(self._init)
    @staticmethod
    def _init(m):
        if isinstance(m, nn.Linear):
            nn.init.trunc_normal_(m.weight, std=0.02)
            if m.bias is not None:
                nn.init.constant_(m.bias, 0)
        elif isinstance(m, nn.LayerNorm):
            nn.init.constant_(m.bias, 0)
            nn.init.constant_(m.weight, 1.0)

    def forward(self, x):
        x = x + self.drop(self.proj(self.attn(self.norm1(x))))
        return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))
""",
    "heads by hand, in reverse": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.ln = nn.ModuleList([nn.LayerNorm(dim) for _ in range(2)])
        self.attention_heads = nn.ModuleList()
        for i in range(heads):
            self.attention_heads.append(SingleHeadAttention(dim, dim_head, dropout))
        self.lin = nn.ModuleList([nn.Linear(heads * dim_head, dim), nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)])
        self.drop = nn.Dropout(dropout)
    def forward(self, x):
        h = self.ln[0](x)
        x = x + self.drop(self.lin[0](torch.cat([a(h) for a in reversed(self.attention_heads)], -1)))
        return x + self.drop(self.lin[2](self.drop(F.relu(self.lin[1](self.ln[1](x))))))
""",
    "one projection a head, summed": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention_heads = nn.ModuleList(SingleHeadAttention(dim, dim_head, dropout) for _ in range(heads))
        self.outs = nn.ModuleList(nn.Linear(dim_head, dim, bias=False) for _ in range(heads))
        self.mlp = nn.Sequential(nn.Linear(dim, mlp_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(mlp_dim, dim), nn.Dropout(dropout))
    def forward(self, x):
        h = self.n1(x)
        x = x + sum(o(a(h)) for o, a in zip(self.outs, self.attention_heads))
        return x + self.mlp(self.n2(x))
""",
    "bare parameters": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.ln1_g = nn.Parameter(torch.ones(dim)); self.ln1_b = nn.Parameter(torch.zeros(dim))
        self.ln2_g = nn.Parameter(torch.ones(dim)); self.ln2_b = nn.Parameter(torch.zeros(dim))
        self.W0 = nn.Parameter(torch.randn(heads * dim_head, dim) * 0.02); self.b0 = nn.Parameter(torch.zeros(dim))
        self.W1 = nn.Parameter(torch.randn(dim, mlp_dim) * 0.02); self.b1 = nn.Parameter(torch.zeros(mlp_dim))
        self.W2 = nn.Parameter(torch.randn(mlp_dim, dim) * 0.02); self.b2 = nn.Parameter(torch.zeros(dim))
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.drop = nn.Dropout(dropout)
        self.dim = dim
    def forward(self, x):
        h = F.layer_norm(x, (self.dim,), self.ln1_g, self.ln1_b)
        x = x + self.drop(self.attn(h) @ self.W0 + self.b0)
        h = F.layer_norm(x, (self.dim,), self.ln2_g, self.ln2_b)
        return x + self.drop(self.drop(F.relu(h @ self.W1 + self.b1)) @ self.W2 + self.b2)
""",
    "own LayerNorm, gain and offset": """
class LN(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(dim))
        self.offset = nn.Parameter(torch.zeros(dim))
        self.eps = eps
    def forward(self, x):
        mu = x.mean(dim=-1, keepdim=True)
        sd = ((x - mu) ** 2).mean(-1, keepdim=True).add(self.eps).sqrt()
        return self.gain * (x - mu) / sd + self.offset

class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = LN(dim), LN(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.drop(self.proj(self.attn(self.norm1(x))))
        return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))
""",
    "own LayerNorm, shift first": """
class LN(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.b = nn.Parameter(torch.zeros(dim))
        self.k = nn.Parameter(torch.ones(dim))
    def forward(self, x):
        mu = x.mean(dim=-1, keepdim=True)
        sd = x.std(-1, keepdim=True, unbiased=False)
        return self.k * (x - mu) / (sd + 1e-6) + self.b

class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = LN(dim), LN(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.drop(self.proj(self.attn(self.norm1(x))))
        return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))
""",
    "own LayerNorm, scale alone": """
class LN(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.lam = nn.Parameter(torch.ones(dim))
    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:]) * self.lam

class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = LN(dim), LN(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.drop(self.proj(self.attn(self.norm1(x))))
        return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))
""",
    "convolutions of width 1": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.out = nn.Conv1d(heads * dim_head, dim, 1)
        self.mlp = nn.Sequential(nn.Conv1d(dim, mlp_dim, kernel_size=1), nn.GELU(), nn.Dropout(dropout), nn.Conv1d(mlp_dim, dim, kernel_size=1), nn.Dropout(dropout))
    def forward(self, x):
        x = x + self.out(self.attn(self.n1(x)).transpose(1, 2)).transpose(1, 2)
        return x + self.mlp(self.n2(x).transpose(-1, -2)).transpose(-1, -2)
""",
    "lazy linear": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.out = nn.LazyLinear(dim)
        self.mlp = nn.Sequential(nn.LazyLinear(mlp_dim), nn.GELU(), nn.Dropout(dropout), nn.LazyLinear(dim), nn.Dropout(dropout))
    def forward(self, x):
        x = x + self.out(self.attn(self.n1(x)))
        return x + self.mlp(self.n2(x))
""",
    "projection of three axes": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.w_o = nn.Parameter(torch.randn(heads, dim_head, dim) * 0.02)
        self.h = heads
        self.mlp = nn.Sequential(nn.Linear(dim, mlp_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(mlp_dim, dim), nn.Dropout(dropout))
    def forward(self, x):
        a = rearrange(self.attn(self.n1(x)), 'b t (h d) -> b t h d', h=self.h)
        x = x + torch.einsum('bthd,hdo->bto', a, self.w_o)
        return x + self.mlp(self.n2(x))
""",
    "dropout before projection": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.proj(self.drop(self.attn(self.norm1(x))))
        return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))
""",
    "dropout around the projection": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.drop(self.proj(self.drop(self.attn(self.norm1(x)))))
        return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))
""",
    "forward in float64": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        dt = x.dtype
        x = x + self.drop(self.proj(self.attn(self.norm1(x))))
        y = x.double()
        h = F.layer_norm(y, y.shape[-1:], self.norm2.weight.double(), self.norm2.bias.double())
        h = F.gelu(h @ self.fc1.weight.double().T + self.fc1.bias.double())
        return (y + self.drop(self.drop(h) @ self.fc2.weight.double().T + self.fc2.bias.double())).to(dt)
""",
    "layers that nobody uses": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, dim_head, dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.drop = nn.Dropout(dropout)
        self.extra = nn.Linear(dim, dim)
        self.norm3 = nn.LayerNorm(dim)
        self.drop_path = nn.Identity()

    def forward(self, x):
        x = x + self.drop(self.proj(self.attn(self.norm1(x))))
        return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))
""",
}
