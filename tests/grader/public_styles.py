"""Layers of 4(b) as public ViTs write them, whole: right ones, and each with one realistic mistake.

Why separate: `generated_styles` combines choices and `odd_styles` looks for rare ones; these are spellings that a student
copies from, with all their wrappers, names and arguments.
"""

from __future__ import annotations

from collections.abc import Mapping

STYLES: Mapping[str, str] = {
    "timm": """
from functools import partial

class Mlp(nn.Module):
    def __init__(self, in_features, hidden_features=None, out_features=None, act_layer=nn.GELU, drop=0.):
        super().__init__()
        out_features = out_features or in_features
        hidden_features = hidden_features or in_features
        drop_probs = (drop, drop)
        self.fc1 = nn.Linear(in_features, hidden_features)
        self.act = act_layer()
        self.drop1 = nn.Dropout(drop_probs[0])
        self.norm = nn.Identity()
        self.fc2 = nn.Linear(hidden_features, out_features)
        self.drop2 = nn.Dropout(drop_probs[1])

    def forward(self, x):
        x = self.fc1(x)
        x = self.act(x)
        x = self.drop1(x)
        x = self.norm(x)
        x = self.fc2(x)
        x = self.drop2(x)
        return x

class MHA(nn.Module):
    def __init__(self, dim, num_heads, head_dim, qkv_bias=False, attn_drop=0., proj_drop=0.):
        super().__init__()
        self.num_heads = num_heads
        self.head_dim = head_dim
        self.scale = head_dim ** -0.5
        self.qkv = nn.Linear(dim, num_heads * head_dim * 3, bias=qkv_bias)
        self.q_norm, self.k_norm = nn.Identity(), nn.Identity()
        self.attn_drop = nn.Dropout(attn_drop)
        self.proj = nn.Linear(num_heads * head_dim, dim)
        self.proj_drop = nn.Dropout(proj_drop)

    def forward(self, x):
        B, N, C = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, self.head_dim).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        q, k = self.q_norm(q), self.k_norm(k)
        q = q * self.scale
        attn = q @ k.transpose(-2, -1)
        attn = attn.softmax(dim=-1)
        attn = self.attn_drop(attn)
        x = attn @ v
        x = x.transpose(1, 2).reshape(B, N, self.num_heads * self.head_dim)
        return self.proj_drop(self.proj(x))

class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0., norm_layer=partial(nn.LayerNorm, eps=1e-6)):
        super().__init__()
        self.norm1 = norm_layer(dim)
        self.attn = MHA(dim, heads, dim_head, attn_drop=dropout, proj_drop=dropout)
        self.ls1 = nn.Identity()
        self.drop_path1 = nn.Identity()
        self.norm2 = norm_layer(dim)
        self.mlp = Mlp(in_features=dim, hidden_features=mlp_dim, drop=dropout)
        self.ls2 = nn.Identity()
        self.drop_path2 = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.drop_path1(self.ls1(self.attn(self.norm1(x))))
        x = x + self.drop_path2(self.ls2(self.mlp(self.norm2(x))))
        return x
""",
    "lucidrains": """
class FeedForward(nn.Module):
    def __init__(self, dim, hidden_dim, dropout = 0.):
        super().__init__()
        self.net = nn.Sequential(
            nn.LayerNorm(dim),
            nn.Linear(dim, hidden_dim),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_dim, dim),
            nn.Dropout(dropout)
        )
    def forward(self, x):
        return self.net(x)

class Att(nn.Module):
    def __init__(self, dim, heads = 8, dim_head = 64, dropout = 0.):
        super().__init__()
        inner_dim = dim_head *  heads
        project_out = not (heads == 1 and dim_head == dim)
        self.heads = heads
        self.scale = dim_head ** -0.5
        self.norm = nn.LayerNorm(dim)
        self.attend = nn.Softmax(dim = -1)
        self.dropout = nn.Dropout(dropout)
        self.to_qkv = nn.Linear(dim, inner_dim * 3, bias = False)
        self.to_out = nn.Sequential(
            nn.Linear(inner_dim, dim),
            nn.Dropout(dropout)
        ) if project_out else nn.Identity()

    def forward(self, x):
        x = self.norm(x)
        qkv = self.to_qkv(x).chunk(3, dim = -1)
        q, k, v = map(lambda t: rearrange(t, 'b n (h d) -> b h n d', h = self.heads), qkv)
        dots = torch.matmul(q, k.transpose(-1, -2)) * self.scale
        attn = self.attend(dots)
        attn = self.dropout(attn)
        out = torch.matmul(attn, v)
        out = rearrange(out, 'b h n d -> b n (h d)')
        return self.to_out(out)

class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout = 0.):
        super().__init__()
        self.layers = nn.ModuleList([Att(dim, heads = heads, dim_head = dim_head, dropout = dropout), FeedForward(dim, mlp_dim, dropout = dropout)])
    def forward(self, x):
        attn, ff = self.layers
        x = attn(x) + x
        x = ff(x) + x
        return x
""",
    "the annotated Transformer": """
import copy
def clones(module, N):
    return nn.ModuleList([copy.deepcopy(module) for _ in range(N)])

class LN(nn.Module):
    def __init__(self, features, eps=1e-6):
        super(LN, self).__init__()
        self.a_2 = nn.Parameter(torch.ones(features))
        self.b_2 = nn.Parameter(torch.zeros(features))
        self.eps = eps
    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        std = x.std(-1, keepdim=True, unbiased=False)
        return self.a_2 * (x - mean) / (std + self.eps) + self.b_2

class SublayerConnection(nn.Module):
    def __init__(self, size, dropout):
        super(SublayerConnection, self).__init__()
        self.norm = LN(size)
        self.dropout = nn.Dropout(dropout)
    def forward(self, x, sublayer):
        return x + self.dropout(sublayer(self.norm(x)))

def attention(query, key, value, mask=None, dropout=None):
    d_k = query.size(-1)
    scores = torch.matmul(query, key.transpose(-2, -1)) / math.sqrt(d_k)
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -1e9)
    p_attn = scores.softmax(dim=-1)
    if dropout is not None:
        p_attn = dropout(p_attn)
    return torch.matmul(p_attn, value), p_attn

class MultiHeadedAttention(nn.Module):
    def __init__(self, h, d_k, d_model, dropout=0.1):
        super(MultiHeadedAttention, self).__init__()
        self.d_k, self.h = d_k, h
        self.linears = clones(nn.Linear(d_model, h * d_k), 3)
        self.out = nn.Linear(h * d_k, d_model)
        self.attn = None
        self.dropout = nn.Dropout(p=dropout)
    def forward(self, query, key, value, mask=None):
        nbatches = query.size(0)
        query, key, value = [lin(x).view(nbatches, -1, self.h, self.d_k).transpose(1, 2) for lin, x in zip(self.linears, (query, key, value))]
        x, self.attn = attention(query, key, value, mask=mask, dropout=self.dropout)
        x = x.transpose(1, 2).contiguous().view(nbatches, -1, self.h * self.d_k)
        return self.out(x)

class PositionwiseFeedForward(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.1):
        super(PositionwiseFeedForward, self).__init__()
        self.w_1 = nn.Linear(d_model, d_ff)
        self.w_2 = nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)
    def forward(self, x):
        return self.w_2(self.dropout(self.w_1(x).relu()))

class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super(ViTLayer, self).__init__()
        self.self_attn = MultiHeadedAttention(heads, dim_head, dim, dropout)
        self.feed_forward = PositionwiseFeedForward(dim, mlp_dim, dropout)
        self.sublayer = clones(SublayerConnection(dim, dropout), 2)
        self.size = dim
    def forward(self, x, mask=None):
        x = self.sublayer[0](x, lambda x: self.self_attn(x, x, x, mask))
        return self.sublayer[1](x, self.feed_forward)
""",
    "wrappers in a Sequential": """
class Residual(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn
    def forward(self, x, **kw):
        return self.fn(x, **kw) + x
class PreNorm(nn.Module):
    def __init__(self, dim, fn):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fn = fn
    def forward(self, x, **kw):
        return self.fn(self.norm(x), **kw)
class ViTLayer(nn.Sequential):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__(
            Residual(PreNorm(dim, nn.Sequential(Attention(dim, heads, dim_head, dropout), nn.Linear(heads * dim_head, dim), nn.Dropout(dropout)))),
            Residual(PreNorm(dim, nn.Sequential(nn.Linear(dim, mlp_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(mlp_dim, dim), nn.Dropout(dropout)))),
        )
""",
    "mixins and lambdas": """
class Lambda(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f
    def forward(self, *a): return self.f(*a)
class Mixin:
    def drop_add(self, x, y): return x + self.dropout(y)
class Base(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norms = nn.ModuleDict(dict(a=nn.LayerNorm(dim), b=nn.LayerNorm(dim)))
class ViTLayer(Mixin, Base):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        Base.__init__(self, dim)
        self.attention = Attention(dim, heads, dim_head, dropout)
        self.W_O = nn.Linear(heads * dim_head, dim, bias=False)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp_dim), Lambda(lambda z: z * torch.sigmoid(z)), nn.Dropout(dropout), nn.Linear(mlp_dim, dim))
        self.dropout = nn.Dropout(dropout)
    def forward(self, x, *, mask=None, need_weights: bool = False):
        x = self.drop_add(x, self.W_O(self.attention(self.norms["a"](x))))
        x = self.drop_add(x, self.mlp(self.norms["b"](x)))
        return x
""",
    "einsum all through": """
def layer_norm(x, g, b, eps=1e-5):
    mu = x.mean(-1, keepdim=True)
    var = ((x - mu) ** 2).mean(-1, keepdim=True)
    return g * (x - mu) / (var + eps).sqrt() + b
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.heads, self.dropout_p = heads, dropout
        self.g = nn.ParameterList([nn.Parameter(torch.ones(dim)) for _ in range(2)])
        self.b = nn.ParameterList([nn.Parameter(torch.zeros(dim)) for _ in range(2)])
        self.Wqkv = nn.Parameter(torch.randn(3, heads, dim, dim_head) / dim ** 0.5)
        self.Wo = nn.Parameter(torch.randn(heads, dim_head, dim) / (heads * dim_head) ** 0.5)
        self.W1, self.b1 = nn.Parameter(torch.randn(dim, mlp_dim) / dim ** 0.5), nn.Parameter(torch.zeros(mlp_dim))
        self.W2, self.b2 = nn.Parameter(torch.randn(mlp_dim, dim) / mlp_dim ** 0.5), nn.Parameter(torch.zeros(dim))
    def drop(self, x):
        return F.dropout(x, p=self.dropout_p, training=self.training)
    def forward(self, x):
        h = layer_norm(x, self.g[0], self.b[0])
        q, k, v = torch.einsum('bnd,chde->cbhne', h, self.Wqkv)
        att = torch.einsum('bhie,bhje->bhij', q, k) / q.shape[-1] ** 0.5
        ctx = torch.einsum('bhij,bhje->bhie', F.softmax(att, dim=-1), v)
        x = x + self.drop(torch.einsum('bhie,hed->bid', ctx, self.Wo))
        h = layer_norm(x, self.g[1], self.b[1])
        h = self.drop(F.relu(h @ self.W1 + self.b1))
        return x + self.drop(h @ self.W2 + self.b2)
""",
    "a list of heads": """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super(ViTLayer, self).__init__()
        self.hs = nn.ModuleList()
        for i in range(heads):
            self.hs.append(SingleHeadAttention(dim, dim_head, dropout))
        self.post = nn.Linear(heads * dim_head, dim)
        self.ln = nn.ModuleList([nn.LayerNorm(dim) for i in range(2)])
        self.ff1, self.ff2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)
        self.act = nn.GELU(approximate='tanh')
        self.do = nn.Dropout(dropout)
    def forward(self, inp):
        y = self.ln[0](inp)
        y = torch.cat([h(y) for h in self.hs], dim=-1)
        res = inp + self.do(self.post(y))
        y = self.ln[1](res)
        y = self.do(self.ff2(self.do(self.act(self.ff1(y)))))
        return res + y
""",
}

