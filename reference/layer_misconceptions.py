"""Wrong versions of 4(b) that students really write: of the whole layer, and of each half alone.

`LAYER` names one mistake in a layer that is right otherwise. `ATTENTION_HALF` and `MLP_HALF` name the mistake in one
half while the other is silenced, so that two mistakes can both be named. In a half, formulas that differ only in the
other one are the same: these two lists hold only what can be told apart there.

Every formula maps x, (batch, tokens, dim), to the same shape, over the parts of the layer of `encoder.layer`.
"""

# ruff: noqa: E501  (one entry a line: the table is read as a table)
from __future__ import annotations

import msgspec
import torch.nn.functional as F
from torch import Tensor

from autograder.judging.code.layer_parts import LayerParts, Norm
from reference.encoder import layer, normalised
from reference.misconceptions import Misconception


def _attention(x: Tensor, parts: LayerParts) -> Tensor:
    """The block of the first half without its LayerNorm: (batch, tokens, dim) -> same shape."""
    return F.linear(parts.attention(x), *parts.projection)


def _two_maps(x: Tensor, parts: LayerParts) -> Tensor:
    """The block of the second half without its LayerNorm: (batch, tokens, dim) -> same shape."""
    return F.linear(parts.activation(F.linear(x, *parts.fc1)), *parts.fc2)


def _attend(x: Tensor, parts: LayerParts) -> Tensor:
    """What the first half adds to x."""
    return _attention(normalised(x, parts.norm1), parts)


def _mlp(x: Tensor, parts: LayerParts) -> Tensor:
    """What the second half adds to x."""
    return _two_maps(normalised(x, parts.norm2), parts)


def post_norm(x: Tensor, parts: LayerParts) -> Tensor:
    """LayerNorm after each residual sum, none before a block: norm(x + block(x)), twice (post-norm)."""
    x = normalised(x + _attention(x, parts), parts.norm1)
    return normalised(x + _two_maps(x, parts), parts.norm2)


def norm_after_block(x: Tensor, parts: LayerParts) -> Tensor:
    """LayerNorm on what each block adds, none before it: x + norm(block(x)), twice."""
    x = x + normalised(_attention(x, parts), parts.norm1)
    return x + normalised(_two_maps(x, parts), parts.norm2)


def no_residual_attention(x: Tensor, parts: LayerParts) -> Tensor:
    """The attention half's output alone goes on; x is not added to it."""
    x = _attend(x, parts)
    return x + _mlp(x, parts)


def no_residual_mlp(x: Tensor, parts: LayerParts) -> Tensor:
    """The MLP half's output alone comes out; what went into that half is not added."""
    x = x + _attend(x, parts)
    return _mlp(x, parts)


def no_residuals(x: Tensor, parts: LayerParts) -> Tensor:
    """Nothing is added back in either half."""
    return _mlp(_attend(x, parts), parts)


def residual_from_normalised(x: Tensor, parts: LayerParts) -> Tensor:
    """In both halves the NORMALISED input is added back, not the input itself."""
    n = normalised(x, parts.norm1)
    n = normalised(n + _attention(n, parts), parts.norm2)
    return n + _two_maps(n, parts)


def residual_of_the_input(x: Tensor, parts: LayerParts) -> Tensor:
    """The second '+' adds the layer's own x, not what came out of the first."""
    y = x + _attend(x, parts)
    return x + _mlp(y, parts)


def parallel(x: Tensor, parts: LayerParts) -> Tensor:
    """Both halves work on x, side by side, and all three are added up."""
    return x + _attend(x, parts) + _mlp(x, parts)


def no_first_norm(x: Tensor, parts: LayerParts) -> Tensor:
    """The attention gets x as it is; the MLP half is right."""
    x = x + _attention(x, parts)
    return x + _mlp(x, parts)


