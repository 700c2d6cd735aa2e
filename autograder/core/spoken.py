"""Numbers that are written as words: "two hundred fifty-six".

Why separate: the judges of answers read them, and so does what asks whether a box holds an answer at all; neither may
import the other.
"""

from __future__ import annotations

import re

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
