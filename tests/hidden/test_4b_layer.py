"""Question 4(b): one layer of the Transformer encoder. 5 points, as in the handout.

The layer is judged over probe heads: `SingleHeadAttention` is replaced by a known random mixing of tokens, so that a
wrong 4(a) costs nothing here. Each half is judged with the other one silenced (its matrices are zero), the whole with
everything random.
"""

import functools

import msgspec
import pytest
import torch
from gradescope_utils.autograder_utils.decorators import number

from autograder.judging import (
    KEPT,
    TOLERANCES,
    Unmet,
    at_rest,
    close,
    dropout,
    dropout_places,
    each_call,
    find_roles,
    layer_mistakes,
    layer_roles,
    observe,
    open_gates,
    own_sizes,
    shared,
    weights,
)


@number("4b.1")
def test_builds_and_answers(student, cases, remark):
    """builds, and turns (batch, tokens, dim) into (batch, tokens, dim)"""
    own_sizes.judged(student, "4b", cases, lambda cases: _builds_and_answers(student, cases, remark))


def _builds_and_answers(student, cases, remark):
    all_seen = observe.layer(student, cases.layer(2), remark, other=True)
    if open_gates.find(student, all_seen[0].case, all_seen[0].begun_at_0):  # a half behind a 0 is there all the same
        all_seen = observe.layer(student, cases.layer(2), other=True)
    for seen in all_seen:
        if not torch.isfinite(seen.output).all():
            raise Unmet(
                "the output has nan or infinite values on ordinary input",
                fix="look for a division by zero (`//` gives 0 for small sizes), or a root or logarithm below 0",
            )
        observe.depends_on_x(seen)
        if close(seen.output, seen.x):
            fix = "both halves are missing, or multiplied by a number that begins at 0"
            raise Unmet("the output is x itself, whatever the matrices are", fix=fix)
    at_rest.find(student, "4b", all_seen[-1], remark)  # charged in 4b.6
    own_sizes.used(all_seen)


@pytest.mark.requires("4b.1")
@number("4b.2")
def test_attention_half(student, reference, cases, remark, for_staff, smallest):
    """attention half: x + projection(attention(LayerNorm(x)))"""
    seen = observe.layer(student, cases.layer(2), without="mlp", biases=False, used=True)
    roles = _roles(student, reference, seen)
    if roles and roles.own:
        remark("your layer brings its own attention: it is judged all the same; the provided Attention would have done")
    if not roles:
        known = _whole(student, reference, cases)
        # one mistake, known to be in the other half, is charged there; so is an MLP that our weights do not reach
        elsewhere = known.half in ("mlp", "whole") if known else _right_before_any_mlp(student, reference, cases)
        if not elsewhere:
            unmet = _unmet(student, reference, seen, known, reference.layer_misconceptions.ATTENTION_HALF)
            _charge(unmet, remark, for_staff, smallest, "attention")


@pytest.mark.requires("4b.1")
@number("4b.3")
def test_mlp_half(student, reference, cases, remark, for_staff, smallest):
    """MLP half: x + MLP(LayerNorm(x)), dim to mlp_dim to dim with a non-linearity"""
    seen = observe.layer(student, cases.layer(2), without="attention", biases=False, used=True)
    roles = _roles(student, reference, seen)
    if roles:
        if roles.activation == "Sigmoid":  # handout 4(b) names no activation, so this one costs nothing either
            remark(
                "the activation of your MLP is a sigmoid: allowed, but its slope is at most 1/4, so it learns slowly"
            )
        if not isinstance(roles.activation, str):
            _same_with_biases(student, reference, cases, roles, smallest)
        return
    # a wrong first half may spoil the input of this one: then it is judged on what that half gives. Normalising hides
    # some mistakes there, so one that is known and not in the first half is charged all the same, as is any after a
    # right first half.
    following, known = observe.second_half(student, cases.layer(2)), _whole(student, reference, cases)
    if known and known.half in ("attention", "whole"):
        return  # the one mistake in the whole layer
    alone = not known and _right_before_any_mlp(student, reference, cases)
    if known or alone or not _roles(student, reference, following):
        judged = seen if alone else following
        unmet = _unmet(student, reference, judged, known, reference.layer_misconceptions.MLP_HALF)
        _charge(unmet, remark, for_staff, smallest, "mlp")


