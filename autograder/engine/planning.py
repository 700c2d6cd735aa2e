"""Which of the collected tests are run: those that have a number to themselves, of a question that there is.

Why separate: a test that nobody can place is its author's slip. It must cost no other test a thing, and be named by its
file and function. Pure; what was seen makes the results incomplete, so that no total is published with it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest

from autograder.core.numbering import LEFT_OUT
from autograder.core.policy import POLICY
from autograder.engine.outcome import Item

Pair = tuple[pytest.Item, Item]
_SHOWN = 3  # tests that are named in one sentence
_OF_A_QUESTION = re.compile(r"(\d+[a-z]?(?:\.[a-z])*)(?:\.\w+)+")


def placed(described: Sequence[Pair]) -> list[Pair]:
    """The tests that belong to a question, and have a number of their own there."""
    return [pair for pair in described if _has_question(pair[1].number) and not _slip(pair[1].number)]


def asked(described: Sequence[Pair]) -> tuple[list[Pair], tuple[str, ...]]:
    """Of the project's own tests those of questions that the policy has, and a note on the others, if there are any.

    A term that drops a question takes it out of the policy, and leaves the tests as they are: what the policy lists and
    no test has is told elsewhere, so that a slip in a number is seen all the same.
    """
    left = sorted({lost for _, about in described if (lost := _lost_question(about.number))})
    kept = [pair for pair in described if not _lost_question(pair[1].number)]
    return kept, (f"{LEFT_OUT}: {', '.join(left)}",) if left else ()


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
        elif slip := _slip(number):
            yield f"not run, for the number {number!r} {slip}: {shown}"
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


def _slip(number: str) -> str:
    """What is wrong with how a number is written; "" where nothing is."""
    if re.search(r"\s", number):
        return f"has a blank in it; write {''.join(number.split())!r}"
    if number in (question.number for question in POLICY.questions):
        return f"is the question's own; give the test one behind it, such as {number + '.9'!r}"
    return ""


def _lost_question(number: str) -> str:
    """The question of a well-formed test number, where the policy has none like it."""
    match = _OF_A_QUESTION.fullmatch(number)
    return match[1] if match and not _has_question(number) else ""


def _has_question(number: str) -> bool:
    try:
        POLICY.question_of(number)
    except KeyError:
        return False
    return True
