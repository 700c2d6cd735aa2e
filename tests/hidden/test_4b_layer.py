"""Question 4(b): one layer of the Transformer encoder. 5 points, as in the handout.

The layer is judged over probe heads: `SingleHeadAttention` is replaced by a known random mixing of tokens, so that a
wrong 4(a) costs nothing here. Each half is judged with the other one silenced (its matrices are zero), the whole with
everything random.
"""

import pytest
import torch
from gradescope_utils.autograder_utils.decorators import number, weight

from autograder import diagnosis, observe
from autograder.expect import Unmet
from autograder.judging import layer_roles, weights
from autograder.judging.compare import close


@number("4b.1")
@weight(0.5)  # it runs: the interface that the ViT builds on
def test_builds_and_answers(student, cases, remark):
    """builds, and turns (batch, tokens, dim) into (batch, tokens, dim)"""
    for seen in observe.layer(student, cases.layer(2), remark):
        if not torch.isfinite(seen.output).all():
            raise Unmet("the output has nan or infinite values on ordinary input")
        samples = seen.output.flatten(1)
        if close(samples[:1].expand_as(samples), samples) or not samples.any():
            raise Unmet(
                "the output is the same whatever the input is", mend="does forward use x, and return the result?"
            )
        if close(seen.output, seen.x):
            raise Unmet("the output is x itself, whatever the weights are", mend="both halves of the layer are missing")


@pytest.mark.requires("4b.1")
@number("4b.2")
@weight(1.25)  # the first half of Figure 1
def test_attention_half(student, reference, cases, remark):
    """attention half: x + projection(attention(LayerNorm(x)))"""
    seen = observe.layer(student, cases.layer(2), without="mlp", biases=False)
    if not layer_roles.find(reference.encoder.layer, seen) and not _shared(reference, seen):
        raise diagnosis.layer(seen, reference.misconceptions.LAYER)


@pytest.mark.requires("4b.1")
@number("4b.3")
@weight(1.25)  # the second half of Figure 1
def test_mlp_half(student, reference, cases, remark):
    """MLP half: x + MLP(LayerNorm(x)), dim to mlp_dim to dim with a non-linearity"""
    seen = observe.layer(student, cases.layer(2), without="attention", biases=False)
    if not layer_roles.find(reference.encoder.layer, seen) and not _shared(reference, seen):
        raise diagnosis.layer(seen, reference.misconceptions.LAYER)


def _shared(reference, seen):
    """One LayerNorm in both places is charged once, in 4b.4."""
    return layer_roles.find(reference.encoder.layer, seen, shared_norm=True)


@pytest.mark.requires("4b.1")
@number("4b.4")
@weight(0.5)  # the two halves in their order, each with a LayerNorm and residual of its own
def test_whole_layer(student, reference, cases, remark):
    """the whole layer matches the reference on random weights"""
    seen = observe.layer(student, cases.layer(3), remark)
    if not layer_roles.find(reference.encoder.layer, seen):
        raise diagnosis.layer(seen, reference.misconceptions.LAYER)


@pytest.mark.requires("4b.1")
@number("4b.5")
@weight(0.5)  # it can be trained: what 4(c) needs
def test_gradients_reach_every_layer(student, cases):
    """gradients reach x and every parameter that acts"""
    case = cases.layer(1)[0]
    with student.visit("4b", probe_seed=case.seed) as visit:
        built = visit.build(case)
        drawn = weights.draw(case.seed, built.parameters, biases=True)
        visit.load(drawn)
        x = case.x()
        back, _ = visit.backward(x, case.output_shape, seed=case.seed)
        acting = [name for name in drawn if observe.acts(visit, drawn, name, x, back.output)]
    for name in ["", *acting]:
        gradient = back.gradients.get(name)
        if gradient is None or not torch.isfinite(gradient).all() or not gradient.any():
            raise Unmet(
                f"no gradient reaches {'the input x' if not name else 'one of your layers'}",
                mend="look for detach(), .data, .item(), torch.no_grad(), or a new tensor made from numbers",
            )
    if len([name for name in acting if drawn[name].squeeze().dim() > 1]) < 2:
        raise Unmet(
            "fewer than two linear maps of the layer are among its parameters, or act on the output",
            mend="layers in a plain Python list are not found by parameters(): use nn.ModuleList or attributes",
        )


# With p = 0.5 each value survives with probability 1/2, doubled. At least 110 values are looked at, so that "no zero
# among them by luck" has probability below 2**-110, and a third of the expected zeros is missed with less than 1e-6.
P = 0.5


@pytest.mark.requires("4b.1")
@number("4b.6")
@weight(1)  # handout 4(b): "dropout is used after the attention, inside the MLP, and after the MLP"
def test_dropout_in_its_three_places(student, reference, cases):
    """dropout after the attention, inside the MLP and after the MLP, in training only"""
    case = cases.layer(2, dropout=P)[1]
    with student.visit("4b", probe_seed=case.seed) as visit:
        built = visit.build(case)
        # no biases: one that is added after the silenced half would be dropped there, and hide what is looked for
        drawn = weights.draw(case.seed, built.parameters, biases=False)
        attention, mlp = (_half(visit, case, drawn, built, other) for other in ("mlp", "attention"))
        visit.load(drawn)
        if not close(visit.forward(case.x(), seed=1).output, visit.forward(case.x(), seed=2).output):
            raise Unmet("two calls in eval mode differ", mend="dropout must rest in eval mode: nn.Dropout does that")
    missing = ["after the attention"] if close(attention[0], attention[1].output) else []
    missing += _missing_around_the_mlp(reference, *mlp)
    if missing:
        raise Unmet(
            f"in train mode nothing is dropped {' nor '.join(missing)}",
            mend="handout 4(b) names three places; each needs an nn.Dropout(dropout) of its own or shared",
            earned=round(1 - len(missing) / 3, 2),
        )


def _half(visit, case, drawn, built, without):
    """(output in train mode, observation in eval mode) with the other half silenced."""
    silent = observe.silence(drawn, case, without)
    visit.load(silent)
    x = case.x()
    trained = visit.forward(x, train=True, seed=case.seed).output
    calm = visit.forward(x).output
    return trained, layer_roles.LayerObservation(case, silent, x, calm, built.made, case.seed)


def _missing_around_the_mlp(reference, trained, calm):
    """Which of the two places is missing, told apart by what is zero and what is exactly doubled.

    That needs a half that adds to x what the reference adds; in another one (after a LayerNorm, say) the places cannot
    be told apart, and whatever is dropped counts for both: the mistake itself is charged in 4b.3.
    """
    if close(trained, calm.output):
        return ["inside the MLP", "after the MLP"]
    if not (layer_roles.find(reference.encoder.layer, [calm]) or _shared(reference, [calm])):
        return []
    added, base = trained - calm.x, calm.output - calm.x
    survived = added.abs() > 1e-6
    after = float((~survived).double().mean()) > P / 3
    doubled = close(added[survived], base[survived] * (1 / (1 - P) if after else 1.0), rtol=1e-3)
    return (["inside the MLP"] if doubled else []) + ([] if after else ["after the MLP"])
