"""What stands around a result: chains of equalities, asides, labels, and names that the writer explains.

Why separate: people write "Var = (...) = d + mu", "35 (30 + 5)", "s_1 v_1 + s_2 v_2, where s = softmax(...)". Which
part of such a text is the answer is decided here, by its signs and words alone; the parts are read by `read`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from autograder.judging.written.grammar import parse
from autograder.judging.written.nodes import Let, Name, Node
from autograder.judging.written.spelling import bounded, plain, without_options
from autograder.judging.written.tokens import known, tokens
from autograder.judging.written.verdict import Unreadable

Read = TypeVar("Read")

_THEREFORE = re.compile(
    r"\b(?:so|thus|hence|therefore|giving|gives|equals|is(?:\s+equal\s+to)?|which\s+is|i\s*\.?\s*e\b\.?|that\s+is)\b"
    r"|=>",
    re.IGNORECASE,
)
LABEL = re.compile(
    r"(?:^|(?<=[\s,;({\[$]))(?![xX]\s*\d)[A-Za-z](?:[A-Za-z_ ]*[A-Za-z_])?(?:\s?[0-9])?\s*(?:[=:](?!=)|->|→)"
    r"|(?:^|(?<=[\s,;]))[0-9]\s*[:)](?=\s*[\[(])"
)
_WRAPPED = re.compile(
    r"\b(?:torch\.Size|TensorShape|torch\.tensor|np\.array|np\.shape|numpy\.array|array|tensor|Size|Matrix)\s*(?=[(\[])"
)
_REASON = re.compile(r"\(?\s*\b(?:where|since|because|given|assuming|when|if)\b", re.IGNORECASE)
_ASIDE = re.compile(
    r"[(\[]?\s*\b(?:where|since|because|with|for|if|given|assuming|assume|as|when|by|using|due|from|note|which|after"
    r"|independence|independent|iid|i\.i\.d)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"\b(?:where|with|and|let|given|for|define|defining|setting|using)\b", re.IGNORECASE)
_LET = re.compile(r"(\blet\s+[A-Za-z]\w{0,9}\s*=[^:;,\n]{1,80}):", re.IGNORECASE)  # "let v = s^2: d v"
_DEFINED = re.compile(
    r"\s*\(?\s*(?!(?:e|d|mu|sigma)\b)([A-Za-z]+)\s*(?:_?\s*\{?\s*([0-9ijk])\s*\}?)?\s*:?=\s*(?!=)(.*?)\s*$", re.DOTALL
)
_EQUALS = re.compile(r"=|\bis\b")
_LONG_WORD = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{3,}(?![A-Za-z(])")
_SHORT_WORD = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{2,3}(?![A-Za-z(])")
_GROUP = re.compile(r"(?:(?<=\s)|(?<=^))\(([^()]*)\)")
MOST_DEFINED = 12  # three weights, three scores and a sum, with room


class Said(msgspec.Struct, frozen=True):
    """The answer, and the names that it explains, each with what stands for it. In the order of explanation."""

    text: str
    defined: tuple[tuple[Name, str], ...] = ()

    def node(self, text: str) -> Node:
        """The tree of a part of the text, in the writer's names. Raises Unreadable."""
        if not self.defined:
            return parse(tokens(text))
        own = frozenset(name.name for name, _ in self.defined)
        bindings = tuple((name, self._explained(what, own)) for name, what in self.defined)
        return Let(bindings, parse(tokens(text, own=own)))

    @staticmethod
    def _explained(what: str, own: frozenset[str]) -> Node:
        return last_that_reads(cut(what), lambda part: parse(tokens(part, own=own)))


def said(text: str) -> Said:
    """`text` without "where s = softmax(...)", which explains a name that the rest of it uses."""
    text = re.sub(r"(?<=[\w)\]}])\.(?=\s+[A-Za-z])", ";", plain(text))
    text = _LET.sub(r"\1 ; ", re.sub(r"[^\S\n]{2,}", " ", text))
    clauses = [clause for piece in _CLAUSE.split(text) for clause in split_outside(piece, ",;\n") if clause.strip(" .")]
    found = [_DEFINED.match(clause) for clause in clauses]
    defined: list[tuple[Name, str]] = []
    rest: list[str] = []
    for position, (clause, match) in enumerate(zip(clauses, found)):
        others = " ; ".join(clauses[:position] + clauses[position + 1 :])
        if match and _used(match[1], match[2] or "", others):
            defined.append((Name(match[1], match[2] or ""), match[3]))
        else:
            rest.append(clause)
    own = frozenset(name.name for name, _ in defined)
    rest = [clause for clause in rest if not _is_prose(clause, own)]
    if not defined or not rest or len(defined) > MOST_DEFINED:
        return Said(_without_prose(text))
    return Said(" , ".join(rest), _in_order(defined))