FIRST, SECOND, ORDER = frozenset({"4b.2", "4b.4"}), frozenset({"4b.3", "4b.4"}), frozenset({"4b.4"})
ALL = FIRST | SECOND
CAT = "torch.cat([h(y) for h in self.hs], dim=-1)"

# (style, old, new, tests that are lost, words of the message, "" where nothing names it); right ones lose none
CHANGED: tuple[tuple[str, str, str, frozenset[str], str], ...] = (
    ("a list of heads", CAT, "torch.stack([h(y) for h in self.hs], dim=-1).flatten(2)", frozenset(), ""),
    ("a list of heads", "    def forward(self, inp", "    @torch.compile(disable=True)\n    def forward(self, inp", frozenset(), ""),
    ("einsum all through", "/ q.shape[-1] ** 0.5", "* (self.g[0].new_ones(1) * q.shape[-1] ** -0.5)", frozenset(), ""),
    ("timm", "nn.Identity(), nn.Identity()", "nn.LayerNorm(head_dim), nn.LayerNorm(head_dim)", FIRST, "queries and keys that go through a LayerNorm"),
    ("timm", "attn = q @ k.transpose(-2, -1)", "attn = q @ k.transpose(-2, -1) * self.scale", FIRST, "divided by d_k"),
    ("lucidrains", "heads = heads, dim_head = dim_head, dropout = dropout), F", "dropout = dropout), F", frozenset({"4b.1"}), "it is made for heads 8, dim_head 64, as in the model"),
    ("lucidrains", "x = ff(x) + x\n        return x", "x = ff(x) + x\n        return F.layer_norm(x, x.shape[-1:])", SECOND, "one more LayerNorm at the end"),
    ("the annotated Transformer", ", unbiased=False", "", frozenset({"4b.4"}), "the deviation of n - 1"),
    ("the annotated Transformer", "return x + self.dropout(sublayer(self.norm(x)))", "return self.norm(x + self.dropout(sublayer(x)))", ALL, "AFTER its residual sum"),
    ("the annotated Transformer", "x.transpose(1, 2).contiguous().view(", "x.contiguous().view(", FIRST, "joined by a reshape alone"),
    ("wrappers in a Sequential", "return self.fn(x, **kw) + x", "return x + self.fn(x, **kw) + x", ALL, "x added twice"),
    ("wrappers in a Sequential", "Residual(PreNorm(dim, nn.Seq", "PreNorm(dim, Residual(nn.Seq", ALL, "taken from the NORMALISED x"),
    ("mixins and lambdas", 'self.norms["a"](x)', 'self.norms["b"](x)', ORDER, "one LayerNorm used in both places"),
    ("mixins and lambdas", "return x + self.dropout(y)", "return (x + self.dropout(y)) / 2", ALL, "both sums multiplied by 0.5"),
    ("einsum all through", "'bhie,hed->bid', ctx,", "'bhie,hed->bid', ctx.mean(1, keepdim=True).expand_as(ctx),", FIRST, ""),
    ("einsum all through", "mean(-1, keepdim=True)", "mean(1, keepdim=True)", ALL, "a normalisation of each token"),
    ("a list of heads", CAT, "torch.cat([self.hs[0](y) for h in self.hs], dim=-1)", FIRST, ""),
    ("a list of heads", "return res + y", "return inp + y", FIRST, "taken from the layer's input"),
    ("a list of heads", "self.do(self.post(y))", "self.do(self.post(F.layer_norm(y, y.shape[-1:])))", FIRST, "between the heads and the projection"),
)  # fmt: skip