def no_second_norm(x: Tensor, parts: LayerParts) -> Tensor:
    """The MLP gets the first sum as it is; the attention half is right."""
    x = x + _attend(x, parts)
    return x + _two_maps(x, parts)


def no_norms(x: Tensor, parts: LayerParts) -> Tensor:
    """Neither block is entered through a LayerNorm."""
    x = x + _attention(x, parts)
    return x + _two_maps(x, parts)


def no_activation(x: Tensor, parts: LayerParts) -> Tensor:
    """The MLP's two linear maps follow each other with nothing in between."""
    return layer(x, msgspec.structs.replace(parts, activation=lambda hidden: hidden))


def no_mlp(x: Tensor, parts: LayerParts) -> Tensor:
    """The attention half alone."""
    return x + _attend(x, parts)


def activation_at_the_end(x: Tensor, parts: LayerParts) -> Tensor:
    """The activation once more, on what the MLP half adds."""
    x = x + _attend(x, parts)
    return x + parts.activation(_mlp(x, parts))


def first_norm_after(x: Tensor, parts: LayerParts) -> Tensor:
    """The first LayerNorm comes after its residual sum; the MLP half is right."""
    x = normalised(x + _attention(x, parts), parts.norm1)
    return x + _mlp(x, parts)


def mlp_first(x: Tensor, parts: LayerParts) -> Tensor:
    """The right halves in the wrong order: MLP, then attention."""
    x = x + _mlp(x, parts)
    return x + _attend(x, parts)


def activation_on_attention(x: Tensor, parts: LayerParts) -> Tensor:
    """The MLP's activation on what the attention half adds, too."""
    x = x + parts.activation(_attend(x, parts))
    return x + _mlp(x, parts)


def residual_from_second_norm(x: Tensor, parts: LayerParts) -> Tensor:
    """The MLP half adds back the NORMALISED sum, not the sum itself."""
    x = normalised(x + _attend(x, parts), parts.norm2)
    return x + _two_maps(x, parts)


def double_residual_attention(x: Tensor, parts: LayerParts) -> Tensor:
    """2x goes into the first sum: a residual connection inside the attention and one around it."""
    x = 2 * x + _attend(x, parts)
    return x + _mlp(x, parts)


def double_residual_mlp(x: Tensor, parts: LayerParts) -> Tensor:
    """The second sum counts its input twice: a residual connection inside the MLP and one around it."""
    x = x + _attend(x, parts)
    return 2 * x + _mlp(x, parts)


def no_attention(x: Tensor, parts: LayerParts) -> Tensor:
    """The MLP half alone."""
    return x + _mlp(x, parts)


def first_residual_from_normalised(x: Tensor, parts: LayerParts) -> Tensor:
    """The attention half adds back the NORMALISED x, not x; the MLP half is right."""
    x = normalised(x, parts.norm1) + _attend(x, parts)
    return x + _mlp(x, parts)


def deviation_of_a_sample(x: Tensor, parts: LayerParts) -> Tensor:
    """Both LayerNorms by hand with `Tensor.std`, which divides by n - 1 unless it is told not to."""
    n = x.shape[-1]
    shrunk = ((n - 1) / n) ** 0.5
    x = x + _attention(_shrunk(x, parts.norm1, shrunk), parts)
    return x + _two_maps(_shrunk(x, parts.norm2, shrunk), parts)


def _shrunk(x: Tensor, norm: Norm, by: float) -> Tensor:
    return _scaled(normalised(x, Norm(eps=norm.eps)) * by, norm)


def root_mean_square(x: Tensor, parts: LayerParts) -> Tensor:
    """Both LayerNorms without taking the mean away: x / √(mean(x²) + eps)."""
    x = x + _attention(_rms(x, parts.norm1), parts)
    return x + _two_maps(_rms(x, parts.norm2), parts)


def _rms(x: Tensor, norm: Norm) -> Tensor:
    return _scaled(x * (x.square().mean(-1, keepdim=True) + norm.eps).rsqrt(), norm)


