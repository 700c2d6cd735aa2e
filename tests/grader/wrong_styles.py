"""Mistakes as students write them, each as changes to the text of a right layer: what it costs and what it is called.

Why separate: `generated_styles` writes right layers in any style; a mistake here is one that can be made in each of
them. Tests and the measurement of fidelity make them, alone and two at a time.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tests.grader.generated_styles import Style, text
from tests.grader.honest_styles import ATTENTION as HONEST_HEADS

Changes = tuple[tuple[str, str], ...]

BOTH = frozenset({"4b.2", "4b.3", "4b.4"})
FIRST, SECOND, ORDER = frozenset({"4b.2", "4b.4"}), frozenset({"4b.3", "4b.4"}), frozenset({"4b.4"})


class Wrong(msgspec.Struct, frozen=True):
    """Changes (old, new) to a right layer's text, the tests that it must lose, and the bank's name for it.

    `own`: it is one of a layer that brings its own attention. An empty name: what it is, no formula of the bank says.
    """

    changes: Changes
    lost: frozenset[str]
    name: str
    own: bool = False


def spoilt(style: Style, *mistakes: Wrong) -> str:
    """The text of a layer in this style with these mistakes. LookupError where one of them has no place in it."""
    return changed(text(style), *mistakes)


def changed(written: str, *mistakes: Wrong) -> str:
    """The text with the mistakes' changes, one after the other."""
    for old, new in (change for mistake in mistakes for change in mistake.changes):
        if old not in written:
            raise LookupError(old)
        written = written.replace(old, new)
    return written


# Lines of a layer in the style "by role" with LayerNorm modules.
N1, N2, Z = "y = self.my_n1(x)", "y = self.my_n2(x)", "z = F.gelu(z)"
OUT, F2 = "self.drop(self.my_out(mixed))", "self.drop(self.my_f2(self.drop(z)))"
ADD1, ADD2 = f"x = x + {OUT}", f"x = x + {F2}"
SCORES, SOFTMAX, MIXED = "q @ k.mT * q.shape[-1] ** -0.5", "torch.softmax(q @ k.mT * q.shape[-1] ** -0.5, -1)", "w @ v"
NORM = "nn.LayerNorm(dim)"


def _apart(both: str) -> Changes:
    """The halves as two methods, `first` and `second`, and what forward makes of them."""
    begin = "def forward(self, x):\n"
    return (begin, f"{begin}        return {both}\n\n    def first(self, x):\n"), (
        N2,
        f"return x\n\n    def second(self, x):\n        {N2}",
    )


