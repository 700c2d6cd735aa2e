"""The formulas of wrong layers of 4(b): each what some student's forward computes, over the parts of `encoder.layer`.

Why separate: `layer_misconceptions` says what they are called and where; here is what they are. Every formula maps x,
(batch, tokens, dim), to the same shape.
"""

from __future__ import annotations

import msgspec
import torch.nn.functional as F
from torch import Tensor

from autograder.judging.code.layer_parts import LayerParts, Norm
from reference.encoder import layer, normalised


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


def activation_after_both(x: Tensor, parts: LayerParts) -> Tensor:
    """The activation after the MLP's second linear map instead of between the two."""
    x = x + _attend(x, parts)
    return x + parts.activation(_mlp(x, msgspec.structs.replace(parts, activation=lambda hidden: hidden)))


def activation_first(x: Tensor, parts: LayerParts) -> Tensor:
    """The activation before the MLP's first linear map instead of between the two."""
    x = x + _attend(x, parts)
    hidden = parts.activation(normalised(x, parts.norm2))
    return x + _two_maps(hidden, msgspec.structs.replace(parts, activation=lambda hidden: hidden))


def first_norm_after_block(x: Tensor, parts: LayerParts) -> Tensor:
    """The first LayerNorm is on what the attention adds, none before it; the MLP half is right."""
    x = x + normalised(_attention(x, parts), parts.norm1)
    return x + _mlp(x, parts)


def second_norm_after_block(x: Tensor, parts: LayerParts) -> Tensor:
    """The second LayerNorm is on what the MLP adds, none before it; the attention half is right."""
    x = x + _attend(x, parts)
    return x + normalised(_two_maps(x, parts), parts.norm2)


def first_norm_after(x: Tensor, parts: LayerParts) -> Tensor:
    """The first LayerNorm comes after its residual sum; the MLP half is right."""
    x = normalised(x + _attention(x, parts), parts.norm1)
    return x + _mlp(x, parts)


def mlp_first(x: Tensor, parts: LayerParts) -> Tensor:
    """The right halves in the wrong order: MLP, then attention."""
    x = x + _mlp(x, parts)
    return x + _attend(x, parts)


def relu_on_attention(x: Tensor, parts: LayerParts) -> Tensor:
    """A ReLU on what the attention half adds, whatever the MLP's activation is."""
    return layer_after(x + _attend(x, parts).relu(), parts)


def layer_after(first: Tensor, parts: LayerParts) -> Tensor:
    """The right second half on what the first one gives."""
    return first + _mlp(first, parts)


def input_added_again(x: Tensor, parts: LayerParts) -> Tensor:
    """The layer's input is added once more at the end, beside what came out of the first sum."""
    return x + layer_after(x + _attend(x, parts), parts)


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


def second_norm_after(x: Tensor, parts: LayerParts) -> Tensor:
    """The second LayerNorm comes after its residual sum; the attention half is right."""
    x = x + _attend(x, parts)
    return normalised(x + _two_maps(x, parts), parts.norm2)


def norm_at_the_end(x: Tensor, parts: LayerParts) -> Tensor:
    """The right layer, then one more LayerNorm without weights."""
    return normalised(layer(x, parts), Norm())


def norm_of_heads(x: Tensor, parts: LayerParts) -> Tensor:
    """The heads' features, side by side, are normalised before the projection."""
    heads = normalised(parts.attention(normalised(x, parts.norm1)), Norm())
    x = x + F.linear(heads, *parts.projection)
    return x + _mlp(x, parts)


def attention_twice(x: Tensor, parts: LayerParts) -> Tensor:
    """The whole first half once more on what it gave."""
    x = x + _attend(x, parts)
    return layer(x, parts)


def mlp_twice(x: Tensor, parts: LayerParts) -> Tensor:
    """The whole second half once more on what it gave."""
    x = layer(x, parts)
    return x + _mlp(x, parts)


def softmax_activation(x: Tensor, parts: LayerParts) -> Tensor:
    """A softmax over the hidden features of each token between the MLP's two maps."""
    return layer(x, msgspec.structs.replace(parts, activation=lambda hidden: hidden.softmax(-1)))


def heads_regrouped(x: Tensor, parts: LayerParts) -> Tensor:
    """The heads' features are taken for (heads, tokens, dim_head), and so mixed up with the tokens."""
    heads = parts.attention(normalised(x, parts.norm1))
    batch, tokens, inner = heads.shape
    apart = heads.reshape(batch, parts.heads, tokens, inner // parts.heads)
    x = x + F.linear(apart.transpose(1, 2).reshape(batch, tokens, inner), *parts.projection)
    return x + _mlp(x, parts)


def activation_of_heads(x: Tensor, parts: LayerParts) -> Tensor:
    """The MLP's activation on the heads' features, before the projection."""
    heads = parts.activation(parts.attention(normalised(x, parts.norm1)))
    x = x + F.linear(heads, *parts.projection)
    return x + _mlp(x, parts)


def norm_after_projection(x: Tensor, parts: LayerParts) -> Tensor:
    """What the right attention half adds is normalised once more."""
    x = x + normalised(_attend(x, parts), Norm())
    return x + _mlp(x, parts)


def norm_after_mlp(x: Tensor, parts: LayerParts) -> Tensor:
    """What the right MLP adds is normalised once more."""
    x = x + _attend(x, parts)
    return x + normalised(_mlp(x, parts), Norm())


def norm_before_activation(x: Tensor, parts: LayerParts) -> Tensor:
    """The hidden features of the MLP are normalised, then comes the activation."""
    return layer(x, msgspec.structs.replace(parts, activation=lambda z: parts.activation(normalised(z, Norm()))))


def norm_after_activation(x: Tensor, parts: LayerParts) -> Tensor:
    """The hidden features of the MLP are normalised after the activation."""
    return layer(x, msgspec.structs.replace(parts, activation=lambda z: normalised(parts.activation(z), Norm())))
