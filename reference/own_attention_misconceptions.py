"""Wrong versions of multi-head attention that students really write when their layer of 4(b) brings its own.

Why separate: they stand in the place of the right attention inside the right layer, over all heads at once, so that a
mistake between the heads (a forgotten transpose, heads and features exchanged) has a name, too. `OWN` is the bank.

Every function maps q, k and v, each (batch, heads, tokens, dim_head), and dim, the size of x, to the same shape, or to
the heads' outputs side by side, (batch, tokens, heads * dim_head).
"""

# ruff: noqa: E501  (one entry a line: the table is read as a table)
from __future__ import annotations

from collections.abc import Callable

import msgspec
import torch
import torch.nn.functional as F
from torch import Tensor

from reference.attention import attention, attention_weights, multi_head
from reference.encoder import layer
from reference.misconceptions import Misconception

Attend = Callable[[Tensor, Tensor, Tensor, int], Tensor]


def _scaled(scale: Callable[[Tensor, int], float]) -> Attend:
    """The right attention with scores times `scale(q, dim)`."""
    return lambda q, k, v, dim: attention(q, k, v, scale=scale(q, dim))


def _softmax(axis: int) -> Attend:
    """The softmax of the scaled scores over another axis: 0 batch, 1 heads, 2 queries."""
    return lambda q, k, v, dim: torch.softmax(_scores(q, k), dim=axis) @ v


def _scores(q: Tensor, k: Tensor) -> Tensor:
    """(batch, heads, queries, keys), scaled."""
    scores: Tensor = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    return scores


