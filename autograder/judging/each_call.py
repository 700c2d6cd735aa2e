"""Whether in eval mode an output depends on x alone; and where it does not, on luck, or on the calls before.

Why separate: public and hidden tests meet it in several places, and what is to be mended is told apart in one.
"""

from __future__ import annotations

from torch import Tensor

from autograder.judging import observe
from autograder.judging.code import weights
from autograder.judging.code.cases import AttentionCase, LayerCase
from autograder.judging.code.compare import close
from autograder.judging.expect import Unmet
from autograder.judging.visit import Visit

NO_ATTRIBUTE = "what belongs to one x is a variable of forward, no attribute of self: compute it anew in each call"


def alike(visit: Visit, case: AttentionCase | LayerCase) -> None:
    """Raises Unmet when in eval mode an output depends on more than x: on luck, or on what was called before."""
    with visit:
        drawn = weights.draw(case.seed, visit.build(case).parameters, biases=False)
        visit.load(drawn)
        first, second = (visit.forward(case.x(), seed=seed).output for seed in (1, 2))
        after = visit.forward(observe.another(case.x()), seed=1).output
        visit.build(case)
        visit.load(drawn)
        fresh = visit.forward(observe.another(case.x()), seed=1).output
        if not close(first, second):
            raise unlike(
                visit,
                case,
                drawn,
                "two calls in eval mode with the same x give different outputs, so that nothing can be compared",
                "something random does not rest: nn.Dropout does in eval mode, F.dropout needs training=self.training, "
                "and layers are made in __init__, not in forward",
            )
    if not close(after, fresh):
        raise Unmet(
            "the second call of one module gives something else than a new one does: what the first call was given, or "
            "made, is kept",
            expected="an output of this call's x alone",
            fix=NO_ATTRIBUTE,
        )


def unlike(visit: Visit, case: AttentionCase | LayerCase, drawn: weights.Weights | None, found: str, fix: str) -> Unmet:
    """What to raise where two calls of one module in eval mode, with x and the weights the same, differ.

    `found` and `fix` are for what is random: two new modules, which were never called, then differ, too. Where they do
    not, the first call left something behind. `drawn`: the weights, if not the student's own.
    """
    if not close(_first(visit, case, drawn, 1), _first(visit, case, drawn, 2)):
        return Unmet(found, fix=fix)
    return Unmet(
        "two calls of one module in eval mode with the same x give different outputs, and nothing in it is random: the"
        " first call leaves something behind",
        expected="an output of this call's x alone",
        fix=NO_ATTRIBUTE,
    )


def _first(visit: Visit, case: AttentionCase | LayerCase, drawn: weights.Weights | None, seed: int) -> Tensor:
    """What a new module gives in its first call."""
    visit.build(case)
    if drawn is not None:
        visit.load(drawn)
    return visit.forward(case.x(), seed=seed).output
