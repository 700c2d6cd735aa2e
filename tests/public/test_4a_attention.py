"""What you can check yourself for question 4(a). Run:  python -m autograder check hw6.ipynb --question 4a

These tests need no solution: one is worked by hand below, the others are properties that any attention has. Passing
them is a good sign, not the whole grade: they carry no points.
"""

import pytest
import torch
from gradescope_utils.autograder_utils.decorators import number

from autograder.judging import (
    AttentionCase,
    Missing,
    Severity,
    Unmet,
    at_rest,
    close,
    each_call,
    first_difference,
    observe,
    own_sizes,
    weights,
)


@number("4a.p1")
def test_shape(student, cases, remark):
    """builds, and turns (batch, tokens, input_dim) into (batch, tokens, inner_dim)"""
    own_sizes.judged(student, "4a", cases, lambda cases: _answers(student, cases, remark))


def _answers(student, cases, remark):
    *_, last = observe.attention(student, cases.attention(3), remark, other=True)
    at_rest.find(student, "4a", last, remark)  # told in 4a.p5


@number("4a.p2")
def test_uses_only_what_is_allowed(student, findings):
    """uses of nn only Linear, Softmax and Dropout"""
    student.program("4a")  # skips, with the reason, when there is no code to read
    used = [f for f in findings if f.question == "4a" and f.severity in (Severity.DISALLOWED, Severity.READY_MADE)]
    if used:
        raise Unmet(used[0].message, where=str(used[0].place or ""), fix=used[0].fix)


# Worked by hand. Two tokens whose first feature is 0 and 1; every row of every projection picks that feature. Then
# q = k = v = (0, 0, 0, 0) for the first token and (1, 1, 1, 1) for the second, d_k = 4, and the scores are
#     [[0, 0], [0, 4]] / √4 = [[0, 0], [0, 2]].
# Row 0 attends 1/2 to each token: 0.5. Row 1 attends e² / (1 + e²) = 0.8808 to the second.
FEATURES = 5  # a number that no other size here has, so that the axis of x is known in any matrix
TOKENS = ((0.0, 0.3, -0.7, 0.5, -0.2), (1.0, 0.9, 0.2, -0.4, 0.8))
BY_HAND = (0.5, 0.8808)
SLIPS = {
    (0.5, 0.9820): "as if the scores were not divided by √d_k",
    (0.5, 0.7311): "as if the scores were divided by d_k instead of √d_k",
    (0.1192, 0.8808): "as if the softmax ran over the queries instead of the keys",
    (0.0, 2.0): "as if there were no softmax",
}


@pytest.mark.requires("4a.p1")
@number("4a.p3")
def test_worked_example(student, smallest):
    """gives the numbers of a small example worked by hand"""
    case = AttentionCase(seed=1, batch=1, tokens=2, input_dim=FEATURES, inner_dim=4)
    with student.visit("4a") as visit:
        drawn = weights.draw(case.seed, visit.build(case).parameters, biases=False)
        visit.load({name: _picks_first_feature(w) if w.dim() > 1 else w for name, w in drawn.items()})
        output = visit.forward(torch.tensor([TOKENS])).output
    observe.right_shape(output.shape, case.output_shape, "(batch, tokens, inner_dim)")
    found = tuple(round(float(row.mean()), 4) for row in output[0])
    if not close(output[0], torch.tensor(BY_HAND)[:, None].expand(2, 4), rtol=1e-3):
        slip = next((text for numbers, text in SLIPS.items() if _near(found, numbers)), "")
        raise Unmet(
            f"the two tokens come out as {found[0]} and {found[1]}" + (f": {slip}" if slip else ""),
            expected=f"{BY_HAND[0]} and {BY_HAND[1]} in every feature (see tests/public/test_4a_attention.py)",
            fix="follow the example by hand and print q, k, the scores and their softmax",
            smallest=smallest("4a"),
        )


def _picks_first_feature(weight):
    """A projection that copies feature 0 of x to every output feature, however the matrix is stored."""
    if FEATURES not in weight.shape:
        sizes = " x ".join(map(str, weight.shape))
        raise Missing(f"this example is worked for matrices that multiply x; one of yours is {sizes}, without its size")
    axis = list(weight.shape).index(FEATURES)
    picked = torch.zeros_like(weight)
    picked.select(axis, 0).fill_(1.0)
    return picked


def _near(found, numbers):
    return all(abs(a - b) < 2e-3 for a, b in zip(found, numbers))


@pytest.mark.requires("4a.p1")
@number("4a.p4")
def test_samples_and_tokens(student, cases):
    """treats each sample for itself and has no idea of positions"""
    case = cases.attention(1)[0]
    with student.visit("4a") as visit:
        visit.load(weights.draw(case.seed, visit.build(case).parameters, biases=False))
        x = case.x()
        whole = visit.forward(x).output
        alone = visit.forward(x[:1].contiguous()).output
        turned = visit.forward(x.flip(1).contiguous()).output
    if not close(alone, whole[:1]):
        each_call.alike(student.visit("4a"), case)
        raise Unmet("sample 0 comes out differently alone than in its batch", fix="check the axes of your products")
    if not close(turned, whole.flip(1)):
        where = first_difference(turned, whole.flip(1))
        raise Unmet(f"with the tokens in reverse order, the outputs are not the same in reverse (first at {where})")


@pytest.mark.requires("4a.p1")
@number("4a.p5")
def test_rests_in_eval_mode(student, cases):
    """gives the same output twice in eval mode, and drops something in train mode"""
    case = cases.attention(1, dropout=0.5)[0]
    with student.visit("4a", awake=True) as visit:
        visit.build(case)
        calm, again = (visit.forward(case.x(), seed=s).output for s in (1, 2))
        trained = visit.forward(case.x(), train=True, seed=1).output
        if not close(calm, again):
            fix = "dropout must rest in eval mode: nn.Dropout does that"
            raise each_call.unlike(visit, case, None, "two calls in eval mode differ", fix)
    if close(trained, calm):
        raise Unmet("in train mode with dropout=0.5 nothing is dropped", fix="use an nn.Dropout(dropout)")
