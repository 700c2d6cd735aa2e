"""Wrong versions of 4(b) that students really write: of the whole layer, and of each half alone.

`LAYER` names one mistake in a layer that is right otherwise. `ATTENTION_HALF` and `MLP_HALF` name the mistake in one
half while the other is silenced, so that two mistakes can both be named. In a half, formulas that differ only in the
other one are the same: these two lists hold only what can be told apart there.

Every formula maps x, (batch, tokens, dim), to the same shape, over the parts of the layer of `encoder.layer`.
"""

# ruff: noqa: E501  (one entry a line: the table is read as a table)
from __future__ import annotations

import msgspec

from reference import bent_layers as bent
from reference import other_norms
from reference import wrong_layers as wrong
from reference.encoder import layer
from reference.misconceptions import Misconception

_EACH_TOKEN = "a layer normalisation takes each token for itself, over its features: nn.LayerNorm(dim)"
_SUMS = "in Figure 1 each '+' goes on as it is: the only non-linearity of the layer is inside the MLP"
_LOWEST = -1.0  # an ELU's; of GELU and SiLU it is -0.28
_TWO_NORMS = "Figure 1 has two layer normalisations, each where a block is entered, and no more"
# `half`: the one that is another while the other half adds nothing, and so the one that is charged; "whole": what is
# little and in both is charged once, as the whole layer.
LAYER = (
    Misconception("post-norm", "with each LayerNorm AFTER its residual sum (post-norm)", "in Figure 1 each block is entered through a layer normalisation", wrong.post_norm),
    Misconception("no-residual-attention", "without the residual connection around the attention", "Figure 1 has two '+': the first adds the input of the layer", wrong.no_residual_attention, half="attention"),
    Misconception("no-residual-mlp", "without the residual connection around the MLP", "Figure 1 has two '+': the second adds what goes into the MLP's half", wrong.no_residual_mlp, half="mlp"),
    Misconception("no-residuals", "without residual connections", "Figure 1 has two '+'", wrong.no_residuals),
    Misconception("residual-from-normalised", "with the residuals taken from the NORMALISED x", "what is added back is x itself, before the layer normalisation", wrong.residual_from_normalised),
    Misconception("residual-of-the-input", "with the second residual taken from the layer's input", "the second '+' adds what came out of the first", wrong.residual_of_the_input, half="attention"),
    Misconception("parallel", "with attention and MLP side by side instead of one after the other", "the MLP works on what the first '+' gives", wrong.parallel),
    Misconception("shared-norm", "with one LayerNorm used in both places", "Figure 1 has two layer normalisations, each with its own weights", layer, shared_norm=True),
    Misconception("no-first-norm", "without the LayerNorm before the attention", "in Figure 1 each block is entered through a layer normalisation", wrong.no_first_norm, half="attention"),
    Misconception("no-second-norm", "without the LayerNorm before the MLP", "in Figure 1 each block is entered through a layer normalisation", wrong.no_second_norm, half="mlp"),
    Misconception("no-norms", "without LayerNorms", "in Figure 1 each block is entered through a layer normalisation", wrong.no_norms),
    Misconception("no-activation", "without a non-linearity inside the MLP", "two linear maps in a row are only one: put an activation between them", wrong.no_activation, half="mlp"),
    Misconception("activation-at-the-end", "with an activation after the MLP's last linear map too", "the MLP ends in a linear map", wrong.activation_at_the_end, half="mlp"),
    Misconception("activation-after-both", "with the activation after the MLP's second linear map instead of between the two", "two linear maps in a row are only one: the activation stands between them, and the MLP ends in a linear map", wrong.activation_after_both, half="mlp"),
    Misconception("activation-first", "with the activation before the MLP's first linear map instead of between the two", "two linear maps in a row are only one: the activation stands between them", wrong.activation_first, half="mlp"),
    Misconception("no-mlp", "without the MLP", "Figure 1 has a second block after the attention", wrong.no_mlp, half="mlp", lacks="mlp"),
    Misconception("norm-after-block", "with each LayerNorm on what is added, after the block instead of before it", "in Figure 1 each block is entered through a layer normalisation", wrong.norm_after_block),
    Misconception("first-norm-after-block", "with the first LayerNorm on what the attention adds instead of before it", "in Figure 1 each block is entered through a layer normalisation", wrong.first_norm_after_block, half="attention"),
    Misconception("second-norm-after-block", "with the second LayerNorm on what the MLP adds instead of before it", "in Figure 1 each block is entered through a layer normalisation", wrong.second_norm_after_block, half="mlp"),
    Misconception("first-norm-after", "with the first LayerNorm after the residual sum", "the first layer normalisation comes before the attention", wrong.first_norm_after, half="attention"),
    Misconception("mlp-first", "with the MLP before the attention", "in Figure 1 the attention comes first", wrong.mlp_first),
    Misconception("norm2-on-the-sum", "with the second residual taken from the NORMALISED sum", "what is added back is what came out of the first '+', before the layer normalisation", wrong.residual_from_second_norm, half="mlp"),
    Misconception("double-residual-attention", "with x added twice around the attention", "is there a residual connection in what you call and around it?", wrong.double_residual_attention, half="attention"),
    Misconception("double-residual-mlp", "with x added twice around the MLP", "is there a residual connection in what you call and around it?", wrong.double_residual_mlp, half="mlp"),
    Misconception("input-added-again", "with the layer's input added once more at the end", "the second '+' adds what came out of the first, which has the input in it already", wrong.input_added_again, half="mlp"),
    Misconception("no-attention", "without the attention", "Figure 1 has a first block before the MLP", wrong.no_attention, half="attention", lacks="attention"),
    Misconception("activation-on-attention", "with an activation on what the attention half adds", "only the MLP has a non-linearity", wrong.activation_on_attention, half="attention"),
    Misconception("relu-on-attention", "with a ReLU on what the attention half adds", "only the MLP has a non-linearity", wrong.relu_on_attention, half="attention"),
    Misconception("first-residual-from-normalised", "with the first residual taken from the NORMALISED x", "what is added back is x itself, before the layer normalisation", wrong.first_residual_from_normalised, half="attention"),
    Misconception("unbiased-deviation", "with a LayerNorm that divides by the deviation of n - 1", "nn.LayerNorm divides by n; Tensor.std and var divide by n - 1 unless unbiased=False", other_norms.deviation_of_a_sample, half="whole"),
    Misconception("rms-norm", "with a normalisation that does not take the mean away", "layer normalisation takes the mean away, then divides by the deviation", other_norms.root_mean_square),
    Misconception("second-norm-after", "with the second LayerNorm after the residual sum", "the second layer normalisation comes before the MLP", wrong.second_norm_after, half="mlp"),
    Misconception("norm-at-the-end", "with one more LayerNorm at the end of the layer", "Figure 1 ends in a '+'", wrong.norm_at_the_end, half="mlp"),
    Misconception("norm-of-heads", "with one more LayerNorm between the heads and the projection", _TWO_NORMS, wrong.norm_of_heads, half="attention", bent=True),
    Misconception("norm-after-projection", "with one more LayerNorm on what the attention half adds", _TWO_NORMS, wrong.norm_after_projection, half="attention"),
    Misconception("norm-after-mlp", "with one more LayerNorm on what the MLP adds", _TWO_NORMS, wrong.norm_after_mlp, half="mlp"),
    Misconception("norm-after-activation", "with one more LayerNorm after the activation of the MLP", _TWO_NORMS, wrong.norm_after_activation, half="mlp"),
    Misconception("norm-before-activation", "with one more LayerNorm before the activation of the MLP", _TWO_NORMS, wrong.norm_before_activation, half="mlp"),
    Misconception("softmax-activation", "with a softmax as the activation of the MLP", "the MLP's non-linearity takes each number for itself: a softmax looks at all features of a token", wrong.softmax_activation, half="mlp"),
    Misconception("attention-twice", "with the attention half applied twice", "Figure 1 has each block once: is a line of forward there twice, or a loop?", wrong.attention_twice, half="attention"),
    Misconception("mlp-twice", "with the MLP half applied twice", "Figure 1 has each block once: is a line of forward there twice, or a loop?", wrong.mlp_twice, half="mlp"),
    Misconception("large-eps", "with LayerNorms whose eps is 1", "eps only keeps the root away from 0: leave nn.LayerNorm's own, and look at what its second argument is", other_norms.large_eps, half="whole"),
    Misconception("eps-of-a-tenth", "with LayerNorms whose eps is 0.1", "eps only keeps the root away from 0: leave nn.LayerNorm's own, and look at what its second argument is", other_norms.eps_of_a_tenth, half="whole"),
    Misconception("heads-regrouped", "with the heads' features reshaped to (batch, heads, tokens, dim_head), which mixes them up with the tokens", "the provided Attention gives (batch, tokens, heads * dim_head), the heads side by side already: the projection can have it as it is", wrong.heads_regrouped, half="attention"),
    Misconception("activation-of-heads", "with an activation between the heads and the projection", "only the MLP has a non-linearity", wrong.activation_of_heads, half="attention", bent=True),
    Misconception("relu-on-the-first-sum", "with a ReLU on the first sum", _SUMS, bent.on_the_first_sum(bent.relu), half="attention", shows=bent.sums(0.0, without="mlp")),
    Misconception("relu-on-the-output", "with a ReLU on the second sum, the layer's output", _SUMS, bent.on_the_second_sum(bent.relu), half="mlp", shows=bent.sums(0.0)),
    Misconception("relu-on-both-sums", "with a ReLU on both sums", _SUMS, bent.on_both_sums(bent.relu), shows=bent.sums(0.0)),
    Misconception("activation-on-the-first-sum", "with the MLP's activation on the first sum, too", _SUMS, bent.on_the_first_sum(bent.activation), half="attention", shows=bent.sums(_LOWEST, without="mlp")),
    Misconception("activation-on-the-output", "with the MLP's activation on the second sum, too, the layer's output", _SUMS, bent.on_the_second_sum(bent.activation), half="mlp", shows=bent.sums(_LOWEST)),
    Misconception("activation-on-both-sums", "with the MLP's activation on both sums, too", _SUMS, bent.on_both_sums(bent.activation), shows=bent.sums(_LOWEST)),
    Misconception("tanh-on-attention", "with a tanh on what the attention half adds", "only the MLP has a non-linearity", bent.on_the_attention(bent.tanh), half="attention", shows=bent.added(-1.0, 1.0, without="mlp")),
    Misconception("tanh-on-mlp", "with a tanh on what the MLP adds", "the MLP ends in a linear map", bent.on_the_mlp(bent.tanh), half="mlp", shows=bent.added(-1.0, 1.0, without="attention")),
    Misconception("relu-on-mlp", "with a ReLU on what the MLP adds", "the MLP ends in a linear map", bent.on_the_mlp(bent.relu), half="mlp", shows=bent.added(0.0, without="attention")),
    Misconception("tanh-on-both", "with a tanh on what each half adds", "only the MLP has a non-linearity, and it ends in a linear map", bent.on_what_both_add(bent.tanh), shows=bent.both(bent.added(-1.0, 1.0, without="mlp"), bent.added(-1.0, 1.0, without="attention"))),
    Misconception("relu-on-both", "with a ReLU on what each half adds", "only the MLP has a non-linearity, and it ends in a linear map", bent.on_what_both_add(bent.relu), shows=bent.both(bent.added(0.0, without="mlp"), bent.added(0.0, without="attention"))),
    Misconception("tanh-on-the-output", "with a tanh on the second sum, the layer's output", _SUMS, bent.on_the_second_sum(bent.tanh), half="mlp", shows=bent.sums(-1.0, 1.0)),
    Misconception("sigmoid-on-the-output", "with a sigmoid on the second sum, the layer's output", _SUMS, bent.on_the_second_sum(bent.sigmoid), half="mlp", shows=bent.sums(0.0, 1.0)),
    Misconception("softmax-on-the-output", "with a softmax on the second sum, the layer's output", _SUMS, bent.on_the_second_sum(bent.softmax), half="mlp", shows=bent.sums(0.0, 1.0)),
    Misconception("norm-over-samples", "with a normalisation over the tokens and features of a sample together", _EACH_TOKEN, other_norms.over_samples),
    Misconception("norm-over-tokens", "with a normalisation of each feature over the tokens", _EACH_TOKEN, other_norms.over_tokens),
    Misconception("norm-over-batches", "with a normalisation of each feature over the batch and its tokens", _EACH_TOKEN, other_norms.over_batches),
    Misconception("unit-length", "with each token divided by its length instead of a layer normalisation", "layer normalisation takes the mean away, then divides by the deviation", other_norms.unit_length),
    Misconception("centred", "with the mean taken away alone instead of a layer normalisation", "layer normalisation takes the mean away, then divides by the deviation", other_norms.centred),
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
    "relu-on-attention": "with a ReLU on what the attention half adds",
    "relu-on-the-first-sum": "with a ReLU on the sum after the attention",
    "activation-on-the-first-sum": "with an activation on the sum after the attention",
    "tanh-on-attention": "with a tanh on what the attention half adds",
    "no-attention": "with nothing added to x by the attention half",
    "unbiased-deviation": "with a LayerNorm that divides by the deviation of n - 1",
    "rms-norm": "with a normalisation that does not take the mean away",
    "norm-of-heads": "with one more LayerNorm between the heads and the projection",
    "norm-after-projection": "with one more LayerNorm on what the attention adds",
    "attention-twice": "with the attention half applied twice",
    "large-eps": "with a LayerNorm whose eps is 1",
    "eps-of-a-tenth": "with a LayerNorm whose eps is 0.1",
    "heads-regrouped": "with the heads' features reshaped to (batch, heads, tokens, dim_head), which mixes them up with the tokens",
    "activation-of-heads": "with an activation between the heads and the projection",
    "norm-over-samples": "with a normalisation over the tokens and features of a sample together",
    "norm-over-tokens": "with a normalisation of each feature over the tokens",
    "norm-over-batches": "with a normalisation of each feature over the batch and its tokens",
    "unit-length": "with each token divided by its length instead of a layer normalisation",
    "centred": "with the mean taken away alone instead of a layer normalisation",
})  # fmt: skip
MLP_HALF = _half_of({
    "no-residual-mlp": "without the residual connection around the MLP",
    "no-second-norm": "without the LayerNorm before the MLP",
    "no-activation": "without a non-linearity inside the MLP",
    "second-norm-after": "with the LayerNorm after the residual sum instead of before the MLP",
    "norm-at-the-end": "with a LayerNorm before the MLP and one more on the sum after it",
    "activation-at-the-end": "with an activation after the MLP's last linear map too",
    "activation-first": "with the activation before the MLP's first linear map instead of between the two",
    "activation-after-both": "with the activation after the MLP's second linear map instead of between the two",
    "norm2-on-the-sum": "with the residual taken from the NORMALISED x",
    "norm-after-block": "with the LayerNorm on what the MLP adds instead of before it",
    "double-residual-mlp": "with x added twice around the MLP",
    "relu-on-the-output": "with a ReLU on the sum after the MLP",
    "activation-on-the-output": "with an activation on the sum after the MLP",
    "tanh-on-the-output": "with a tanh on the sum after the MLP",
    "sigmoid-on-the-output": "with a sigmoid on the sum after the MLP",
    "softmax-on-the-output": "with a softmax on the sum after the MLP",
    "tanh-on-mlp": "with a tanh on what the MLP adds",
    "relu-on-mlp": "with a ReLU on what the MLP adds",
    "no-mlp": "with nothing added to x by the MLP",
    "unbiased-deviation": "with a LayerNorm that divides by the deviation of n - 1",
    "rms-norm": "with a normalisation that does not take the mean away",
    "softmax-activation": "with a softmax as the activation of the MLP",
    "mlp-twice": "with the MLP half applied twice",
    "large-eps": "with a LayerNorm whose eps is 1",
    "eps-of-a-tenth": "with a LayerNorm whose eps is 0.1",
    "norm-after-mlp": "with one more LayerNorm on what the MLP adds",
    "norm-after-activation": "with one more LayerNorm after the activation of the MLP",
    "norm-before-activation": "with one more LayerNorm before the activation of the MLP",
    "norm-over-samples": "with a normalisation over the tokens and features of a sample together",
    "norm-over-tokens": "with a normalisation of each feature over the tokens",
    "norm-over-batches": "with a normalisation of each feature over the batch and its tokens",
    "unit-length": "with each token divided by its length instead of a layer normalisation",
    "centred": "with the mean taken away alone instead of a layer normalisation",
})  # fmt: skip
