r"""Text to plain text: LaTeX, Unicode, Markdown, Python and words of arithmetic become the same few signs.

Why separate: how a sign is *spelled* has nothing to do with what a token is. Everything here is text in, text out, by
patterns whose work is linear in the text, which is capped first; nothing is evaluated and no answer is known.
"""

from __future__ import annotations

import re
import unicodedata

from autograder.judging.written.markup import without_markup
from autograder.judging.written.verdict import Unreadable

MAX_CHARACTERS = 2000  # the longest honest answer, 3(a) in LaTeX with every vector written out, is about 400

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ᵀ", "0123456789-+T")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉ₖᵢⱼ", "0123456789kij")
_GREEK = {
    chr(code): f" {unicodedata.name(chr(code)).rpartition(' ')[2].lower()}"
    for code in (*range(0x3B1, 0x3CA), *range(0x391, 0x3AA))
    if chr(code) not in "μσςΣ" and unicodedata.name(chr(code), "").startswith("GREEK")
}
_SIGNS = str.maketrans(
    {
        **_GREEK,
        **dict.fromkeys("·⋅∙•∗", "*"),
        **dict.fromkeys("×✕✖⨉⨯⊗", " x "),
        **dict.fromkeys("−–—‒﹣‐‑", "-"),
        **dict.fromkeys("÷⁄∕", "/"),
        **dict.fromkeys("≈≃≅∼", "≈"),
        **dict.fromkeys("∥‖", "‖"),
        **dict.fromkeys("⟨⟪", "<"),
        **dict.fromkeys("⟩⟫", ">"),
        **dict.fromkeys("’′‘`", "'"),
        **dict.fromkeys("⇒⟹⟶↦∴", "→"),
        **dict.fromkeys("≡≔≜", "="),
        "√": " sqrt ",
        "⌊": " floor(",
        "⌋": ")",
        "⌈": " ceil(",
        "⌉": ")",
        "∑": " sum ",
        "Σ": " sum ",
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
    **dict.fromkeys(("rbrack", "rbrace", "rfloor", "rceil"), ")"),
    "lfloor": "floor(",
    "lceil": "ceil(",
    **dict.fromkeys(("langle", "lt"), "<"),
    **dict.fromkeys(("rangle", "gt"), ">"),
    **dict.fromkeys(("dfrac", "tfrac", "cfrac", "sfrac"), "frac"),
    **dict.fromkeys(("implies", "Rightarrow", "to", "rightarrow", "therefore"), "→"),
    **dict.fromkeys(("quad", "qquad", "displaystyle", "limits", "nolimits", "left", "right", "big", "Big", "bigg"), ""),
    **dict.fromkeys(
        ("Bigg", "bigl", "bigr", "Bigl", "Bigr", "rm", "bf", "it", "text", "mathrm", "mathbf", "mathbb"), ""
    ),
    **dict.fromkeys(("boldsymbol", "bm", "vec", "hat", "operatorname", "textbf", "mathit", "mathcal", "mathsf"), ""),
    **dict.fromkeys(("boxed", "textit", "mathop", "ensuremath", "in"), ""),
    "div": "/",
}
# Commands that are followed by a brace and mean something. Any other one is how a text looks: \underline, \textcolor.
_WITH_BRACE = frozenset({"frac", "sqrt", "sum", "exp", "mu", "sigma", "floor", "norm", "softmax", "begin", "end"})
_BOLD = r"text|textbf|textit|mathrm|mathbf|mathbb|mathit|mathsf|mathcal|boldsymbol|bm|vec|hat|operatorname"

# numpy, torch and their like: the module's name says nothing, and options do not change a value of ours.
_MODULE = re.compile(
    r"\b(?:(?:np|numpy|torch|math|scipy|special|jnp|jax|F|nn|functional|linalg|tf|sympy)\.)+(?=[A-Za-z_])"
)
_OPTION = re.compile(r",\s*(?:dim|axis|keepdims?|dtype|ord|p)\s*=\s*[^\s,()\[\]]+")
# How NumPy 2, torch and Python print a number: np.float64(0.67), tensor(0.67, grad_fn=<MulBackward0>), Fraction(2, 3).
_PRINTED = re.compile(r"\b(?:u?int|float|longdouble|half|Decimal|Float|Integer)(?:8|16|32|64|128)?_?\s*(?=\()")
_TEXT = re.compile(r"\b(Decimal|Fraction|Rational)\s*\(\s*(['\"])([^'\"]*)\2\s*\)")
_FRACTION = re.compile(r"\b(?:Fraction|Rational)\s*\(\s*(-?\d+)\s*,\s*(\d+)\s*\)")
_HISTORY = re.compile(r",\s*(?:grad_fn\s*=\s*(?:<[^<>]*>|\([^()]*\))|(?:requires_grad|device)\s*=\s*[^\s,()\[\]]+)")
_METHOD = re.compile(r"\.\s*(?:dot|matmul|mm|mv|inner)\s*(?=\()")
_DOT = re.compile(r"\b(?:matmul|mm|mv|inner|vdot)\s*(?=\()")

_QUANTITIES = "sigma|sqrt|frac|floor|ceil|norm|softmax|trace|square|power|abs"
# Words for signs, in the order in which they are looked for.
_WORDS = (
    (r"\b(?:the\s+)?(?:squared\s+(?:\w{1,9}[ -])?norm|norm\s+squared)\s+of\s+(\w+)\b", r" norm(\1)^2 "),
    (r"\b(?:the\s+)?square\s+of\s+(\w+)\b", r" \1^2 "),
    (r"\b(?:the\s+)?(?:dot|inner|scalar)\s+product\s+of\s+(\w+)\s+(?:with|and)\s+(?:itself|\1)\b", r" dot(\1, \1) "),
    (r"\b(\w+)\s+dotted\s+with\s+itself\b", r" dot(\1, \1) "),
    (r"(?<=\w)\s+transposed?\s+(?:times\s+)?(?=[A-Za-z])", "^T "),
    (r"(?<![\w^])(?-i:t)\((\w+)\)", r" \1^T "),  # R's transpose, and its products
    (r"\btranspose\((\w+)\)", r" \1^T "),
    (r"\btranspose\s*(?=\()", " "),
    (r"(?<![A-Za-z])v\s?\^\s?\{?\s?\(\s?([0-9])\s?\)\s?\}?", r" v_\1 "),  # a vector's number, set high: v^{(1)}
    (r"(?<=%)\s+of\b", " "),
    (r"\b(?:the\s+)?(?:column|row)[ -]vector\b", " "),
    (rf"(?<=\d)-(?=[a-z]{{4,}}\b)(?!(?:{_QUANTITIES})\b)", " "),  # 5-dimensional
    (r"(?<![A-Za-z])(?-i:I)\s*_\s*(?:\{\s*d(?:\s*x\s*d)?\s*\}|d\b)", " I "),
    (r"%\*%", " @ "),
    (r"\bcrossprod\((\w+)\)", r" dot(\1, \1) "),
    (r"\bSUMSQ\((\w+)\)", r" sum(\1^2) "),
    (r"\bTotal\[([^\[\]]{1,40})\]", r" sum(\1) "),
    (r"(\([^()]{1,40}\))\s*\.\s*sum\(\)", r" sum\1 "),
    (r"\beinsum\(\s*'i,\s*i\s*(?:→|->)?\s*'\s*,\s*(\w+)\s*,\s*(\w+)\s*\)", r" dot(\1, \2) "),
    (r"\b(?:multiplied\s+(?:by|with)|dotted\s+with)\b", " * "),
    (r"\bdivided\s+by\b|(?<=\d)\s+over\s+(?=\d)", " / "),
    (r"\bplus\b", " + "),
    (r"\btwo\b(?=\s+[A-Za-z(])", " 2 "),
    (r"\bminus\b", " - "),
    (r"\s+squared\b", "^2"),
    (r"\s+cubed\b", "^3"),
    (r"\s+to\s+the\s+(?:fourth|4th)(?:\s+power)?\b", "^4"),
    (r"\s+to\s+the\s+power\s+(?:of\s+)?", "^"),
    (r"\b(?:the\s+)?square\s+root\s+of\b", " sqrt "),
    (r"\band\b", " , "),
    (r"\bw/o?(?=\s)", " with "),
    (r"(?<=[\w)\]}])\s+dot\s+(?=[^\s(_])|(?<=[\w)\]}])\s+dot\s+(?=\()", " @ "),
    (r"(?<=[\w)\]}])-(?:by|x)-(?=[\w(])", " x "),
)
_SPOKEN = tuple((re.compile(pattern, re.IGNORECASE), sign) for pattern, sign in _WORDS)


_ENTRY = r"_\s*\{?\s*%s\s*\}?\s*\^\s*[({]?\s*2\s*[)}]?"
_AND_SO_ON = re.compile(  # mu_1^2 + mu_2^2 + ... + mu_d^2
    rf"\b(mu|μ|sigma|σ)\s*{_ENTRY % 1}\s*(?:\+\s*\1\s*{_ENTRY % 2}\s*)?\+\s*(?:\.{{2,5}}|[cl]?dots)\s*\+\s*"
    rf"\1\s*{_ENTRY % 'd'}"
)

_COUNTED = re.compile(r"\bsum\s*_\s*\{\s*([klmnpr])\s*=")
_FROM_ZERO = re.compile(r"\bsum\s*_\s*\{\s*(\w)\s*=\s*0\s*\}\s*\^\s*[{(]\s*d\s*-\s*1\s*[)}]")
_ROUGHLY = re.compile(r"(?<=[\[(,;{&])[^\S\n]{0,3}≈[^\S\n]{0,3}(?=[-\d.])")  # [≈0.25, ≈1.5]
_COMMENT = re.compile(r"(?<=[\w)\]])\s+#\s[^\n]*")


def bounded(text: str) -> str:
    """`text` without other programs' markup: before any other pattern sees it. Raises Unreadable if it is too long."""
    if len(text) > MAX_CHARACTERS:
        raise Unreadable(
            f"this answer has more than the {MAX_CHARACTERS} characters that are read",
            "write the result only; the working belongs in the write-up",
        )
    return without_markup(text)


def plain(text: str) -> str:
    """`text` with every spelling replaced by plain signs. Raises Unreadable when it is too long."""
    text = _unmarked(bounded(text))
    text = re.sub(r"([Α-ω])(?=[A-Za-zΑ-ω])", r"\1 ", text)
    text = re.sub(r"([⁰¹²³⁴⁵⁶⁷⁸⁹]+)[⁄/]([₀₁₂₃₄₅₆₇₈₉]+)", _stacked, text)
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ᵀ]+", lambda m: f"^({m[0].translate(_SUPERSCRIPTS)})", text)
    text = re.sub(r"[₀₁₂₃₄₅₆₇₈₉ₖᵢⱼ]+", lambda m: "_{" + m[0].translate(_SUBSCRIPTS) + "}", text)
    text = unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS)
    text = _without_latex(without_options(text))
    text = text.replace("**", "^").replace("||", "‖").replace("->", "→").replace("=>", "→").replace("~", " ")
    text = re.sub(r"<([^<>,]*),([^<>,]*)>", r" dot(\1,\2)", text).replace("<", "(").replace(">", ")")
    text = _without_python(re.sub(r"\.T\b", "^T", text))
    for pattern, sign in _SPOKEN:
        text = pattern.sub(sign, text)
    text = re.sub(r"‖\s*\^\s*(?:\{\s*2\s*\}|\(2\)|2)\s*_\s*(?:\{\s*2\s*\}|2)", "‖^2", text)  # ‖x‖^2_2 is ‖x‖_2^2
    text = _AND_SO_ON.sub(r" sum_{i=1}^{d} \1_i^2 ", text)
    text = _FROM_ZERO.sub(r"sum_{\1=1}^{d} ", _ROUGHLY.sub(" ", text))
    if counted := _COUNTED.search(text):  # the letters that count elsewhere are i and j
        text = re.sub(rf"(sum\s*_\s*\{{\s*|_\s*\{{?\s*){counted[1]}\b", r"\1i", text)
    return text[: 4 * MAX_CHARACTERS]