def _without_prose(text: str) -> str:
    """Without clauses behind a comma, and brackets, that are no mathematics: "..., softmax over the scores"."""
    text = without_spoken_groups(text)
    first, *others = split_outside(text, ",;\n")
    prose = [_is_prose(clause) for clause in others]
    return first if others and any(prose) and all(p or not c.strip(" .") for p, c in zip(prose, others)) else text


def without_spoken_groups(text: str) -> str:
    """Without brackets that are no mathematics: "(each entry is a mean of nine)"."""
    return _GROUP.sub(lambda match: " " if _is_prose(match[1]) else match[0], text)


def _is_prose(text: str, own: frozenset[str] = frozenset()) -> bool:
    """Whether what it says in the end has a word that is no name, nor one of the writer's `own`."""
    return any(word not in own and not known(word) for word in _LONG_WORD.findall(_EQUALS.split(text)[-1]))


def _used(name: str, index: str, text: str) -> bool:
    """Whether the name stands elsewhere as one: the weight w, not the w of a word."""
    end = rf"\s*_?\s*\{{?{index}(?!\d)" if index.isdigit() else r"(?![A-Za-z])"
    if re.search(rf"(?<![A-Za-z\\]){name}{end}", text):
        return True
    return len(name) == 1 and any(name in word and not known(word) for word in _SHORT_WORD.findall(text))  # a in 2ab


def _in_order(defined: list[tuple[Name, str]]) -> tuple[tuple[Name, str], ...]:
    """Each after those that it uses. Raises Unreadable when they go in a circle."""
    ordered: list[tuple[Name, str]] = []
    left = list(defined)
    while left:
        ready = [
            (name, what)
            for name, what in left
            if not any(_used(other.name, other.index, what) for other, _ in left if other != name)
        ]
        if not ready:
            raise Unreadable("the names in this answer explain each other in a circle", "write the result without them")
        ordered += ready
        left = [pair for pair in left if pair not in ready]
    return tuple(ordered)


def unwrapped(text: str) -> str:
    """`text` without what NumPy and torch print around their numbers: array(..., dtype=float32), torch.Size(...)."""
    return _WRAPPED.sub(" ", without_options(text))


def split_outside(text: str, signs: str) -> list[str]:
    """`text` cut at the `signs` that stand outside of brackets."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if depth <= 0 and sign in signs:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def cut(text: str, between: str = "") -> list[str]:
    """The parts of a chain of equalities or arrows, outside of brackets; of "a ≈ b" the b only where a says nothing."""
    text = _THEREFORE.sub(" → ", plain(text)).strip().rstrip(".")
    parts = split_outside(text, "=→:")
    exact = [side for part in parts for side in reversed(part.split("≈"))]
    return [part for part in exact if part.strip(" .,;" + between)] or [""]


def last_that_reads(parts: Sequence[str], read: Callable[[str], Read]) -> Read:
    """What the last readable part says; when none reads, the problem of the last."""
    problem: Unreadable | None = None
    for part in reversed(parts):
        try:
            return read(part)
        except Unreadable as unreadable:
            problem = problem or unreadable
    assert problem is not None
    raise problem


def without_reason(text: str) -> str:
    """Without what follows "since", "where", "because": for numbers, sizes and vectors."""
    first, *rest = _REASON.split(bounded(text))
    if first.strip() or not rest or ":" not in rest[0]:
        return first
    return rest[0].rpartition(":")[2]  # "Since (30 - 4)/2 + 1 = 14: 14 x 5"


def without_words(text: str) -> str:
    """Without what follows "by", "using", "with" and their like, too: for formulas."""
    return _ASIDE.split(bounded(text))[0]
