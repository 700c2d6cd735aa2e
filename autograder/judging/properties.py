"""What can be said of a layer whose parameters cannot be read: properties of each half that any right layer has.

Why separate: these compare a layer with itself, under weights and inputs of ours, and need neither roles nor a
reference. They are asked for when a parameter acts whose axes can be read in no way, or when there are more parameters
than are looked at: then nobody can say that the layer differs, and it keeps points by what it was seen to do. And where
a half differs in a way that has no name, what it was seen not to do is the sharpest that can be said.
"""

from __future__ import annotations

import msgspec
import torch
from torch import Tensor

from autograder.judging.code import trials, weights
from autograder.judging.code.cases import LayerCase, normal
from autograder.judging.code.compare import close, least_squares
from autograder.judging.code.halves import silenced
from autograder.judging.expect import Missing, Unmet
from autograder.judging.visit import Student, Visit

LAYER = "4b"
# Two inputs of which each token differs by a factor and a constant are one input after a normalisation, up to eps: 1e-2
# at most beside a variance of 100 and more changes 5e-5 of it, and rounding beside numbers of 30 changes 1e-5.
RTOL = 1e-3
STRAIGHT = 1e-3  # what a linear map leaves of a fit by one is rounding, 1e-6; what an activation leaves, over 0.1
ADDS_NOTHING = "nothing is added to x while its matrices are 0"
ADDS_SOMETHING = "something is added to x while the other half's matrices are 0"
SAMPLES = 3  # for each feature

Shown = dict[str, bool]


def of_half(student: Student, half: str) -> Shown:
    """Each property of the half, "attention" or "mlp", in words, and whether it holds. Raises Unmet as a visit does."""
    case = msgspec.structs.replace(trials.CASE, **student.own_sizes.get(LAYER, {}))
    with student.visit(LAYER, probe_seed=case.seed) as visit:
        built = visit.build(case)
        drawn = weights.draw(case.seed, built.parameters, biases=False)
        other = silenced(drawn, case, "mlp" if half == "attention" else "attention")
        layer = _Layer(visit, other)
        x = case.x()
        shown = {
            **layer.mute(silenced(other, case, half), x),
            "what is added depends on x alone through a normalisation of each token": layer.normalised(x),
            "each sample is worked on for itself": close(layer.added(x[:1]), layer.added(x)[:1], RTOL),
        }
        return shown | (layer.of_mlp(x) if half == "mlp" else layer.of_attention(x, own=not built.made))


def missing(student: Student, half: str) -> tuple[str, ...]:
    """The properties that the half was seen not to have; none where they cannot be looked at.

    Of a half that does not add to x, nothing else can be said: the others are about what it adds.
    """
    try:
        failed = [name for name, holds in of_half(student, half).items() if not holds]
    except (Unmet, Missing):
        return ()
    return tuple(failed[:1] if failed and failed[0] in (ADDS_NOTHING, ADDS_SOMETHING) else failed)


class _Layer:
    """One half of a layer, the other one silent: what it adds to x."""

    def __init__(self, visit: Visit, chosen: weights.Weights) -> None:
        self._visit = visit
        self._chosen = chosen
        visit.load(chosen)

    def added(self, x: Tensor) -> Tensor:
        return self._visit.forward(x).output - x

    def mute(self, quiet: weights.Weights, x: Tensor) -> Shown:
        if not bool(self.added(x).abs().max() > RTOL):
            return {ADDS_SOMETHING: False}
        self._visit.load(quiet)
        same = close(self._visit.forward(x).output, x, RTOL)
        self._visit.load(self._chosen)
        return {ADDS_NOTHING: same}

    def normalised(self, x: Tensor) -> bool:
        """With another factor for each token: what takes the tokens together is no normalisation of each."""
        factors = torch.linspace(30, 10, x.shape[1])[:, None]
        return close(self.added(factors * x - 2), self.added(10 * x + 1), RTOL)

    def of_mlp(self, x: Tensor) -> Shown:
        tokens = normal(5, SAMPLES * x.shape[-1], 1, x.shape[-1])
        flat = torch.nn.functional.layer_norm(tokens, tokens.shape[-1:]).flatten(1).double()
        added = self.added(tokens).flatten(1).double()
        left = added - flat @ least_squares(flat, added)
        return {
            "each token is worked on for itself": close(self.added(x[:, :1]), self.added(x)[:, :1], RTOL),
            "it is no linear map": bool(left.abs().max() > STRAIGHT * added.abs().max()),
        }

    def _bends(self, x: Tensor) -> bool:
        """Whether what is added is no linear map of the normalised tokens: with fixed weights, a mean, it is one."""
        features = x.shape[1] * x.shape[2]
        many = normal(6, SAMPLES * features, x.shape[1], x.shape[2])
        flat = torch.nn.functional.layer_norm(many, many.shape[-1:]).flatten(1).double()
        added = self.added(many).flatten(1).double()
        left = added - flat @ least_squares(flat, added)
        return bool(left.abs().max() > STRAIGHT * added.abs().max())

    def of_attention(self, x: Tensor, *, own: bool) -> Shown:
        if not own:
            return {}
        equal = x[:, :1].expand_as(x).contiguous()
        return {
            "tokens that change places take their outputs with them": close(
                self.added(x.flip(1)), self.added(x).flip(1), RTOL
            ),
            "equal tokens attend to one value, whatever the weights": close(
                self.added(equal)[:, :1], self.added(equal[:, :1]), RTOL
            ),
            "how much a token attends to another depends on x": self._bends(x),
            "tokens attend to each other": not close(self.added(x)[:, :1], self.added(x[:, :1]), RTOL),
        }


def mixes_samples(student: Student, case: LayerCase, drawn: weights.Weights) -> bool:
    """Whether in train mode, without dropout, nothing is random and a sample still needs others: a BatchNorm's do."""
    with student.visit(LAYER, probe_seed=case.seed) as visit:
        visit.build(msgspec.structs.replace(case, dropout=0.0))
        visit.load(drawn)
        x = case.x()
        first, again = (visit.forward(x, train=True, seed=seed).output for seed in (1, 2))
        alone = visit.forward(x[:1], train=True, seed=1).output
    return close(first, again) and not close(alone, first[:1])
