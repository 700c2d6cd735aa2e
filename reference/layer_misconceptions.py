"""Wrong versions of 4(b) that students really write: of the whole layer, and of each half alone.

`LAYER` names one mistake in a layer that is right otherwise. `ATTENTION_HALF` and `MLP_HALF` name the mistake in one
half while the other is silenced, so that two mistakes can both be named. In a half, formulas that differ only in the
other one are the same: these two lists hold only what can be told apart there.
"""

# ruff: noqa: E501  (one signature and one entry a line: the table is read as a table)
from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from reference.encoder import Affine, Function, Norm, normalised
from reference.misconceptions import Misconception


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


def first_norm_after(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = normalised(x + F.linear(mixing(x), *projection), norm1)
    return x + _mlp(x, norm2, fc1, fc2, activation)


def mlp_first(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = x + _mlp(x, norm2, fc1, fc2, activation)
    return x + _attend(x, norm1, mixing, projection)


def activation_on_attention(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = x + activation(_attend(x, norm1, mixing, projection))
    return x + _mlp(x, norm2, fc1, fc2, activation)


def residual_from_second_norm(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = normalised(x + _attend(x, norm1, mixing, projection), norm2)
    return x + F.linear(activation(F.linear(x, *fc1)), *fc2)


def double_residual_attention(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = 2 * x + _attend(x, norm1, mixing, projection)
    return x + _mlp(x, norm2, fc1, fc2, activation)


def double_residual_mlp(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = x + _attend(x, norm1, mixing, projection)
    return 2 * x + _mlp(x, norm2, fc1, fc2, activation)


def no_attention(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    return x + _mlp(x, norm2, fc1, fc2, activation)


def first_residual_from_normalised(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = normalised(x, norm1) + _attend(x, norm1, mixing, projection)
    return x + _mlp(x, norm2, fc1, fc2, activation)


def deviation_of_a_sample(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    n = x.shape[-1]
    shrunk = ((n - 1) / n) ** 0.5  # Tensor.std divides by n - 1 unless it is told not to
    x = x + F.linear(mixing(_shrunk(x, norm1, shrunk)), *projection)
    return x + F.linear(activation(F.linear(_shrunk(x, norm2, shrunk), *fc1)), *fc2)


def _shrunk(x: Tensor, norm: Norm, by: float) -> Tensor:
    plain = normalised(x, None) * by
    return plain if norm is None else plain * norm[0] + norm[1]


def root_mean_square(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = x + F.linear(mixing(_rms(x, norm1)), *projection)
    return x + F.linear(activation(F.linear(_rms(x, norm2), *fc1)), *fc2)


def _rms(x: Tensor, norm: Norm) -> Tensor:
    plain = x * (x.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
    return plain if norm is None else plain * norm[0] + norm[1]


def second_norm_after(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = x + _attend(x, norm1, mixing, projection)
    return normalised(x + F.linear(activation(F.linear(x, *fc1)), *fc2), norm2)


def norm_at_the_end(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    return normalised(pre_norm(x, norm1, mixing, projection, norm2, fc1, fc2, activation), None)


def pre_norm(x: Tensor, norm1: Norm, mixing: Function, projection: Affine, norm2: Norm, fc1: Affine, fc2: Affine, activation: Function) -> Tensor:  # fmt: skip
    x = x + _attend(x, norm1, mixing, projection)
    return x + _mlp(x, norm2, fc1, fc2, activation)


LAYER = (
    Misconception("post-norm", "with each LayerNorm AFTER its residual sum (post-norm)", "in Figure 1 each block is entered through a layer normalisation", post_norm),
    Misconception("no-residual-attention", "without the residual connection around the attention", "Figure 1 has two '+': the first adds the input of the layer", no_residual_attention, half="attention"),
    Misconception("no-residual-mlp", "without the residual connection around the MLP", "Figure 1 has two '+': the second adds what goes into the MLP's half", no_residual_mlp, half="mlp"),
    Misconception("no-residuals", "without residual connections", "Figure 1 has two '+'", no_residuals),
    Misconception("residual-from-normalised", "with the residuals taken from the NORMALISED x", "what is added back is x itself, before the layer normalisation", residual_from_normalised),
    Misconception("residual-of-the-input", "with the second residual taken from the layer's input", "the second '+' adds what came out of the first", residual_of_the_input),
    Misconception("parallel", "with attention and MLP side by side instead of one after the other", "the MLP works on what the first '+' gives", parallel),
    Misconception("shared-norm", "with one LayerNorm used in both places", "Figure 1 has two layer normalisations, each with its own weights", pre_norm, shared_norm=True),
    Misconception("no-first-norm", "without the LayerNorm before the attention", "in Figure 1 each block is entered through a layer normalisation", no_first_norm, half="attention"),
    Misconception("no-second-norm", "without the LayerNorm before the MLP", "in Figure 1 each block is entered through a layer normalisation", no_second_norm, half="mlp"),
    Misconception("no-norms", "without LayerNorms", "in Figure 1 each block is entered through a layer normalisation", no_norms),
    Misconception("no-activation", "without a non-linearity inside the MLP", "two linear maps in a row are only one: put an activation between them", no_activation, half="mlp"),
    Misconception("activation-at-the-end", "with an activation after the MLP's last linear map too", "the MLP ends in a linear map", activation_at_the_end, half="mlp"),
    Misconception("no-mlp", "without the MLP", "Figure 1 has a second block after the attention", no_mlp, half="mlp"),
    Misconception("norm-after-block", "with each LayerNorm on what is added, after the block instead of before it", "in Figure 1 each block is entered through a layer normalisation", norm_after_block),
    Misconception("first-norm-after", "with the first LayerNorm after the residual sum", "the first layer normalisation comes before the attention", first_norm_after, half="attention"),
    Misconception("mlp-first", "with the MLP before the attention", "in Figure 1 the attention comes first", mlp_first),
    Misconception("norm2-on-the-sum", "with the second residual taken from the NORMALISED sum", "what is added back is what came out of the first '+', before the layer normalisation", residual_from_second_norm, half="mlp"),
    Misconception("double-residual-attention", "with x added twice around the attention", "is there a residual connection in what you call and around it?", double_residual_attention, half="attention"),
    Misconception("double-residual-mlp", "with x added twice around the MLP", "is there a residual connection in what you call and around it?", double_residual_mlp, half="mlp"),
    Misconception("no-attention", "without the attention", "Figure 1 has a first block before the MLP", no_attention, half="attention"),
    Misconception("activation-on-attention", "with an activation on what the attention half adds", "only the MLP has a non-linearity", activation_on_attention, half="attention"),
    Misconception("first-residual-from-normalised", "with the first residual taken from the NORMALISED x", "what is added back is x itself, before the layer normalisation", first_residual_from_normalised, half="attention"),
    Misconception("unbiased-deviation", "with a LayerNorm that divides by the deviation of n - 1", "nn.LayerNorm divides by n; Tensor.std and var divide by n - 1 unless unbiased=False", deviation_of_a_sample),
    Misconception("rms-norm", "with a normalisation that does not take the mean away", "layer normalisation takes the mean away, then divides by the deviation", root_mean_square),
    Misconception("second-norm-after", "with the second LayerNorm after the residual sum", "the second layer normalisation comes before the MLP", second_norm_after, half="mlp"),
    Misconception("norm-at-the-end", "with one more LayerNorm at the end of the layer", "Figure 1 ends in a '+'", norm_at_the_end, half="mlp"),
)  # fmt: skip

# The halves. Each of these differs from the others on random weights when the other half adds nothing.


def _half_of(names: dict[str, str]) -> tuple[Misconception, ...]:
    """The named entries of LAYER, under the titles that hold for one half alone."""
    known = {mistake.name: mistake for mistake in LAYER}
    return tuple(Misconception(name, title, known[name].hint, known[name].formula) for name, title in names.items())


ATTENTION_HALF = _half_of({
    "no-residual-attention": "without the residual connection around the attention",
    "no-first-norm": "without the LayerNorm before the attention",
    "first-norm-after": "with the LayerNorm after the residual sum instead of before the attention",
    "first-residual-from-normalised": "with the residual taken from the NORMALISED x",
    "norm-after-block": "with the LayerNorm on what the attention adds instead of before it",
    "norm2-on-the-sum": "with a LayerNorm before the attention and one more on the sum after it",
    "double-residual-attention": "with x added twice around the attention",
    "activation-on-attention": "with an activation on what the attention half adds",
    "no-attention": "with nothing added to x by the attention half",
    "unbiased-deviation": "with a LayerNorm that divides by the deviation of n - 1",
    "rms-norm": "with a normalisation that does not take the mean away",
})  # fmt: skip
MLP_HALF = _half_of({
    "no-residual-mlp": "without the residual connection around the MLP",
    "no-second-norm": "without the LayerNorm before the MLP",
    "no-activation": "without a non-linearity inside the MLP",
    "second-norm-after": "with the LayerNorm after the residual sum instead of before the MLP",
    "norm-at-the-end": "with a LayerNorm before the MLP and one more on the sum after it",
    "activation-at-the-end": "with an activation after the MLP's last linear map too",
    "norm2-on-the-sum": "with the residual taken from the NORMALISED x",
    "norm-after-block": "with the LayerNorm on what the MLP adds instead of before it",
    "double-residual-mlp": "with x added twice around the MLP",
    "no-mlp": "with nothing added to x by the MLP",
    "unbiased-deviation": "with a LayerNorm that divides by the deviation of n - 1",
    "rms-norm": "with a normalisation that does not take the mean away",
})  # fmt: skip