def without_options(text: str) -> str:
    """Without the named arguments of NumPy's and torch's functions, and what they print beside a value."""
    return _OPTION.sub("", _HISTORY.sub("", _TEXT.sub(r"(\3)", text)))


def _stacked(match: re.Match[str]) -> str:
    """⁵⁄₇ is a fraction."""
    return f"({match[1].translate(_SUPERSCRIPTS)}/{match[2].translate(_SUBSCRIPTS)})"


def _unmarked(text: str) -> str:
    """Without quotes, Markdown and ticks around the answer, and without pictures and invisible characters in it."""
    text = "".join(sign for sign in text if unicodedata.category(sign) not in ("So", "Cf") or ord(sign) in _SIGNS)
    text = text.strip()
    text = _COMMENT.sub("", text.lstrip("#")).strip()
    while len(text) > 2 and text[0] == text[-1] and text[0] in "*`'\"":
        text = text[1:-1].strip()
    return text.rstrip("? ") or text  # "12?" is an answer, and a doubt


def _without_python(text: str) -> str:
    text = _MODULE.sub(" ", text)
    text = _PRINTED.sub(" ", _FRACTION.sub(r"(\1/\2)", text))
    return _DOT.sub(" dot", _METHOD.sub(" @ ", text))


def _without_latex(text: str) -> str:
    """Matrices become bracketed lists with `;` between rows; every other command its sign or its bare name."""
    in_matrix = "begin" in text and "matrix" in text or r"\begin{array}" in text
    text = re.sub(r"\\begin\s*\{(?:[a-zA-Z]*matrix\*?|array)\}(?:\{[clr|]*\})?", " [ ", text)
    text = re.sub(r"\\end\s*\{(?:[a-zA-Z]*matrix\*?|array)\}", " ] ", text)
    text = text.replace("\\\\", " ; ").replace("$", " ")
    text = re.sub(rf"\\(?:{_BOLD})\*?\s*\{{([^{{}}]*)\}}", r" \1", text)
    text = re.sub(r"(\\[dtcs]?frac)\s*(\d)(?=\s*[\d{])", r"\1{\2}", text)  # \frac57 is 5 over 7
    text = re.sub(r"(\\[dtcs]?frac\s*\{[^{}]*\})\s*(\d)", r"\1{\2}", text)
    text = re.sub(r"\\([A-Za-z]+)(\s*\{)?", _command, text)
    text = text.replace(r"\|", "‖").replace(r"\{", "(").replace(r"\}", ")").replace(r"\%", "%")
    text = re.sub(r"\\[,;:!()\[\]]", " ", text)
    return text.replace("\\", " ; " if in_matrix else " ")  # "\\" typed inside double quotes arrives as one backslash


def _command(match: re.Match[str]) -> str:
    name, brace = match[1], match[2] or ""
    sign = _COMMANDS.get(name, name)
    return brace if brace and sign == name and name not in _WITH_BRACE else f" {sign} {brace}"
