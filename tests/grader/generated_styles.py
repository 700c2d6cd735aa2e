"""Right layers of 4(b), put together from independent choices: how q, k and v are stored, in which order what is made,
what it is called, how it is normalised, which activation, how a residual is spelt.

Why separate: each choice stands once, and a test or a measurement asks for combinations of them. A style that was read
by a person stands in `encoder_styles`; these are the ones that nobody would write out.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence

import msgspec

# Roles of the layer's parameters, as `made` names them; `{role}` in a text is what the style calls it.
INNER = "heads * dim_head"


class Choice(msgspec.Struct, frozen=True):
    """One way to do one thing: what is made in __init__ by role, and the expression or lines that use it."""

    made: Mapping[str, str]
    use: str
    before: str = ""  # classes beside the layer


def _fused(order: str) -> Choice:
    made = {"qkv": f"nn.Linear(dim, 3 * {INNER}, bias={{bias}})"}
    return Choice(made, f"q, k, v = rearrange(self.{{qkv}}(y), 'b t ({order}) -> three b h t d', three=3, h=self.h)")


def _three(order: str) -> Choice:
    made = dict.fromkeys("qkv", f"nn.Linear(dim, {INNER}, bias={{bias}})")
    split = f"rearrange(m(y), 'b t ({order}) -> b h t d', h=self.h)"
    return Choice(made, f"q, k, v = ({split} for m in (self.{{q}}, self.{{k}}, self.{{v}}))")


def _pair(order: str) -> Choice:
    made = {"q": f"nn.Linear(dim, {INNER}, bias={{bias}})", "kv": f"nn.Linear(dim, 2 * {INNER}, bias={{bias}})"}
    return Choice(
        made,
        "q = rearrange(self.{q}(y), 'b t (h d) -> b h t d', h=self.h)\n        "
        f"k, v = rearrange(self.{{kv}}(y), 'b t ({order}) -> two b h t d', two=2, h=self.h)",
    )


def _arrays(shape: str, axes: str) -> Choice:
    made = dict.fromkeys("qkv", f"nn.Parameter(torch.randn({shape}) * 0.1)")
    return Choice(
        made, f"q, k, v = (torch.einsum('btf,{axes}->bhtd', y, w) for w in (self.{{q}}, self.{{k}}, self.{{v}}))"
    )


HEAD = """
class OneHead(nn.Module):
    def __init__(self, dim, d):
        super().__init__()
        self.value = nn.Linear(dim, d)
        self.key = nn.Linear(dim, d, bias=False)
        self.query = nn.Linear(dim, d, bias=False)

    def forward(self, x):
        return torch.softmax(self.query(x) @ self.key(x).mT / self.key(x).shape[-1] ** 0.5, -1) @ self.value(x)