STRUCTURE: Mapping[str, Wrong] = {
    "post-norm": Wrong(
        ((N1, "y = x"), (ADD1, f"x = self.my_n1(x + {OUT})"), (N2, "y = x"), (ADD2, f"x = self.my_n2(x + {F2})")),
        BOTH,
        "post-norm",
    ),
    "no first residual": Wrong(((ADD1, f"x = {OUT}"),), FIRST, "no-residual-attention"),
    "no second residual": Wrong(((ADD2, f"x = {F2}"),), SECOND, "no-residual-mlp"),
    "no residuals": Wrong(((ADD1, f"x = {OUT}"), (ADD2, f"x = {F2}")), BOTH, "no-residuals"),
    "residuals of what is normalised": Wrong(
        ((ADD1, f"x = y + {OUT}"), (ADD2, f"x = y + {F2}")), BOTH, "residual-from-normalised"
    ),
    "second residual of the input": Wrong(
        ((N1, f"first = x\n        {N1}"), (ADD2, f"x = first + {F2}")), FIRST, "residual-of-the-input"
    ),
    "side by side": Wrong(((N1, f"first = x\n        {N1}"), (N2, "y = self.my_n2(first)")), ORDER, "parallel"),
    "one norm in both places": Wrong(((N2, "y = self.my_n1(x)"),), ORDER, "shared-norm"),
    "no first norm": Wrong(((N1, "y = x"),), FIRST, "no-first-norm"),
    "no second norm": Wrong(((N2, "y = x"),), SECOND, "no-second-norm"),
    "no norms": Wrong(((N1, "y = x"), (N2, "y = x")), BOTH, "no-norms"),
    "no activation": Wrong(((Z, "pass"),), SECOND, "no-activation"),
    "activation at the end": Wrong(((ADD2, "x = x + self.drop(F.gelu(self.my_f2(self.drop(z))))"),), SECOND, "activation-at-the-end"),
    "activation after both maps": Wrong(((Z, "pass"), (ADD2, "x = x + self.drop(F.gelu(self.my_f2(self.drop(z))))")), SECOND, "activation-after-both"),
    "activation before both maps": Wrong(((Z, "pass"), (N2, "y = F.gelu(self.my_n2(x))")), SECOND, "activation-first"),
    "no MLP": Wrong(((ADD2, "pass"),), SECOND, "no-mlp"),
    "norms after the blocks": Wrong(
        ((N1, "y = x"), (ADD1, f"x = x + self.my_n1({OUT})"), (N2, "y = x"), (ADD2, f"x = x + self.my_n2({F2})")),
        BOTH,
        "norm-after-block",
    ),
    "first norm after the attention": Wrong(((N1, "y = x"), (ADD1, f"x = x + self.my_n1({OUT})")), FIRST, "first-norm-after-block"),
    "second norm after the MLP": Wrong(((N2, "y = x"), (ADD2, f"x = x + self.my_n2({F2})")), SECOND, "second-norm-after-block"),
    "first norm after the sum": Wrong(((N1, "y = x"), (ADD1, f"x = self.my_n1(x + {OUT})")), FIRST, "first-norm-after"),
    "second norm after the sum": Wrong(((N2, "y = x"), (ADD2, f"x = self.my_n2(x + {F2})")), SECOND, "second-norm-after"),
    "second residual normalised": Wrong(((N2, "x = y = self.my_n2(x)"),), SECOND, "norm2-on-the-sum"),
    "first residual normalised": Wrong(((N1, "x = y = self.my_n1(x)"),), FIRST, "first-residual-from-normalised"),
    "x twice, first": Wrong(((ADD1, f"x = x + x + {OUT}"),), FIRST, "double-residual-attention"),
    "x twice, second": Wrong(((ADD2, f"x = x + x + {F2}"),), SECOND, "double-residual-mlp"),
    "the input once more": Wrong(((N1, f"first = x\n        {N1}"), ("return x\n", "return first + x\n")), SECOND, "input-added-again"),
    "ReLU on the attention": Wrong(((ADD1, "x = x + self.drop(F.relu(self.my_out(mixed)))"),), FIRST, "relu-on-attention"),
    "no attention": Wrong(((ADD1, "pass"),), FIRST, "no-attention"),
    "activation on the attention": Wrong(((ADD1, "x = x + self.drop(F.gelu(self.my_out(mixed)))"),), FIRST, "activation-on-attention"),
    "norm at the end": Wrong((("return x\n", "return F.layer_norm(x, x.shape[-1:])\n"),), SECOND, "norm-at-the-end"),
    "deviation of n - 1": Wrong(
        (
            (N1, "y = (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6) * self.my_n1.weight + self.my_n1.bias"),
            (N2, "y = (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6) * self.my_n2.weight + self.my_n2.bias"),
        ),
        ORDER,
        "unbiased-deviation",
    ),
    "root mean square": Wrong(
        (
            (N1, "y = x * (x.square().mean(-1, keepdim=True) + 1e-5).rsqrt() * self.my_n1.weight + self.my_n1.bias"),
            (N2, "y = x * (x.square().mean(-1, keepdim=True) + 1e-5).rsqrt() * self.my_n2.weight + self.my_n2.bias"),
        ),
        BOTH,
        "rms-norm",
    ),
    "batch norm": Wrong(
        ((N1, "y = (x - x.mean((0, 1))) / (x.std((0, 1)) + 1e-5)"), (N2, "y = (x - x.mean((0, 1))) / (x.std((0, 1)) + 1e-5)")),
        BOTH,
        "",
    ),
}  # fmt: skip