def _same_with_biases(student, reference, cases, roles, smallest):
    """Raises Unmet where a factor beside the activation was taken for part of it, which the half's biases show."""
    seen = layer_mistakes.mlp_with_biases(student, roles, cases)
    if not _roles(student, reference, seen):
        mistake = layer_mistakes.scaled(student, _banks(reference), seen)
        raise Unmet(
            f"your output equals the reference {mistake.title} (all {len(seen)} cases)"
            if mistake
            else "the MLP half equals the reference while its gains are 1 and its biases 0, and differs with others",
            fix=mistake.hint if mistake else "is something multiplied by a number before or after one of the two maps?",
        ).showing(smallest("4b", "mlp"))


def _charge(unmet, remark, for_staff, smallest, half=""):
    """Raises it, unless all that could be looked at holds: then staff look at the rest, and nothing is charged."""
    if unmet.earned < 1.0:
        raise unmet.showing(smallest("4b", half))
    remark(unmet.feedback.found)
    for_staff(unmet.staff)


def _right_before_any_mlp(student, reference, cases):
    """Whether the attention half is right, told by the student's own second half after it."""
    halves = functools.partial(layer_roles.first_halves, reference.encoder.layer)
    return find_roles.once(student, "composed", lambda: observe.composed(student, cases.layer(2), halves))


def _banks(reference):
    """The right layer and its wrong versions."""
    return layer_mistakes.Banks(
        reference.encoder.layer,
        reference.attention.multi_head,
        reference.layer_misconceptions.LAYER,
        reference.own_attention_misconceptions.OWN,
        reference.layer_pairs.PAIRS,
        reference.reshaped_layers.RESHAPED,
        reference.scaled_layers.SCALED,
    )


def _roles(student, reference, seen):
    """The roles under which the reference's layer gives what was seen; the layer may bring its own attention."""
    return layer_mistakes.roles(student, _banks(reference), seen)


def _whole(student, reference, cases):
    """The one mistake that explains the whole layer, or the two, one in each half, or None."""
    return layer_mistakes.whole(student, _banks(reference), cases)


def _unmet(student, reference, seen, known, bank):
    """Why what was seen is not the reference."""
    return layer_mistakes.unmet(student, _banks(reference), seen, known, bank)


@pytest.mark.requires("4b.1")
@number("4b.4")
def test_whole_layer(student, reference, cases, remark, for_staff, smallest):
    """the whole layer matches the reference on random weights"""
    seen = observe.layer(student, cases.layer(3, everyday=True), remark, used=True, alone=True)
    if not _roles(student, reference, seen):
        layer_mistakes.steady(student, seen[0].case)
        banks = _banks(reference)
        known = layer_mistakes.explained(student, banks, seen, (*banks.layer, *banks.own))
        if not known and _roles(student, reference, observe.layer(student, cases.layer(2), biases=False)):
            known = layer_mistakes.scaled(student, banks, seen)  # a factor on what the MLP adds shows with biases
            if not known:
                raise layer_mistakes.but_for_vectors(student).showing(smallest("4b"))
        _charge(
            _unmet(student, reference, seen, known or _whole(student, reference, cases), ()),
            remark,
            for_staff,
            smallest,
        )
    observe.same_alone(seen[-1])


@pytest.mark.requires("4b.1")
@number("4b.5")
def test_gradients_reach_every_layer(student, reference, cases):
    """gradients reach x and every parameter that acts"""
    case = cases.layer(1)[0]
    with student.visit("4b", probe_seed=case.seed) as visit:
        built = visit.build(case)
        drawn = weights.draw(case.seed, built.parameters, biases=True)
        visit.load(drawn)
        x = case.x()
        back, cotangent = visit.backward(x, case.output_shape, seed=case.seed)
        acting = [name for name in drawn if observe.acts(visit, drawn, name, x, back.output)]
        in_common = shared.in_common(visit, case)
    observe.right_dtype(x, back.output)
    for name in ["", *acting]:
        gradient = back.gradients.get(name)
        if gradient is None or not torch.isfinite(gradient).all() or not gradient.any():
            raise Unmet(
                f"no gradient reaches {'the input x' if not name else 'one of your layers'}",
                fix="look for detach(), .data, .item(), torch.no_grad(), or a new tensor made from numbers",
            )
    if len([name for name in drawn if not weights.is_vector(drawn[name].shape)]) < 2:
        raise Unmet(
            "fewer than two linear maps of the layer are among its parameters",
            fix="is a half still to be written? Layers in a plain Python list are not found by parameters(): there "
            "nn.ModuleList or attributes belong",
        )
    seen = layer_roles.LayerObservation(case, drawn, x, back.output, built.made, case.seed)
    roles = _roles(student, reference, [seen])
    if roles:
        leaf = x.double().requires_grad_()
        copy, attend = msgspec.structs.replace(seen, x=leaf), reference.attention.multi_head
        tolerance = TOLERANCES.values if isinstance(roles.activation, str) else TOLERANCES.measured_gradient
        for alike in layer_roles.alike(roles):
            output = layer_roles.evaluate(reference.encoder.layer, alike, copy, attend)
            expected = torch.autograd.grad((output * cotangent.double()).sum(), leaf)[0]
            if close(back.gradients[""], expected, tolerance):
                break
        else:
            raise Unmet(
                "the output is right, but the gradient of x is not: part of the computation is detached",
                fix="look for detach(), .data, no_grad() on every way from x to the output, also where x is added back",
            )
    shared.nothing(in_common, "4b")