def causal(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    """A decoder's mask: token i attends to tokens 0..i only."""
    scores = _scores(q, k)
    later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    masked: Tensor = torch.softmax(scores.masked_fill(later, float("-inf")), dim=-1)
    return masked @ v


def weights_transposed(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    """Row i of the result is weighed by column i of the attention matrix."""
    return attention_weights(q, k).transpose(-2, -1) @ v


def weights_unused(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    """V alone: the attention matrix is computed and never used."""
    return v


def values_rectified(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    """A ReLU on the values, then the right attention."""
    return attention(q, k, v.relu())


def later_scores_zeroed(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    """The scores of later tokens are 0 before the softmax, which gives them a weight all the same."""
    return torch.softmax(_scores(q, k).tril(), dim=-1) @ v


def values_added(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    """V + attention: a residual connection where none belongs."""
    return v + attention(q, k, v)


def softmax_twice(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    """softmax(softmax(QKᵀ / √d_k)) V."""
    return torch.softmax(attention_weights(q, k), dim=-1) @ v


def scale_after_softmax(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    """softmax(QKᵀ) / √d_k: the division stands after the softmax."""
    scaled: Tensor = attention(q, k, v, scale=1.0) * q.shape[-1] ** -0.5
    return scaled


def no_softmax(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    """The scaled scores themselves weigh V."""
    mixed: Tensor = _scores(q, k) @ v
    return mixed


def keys_reshaped(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    """Each head's K in the shape of Kᵀ by view or reshape: its numbers are those of other tokens."""
    scores: Tensor = q @ k.reshape(*k.shape[:-2], k.shape[-1], k.shape[-2]) * q.shape[-1] ** -0.5
    return torch.softmax(scores, dim=-1) @ v


def exp_alone(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    """exp(QKᵀ / √d_k) V: the rows are not divided by their sums."""
    return torch.exp(_scores(q, k)) @ v


def normalised_scores(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    """Queries and keys each through a layer normalisation, then the right attention."""
    q, k = (F.layer_norm(each, each.shape[-1:]) for each in (q, k))
    return attention(q, k, v)


def _of_unit_length(scale: Callable[[Tensor], float]) -> Attend:
    """Queries and keys divided by their lengths; `scale` is given a query."""
    return lambda q, k, v, dim: attention(F.normalize(q, dim=-1), F.normalize(k, dim=-1), v, scale=scale(q))


def normalised_heads(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    """What each head gives goes through a layer normalisation of its own."""
    return F.layer_norm(attention(q, k, v), v.shape[-1:])


def _beside(mixed: Tensor) -> Tensor:
    """(batch, heads, tokens, d) -> (batch, tokens, heads * d), the heads' features side by side."""
    return mixed.transpose(1, 2).flatten(2)


def _cut(x: Tensor, heads: int) -> Tensor:
    """(batch, heads, tokens, d), as a `view` of what stands side by side makes it without moving an axis."""
    flat = _beside(x)
    return flat.reshape(flat.shape[0], heads, flat.shape[1], -1)


def merged_without_moving(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    """The heads' outputs reshaped to (batch, tokens, features) while heads still stand before tokens."""
    mixed = attention(q, k, v)
    return mixed.reshape(mixed.shape[0], mixed.shape[2], -1)


def split_without_moving(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    """(batch, tokens, features) reshaped to (batch, heads, tokens, dim_head) in one step: tokens get mixed."""
    return attention(*(_cut(each, each.shape[1]) for each in (q, k, v)))


def never_moved(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
    """Both: reshaped to heads in one step, and back in one step."""
    mixed = split_without_moving(q, k, v, dim)
    return mixed.reshape(mixed.shape[0], mixed.shape[2], -1)


def _exchanged(scale: Callable[[int, int], float]) -> Attend:
    """dim_head heads of `heads` features each; `scale` is given (heads, dim_head)."""

    def attend(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
        heads, dim_head = q.shape[1], q.shape[3]
        split = (_beside(each).reshape(*each.shape[::2], dim_head, heads).transpose(1, 2) for each in (q, k, v))
        return _beside(attention(*split, scale=scale(heads, dim_head)))

    return attend


def _one_head(scale: Callable[[int, int], float]) -> Attend:
    """All features in one head; `scale` is given (heads, dim_head)."""

    def attend(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
        return attention(*(_beside(each) for each in (q, k, v)), scale=scale(q.shape[1], q.shape[3]))

    return attend


def _own(
    name: str,
    title: str,
    hint: str,
    attend: Attend,
    *,
    repeats: bool = False,
    alone: bool = True,
    bent: bool = False,
) -> Misconception:
    """The mistake of a right layer whose own attention is `attend`."""
    plain = Misconception(name, title, hint, layer, half="attention", attend=attend)
    return msgspec.structs.replace(plain, repeats=repeats, alone=alone, bent=bent)


_AS_PROJECTED = "handout 4(a) takes queries and keys as they are projected, and scales their products by √d_k alone"
_DIVIDE = "handout 4(a) divides the scores by √d_k, and d_k is the size of one head's query"
_MOVE = "heads need an axis of their own before tokens: split the features, then move the axis; and back in that order"
_HEADS = "`heads` heads of `dim_head` features each: which factor is which in your reshape?"

OWN = (
    _own("own-no-scale", "with attention whose scores are not scaled", _DIVIDE, _scaled(lambda q, dim: 1.0)),
    _own("own-scale-inner", "with scores divided by the root of all heads' features, √(heads · dim_head)", _DIVIDE, _scaled(lambda q, dim: (q.shape[1] * q.shape[3]) ** -0.5)),
    _own("own-scale-dim", "with scores divided by √dim, the size of x", _DIVIDE, _scaled(lambda q, dim: dim**-0.5)),
    _own("own-keys-reshaped", "with K in the SHAPE of its transpose, by view or reshape, and not transposed", "view and reshape deal the same numbers out anew; transpose exchanges the axes", keys_reshaped),
    _own("own-scale-ratio", "with scores divided by √(dim // heads)", _DIVIDE, _scaled(lambda q, dim: (dim // q.shape[1]) ** -0.5)),
    _own("own-scale-d", "with scores divided by d_k, not by its root", _DIVIDE, _scaled(lambda q, dim: 1 / q.shape[3])),
    _own("own-scale-heads", "with scores divided by √heads", _DIVIDE, _scaled(lambda q, dim: q.shape[1] ** -0.5)),
    _own("own-scale-tokens", "with scores divided by the root of the number of tokens", _DIVIDE, _scaled(lambda q, dim: q.shape[2] ** -0.5)),
    _own("own-scale-upwards", "with scores multiplied by √d_k", _DIVIDE, _scaled(lambda q, dim: q.shape[3] ** 0.5)),
    _own("own-scale-fourth-root", "with scores divided by the fourth root of d_k", _DIVIDE, _scaled(lambda q, dim: q.shape[3] ** -0.25)),
    _own("own-scale-after", "with the division by √d_k after the softmax", "the scores are divided before the softmax", scale_after_softmax),
    _own("own-causal", "with a causal mask: no token attends to later ones", "an encoder's tokens attend to all tokens", causal),
    _own("own-zeroed", "with the scores of later tokens set to 0 before the softmax", "an encoder's tokens attend to all tokens, so nothing is masked; and exp(0) is 1", later_scores_zeroed),
    _own("own-softmax-queries", "with the softmax over the QUERIES", "each query's weights over the keys add up to 1", _softmax(2)),
    _own("own-softmax-heads", "with the softmax over the HEADS", "each query's weights over the keys add up to 1", _softmax(1), alone=False),
    _own("own-softmax-batch", "with the softmax over the BATCH", "each query's weights over the keys add up to 1", _softmax(0), alone=False),
    _own("own-no-softmax", "with attention without a softmax", "the scores become weights by a softmax", no_softmax, alone=False),
    _own("own-exp", "with exponentials of the scores that are not divided by their sums", "a softmax divides by the sum of the exponentials", exp_alone, alone=False),
    _own("own-softmax-twice", "with the softmax taken twice", "is there one in what you call and one around it?", softmax_twice),
    _own("own-transposed", "with the attention matrix transposed", "row i holds the weights of query i", weights_transposed),
    _own("own-unused", "with the values alone: the attention matrix is not used", "the weights multiply the values", weights_unused, repeats=True),
    _own("own-residual", "with the values added to what attention gives", "the residual connections of Figure 1 add x, outside the attention", values_added),
    _own("own-never-moved", "with heads split and joined by a reshape alone, which mixes tokens and features", _MOVE, never_moved),
    _own("own-merged", "with heads joined by a reshape alone, which mixes tokens and features", _MOVE, merged_without_moving),
    _own("own-split", "with heads split by a reshape alone, which mixes tokens and features", _MOVE, split_without_moving),
    _own("own-exchanged", "with heads and dim_head exchanged", _HEADS, _exchanged(lambda heads, dim_head: heads**-0.5)),
    _own("own-exchanged-split", "with heads and dim_head exchanged where the features are split", _HEADS, _exchanged(lambda heads, dim_head: dim_head**-0.5)),
    _own("own-one-head", "with all features in one head", _HEADS, _one_head(lambda heads, dim_head: (heads * dim_head) ** -0.5)),
    _own("own-one-head-scaled", "with all features in one head, scaled as for dim_head", _HEADS, _one_head(lambda heads, dim_head: dim_head**-0.5)),
    _own("own-repeats", "with one projection in two of the places of Q, K and V", "each of the three has a projection of its own", multi_head, repeats=True),
    _own("own-norm-qk", "with queries and keys that go through a LayerNorm", _AS_PROJECTED, normalised_scores),
    _own("own-unit-qk", "with queries and keys that are divided by their lengths", _AS_PROJECTED, _of_unit_length(lambda q: q.shape[-1] ** -0.5)),
    _own("own-cosine", "with the cosines of queries and keys as scores", _AS_PROJECTED, _of_unit_length(lambda q: 1.0)),
    _own("own-values-rectified", "with a ReLU on the values", "values are taken as they are projected: the attention has no activation", values_rectified),
    _own("own-norm-of-heads", "with a LayerNorm on what each head gives", "Figure 1 has two layer normalisations, each where a block is entered", normalised_heads, alone=False, bent=True),
)  # fmt: skip
