"""From what a pytest item did to a `TestResult`: whose fault, how many points, which words. Pure.

The four outcomes stay apart: an `Unmet` or a failing assert is the student's, a `Missing` or a skip is a prerequisite,
everything else is ours and never costs the student a point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec
import pytest

from autograder.core.policy import POLICY, Test
from autograder.core.records import Feedback, Finding, Status, TestResult
from autograder.judging.expect import Missing, Unmet


class Item(msgspec.Struct, frozen=True):
    """What the decorators of one test say."""

    number: str
    name: str
    weight: float
    visibility: str
    tags: tuple[str, ...]
    requires: tuple[str, ...]


def describe(item: pytest.Item, visibility: str) -> Item:
    """The item's metadata, from gradescope-utils' decorators and the `requires` mark.

    What the decorators leave open, the policy says for the test's number; what it does not list, either, is worth
    nothing, and `visibility` says who sees it.
    """
    function = getattr(item, "function", None)

    def decorated(name: str, default: object) -> object:
        return getattr(function, f"__{name}__", default)

    title = (getattr(function, "__doc__", "") or "").strip().splitlines() or [item.name]
    requires = tuple(str(n) for mark in item.iter_markers("requires") for n in mark.args)
    number = str(decorated("number", "") or "")
    listed = POLICY.test(number) or Test(0.0, visibility)  # type: ignore[arg-type]
    weight = decorated("weight", listed.points)
    return Item(
        number=number,
        name=title[0].strip().rstrip("."),
        weight=float(weight) if isinstance(weight, (int, float)) else 0.0,
        visibility=str(decorated("visibility", None) or listed.visibility),
        tags=tuple(str(tag) for tag in (decorated("tags", ()) or ())),  # type: ignore[attr-defined]
        requires=requires,
    )


def disagreements(items: Iterable[tuple[pytest.Item, Item]], chosen: Callable[[str], bool]) -> Iterator[str]:
    """Where the project's own tests and the policy do not agree on what there is, or two places give points.

    `chosen`: whether a test of this number would be among the items, so that one which is listed and is not is missed.
    """
    items = tuple(items)
    for item, about in items:
        if _twice(item):
            yield f"{about.number}: both its decorators and the policy give points or visibility; keep one"
        elif about.weight and POLICY.test(about.number) is None:
            yield f"{about.number} carries points by its @weight: give it a line in the policy instead"
    there = {about.number for _, about in items}
    listed = (number for question in POLICY.questions for number in question.tests)
    missed = (number for number in listed if number not in there and chosen(number))
    yield from (f"{number} is listed in the policy, but is no test" for number in missed)


def _twice(item: pytest.Item) -> bool:
    """Whether decorators give points or a visibility to a test that the policy lists, too."""
    function = getattr(item, "function", None)
    number = str(getattr(function, "__number__", "") or "")
    decorated = hasattr(function, "__weight__") or hasattr(function, "__visibility__")
    return decorated and POLICY.test(number) is not None


def blank(item: Item) -> TestResult:
    """The item before it ran."""
    return TestResult(item.number, item.name, Status.ERROR, 0.0, item.weight, item.visibility, tags=item.tags)


def judge(
    item: Item, error: BaseException | None, set_score: float | None, remarks: tuple[str, ...], seconds: float
) -> TestResult:
    """The result of an item that ran: `error` is what it raised, `set_score` what @partial_credit was given."""
    done = msgspec.structs.replace(blank(item), remarks=remarks, seconds=seconds)
    if error is None:
        score = item.weight if set_score is None else max(0.0, min(float(set_score), item.weight))
        status = Status.PASSED if score >= item.weight else Status.FAILED
        return msgspec.structs.replace(done, status=status, score=score)
    if isinstance(error, Unmet):
        return msgspec.structs.replace(
            done, status=Status.FAILED, score=round(item.weight * error.earned, 4), feedback=error.feedback,
            remarks=remarks + error.remarks, staff=error.staff, own_sizes=error.own_sizes,
        )  # fmt: skip
    if isinstance(error, Missing) and error.waived:
        done = msgspec.structs.replace(done, max_score=0.0)
    if isinstance(error, (Missing, pytest.skip.Exception)):
        return msgspec.structs.replace(done, status=Status.SKIPPED, feedback=Feedback(found=str(error)))
    if isinstance(error, AssertionError):
        return msgspec.structs.replace(
            done, status=Status.FAILED, feedback=Feedback(found=_said(error)), staff=str(error)[:2000]
        )
    return msgspec.structs.replace(done, status=Status.ERROR, staff=f"{type(error).__name__}: {error}"[:2000])


def _said(error: AssertionError) -> str:
    """The message that the author of `assert x, "message"` wrote; never pytest's own display of the values."""
    first = str(error).splitlines()[0] if str(error) else ""
    return first if first and not first.startswith("assert ") else "what this test asserts does not hold"


def skipped(item: Item, reason: str) -> TestResult:
    """An item that was not run because something it needs is missing."""
    return msgspec.structs.replace(blank(item), status=Status.SKIPPED, feedback=Feedback(found=reason))


def ungraded(item: Item, reason: str) -> TestResult:
    """An item that was not run through a fault of ours, in a test that it builds on: no points are lost by it."""
    return msgspec.structs.replace(
        blank(item), feedback=Feedback(found=f"not run: {reason}"), staff=f"not run: {reason}"
    )


def forfeited(result: TestResult, finding: Finding) -> TestResult:
    """The result without its points: the question uses something ready-made. Staff see what it would have earned."""
    if result.status is Status.ERROR or not result.max_score:
        return result
    feedback = Feedback(
        found=f"no points: {finding.message}", where=str(finding.place) if finding.place else "", fix=finding.fix
    )
    staff = f"would have earned {result.score:g} of {result.max_score:g} without {finding.construct}"
    return msgspec.structs.replace(
        result, status=Status.FAILED, score=0.0, feedback=feedback, remarks=(), staff=f"{result.staff}\n{staff}".strip()
    )
