"""Sizes that stand as numbers in a program where its arguments belong: what works for the model of 4(c) alone.

Why separate: it is one mistake, and shows in every test that builds the module in another size. The test that asks for
the sizes of the arguments charges it (`judged`); those that build on it are judged at the sizes that the program is
made for, which its result carries (`TestResult.own_sizes`). A number of tokens or a batch is no argument: what answers
for one alone answers as asked for none.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from autograder.core import names
from autograder.core.policy_fit import ARGUMENTS
from autograder.core.records import ExitKind
from autograder.judging import made_for
from autograder.judging.code.cases import Cases, LayerCase
from autograder.judging.code.layer_roles import LayerObservation
from autograder.judging.code.weights import wide
from autograder.judging.expect import Unmet
from autograder.judging.made_for import Case, Shown
from autograder.judging.visit import Built, Student

# A module that ends so at one size does at another, and trying would take as long again.
HOPELESS = frozenset({ExitKind.TIMEOUT, ExitKind.MEMORY, ExitKind.DISK})
# What is raised so, on the same line, at the model's sizes as well, has nothing to do with sizes.
_OF_NO_SIZE = frozenset(
    {
        "AttributeError", "ImportError", "ModuleNotFoundError", "NameError", "NotImplementedError", "SyntaxError",
        "TypeError", "UnboundLocalError",
    }
)  # fmt: skip


class Unused(Unmet):
    """A module answers as it should, and an argument seems to change nothing in it. It is no mistake by itself."""


def judged(student: Student, question: str, cases: Cases, judge: Callable[[Cases], object]) -> None:
    """Runs `judge` on the cases; where it does not hold, on cases of the sizes that the program is made for, if any.

    Raises Unmet as `judge` does; and where it holds for these sizes alone, one that says so and carries them.
    """
    try:
        judge(cases)
    except Unmet as unmet:
        own = {} if unmet.ending in HOPELESS else found(student, question, cases, unmet)
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


def found(student: Student, question: str, cases: Cases, unmet: Unmet) -> dict[str, int]:
    """The sizes of a case that have to be the program's own for the module to be as asked; empty if it never is.

    `unmet`: what it did with sizes of ours.

    First all sizes are those of 4(c)'s model, or what its parameters show; then each that may be another one is: the
    module answers, and is another one.
    """
    usual: Case = (cases.attention if question == "4a" else cases.layer)(1)[0]
    trying = student.apart(math.inf)
    for own, made in _tries(trying, question, usual):
        if isinstance(made, Shown):
            return _fewest(trying, question, usual, own, made)
        if made and made.error in _OF_NO_SIZE and _ended(made) == _ended(unmet):
            break
    return {}


def _ended(unmet: Unmet) -> tuple[str, str]:
    return unmet.error, unmet.feedback.where


def _tries(trying: Student, question: str, usual: Case) -> Iterator[tuple[made_for.Own, Shown | Unmet | None]]:
    """Sizes that the program may be made for, likely ones first, and what became of each."""

    def tried(own: made_for.Own) -> Shown | Unmet | None:
        return _tried(trying, question, msgspec.structs.replace(usual, **own))

    model = made_for.of_the_model(question)
    first = tried(model)
    case = msgspec.structs.replace(usual, **model)
    if isinstance(first, Shown) and isinstance(case, LayerCase) and not made_for.has_room(first, case):
        sharing = made_for.with_heads_that_share_dim(model)
        yield sharing, tried(sharing)
    yield model, first
    with contextlib.suppress(Unmet):
        seen, text = _built(trying, question, usual), trying.program(question).text
        yield from ((own, tried(own)) for own in made_for.shown(usual, seen, text))


def _fewest(trying: Student, question: str, usual: Case, own: made_for.Own, made: Shown) -> dict[str, int]:
    left = dict(own)
    asked = _shows_width(made, msgspec.structs.replace(usual, **own))
    for name in own:
        fewer = {other: size for other, size in left.items() if other != name}
        case = msgspec.structs.replace(usual, **fewer)
        other = _answers(trying, question, case)
        if other is None or other == made:
            continue
        # heads that share dim have other sizes with any dim, and not those that were asked for
        if isinstance(case, LayerCase) and not made_for.has_room(other, case, no_more=made_for.heads_share_dim(own)):
            continue
        if asked and not _shows_width(other, case):
            continue  # 2 * dim is mlp_dim for one dim alone
        left, made = fewer, other
    return left


def _shows_width(shown: Shown, case: Case) -> bool:
    """Whether a layer has a map of dim to mlp_dim, or back, as it was asked to have."""
    return isinstance(case, LayerCase) and any(
        sorted(shape) == sorted((case.dim, case.mlp_dim)) for shape in shown.matrices
    )


def _answers(student: Student, question: str, case: Case) -> Shown | None:
    """What was built for the case; None where it does not answer in the right shape."""
    made = _tried(student, question, case)
    return made if isinstance(made, Shown) else None


def _tried(student: Student, question: str, case: Case) -> Shown | Unmet | None:
    """What was built for the case, if it answers; else why it does not, or None where the answer has another shape."""
    try:
        with student.visit(question, probe_seed=case.seed) as visit:
            built = visit.build(case)
            answers = tuple(visit.forward(case.x()).output.shape) == case.output_shape
    except Unmet as unmet:
        return unmet
    return _shown(built) if answers else None


def _built(student: Student, question: str, case: Case) -> Shown:
    """What is built for the case, whether it answers or not. Raises Unmet where nothing is."""
    with student.visit(question, probe_seed=case.seed) as visit:
        return _shown(visit.build(case))


def _shown(built: Built) -> Shown:
    return Shown(tuple(tuple(each.shape) for each in built.parameters), built.made)


def used(seen: Iterable[LayerObservation]) -> None:
    """Raises Unused where the parameters of a layer do not show one of the arguments. Many a right layer's do not."""
    for each in seen:
        dims, case = {size for weight in each.weights.values() for size in weight.shape}, each.case
        if each.made and each.made != case.heads:
            raise Unused(f"it makes {each.made} heads where heads is {case.heads}")
        if each.made and not any(dim % case.dim_head == 0 for dim in dims):
            raise Unused(f"no matrix has the {case.dim_head} features that dim_head asks for")
        if not each.made and not _shows_heads(each):
            raise Unused(
                f"no matrix has the {case.heads} * {case.dim_head} features that heads and dim_head ask for",
                fix="heads and dim_head are arguments of __init__, and dim_head need not be dim // heads: is each used "
                "where your attention has a number, or a size that follows from others?",
            )
        if not any(dim % case.mlp_dim == 0 for dim in dims):
            raise Unused(f"no matrix has the {case.mlp_dim} features that mlp_dim asks for")