"""

ATTENTIONS: Mapping[str, Choice] = {
    **{f"fused ({order})": _fused(order) for order in ("three h d", "three d h", "h three d", "h d three", "d h three", "d three h")},
    "three maps (h d)": _three("h d"),
    "three maps (d h)": _three("d h"),
    **{f"keys and values fused ({order})": _pair(order) for order in ("two h d", "h two d", "d h two")},
    "arrays (head, dim, feature)": _arrays("heads, dim, dim_head", "hfd"),
    "arrays (dim, head, feature)": _arrays("dim, heads, dim_head", "fhd"),
    "arrays (head, feature, dim)": _arrays("heads, dim_head, dim", "hdf"),
    "one array of four axes": Choice(
        {"qkv": "nn.Parameter(torch.randn(3, heads, dim, dim_head) * 0.1)"},
        "q, k, v = torch.einsum('btf,nhfd->nbhtd', y, self.{qkv})",
    ),
    "matrices (in, out)": Choice(
        dict.fromkeys("qkv", f"nn.Parameter(torch.randn(dim, {INNER}) * 0.1)"),
        "q, k, v = (rearrange(y @ w, 'b t (h d) -> b h t d', h=self.h) for w in (self.{q}, self.{k}, self.{v}))",
    ),
    "one matrix (in, out) with a bias of its own": Choice(
        {"qkv": f"nn.Parameter(torch.randn(dim, 3 * {INNER}) * 0.1)", "bqkv": f"nn.Parameter(torch.zeros(3 * {INNER}))"},
        "q, k, v = rearrange(y @ self.{qkv} + self.{bqkv}, 'b t (three h d) -> three b h t d', three=3, h=self.h)",
    ),
    "matrices with loose biases": Choice(
        dict.fromkeys("qkv", f"nn.Parameter(torch.randn({INNER}, dim) * 0.1)")
        | {f"b{role}": f"nn.Parameter(torch.zeros({INNER}))" for role in "qkv"},
        "q, k, v = (rearrange(F.linear(y, w, b), 'b t (h d) -> b h t d', h=self.h) for w, b in "
        "((self.{q}, self.{bq}), (self.{k}, self.{bk}), (self.{v}, self.{bv})))",
    ),
    "convolution of width 1": Choice(
        {"qkv": f"nn.Conv1d(dim, 3 * {INNER}, 1, bias={{bias}})"},
        "q, k, v = rearrange(self.{qkv}(y.mT), 'b (three h d) t -> three b h t d', three=3, h=self.h)",
    ),
    "three convolutions": Choice(
        dict.fromkeys("qkv", f"nn.Conv1d(dim, {INNER}, 1, bias={{bias}})"),
        "q, k, v = (rearrange(m(y.mT), 'b (h d) t -> b h t d', h=self.h) for m in (self.{q}, self.{k}, self.{v}))",
    ),
    "one list of three maps a head": Choice(
        {"qkv": "nn.ModuleList(nn.Linear(dim, dim_head, bias={bias}) for _ in range(3 * heads))"},
        "q, k, v = (torch.stack([m(y) for m in self.{qkv}[i::3]], 1) for i in range(3))",
    ),
    "three lists": Choice(
        dict.fromkeys("qkv", "nn.ModuleList(nn.Linear(dim, dim_head, bias={bias}) for _ in range(heads))"),
        "q, k, v = (torch.stack([m(y) for m in each], 1) for each in (self.{q}, self.{k}, self.{v}))",
    ),
    "heads of its own class": Choice(
        {"heads": "nn.ModuleList(OneHead(dim, dim_head) for _ in range(heads))"},
        "mixed = torch.cat([head(y) for head in self.{heads}], -1)",
        HEAD,
    ),
    "deep copies of one head": Choice(
        {"heads": "nn.ModuleList(copy.deepcopy(OneHead(dim, dim_head)) for _ in range(heads))"},
        "mixed = torch.cat([head(y) for head in self.{heads}], -1)",
        HEAD,
    ),
    "a head too many": Choice(
        {"heads": "nn.ModuleList(OneHead(dim, dim_head) for _ in range(heads + 1))"},
        "mixed = torch.cat([head(y) for head in self.{heads}[1:]], -1)",
        HEAD,
    ),
    "the provided attention": Choice({"heads": "Attention(dim, heads, dim_head, dropout)"}, "mixed = self.{heads}(y)"),
    "deep copies of the provided head": Choice(
        {"one": "SingleHeadAttention(dim, dim_head, dropout)",
         "heads": "nn.ModuleList(copy.deepcopy(self.{one}) for _ in range(heads))"},
        "mixed = torch.cat([head(y) for head in self.{heads}], -1)",
    ),
    "the provided attention after one that is not used": Choice(
        {"old": "SingleHeadAttention(dim, dim_head)", "heads": "Attention(dim, heads, dim_head, dropout)"},
        "mixed = self.{heads}(y)",
    ),
}  # fmt: skip

GAIN, SHIFT = "nn.Parameter(torch.ones(dim))", "nn.Parameter(torch.zeros(dim))"
OWN_NORM = """
class Scaled(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.p1 = nn.Parameter(torch.zeros(dim))
        self.p2 = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        y = x - x.mean(-1, keepdim=True)
        return y / torch.sqrt(y.square().mean(-1, keepdim=True) + {eps}) * self.p2 + self.p1

"""
NEAR_ONE = OWN_NORM.format(eps="1e-5").replace("ones(dim)", "zeros(dim)").replace("* self.p2", "* (1 + self.p2)")


def _norms(made: str, before: str = "") -> Choice:
    return Choice({"n1": made, "n2": made}, "self.{n}({x})", before)


NORMS: Mapping[str, Choice] = {
    "LayerNorm": _norms("nn.LayerNorm(dim)"),
    "LayerNorm, eps 1e-3": _norms("nn.LayerNorm(dim, eps=1e-3)"),
    "LayerNorm, eps 1e-2": _norms("nn.LayerNorm(dim, eps=1e-2)"),
    "LayerNorm, eps 1e-12": _norms("nn.LayerNorm(dim, eps=1e-12)"),
    "LayerNorm without a shift": _norms("nn.LayerNorm(dim, bias=False)"),
    "LayerNorm without weights": _norms("nn.LayerNorm(dim, elementwise_affine=False)"),
    "of its own, shift first": _norms("Scaled(dim)", OWN_NORM.format(eps="1e-6")),
    "of its own, eps 4e-3": _norms("Scaled(dim)", OWN_NORM.format(eps="4e-3")),
    "of its own, gain less one": _norms("Scaled(dim)", NEAR_ONE),
    "two gains": Choice({"g1": GAIN, "g2": GAIN}, "F.layer_norm({x}, {x}.shape[-1:], self.{g})"),
    "gains and shifts, bare": Choice(
        {"s1": SHIFT, "g2": GAIN, "g1": GAIN, "s2": SHIFT}, "F.layer_norm({x}, {x}.shape[-1:], self.{g}, self.{s})"
    ),
    "no weights": Choice({}, "F.layer_norm({x}, {x}.shape[-1:])"),
}
ACTIVATIONS: Mapping[str, Choice] = {
    "GELU": Choice({}, "F.gelu({z})"),
    "ReLU": Choice({}, "torch.relu({z})"),
    "LeakyReLU(0.37)": Choice({}, "F.leaky_relu({z}, 0.37)"),
    "sine": Choice({}, "torch.sin({z})"),
    "a slope for each unit": Choice({"act": "nn.PReLU(mlp_dim)"}, "self.{act}({z}.reshape(-1, {z}.shape[-1])).reshape({z}.shape)"),
    "squared ReLU": Choice({}, "torch.relu({z}) ** 2"),
    "GELU, scaled": Choice({}, "F.gelu(1.3 * {z})"),
    "clipped": Choice({}, "F.hardtanh({z}, -0.5, 2.)"),
    "clipped above": Choice({}, "F.relu6({z})"),
}  # fmt: skip
STRAYS: Mapping[str, Mapping[str, str]] = {
    "nothing unused": {},
    "unused layers first": {
        "old1": "nn.LayerNorm(dim)", "old2": "nn.LayerNorm(dim)", "old3": "nn.Linear(dim, mlp_dim)",
        "old4": "nn.Linear(mlp_dim, dim)", "old5": f"nn.Linear(dim, {INNER})", "old6": f"nn.Linear({INNER}, dim)",
    },
}  # fmt: skip
NAMINGS = ("by role", "by number", "of another role")
RESIDUALS = ("x = x + {}", "x = {} + x", "x = torch.add(x, {})")
MERGES = ("h d", "d h")


class Style(msgspec.Struct, frozen=True, array_like=True):
    """One choice of each kind; `order` is the seed of the order in which things are made, -1 the worst one known."""

    attention: str = "three maps (h d)"
    norm: str = "LayerNorm"
    activation: str = "GELU"
    stray: str = "nothing unused"
    naming: str = "by role"
    residual: str = RESIDUALS[0]
    merge: str = "h d"
    bias: bool = True
    order: int = 0

    @property
    def title(self) -> str:
        """All choices in one line."""
        return ", ".join(str(value) for value in msgspec.structs.astuple(self))


def text(style: Style) -> str:
    """The classes of a layer in this style."""
    attention, norm = ATTENTIONS[style.attention], NORMS[style.norm]
    activation = ACTIVATIONS[style.activation]
    maps = {"out": f"nn.Linear({INNER}, dim)", "f1": "nn.Linear(dim, mlp_dim)", "f2": "nn.Linear(mlp_dim, dim)"}
    made = {**STRAYS[style.stray], **norm.made, **attention.made, **maps, **activation.made}
    names = _names(list(made), style)
    lines = [f"self.{names[role]} = {made[role].format(bias=style.bias, **names)}" for role in _ordered(made, style)]
    # what is made of another role comes after it
    lines.sort(key=lambda line: "copy.deepcopy(self." in line)
    return attention.before + norm.before + _LAYER.format(
        made="\n        ".join(lines),
        first=norm.use.format(x="x", **_of("1", names)),
        mixed=_mixed(attention, style).format(**names),
        add_first=style.residual.format(f"self.drop(self.{names['out']}(mixed))"),
        second=norm.use.format(x="x", **_of("2", names)),
        hidden=activation.use.format(z="z", **names),
        f1=names["f1"],
        add_second=style.residual.format(f"self.drop(self.{names['f2']}(self.drop(z)))"),
    )  # fmt: skip


_LAYER = """
class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.h = heads
        {made}
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        y = {first}
        {mixed}
        {add_first}
        y = {second}
        z = self.{f1}(y)
        z = {hidden}
        {add_second}
        return x
"""


def _mixed(attention: Choice, style: Style) -> str:
    if "mixed =" in attention.use:
        return attention.use
    attend = "w = torch.softmax(q @ k.mT * q.shape[-1] ** -0.5, -1)"
    return f"{attention.use}\n        {attend}\n        mixed = rearrange(w @ v, 'b h t d -> b t ({style.merge})')"


def _of(place: str, names: Mapping[str, str]) -> dict[str, str]:
    return {role[:-1]: name for role, name in names.items() if role[-1:] == place and role[:-1] in ("n", "g", "s")}


def _names(roles: Sequence[str], style: Style) -> dict[str, str]:
    if style.naming == "by role":
        return {role: f"my_{role}" for role in roles}
    shuffled = random.Random(style.order).sample(list(roles), len(roles))
    prefix = "layer" if style.naming == "by number" else "my_"
    return {role: f"{prefix}{i if style.naming == 'by number' else shuffled[i]}" for i, role in enumerate(roles)}


def _ordered(made: Mapping[str, str], style: Style) -> list[str]:
    if style.order == 0:
        return list(made)
    if style.order < 0:
        return list(made)[::-1]
    return random.Random(style.order).sample(list(made), len(made))


def sampled(count: int, seed: int = 1) -> list[Style]:
    """Styles drawn from all combinations. Every choice of a kind comes once before one of them comes again."""
    kinds: list[list[object]] = [
        list(kind) for kind in (ATTENTIONS, NORMS, ACTIVATIONS, STRAYS, NAMINGS, RESIDUALS, MERGES, (True, False))
    ]
    columns = [_column(kind, count, random.Random(f"{seed} {i}")) for i, kind in enumerate(kinds)]
    return [msgspec.convert([*chosen, i + 1], Style) for i, chosen in enumerate(zip(*columns))]


def _column(kind: list[object], count: int, draw: random.Random) -> list[object]:
    rounds = (draw.sample(kind, len(kind)) for _ in itertools.count())
    return list(itertools.islice(itertools.chain.from_iterable(rounds), count))
