"""Wrong versions of 4(a) that students really write, each a small named variant of the reference.

When no assignment of roles makes the reference fit, the diagnosis looks here for the one variant that explains every
case. The same bank tests the tests: each of these must lose points, in its own question. To add one: write the formula
with the signature of its list, give it a title that completes "your output equals the reference ...", and a hint.

Every formula maps x, (batch, tokens, input_dim), with three matrices as `nn.Linear.weight` is laid out, each
(inner_dim, input_dim), to (batch, tokens, inner_dim), as `attention.single_head` does; d_k is inner_dim.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import torch
from torch import Tensor

from reference import bent_attentions, other_attentions
from reference.attention import attention, attention_weights, single_head


class Misconception(msgspec.Struct, frozen=True):
    """One named mistake. `title` completes "your output equals the reference ...", `hint` never gives the line away."""

    name: str
    title: str
    hint: str
    formula: Callable[..., Tensor]
    repeats: bool = False  # one matrix may play two roles
    shared_norm: bool = False  # one LayerNorm may play both
    half: str = ""  # 4(b): the one half, "attention" or "mlp", that this mistake is in
    lacks: str = ""  # 4(b): the half whose parameters do nothing
    attend: Callable[..., Tensor] | None = None  # 4(b): in the place of the right attention, in a layer with its own
    alone: bool = True  # of `attend`: one token gives its value, whatever Q and K are
    shows: Callable[[Sequence[Any]], bool] = lambda seen: True  # 4(b): a layer of which it is False is another
    bent: bool = False  # 4(b): what is between the values and the projection is not linear


def _project(x: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    return tuple(x @ w.T for w in weights)


def no_scale(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """softmax(QKᵀ) V: the scores are not divided."""
    return attention(*_project(x, w_q, w_k, w_v), scale=1.0)


def scale_by_d(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """The scores divided by d_k, not by its root."""
    return attention(*_project(x, w_q, w_k, w_v), scale=1 / w_q.shape[0])


def scale_by_input_dim(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """The scores divided by √input_dim, the size of x, not of a query."""
    return attention(*_project(x, w_q, w_k, w_v), scale=x.shape[-1] ** -0.5)


def scale_by_tokens(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """The scores divided by √T, the number of tokens: the wrong axis was asked for its size."""
    return attention(*_project(x, w_q, w_k, w_v), scale=x.shape[-2] ** -0.5)


def scale_by_fourth_root(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """The scores divided by the fourth root of d_k: a root of the root, or q or k alone scaled for the two."""
    return attention(*_project(x, w_q, w_k, w_v), scale=w_q.shape[0] ** -0.25)


def scale_upwards(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """The scores multiplied by √d_k."""
    return attention(*_project(x, w_q, w_k, w_v), scale=w_q.shape[0] ** 0.5)


def scale_after_softmax(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """softmax(QKᵀ) / √d_k: the division stands after the softmax."""
    return no_scale(x, w_q, w_k, w_v) / math.sqrt(w_q.shape[0])


def softmax_over_queries(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """Columns of the scores sum to 1, not rows: `dim=-2`."""
    q, k, v = _project(x, w_q, w_k, w_v)
    return torch.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5, dim=-2) @ v


def softmax_over_batch(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """The softmax mixes the samples: `dim=0`."""
    q, k, v = _project(x, w_q, w_k, w_v)
    return torch.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5, dim=0) @ v


def no_softmax(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """The scaled scores themselves weigh V."""
    q, k, v = _project(x, w_q, w_k, w_v)
    scores: Tensor = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    return scores @ v


def softmax_after_values(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """softmax(QKᵀ V / √d_k), over the features of the output."""
    return torch.softmax(no_softmax(x, w_q, w_k, w_v), dim=-1)


def weights_transposed(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """Row i of the result is weighed by column i of the attention matrix."""
    q, k, v = _project(x, w_q, w_k, w_v)
    return attention_weights(q, k).transpose(-2, -1) @ v


def values_not_projected_by_attention(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """V alone: the attention matrix is computed and never used. Q and K play no part."""
    return x @ w_v.T


def residual_inside(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """V + attention: a residual connection where none belongs."""
    q, k, v = _project(x, w_q, w_k, w_v)
    return v + attention(q, k, v)


def causal(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """A decoder's mask: token i attends to tokens 0..i only."""
    q, k, v = _project(x, w_q, w_k, w_v)
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    return torch.softmax(scores.masked_fill(later, float("-inf")), dim=-1) @ v


