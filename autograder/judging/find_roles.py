"""Which parameters of a student's layer play which role: by names and order where that fits, else by experiments.

Why separate: `layer_roles` tries the likely ways on what was observed, `trials` and `staged` choose experiments and
read them; this asks the student's room for them, once for a submission, and remembers what was found.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from autograder.judging.code import layer_roles, staged, trials, weights
from autograder.judging.code.layer_parts import LayerFormula
from autograder.judging.code.layer_roles import LayerObservation, LayerRoles
from autograder.judging.code.own_attention import Attend
from autograder.judging.code.trials import Trials
from autograder.judging.expect import Missing, Unmet
from autograder.judging.visit import Student, Visit

LAYER = "4b"


def layer(
    student: Student, formula: LayerFormula, attend: Attend, observations: Sequence[LayerObservation]
) -> LayerRoles | None:
    """The roles under which the formula gives the outputs of ALL observations, or None.

    `attend` is the attention that a layer which makes no probe head is tried with, over its own projections.
    """
    half = {"mlp": "attention", "attention": "mlp"}.get(observations[0].without, "")
    memory: list[tuple[str, LayerRoles]] = student.remembered.setdefault(f"roles of {student.program(LAYER).text}", [])
    for filled, roles in memory:  # the roles of one half say nothing of the other
        if filled in ("", half) and _all_fit(formula, roles, observations, attend):
            return roles
    brings = half != "mlp" and not any(observation.made for observation in observations)
    found = None if brings else layer_roles.find(formula, observations)
    if not found:
        asked = experiments(student)
        found = staged.find(staged.Search(formula, attend, half), asked) if asked else None
    if not found or not _all_fit(formula, found, observations, attend):
        return None
    memory.append((half, found))
    return found


def experiments(student: Student) -> Trials | None:
    """What the layer does in the experiments; None where it does not go through with them."""
    key = f"experiments with {student.program(LAYER).text}"
    if key not in student.remembered:
        student.remembered[key] = _experiments(student)
    kept = student.remembered[key]
    assert kept is None or isinstance(kept, Trials)
    return kept


def _experiments(student: Student) -> Trials | None:
    probe_seed = trials.CASE.seed
    try:
        with student.visit(LAYER, probe_seed=probe_seed) as visit:
            built = visit.build(trials.CASE)
            neutral = weights.draw(probe_seed, built.parameters, biases=False)
            owners = {parameter.name: parameter.owner for parameter in built.parameters}
            return trials.run(lambda changed, x: _ask(visit, changed, x), neutral, built.made, probe_seed, owners)
    except (Unmet, Missing):
        return None


def _ask(visit: Visit, changed: weights.Weights, x: Tensor) -> Tensor:
    if changed:
        visit.load(changed)
    output = visit.forward(x).output
    if output.shape != x.shape:
        raise Unmet("the output has another shape than x")
    return output


def _all_fit(
    formula: LayerFormula, roles: LayerRoles, observations: Sequence[LayerObservation], attend: Attend
) -> bool:
    return all(layer_roles.fits(formula, roles, observation, attend) for observation in observations)
