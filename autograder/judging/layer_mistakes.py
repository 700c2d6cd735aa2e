"""What is wrong with a layer of 4(b): the one mistake of the whole layer, or one in each half, and how it is told.

Why separate: the hidden tests say what is tested and what it costs; this asks for the names. `find_roles` knows how
parameters are found, and nothing of banks; `Banks` is what the reference has, handed in by the tests.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
from torch import Tensor

from autograder.core.policy import KEPT, TOLERANCES
from autograder.judging import diagnosis, each_call, find_roles, observe, open_gates, properties, reshaped
from autograder.judging.code.cases import Cases, LayerCase
from autograder.judging.code.compare import close
from autograder.judging.code.layer_parts import LayerFormula
from autograder.judging.code.layer_roles import LayerObservation, LayerRoles
from autograder.judging.code.own_attention import Attend
from autograder.judging.diagnosis import Mistake
from autograder.judging.expect import Missing, Unmet
from autograder.judging.reshaped import Reshaped
from autograder.judging.visit import Student

Named = Mistake | Reshaped
# What a layer with BatchNorms shows in eval mode: one that has seen no batch yet leaves x as it is.
WITHOUT_NORM = ("no-norms", "no-first-norm", "no-second-norm")
BATCH_NORM = (
    "a BatchNorm takes the samples and tokens of a batch together, and a new one changes nothing in eval mode; Figure 1"
    " has nn.LayerNorm(dim), which takes each token for itself"
)


class Scaled(Protocol):
    """A layer that is right but for constant factors (reference/scaled_layers.py)."""

    @property
    def attention(self) -> LayerFormula:
        """The terms that the first half adds up."""

    @property
    def mlp(self) -> LayerFormula:
        """The terms that the second half adds up."""

    @property
    def mistake(self) -> Callable[[float, float, float], Mistake | None]:
        """The mistake of these factors: of x, of what the attention adds, of what the MLP adds. None if all are 1."""


class Banks(msgspec.Struct, frozen=True):
    """The right layer over the right attention, and its wrong versions, more likely ones first."""

    formula: LayerFormula
    attend: Attend
    layer: Sequence[Mistake]  # one mistake in the whole layer
    own: Sequence[Mistake]  # in an attention of the layer's own
    pairs: Sequence[Mistake]  # two, one in each half
    reshaped: Sequence[Reshaped]  # for which the weights are read otherwise
    scaled: Scaled


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
    return told or _both(student, banks, seen) or single or scaled(student, banks, plain)


def mlp_with_biases(student: Student, found: LayerRoles, cases: Cases) -> list[LayerObservation]:
    """The MLP half with the gains and biases of its own that were found, the attention half silent and without any.

    A function that was measured between the two maps may hide a factor beside it; biases do not go through it.
    """
    own = {found.fc1.bias, found.fc2.bias, found.norm2.scale, found.norm2.shift}
    return observe.layer(student, cases.layer(2), without="attention", biases=False, noisy=own)


def scaled(student: Student, banks: Banks, seen: Sequence[LayerObservation]) -> Mistake | None:
    """The constant factors that explain what was seen, as a mistake, or None."""
    mistake = find_roles.once(student, "scaled", lambda: _scaled(student, banks))
    return explained(student, banks, seen, [mistake]) if mistake else None


def _scaled(student: Student, banks: Banks) -> Mistake | None:
    first = find_roles.factors(student, banks.scaled.attention, banks.attend, "attention")
    if not first:
        return None
    through, attention = first  # of x, and of what the half adds
    if abs(through - 1) <= TOLERANCES.values:  # what was measured between the two maps is theirs alone
        return banks.scaled.mistake(through, attention, find_roles.mlp_factor(student))
    second = find_roles.factors(student, banks.scaled.mlp, banks.attend, "mlp")
    return banks.scaled.mistake(through, attention, second[1]) if second else None


def _both(student: Student, banks: Banks, seen: Sequence[LayerObservation]) -> Mistake | None:
    """The two mistakes, one in each half, that explain what was seen, or None: then the first half alone is wrong."""
    return None if find_roles.right_first_half(student) else explained(student, banks, seen, banks.pairs, own=False)


def explained(
    student: Student, banks: Banks, seen: Sequence[LayerObservation], bank: Sequence[Mistake], *, own: bool = True
) -> Mistake | None:
    """The first mistake of the bank that explains what was seen, or None; see `find_roles.explained`."""
    return find_roles.explained(student, bank, banks.attend, seen, own=own)


def steady(student: Student, case: LayerCase) -> None:
    """Raises Unmet where an output depends on more than x, whatever else is wrong; asked once."""
    find_roles.once(student, "steady", lambda: each_call.alike(student.visit("4b", probe_seed=case.seed), case))


def unmet(
    student: Student, banks: Banks, seen: Sequence[LayerObservation], known: Named | None, bank: Sequence[Mistake]
) -> Unmet:
    """Why what was seen is not the reference: what the whole layer was found to be, or a mistake of the bank.

    Without a bank nothing else is looked for than in an attention of the layer's own.
    """
    steady(student, seen[0].case)
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
    if mistake and getattr(mistake, "name", "") in WITHOUT_NORM and _mixes_samples(student, seen[0]):
        title = mistake.title.replace("without", "with a BatchNorm in the place of")
        mistake = msgspec.structs.replace(mistake, title=title, hint=BATCH_NORM)  # type: ignore[type-var]
    return diagnosis.layer(seen, mistake, wrong, properties.missing(student, half) if half and not mistake else ())


def _mixes_samples(student: Student, seen: LayerObservation) -> bool:
    """Asked for better words alone: a layer that fails while training keeps the words that it has."""
    with contextlib.suppress(Unmet, Missing):
        return find_roles.once(student, "mixes", lambda: properties.mixes_samples(student, seen.case, seen.weights))
    return False


def but_for_vectors(student: Student) -> Unmet:
    """What is said of a layer that is right while its vectors change nothing, and wrong otherwise."""
    if open_gates.known(student):
        return Unmet(
            "your output equals the reference once what begins at 0 and multiplies a half is 1",
            expected="what a half adds, added as it is: after a 0 a new layer gives back x",
            fix="Figure 1 has no factor before its '+': is there a parameter beside those of its blocks?",
        )
    return Unmet(
        "your output equals the reference while all gains are 1 and all biases 0, and differs with others",
        fix="is there a vector among the parameters that Figure 1 does not have, or one in two places?",
    )


def not_passed_on(case: LayerCase, dry: Tensor, *, rests: bool) -> None:
    """Raises Unmet for a layer whose output with dropout=0 in train mode, `dry`, is another than in eval mode.

    `rests`: whether in eval mode the output is the same whatever the probability is.
    """
    found, fix = observe.NOT_AT_REST, observe.AT_REST
    if rests and close(dry, case.x()):
        found = "with dropout=0 everything that is added to x is dropped in train mode"
        fix = "nn.Dropout takes the probability with which a value is dropped, not that of keeping it"
    elif rests:
        found = "with dropout=0 the output in train mode differs from eval mode: is the argument passed on?"
        fix = "the probability is an argument of __init__, and what nn.Dropout takes"
    raise Unmet(found, fix=fix, earned=KEPT.dropout_ignores_p)
