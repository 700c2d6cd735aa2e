"""Whether a box holds words alone where a number, a shape, a vector or a formula is asked for: "see write-up", "None".

Why separate: how an answer is read is the judges' business, in a process with torch that this one must do without. What
has neither a figure nor a quantity of its question can be read by none of them, whatever the words are; all else may be
an answer. It knows no right value.
"""

from __future__ import annotations

import re
import unicodedata

from autograder.core.spoken import in_digits
from autograder.handin.files.layout import is_blank

# What is asked for, by key, in the words that `check` has for it.
ASKED = {
    "parameters": "a number",
    "output_shape": 'sizes, e.g. "5 x 7"',
    "average_pool": "two matrices",
    "max_pool": "two matrices",
    "a2": "a vector",
    "expectation": "a formula in d, mu and sigma",
    "variance": "a formula in d, mu and sigma",
}
MOST = 2000  # characters: the judges read no more
_RUN = re.compile(r"[^\W\d_](?:[^\W\d_]|['’](?=[^\W\d_]))*")  # "don't" is one, and so is "I'd", which is no d
_QUANTITIES = re.compile(r"(?:d|mu|sigma|['’])+|v|.*[μσς].*", re.IGNORECASE)


def words_alone(key: str, value: object) -> bool:
    """Whether what stands in the box can be no answer: words without a figure, a spoken number or a quantity."""
    if key not in ASKED or is_blank(value):
        return False
    if isinstance(value, list):
        return all(words_alone(key, entry) or is_blank(entry) for entry in value)
    if isinstance(value, bool):
        return True
    if not isinstance(value, str) or len(value) > MOST:
        return False
    text = unicodedata.normalize("NFKC", value)
    if any(map(str.isnumeric, text)) or in_digits(text) != text:
        return False
    runs = _RUN.findall(text)
    return bool(runs) and not any(map(_QUANTITIES.fullmatch, runs))