def _scaled(plain: Tensor, norm: Norm) -> Tensor:
    plain = plain if norm.gain is None else plain * norm.gain
    return plain if norm.shift is None else plain + norm.shift


def second_norm_after(x: Tensor, parts: LayerParts) -> Tensor:
    """The second LayerNorm comes after its residual sum; the attention half is right."""
    x = x + _attend(x, parts)
    return normalised(x + _two_maps(x, parts), parts.norm2)


def norm_at_the_end(x: Tensor, parts: LayerParts) -> Tensor:
    """The right layer, then one more LayerNorm without weights."""
    return normalised(layer(x, parts), Norm())


LAYER = (
    Misconception("post-norm", "with each LayerNorm AFTER its residual sum (post-norm)", "in Figure 1 each block is entered through a layer normalisation", post_norm),
    Misconception("no-residual-attention", "without the residual connection around the attention", "Figure 1 has two '+': the first adds the input of the layer", no_residual_attention, half="attention"),
    Misconception("no-residual-mlp", "without the residual connection around the MLP", "Figure 1 has two '+': the second adds what goes into the MLP's half", no_residual_mlp, half="mlp"),
    Misconception("no-residuals", "without residual connections", "Figure 1 has two '+'", no_residuals),
    Misconception("residual-from-normalised", "with the residuals taken from the NORMALISED x", "what is added back is x itself, before the layer normalisation", residual_from_normalised),
    Misconception("residual-of-the-input", "with the second residual taken from the layer's input", "the second '+' adds what came out of the first", residual_of_the_input, half="mlp"),
    Misconception("parallel", "with attention and MLP side by side instead of one after the other", "the MLP works on what the first '+' gives", parallel),
    Misconception("shared-norm", "with one LayerNorm used in both places", "Figure 1 has two layer normalisations, each with its own weights", layer, shared_norm=True),
    Misconception("no-first-norm", "without the LayerNorm before the attention", "in Figure 1 each block is entered through a layer normalisation", no_first_norm, half="attention"),
    Misconception("no-second-norm", "without the LayerNorm before the MLP", "in Figure 1 each block is entered through a layer normalisation", no_second_norm, half="mlp"),
    Misconception("no-norms", "without LayerNorms", "in Figure 1 each block is entered through a layer normalisation", no_norms),
    Misconception("no-activation", "without a non-linearity inside the MLP", "two linear maps in a row are only one: put an activation between them", no_activation, half="mlp"),
    Misconception("activation-at-the-end", "with an activation after the MLP's last linear map too", "the MLP ends in a linear map", activation_at_the_end, half="mlp"),
    Misconception("no-mlp", "without the MLP", "Figure 1 has a second block after the attention", no_mlp, half="mlp", lacks="mlp"),
    Misconception("norm-after-block", "with each LayerNorm on what is added, after the block instead of before it", "in Figure 1 each block is entered through a layer normalisation", norm_after_block),
    Misconception("first-norm-after", "with the first LayerNorm after the residual sum", "the first layer normalisation comes before the attention", first_norm_after, half="attention"),
    Misconception("mlp-first", "with the MLP before the attention", "in Figure 1 the attention comes first", mlp_first),
    Misconception("norm2-on-the-sum", "with the second residual taken from the NORMALISED sum", "what is added back is what came out of the first '+', before the layer normalisation", residual_from_second_norm, half="mlp"),
    Misconception("double-residual-attention", "with x added twice around the attention", "is there a residual connection in what you call and around it?", double_residual_attention, half="attention"),
    Misconception("double-residual-mlp", "with x added twice around the MLP", "is there a residual connection in what you call and around it?", double_residual_mlp, half="mlp"),
    Misconception("no-attention", "without the attention", "Figure 1 has a first block before the MLP", no_attention, half="attention", lacks="attention"),
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
    return tuple(msgspec.structs.replace(known[name], title=title, half="") for name, title in names.items())


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