def summed_not_normalised(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """exp(QKᵀ / √d_k) V: the rows are not divided by their sums."""
    q, k, v = _project(x, w_q, w_k, w_v)
    return torch.exp(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5) @ v


def normalised_by_sum(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """The scores divided by their sum, without exp; a row that sums to about 0 grows without bound."""
    q, k, v = _project(x, w_q, w_k, w_v)
    scores: Tensor = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    return scores / scores.sum(-1, keepdim=True) @ v


def softmax_twice(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """softmax(softmax(QKᵀ / √d_k)) V."""
    q, k, v = _project(x, w_q, w_k, w_v)
    return torch.softmax(attention_weights(q, k), dim=-1) @ v


def scale_of_the_course(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """The scores divided by √64, inner_dim of the model in 4(c), whatever inner_dim is here."""
    return attention(*_project(x, w_q, w_k, w_v), scale=64**-0.5)


def scale_twice(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """The right attention, divided by √d_k once more."""
    q, k, v = _project(x, w_q, w_k, w_v)
    return attention(q, k, v) / math.sqrt(w_q.shape[0])


def scale_by_fused_width(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """The scores divided by √(3 d_k), the width of a projection that holds q, k and v."""
    return attention(*_project(x, w_q, w_k, w_v), scale=(3 * w_q.shape[0]) ** -0.5)


def scale_negative(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """The scores divided by -√d_k: the smallest product gets the largest weight."""
    return attention(*_project(x, w_q, w_k, w_v), scale=-(w_q.shape[0] ** -0.5))


def softmax_over_all_pairs(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """One softmax over all T x T scores of a sample: its whole matrix sums to 1."""
    q, k, v = _project(x, w_q, w_k, w_v)
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    return torch.softmax(scores.flatten(-2), dim=-1).reshape(scores.shape) @ v


def mean_of_values(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """Every token gets the mean of V over the tokens. Q and K play no part."""
    return (x @ w_v.T).mean(-2, keepdim=True).expand(*x.shape[:-1], w_v.shape[0])


def softmax_over_everything(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """exp() divided by the sum of all scores of all samples: `e / e.sum()` without an axis."""
    q, k, v = _project(x, w_q, w_k, w_v)
    scores: Tensor = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    return torch.softmax(scores.flatten(), dim=0).reshape(scores.shape) @ v


def keys_reshaped(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """K in the shape of Kᵀ by view or reshape: its numbers stay in their order, and are those of other tokens."""
    q, k, v = _project(x, w_q, w_k, w_v)
    scores: Tensor = q @ k.reshape(*k.shape[:-2], k.shape[-1], k.shape[-2]) * q.shape[-1] ** -0.5
    return torch.softmax(scores, dim=-1) @ v


def samples_for_tokens(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """x taken as (tokens, batch, features): each token attends to the same token of other samples."""
    return single_head(x.transpose(0, 1), w_q, w_k, w_v).transpose(0, 1)


def scaled_input(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """x divided by the fourth root of d_k before all three projections: the scores are right, and V is too small."""
    return single_head(x, w_q, w_k, w_v) / math.sqrt(math.sqrt(w_q.shape[0]))


def unscaled_over_queries(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """Two mistakes that come together: no division, and the softmax over the queries."""
    q, k, v = _project(x, w_q, w_k, w_v)
    return torch.softmax(q @ k.transpose(-2, -1), dim=-2) @ v


def one_matrix(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """The values' projection in all three places."""
    return single_head(x, w_v, w_v, w_v)


_PRODUCTS = "handout 4(a) takes queries and keys as they are projected: their products, divided by √d_k, are the scores"
_THIRDS = "reshape deals the numbers out in their order: split the last axis first, (batch, tokens, 3, d), or use chunk"
_PAIRS = "the scores are tokens x tokens: which axis of Q and of K does the product sum over?"
_SUM = "rows of the attention matrix must be probabilities, which add up to 1: which function does the handout name?"
_EXP = "a softmax takes exp() first"
_EVERY = "this is an encoder: every position sees every position, its own too"

ATTENTION = (
    Misconception("no-scale", "without the division by √d_k", "compare your scores with the handout's formula: something is divided there", no_scale),
    Misconception("softmax-over-queries", "with the softmax taken over the QUERIES", "look at the dim argument of your softmax: which axis holds the keys? If it is right, look for a transposition", softmax_over_queries),
    Misconception("softmax-over-batch", "with the softmax taken over the BATCH", "look at the dim argument of your softmax: which axis holds the keys? Sample 0 must not depend on sample 1", softmax_over_batch),
    Misconception("scale-by-d", "divided by d_k instead of √d_k", "the handout divides by a square root, and once: is it done in two places?", scale_by_d),
    Misconception("scale-by-input-dim", "scaled by √input_dim instead of √inner_dim", "d_k is the size of a query, not of x", scale_by_input_dim),
    Misconception("scale-by-tokens", "scaled by √T (tokens) instead of √d_k", "d_k is the size of one query vector: which axis is that?", scale_by_tokens),
    Misconception("scale-upwards", "MULTIPLIED by √d_k instead of divided", "the scores should become smaller by the scaling", scale_upwards),
    Misconception("scale-by-fourth-root", "divided by the fourth root of d_k instead of √d_k", "how many roots are taken of d_k, and on what? If Q and K are to share the scaling, each of them needs its part", scale_by_fourth_root),
    Misconception("scale-after-softmax", "with the division by √d_k after the softmax", "the scaling belongs to the scores, before the softmax sees them", scale_after_softmax),
    Misconception("no-softmax", "without the softmax", "rows of the attention matrix must be probabilities", no_softmax),
    Misconception("softmax-after-values", "with the softmax applied after the product with V", "first the probabilities, then the weighted sum of the values", softmax_after_values),
    Misconception("weights-transposed", "with the attention matrix transposed before it meets V", "row i of the attention matrix says how position i attends to all others", weights_transposed),
    Misconception("no-attention", "with no mixing of the tokens at all: only V comes out", "the attention weights never reach the output", values_not_projected_by_attention),
    Misconception("residual-inside", "plus V once more (a residual connection inside the attention)", "residual connections belong to the encoder layer of 4(b)", residual_inside),
    Misconception("causal", "with later tokens masked out", "this is an encoder: every position sees every other", causal),
    Misconception("exp-without-sum", "with exp() in the place of the softmax: the rows are not divided by their sums", "rows of the attention matrix must be probabilities", summed_not_normalised),
    Misconception("sum-without-exp", "with the scores divided by their sum in the place of the softmax", "a softmax takes exp() first", normalised_by_sum),
    Misconception("log-softmax", "with the logarithm of the softmax in the place of the softmax", "rows of the attention matrix must be probabilities: a logarithm is never above 0", other_attentions.logarithms),
    Misconception("softmax-twice", "with the softmax taken twice", "the softmax of a softmax is almost flat: take it once", softmax_twice),
    Misconception("softmax-over-all-pairs", "with one softmax over all pairs of queries and keys", "each query has probabilities of its own, over the keys", softmax_over_all_pairs),
    Misconception("scale-twice", "divided by √d_k once more, after the softmax", "the scaling belongs to the scores, and to nothing else", scale_twice),
    Misconception("scale-by-fused-width", "scaled by the width of the fused projection, √(3 d_k), instead of √d_k", "d_k is the size of one query vector, after q, k and v are taken apart", scale_by_fused_width),
    Misconception("scale-of-the-course", "divided by √64, whatever inner_dim is", "the size of a query is an argument of __init__: 64 holds for the model of 4(c) alone", scale_of_the_course),
    Misconception("scale-negative", "with the sign of the scores turned round", "large products of query and key should get large weights", scale_negative),
    Misconception("mean-of-values", "with the same weight for every token: the mean of V comes out", "the scores never reach the output", mean_of_values),
    Misconception("softmax-over-everything", "with one sum over all scores of all samples in the softmax", "each query has probabilities of its own, over the keys: a sum needs its axis, and keepdim", softmax_over_everything),
    Misconception("keys-reshaped", "with K in the SHAPE of its transpose, by view or reshape, and not transposed", "view and reshape deal the same numbers out anew; transpose exchanges the axes", keys_reshaped),
    Misconception("samples-for-tokens", "with the samples attending to each other, and not the tokens of a sample", "x is (batch, tokens, features): which axis did you take for the tokens?", samples_for_tokens),
    Misconception("scaled-input", "with V divided by the fourth root of d_k, along with Q and K", "the scaling belongs to the scores alone: x itself, and V, stay as they are", scaled_input),
    Misconception("cosine", "with cosines of Q and K as scores, in the place of their products", _PRODUCTS, other_attentions.cosine),
    Misconception("cosine-scaled", "with Q and K brought to length 1", _PRODUCTS, other_attentions.cosine_scaled),
    Misconception("distance", "with distances between Q and K as scores", _PRODUCTS, other_attentions.distance),
    Misconception("distance-squared", "with squared distances between Q and K as scores", _PRODUCTS, other_attentions.distance_squared),
    Misconception("distance-squared-scaled", "with squared distances between Q and K as scores", _PRODUCTS, other_attentions.distance_squared_scaled),
    Misconception("floored", "with the scores rounded down: // in the place of /", "// cuts off everything behind the point", other_attentions.floored),
    Misconception("rectified", "with a ReLU on the scores", "the softmax takes the scores as they are, negative ones too", other_attentions.rectified),
    Misconception("values-rectified", "with a ReLU on the values", "V is what the projection gives, negative numbers too: the handout's formula has no activation", other_attentions.values_rectified),
    Misconception("zeroed", "with the scores of later tokens set to 0 before the softmax", "every position sees every other here, so nothing is masked; and a score of 0 still gets a weight: exp(0) is 1", other_attentions.zeroed),
    Misconception("without-itself", "with each token kept from attending to itself", _EVERY, other_attentions.without_itself),
    Misconception("neighbours", "with each token attending to its neighbours only", _EVERY, other_attentions.neighbours),
    Misconception("each-with-itself", "with q and k multiplied entry by entry: one score for each token, none for each pair", "every query meets every key: that is a matrix product, tokens x tokens", other_attentions.each_with_itself),
    Misconception("features-attend", "with features attending to features, d_k x d_k, and not tokens to tokens", _PAIRS, other_attentions.features_attend),
    Misconception("features-attend-turned", "with features attending to features, d_k x d_k, and not tokens to tokens", _PAIRS, other_attentions.features_attend_turned),
    Misconception("all-rectified", "with a ReLU on queries, keys and values", _PRODUCTS, other_attentions.all_rectified),
    Misconception("averaged", "with the mean over the tokens returned for each of them", "every token has an output of its own", other_attentions.averaged),
    Misconception("all-samples-at-once", "with the tokens of all samples attending to each other", "batch and tokens are two axes: no sample may look at another", other_attentions.all_samples_at_once),
    Misconception("thirds-by-reshape", "with q, k and v dealt out of one projection by reshape(3, batch, tokens, d)", _THIRDS, other_attentions.dealt_out_by_thirds),
    Misconception("thirds-of-samples", "with q, k and v dealt out of one projection by reshape(batch, 3, tokens, d)", _THIRDS, other_attentions.dealt_out_in_samples),
    Misconception("weights-twice", "with the attention weights applied twice", "the weighted sum of the values is taken once", other_attentions.twice),
    Misconception("softmax-of-each", "with a softmax of Q and one of K, and none of their products", "handout 4(a): first the products, then their softmax", other_attentions.softmax_of_each),
    Misconception("sigmoid", "with a sigmoid in the place of the softmax", _SUM, bent_attentions.sigmoids),
    Misconception("tanh", "with a tanh in the place of the softmax", _SUM, bent_attentions.tanh_alone),
    Misconception("relu", "with a ReLU in the place of the softmax", _SUM, bent_attentions.rectified_alone),
    Misconception("sigmoid-shares", "with sigmoids of the scores, divided by their sum, in the place of the softmax", _EXP, bent_attentions.sigmoid_shares),
    Misconception("relu-shares", "with a ReLU of the scores, divided by its sum, in the place of the softmax", _EXP, bent_attentions.rectified_shares),
    Misconception("largest-alone", "with the value of the largest score alone in the place of the weighted sum", "every key gets a weight, the softmax of its score: argmax gives one of them everything", bent_attentions.largest_alone),
    Misconception("lower-triangle", "with the weights of later tokens set to 0 after the softmax", _EVERY, bent_attentions.lower_triangle),
    Misconception("upper-triangle", "with the weights of earlier tokens set to 0 after the softmax", _EVERY, bent_attentions.upper_triangle),
    Misconception("later-alone", "with earlier tokens masked out", _EVERY, bent_attentions.later_alone),
    *(Misconception(*each) for each in bent_attentions.bent()),
    Misconception("no-scale-over-queries", "without the division by √d_k, and with the softmax taken over the QUERIES", "two things to fix: something is divided in the handout's formula, and the softmax runs over the keys", unscaled_over_queries),
    Misconception("one-matrix-for-all", "with one projection used for all three of Q, K and V", "Q, K and V have a projection matrix each: are yours three, or one under three names, as [layer] * 3 makes?", one_matrix, repeats=True),
    Misconception("one-matrix-for-two", "with one projection used for two of Q, K and V", "Q, K and V have three different projection matrices: is each of yours used, and is it V that the weights multiply?", single_head, repeats=True),
)  # fmt: skip  # one entry a line: the table is read as a table
