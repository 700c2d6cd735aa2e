"""Text to tokens: LaTeX, Unicode and plain spellings of the same thing become the same tokens.

Why separate: everything about *spelling* stands here, so that the grammar only knows one way to write a formula.
Nothing is evaluated, and every step is linear in the text, which is capped first.
"""

from __future__ import annotations

import re
import unicodedata

import msgspec

from autograder.core.text import one_line
from autograder.judging.written.verdict import Unreadable

MAX_CHARACTERS = 2000  # the longest honest answer, 3(a) in LaTeX with every vector written out, is about 400
MAX_TOKENS = 800


class Token(msgspec.Struct, frozen=True):
    """`kind` is "number", "name" or the sign itself; a name's index (v_1, d_k) is in `index`."""

    kind: str
    text: str
    index: str = ""


_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ᵀ", "0123456789-+T")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉ₖᵢⱼ", "0123456789kij")
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("·⋅∙•∗", "*"),
        **dict.fromkeys("×✕⨯⊗", " x "),
        **dict.fromkeys("−–—‒﹣", "-"),
        **dict.fromkeys("÷⁄∕", "/"),
        **dict.fromkeys("≈≃≅∼", "≈"),
        **dict.fromkeys("∥‖", "‖"),
        **dict.fromkeys("⟨⟪", "<"),
        **dict.fromkeys("⟩⟫", ">"),
        **dict.fromkeys("’′‘`", "'"),
        "√": " sqrt ",
        "⌊": " floor(",
        "⌋": ")",
        "∑": " sum ",
        "⊤": " T ",
        "\u2062": "*",  # invisible times
        "ϭ": "σ",
        "ς": "σ",
    }
)

# LaTeX commands with a meaning of their own; any other command stands for its own name (\mu, \sigma, \exp, \frac).
_COMMANDS = {
    **dict.fromkeys(("cdot", "ast", "cdotp", "bullet", "odot"), "*"),
    "times": "x",
    **dict.fromkeys(("approx", "simeq", "cong", "sim"), "≈"),
    **dict.fromkeys(("top", "intercal", "transpose"), "T"),
    **dict.fromkeys(("lVert", "rVert", "Vert"), "‖"),
    **dict.fromkeys(("lvert", "rvert", "vert", "mid"), "|"),
    **dict.fromkeys(("lbrack", "lbrace"), "("),
    **dict.fromkeys(("rbrack", "rbrace", "rfloor"), ")"),
    "lfloor": "floor(",
    **dict.fromkeys(("langle", "lt"), "<"),
    **dict.fromkeys(("rangle", "gt"), ">"),
    **dict.fromkeys(("dfrac", "tfrac", "cfrac", "sfrac"), "frac"),
    **dict.fromkeys(("implies", "Rightarrow", "to", "rightarrow"), "→"),
    **dict.fromkeys(("quad", "qquad", "displaystyle", "limits", "nolimits", "left", "right", "big", "Big", "bigg"), ""),
    **dict.fromkeys(
        ("Bigg", "bigl", "bigr", "Bigl", "Bigr", "rm", "bf", "it", "text", "mathrm", "mathbf", "mathbb"), ""
    ),
    **dict.fromkeys(("boldsymbol", "bm", "vec", "hat", "operatorname", "textbf", "mathit", "mathcal", "mathsf"), ""),
    **dict.fromkeys(("boxed", "textit", "mathop", "ensuremath"), ""),
    "div": "/",
}
_BOLD = r"text|textbf|textit|mathrm|mathbf|mathbb|mathit|mathsf|mathcal|boldsymbol|bm|vec|hat|operatorname"

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
    "t": "T",
    "i": "i",
    "j": "j",
}
_LONGEST = max(map(len, _NAMES))

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(?:[1-9]\d{0,2}(?:,\d{3})+(?![\d,])(?:\.\d+)?|\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<word>[A-Za-zμσ]+)"
    r"|(?P<sign>[-+*/^()\[\]{},;=≈→|‖%@'_&:])"
)
_INDEX = re.compile(r"\s*_\s*(?:\{\s*(\w{1,4})\s*\}|\(\s*(\w{1,4})\s*\)|(\w))|(\d{1,2})(?![\d.])")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")


def bounded(text: str) -> str:
    """`text` itself: to be called before any pattern sees it. Raises Unreadable when it is too long."""
    if len(text) > MAX_CHARACTERS:
        raise Unreadable(
            f"this answer has {len(text)} characters, which is more than the {MAX_CHARACTERS} that are read",
            "write the result only; the working belongs in the write-up",
        )
    return text


