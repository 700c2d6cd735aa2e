"""A question whose first program loses points is judged with the submission's other programs, too; the better counts.

Why separate: it knows nothing of what a program is or a test says. A layer that unpacks what the student's own
Attention returns does not fit the handout's, which is ours; what it computes is compared with the reference all the
same, so nothing is gained by bringing one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from autograder.core.policy import POLICY
from autograder.core.records import Alternative, Severity, Status, Submission, TestResult

_PLACES = 3  # that are named; more say no more
_FORFEITS = (Severity.READY_MADE, Severity.DISALLOWED)

Results = dict[str, TestResult]


def wanted(question: str, results: Mapping[str, TestResult], submission: Submission) -> tuple[Alternative, ...]:
    """The other programs that are worth a try: none where nothing was lost, or where something of ours broke."""
    own = [result for number, result in results.items() if POLICY.question_of(number).number == question]
    if not any(result.status is Status.FAILED for result in own) or any(r.status is Status.ERROR for r in own):
        return ()
    others = [other for other in submission.alternatives if other.program.question == question]
    # what is ready-made in nothing but the additions would cost all points, which the first program may have some of
    forfeits = any(f.question == question and f.severity is Severity.READY_MADE for f in submission.findings)
    return tuple(other for other in others if forfeits or not (other.program.also and _ready_made(other)))


def _ready_made(other: Alternative) -> bool:
    return any(finding.severity is Severity.READY_MADE for finding in other.findings)


def needless(other: Alternative, before: Alternative, found: Mapping[str, TestResult]) -> bool:
    """Whether `other` is the program `before` over heads that answer tuples, and that one answered over plain ones."""
    same = other.program.brings == before.program.brings and other.program.text == before.program.text
    return same and other.program.tuple_heads and found[min(found)].status is Status.PASSED


def with_program(submission: Submission, other: Alternative) -> Submission:
    """The submission with another program in the first one's place; what the rules say is then of that text."""
    question = other.program.question
    kept = [f for f in submission.findings if not (f.question == question and f.severity in _FORFEITS)]
    programs = {**submission.programs, question: other.program}
    return msgspec.structs.replace(submission, programs=programs, findings=(*kept, *other.findings))


def better(new: Mapping[str, TestResult], old: Mapping[str, TestResult], other: Alternative) -> Results:
    """The new results, the first with a remark, when they are worth more than the old ones; else ()."""
    if _worth(new) <= _worth(old) or any(result.status is Status.ERROR for result in new.values()):
        return {}
    names = " and ".join(other.program.brings)
    said = f"your layer does not fit the handout's {names}: it was judged with your own, over test heads all the same"
    if other.program.also:
        places = ", ".join(map(str, other.program.also[:_PLACES])) + (", …" if other.program.also[_PLACES:] else "")
        said = f"your class was judged together with what may change it by an indirect way: {places}"
    first = min(new)
    return {**new, first: msgspec.structs.replace(new[first], remarks=(*new[first].remarks, said))}


def in_vain(
    old: Mapping[str, TestResult], tried: Sequence[Mapping[str, TestResult]], others: Sequence[Alternative]
) -> Results:
    """The first failure that the other programs changed, with the remark that they did not do better.

    A failure that stays as it was, to the word, has nothing to do with the class that was replaced; and where the
    layer does worse with that class, nobody was waiting for it.
    """
    pairs = [(new, other) for new, other in zip(tried, others, strict=True) if other.program.brings]
    close = [new for new, _ in pairs if _worth(new) == _worth(old)]
    failed = sorted(
        number
        for number, result in old.items()
        if result.status is Status.FAILED and any(_told(new[number]) != _told(result) for new in close)
    )
    if not failed:
        return {}
    names = " and ".join(pairs[0][1].program.brings)
    first, other = old[failed[0]], close[-1][failed[0]]
    instead = f": then {other.feedback.found}" if other.feedback.found != first.feedback.found else ""
    said = f"your {names} was replaced by the handout's here; the layer was tried with your own, too, and did no better"
    said += instead
    return {failed[0]: msgspec.structs.replace(first, remarks=(*first.remarks, said))}


def replaced(old: Mapping[str, TestResult], submission: Submission, question: str) -> Results:
    """The first test that failed, with the remark that a class of the student's gave way to the handout's.

    For a class of a provided name that is no edit of it: with that there is nothing to try.
    """
    failed = sorted(number for number, result in old.items() if result.status is Status.FAILED)
    program = submission.programs.get(question)
    names = [f for f in submission.findings if f.rule == "edited-provided" and f.construct in POLICY.given(question)]
    used = [f for f in names if program and re.search(rf"\b{re.escape(f.construct)}\b", program.text)]
    if not failed or not used:
        return {}
    name, place = used[0].construct, f" ({used[0].place})" if used[0].place else ""
    said = (
        f"the handout's {name} stands here in the place of your class {name}{place}, whatever that does: "
        "if yours is meant, give it another name"
    )
    first = old[failed[0]]
    return {failed[0]: msgspec.structs.replace(first, remarks=(*first.remarks, said))}


def _told(result: TestResult) -> tuple[object, ...]:
    return result.status, result.score, result.feedback


def _worth(results: Mapping[str, TestResult]) -> tuple[float, int]:
    """Points, then tests passed: public tests carry no points."""
    passed = sum(result.status is Status.PASSED for result in results.values())
    return round(sum(result.score for result in results.values()), 6), passed