def _other_norm(made: str, name: str) -> Wrong:
    """What is made of x in the place of both LayerNorms, with their gains and shifts."""
    lines = {N1: "my_n1", N2: "my_n2"}
    changes = ((old, f"y = {made} * self.{norm}.weight + self.{norm}.bias") for old, norm in lines.items())
    return Wrong(tuple(changes), BOTH, name)


NORMS: Mapping[str, Wrong] = {
    "a norm of each sample": _other_norm("F.layer_norm(x, x.shape[1:])", "norm-over-samples"),
    "a norm over the batch": _other_norm("F.batch_norm(x.mT, None, None, training=True).mT", "norm-over-batches"),
    "length 1": _other_norm("F.normalize(x, dim=-1)", "unit-length"),
    "the mean alone": _other_norm("(x - x.mean(-1, keepdim=True))", "centred"),
}

# What is there twice, or is another.
OTHERS: Mapping[str, Wrong] = {
    "attention half twice": Wrong(_apart("self.second(self.first(self.first(x)))"), FIRST, "attention-twice"),
    "MLP half twice": Wrong(_apart("self.second(self.second(self.first(x)))"), SECOND, "mlp-twice"),
    "softmax for an activation": Wrong(((Z, "z = z.softmax(-1)"),), SECOND, "softmax-activation"),
    "eps of 1": Wrong(((N1, "y = F.layer_norm(x, x.shape[-1:], self.my_n1.weight, self.my_n1.bias, 1.0)"), (N2, "y = F.layer_norm(x, x.shape[-1:], self.my_n2.weight, self.my_n2.bias, 1.0)")), frozenset({"4b.4"}), "large-eps"),
    "eps of a tenth": Wrong(((N1, "y = F.layer_norm(x, x.shape[-1:], self.my_n1.weight, self.my_n1.bias, 0.1)"), (N2, "y = F.layer_norm(x, x.shape[-1:], self.my_n2.weight, self.my_n2.bias, 0.1)")), frozenset({"4b.4"}), "eps-of-a-tenth"),
}  # fmt: skip

# One step too many between the parts of the layer.
_MADE = "self.drop = nn.Dropout(dropout)"


def _more(made: str, old: str, new: str, lost: frozenset[str], name: str) -> Wrong:
    return Wrong(((_MADE, f"self.more = {made}\n        {_MADE}"), (old, new)), lost, name)


STEPS: Mapping[str, Wrong] = {
    "norm of the heads": _more("nn.LayerNorm(heads * dim_head)", OUT, "self.drop(self.my_out(self.more(mixed)))", FIRST, "norm-of-heads"),
    "norm after the projection": _more("nn.LayerNorm(dim)", OUT, "self.drop(self.more(self.my_out(mixed)))", FIRST, "norm-after-projection"),
    "norm after the MLP": _more("nn.LayerNorm(dim, eps=1e-6)", F2, "self.drop(self.more(self.my_f2(self.drop(z))))", SECOND, "norm-after-mlp"),
    "norm after the activation": _more("nn.LayerNorm(mlp_dim)", Z, "z = self.more(F.gelu(z))", SECOND, "norm-after-activation"),
    "norm before the activation": _more("nn.LayerNorm(mlp_dim)", Z, "z = torch.relu(self.more(z))", SECOND, "norm-before-activation"),
    "heads for another axis": Wrong(
        ((OUT, "self.drop(self.my_out(mixed.reshape(len(x), self.counted, x.shape[1], -1).transpose(1, 2).reshape(mixed.shape)))"), (_MADE, f"self.counted = heads\n        {_MADE}")), FIRST, "heads-regrouped"
    ),
    "activation of the heads": Wrong(((OUT, "self.drop(self.my_out(torch.relu(mixed)))"), (Z, "z = torch.relu(z)")), FIRST, "activation-of-heads"),
}  # fmt: skip

