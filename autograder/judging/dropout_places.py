"""Which of the three places of dropout in 4(b) a layer has, told from its halves in train mode and without dropout.

Why separate: `code.dropout` knows what dropout leaves of numbers; this knows the halves of a layer, and asks again
where one forward of each was luck. The hidden test says what it costs.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from torch import Tensor

from autograder.core.policy import TOLERANCES
from autograder.judging import observe, properties
from autograder.judging.code import dropout, layer_roles
from autograder.judging.code.cases import LayerCase
from autograder.judging.code.compare import close
from autograder.judging.code.layer_roles import LayerObservation, LayerRoles
from autograder.judging.code.weights import Weights
from autograder.judging.expect import Unmet
from autograder.judging.visit import Student, Visit

P = dropout.P
Half = tuple[Tensor, LayerObservation]  # (output in train mode, what it is without dropout)
AFTER = "after the attention"


def same_each_time(visit: Visit, case: LayerCase, drawn: Weights, given: Tensor, calm: LayerObservation) -> bool:
    """Whether a half, or the whole, drops something and does so in the same way with other seeds.

    `given`: its output in train mode, `calm` in eval mode (`observe.in_both_modes`). It leaves all of `drawn` loaded.
    """
    visit.load(calm.weights)
    seeds = range(case.seed + 1, case.seed + dropout.FORWARDS)  # a coin may fall alike twice
    same = (close(observe.trained(visit, calm.x, calm.output, seed=seed), given) for seed in seeds)
    found = not close(given, calm.output) and all(same)
    visit.load(drawn)
    return found


def of_batches(student: Student, case: LayerCase, drawn: Weights, halves: Sequence[Half]) -> list[Half] | None:
    """The halves beside what they give in train mode without dropout, where a BatchNorm is in the layer; else None.

    In eval mode such a layer is another one, which is charged where the BatchNorm stands.
    """
    if not properties.mixes_samples(student, case, drawn):
        return None
    with student.visit("4b", probe_seed=case.seed) as visit:
        dry = [observe.dry(visit, case, seen.weights, seen.x, train=True) for _, seen in halves]
    return [(given, msgspec.structs.replace(seen, output=calm)) for (given, seen), calm in zip(halves, dry)]


def telling(student: Student, case: LayerCase, half: Half) -> Half:
    """The half with another output in train mode, where all that it adds to each sample was dropped or kept."""
    trained, calm = half
    if close(trained, calm.output) or not dropout.of_samples(trained - calm.x):
        return half
    more = ((each, calm) for each in _in_train_mode(student, case, calm, dropout.FORWARDS))
    return next((each for each in more if not dropout.of_samples(each[0] - calm.x)), half)


def _in_train_mode(student: Student, case: LayerCase, calm: LayerObservation, count: int) -> list[Tensor]:
    """What the half gives with as many other seeds."""
    with student.visit("4b", probe_seed=case.seed) as visit:
        visit.build(case)
        visit.load(calm.weights)
        return [visit.forward(calm.x, train=True, seed=case.seed + 1 + more).output for more in range(count)]


def missing_after_the_attention(roles: LayerRoles | None, half: Half) -> list[str]:
    """Dropout of what the attention half adds, of the heads' features side by side, or of each head's.

    `roles`: those of the half without dropout. None: another half, in which places cannot be told apart.
    """
    trained, calm = half
    if not roles:
        return []
    if roles.own:  # its own attention may drop attention weights, like the head of 4(a)
        return [AFTER] if close(trained, calm.output) or dropout.of_samples(trained - calm.x) else []
    added, matrix, heads = trained - calm.x, *layer_roles.projected(roles, calm)
    if dropout.zero_share(trained) > P / 3:  # the sum is dropped once more: what is left of it stands doubled
        left = trained.abs() > TOLERANCES.zero
        return [] if dropout.zero_share((trained * (1 - P) - calm.x)[left]) > P / 3 else [AFTER]
    if dropout.of_samples(added):
        return [AFTER]
    after = dropout.zero_share(added) > P / 3
    if matrix.shape[0] < matrix.shape[1]:  # sizes of the program's own: what was dropped before it cannot be told
        return [AFTER] if close(trained, calm.output) else []
    return [] if after or dropout.before_the_map(added, matrix, heads) else [AFTER]


def not_enlarged(student: Student, case: LayerCase, half: Half) -> bool:
    """Whether a half, which adds to x, leaves what it does not drop as it was: looked at again where it seems so."""
    trained, calm = half
    added, base = trained - calm.x, calm.output - calm.x
    if not base.any() or dropout.normalised(added) or dropout.enlarged([added], base):
        return False
    more = [each - calm.x for each in _in_train_mode(student, case, calm, dropout.FORWARDS)]
    return not dropout.enlarged(more, base)


def unmet(student: Student, case: LayerCase, missing: Sequence[str], attention: Half, mlp: Half, whole: Half) -> Unmet:
    """Which places were not found, and what was dropped in their stead."""
    seen, fix = "", "handout 4(b) names three places; each needs an nn.Dropout(dropout) of its own or shared"
    if dropout.zero_share(whole[0]) > P / 3:
        seen = "a whole sum is dropped, x with it, and "
        fix = "dropout belongs on what is added to x, before it is added"
    elif any(_skipped(student, case, calm) for _, calm in (attention, mlp)):
        seen = "all that is added to a sample is dropped at once, and "
        fix = f"that is stochastic depth; nn.Dropout drops single values: {fix}"
    return Unmet(
        f"in train mode with dropout={P} {seen}no dropout was found {' nor '.join(missing)}",
        fix=fix,
        earned=round(1 - len(missing) / 3, 2),
    )


def _skipped(student: Student, case: LayerCase, calm: LayerObservation) -> bool:
    """Whether a sample may come out as it came in, where something is added to it without dropout."""
    if close(calm.output, calm.x):
        return False
    return any(dropout.of_samples(each - calm.x) for each in _in_train_mode(student, case, calm, dropout.FORWARDS))
