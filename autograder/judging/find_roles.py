"""Which parameters of a student's layer play which role: by names and order where that fits, else by experiments.

Why separate: `layer_roles` tries the likely ways on what was observed, `trials` and `staged` choose experiments and
read them; this asks the student's room for them, once for a submission, and remembers what was found.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from torch import Tensor

from autograder.judging import diagnosis
from autograder.judging.code import halves, layer_roles, matching, staged, trials, weights
from autograder.judging.code.activations import USUAL
from autograder.judging.code.cases import LayerCase
from autograder.judging.code.layer_parts import LayerFormula
from autograder.judging.code.layer_roles import LayerObservation, LayerRoles
from autograder.judging.code.matching import Matched
from autograder.judging.code.own_attention import Attend, Own
from autograder.judging.code.searches import Memory, Search
from autograder.judging.code.trials import Trials
from autograder.judging.diagnosis import Mistake
from autograder.judging.expect import Missing, Unmet
from autograder.judging.visit import Student, Visit

LAYER = "4b"
Answer = TypeVar("Answer")


class Known:
    """What is known of one program's layer, for all its tests: nothing is asked or searched for twice."""

    def __init__(self) -> None:
        self.roles: list[tuple[str, LayerRoles]] = []  # with the half that they fill, "" for both
        self.not_by_name: set[str] = set()  # halves in which names and order led nowhere
        self.experiments: Trials | None = None
        self.asked = False
        self.matched: Matched | None = None  # what goes together in the layer's own attention, once a mistake is sought
        self.answers: dict[str, Any] = {}  # by what was asked
        self._values = Memory()
        self._found: dict[tuple[str, str], LayerRoles | None] = {}

    def staged(self, name: str, search: Search) -> LayerRoles | None:
        """The roles of a formula, by experiments; `name` is one for each formula and attention."""
        key = (search.half, name)
        if key not in self._found:
            seen = self.experiments
            self._found[key] = staged.find(search, seen, self._values) if seen else None
        return self._found[key]


def layer(
    student: Student, formula: LayerFormula, attend: Attend, observations: Sequence[LayerObservation]
) -> LayerRoles | None:
    """The roles under which the reference's formula gives the outputs of ALL observations, or None.

    `attend` is the attention that a layer which makes no probe head is tried with, over its own projections.
    """
    known, half = _known(student), _half(observations)
    for filled, roles in known.roles:  # the roles of one half say nothing of the other
        if filled in ("", half) and _all_fit(formula, roles, observations, attend):
            return roles
    brings = half != "mlp" and not any(observation.made for observation in observations)
    found = None if brings or half in known.not_by_name else layer_roles.find(formula, observations)
    if not found:
        _experiment(student, known)
        if known.experiments:  # without them names and order are all there is, each time
            known.not_by_name.add(half)
        found = known.staged("", Search(formula, attend, half))
    if not found or not _all_fit(formula, found, observations, attend):
        return None
    known.roles.append((half, found))
    return found


def explained(
    student: Student,
    bank: Sequence[Mistake],
    attend: Attend,
    observations: Sequence[LayerObservation],
    *,
    own: bool = True,
) -> Mistake | None:
    """The first mistake of the bank that explains ALL observations; with nothing to go by, by names and order alone.

    Some mistakes are others with queries and keys exchanged: of these the one that suits the names. Without `own`, a
    layer that brings its own attention is left out: a large bank would take seconds there.
    """
    known, half = _known(student), _half(observations)
    _experiment(student, known)
    if known.experiments is None:
        return diagnosis.in_layer(observations, [mistake for mistake in bank if not mistake.attend])
    if not own and not known.experiments.attention.made:
        return None
    matched = _matched(student, known)
    seen = (*observations, known.experiments.attention, known.experiments.mlp, known.experiments.both)
    best: tuple[int, Mistake] | None = None
    for mistake in bank:
        if mistake.attend and (known.experiments.attention.made or half == "mlp"):
            continue  # the heads are ours, or silent: it would be the right layer
        if not mistake.shows(seen):
            continue
        if mistake.lacks and _acts(known.experiments, mistake.lacks):
            continue  # silencing the other half silenced a part of this one, too
        roles = known.staged(mistake.name, _search(mistake, attend, half, matched))
        if roles and _all_fit(mistake.formula, roles, observations, mistake.attend or attend):
            odd = roles.heads.unlikely if isinstance(roles.heads, Own) else 0
            best = (odd, mistake) if best is None or odd < best[0] else best
            if not best[0]:
                break
    return best[1] if best else None


