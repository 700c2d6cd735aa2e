"""Right layers of 4(b) that store and use their weights in ways that few people would: each keeps every point.

Why separate: `generated_styles` combines usual choices; each of these is one that no list of choices had, written out.
A style says what it makes, how q, k and v come about ((batch, heads, tokens, dim_head) each), and what else it does
otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

I = "heads * dim_head"  # noqa: E741
SCORES = "q @ k.mT * q.shape[-1] ** -0.5"
WEIGHTS = f"torch.softmax({SCORES}, -1)"
SPLIT = "b, t, _ = y.shape\n        "
VIEW = "view(b, t, self.h, -1).transpose(1, 2)"
OUT, MLP = "self.out(mixed)", "self.fc2(self.drop(F.gelu(self.fc1(z))))"
MAPS = "self.out = nn.Linear(heads * dim_head, dim)"
TWO = "self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)"
THREE = f"self.q, self.k, self.v = (nn.Linear(dim, {I}) for _ in range(3))"


class Odd(msgspec.Struct, frozen=True):
    """A layer in words; what is not said is plain."""

    made: str = THREE
    qkv: str = f"{SPLIT}q, k, v = (m(y).{VIEW} for m in (self.q, self.k, self.v))"
    weights: str = WEIGHTS
    mixed: str = "mixed = (w @ v).transpose(1, 2).flatten(2)"
    maps: str = MAPS
    out: str = OUT
    two: str = TWO
    mlp: str = MLP
    before: str = ""


def text(odd: Odd) -> str:
    """The classes of the layer."""
    return (
        odd.before
        + f"""
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.h, self.d = heads, dim_head
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        {odd.made}
        {odd.maps}
        {odd.two}
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        y = self.n1(x)
        {odd.qkv}
        w = {odd.weights}
        {odd.mixed}
        x = x + self.drop({odd.out})
        z = self.n2(x)
        return x + self.drop({odd.mlp})
"""
    )


def _row(size: str) -> str:
    return f"nn.Parameter(torch.randn({size}) * 0.1)"


FLAT_THREE = f"self.q, self.k, self.v = ({_row(f'dim * {I}')} for _ in range(3))"
NORMED = "from torch.nn.utils.parametrizations import orthogonal, spectral_norm, weight_norm\n"
MIXED = f"mixed = rearrange({WEIGHTS} @ v, 'b h t d -> b t (h d)')"
SEQUENTIAL = """
class Hidden(nn.Sequential):
    def __init__(self, dim, width, p):
        super().__init__(nn.Linear(dim, width), nn.GELU(), nn.Dropout(p), nn.Linear(width, dim))

    def forward(self, x):
        first, *rest = self
        x = first(x)
        for each in rest:
            x = each(x)
        return x

