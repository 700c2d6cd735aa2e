"""Wrong versions that students really write, each a small named variant of the reference.

When no assignment of roles makes the reference fit, the diagnosis looks here for the one variant that explains every
case. The same bank tests the tests: each of these must lose points, in its own question. To add one: write the formula
with the signature of its list, give it a title that completes "your output equals the reference ...", and a hint.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
import torch
import torch.nn.functional as F
from torch import Tensor

from reference.attention import attention, attention_weights
from reference.encoder import Affine, Function, Norm, normalised


class Misconception(msgspec.Struct, frozen=True):
    """One named mistake. `title` completes "your output equals the reference ...", `hint` never gives the line away."""

    name: str
    title: str
    hint: str
    formula: Callable[..., Tensor]
    repeats: bool = False  # one matrix may play two roles
    shared_norm: bool = False  # one LayerNorm may play both


def _project(x: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    return tuple(x @ w.T for w in weights)


def no_scale(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    return attention(*_project(x, w_q, w_k, w_v), scale=1.0)


def scale_by_d(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    return attention(*_project(x, w_q, w_k, w_v), scale=1 / w_q.shape[0])


def scale_by_input_dim(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    return attention(*_project(x, w_q, w_k, w_v), scale=x.shape[-1] ** -0.5)


def scale_by_tokens(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    return attention(*_project(x, w_q, w_k, w_v), scale=x.shape[-2] ** -0.5)


def scale_upwards(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    return attention(*_project(x, w_q, w_k, w_v), scale=w_q.shape[0] ** 0.5)


def scale_after_softmax(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    return no_scale(x, w_q, w_k, w_v) / math.sqrt(w_q.shape[0])


def softmax_over_queries(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    q, k, v = _project(x, w_q, w_k, w_v)
    return torch.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5, dim=-2) @ v


def softmax_over_batch(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    q, k, v = _project(x, w_q, w_k, w_v)
    return torch.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5, dim=0) @ v


def no_softmax(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    q, k, v = _project(x, w_q, w_k, w_v)
    scores: Tensor = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    return scores @ v


def softmax_after_values(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    return torch.softmax(no_softmax(x, w_q, w_k, w_v), dim=-1)


def weights_transposed(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    q, k, v = _project(x, w_q, w_k, w_v)
    return attention_weights(q, k).transpose(-2, -1) @ v


def values_not_projected_by_attention(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    return x @ w_v.T


def residual_inside(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    q, k, v = _project(x, w_q, w_k, w_v)
    return v + attention(q, k, v)


def causal(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    q, k, v = _project(x, w_q, w_k, w_v)
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    return torch.softmax(scores.masked_fill(later, float("-inf")), dim=-1) @ v


def right(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    return attention(*_project(x, w_q, w_k, w_v))


ATTENTION = (
    Misconception("no-scale", "without the division by √d_k", "compare your scores with the handout's formula: something is divided there", no_scale),
    Misconception("softmax-over-queries", "with the softmax taken over the QUERIES", "look at the dim argument of your softmax: which axis holds the keys?", softmax_over_queries),
    Misconception("softmax-over-batch", "with the softmax taken over the BATCH", "look at the dim argument of your softmax: which axis holds the keys? Sample 0 must not depend on sample 1", softmax_over_batch),
    Misconception("scale-by-d", "divided by d_k instead of √d_k", "the handout divides by a square root", scale_by_d),
    Misconception("scale-by-input-dim", "scaled by √input_dim instead of √inner_dim", "d_k is the size of a query, not of x", scale_by_input_dim),
    Misconception("scale-by-tokens", "scaled by √T (tokens) instead of √d_k", "d_k is the size of one query vector: which axis is that?", scale_by_tokens),
    Misconception("scale-upwards", "MULTIPLIED by √d_k instead of divided", "the scores should become smaller by the scaling", scale_upwards),
    Misconception("scale-after-softmax", "with the division by √d_k after the softmax", "the scaling belongs to the scores, before the softmax sees them", scale_after_softmax),
    Misconception("no-softmax", "without the softmax", "rows of the attention matrix must be probabilities", no_softmax),
    Misconception("softmax-after-values", "with the softmax applied after the product with V", "first the probabilities, then the weighted sum of the values", softmax_after_values),
    Misconception("weights-transposed", "with the attention matrix transposed before it meets V", "row i of the attention matrix says how position i attends to all others", weights_transposed),
    Misconception("no-attention", "with no mixing of the tokens at all: only V comes out", "the attention weights never reach the output", values_not_projected_by_attention),
    Misconception("residual-inside", "plus V once more (a residual connection inside the attention)", "residual connections belong to the encoder layer of 4(b)", residual_inside),
    Misconception("causal", "with later tokens masked out", "this is an encoder: every position sees every other", causal),
    Misconception("one-matrix-for-two", "with one projection used for two of Q, K and V", "Q, K and V have three different projection matrices", right, repeats=True),
)  # fmt: skip  # one entry a line: the table is read as a table


def _attend(x: Tensor, norm1: Norm, mixing: Function, projection: Affine) -> Tensor:
    return F.linear(mixing(normalised(x, norm1)), *projection)


def _mlp(x: Tensor, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:
    return F.linear(activation(F.linear(normalised(x, norm2), *fc1)), *fc2)


def post_norm(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = normalised(x + F.linear(mixing(x), *projection), norm1)
    return normalised(x + F.linear(activation(F.linear(x, *fc1)), *fc2), norm2)


def norm_after_block(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = x + normalised(F.linear(mixing(x), *projection), norm1)
    return x + normalised(F.linear(activation(F.linear(x, *fc1)), *fc2), norm2)


def no_residual_attention(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = _attend(x, norm1, mixing, projection)
    return x + _mlp(x, norm2, fc1, fc2, activation)


def no_residual_mlp(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = x + _attend(x, norm1, mixing, projection)
    return _mlp(x, norm2, fc1, fc2, activation)


def no_residuals(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    return _mlp(_attend(x, norm1, mixing, projection), norm2, fc1, fc2, activation)


def residual_from_normalised(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    n = normalised(x, norm1)
    n = normalised(n + F.linear(mixing(n), *projection), norm2)
    return n + F.linear(activation(F.linear(n, *fc1)), *fc2)


def residual_of_the_input(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    y = x + _attend(x, norm1, mixing, projection)
    return x + _mlp(y, norm2, fc1, fc2, activation)


def parallel(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    return x + _attend(x, norm1, mixing, projection) + _mlp(x, norm2, fc1, fc2, activation)


def no_first_norm(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = x + F.linear(mixing(x), *projection)
    return x + _mlp(x, norm2, fc1, fc2, activation)


def no_second_norm(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = x + _attend(x, norm1, mixing, projection)
    return x + F.linear(activation(F.linear(x, *fc1)), *fc2)


def no_norms(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = x + F.linear(mixing(x), *projection)
    return x + F.linear(activation(F.linear(x, *fc1)), *fc2)


def no_activation(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = x + _attend(x, norm1, mixing, projection)
    return x + _mlp(x, norm2, fc1, fc2, lambda hidden: hidden)


def no_mlp(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    return x + _attend(x, norm1, mixing, projection)


def activation_at_the_end(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = x + _attend(x, norm1, mixing, projection)
    return x + activation(_mlp(x, norm2, fc1, fc2, activation))


def final_norm(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = normalised(x + F.linear(mixing(x), *projection), norm1)
    return x + _mlp(x, norm2, fc1, fc2, activation)


def pre_norm(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = x + _attend(x, norm1, mixing, projection)
    return x + _mlp(x, norm2, fc1, fc2, activation)


LAYER = (
    Misconception("post-norm", "with each LayerNorm AFTER its residual sum (post-norm)", "in Figure 1 each block is entered through a layer normalisation", post_norm),
    Misconception("no-residual-attention", "without the residual connection around the attention", "Figure 1 has two '+': the first adds the input of the layer", no_residual_attention),
    Misconception("no-residual-mlp", "without the residual connection around the MLP", "Figure 1 has two '+': the second adds what goes into the MLP's half", no_residual_mlp),
    Misconception("no-residuals", "without residual connections", "Figure 1 has two '+'", no_residuals),
    Misconception("residual-from-normalised", "with the residuals taken from the NORMALISED x", "what is added back is x itself, before the layer normalisation", residual_from_normalised),
    Misconception("residual-of-the-input", "with the second residual taken from the layer's input", "the second '+' adds what came out of the first", residual_of_the_input),
    Misconception("parallel", "with attention and MLP side by side instead of one after the other", "the MLP works on what the first '+' gives", parallel),
    Misconception("shared-norm", "with one LayerNorm used in both places", "Figure 1 has two layer normalisations, each with its own weights", pre_norm, shared_norm=True),
    Misconception("no-first-norm", "without the LayerNorm before the attention", "in Figure 1 each block is entered through a layer normalisation", no_first_norm),
    Misconception("no-second-norm", "without the LayerNorm before the MLP", "in Figure 1 each block is entered through a layer normalisation", no_second_norm),
    Misconception("no-norms", "without LayerNorms", "in Figure 1 each block is entered through a layer normalisation", no_norms),
    Misconception("no-activation", "without a non-linearity inside the MLP", "two linear maps in a row are only one: put an activation between them", no_activation),
    Misconception("activation-at-the-end", "with an activation after the MLP's last linear map too", "the MLP ends in a linear map", activation_at_the_end),
    Misconception("no-mlp", "without the MLP", "Figure 1 has a second block after the attention", no_mlp),
    Misconception("norm-after-block", "with each LayerNorm on what is added, after the block instead of before it", "in Figure 1 each block is entered through a layer normalisation", norm_after_block),
    Misconception("first-norm-after", "with the first LayerNorm after the residual sum", "the first layer normalisation comes before the attention", final_norm),
)  # fmt: skip