# One function too many on a sum, or on what a half adds.
BENT: Mapping[str, Wrong] = {
    "ReLU on the first sum": Wrong(((ADD1, f"x = F.relu(x + {OUT})"),), FIRST, "relu-on-the-first-sum"),
    "ReLU on the second sum": Wrong(((ADD2, f"x = F.relu(x + {F2})"),), SECOND, "relu-on-the-output"),
    "ReLU on both sums": Wrong(((ADD1, f"x = F.relu(x + {OUT})"), (ADD2, f"x = F.relu(x + {F2})")), BOTH, "relu-on-both-sums"),
    "GELU on the first sum": Wrong(((ADD1, f"x = F.gelu(x + {OUT})"),), FIRST, "activation-on-the-first-sum"),
    "GELU on the second sum": Wrong(((ADD2, f"x = F.gelu(x + {F2})"),), SECOND, "activation-on-the-output"),
    "GELU on both sums": Wrong(((ADD1, f"x = F.gelu(x + {OUT})"), (ADD2, f"x = F.gelu(x + {F2})")), BOTH, "activation-on-both-sums"),
    "tanh on the second sum": Wrong(((ADD2, f"x = torch.tanh(x + {F2})"),), SECOND, "tanh-on-the-output"),
    "sigmoid on the second sum": Wrong(((ADD2, f"x = torch.sigmoid(x + {F2})"),), SECOND, "sigmoid-on-the-output"),
    "softmax on the second sum": Wrong(((ADD2, f"x = torch.softmax(x + {F2}, -1)"),), SECOND, "softmax-on-the-output"),
    "tanh on the attention": Wrong(((ADD1, "x = x + self.drop(torch.tanh(self.my_out(mixed)))"),), FIRST, "tanh-on-attention"),
    "tanh on the MLP": Wrong(((ADD2, "x = x + self.drop(torch.tanh(self.my_f2(self.drop(z))))"),), SECOND, "tanh-on-mlp"),
    "ReLU on the MLP": Wrong(((ADD2, "x = x + self.drop(torch.relu(self.my_f2(self.drop(z))))"),), SECOND, "relu-on-mlp"),
    "tanh on what both add": Wrong(
        ((ADD1, "x = x + self.drop(torch.tanh(self.my_out(mixed)))"), (ADD2, "x = x + self.drop(torch.tanh(self.my_f2(self.drop(z))))")), BOTH, "tanh-on-both"
    ),
    "ReLU on what both add": Wrong(
        ((ADD1, "x = x + self.drop(torch.relu(self.my_out(mixed)))"), (ADD2, "x = x + self.drop(torch.relu(self.my_f2(self.drop(z))))")), BOTH, "relu-on-both"
    ),
}  # fmt: skip

# Constant factors. Without biases, what multiplies the MLP is a part of its activation: biases tell the two apart.
SCALED: Mapping[str, Wrong] = {
    "attention halved": Wrong(((ADD1, f"x = x + 0.5 * {OUT}"),), FIRST, "scaled"),
    "attention taken away": Wrong(((ADD1, f"x = x - {OUT}"),), FIRST, "scaled"),
    "x halved, first": Wrong(((ADD1, f"x = 0.5 * x + {OUT}"),), FIRST, "scaled"),
    "MLP halved": Wrong(((ADD2, f"x = x + 0.5 * {F2}"),), SECOND, "scaled"),
    "MLP taken away": Wrong(((ADD2, f"x = x - {F2}"),), SECOND, "scaled"),
    "x three times, second": Wrong(((ADD2, f"x = 3 * x + {F2}"),), SECOND, "scaled"),
    "second sum over √2": Wrong(((ADD2, f"x = (x + {F2}) / 2 ** 0.5"),), SECOND, "scaled"),
    "means of both sums": Wrong(((ADD1, f"x = (x + {OUT}) / 2"), (ADD2, f"x = (x + {F2}) / 2")), BOTH, "scaled"),
    "both halves halved": Wrong(((ADD1, f"x = x + 0.5 * {OUT}"), (ADD2, f"x = x + 0.5 * {F2}")), BOTH, "scaled"),
    "second norm doubled": Wrong(((N2, "y = 2 * self.my_n2(x)"),), SECOND, ""),
    "MLP of a sine halved": Wrong(((Z, "z = torch.sin(z)"), (ADD2, f"x = x + 0.5 * {F2}")), SECOND, ""),
}  # fmt: skip

