"""More honest solutions of 4(a): other ways of storing, scaling, dropping and calling. Used by test_judging_styles."""

ATTENTIONS = {
    "baddbmm": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.q = nn.Linear(input_dim, inner_dim, bias=False)
        self.k = nn.Linear(input_dim, inner_dim, bias=False)
        self.v = nn.Linear(input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)
        self.d = inner_dim

    def forward(self, x):
        q, k, v = self.q(x), self.k(x), self.v(x)
        b, t, _ = x.shape
        s = torch.baddbmm(torch.empty(b, t, t, dtype=q.dtype), q, k.transpose(1, 2), beta=0, alpha=1 / math.sqrt(self.d))
        return torch.bmm(self.drop(s.softmax(dim=2)), v)
""",
    "an optional mask": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.q = nn.Linear(input_dim, inner_dim, bias=False)
        self.k = nn.Linear(input_dim, inner_dim, bias=False)
        self.v = nn.Linear(input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)
        self.d = inner_dim

    def forward(self, x, mask=None, return_weights=False):
        q, k, v = self.q(x), self.k(x), self.v(x)
        s = q @ k.transpose(-1, -2) / self.d ** 0.5
        if mask is not None:
            s = s.masked_fill(mask == 0, -1e9)
        s = s.masked_fill(torch.zeros_like(s, dtype=torch.bool), float('-inf'))
        w = self.drop(torch.softmax(s, -1))
        out = w @ v
        return (out, w) if return_weights else out
""",
    "exp of log_softmax": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.q = nn.Linear(input_dim, inner_dim, bias=False)
        self.k = nn.Linear(input_dim, inner_dim, bias=False)
        self.v = nn.Linear(input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)
        self.d = inner_dim

    def forward(self, x):
        s = self.q(x) @ self.k(x).transpose(1, 2) / math.sqrt(self.d)
        return self.drop(torch.log_softmax(s, dim=-1).exp()) @ self.v(x)
""",
    "scale on q and on k": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.q = nn.Linear(input_dim, inner_dim, bias=False)
        self.k = nn.Linear(input_dim, inner_dim, bias=False)
        self.v = nn.Linear(input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)
        self.d = inner_dim

    def forward(self, x):
        c = self.d ** -0.25
        return self.drop(torch.softmax((self.q(x) * c) @ (self.k(x) * c).mT, dim=-1)) @ self.v(x)
""",
    "scale in a buffer": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.q = nn.Linear(input_dim, inner_dim, bias=False)
        self.k = nn.Linear(input_dim, inner_dim, bias=False)
        self.v = nn.Linear(input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)
        self.d = inner_dim
        self.register_buffer('scale', torch.sqrt(torch.FloatTensor([inner_dim])))

    def forward(self, x):
        q, k, v = self.q(x), self.k(x), self.v(x)
        return self.drop(torch.softmax(q @ k.mT / self.scale, -1)) @ v
""",
    "scripted helper": """
@torch.jit.script
def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float):
    return torch.softmax(torch.matmul(q, k.transpose(-2, -1)) * scale, dim=-1)

class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.q = nn.Linear(input_dim, inner_dim, bias=False)
        self.k = nn.Linear(input_dim, inner_dim, bias=False)
        self.v = nn.Linear(input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)
        self.d = inner_dim

    def forward(self, x):
        q, k, v = self.q(x), self.k(x), self.v(x)
        return self.drop(attend(q, k, v, self.d ** -0.5)) @ v
""",
    "compiled helper": """
@torch.compile(dynamic=True, mode='reduce-overhead')
def scores(q, k):
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, dim=-1)

class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.q = nn.Linear(input_dim, inner_dim, bias=False)
        self.k = nn.Linear(input_dim, inner_dim, bias=False)
        self.v = nn.Linear(input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)
        self.d = inner_dim

    def forward(self, x):
        q, k, v = self.q(x), self.k(x), self.v(x)
        return self.drop(scores(q, k)) @ v
""",
    "__call__ overridden": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.q = nn.Linear(input_dim, inner_dim, bias=False)
        self.k = nn.Linear(input_dim, inner_dim, bias=False)
        self.v = nn.Linear(input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)
        self.d = inner_dim

    def __call__(self, x):
        q, k, v = self.q(x), self.k(x), self.v(x)
        return self.drop(torch.softmax(q @ k.mT / self.d ** .5, -1)) @ v
""",
    "tokens first": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.q = nn.Linear(input_dim, inner_dim, bias=False)
        self.k = nn.Linear(input_dim, inner_dim, bias=False)
        self.v = nn.Linear(input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)
        self.d = inner_dim

    def forward(self, x):
        x = x.transpose(0, 1)  # (tokens, batch, dim)
        q, k, v = self.q(x), self.k(x), self.v(x)
        s = torch.einsum('ibd,jbd->bij', q, k) / self.d ** .5
        return torch.einsum('bij,jbd->bid', self.drop(s.softmax(2)), v)
