"""Submissions for the smoke training of 4(c): whole pairs of classes that train, however they begin, and that do not.

`INITIALISATIONS` are right, with initial weights of their own making. `TRAINS` have a mistake that 4(a) or 4(b) charges
and that training survives. `BROKEN` do not train, each with words of the message that names it.
"""

from tests.grader.honest_styles import ATTENTION, LAYERS
from tests.grader.test_judging_mistakes import MISTAKES
from tests.grader.test_wrong_solutions import ATTEND, KEYS_COLUMNS, MLP, WRONG, swap

PLAIN, LAYER = ATTENTION["plain"], LAYERS["plain GELU"]
_LAYER_END = "        self.drop = nn.Dropout(dropout)\n"
_HEAD_END = "        self.scale = inner_dim ** -0.5\n"
_MATRICES = "        for p in self.parameters():\n            if p.dim() > 1:\n                {}\n"
_HEAD_FORWARD = "    def forward(self, x):\n        q, k, v ="

Pair = tuple[str, str]


def head(more: str) -> Pair:
    """The plain classes, with more at the end of the head's __init__."""
    return swap(PLAIN, _HEAD_END, _HEAD_END + more), LAYER


def layer(more: str) -> Pair:
    """The plain classes, with more at the end of the layer's __init__."""
    return PLAIN, swap(LAYER, _LAYER_END, _LAYER_END + more)


def first(line: str) -> Pair:
    """The plain classes, with one more line at the beginning of the layer's forward."""
    return PLAIN, swap(LAYER, ATTEND, f"{line}\n        {ATTEND}")


def block(new: str) -> Pair:
    return PLAIN, swap(LAYER, ATTEND, new)


def mlp(new: str) -> Pair:
    return PLAIN, swap(LAYER, MLP, new)


INITIALISATIONS: dict[str, Pair] = {
    "xavier": layer(_MATRICES.format("nn.init.xavier_uniform_(p)")),
    "kaiming": layer(_MATRICES.format("nn.init.kaiming_normal_(p)")),
    "orthogonal": layer(_MATRICES.format("nn.init.orthogonal_(p)")),
    "truncated, 0.02": layer(_MATRICES.format("nn.init.trunc_normal_(p, std=0.02)")),
    "zeros for what is added": layer("        nn.init.zeros_(self.proj.weight); nn.init.zeros_(self.fc2.weight)\n"),
    "from 0 to 1": layer(_MATRICES.format("nn.init.uniform_(p)")),
    "randn without a scale, matrices": layer(_MATRICES.format("nn.init.normal_(p)")),
    "randn without a scale, everything": layer("        for p in self.parameters():\n            nn.init.normal_(p)\n"),
    "randn without a scale, head": head("        for p in self.parameters():\n            nn.init.normal_(p)\n"),
    "nn.Parameter of randn": (
        """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.q, self.k, self.v = (nn.Parameter(torch.randn(input_dim, inner_dim)) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        q, k, v = x @ self.q, x @ self.k, x @ self.v
        return self.dropout(torch.softmax(q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]), -1)) @ v
""",
        LAYER,
    ),
    "a head that returns a tuple": (
        swap(PLAIN, "return self.dropout(" + KEYS_COLUMNS + ") @ v", f"a = {KEYS_COLUMNS}\n        return self.dropout(a) @ v, a"),
        LAYER,
    ),
    "lazy layers": (PLAIN, swap(LAYER, "nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)", "nn.LazyLinear(mlp_dim), nn.LazyLinear(dim)")),
}  # fmt: skip


def _pair(question: str, text: str) -> Pair:
    return (text, LAYER) if question == "4a" else (PLAIN, text)


# What is charged in 4(a) or 4(b), and trains all the same, must not be charged again. Left out: what has no model
# (4a.1, 4b.1), mixes no tokens at all, or cannot go backward.
_NO_MODEL = {"4a.1", "4b.1"}
_DOES_NOT_TRAIN = {"no attention", "no projection to learn", "changed in place"}
TRAINS: dict[str, Pair] = {
    name: _pair(question, text)
    for name, (question, text, lost, _) in {**WRONG, **MISTAKES}.items()
    if not lost & _NO_MODEL and name not in _DOES_NOT_TRAIN
}

_LIST_OF_THREE = (
    swap(swap(swap(PLAIN, "self.to_q = ", "self.three = [0, 0, 0]\n        self.three[0] = "), "self.to_k = ", "self.three[1] = "), "self.to_v = ", "self.three[2] = ")
    .replace("self.to_q(x), self.to_k(x), self.to_v(x)", "(layer(x) for layer in self.three)")
)  # fmt: skip

# (classes, words that name it)
BROKEN: dict[str, tuple[Pair, str]] = {
    "the graph detached": (first("x = x.detach()"), "does not train"),
    "the output detached": (mlp(MLP.replace("return x", "return (x") + ").detach()"), "does not train"),
    "no_grad around the layer": ((PLAIN, swap(LAYER, "    def forward", "    @torch.no_grad()\n    def forward")), "does not train"),
    "the attention detached": (block(ATTEND.replace("self.norm1(x))", "self.norm1(x)).detach()")), "SingleHeadAttention does not train"),
    "the attention frozen": (head("        self.requires_grad_(False)\n"), "SingleHeadAttention does not train"),
    "the layer frozen": (layer("        self.requires_grad_(False)\n"), "does not train"),
    "projections in a plain list": ((_LIST_OF_THREE, LAYER), "plain list"),
    "attention in a plain list": ((PLAIN, swap(swap(LAYER, "self.attn = Attention(dim, heads, dim_head, dropout)", "self.attn = [Attention(dim, heads, dim_head, dropout)]"), "self.attn(", "self.attn[0](")), "plain list"),
    "projection in a plain list": ((PLAIN, swap(swap(LAYER, "self.proj = nn.Linear(heads * dim_head, dim)", "self.proj = [nn.Linear(heads * dim_head, dim)]"), "self.proj(", "self.proj[0](")), "plain list"),
    "a new layer in each call": ((PLAIN, swap(LAYER, "self.proj(self.attn", "nn.Linear(48, 32)(self.attn")), "no layer may be made in forward"),
    "nan": ((swap(PLAIN, KEYS_COLUMNS, f"torch.log({KEYS_COLUMNS} - 1)"), LAYER), "nan"),
    "infinite": (mlp(MLP + " * 1e30"), "nan or inf"),
    "no attention": (block("pass"), "the same for every image"),
    "the input ignored": (first("x = torch.zeros_like(x)"), "the same for every image"),
    "the parameters ignored": (mlp("return torch.ones_like(x)"), "the same for every image"),
    "all weights equal": (layer("        for p in self.parameters():\n            nn.init.ones_(p)\n"), "All equal ones"),
    "changed in place": (block(ATTEND.replace("x = x +", "x = self.norm1(x); x.exp_(); x *=")), "in place"),
    "kept from step to step": ((PLAIN, swap(LAYER, MLP, "self.last = x + getattr(self, 'last', torch.zeros(1)).mean()\n        " + MLP.replace("return x", "return self.last"))), "earlier call"),
    "no end in training": (first("while self.training and self.fc1.weight.grad is not None: pass"), "not finished in time"),
    "memory in training": ((PLAIN, swap(LAYER, ATTEND, "self.kept = getattr(self, 'kept', []) + [torch.ones(1 << 22) * self.training]\n        " + ATTEND)), "more memory"),
}  # fmt: skip
