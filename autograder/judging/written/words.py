"""Words around a number: which say nothing, which change what it is worth, and numbers written as words.

Why separate: people write "there are 40 learnable parameters in total" where a number is asked for. No list of such
nouns can be complete, so every word is a filler but those listed here: the words of arithmetic, and those that would
change or take back what stands beside them.
"""

from __future__ import annotations

import re

_ARITHMETIC = "exp sqrt frac sum floor norm dot x by times pow power square ones abs softmax"
_CHANGING = """
 or not no than least most under above below over less more fewer between either neither maybe perhaps unless except
 half third quarter twice double triple thrice dozen hundred hundreds thousand thousands million millions k m
 negative mod log ln sin cos tan inf infinity nan true false e import lambda eval
"""
_MEANING = frozenset(f"{_ARITHMETIC} {_CHANGING}".split())


class Fillers:
    """The words that say nothing beside a number, as a container: all but a few."""

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word.lower() not in _MEANING


FILLERS = Fillers()

_UNITS = dict(
    zip(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split(),
        range(20),
    )
)
_TENS = {"fourty": 40} | dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10)))
_SPOKEN = {**_UNITS, **_TENS, "hundred": 100, "thousand": 1000}
_NUMBER = re.compile(rf"\b(?:{'|'.join(_SPOKEN)})(?:(?:[\s-]|\band\b)+(?:{'|'.join(_SPOKEN)}))*\b", re.IGNORECASE)


_WEAK = ("one", "zero")  # "one row for each filter" gives no size


def in_digits(text: str, beside: bool = False) -> str:
    """ "two hundred fifty-six" is 256. Words `beside` digits count in sizes only: "two 5x5 maps"."""
    if not beside and re.search(r"\d", text):
        return text
    return _NUMBER.sub(lambda match: match[0] if beside and match[0].lower() in _WEAK else str(_spoken(match[0])), text)


def _spoken(words: str) -> int:
    whole = part = 0
    for word in re.split(r"[\s-]+", words.lower()):
        value = _SPOKEN.get(word, 0)
        if value == 1000:
            whole, part = whole + max(part, 1) * value, 0
        elif value == 100:
            part = max(part, 1) * value
        else:
            part += value
    return whole + part