"""

STYLES: Mapping[str, Odd] = {
    "q, k and v in one row": Odd(f"self.w = {_row(f'3 * dim * {I}')}", "q, k, v = torch.einsum('btf,nhdf->nbhtd', y, self.w.view(3, self.h, self.d, -1))"),
    "q, k and v in one row, dim first": Odd(f"self.w = {_row(f'3 * dim * {I}')}", f"{SPLIT}q, k, v = (y @ self.w.view(y.shape[-1], -1)).view(b, t, 3, self.h, self.d).permute(2, 0, 3, 1, 4)"),
    "three rows, (out, in)": Odd(FLAT_THREE, f"{SPLIT}q, k, v = (F.linear(y, m.view(-1, y.shape[-1])).{VIEW} for m in (self.q, self.k, self.v))"),
    "three rows, (in, out)": Odd(FLAT_THREE, f"{SPLIT}q, k, v = ((y @ m.reshape(y.shape[-1], -1)).{VIEW} for m in (self.q, self.k, self.v))"),
    "three rows in one array": Odd(f"self.w = {_row(f'3, dim * {I}')}", f"{SPLIT}q, k, v = ((y @ m.reshape(y.shape[-1], -1)).{VIEW} for m in self.w)"),
    "rows with biases": Odd(f"{FLAT_THREE}\n        self.bq, self.bk, self.bv = (nn.Parameter(torch.zeros({I})) for _ in range(3))", f"{SPLIT}q, k, v = (F.linear(y, m.view(-1, y.shape[-1]), c).{VIEW} for m, c in ((self.q, self.bq), (self.k, self.bk), (self.v, self.bv)))"),
    "a row for each head and role": Odd(f"self.w = nn.ParameterList({_row('dim * dim_head')} for _ in range(3 * heads))", "q, k, v = (torch.stack([y @ m.view(y.shape[-1], -1) for m in list(self.w)[i * self.h:(i + 1) * self.h]], 1) for i in range(3))"),
    "the projection in a row, (out, in)": Odd(maps=f"self.out = {_row(f'dim * {I}')}; self.ob = nn.Parameter(torch.zeros(dim))", out="F.linear(mixed, self.out.view(x.shape[-1], -1), self.ob)"),
    "the projection in a row, (in, out)": Odd(maps=f"self.out = {_row(f'dim * {I}')}", out="mixed @ self.out.view(-1, x.shape[-1])"),
    "the projection in a row, head by head": Odd(maps=f"self.out = {_row(f'dim * {I}')}", out="torch.einsum('bthd,hfd->btf', mixed.unflatten(-1, (self.h, -1)), self.out.view(self.h, x.shape[-1], -1))"),
    "the MLP in rows, (out, in)": Odd(two=f"self.a, self.b = {_row('dim * mlp_dim')}, {_row('dim * mlp_dim')}; self.m = mlp_dim; self.ab = nn.Parameter(torch.zeros(mlp_dim))", mlp="F.linear(self.drop(F.gelu(F.linear(z, self.a.view(self.m, -1), self.ab))), self.b.view(-1, self.m))"),
    "the MLP in rows, (in, out)": Odd(two=f"self.a, self.b = {_row('dim * mlp_dim')}, {_row('dim * mlp_dim')}; self.m = mlp_dim", mlp="self.drop(F.gelu(z @ self.a.view(-1, self.m))) @ self.b.reshape(self.m, -1)"),
    "all matrices in rows, in a dictionary": Odd(f"self.p = nn.ParameterDict({{n: {_row(f'dim * {I}')} for n in 'qkvo'}})", f"{SPLIT}q, k, v = (F.linear(y, self.p[n].view(-1, y.shape[-1])).{VIEW} for n in 'qkv')", maps="pass", out="mixed @ self.p['o'].view(-1, x.shape[-1])"),
    "a dictionary of parameters": Odd(f"self.p = nn.ParameterDict({{n: torch.randn(dim, {I}) * 0.1 for n in ('query', 'key', 'value')}})", f"{SPLIT}q, k, v = ((y @ self.p[n]).{VIEW} for n in ('query', 'key', 'value'))"),
    "a list of parameters": Odd(f"self.p = nn.ParameterList([torch.randn({I}, dim) * 0.1 for _ in range(3)])", f"{SPLIT}q, k, v = (F.linear(y, p).{VIEW} for p in self.p)"),
    "registered in a loop": Odd("for n in ('wk', 'wv', 'wq'): self.register_parameter(n, nn.Parameter(torch.empty(dim, heads, dim_head).normal_(std=0.1)))", "q, k, v = (torch.einsum('btf,fhd->bhtd', y, getattr(self, n)) for n in ('wq', 'wk', 'wv'))"),
    "a stack of three": Odd(f"self.w = nn.Parameter(torch.stack([torch.randn({I}, dim) * 0.1 for _ in range(3)]))", f"{SPLIT}q, k, v = (F.linear(y, m).{VIEW} for m in self.w)"),
    "the parts within each head": Odd("self.w = nn.Parameter(torch.randn(heads, 3, dim_head, dim) * 0.1)", "q, k, v = torch.einsum('btf,hndf->nbhtd', y, self.w)"),
    "parts and features in one axis": Odd("self.w = nn.Parameter(torch.randn(dim, heads, 3 * dim_head) * 0.1)", "q, k, v = torch.einsum('btf,fhd->bhtd', y, self.w).chunk(3, -1)"),
    "heads and dim in one axis": Odd("self.q, self.k, self.v = (nn.Parameter(torch.randn(heads * dim, dim_head) * 0.1) for _ in range(3))", "q, k, v = (torch.einsum('btf,hfd->bhtd', y, m.view(self.h, -1, self.d)) for m in (self.q, self.k, self.v))"),
    "the projection with features and dim in one axis": Odd(maps="self.out = nn.Parameter(torch.randn(heads, dim_head * dim) * 0.1)", out="torch.einsum('bthd,hdf->btf', mixed.unflatten(-1, (self.h, -1)), self.out.view(self.h, self.d, -1))"),
    "arrays with an axis of one": Odd("self.q, self.k, self.v = (nn.Parameter(torch.randn(1, heads, dim, dim_head) * 0.1) for _ in range(3))", "q, k, v = (y[:, None] @ m for m in (self.q, self.k, self.v))"),
    "biases with axes of their own": Odd("self.w = nn.Parameter(torch.randn(3, heads, dim, dim_head) * 0.1); self.c = nn.Parameter(torch.zeros(3, heads, 1, dim_head))", "q, k, v = ((y[:, None] @ m + c) for m, c in zip(self.w, self.c))"),
    "biases of q and v alone": Odd(f"self.qkv = nn.Linear(dim, 3 * {I}, bias=False); self.q_bias, self.v_bias = (nn.Parameter(torch.zeros({I})) for _ in range(2))", f"{SPLIT}c = torch.cat([self.q_bias, torch.zeros_like(self.v_bias), self.v_bias]); q, k, v = F.linear(y, self.qkv.weight, c).view(b, t, 3, self.h, -1).permute(2, 0, 3, 1, 4)"),
    "parametrized by a weight norm": Odd(f"self.q, self.k, self.v = (weight_norm(nn.Linear(dim, {I})) for _ in range(3))", before=NORMED),
    "an MLP under a spectral norm": Odd(two="self.fc1, self.fc2 = spectral_norm(nn.Linear(dim, mlp_dim)), spectral_norm(nn.Linear(mlp_dim, dim))", before=NORMED),
    "an orthogonal projection": Odd(maps=f"self.out = orthogonal(nn.Linear({I}, dim))", before=NORMED),
    "the older weight norm": Odd(f"self.q, self.k, self.v = (nn.utils.weight_norm(nn.Linear(dim, {I})) for _ in range(3))"),
    "scale in a buffer": Odd(f"{THREE}\n        self.register_buffer('scale', torch.tensor(dim_head ** -0.5))", weights="torch.softmax(q @ k.mT * self.scale, -1)"),
    "a scale of several numbers in a buffer": Odd(f"{THREE}\n        self.register_buffer('scale', torch.full((heads, 1, 1), dim_head ** -0.5))", weights="torch.softmax(q @ k.mT * self.scale, -1)"),
    "lazy modules": Odd(f"self.q, self.k, self.v = (nn.LazyLinear({I}) for _ in range(3))", maps="self.out = nn.LazyLinear(dim)", two="self.fc1, self.fc2 = nn.LazyLinear(mlp_dim), nn.LazyLinear(dim)"),
    "a functional call": Odd(f"self.lin = nn.Linear(dim, {I}, bias=False); self.w = nn.Parameter(torch.randn(3, {I}, dim) * 0.1); self.lin.requires_grad_(False)", f"{SPLIT}q, k, v = (torch.func.functional_call(self.lin, {{'weight': m}}, (y,)).{VIEW} for m in self.w)"),
    "vmap over the heads": Odd("self.q, self.k, self.v = (nn.Parameter(torch.randn(heads, dim, dim_head) * 0.1) for _ in range(3))", "q, k, v = (torch.func.vmap(lambda m: y @ m, out_dims=1)(each) for each in (self.q, self.k, self.v))"),
    "an embedding's weight": Odd(f"self.q, self.k, self.v = (nn.Embedding(dim, {I}) for _ in range(3))", f"{SPLIT}q, k, v = ((y @ m.weight).{VIEW} for m in (self.q, self.k, self.v))"),
    "convolutions of 1 by 1": Odd(f"self.qkv = nn.Conv2d(dim, 3 * {I}, 1)", f"{SPLIT}q, k, v = self.qkv(y.mT[..., None])[..., 0].view(b, 3, self.h, -1, t).transpose(-2, -1).unbind(1)"),
    "a sequence with a forward of its own": Odd(two="self.mlp = Hidden(dim, mlp_dim, dropout)", mlp="self.mlp(z)", before=SEQUENTIAL),
    "baddbmm over heads and batch": Odd(weights="torch.softmax(torch.baddbmm(q.new_zeros(b * self.h, t, t), q.flatten(0, 1), k.flatten(0, 1).mT, beta=0, alpha=self.d ** -0.5), -1).view(b, self.h, t, t)"),
    "tensor_split and unflatten": Odd(f"self.qkv = nn.Linear(dim, 3 * {I}, bias=False)", "q, k, v = (m.unflatten(-1, (self.h, -1)).movedim(2, 1) for m in self.qkv(y).tensor_split(3, -1))"),
    "a mask that hides nothing": Odd(weights="torch.softmax((q @ k.mT * q.shape[-1] ** -0.5).masked_fill(torch.zeros(t, t, dtype=torch.bool), float('-inf')), -1)"),
    "a root of the scale on each side": Odd(weights="torch.softmax((q * self.d ** -0.25) @ (k * self.d ** -0.25).mT, -1)"),
    "a softmax by logsumexp": Odd(weights="(q @ k.mT / self.d ** 0.5 - torch.logsumexp(q @ k.mT / self.d ** 0.5, -1, keepdim=True)).exp()"),
    "weights cut out of a fused map": Odd(f"self.qkv = nn.Linear(dim, 3 * {I}, bias=False)", f"{SPLIT}q, k, v = (F.linear(y, m).{VIEW} for m in self.qkv.weight.split(self.h * self.d))"),
}  # fmt: skip


# --- 4(a): how the three projections are made, and how q, k and v come of them ----------------------------------------

HEADS: Mapping[str, tuple[str, str]] = {
    "one row for all three": (f"self.w = {_row('3 * input_dim * inner_dim')}", "q, k, v = F.linear(x, self.w.view(-1, x.shape[-1])).chunk(3, -1)"),
    "one row for all three, (in, out)": (f"self.w = {_row('3 * input_dim * inner_dim')}", "q, k, v = (x @ self.w.view(x.shape[-1], -1)).chunk(3, -1)"),
    "one row for all three, one after the other": (f"self.w = {_row('3 * input_dim * inner_dim')}", "q, k, v = (x @ m for m in self.w.view(3, x.shape[-1], -1))"),
    "three rows": (f"self.q, self.k, self.v = ({_row('input_dim * inner_dim')} for _ in range(3))", "q, k, v = (F.linear(x, m.view(-1, x.shape[-1])) for m in (self.q, self.k, self.v))"),
    "three rows, (in, out)": (f"self.q, self.k, self.v = ({_row('input_dim * inner_dim')} for _ in range(3))", "q, k, v = (x @ m.reshape(x.shape[-1], -1) for m in (self.q, self.k, self.v))"),
    "interleaved in one row": (f"self.w = {_row('3 * input_dim * inner_dim')}", "q, k, v = torch.einsum('btf,dnf->nbtd', x, self.w.view(-1, 3, x.shape[-1]))"),
    "a dictionary of parameters": ("self.p = nn.ParameterDict({n: torch.randn(input_dim, inner_dim) * 0.1 for n in 'vkq'})", "q, k, v = (x @ self.p[n] for n in 'qkv')"),
    "registered in a loop": ("for n in ('key', 'query', 'value'): self.register_parameter(n, nn.Parameter(torch.randn(inner_dim, input_dim) * 0.1))", "q, k, v = (F.linear(x, getattr(self, n)) for n in ('query', 'key', 'value'))"),
    "under a weight norm": ("self.q, self.k, self.v = (nn.utils.parametrizations.weight_norm(nn.Linear(input_dim, inner_dim, bias=False)) for _ in range(3))", "q, k, v = self.q(x), self.k(x), self.v(x)"),
    "the scale in a buffer": ("self.qkv = nn.Linear(input_dim, 3 * inner_dim, bias=False); self.register_buffer('scale', torch.tensor(inner_dim ** -0.5), persistent=False)", "q, k, v = self.qkv(x).tensor_split(3, -1)"),
}  # fmt: skip


def head(made: str, qkv: str, weights: str = WEIGHTS) -> str:
    """The class of 4(a)."""
    return f"""
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        {made}
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        {qkv}
        return self.drop({weights}) @ v
"""