# With p = 0.5 each value survives with probability 1/2, doubled. 273 values of the output are looked at, and 651 inside
# the MLP: that a third of the expected zeros is missing by luck has probability below 1e-25.
P = dropout.P


@pytest.mark.requires("4b.1")
@number("4b.6")
def test_dropout_in_its_three_places(student, reference, cases):
    """dropout after the attention, inside the MLP and after the MLP, in training only"""
    case = cases.layer(2, dropout=P)[1]
    with student.visit("4b", probe_seed=case.seed, awake=True) as visit:
        built = visit.build(case)
        # no biases: one that is added after the silenced half would be dropped there, and hide what is looked for
        drawn = weights.draw(case.seed, built.parameters, biases=False)
        attention, mlp, whole = (
            observe.in_both_modes(visit, case, drawn, built, other) for other in ("mlp", "attention", "")
        )
        same = [dropout_places.same_each_time(visit, case, drawn, *each) for each in (attention, mlp, whole)]
        added = bool(_roles(student, reference, [mlp[1]])) or observe.adds_nothing_when_silent(visit, case, drawn)
        if not close(visit.forward(case.x(), seed=1).output, visit.forward(case.x(), seed=2).output):
            raise each_call.unlike(
                visit,
                case,
                drawn,
                "two calls in eval mode differ",
                "dropout must rest in eval mode: an nn.Dropout among the layers of self does, F.dropout needs "
                "training=self.training; in a plain Python list eval() does not reach it: there nn.ModuleList belongs",
            )
        dry = observe.dry(visit, case, drawn, case.x(), train=True)
        passed_on = close(dry, whole[1].output)
        rests = passed_on or close(observe.dry(visit, case, drawn, case.x()), whole[1].output)
    halves = [attention, mlp, whole]
    if not passed_on:
        batched = dropout_places.of_batches(student, case, drawn, halves)
        if batched is None:  # something is dropped, with another probability: its places cannot be told
            layer_mistakes.not_passed_on(case, dry, rests=rests)
        halves = batched or halves
    if any(each and not close(*half) for each, half in zip(same, ((given, seen.output) for given, seen in halves))):
        raise Unmet(observe.SAME_EACH_TIME, fix=observe.NEW_EACH_TIME, earned=KEPT.dropout_ignores_p)
    _in_each_place(student, reference, case, *halves, added=added)


def _in_each_place(student, reference, case, attention, mlp, whole, *, added):
    """Raises Unmet unless dropout is in all of its places. `added`: the MLP half gives x and what it adds.

    Both need a half whose output is x and something added: in another one (after a LayerNorm, say) the places cannot be
    told apart. Then whatever is dropped counts for all of them, and so does a half that shows nothing while the other
    one is silent: the mistake itself is charged in 4b.2 or 4b.3.
    """
    attention, mlp = (dropout_places.telling(student, case, half) for half in (attention, mlp))
    roles = {name: _roles(student, reference, [half[1]]) for name, half in (("attention", attention), ("MLP", mlp))}
    if close(whole[0], whole[1].output):
        missing = [dropout_places.AFTER, "inside the MLP", "after the MLP"]
    else:
        missing = dropout_places.missing_after_the_attention(roles["attention"], attention)
        missing += dropout.missing_around_the_mlp(mlp[0] - mlp[1].x, mlp[1].output - mlp[1].x) if added else []
    for name, half in (("attention", attention), ("MLP", mlp)):
        # of a half that is wrong, twice what it adds may be no sign of anything
        if added and roles[name] and not missing and dropout_places.not_enlarged(student, case, half):
            raise Unmet(
                f"in train mode with dropout={P} what is left of the {name}'s half is not doubled",
                fix="what survives is divided by 1 - dropout while training, as nn.Dropout(dropout) does, so that the "
                "mean stays: is it the probability that was given?",
                earned=KEPT.dropout_ignores_p,
            )
    if missing:
        raise dropout_places.unmet(student, case, missing, attention, mlp, whole)