_LATER = "torch.ones(x.shape[1], x.shape[1]).triu(1).bool()"
_FLAT = "{}.transpose(1, 2).flatten(2)"
_CUT = "q, k, v = ({}.reshape(x.shape[0], {}, {}){} for m in (q, k, v))\n        w = "


def _scale(factor: str, name: str) -> Wrong:
    return Wrong(((SCORES, f"q @ k.mT{factor}"),), FIRST, name, own=True)


def _again(heads: str, size: str, move: str = "") -> tuple[str, str]:
    """A line before the scores that splits the features once more, in another way."""
    return "w = ", _CUT.format(_FLAT.format("m"), heads, size, move)


ATTENTION: Mapping[str, Wrong] = {
    "no scale": _scale("", "own-no-scale"),
    "scale of all heads": _scale(" / (self.h * q.shape[-1]) ** 0.5", "own-scale-inner"),
    "scale of x": _scale(" / x.shape[-1] ** 0.5", "own-scale-dim"),
    "scale of dim // heads": _scale(" / (x.shape[-1] // self.h) ** 0.5", "own-scale-ratio"),
    "divided by d": _scale(" / q.shape[-1]", "own-scale-d"),
    "scale of heads": _scale(" / self.h ** 0.5", "own-scale-heads"),
    "scale of tokens": _scale(" / x.shape[1] ** 0.5", "own-scale-tokens"),
    "scaled upwards": _scale(" * q.shape[-1] ** 0.5", "own-scale-upwards"),
    "scaled after the softmax": Wrong(((SOFTMAX, "torch.softmax(q @ k.mT, -1) / q.shape[-1] ** 0.5"),), FIRST, "own-scale-after", own=True),
    "causal": Wrong(((SCORES, f"({SCORES}).masked_fill({_LATER}, float('-inf'))"),), FIRST, "own-causal", own=True),
    "softmax over queries": Wrong(((SOFTMAX, f"torch.softmax({SCORES}, -2)"),), FIRST, "own-softmax-queries", own=True),
    "softmax over heads": Wrong(((SOFTMAX, f"torch.softmax({SCORES}, 1)"),), FIRST, "own-softmax-heads", own=True),
    "softmax over the batch": Wrong(((SOFTMAX, f"torch.softmax({SCORES}, 0)"),), FIRST, "own-softmax-batch", own=True),
    "keys reshaped": Wrong(((SCORES, SCORES.replace("k.mT", "k.reshape(*k.shape[:2], k.shape[3], k.shape[2])")),), FIRST, "own-keys-reshaped", own=True),
    "no softmax": Wrong(((SOFTMAX, SCORES),), FIRST, "own-no-softmax", own=True),
    "exponentials alone": Wrong(((SOFTMAX, f"torch.exp({SCORES})"),), FIRST, "own-exp", own=True),
    "softmax twice": Wrong(((SOFTMAX, f"torch.softmax({SOFTMAX}, -1)"),), FIRST, "own-softmax-twice", own=True),
    "weights transposed": Wrong(((MIXED, "w.mT @ v"),), FIRST, "own-transposed", own=True),
    "weights unused": Wrong(((MIXED, "v"),), FIRST, "own-unused", own=True),
    "values added": Wrong(((MIXED, "v + w @ v"),), FIRST, "own-residual", own=True),
    "joined without moving": Wrong((("rearrange(w @ v, 'b h t d -> b t (h d)')", "(w @ v).reshape(x.shape[0], x.shape[1], -1)"),), FIRST, "own-merged", own=True),
    "split without moving": Wrong((_again("self.h", "x.shape[1], -1"),), FIRST, "own-split", own=True),
    "never moved": Wrong(
        (_again("self.h", "x.shape[1], -1"), ("rearrange(w @ v, 'b h t d -> b t (h d)')", "(w @ v).reshape(x.shape[0], x.shape[1], -1)")),
        FIRST,
        "own-never-moved",
        own=True,
    ),
    "heads and dim_head exchanged": Wrong(
        (_again("x.shape[1]", "-1, self.h", ".transpose(1, 2)"),), FIRST, "own-exchanged", own=True
    ),
    "all in one head": Wrong((_again("1", "x.shape[1], -1"),), FIRST, "own-one-head", own=True),
    "keys for values": Wrong(((MIXED, "w @ k"),), FIRST, "own-repeats", own=True),
    "queries for keys": Wrong(((SCORES, SCORES.replace("k.mT", "q.mT")),), FIRST, "own-repeats", own=True),
    "norms of queries and keys": Wrong(((SCORES, SCORES.replace("q @ k.mT", "F.layer_norm(q, q.shape[-1:]) @ F.layer_norm(k, k.shape[-1:]).mT")),), FIRST, "own-norm-qk", own=True),
    "queries and keys of length 1": Wrong(((SCORES, SCORES.replace("q @ k.mT", "F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).mT")),), FIRST, "own-unit-qk", own=True),
    "cosines": Wrong(((SCORES, "F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).mT"),), FIRST, "own-cosine", own=True),
    "norm of each head": Wrong(((MIXED, "F.layer_norm(w @ v, v.shape[-1:])"),), FIRST, "own-norm-of-heads", own=True),
    "sigmoid for softmax": Wrong(((SOFTMAX, f"torch.sigmoid({SCORES})"),), FIRST, "", own=True),
    "own token left out": Wrong(((SCORES, f"({SCORES}).masked_fill(torch.eye(x.shape[1]).bool(), -1e9)"),), FIRST, "", own=True),
    "divided by the fourth root": _scale(" / q.shape[-1] ** 0.25", "own-scale-fourth-root"),
    "later scores zeroed": Wrong(((SCORES, f"({SCORES}).tril()"),), FIRST, "own-zeroed", own=True),
    "logarithms for weights": Wrong(((SOFTMAX, f"F.log_softmax({SCORES}, -1)"),), FIRST, "", own=True),  # one token: 0
    "ReLU on the values": Wrong(((MIXED, "w @ v.relu()"),), FIRST, "own-values-rectified", own=True),
}  # fmt: skip

