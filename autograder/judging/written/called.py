r"""Matrices that are called something: "X1: [[...]]", "J_2 for both, where J_2 = [[...]]", ones times ones.

Why separate: what a matrix is called is no part of it, and `matrices` reads brackets and numbers alone. Text in, text
out, linear in the text.
"""

from __future__ import annotations

import re

_ONE_COLUMN = r"\\math(?:bf|bb)\s{0,3}\{?\s{0,3}1\s{0,3}\}?"
_ONES_PRODUCT = re.compile(  # a column of ones times a row of ones, with its size
    rf"{_ONE_COLUMN}\s{{0,3}}{_ONE_COLUMN}\s{{0,3}}\^\s{{0,3}}\{{?\s{{0,3}}(?:T|\\top|\\intercal)\s{{0,3}}\}}?"
    r"[\s,;]{0,4}\(?\s{0,3}(\d)\s{0,3}(?:x|×|\\times)\s{0,3}(\d)\s{0,3}\)?"
)
# "X1: [[...]]", "Avg(A) = [[...]]": what stands there is called.
_NAMED = re.compile(
    r"(?<![\w)\]}\\=])(?<!=\s)(?!both\b)[A-Za-z]\w{0,9}(?:\s?\(\w{1,9}\))?\s{0,3}[:=](?![:=])\s{0,3}(?=[\[(])",
    re.IGNORECASE,
)
_WHERE = re.compile(
    r"^(.{1,80}?)[\s,;(]+(?:where|with|for)\s+([A-Za-z]\w{0,3}(?:_?\{\w{1,3}\})?)\s{0,3}:?=\s{0,3}([\[(\\].*?)\s{0,3}\.?$",
    re.DOTALL,
)


def without_names(text: str) -> str:
    """`text` with each matrix in the place of what it is called."""
    return _NAMED.sub("", _explained(_ONES_PRODUCT.sub(r"ones(\1, \2)", text)))


def _explained(text: str) -> str:
    """ "J_2 for both, where J_2 = [[...]]" with the matrix in the place of its name."""
    match = _WHERE.match(text)
    if not match:
        return text
    name = re.compile(rf"(?<![\w{{]){re.escape(match[2])}(?!\w)")
    return name.sub(match[3].replace("\\", r"\\"), match[1]) if name.search(match[1]) else text