""",
    "a heads axis of one": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.q = nn.Linear(input_dim, inner_dim, bias=False)
        self.k = nn.Linear(input_dim, inner_dim, bias=False)
        self.v = nn.Linear(input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)
        self.d = inner_dim

    def forward(self, x):
        q, k, v = (l(x).unsqueeze(1) for l in (self.q, self.k, self.v))
        a = self.drop(torch.softmax(torch.matmul(q, k.transpose(2, 3)) / self.d ** .5, dim=-1))
        return torch.matmul(a, v).squeeze(1)
""",
    "dropout on weights and output": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.q = nn.Linear(input_dim, inner_dim, bias=False)
        self.k = nn.Linear(input_dim, inner_dim, bias=False)
        self.v = nn.Linear(input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)
        self.d = inner_dim

    def forward(self, x):
        q, k, v = self.q(x), self.k(x), self.v(x)
        return self.drop(self.drop(torch.softmax(q @ k.mT / self.d ** .5, -1)) @ v)
""",
    "dropout by hand": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.q, self.k, self.v = [nn.Linear(input_dim, inner_dim, bias=False) for _ in 'qkv']
        self.p = dropout
    def forward(self, x):
        q, k, v = self.q(x), self.k(x), self.v(x)
        a = torch.softmax(q @ k.mT / q.size(2) ** .5, -1)
        if self.training and self.p:
            a = a * torch.bernoulli(torch.full_like(a, 1 - self.p)) / (1 - self.p)
        return a @ v
""",
    "names that mislead": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.value = nn.Linear(input_dim, inner_dim, bias=False)
        self.query = nn.Linear(input_dim, inner_dim, bias=False)
        self.key = nn.Linear(input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)
        self.d = inner_dim

    def forward(self, x):
        v, q, k = self.query(x), self.key(x), self.value(x)
        return self.drop(torch.softmax(q @ k.mT / self.d ** .5, -1)) @ v
""",
    "matrices (in, out) one below the other": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.w = nn.Linear(inner_dim, 3 * input_dim, bias=False)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        q, k, v = (x @ w for w in self.w.weight.view(3, x.shape[-1], -1))
        return self.drop(torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1)) @ v
""",
    "matrices (in, out), rows in turn": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.w = nn.Linear(inner_dim, 3 * input_dim, bias=False)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        q, k, v = (x @ self.w.weight[i::3] for i in range(3))
        return self.drop(torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1)) @ v
""",
    "matrices (out, in) side by side": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.w = nn.Linear(3 * input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        q, k, v = (x @ w.T for w in self.w.weight.chunk(3, dim=1))
        return self.drop(torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1)) @ v
""",
    "matrices (out, in), columns in turn": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.w = nn.Linear(3 * input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        q, k, v = (x @ self.w.weight[:, i::3].T for i in range(3))
        return self.drop(torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1)) @ v
""",
    "keys and values interleaved": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.kv = nn.Linear(input_dim, 2 * inner_dim, bias=False)
        self.q = nn.Linear(input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)
    def forward(self, x):
        kv = self.kv(x); k, v = kv[..., ::2], kv[..., 1::2]
        q = self.q(x)
        return self.drop(torch.softmax(q @ k.mT / q.shape[-1] ** .5, -1)) @ v
""",
}

MORE_OF_NN = {
    "one parameter of three axes": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.w = nn.Parameter(torch.randn(input_dim, 3, inner_dim) / input_dim ** 0.5)
        self.drop = nn.Dropout(dropout)
    def forward(self, x):
        q, k, v = torch.tensordot(x, self.w, dims=1).unbind(-2)
        return self.drop(torch.softmax(q @ k.mT / q.shape[-1] ** .5, -1)) @ v
""",
    "fused convolution": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.qkv = nn.Conv1d(input_dim, 3 * inner_dim, kernel_size=1, bias=False)
        self.drop = nn.Dropout(dropout)
    def forward(self, x):
        q, k, v = self.qkv(x.transpose(1, 2)).chunk(3, dim=1)   # (b, d, t)
        a = torch.softmax(q.transpose(1, 2) @ k / q.shape[1] ** .5, -1)
        return (v @ self.drop(a).transpose(1, 2)).transpose(1, 2)
""",
    "a list of layers": """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.proj = nn.ModuleList([nn.Linear(input_dim, inner_dim, bias=False) for _ in range(3)])
        self.drop = nn.Dropout(dropout)
    def forward(self, x):
        q, k, v = [p(x) for p in self.proj]
        return self.drop(torch.softmax(q @ k.mT / q.shape[-1] ** .5, -1)) @ v
""",
}
