"""The reference's own first steps from weights that the grader chose, on the student's parameters: for a diagnosis.

Why separate: it decides no point. When a model does not learn, it tells whether the classes or their initial weights
are to blame. The reference's algebra is worked out on the *student's* parameters, under the roles that were found for
them, so that Adam sees the same numbers on both sides, however they are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import msgspec
import torch
from torch import Tensor, nn

from autograder.judging.code import attention_roles, layer_roles
from autograder.judging.code.attention_roles import Observation, Roles
from autograder.judging.code.cases import AttentionCase, LayerCase, ModelCase
from autograder.judging.code.layer_parts import LayerFormula
from autograder.judging.code.layer_roles import LayerObservation, LayerRoles
from autograder.judging.code.own_attention import Attend
from autograder.student_room.provided import provide
from autograder.student_room.training import Training, prepared

STEPS = 5
# Largest |loss - reference's| / reference's in these steps. Measured over the styles of the tests
# (benchmarks/smoke_distribution.py --first-steps): 2e-7 for most, 2e-5 for another eps, 4e-3 for an activation that is
# trained itself; the nearest wrong gradient, something detached, is 1e-1 away.
TOLERANCE = 1e-2

# What it says, by (all steps alike, already the first differs).
WORDS = {
    (True, False): (
        "from initial weights of ours your model's first losses are the reference's: look at how your weights are "
        "made, rather than at forward"
    ),
    (False, False): (
        "from weights of ours your model's first loss is the reference's, and then it departs: forward is right, and a "
        "gradient is not"
    ),
    (
        False,
        True,
    ): "from weights of ours already the first loss is not the reference's: is something random, or kept in self?",
}

Weights = Mapping[str, Tensor]


class Formulas(msgspec.Struct, frozen=True):
    """The reference's algebra and the roles under which the student's two classes are that algebra."""

    attention: Callable[..., Tensor]
    layer: LayerFormula
    attend: Attend
    roles: Roles
    layer_roles: LayerRoles


def losses(
    formulas: Formulas, case: ModelCase, weights: Weights, images: Tensor, labels: Tensor, batch: int, rate: float
) -> list[float]:
    """The reference's loss before each step, in float64. `weights`: all parameters of the student's ViT, by name."""
    model = _model(formulas, case, weights)
    return Training(model, rate).steps(images, labels, batch)


def attention_maps(
    formulas: Formulas, weigh: Callable[[Tensor, Tensor], Tensor], case: ModelCase, weights: Weights, image: Tensor
) -> tuple[Tensor, ...]:
    """How much the class token of each layer attends to each patch, (patches,) each, the mean over the heads.

    image: uint8 (28, 28). `weigh`: the reference's attention weights of q and k. Raises LookupError where a layer does
    not ask for its heads one by one.
    """
    seen: list[Tensor] = []

    def head(x: Tensor, w_q: Tensor, w_k: Tensor, *others: Tensor) -> Tensor:
        seen.append(weigh(x @ w_q.transpose(-2, -1), x @ w_k.transpose(-2, -1)))
        return formulas.attention(x, w_q, w_k, *others)

    def heads(q: Tensor, k: Tensor, v: Tensor, dim: int) -> Tensor:
        seen.extend(weigh(q, k).unbind(1))
        return formulas.attend(q, k, v, dim)

    model = _model(msgspec.structs.replace(formulas, attention=head, attend=heads), case, weights).eval()
    with torch.no_grad():
        model(prepared(image.unsqueeze(0)))
    if len(seen) != case.depth * case.heads:
        raise LookupError(f"{len(seen)} heads answered, not {case.depth} x {case.heads}")
    whole = torch.stack(seen).view(case.depth, case.heads, *seen[0].shape[-2:])  # token 0 is the class token
    return whole[:, :, 0, 1:].mean(1).unbind(0)


def first_departure(seen: tuple[float, ...], expected: list[float]) -> int | None:
    """The first step (from 0) whose loss is not the reference's; None when all are."""
    pairs = zip(seen + (float("nan"),) * len(expected), expected)
    return next((i for i, (a, b) in enumerate(pairs) if not abs(a - b) <= TOLERANCE * abs(b)), None)


def _model(formulas: Formulas, case: ModelCase, weights: Weights) -> nn.Module:
    """The provided ViT whose layers are the reference's algebra over the student's parameters."""
    made: list[nn.Module] = []

    def layer(*_: object) -> nn.Module:
        prefix = f"layers.{len(made)}."
        own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        made.append(_Layer(formulas, case, own))
        return made[-1]

    namespace: dict[str, object] = {"ViTLayer": layer}
    provide(namespace)
    model = cast("Callable[..., nn.Module]", namespace["ViT"])(**case.kwargs).double()
    model.register_forward_pre_hook(lambda _, given: tuple(images.double() for images in given))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in weights:
                parameter.copy_(weights[name])
    return model


class _Layer(nn.Module):
    """x: (batch, tokens, dim) -> same shape."""

    def __init__(self, formulas: Formulas, case: ModelCase, weights: Weights) -> None:
        super().__init__()
        self.names = list(weights)
        self.values = nn.ParameterList([nn.Parameter(value.double()) for value in weights.values()])
        self.formulas = formulas
        self.case = case

    def forward(self, x: Tensor) -> Tensor:
        own, case = dict(zip(self.names, self.values)), self.case
        shape = LayerCase(0, x.shape[0], x.shape[1], case.dim, case.heads, case.dim_head, case.mlp_dim)
        seen = LayerObservation(shape, own, x, x, case.heads, 0)
        formulas = self.formulas
        if formulas.layer_roles.own:
            return layer_roles.evaluate(formulas.layer, formulas.layer_roles, seen, formulas.attend)
        heads = _heads(formulas.roles, own, case.heads)
        return layer_roles.evaluate(
            formulas.layer,
            formulas.layer_roles,
            seen,
            attention=lambda y: torch.cat([self._head(y, head) for head in heads], dim=-1),
        )

    def _head(self, x: Tensor, weights: Weights) -> Tensor:
        shape = AttentionCase(0, x.shape[0], x.shape[1], self.case.dim, self.case.dim_head)
        return self.formulas.attention(
            x, *attention_roles.matrices(self.formulas.roles, Observation(shape, weights, x, x))
        )


def _heads(roles: Roles, weights: Weights, count: int) -> list[Weights]:
    """The parameters of each head, in the order in which the heads were made."""
    ends = "." + roles.q.name
    prefixes = [name.removesuffix(roles.q.name) for name in weights if name.endswith(ends)]
    if len(prefixes) != count:
        raise LookupError(f"{len(prefixes)} heads were found among the parameters, not {count}")
    return [
        {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        for prefix in prefixes
    ]
