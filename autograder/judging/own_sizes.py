"""Sizes that stand as numbers in a program where its arguments belong: what works for the model of 4(c) alone.

Why separate: it is one mistake, and shows in every test that builds the module in another size. The test that asks for
the sizes of the arguments charges it (`judged`); those that build on it are judged at the sizes that the program is
made for, which its result carries (`TestResult.own_sizes`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from autograder.core import names
from autograder.core.policy_fit import ARGUMENTS
from autograder.core.records import ExitKind
from autograder.judging.code import cases as sizes
from autograder.judging.code.cases import AttentionCase, Cases, LayerCase
from autograder.judging.code.layer_roles import LayerObservation
from autograder.judging.expect import Unmet
from autograder.judging.visit import Student

# A module that ends so at one size does at another, and trying would take as long again.
HOPELESS = frozenset({ExitKind.TIMEOUT, ExitKind.MEMORY, ExitKind.DISK})
# Sizes that no module can be built for: they are those of x alone.
_OF_X = ("batch", "tokens")

Built = tuple[tuple[tuple[int, ...], ...], int]  # shapes of the parameters, how many probe heads were made


class Unused(Unmet):
    """A module answers as it should, and an argument seems to change nothing in it. It is no mistake by itself."""


def judged(student: Student, question: str, cases: Cases, judge: Callable[[Cases], object]) -> None:
    """Runs `judge` on the cases; where it does not hold, on cases of the sizes that the program is made for, if any.

    Raises Unmet as `judge` does; and where it holds for these sizes alone, one that says so and carries them.
    """
    try:
        judge(cases)
    except Unmet as unmet:
        own = {} if unmet.ending in HOPELESS else found(student, question, cases)
        unused = _unused(lambda: judge(cases.at(own))) if own else False
        if own and not (unused and isinstance(unmet, Unused)):
            raise told(question, own, unmet) from None
        if not isinstance(unmet, Unused):
            raise


def _unused(judge: Callable[[], object]) -> bool:
    try:
        judge()
    except Unused:
        return True
    return False


def found(student: Student, question: str, cases: Cases) -> dict[str, int]:
    """The sizes of a case that have to be those of 4(c)'s model for the module to be as asked; empty if it never is.

    First all sizes are the model's; then each that may be another one is: the module answers, and is another one.
    """
    usual: AttentionCase | LayerCase = (cases.attention if question == "4a" else cases.layer)(1)[0]
    model: Sequence[int] = (sizes.EVERYDAY_ATTENTION if question == "4a" else sizes.EVERYDAY_LAYER)[-1]
    order = [name for name in usual.__struct_fields__ if name not in ("seed", "dropout")]
    own = dict(zip(order, model, strict=True))
    trying = student.apart(math.inf)
    made = _built(trying, question, msgspec.structs.replace(usual, **own))
    if made is None:
        return {}
    for name in order:
        fewer = {other: size for other, size in own.items() if other != name}
        other = _built(trying, question, msgspec.structs.replace(usual, **fewer))
        if other is not None and (name in _OF_X or other != made):
            own = fewer
            made = other
    return own


def _built(student: Student, question: str, case: AttentionCase | LayerCase) -> Built | None:
    """What was built for the case; None where it does not answer in the right shape."""
    try:
        with student.visit(question, probe_seed=case.seed) as visit:
            built = visit.build(case)
            answers = tuple(visit.forward(case.x()).output.shape) == case.output_shape
    except Unmet:
        return None
    return (tuple(tuple(each.shape) for each in built.parameters), built.made) if answers else None


def used(seen: Iterable[LayerObservation]) -> None:
    """Raises Unused where the parameters of a layer do not show one of the arguments. Many a right layer's do not.

    Of the heads of an attention of its own nothing is said here: with sizes of theirs their roles are not found, so
    that the half would be lost as well.
    """
    for each in seen:
        dims, case = {size for weight in each.weights.values() for size in weight.shape}, each.case
        if each.made and each.made != case.heads:
            raise Unused(f"it makes {each.made} heads where heads is {case.heads}")
        if each.made and not any(dim % case.dim_head == 0 for dim in dims):
            raise Unused(f"no matrix has the {case.dim_head} features that dim_head asks for")
        if not any(dim % case.mlp_dim == 0 for dim in dims):
            raise Unused(f"no matrix has the {case.mlp_dim} features that mlp_dim asks for")


_TAKEN = "use the arguments of __init__, and x.shape, where these numbers stand or follow from what you wrote"
_PASSED_ON = names.named(f"{_TAKEN}; Attention has defaults of its own: are heads and dim_head passed on?")


def told(question: str, own: Mapping[str, int], unmet: Unmet) -> Unmet:
    """What is said of a program that is made for these sizes; `unmet`: what it did with others."""
    theirs = names.arguments(question, {name: name for name in ARGUMENTS[question]})
    called = {ours: name for name, ours in theirs.items()}
    listed = ", ".join(f"{called.get(name, name)} {size}" for name, size in own.items())
    fix = _PASSED_ON if {"heads", "dim_head"} & own.keys() else _TAKEN
    if own_fix := unmet.feedback.fix:  # of what was seen: it may be two arguments that were exchanged
        fix = own_fix if "__init__" in own_fix else f"{fix}; or {own_fix}"
    return Unmet(
        f"it is made for {listed}, as in the model of 4(c): with others, {unmet.feedback.found}",
        expected=unmet.feedback.expected,
        where=unmet.feedback.where,
        fix=f"{fix}; the other tests were run with these numbers",
        staff=unmet.staff,
        own_sizes=own,
    )