# --- 4(a): changes to the plain head ----------------------------------------------------------------------------------

HEAD_SCORES = "q @ k.transpose(-2, -1) * self.scale"
HEAD_SOFTMAX, HEAD_OUT = f"self.softmax({HEAD_SCORES})", f"self.dropout(self.softmax({HEAD_SCORES})) @ v"
FORMULA = frozenset({"4a.4"})


def _head(old: str, new: str, name: str, *beside: str) -> Wrong:
    return Wrong(((old, new),), FORMULA | set(beside), name)


HEAD: Mapping[str, Wrong] = {
    "no scale": _head(HEAD_SCORES, "q @ k.mT", "no-scale"),
    "softmax over queries": _head(HEAD_SOFTMAX, f"torch.softmax({HEAD_SCORES}, -2)", "softmax-over-queries"),
    "divided by d": _head(HEAD_SCORES, "q @ k.mT / q.shape[-1]", "scale-by-d"),
    "scale of x": _head(HEAD_SCORES, "q @ k.mT / x.shape[-1] ** 0.5", "scale-by-input-dim"),
    "scale of tokens": _head(HEAD_SCORES, "q @ k.mT / x.shape[1] ** 0.5", "scale-by-tokens"),
    "divided by the fourth root": _head(HEAD_SCORES, "q @ k.mT * self.scale ** 0.5", "scale-by-fourth-root"),
    "logarithms for weights": _head(HEAD_SOFTMAX, f"torch.log_softmax({HEAD_SCORES}, -1)", "log-softmax"),
    "ReLU on the values": _head(HEAD_OUT, HEAD_OUT.replace("@ v", "@ v.relu()"), "values-rectified"),
    "later scores zeroed": _head(HEAD_SCORES, f"({HEAD_SCORES}).tril()", "zeroed", "4a.5"),
    "scaled upwards": _head(HEAD_SCORES, "q @ k.mT / self.scale", "scale-upwards"),
    "scaled after the softmax": _head(HEAD_SOFTMAX, "self.softmax(q @ k.mT) * self.scale", "scale-after-softmax"),
    "no softmax": _head(HEAD_SOFTMAX, f"({HEAD_SCORES})", "no-softmax"),
    "softmax of the output": _head(HEAD_OUT, f"self.softmax(self.dropout({HEAD_SCORES}) @ v)", "softmax-after-values"),
    "weights transposed": _head(HEAD_OUT, f"self.dropout(self.softmax({HEAD_SCORES})).mT @ v", "weights-transposed"),
    "values added": _head(HEAD_OUT, f"v + {HEAD_OUT}", "residual-inside"),
    "causal": _head(
        HEAD_SCORES,
        f"({HEAD_SCORES}).masked_fill(torch.ones(x.shape[1], x.shape[1]).triu(1).bool(), float('-inf'))",
        "causal",
        "4a.5",
    ),
    "exponentials alone": _head(HEAD_SOFTMAX, f"torch.exp({HEAD_SCORES})", "exp-without-sum", "4a.8"),
    "softmax twice": _head(HEAD_SOFTMAX, f"self.softmax({HEAD_SOFTMAX})", "softmax-twice"),
    "scaled twice": _head(HEAD_OUT, f"{HEAD_OUT} * self.scale", "scale-twice"),
    "scale of 64": _head("inner_dim ** -0.5", "64 ** -0.5", "scale-of-the-course"),
    "scale of the fused width": _head("inner_dim ** -0.5", "(3 * inner_dim) ** -0.5", "scale-by-fused-width"),
    "sign turned round": _head(HEAD_SCORES, f"-({HEAD_SCORES})", "scale-negative"),
    "queries for keys": _head("self.to_k(x)", "self.to_q(x)", "one-matrix-for-two"),
    "queries for all three": Wrong(
        (("self.to_k(x)", "self.to_q(x)"), ("self.to_v(x)", "self.to_q(x)")), frozenset({"4a.4"}), "one-matrix-for-all"
    ),
    "sigmoid for softmax": _head(HEAD_SOFTMAX, f"torch.sigmoid({HEAD_SCORES})", "sigmoid"),
    "ReLU over its sum": _head(
        HEAD_SOFTMAX, f"(lambda s: s / (s.sum(-1, keepdim=True) + 1e-6))(({HEAD_SCORES}).relu())", "relu-shares"
    ),
    "the largest alone": _head(
        HEAD_SOFTMAX, f"F.one_hot(({HEAD_SCORES}).argmax(-1), x.shape[1]).float()", "largest-alone"
    ),
    "lower triangle": _head(HEAD_SOFTMAX, f"{HEAD_SOFTMAX}.tril()", "lower-triangle", "4a.5"),
    "tanh of the scores": _head(HEAD_SCORES, f"torch.tanh({HEAD_SCORES})", "tanh-of-scores"),
    "tanh of the products": _head(HEAD_SCORES, "torch.tanh(q @ k.mT) * self.scale", "tanh-of-products"),
    "absolute scores": _head(HEAD_SCORES, f"({HEAD_SCORES}).abs()", "abs-of-scores"),
    "softmax of V": _head(HEAD_OUT, HEAD_OUT.replace("@ v", "@ v.softmax(-1)"), "softmax-of-values"),
    "ReLU of the output": _head(HEAD_OUT, f"torch.relu({HEAD_OUT})", "relu-of-output"),
    "GELU of the output": _head(HEAD_OUT, f"F.gelu({HEAD_OUT})", "gelu-of-output"),
    "norm of queries and keys": _head(
        HEAD_SCORES,
        HEAD_SCORES.replace("q @ k", "F.layer_norm(q, q.shape[-1:]) @ F.layer_norm(k, k.shape[-1:])"),
        "norm-of-both",
    ),
    "cosine of the scores": _head(HEAD_SCORES, f"torch.cos({HEAD_SCORES})", ""),
    "scores halved": _head(HEAD_SCORES, f"0.5 * {HEAD_SCORES}", ""),
}


def head(*mistakes: Wrong) -> str:
    """The plain head of 4(a) with these mistakes."""
    return changed(HONEST_HEADS["plain"], *mistakes)