def plain(text: str) -> str:
    """`text` with LaTeX and Unicode spellings replaced by plain signs. Raises Unreadable when it is too long."""
    text = bounded(text)
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ᵀ]+", lambda m: f"^({m[0].translate(_SUPERSCRIPTS)})", text)
    text = re.sub(r"[₀₁₂₃₄₅₆₇₈₉ₖᵢⱼ]+", lambda m: "_{" + m[0].translate(_SUBSCRIPTS) + "}", text)
    text = unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS)
    text = _without_latex(text)
    text = text.replace("**", "^").replace("||", "‖").replace("->", "→").replace("=>", "→").replace("~", " ")
    text = re.sub(r"<([^<>,]*),([^<>,]*)>", r" dot(\1,\2)", text).replace("<", "(").replace(">", ")")
    text = re.sub(r"\.T\b", "^T", re.sub(r"\s+squared\b", "^2", text))
    text = re.sub(r"‖\s*\^\s*(?:\{\s*2\s*\}|\(2\)|2)\s*_\s*(?:\{\s*2\s*\}|2)", "‖^2", text)  # ‖x‖^2_2 is ‖x‖_2^2
    return text[: 4 * MAX_CHARACTERS]


def _without_latex(text: str) -> str:
    """Matrices become bracketed lists with `;` between rows; every other command its sign or its bare name."""
    in_matrix = "begin" in text and "matrix" in text or r"\begin{array}" in text
    text = re.sub(r"\\begin\s*\{(?:[a-zA-Z]*matrix\*?|array)\}(?:\{[clr|]*\})?", " [ ", text)
    text = re.sub(r"\\end\s*\{(?:[a-zA-Z]*matrix\*?|array)\}", " ] ", text)
    text = text.replace("\\\\", " ; ").replace("$", " ")
    text = re.sub(rf"\\(?:{_BOLD})\*?\s*\{{([^{{}}]*)\}}", r" \1", text)
    text = re.sub(r"\\([A-Za-z]+)", lambda m: f" {_COMMANDS.get(m[1], m[1])} ", text)
    text = text.replace(r"\|", "‖").replace(r"\{", "(").replace(r"\}", ")").replace(r"\%", "%")
    text = re.sub(r"\\[,;:!()\[\]]", " ", text)
    return text.replace("\\", " ; " if in_matrix else " ")  # "\\" typed inside double quotes arrives as one backslash


def tokens(text: str, *, noise: frozenset[str] = frozenset()) -> tuple[Token, ...]:
    """The tokens of `text`. Words in `noise` ("parameters", "filters") are dropped.

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
            position = _number(text, match, found)
        elif match["word"]:
            position = _word(text, match, found, noise)
        elif match["sign"]:
            found.append(Token(match["sign"], match["sign"]))
        if len(found) > MAX_TOKENS:
            raise Unreadable(f"this answer has more than {MAX_TOKENS} signs", "write the result in a shorter form")
    return tuple(found)


def _number(text: str, match: re.Match[str], found: list[Token]) -> int:
    """Append the number; "1,000" is one number, but inside brackets or after another comma its commas separate."""
    digits = match["number"]
    if _THOUSANDS.match(digits) and any(token.kind in "([{," for token in found):
        digits = digits.split(",")[0]
    found.append(Token("number", digits.replace(",", "")))
    return match.start() + len(digits)


def _word(text: str, match: re.Match[str], found: list[Token], noise: frozenset[str]) -> int:
    """Append the names that a run of letters stands for, the last with its index."""
    word, end = match["word"], match.end()
    if word.lower() in noise:
        return end
    names = _split(word)
    index = _INDEX.match(text, end) if names[-1] in ("v", "V", "d", "mu", "sigma") else None
    found.extend(_named(name, "") for name in names[:-1])
    found.append(_named(names[-1], next(filter(None, index.groups())) if index else ""))
    return index.end() if index else end


def _named(name: str, index: str) -> Token:
    """The letter x is the sign for times: no answer of this homework has an x of its own."""
    if name == "x":
        return Token("*", "x")
    return Token("name", "v" if name == "V" and index else name, index)  # V is all the values, V_1 the first of them


def _split(word: str) -> list[str]:
    """The names in a word, longest first: "dmu" gives d, mu. Raises Unreadable for a word that is not made of names."""
    names: list[str] = []
    start = 0
    while start < len(word):
        for length in range(min(_LONGEST, len(word) - start), 0, -1):
            piece = word[start : start + length]
            name = _NAMES.get(piece) or _NAMES.get(piece.lower())
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
