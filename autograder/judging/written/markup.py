r"""What other programs write around mathematics: HTML, Word's matrices, LaTeX's displays, others' sums.

Why separate: people copy answers out of editors, notebooks and algebra systems. What those add is taken away here,
before anything else looks at the text, and without a thought for what the text says. Text in, text out; each pattern's
work is linear in the text, which is capped first; doing it twice changes nothing.
"""

from __future__ import annotations

import html
import re

from autograder.judging.written.tables import undrawn

_ENTITY = re.compile(r"&(?:[A-Za-z]{2,10}[0-9]{0,2}|#\d{1,6}|#x[0-9A-Fa-f]{1,5});")
_RAISED = re.compile(r"<(su[pb])>([^<>]{0,40})</\1>", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:b|i|p|u|em|strong|span|div|code|pre|tt|font|mark|math)(?:\s[^<>]{0,80})?>", re.IGNORECASE)
_BOLD = re.compile(r"(?<![\w)\]*])\*\*([\[(][^*]*[\])])\*\*(?![\w(*])")

_WORD_MATRIX = re.compile(r"■\s*\(([^()■]*)\)")

_DISPLAY = re.compile(
    r"\\(?:begin|end)\s*\{(?:align|aligned|alignat|equation|gather|gathered|split|multline|eqnarray)\*?\}"
)
_IN_MATRIX = re.compile(r"(\\begin\s*\{(?:[a-z]*matrix\*?|array)\}.*?\\end\s*\{(?:[a-z]*matrix\*?|array)\})", re.DOTALL)
# A backslash that was escaped twice, before a command that begins no row of a matrix.
_TWICE = re.compile(
    r"(?<!\\)\\\\(?=(?:[dt]?frac|mu|sigma|cdot|times|left|right|sum|sqrt|exp|mathbf|mathrm|text|operatorname|begin|end)\b)"
)
_ROW_SPACE = re.compile(r"\\\\\s*\[\s*-?[\d.]{1,6}\s*(?:pt|em|ex|mm|cm|in)\s*\]")
_NUMBERED = re.compile(r"\\(?:tag|label)\s*\{[^{}]*\}|\\(?:nonumber|notag)\b")
_UNDER_BRACE = re.compile(r"[_^]\s*\{\s*\\(?:text|textrm|textit|mathrm|mbox)\s*\{[^{}]*\}\s*\}")

_MATHEMATICA = re.compile(r"\bSum\[([^\[\]{}]*),\s*\{\s*([a-z])\s*,\s*1\s*,\s*(\w)\s*\}\s*\]")
_PYTHON = re.compile(
    r"\bsum\(\s*\[?([^\[\]]{1,200}?)\s+for\s+([a-z_])\s+in\s+range\(\s*(?:0\s*,\s*)?(?:(\w)|1\s*,\s*(\w)\s*\+\s*1)\s*\)\s*\]?\s*\)"
)
_SPOKEN = re.compile(
    r"\b(?:the\s+)?sum\s+(?:from|over|for)\s+([a-z])\s*(?:=|from)\s*1\s*(?:to|up\s+to|\.{2,3}|…)\s*(\w)\s*(?:of\b)?",
    re.IGNORECASE,
)

# In a TOML text between double quotes, \b and \f are signs of their own: what is left of \boxed and \frac.
_ESCAPED = (
    (re.compile(r"\x08(?=oxed|egin|ar\b|m\b|ig)"), r"\\b"),
    (re.compile(r"\f(?=rac|loor)"), r"\\f"),
    (re.compile(r"\t(?=imes|ext|frac|op\b|ilde)"), r"\\t"),
)
_BRACED = re.compile(r"\{\s*(\\(?:times|cdot|ast)|,)\s*\}")  # {\times} and {,}: a sign set close
_STRONG = re.compile(r"(?<![\w)\]*])(\*\*|__)([^\s*_](?:[^*_\n]{0,60}[^\s*_])?)\1(?![\w(*_])|^\*(\w{1,10})\*(?=\s)")
_OVERLINED = re.compile("(\\d)\u0305")  # a digit that repeats for ever
_SPACES = re.compile(r"[^\S\n]{2,}")
_SHORTENED = re.compile(r"\b(it|that|there|here|answer)['’]s\b", re.IGNORECASE)
_NAMED = re.compile(
    r"\b(?:(?!Var\b|Cov\b)[A-Z][A-Za-z_]{1,30}|dict|shape|size)\((?=\s*[A-Za-z_]{1,20}\s*=)|(?<![\w^*)])c\((?=\s*-?[\d.])"
)
_KEY = re.compile(r"(['\"])\w[\w ]{0,30}\1\s*:")


def without_markup(text: str) -> str:
    """`text` as its writer meant it, whatever program it was copied from."""
    for pattern, command in _ESCAPED:
        text = pattern.sub(command, text)
    text = undrawn(_SHORTENED.sub(r"\1 is", _OVERLINED.sub(lambda digit: digit[1] * 8, text)).strip())
    while len(text) > 2 and text[0] == text[-1] and text[0] in "\"'" and text.count(text[0]) == 2:  # quoted twice
        text = text[1:-1].strip()
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    if "<" in text:
        text = _RAISED.sub(
            lambda raised: f"^({raised[2]})" if raised[1].lower() == "sup" else f"_{{{raised[2]}}}", text
        )
        text = _TAG.sub(" ", _BREAK.sub("\n", text))
    if "\\" in text:
        text = _without_displays(_BRACED.sub(r" \1 ", text))
    text = _WORD_MATRIX.sub(lambda rows: f"[{rows[1].replace('&', ',').replace('@', ';')}]", text)
    for pattern, sum_of in (
        (_MATHEMATICA, r"\\sum_{\2=1}^{\3} (\1)"),
        (_PYTHON, r"\\sum_{\2=1}^{\3\4} (\1)"),
        (_SPOKEN, r"\\sum_{\1=1}^{\2} "),
    ):
        text = pattern.sub(sum_of, text)
    text = _STRONG.sub(lambda strong: strong[2] or strong[3], text)
    text = _BOLD.sub(r"\1", _KEY.sub(" ", _NAMED.sub("(", text)))
    return _SPACES.sub(" ", text)  # runs of them cost time in what looks at their two sides


def _without_displays(text: str) -> str:
    r"""LaTeX without what lays a page out: in a display "&=" is "=", and "\\" a space, but for matrices."""
    text = _TWICE.sub(r"\\", text)
    text = _UNDER_BRACE.sub("", _NUMBERED.sub("", _ROW_SPACE.sub(r"\\\\", text)))
    if not _DISPLAY.search(text):
        return text
    pieces = _IN_MATRIX.split(_DISPLAY.sub(" ", text))
    outside = (piece.replace("&", " ").replace("\\\\", " ") for piece in pieces[::2])
    inside = (*pieces[1::2], "")
    return "".join(piece for pair in zip(outside, inside) for piece in pair)
