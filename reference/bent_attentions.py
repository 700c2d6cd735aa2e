"""Attention with a function where the handout's formula has none: on the scores, on V, on what comes out.

Why separate: one function in one place is one mistake, and all of them are made alike. Every formula has the signature
of `other_attentions`: x, (batch, tokens, input_dim), and three matrices (inner_dim, input_dim) to (batch, tokens,
inner_dim).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from reference.attention import attention, single_head

Function = Callable[[Tensor], Tensor]
Formula = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]

# What students write on a tensor: what it is called, with the tensor's name in it, and what it does.
FUNCTIONS: Mapping[str, tuple[str, Function]] = {
    "tanh": ("a tanh of {}", torch.tanh),
    "sigmoid": ("a sigmoid of {}", torch.sigmoid),
    "relu": ("a ReLU of {}", torch.relu),
    "gelu": ("a GELU of {}", F.gelu),
    "abs": ("the absolute values of {}", torch.abs),
    "square": ("the squares of {}", torch.square),
    "softmax": ("a softmax over the features of {}", lambda given: given.softmax(-1)),
    "length": ("a length of 1 for each token of {}", lambda given: F.normalize(given, dim=-1)),
    "norm": ("a layer normalisation of {}", lambda given: F.layer_norm(given, given.shape[-1:])),
}


def _scores(x: Tensor, w_q: Tensor, w_k: Tensor) -> Tensor:
    scores: Tensor = (x @ w_q.T) @ (x @ w_k.T).transpose(-2, -1) / math.sqrt(w_q.shape[0])
    return scores


def _weighed(weigh: Function) -> Formula:
    """`weigh` makes the weights, (batch, queries, keys), of the scaled scores."""
    return lambda x, w_q, w_k, w_v: weigh(_scores(x, w_q, w_k)) @ (x @ w_v.T)


def on_scores(function: Function) -> Formula:
    """The softmax of a function of the scaled scores."""
    return _weighed(lambda scores: torch.softmax(function(scores), dim=-1))


def on_products(function: Function) -> Formula:
    """The softmax of a function of the products, which are scaled after it."""

    def formula(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
        root = math.sqrt(w_q.shape[0])
        return torch.softmax(function(_scores(x, w_q, w_k) * root) / root, dim=-1) @ (x @ w_v.T)

    return formula


def on_values(function: Function) -> Formula:
    """A function of the values is weighed."""
    return lambda x, w_q, w_k, w_v: torch.softmax(_scores(x, w_q, w_k), dim=-1) @ function(x @ w_v.T)


def on_output(function: Function) -> Formula:
    """A function of the right output."""
    return lambda x, w_q, w_k, w_v: function(single_head(x, w_q, w_k, w_v))


def on_all(function: Function) -> Formula:
    """A function of queries, keys and values each."""
    return _projected(function, function)


def on_queries_and_keys(function: Function) -> Formula:
    """A function of queries and keys each."""
    return _projected(function, lambda values: values)


def _projected(of_scores: Function, of_values: Function) -> Formula:
    def formula(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
        return attention(of_scores(x @ w_q.T), of_scores(x @ w_k.T), of_values(x @ w_v.T))

    return formula


def _shares(function: Function) -> Function:
    """Divided by their sum over the keys; nothing where that is 0."""
    return lambda scores: function(scores) / function(scores).sum(-1, keepdim=True).clamp_min(1e-9)


sigmoids = _weighed(torch.sigmoid)
rectified_alone = _weighed(torch.relu)
tanh_alone = _weighed(torch.tanh)
sigmoid_shares = _weighed(_shares(torch.sigmoid))
rectified_shares = _weighed(_shares(torch.relu))
largest_alone = _weighed(lambda scores: F.one_hot(scores.argmax(-1), scores.shape[-1]).to(scores))
lower_triangle = _weighed(lambda scores: scores.softmax(-1).tril())
upper_triangle = _weighed(lambda scores: scores.softmax(-1).triu())
later_alone = _weighed(
    lambda scores: scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).tril(-1), float("-inf")).softmax(-1)
)


class Place(NamedTuple):
    """Where functions stand: what belongs there, what mends it, and which functions are met."""

    name: str
    what: str
    whose: str  # "its" or "their"
    hint: str
    made: Callable[[Function], Formula]
    functions: str


_SCORES = "the softmax takes the scores as they are, negative ones too"
_PRODUCTS = "handout 4(a) takes queries and keys as they are projected: their products, divided by √d_k, are the scores"
_VALUES = "V is what the projection gives, as it is"
_OUTPUT = "what comes out is the weighted sum of the values, as it is: activations and norms are the layer's, of 4(b)"
PLACES = (
    Place("scores", "the scores", "their", _SCORES, on_scores, "tanh sigmoid gelu abs square"),
    Place("products", "the products of Q and K", "their", _SCORES, on_products, "tanh sigmoid gelu square"),
    Place("values", "V", "its", _VALUES, on_values, "tanh sigmoid gelu softmax length norm"),
    Place("output", "the output", "its", _OUTPUT, on_output, "tanh sigmoid relu gelu softmax length norm"),
    Place("all", "Q, K and V each", "their", _PRODUCTS, on_all, "tanh sigmoid gelu"),
    Place("both", "Q and K each", "their", _PRODUCTS, on_queries_and_keys, "tanh relu gelu softmax norm"),
)


def bent() -> Iterator[tuple[str, str, str, Formula]]:
    """(name, title, hint, formula) of each function in each place."""
    for place in PLACES:
        for name in place.functions.split():
            told, function = FUNCTIONS[name]
            title = f"with {told.format(place.what)} in {place.whose} place"
            yield f"{name}-of-{place.name}", title, place.hint, place.made(function)
