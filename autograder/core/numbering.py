"""Numbers of questions and tests as people type them: "4a", "4(a)", "Q2a", "Question 4(a)", "3.c.b", "4a.4".

Why separate: whatever takes a number reads it here, so that one spelling means one thing everywhere. It is pure; which
tests there are is known only after they were collected, so a test's own number is looked up elsewhere (`selects`).
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

from autograder.core.errors import UsageError
from autograder.core.policy import POLICY

# How a note begins on tests of questions that the policy does not have: it says nothing against a result.
LEFT_OUT = "left out are the tests of questions that the policy does not have"
_BEFORE = re.compile(r"\s*(?:(?:questions?|problems?|parts?|tests?|q)(?=[\s.:#(\d])[\s.:]*|#)*")
_BETWEEN = r"(?:[\s.()\[\]{}_-]|part)*"
# Two letters of three: "a4" is near to "4a", and "9" is near to nothing.
_NEAR = 0.5

GRADED = tuple(question.number for question in POLICY.questions)
BY_HAND = {question.number: question for question in POLICY.by_hand}


def read(typed: str) -> str:
    """The number that was meant, as tests write it; a part of one ("4", "3c") stays one. Empty when nothing was typed.

    Raises UsageError, with the numbers there are, for anything else.
    """
    words = unicodedata.normalize("NFKC", typed).casefold()
    text = _BEFORE.sub("", words, count=1)  # at the start, for it matches nothing, too
    if not words.strip():
        return ""
    for number in _longest_first((*GRADED, *BY_HAND)):
        if (rest := _after(number, text)) is not None:
            if number in BY_HAND:
                raise UsageError(_by_hand(number))
            return ".".join([number, *rest])
    parts = {number[:size] for number in GRADED for size in range(1, len(number)) if number[size - 1].isalnum()}
    for part in _longest_first(parts):
        if _after(part, text) == []:
            return part
    raise UsageError(f'there is no question "{typed.strip()[:40]}". {_meant(text)}{known()}')


def selects(chosen: str, number: str) -> bool:
    """Whether a test of this number belongs to what was chosen: "4a.1" is not the beginning of "4a.10"."""
    chosen, number = chosen.casefold(), number.casefold()
    if not number.startswith(chosen):
        return False
    return not (chosen[-1:].isdigit() and number[len(chosen) : len(chosen) + 1].isdigit())


def question(chosen: str) -> str:
    """The question that a chosen test belongs to; what is a question or a part of one is its own."""
    return next((number for number in _longest_first(GRADED) if selects(number, chosen)), chosen)


def known() -> str:
    """The numbers there are, in a sentence."""
    return (
        f"The questions are {', '.join(GRADED)}; a part of a number, such as 4, means all that begin so, "
        "and 4a.4 means one test."
    )


def no_such_test(chosen: str, tests: Iterable[str]) -> str:
    """The words for a number that is a question's, but that no test has."""
    listed = list(tests)
    same = [number for number in listed if selects(question(chosen), number)]
    near = _nearest(chosen, same)
    meant = f" Did you mean {near}?" if near else ""
    return f"no test here has the number {chosen}.{meant} The tests are {', '.join(same or listed)}."


def _after(number: str, text: str) -> list[str] | None:
    """What follows a question's number in the text, in pieces; None when the text does not begin with that number."""
    spelled = _BETWEEN.join(re.findall(r"\d+|[a-z]", number))
    match = re.match(rf"{_BETWEEN}{spelled}(?P<rest>.*)$", text, flags=re.DOTALL)
    if match is None or re.match(r"\d" if number[-1].isdigit() else r"[a-z]", match["rest"]):
        return None
    rest: list[str] = re.findall(r"\w+", match["rest"])
    return rest if re.fullmatch(r"[\w\s.()\[\]{}-]*", match["rest"]) else None


def _by_hand(number: str) -> str:
    return f"no test checks {number} ({BY_HAND[number].title}): a person grades it, from your write-up. {known()}"


def _meant(text: str) -> str:
    near = _nearest(re.sub(r"[^a-z0-9.]", "", text), GRADED)
    return f"Did you mean {near}? " if near else ""


def _nearest(typed: str, numbers: Iterable[str]) -> str:
    """The number most like it; of equals one that begins as it does, has the same letters, or stands first."""

    def likeness(number: str) -> tuple[float, bool, bool]:
        ratio = difflib.SequenceMatcher(None, typed, number).ratio()
        return ratio, typed[:1] == number[:1], sorted(typed) == sorted(number)

    best = max(numbers, key=likeness, default="")
    return best if best and likeness(best)[0] >= _NEAR else ""


def _longest_first(numbers: Iterable[str]) -> list[str]:
    return sorted(numbers, key=lambda number: (-len(number), number))
