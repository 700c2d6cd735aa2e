"""Which of the collected tests are run: those that have a number to themselves, of a question that there is.

Why separate: a test that nobody can place is its author's slip. It must cost no other test a thing, and be named by its
file and function. Pure; what was seen makes the results incomplete, so that no total is published with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest

from autograder.core.policy import POLICY
from autograder.engine.outcome import Item

Pair = tuple[pytest.Item, Item]
_SHOWN = 3  # tests that are named in one sentence


def placed(described: Sequence[Pair]) -> list[Pair]:
    """The tests that belong to a question."""
    return [pair for pair in described if _has_question(pair[1].number)]


def fit(described: Sequence[Pair]) -> list[Pair]:
    """Those of them that can be run and told apart."""
    count = Counter(about.number for _, about in described)
    return [pair for pair in placed(described) if count[pair[1].number] == 1]


def unplaced(described: Sequence[Pair], chosen: Callable[[str], bool]) -> Iterator[str]:
    """What is to be said of the others. Of numbers that are there twice only those that were `chosen` matter now."""
    by_number: dict[str, list[str]] = {}
    for item, about in described:
        by_number.setdefault(about.number, []).append(item.nodeid)
    for number, names in by_number.items():
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        if not number:
            yield f'not run, for there is no number on it: {shown}. Give each test one: @number("4a.9")'
        elif not _has_question(number):
            yield f"not run, for no question of the policy has the number {number!r}: {shown}"
        elif len(names) > 1 and chosen(number):
            yield (
                f"not run, for two tests have the number {number!r}: {shown}. Give each its own; a test of several"
                " cases goes through them in a loop"
            )


def unmet_order(described: Sequence[Pair], chosen: Callable[[str], bool]) -> Iterator[str]:
    """What is to be said of marks `requires` that would skip nothing: of no test, or of one that comes later."""
    places = {about.number: place for place, (_, about) in enumerate(described)}
    for place, (_, about) in enumerate(described):
        for number in about.requires if chosen(about.number) else ():
            if number not in places:
                yield f"{about.number} requires {number}, which is no test"
            elif places[number] >= place:
                yield f"{about.number} requires {number}, which is run after it: a test builds on earlier ones"


def _has_question(number: str) -> bool:
    try:
        POLICY.question_of(number)
    except KeyError:
        return False
    return True