def _shows_heads(seen: LayerObservation) -> bool:
    """Whether an attention of the layer's own may have as many features as it was asked to have."""
    case, shapes = seen.case, [wide(weight.shape) for weight in seen.weights.values()]
    inner = case.heads * case.dim_head
    return any(size % inner == 0 for shape in shapes for size in shape) or any(
        {case.dim_head, case.dim} <= set(shape) or math.prod(shape) % (inner * case.dim) == 0 for shape in shapes
    )


_TAKEN = "use the arguments of __init__, and x.shape, where these numbers stand or follow from what you wrote"
_NEED_NOT_SHARE = (
    "heads and dim_head are arguments of __init__ of their own, and heads * dim_head need not be dim: is one of them "
    "worked out in your attention, as dim // heads or dim // dim_head?"
)
_PASSED_ON = names.named(f"{_TAKEN}; Attention has defaults of its own: are heads and dim_head passed on?")


def told(question: str, own: Mapping[str, int], unmet: Unmet) -> Unmet:
    """What is said of a program that is made for these sizes; `unmet`: what it did with others."""
    theirs = names.arguments(question, {name: name for name in ARGUMENTS[question]})
    called = {ours: name for name, ours in theirs.items()}
    listed = ", ".join(f"{called.get(name, name)} {size}" for name, size in own.items())
    model = ", as in the model of 4(c)" if own.items() <= made_for.of_the_model(question).items() else ""
    fix = _PASSED_ON if {"heads", "dim_head"} & own.keys() else _TAKEN
    made = f"it is made for {listed}{model}: with others"
    if made_for.heads_share_dim(own):
        dim, heads, dim_head = (called.get(name, name) for name in ("dim", "heads", "dim_head"))
        made = f"it is as asked where {heads} * {dim_head} is {dim}: elsewhere"
        fix = _NEED_NOT_SHARE
    elif own_fix := unmet.feedback.fix:  # of what was seen: it may be two arguments that were exchanged
        fix = own_fix if "__init__" in own_fix else f"{fix}; or {own_fix}"
    return Unmet(
        f"{made}, {unmet.feedback.found}",
        expected=unmet.feedback.expected,
        where=unmet.feedback.where,
        fix=f"{fix}; the other tests were run with these numbers",
        staff=unmet.staff,
        own_sizes=own,
    )
