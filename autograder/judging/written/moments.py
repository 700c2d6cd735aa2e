"""Means and variances that a formula uses and explains: "3 E[x] + 1, where E[x] = d".

Why separate: a name is explained by `chains`; this is a term with brackets, and the same one stands in the formula and
in its explanation. Text in, text out. What is explained is put in; where anything is not, the text stays as it is.
"""

from __future__ import annotations

import re

_TERM = re.compile(
    r"(?:\\(?:mathbb|mathrm|operatorname|text|mathbf)\s*\{\s*(?:E|Var)\s*\}|(?<![A-Za-z])(?:E|Var))\s*(?:\\left\s*)?"
    r"[\[(]([^\[\]()]{1,40}?)(?:\\right\s*)?[\])]"
)
_DOT = re.compile(r"\s*(?:[*·⋅×]|\\cdot|\\times)\s*(?=" + _TERM.pattern + ")")
_PIECES = re.compile(r"[,;\n]|\b(?:with|where|and|since|because|as|for)\b", re.IGNORECASE)
_SAYS_NOTHING = re.compile(r"[\\{}\s]|left|right")
MOST = 6  # terms that are explained: two means and two squares, with room


def with_moments(text: str) -> str:
    """The formula with its terms replaced by what they are explained as; the text itself where some are not."""
    if "E" not in text and "Var" not in text:
        return text
    head, *rest = _PIECES.split(text)
    # "d is the dimension" explains none of them
    clauses = [clause for clause in rest if clause.strip(" .$") and ("=" in clause or _TERM.search(clause))]
    explained: dict[str, str] = {}
    for clause in clauses:
        *terms, value = clause.strip(" .$").split("=")
        found = [_TERM.fullmatch(term.strip(" $")) for term in terms]
        if not terms or not all(found) or _TERM.search(value) or not value.strip():
            return text
        explained |= {_plain(term): value.strip(" .$") for term in found if term}
    formula = head.rpartition("=")[2] if _TERM.fullmatch(head.partition("=")[0].strip(" $")) else head
    used = [_plain(term) for term in _TERM.finditer(formula)]
    if not used or not explained or len(explained) > MOST or not all(term in explained for term in used):
        return text
    if any("_" in term for term in used):  # of entries: between two numbers a dot is no inner product
        formula = _DOT.sub(" ", formula)
    return _TERM.sub(lambda term: f" ({explained[_plain(term)]}) ", formula)


def _plain(term: re.Match[str]) -> str:
    """The term without what only lays it out: E[q_i] of \\mathbb{E}\\left[ q_{i} \\right]."""
    return ("Var" if "Var" in term[0].partition(term[1])[0] else "E") + f"[{_SAYS_NOTHING.sub('', term[1])}]"
