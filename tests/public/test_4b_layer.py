"""What you can check yourself for question 4(b). Run:  python -m autograder check hw6.ipynb --question 4b

`SingleHeadAttention` is replaced by a random mixing of tokens here, so these tests work before 4(a) does. They need no
solution: each is a property that the layer of Figure 1 has.
"""

import pytest
import torch
from gradescope_utils.autograder_utils.decorators import number

from autograder.judging import Unmet, at_rest, close, each_call, observe, own_sizes, weights


@number("4b.p1")
def test_shape(student, cases, remark):
    """builds, and turns (batch, tokens, dim) into (batch, tokens, dim)"""
    own_sizes.judged(student, "4b", cases, lambda cases: _answers(student, cases, remark))


def _answers(student, cases, remark):
    *_, last = observe.layer(student, cases.layer(3), remark, other=True)
    at_rest.find(student, "4b", last, remark)  # told in 4b.p4


@pytest.mark.requires("4b.p1")
@number("4b.p2")
def test_residual_connections(student, cases, smallest):
    """gives x back when every matrix is zero: both residual connections are there"""
    case = cases.layer(1)[0]
    with student.visit("4b", probe_seed=case.seed) as visit:
        drawn = weights.draw(case.seed, visit.build(case).parameters, biases=False)
        visit.load({name: torch.zeros_like(w) if w.dim() > 1 else w for name, w in drawn.items()})
        output = visit.forward(case.x()).output
    if not close(output, case.x()):
        raise Unmet(
            "with all matrices zero the layer does not give x back" + (", but zeros" if not output.any() else ""),
            fix="Figure 1 has two '+': what goes into each half is added, unchanged, to what comes out of it",
            smallest=smallest("4b"),
        )


# LayerNorm divides by the deviation, so what each half adds to x does not change when x is ten times as large.
@pytest.mark.requires("4b.p1")
@number("4b.p3")
def test_normalises_first(student, cases, smallest):
    """normalises before the attention and before the MLP"""
    case = cases.layer(1)[0]
    x = case.x()
    with student.visit("4b", probe_seed=case.seed) as visit:
        drawn = weights.draw(case.seed, visit.build(case).parameters, biases=False)
        for half, other in (("attention", "mlp"), ("MLP", "attention")):
            visit.load(observe.silence(drawn, case, other))
            added = visit.forward(x).output - x
            if close(added, torch.zeros_like(added)) or not added.any():
                raise Unmet(f"the {half} half adds nothing to x, whatever its weights are")
            # eps in the LayerNorm and float32 cancellation leave differences of about 1e-4
            if not close(visit.forward(10 * x).output - 10 * x, added, rtol=1e-2):
                raise Unmet(
                    f"what the {half} half adds to x grows or shrinks with x",
                    fix="in Figure 1 each half begins with a layer normalisation, and x itself is added at its end",
                    smallest=smallest("4b", half.lower()),
                )


@pytest.mark.requires("4b.p1")
@number("4b.p4")
def test_rests_in_eval_mode(student, cases):
    """gives the same output twice in eval mode, and drops something in train mode"""
    case = cases.layer(1, dropout=0.5)[0]
    with student.visit("4b", probe_seed=case.seed, awake=True) as visit:
        visit.build(case)
        calm, again = (visit.forward(case.x(), seed=s).output for s in (1, 2))
        trained = visit.forward(case.x(), train=True, seed=1).output
        if not close(calm, again):
            fix = "dropout must rest in eval mode: nn.Dropout does that"
            raise each_call.unlike(visit, case, None, "two calls in eval mode differ", fix)
    if close(trained, calm):
        raise Unmet("in train mode with dropout=0.5 nothing is dropped", fix="use an nn.Dropout(dropout)")
