"""What is wrong with a layer of 4(b): the one mistake of the whole layer, or one in each half, and how it is told.

Why separate: the hidden tests say what is tested and what it costs; this asks for the names. `find_roles` knows how
parameters are found, and nothing of banks; `Banks` is what the reference has, handed in by the tests.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from autograder.judging import diagnosis, find_roles, observe, properties, reshaped
from autograder.judging.code.cases import Cases
from autograder.judging.code.layer_parts import LayerFormula
from autograder.judging.code.layer_roles import LayerObservation, LayerRoles
from autograder.judging.code.own_attention import Attend
from autograder.judging.diagnosis import Mistake
from autograder.judging.expect import Unmet
from autograder.judging.reshaped import Reshaped
from autograder.judging.visit import Student

Named = Mistake | Reshaped


class Banks(msgspec.Struct, frozen=True):
    """The right layer over the right attention, and its wrong versions, more likely ones first."""

    formula: LayerFormula
    attend: Attend
    layer: Sequence[Mistake]  # one mistake in the whole layer
    own: Sequence[Mistake]  # in an attention of the layer's own
    pairs: Sequence[Mistake]  # two, one in each half
    reshaped: Sequence[Reshaped]  # for which the weights are read otherwise


def roles(student: Student, banks: Banks, seen: Sequence[LayerObservation]) -> LayerRoles | None:
    """The roles under which the reference's layer gives what was seen; the layer may bring its own attention."""
    return find_roles.layer(student, banks.formula, banks.attend, seen)


def whole(student: Student, banks: Banks, cases: Cases) -> Named | None:
    """The one mistake that explains the whole layer, or the two, one in each half, or None: the same in each test."""
    return find_roles.once(student, "whole", lambda: _whole(student, banks, cases))


def _whole(student: Student, banks: Banks, cases: Cases) -> Named | None:
    layers = cases.layer(2)
    plain = observe.layer(student, layers, biases=False)
    if roles(student, banks, plain):
        return None  # what is wrong shows with other gains and biases alone: without them every norm is any other
    single = explained(student, banks, plain, (*banks.layer, *banks.own))
    # of two normalisations in a row gains tell which one is there; where they cannot be read, they tell nothing
    seen = observe.layer(student, layers, biases=False, gains=True)
    if single and explained(student, banks, seen, [single], own=False):
        return single
    told = None if single else reshaped.in_layer(plain, banks.reshaped)
    return told or _both(student, banks, seen) or single


def _both(student: Student, banks: Banks, seen: Sequence[LayerObservation]) -> Mistake | None:
    """The two mistakes, one in each half, that explain what was seen, or None: then the first half alone is wrong."""
    return None if find_roles.right_first_half(student) else explained(student, banks, seen, banks.pairs, own=False)


def explained(
    student: Student, banks: Banks, seen: Sequence[LayerObservation], bank: Sequence[Mistake], *, own: bool = True
) -> Mistake | None:
    """The first mistake of the bank that explains what was seen, or None; see `find_roles.explained`."""
    return find_roles.explained(student, bank, banks.attend, seen, own=own)


def unmet(
    student: Student, banks: Banks, seen: Sequence[LayerObservation], known: Named | None, bank: Sequence[Mistake]
) -> Unmet:
    """Why what was seen is not the reference: what the whole layer was found to be, or a mistake of the bank.

    Without a bank nothing else is looked for than in an attention of the layer's own.
    """
    case = seen[0].case
    find_roles.once(student, "steady", lambda: observe.steady(student.visit("4b", probe_seed=case.seed), case))
    mistake = known or explained(student, banks, seen, (*bank, *banks.own))
    if bank and not mistake:  # of the whole layer `whole` has asked
        mistake = reshaped.in_layer(seen, banks.reshaped)
    half = {"mlp": "attention", "attention": "mlp"}.get(seen[0].without, "")
    unread = "" if mistake else find_roles.unreadable(student, half)
    if unread:
        halves = [half] if half else ["attention", "mlp"]
        shown = {name: holds for each in halves for name, holds in properties.of_half(student, each).items()}
        return diagnosis.not_told(unread, shown)
    wrong = [each for each in seen if not roles(student, banks, [each])]
    return diagnosis.layer(seen, mistake, wrong, properties.missing(student, half) if half and not mistake else ())