def factors(student: Student, terms: LayerFormula, attend: Attend, half: str) -> tuple[float, ...] | None:
    """Of a half, alone: how much of each of its formula's terms it adds up; None where it is no such sum."""
    known = _known(student)
    _experiment(student, known)
    if known.experiments is None:
        return None
    roles = known.staged("terms", Search(terms, attend, half, matched=_matched(student, known)))
    seen = known.experiments.mlp if half == "mlp" else known.experiments.attention
    if roles is None or not layer_roles.fits(terms, roles, seen, attend):
        return None
    return layer_roles.factors(terms, roles, seen, attend)


def mlp_factor(student: Student) -> float:
    """What multiplies the activation between the two maps of the MLP, or what comes out; 1 where it cannot be told."""
    seen = experiments(student)
    told = [mlp.function.multiple for mlp in seen.mlps] if seen else []
    return next((times for times in told if times is not None), 1.0)


def right_first_half(student: Student) -> bool:
    """Whether the attention half was found to be the reference's while the MLP was silent.

    Of the other half this is not known: after a wrong one it is looked at on what that gives, and may seem right.
    """
    return any(half == "attention" for half, _ in _known(student).roles)


def once(student: Student, question: str, ask: Callable[[], Answer]) -> Answer:
    """What `ask` gives, asked by the first test that wants to know it, and kept for the others of this program.

    Only for what depends on the program, not on a test's numbers.
    """
    kept = _known(student).answers
    if question not in kept:
        kept[question] = ask()
    answer: Answer = kept[question]
    return answer


def _acts(seen: Trials, half: str) -> bool:
    """Whether a matrix of this half does something while neither is silent."""
    return not seen.acting.isdisjoint(halves.matrices(seen.both.weights, seen.case, half))


def _search(mistake: Mistake, attend: Attend, half: str, matched: Matched | None) -> Search:
    return Search(
        mistake.formula,
        mistake.attend or attend,
        half,
        shared_norm=mistake.shared_norm,
        repeats=mistake.repeats,
        lacks=mistake.lacks,
        alone=mistake.alone,
        names=USUAL,
        # what stands in two places is linear in neither; and nothing goes together through what is not linear
        matched=None if mistake.repeats or (mistake.bent and matched and not matched.values) else matched,
    )


def _half(observations: Sequence[LayerObservation]) -> str:
    return {"mlp": "attention", "attention": "mlp"}.get(observations[0].without, "")


def _known(student: Student) -> Known:
    kept = student.remembered.setdefault(f"{LAYER}: {student.program(LAYER).text}", Known())
    assert isinstance(kept, Known)
    return kept


def unreadable(student: Student, half: str) -> str:
    """Why nobody can say which parameter plays which role in a half ("" for both); empty where all can be read.

    A matrix of two axes is a linear map, of whatever sizes; what acts and has other axes needs a reading.
    """
    seen = experiments(student)
    if seen is None:
        return ""
    if len(seen.both.weights) > trials.MOST_MATRICES + trials.MOST_VECTORS:
        return f"it has {len(seen.both.weights)} parameters, more than are looked at"
    odd, text = sorted(staged.without_reading(seen, half)), student.program(LAYER).text
    # a name that was made while it ran may say anything, inputs among it
    told = [name if all(part in text or part.isdigit() for part in name.split(".")) else "a parameter" for name in odd]
    return f"no role has the axes of {', '.join(told[:3])}" if odd else ""


# --- experiments ------------------------------------------------------------------------------------------------------


def experiments(student: Student) -> Trials | None:
    """What the layer does in the experiments; None where it does not go through with them."""
    known = _known(student)
    _experiment(student, known)
    return known.experiments


def case_of(student: Student) -> LayerCase:
    """The sizes of the experiments: with those that the layer is made for, if it is made for some."""
    return msgspec.structs.replace(trials.CASE, **student.own_sizes.get(LAYER, {}))


def _experiment(student: Student, known: Known) -> None:
    if known.asked:
        return
    known.asked, case = True, case_of(student)
    try:
        with student.visit(LAYER, probe_seed=case.seed) as visit:
            built = visit.build(case)
            neutral = weights.draw(case.seed, built.parameters, biases=False)
            known.experiments = trials.run(
                lambda changed, x: _ask(visit, changed, x), neutral, built.made, case.seed, case
            )
    except (Unmet, Missing):
        return


def _matched(student: Student, known: Known) -> Matched | None:
    """Which projections of an attention of the layer's own go together; asked for once."""
    seen = known.experiments
    if seen is None or known.matched:
        return known.matched
    slots = () if seen.attention.made else staged.all_slots(seen)[: matching.MOST]
    with contextlib.suppress(Unmet, Missing), student.visit(LAYER, probe_seed=seen.case.seed) as visit:
        visit.build(seen.case)
        visit.load(seen.both.weights)
        known.matched = matching.run(lambda changed, x: _ask(visit, changed, x), seen, slots)
    return known.matched


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
