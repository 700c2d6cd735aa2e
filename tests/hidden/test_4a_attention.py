"""Question 4(a): single-head scaled dot-product attention. 10 points, as in the handout.

What each point is for stands in the policy. Everything but the first test needs the first one: a module that does
not respond to its input has shown nothing of attention, so it keeps no point for being tidy.
"""

import pytest
import torch
from gradescope_utils.autograder_utils.decorators import number

from autograder.judging import (
    Severity,
    Unmet,
    at_rest,
    attention_roles,
    close,
    diagnosis,
    dropout,
    each_call,
    first_difference,
    normal,
    observe,
    own_sizes,
    shared,
    weights,
)


@number("4a.1")
def test_builds_and_answers(student, cases, remark):
    """builds, and turns (batch, tokens, input_dim) into (batch, tokens, inner_dim)"""
    own_sizes.judged(student, "4a", cases, lambda cases: _builds_and_answers(student, cases, remark))


def _builds_and_answers(student, cases, remark):
    for seen in observe.attention(student, cases.attention(2), remark, other=True):
        if not torch.isfinite(seen.output).all():
            raise Unmet(
                "the output has nan or infinite values on ordinary input",
                fix="look for a division by zero (`//` gives 0 for small sizes), or a root or logarithm below 0",
            )
        observe.depends_on_x(seen)
    at_rest.find(student, "4a", seen, remark)  # charged in 4a.7


@pytest.mark.requires("4a.1")
@number("4a.2")
def test_uses_only_what_is_allowed(findings):
    """uses of nn only Linear, Softmax and Dropout"""
    used = [f for f in findings if f.question == "4a" and f.severity in (Severity.DISALLOWED, Severity.READY_MADE)]
    if used:
        first = used[0]
        more = f" (and {len(used) - 1} more: see what was noticed in your code)" if len(used) > 1 else ""
        raise Unmet(first.message + more, where=str(first.place or ""), fix=first.fix)


@pytest.mark.requires("4a.1")
@number("4a.3")
def test_projections_have_no_bias(student, reference, cases):
    """the projections have no bias"""
    case = cases.attention(1)[0]
    with student.visit("4a") as visit:
        built = visit.build(case)
        drawn = weights.draw(case.seed, built.parameters, biases=False)
        visit.load(drawn)
        plain = visit.forward(case.x()).output
        scales = weights.scales({p.name: p.shape for p in built.parameters})
        suspects = [name for name, w in drawn.items() if weights.is_vector(w.shape) and name not in scales]
        acting = [name for name in suspects if _matters(visit, drawn, name, case.x(), plain)]
    # a bias of k adds the same to all scores of a query, so no output shows it: there the layer itself tells
    seen = attention_roles.Observation(case, drawn, case.x(), plain)
    roles = attention_roles.find(reference.attention.single_head, [seen])
    layers = {name.rpartition(".")[0] for name in roles.names} - {""} if roles else set()
    owners = {p.name: p.owner for p in built.parameters}
    idle = [n for n in suspects if n.rpartition(".")[0] in layers and owners[n] == "Linear" and n not in acting]
    if acting or idle:
        raise Unmet(
            f"there is a bias among the parameters: {len(acting + idle)} vector(s) are added to your projections",
            fix="nn.Linear adds a bias unless it is told not to: look at its third argument",
        )


def _matters(visit, drawn, name, x, plain):
    visit.load({**drawn, name: torch.ones_like(drawn[name])})
    return not close(visit.forward(x).output, plain)


@pytest.mark.requires("4a.1")
@number("4a.4")
def test_matches_the_formula(student, reference, cases, remark, smallest):
    """matches softmax(QKᵀ/√d_k)V on random weights"""
    seen = observe.attention(student, cases.attention(4, everyday=True), remark, used=True)
    if not attention_roles.find(reference.attention.single_head, seen):
        each_call.alike(student.visit("4a"), cases.attention(1)[0])
        unmet = diagnosis.attention(seen, reference.misconceptions.ATTENTION, reference.attention.single_head)
        raise unmet.showing(smallest("4a"))


@pytest.mark.requires("4a.1")
@number("4a.5")
def test_each_sample_for_itself(student, cases):
    """works for any batch and number of tokens, each sample for itself"""
    case = cases.attention(1)[0]
    with student.visit("4a") as visit:
        visit.load(weights.draw(case.seed, visit.build(case).parameters, biases=False))
        x = case.x()
        whole = visit.forward(x).output
        for i in range(case.batch):
            alone = visit.forward(x[i : i + 1]).output
            observe.right_shape(alone.shape, (1, case.tokens, case.inner_dim), "one sample")
            if not close(alone, whole[i : i + 1]):
                each_call.alike(student.visit("4a"), case)
                raise Unmet(
                    f"sample {i} comes out differently alone than within its batch of {case.batch}",
                    fix="no sample may look at another: check the axes of your products and of the softmax",
                )
        observe.right_shape(
            visit.forward(x[:, :1].contiguous()).output.shape, (case.batch, 1, case.inner_dim), "one token"
        )
        if not close(visit.forward(x, strided=True).output, whole):
            raise Unmet("the output depends on how x lies in memory", fix="use reshape where you use view")
        shuffled = torch.randperm(case.tokens, generator=torch.Generator().manual_seed(case.seed))
        moved = visit.forward(x[:, shuffled].contiguous()).output
        if not close(moved, whole[:, shuffled]):
            raise Unmet(
                f"when the tokens change places, the outputs do not change places with them "
                f"(first at {first_difference(moved, whole[:, shuffled])})",
                fix="attention has no idea of positions: nothing in it may depend on a token's index",
            )


