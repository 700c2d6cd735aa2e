"""Written answers in spellings that nobody listed: right ones are drawn from structure and accepted, spoilt ones refused.

Why separate: `test_written_answers` has the tables of what people are known to write. Here an answer is a structure (a
formula's terms, a vector's weights, sizes, two matrices), each of whose parts is spelled by chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reference import written
from tests.grader.written_judges import q2a1, q2b2, q2c1, q3a1, q3ca1, q3cb1

Draw = Callable[..., object]
LETTERS = {
    "d": ("d", "D", "d_k", "dₖ", "{d}", "(d)"),
    "mu": ("mu", "μ", "\\mu ", "{\\mu}", "(mu)", "MU"),
    "sigma": ("sigma", "σ", "\\sigma ", "{\\sigma}", "(σ)", "sig"),
}
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
TIMES = ("*", " * ", " ", "·", " × ", "\\cdot ", " \\times ", " x ")
OPENED = (("(", ")"), ("[", "]"), ("{", "}"), ("\\left(", "\\right)"), ("\\big[", "\\big]"))
AROUND = ("{}", " {} ", "${}$", "= {}", "E[q^T k] = {}", "\\boxed{{{}}}", "{}.", "`{}`", "**{}**", "The result is {}")


@st.composite
def powers(draw: st.DrawFn, name: str, exponent: int) -> str:
    """sigma^4 in one of many spellings: a sign, a superscript, or factors."""
    letter = draw(st.sampled_from(LETTERS[name]))
    if exponent == 1:
        return letter
    tight = letter.strip()
    written_out = [
        f"{tight}^{exponent}",
        f"{tight}**{exponent}",
        f"{tight}^{{{exponent}}}",
        f"({tight})^{exponent}",
        f"{tight}{str(exponent).translate(SUPERSCRIPTS)}",
        "*".join([tight] * exponent),
        f"pow({tight}, {exponent})",
    ]
    return draw(st.sampled_from(written_out))


@st.composite
def terms(draw: st.DrawFn, coefficient: int, exponents: dict[str, int]) -> str:
    """2 d mu^2 sigma^2 in any order, joined by any sign for times."""
    factors = [draw(powers(name, exponent)) for name, exponent in exponents.items() if exponent]
    factors = list(draw(st.permutations(factors)))
    if coefficient != 1:
        factors.insert(0, str(coefficient))
    text = factors[0]
    for factor in factors[1:]:
        text += draw(st.sampled_from(TIMES)) + factor
    return text


@st.composite
def variances(draw: st.DrawFn, mixed: int, mixed_mu: int, mixed_sigma: int, last: int) -> str:
    """d (mixed mu^a sigma^b + sigma^last): factored or not, the terms in any order."""
    opened, closed = draw(st.sampled_from(OPENED))
    factored = draw(st.booleans())
    d = 0 if factored else 1
    parts = [
        draw(terms(mixed, {"d": d, "mu": mixed_mu, "sigma": mixed_sigma})),
        draw(terms(1, {"d": d, "sigma": last})),
    ]
    inside = draw(st.sampled_from([" + ", "+"])).join(draw(st.permutations(parts)))
    if not factored:
        return inside
    letter = draw(st.sampled_from(LETTERS["d"]))
    before, after = (
        f"{letter}{draw(st.sampled_from(TIMES))}{opened}{inside}{closed}",
        f"{opened}{inside}{closed} * {letter}",
    )
    return draw(st.sampled_from([before, after]))


@settings(max_examples=300)
@given(variances(2, 2, 2, 4), st.sampled_from(AROUND))
def test_the_variance_is_right_in_any_spelling(text: str, around: str) -> None:
    assert q3cb1(around.format(text)).earned == 1.0


@settings(max_examples=200)
@given(st.data(), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(1, 5))
def test_another_factor_or_power_is_wrong_in_any_spelling(
    data: st.DataObject, mixed: int, a: int, b: int, c: int
) -> None:
    assume((mixed, a, b, c) != (2, 2, 2, 4))
    assert q3cb1(data.draw(variances(mixed, a, b, c))).earned < 1.0


@settings(max_examples=200)
@given(st.data(), st.integers(0, 2), st.integers(1, 3), st.sampled_from(AROUND))
def test_an_expectation_is_right_for_the_right_powers_alone(data: st.DataObject, d: int, mu: int, around: str) -> None:
    text = data.draw(terms(1, {"d": d, "mu": mu}))
    assume((d, mu) != (0, 2))  # mu * mu may be the inner product of two vectors
    assert (q3ca1(around.format(text)).earned == 1.0) == ((d, mu) == (1, 2))


SCORES = tuple(map(int, written.scores(written.QUERIES[written.TIME_STEP - 1], written.KEYS)))
VECTOR = ("v{}", "v_{}", "v_{{{}}}", "\\mathbf{{v}}_{}", "\\vec{{v}}_{}", "v[{}]", "V_{}")


@st.composite
def combinations(draw: st.DrawFn, scores: Sequence[int]) -> str:
    """softmax(scores) applied to v1, v2, v3, with the terms in any order."""
    order = draw(st.permutations(range(3)))
    name = draw(st.sampled_from(VECTOR))
    vectors = [name.format(at + 1) for at in order]
    inner = ", ".join(str(scores[at]) for at in order)
    opened = draw(st.sampled_from(["({})", "([{}])", "({{{}}})", "((({})))"]))
    softmax = draw(
        st.sampled_from(["softmax", "\\text{softmax}", "torch.softmax", "Softmax", "\\operatorname{softmax}"])
    )
    soft = softmax + opened.format(inner)
    listed = draw(st.sampled_from(["({})", "[{}]"])).format(", ".join(vectors))
    total = "+".join(f"e^{scores[at]}" for at in order)
    weighted = " + ".join(f"w{place} {vector}" for place, vector in enumerate(vectors, start=1))
    return draw(
        st.sampled_from(
            [
                f"{soft} . {listed}",
                f"{soft} @ {listed}",
                f"{soft}^T {listed}",
                f"{listed} · {soft}",
                f"{soft}.dot({listed})",
                f"np.dot({soft}, {listed})",
                f"{weighted}, where w = {soft}",
                f"w = {soft}; a2 = {weighted}",
                f"({' + '.join(f'e^{scores[at]} {v}' for at, v in zip(order, vectors))}) / ({total})",
                f"({' + '.join(f'exp({scores[at]})*{v}' for at, v in zip(order, vectors))})/Z, Z = {total}",
                " + ".join(f"\\frac{{e^{{{scores[at]}}}}}{{{total}}} {v}" for at, v in zip(order, vectors)),
                " + ".join(f"softmax({scores[at]}) {v}" for at, v in zip(order, vectors)),
                " + ".join(f"{soft}_{place} {v}" for place, v in enumerate(vectors, start=1)),
            ]
        )
    )


@settings(max_examples=300)
@given(combinations(SCORES))
def test_the_combination_is_right_in_any_spelling(text: str) -> None:
    assert q3a1(text).earned == 1.0


@settings(max_examples=200)
@given(st.data(), st.lists(st.integers(0, 9), min_size=3, max_size=3))
def test_other_scores_are_wrong_in_any_spelling(data: st.DataObject, scores: list[int]) -> None:
    weights = [math.exp(score) for score in scores]
    vector = [sum(w * v[axis] for w, v in zip(weights, written.VALUES)) / sum(weights) for axis in range(3)]
    assume(max(abs(x - y) for x, y in zip(vector, written.a2())) > 0.06)  # beyond the tolerance of 1.2 % of 4.28
    assert q3a1(data.draw(combinations(scores))).earned < 1.0


NOUNS = ("", " channels", " rows", " feature maps", " (height)", " positions", " wide")


@st.composite
def sizes(draw: st.DrawFn, values: Sequence[int]) -> str:
    """Sizes with any separator, labels, brackets, a batch in front, and working or a product behind."""
    separator = draw(st.sampled_from([" x ", "x", "×", ", ", " by ", "*", " \\times ", "-by-", " and ", "; "]))
    nouns = draw(st.booleans()) and separator in (" x ", ", ", " and ", "; ")
    labels = draw(st.booleans()) and separator in (", ", "; ")
    spelled = [f"{'HWC'[at]}={v}" if labels else f"{v}" for at, v in enumerate(values)]
    text = separator.join(s + (draw(st.sampled_from(NOUNS)) if nouns else "") for s in spelled)
    opened = draw(st.sampled_from(["{}", "({})", "[{}]", "the shape is {}", "torch.Size([{}])", "$({})$"]))
    behind = draw(st.sampled_from(["", ".", " tensor", ", since the stride is 2", " (channels last)"]))
    return opened.format(text) + (behind if opened in ("{}", "({})", "[{}]") else "")


@settings(max_examples=300)
@given(sizes((13, 13, 8)))
def test_a_shape_is_right_in_any_spelling(text: str) -> None:
    assert q2b2(text).earned == 1.0, text


@settings(max_examples=200)
@given(st.data(), st.lists(st.integers(2, 20), min_size=1, max_size=4))
def test_another_shape_is_wrong_in_any_spelling(data: st.DataObject, values: list[int]) -> None:
    assume(values not in ([13, 13, 8], [8, 13, 13]))
    assert q2b2(data.draw(sizes(values[:3]))).earned < 1.0 or values[:3] in ([13, 13, 8], [8, 13, 13])


RIGHT = tuple(tuple(tuple(Fraction(x).limit_denominator(99) for x in r) for r in m) for m in written.average_pool())
Rows = Sequence[Sequence[Sequence[Fraction]]]


@st.composite
def pools(draw: st.DrawFn, matrices: Rows) -> str:
    """Two matrices: entries as fractions or decimals, rows and matrices in any brackets."""
    places = draw(st.integers(2, 6))
    entry = draw(st.sampled_from(["fraction", "decimal", "latex", "ninths"]))
    rows, outer = draw(st.sampled_from([("[{}]", "[{}]"), ("({})", "({})"), ("{{{}}}", "{{{}}}"), ("{};", "[{}]")]))
    comma = draw(st.sampled_from([", ", " , ", "\t"])) if entry != "latex" else ", "
    texts = []
    for matrix in matrices:
        inside = [rows.format(comma.join(_entry(x, entry, places) for x in row)) for row in matrix]
        texts.append(outer.format((" " if ";" in rows else ", ").join(inside)))
    return draw(st.sampled_from([", ", " and ", "\n", " ; ", "\n\n"])).join(texts)


def _entry(value: Fraction, kind: str, places: int) -> str:
    if kind == "decimal":
        return f"{float(value):.{places}f}"
    top, below = (value * 9, 9) if kind == "ninths" else (value.numerator, value.denominator)
    return f"\\frac{{{top}}}{{{below}}}" if kind == "latex" else f"{top}/{below}"


@settings(max_examples=300)
@given(pools(RIGHT))
def test_two_matrices_are_right_in_any_spelling(text: str) -> None:
    assert q2c1(text).earned == 1.0, text


@settings(max_examples=200)
@given(st.data(), st.integers(0, 7), st.sampled_from([-2, -1, 1, 2]))
def test_one_wrong_entry_is_wrong_in_any_spelling(data: st.DataObject, which: int, ninths: int) -> None:
    flat = [x for matrix in RIGHT for row in matrix for x in row]
    flat[which] += Fraction(ninths, 9)
    spoilt = tuple(tuple(tuple(flat[m * 4 + r * 2 : m * 4 + r * 2 + 2]) for r in range(2)) for m in range(2))
    assert q2c1(data.draw(pools(spoilt))).earned < 1.0


COUNTS = (
    "({f}+1)*{n}", "{n}({f} + 1)", "{f}*{n} + {n}", "{f} x {n} + {n} = {t}", "{w} weights and {n} biases",
    "{t} parameters ({w} weights + {n} biases)", "weights: {w}, biases: {n}, total: {t}", "There are {t} of them.",
    "{w} + {n} → {t}", "\\text{{total}} = ({f} \\cdot 1 + 1) \\cdot {n} = {t}", "{t} (with the biases)", "**{t}**",
    "{n} filters with {w} weights in all, {n} biases: {w} + {n} = {t}", "{t}, including {n} biases"[:3],
)  # fmt: skip


@settings(max_examples=300)
@given(st.sampled_from(COUNTS), st.integers(1, 9), st.integers(1, 12))
def test_a_count_is_right_for_its_numbers_alone(template: str, width: int, filters: int) -> None:
    total = width * filters + filters
    text = template.format(f=width, n=filters, w=width * filters, t=total)
    assert (q2a1(text).earned == 1.0) == (total == 40), text
