"""Attention of another kind than the handout's, as students meet it elsewhere or invent it: other scores, other pairs.

Why separate: `misconceptions` holds slips in the right formula; here another formula stands in its place, with the same
signature: x, (batch, tokens, input_dim), and three matrices (inner_dim, input_dim) to (batch, tokens, inner_dim).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from reference.attention import single_head

Formula = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def _scored(score: Callable[[Tensor, Tensor], Tensor]) -> Formula:
    """The softmax over the keys of `score(q, k)`, (batch, queries, keys), weighs V."""

    def formula(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
        return torch.softmax(score(x @ w_q.T, x @ w_k.T), dim=-1) @ (x @ w_v.T)

    return formula


def _products(q: Tensor, k: Tensor) -> Tensor:
    scores: Tensor = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    return scores


def _cosines(q: Tensor, k: Tensor) -> Tensor:
    return F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)


def _masked(hidden: Callable[[Tensor], Tensor]) -> Formula:
    """Pairs whose distance |i - j| is `hidden` get no weight."""

    def score(q: Tensor, k: Tensor) -> Tensor:
        at = torch.arange(q.shape[-2])
        return _products(q, k).masked_fill(hidden((at[:, None] - at).abs()), float("-inf"))

    return _scored(score)


cosine = _scored(_cosines)
cosine_scaled = _scored(lambda q, k: _cosines(q, k) / math.sqrt(q.shape[-1]))
distance = _scored(lambda q, k: -torch.cdist(q, k))
distance_squared = _scored(lambda q, k: -(torch.cdist(q, k) ** 2))
distance_squared_scaled = _scored(lambda q, k: -(torch.cdist(q, k) ** 2) / math.sqrt(q.shape[-1]))
floored = _scored(lambda q, k: q @ k.transpose(-2, -1) // math.sqrt(q.shape[-1]))
rectified = _scored(lambda q, k: _products(q, k).relu())
zeroed = _scored(lambda q, k: _products(q, k).tril())
without_itself = _masked(lambda gap: gap == 0)
neighbours = _masked(lambda gap: gap > 1)


def each_with_itself(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """q and k multiplied entry by entry: a score for each token, whose softmax over the tokens weighs its own value."""
    scores = ((x @ w_q.T) * (x @ w_k.T)).sum(-1, keepdim=True) / math.sqrt(w_q.shape[0])
    return torch.softmax(scores, dim=-2) * (x @ w_v.T)


def features_attend(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """softmax(QᵀK / √d_k), (d_k, d_k), weighs the features of each value: V A."""
    return (x @ w_v.T) @ _of_features(x, w_q, w_k)


def features_attend_turned(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """The same, each feature weighed by its own row: (A Vᵀ)ᵀ."""
    return (x @ w_v.T) @ _of_features(x, w_q, w_k).transpose(-2, -1)


def _of_features(x: Tensor, w_q: Tensor, w_k: Tensor) -> Tensor:
    return torch.softmax(_products((x @ w_q.T).transpose(-2, -1), (x @ w_k.T).transpose(-2, -1)) * _turned(x, w_q), -1)


def _turned(x: Tensor, w_q: Tensor) -> float:
    """`_products` divides by √T here: √d_k is meant."""
    return math.sqrt(x.shape[-2] / w_q.shape[0])


def all_rectified(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """A ReLU on queries, keys and values."""
    q, k, v = ((x @ w.T).relu() for w in (w_q, w_k, w_v))
    return torch.softmax(_products(q, k), dim=-1) @ v


def values_rectified(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """A ReLU on the values alone."""
    return torch.softmax(_products(x @ w_q.T, x @ w_k.T), dim=-1) @ (x @ w_v.T).relu()


def logarithms(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """The logarithms of the weights weigh V: log_softmax."""
    return F.log_softmax(_products(x @ w_q.T, x @ w_k.T), dim=-1) @ (x @ w_v.T)


def averaged(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """The mean over the tokens of the right output, for each of them."""
    out = single_head(x, w_q, w_k, w_v)
    return out.mean(-2, keepdim=True).expand_as(out)


def all_samples_at_once(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """Batch and tokens flattened into one axis: tokens attend to those of other samples, too."""
    return single_head(x.reshape(1, -1, x.shape[-1]), w_q, w_k, w_v).reshape(*x.shape[:-1], -1)


def _dealt_out(axis: int) -> Formula:
    """One projection for q, k and v, taken apart by a reshape with the 3 in the wrong place, not by its features."""

    def formula(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
        fused = torch.cat([x @ w_q.T, x @ w_k.T, x @ w_v.T], dim=-1)
        shape = [*fused.shape[:-1], w_q.shape[0]]
        q, k, v = fused.reshape(*shape[:axis], 3, *shape[axis:]).unbind(axis)
        return torch.softmax(_products(q, k), dim=-1) @ v

    return formula


dealt_out_by_thirds = _dealt_out(0)
dealt_out_in_samples = _dealt_out(1)


def twice(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """The weights meet V, and then what came of it once more."""
    weights = torch.softmax(_products(x @ w_q.T, x @ w_k.T), dim=-1)
    return weights @ (weights @ (x @ w_v.T))


def softmax_of_each(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """Q and K each through a softmax of their own, over the features and over the tokens; none of their products."""
    q, k, v = torch.softmax(x @ w_q.T, dim=-1), torch.softmax(x @ w_k.T, dim=-2), x @ w_v.T
    return q @ (k.transpose(-2, -1) @ v)
