"""Matrices that are said by one number: MATLAB's ones(2), a bold 1 with its size, J_2, [[1]*2]*2, 1 and its transpose.

Why separate: `matrices` reads what is written out; here each way to say that all entries are one number becomes
`ones(rows, columns)`, or the lists themselves. Text in, text out, linear in the text. No size is made up: where none is
said, the other matrix of the answer has one, or the text stays as it is.
"""

from __future__ import annotations

import re

_SIZES = r"\s*,\s*(?:nrow\s*=\s*)?(\d)\s*,\s*(?:ncol\s*=\s*)?(\d)\s*\)"
_FULL = r"([\d.]{1,9}(?:/\d{1,4})?)"
_BY = r"\s{0,3}(?:x|×|\\times|,)\s{0,3}"
_BOLD_1 = r"(?:\\math(?:bf|bb|bbm|ds)\s{0,3}\{?\s{0,3}1\s{0,3}\}?|(?<![\w.}\])/^])1)"
_PATTERNS = (
    (re.compile(r"\bones\(\s*(\d)\s*\)"), r"ones(\1, \1)"),
    (re.compile(r"\bmatrix\(\s*([\d./]{1,9})" + _SIZES), r"(\1) ones(\2, \3)"),
    # \mathbf{1}_{2 \times 2}, 1_{2x2}, and 0_{2x2}; J_2 and J_{2,2} are all ones, too
    (re.compile(_BOLD_1 + r"\s{0,3}_\s{0,3}\{\s{0,3}(\d)" + _BY + r"(\d)\s{0,3}\}"), r"ones(\1, \2)"),
    (re.compile(r"(?<![\w.])0\s{0,3}_\s{0,3}\{\s{0,3}(\d)" + _BY + r"(\d)\s{0,3}\}"), r"((0) ones(\1, \2))"),
    (re.compile(r"(?<![A-Za-z\\])J\s{0,3}_\s{0,3}\{\s{0,3}(\d)" + _BY + r"(\d)\s{0,3}\}"), r"ones(\1, \2)"),
    (re.compile(r"(?<![A-Za-z\\])J\s{0,3}_\s{0,3}(?:\{\s{0,3}(\d)\s{0,3}\}|(\d))(?!\w)"), r"ones(\1\2, \1\2)"),
    # np.full((2, 2), 1/7), "a 2x2 matrix of 1/7", "all 1/7 (2x2)"
    (
        re.compile(
            r"\bfull\(\s{0,3}[(\[]\s{0,3}(\d)\s{0,3},\s{0,3}(\d)\s{0,3}[)\]]\s{0,3},\s{0,3}" + _FULL + r"\s{0,3}\)"
        ),
        r"((\3) ones(\1, \2))",
    ),
    (
        re.compile(
            r"(?:\ban?\s+)?\b(\d)\s{0,3}x\s{0,3}(\d)\s+(?:matrix|array|grid)\s+(?:of|with)\s+(?:all\s+)?"
            + _FULL
            + r"(?:'?s\b)?"
        ),
        r"((\3) ones(\1, \2))",
    ),
    (
        re.compile(r"\ball\s+" + _FULL + r"\s{0,3},?\s{0,3}\(?\s{0,3}(\d)\s{0,3}x\s{0,3}(\d)\s{0,3}\)?"),
        r"((\1) ones(\2, \3))",
    ),
)
# 1 1^T, 11^T, \mathbf{1}\mathbf{1}^\top: as large as the matrix beside it.
_OUTER = re.compile(
    rf"{_BOLD_1}\s{{0,3}}(?:\\math(?:bf|bb|bbm|ds)\s{{0,3}}\{{?\s{{0,3}}1\s{{0,3}}\}}?|1)\s{{0,3}}\^\s{{0,3}}"
    r"\{?\s{0,3}(?:T|\\top|\\intercal|\\mathsf\{T\}|\\mathrm\{T\})\s{0,3}\}?"
)
_WRITTEN_OUT = re.compile(r"\[\s{0,9}\[[^\[\]]{1,80}\](?:[\s,;]{0,9}\[[^\[\]]{1,80}\]){0,6}\s{0,9}\]")
_IN_LATEX = re.compile(r"\\begin\{[a-zA-Z]*matrix\*?\}(.{1,200}?)\\end\{[a-zA-Z]*matrix\*?\}", re.DOTALL)
_TIMES = re.compile(r"\]\s{0,3}\*\s{0,3}([2-5])(?![\d./])")
_MOST = 8  # repetitions: two matrices have two each


def in_brackets(text: str) -> str:
    """The text with each of these as `ones(rows, columns)`, or as lists."""
    text = _repeated(text)
    for pattern, ones in _PATTERNS:
        text = pattern.sub(ones, text)
    size = _size_of_the_other(text) if "^" in text and _OUTER.search(text) else None
    return _OUTER.sub(f" ones({size[0]}, {size[1]}) ", text) if size else text


def _repeated(text: str) -> str:
    """Python's [1]*2 as [1, 1], and [[1, 1]]*2 as [[1, 1], [1, 1]]; a list of several entries times 2 is a product."""
    for _ in range(_MOST):
        times = next((found for found in _TIMES.finditer(text) if _single(text, found.start())), None)
        if times is None:
            break
        begin = _opening(text, times.start())
        inside = text[begin + 1 : times.start()]
        text = text[:begin] + "[" + ", ".join([inside] * int(times[1])) + "]" + text[times.end() :]
    return text


def _single(text: str, end: int) -> bool:
    """Whether the list that ends here has one entry."""
    begin = _opening(text, end)
    inside = text[begin + 1 : end].strip() if begin >= 0 else ""
    depth = 0
    for sign in inside:
        depth += (sign in "[(") - (sign in ")]")
        if depth == 0 and sign in ",;& \n":
            return False
    return bool(inside)


def _opening(text: str, end: int) -> int:
    """Where the bracket that ends at `end` begins; -1 where it does not."""
    depth = 0
    for at in range(end, -1, -1):
        depth += (text[at] == "]") - (text[at] == "[")
        if depth == 0:
            return at
    return -1


def _size_of_the_other(text: str) -> tuple[int, int] | None:
    """Rows and columns of the one matrix that is written out; None where there is none, or more than one."""
    lists = [
        [row.split(",") for row in re.findall(r"\[([^\[\]]+)\]", found[0])] for found in _WRITTEN_OUT.finditer(text)
    ]
    latex = [[row.split("&") for row in re.split(r"\\\\|\\cr", found[1])] for found in _IN_LATEX.finditer(text)]
    found = lists + latex
    if len(found) != 1 or len({len(row) for row in found[0]}) != 1:
        return None
    return len(found[0]), len(found[0][0])