@pytest.mark.requires("4a.1")
@number("4a.6")
def test_gradients_reach_every_projection(student, reference, cases):
    """gradients reach x and every projection, and are right where the output is"""
    case = cases.attention(1)[0]
    with student.visit("4a") as visit:
        built = visit.build(case)
        drawn = weights.draw(case.seed, built.parameters, biases=False)
        visit.load(drawn)
        x = case.x()
        back, cotangent = visit.backward(x, case.output_shape, seed=case.seed)
        seen = attention_roles.Observation(case, drawn, x, back.output)
        roles = attention_roles.find(reference.attention.single_head, [seen])
        candidates = {s.name for s in attention_roles.sources(seen)}
        projections = (
            set(roles.names) if roles else {n for n in candidates if observe.acts(visit, drawn, n, x, back.output)}
        )
        in_common = shared.in_common(visit, case)
    observe.right_dtype(x, back.output)
    if not projections:
        raise Unmet("no projection of x was found among the parameters: optimisers train only what parameters() lists")
    for name in ["", *sorted(projections)]:
        gradient = back.gradients.get(name)
        if gradient is None or not torch.isfinite(gradient).all() or not gradient.any():
            raise Unmet(
                f"no gradient reaches {'the input x' if not name else 'one of your projections'}",
                fix="look for detach(), .data, .item(), torch.no_grad(), or a new tensor made from numbers",
            )
    if roles:
        expected = _gradients(reference, seen, roles, cotangent)
        for name, gradient in expected.items():
            if not close(back.gradients[name], gradient):
                raise Unmet(
                    "the output is right, but a gradient is not: part of the computation is detached",
                    fix="look for detach(), .data and torch.no_grad() on every way from x to the output",
                )
    shared.nothing(in_common, "4a")


def _gradients(reference, seen, roles, cotangent):
    """The reference's gradients by parameter name ("" for x), float64."""
    leaves = {name: seen.weights[name].double().requires_grad_() for name in roles.names}
    x = seen.x.double().requires_grad_()
    copy = attention_roles.Observation(seen.case, leaves, x, seen.output)
    output = reference.attention.single_head(x, *attention_roles.matrices(roles, copy))
    (output * cotangent.double()).sum().backward()
    return {"": x.grad, **{name: leaf.grad for name, leaf in leaves.items()}}


@pytest.mark.requires("4a.1")
@number("4a.7")
def test_dropout_acts_in_training_only(student, reference, cases):
    """dropout acts in training, and only there"""
    case = cases.attention(1, dropout=dropout.P)[0]
    with student.visit("4a", awake=True) as visit:
        drawn = weights.draw(case.seed, visit.build(case).parameters, biases=False)
        visit.load(drawn)
        x = case.x()
        calm = visit.forward(x, seed=1).output
        if not close(visit.forward(x, seed=2).output, calm):
            raise each_call.unlike(
                visit,
                case,
                drawn,
                "two calls in eval mode differ",
                "dropout must rest in eval mode: nn.Dropout does that",
            )
        first, second = (observe.trained(visit, x, calm, seed=s) for s in (1, 2))
        if close(first, second) and not close(first, calm):
            raise Unmet(observe.SAME_EACH_TIME, fix=observe.NEW_EACH_TIME)
        if close(first, calm) or close(second, calm):
            raise Unmet(
                f"in train mode with dropout={dropout.P} nothing is dropped",
                fix="use an nn.Dropout(dropout) made in __init__, on the attention weights or on the output",
            )
        if attention_roles.find(reference.attention.single_head, [attention_roles.Observation(case, drawn, x, calm)]):
            _right_place(visit, case)
        if not close(observe.dry(visit, case, drawn, x, train=True), calm):
            if not close(observe.dry(visit, case, drawn, x), calm):
                raise Unmet(observe.NOT_AT_REST, fix=observe.AT_REST)
            raise Unmet("with dropout=0 the output in train mode differs from eval mode: is the argument passed on?")


SAMPLES = 64  # that none of them is dropped has probability 2**-64


def _right_place(visit, case):
    """With a single token its weight is 1, so dropout of the weights or of the output gives 0 or v / (1 - p)."""
    x = normal(case.seed, SAMPLES, 1, case.input_dim)
    calm = visit.forward(x).output
    trained = observe.trained(visit, x, calm, seed=case.seed)
    if not dropout.dropped(trained, calm):
        factor = dropout.factor(trained, calm)
        raise Unmet(
            f"with dropout={dropout.P} and a single token in x, each output in train mode should be 0 or twice that of "
            f"eval mode, and yours is {'neither' if factor is None else f'0 or {factor:.3g} times that'}",
            fix="nn.Dropout(dropout) belongs on the attention weights, after the softmax, or on the output"
            if factor is None
            else "what survives is divided by 1 - dropout, as nn.Dropout(dropout) does: is it the probability that was "
            "given?",
        )


# Logits beyond 88 overflow exp() in float32. A gain of 60 on x makes logits of about 1.7 * 60**2 = 6000.
STRETCH = 60.0


@pytest.mark.requires("4a.1")
@number("4a.8")
def test_large_scores_stay_finite(student, cases):
    """stays finite when the scores are large"""
    for seen in observe.attention(student, cases.attention(1), stretch=STRETCH):
        if not torch.isfinite(seen.output).all():
            raise Unmet(
                "large scores give nan or inf: exp() overflows",
                fix="a softmax subtracts the largest score first; torch.softmax and nn.Softmax do it for you",
            )
