"""Plain text to tokens: numbers, names with their index, signs.

Why separate: `spelling` has made one spelling of many, and the grammar only knows one way to write a formula. What a
word is (a name, several names run together, a filler that says nothing) is decided here. Nothing is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Container

import msgspec

from autograder.core.text import one_line
from autograder.judging.written.spelling import plain
from autograder.judging.written.verdict import Unreadable

MAX_TOKENS = 800


class Token(msgspec.Struct, frozen=True):
    """`kind` is "number", "name" or the sign itself; a name's index (v_1, d_k) is in `index`."""

    kind: str
    text: str
    index: str = ""


# A word stands alone in its spelling. Letters of one word may also be several names run together: "dmu" is d times mu.
_NAMES = {
    "d": "d",
    "dk": "d",
    "mu": "mu",
    "μ": "mu",
    "u": "mu",
    "sigma": "sigma",
    "sig": "sigma",
    "σ": "sigma",
    "e": "e",
    "v": "v",
    "V": "V",
    "T": "T",
    "exp": "exp",
    "sqrt": "sqrt",
    "softmax": "softmax",
    "frac": "frac",
    "sum": "sum",
    "norm": "norm",
    "dot": "dot",
    "transpose": "T",
    "x": "x",
    "by": "x",
    "times": "x",
    "floor": "floor",
    "ceil": "ceil",
    "t": "T",
    "i": "i",
    "j": "j",
}
_LONGEST = max(map(len, _NAMES))
# These are names only where they stand alone.
_ALONE = {
    "pow": "pow",
    "power": "pow",
    "square": "square",
    "tr": "trace",
    "trace": "trace",
    "ones": "ones",
    "abs": "abs",
    "prod": "prod",
    "Mul": "prod",
    "Add": "total",
    "sm": "softmax",
    "I": "I",
}
_INDEXED = frozenset({"v", "V", "d", "mu", "sigma"})

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(?:[1-9]\d{0,2}(?:,\d{3})+(?![\d,])(?:\.\d+)?|\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<word>[A-Za-zμσ]+)"
    r"|(?P<sign>//|[-+*/^()\[\]{},;=≈→|‖%@'_&:.])"
)
_NOTHING = Token("", "")
_ENDS, _BEGINS = frozenset({"number", "name", ")", "]", "}"}), frozenset({"number", "name", "(", "[", "{"})
_INDEX = re.compile(r"\s*_\s*(?:\{\s*(\w{1,4})\s*\}|\(\s*(\w{1,4})\s*\)|(\w))|(\d{1,2})(?![\d.])")
_TAIL = re.compile(r"(?:_[A-Za-z]\w*)+")  # of batch_size
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")


def tokens(text: str, *, noise: Container[str] = frozenset(), own: Container[str] = frozenset()) -> tuple[Token, ...]:
    """The tokens of `text`. Words in `noise` ("parameters") are dropped; those in `own` are the writer's names.

    Raises Unreadable, naming the first word or sign that no answer uses.
    """
    text = plain(text)
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise Unreadable(
                f"the character {one_line(text[position], 12)!r} is not one that this answer can use",
                "write it with plain letters, digits and + - * / ^ ( )",
            )
        position = match.end()
        if match["number"]:
            if text[match.start() - 1 : match.start()] == ")":
                found.append(Token("*", ""))  # (4 + 1)8; with a space between, they are two entries
            position = _number(text, match, found)
        elif match["word"]:
            position = _word(text, match, found, noise, own)
        elif match["sign"]:
            found.append(Token(match["sign"], match["sign"]))
        if len(found) > MAX_TOKENS:
            raise Unreadable(f"this answer has more than {MAX_TOKENS} signs", "write the result in a shorter form")
    return tuple(_dotted(found))


def _dotted(found: list[Token]) -> list[Token]:
    """A point between two operands is the sign of the scalar product; any other one ends a sentence."""
    kept = []
    for before, token, after in zip([_NOTHING, *found], found, [*found[1:], _NOTHING]):
        if token.kind != ".":
            kept.append(token)
        elif before.kind in _ENDS and after.kind in _BEGINS:
            kept.append(Token("@", "."))
    return kept


def _number(text: str, match: re.Match[str], found: list[Token]) -> int:
    """Append the number; "1,000" is one number, but inside brackets or after another comma its commas separate."""
    digits = match["number"]
    if _THOUSANDS.match(digits) and any(token.kind in "([{," for token in found):
        digits = digits.split(",")[0]
    found.append(Token("number", digits.replace(",", "")))
    return match.start() + len(digits)


def _word(text: str, match: re.Match[str], found: list[Token], noise: Container[str], own: Container[str]) -> int:
    """Append the names that a run of letters stands for, the last with its index."""
    word, end = match["word"], match.end()
    if word not in own and word.lower() in noise:
        rest = _TAIL.match(text, end)
        return rest.end() if rest else end
    alone = word if word in own else _ALONE.get(word) or _ALONE.get(word.lower() if len(word) > 1 else word)
    names = [alone] if alone else _split(word, own)
    index = _INDEX.match(text, end) if names[-1] in _INDEXED or names[-1] in own else None
    found.extend(_named(name, "") for name in names[:-1])
    found.append(_named(names[-1], next(filter(None, index.groups())) if index else ""))
    return index.end() if index else end


def _named(name: str, index: str) -> Token:
    """The letter x is the sign for times: no answer of this homework has an x of its own."""
    if name == "x":
        return Token("*", "x")
    return Token("name", "v" if name == "V" and index else name, index)  # V is all the values, V_1 the first of them


def known(word: str) -> bool:
    """Whether it is a name, a function or several of them run together."""
    try:
        return word in _ALONE or bool(_split(word))
    except Unreadable:
        return False


def _split(word: str, own: Container[str] = frozenset()) -> list[str]:
    """The names in a word, longest first: "dmu" gives d, mu. Raises Unreadable for a word that is not made of names."""
    names: list[str] = []
    start = 0
    while start < len(word):
        for length in range(min(_LONGEST, len(word) - start), 0, -1):
            piece = word[start : start + length]
            name = piece if piece in own else _NAMES.get(piece) or _NAMES.get(piece.lower())
            if name:
                names.append(name)
                start += length
                break
        else:
            raise Unreadable(
                f"the word {one_line(word, 30)!r} is not one that this answer can use",
                "write the result only, as numbers or as a formula in the letters of the question",
            )
    return names
