"""What stands in brackets behind a result and multiplies nothing: "(4*4 + 1 = 17)", "5/7 (0.71)".

Why separate: brackets group a factor in every grammar here, and an equation or the same number once more is none. Text
in, text out, linear in the text; what is a factor stays where it is.
"""

from __future__ import annotations

import re

_EQUATION = re.compile(r"(?<=[\w)\]}])\s{1,9}\(((?=[^()=]*(?:\([^()]*\)[^()=]*)?=)(?:[^()]|\([^()]*\))*)\)")
# "40 including 8 biases": the 8 are among the 40. "with 8 biases" may add them.
_BIASES = (
    r"(?:the\s+)?\d{1,4}\s+(?:for\s+(?:the\s+)?|of\s+(?:the\s+)?)?bias(?:es)?(?:\s+(?:terms?|parameters?|params?))?"
)
_PART = re.compile(
    rf"[,;]?\s{{0,3}}(?<!not )(?<!without )\b(?:(?:including|includes|incl\.?|counting|among\s+them)\s+{_BIASES}"
    rf"|with\s+{_BIASES}\s+included)(?!\w)\s{{0,3}}[:,]?",
    re.IGNORECASE,
)
_NUMBER = r"(?<![\w.)\]}/*^+-])(-?\d+(?:\.\d+)?)(?:\s{0,3}/\s{0,3}(\d+))?"
_AGAIN = re.compile(
    _NUMBER + r"\s{0,3}\(\s{0,3}[=≈~]?\s{0,3}(-?\d*\.?\d+)(?:\s{0,3}/\s{0,3}(\d+))?\s{0,3}\)(?!\s{0,3}[/*^])"
)
_ROUNDED = 0.006  # half of the second digit, and a little for who cuts off


def without_equations(text: str) -> str:
    """Without brackets behind something that hold an equation: "17 (16 + 1 = 17)". One alone stays."""
    return _EQUATION.sub(" ", text)


def without_part(text: str) -> str:
    """Without a part of the whole that is named beside it: "12, including 4 biases". Alone it stays."""
    rest = _PART.sub(" ", text)
    return rest if re.search(r"\d", rest) else text


def without_repeats(text: str) -> str:
    """Without a number's second spelling: "5/7 (0.71)", "0.71 (= 5/7)". "5 (3)" is a product, and stays."""
    return _AGAIN.sub(lambda match: match[0].partition("(")[0] if _same(match) else match[0], text)


def _same(match: re.Match[str]) -> bool:
    if "." not in match[0]:
        return False
    first, second = (
        float(match[at]) / float(match[at + 1] or 1) if _is_whole(match[at + 1]) else None for at in (1, 3)
    )
    return first is not None and second is not None and abs(first - second) <= _ROUNDED


def _is_whole(denominator: str | None) -> bool:
    return denominator is None or 0 < len(denominator.lstrip("0")) < 10
