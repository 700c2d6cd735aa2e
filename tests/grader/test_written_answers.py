"""What the written judges accept and what they refuse: right spellings first, then near misses and named slips."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autograder.judging.written.judge_moments import judge_formula
from reference import written, written_moments
from tests.grader.written_judges import JUDGES, around, q2a1, q2b1, q2b2, q2c1, q3a1, q3cb1, spellings

THIRDS = [["1/3", "1/3"], ["1/3", "1/3"]]
FIRST = [["8/9", "2/3"], ["2/3", "2/3"]]
RIGHT_CASES, WRONG_CASES = spellings("right"), spellings("wrong")
FORMULAS = [(judge, raw) for judge, raw in RIGHT_CASES if judge in ("q3ca1", "q3cb1")]


def test_the_tables_hold_hundreds_of_spellings() -> None:
    assert len(RIGHT_CASES) >= 200
    assert len(WRONG_CASES) >= 200
    assert {name for name, _ in RIGHT_CASES} == {name for name, _ in WRONG_CASES} == set(JUDGES)


@pytest.mark.parametrize(("judge", "raw"), RIGHT_CASES, ids=lambda value: str(value)[:40])
def test_a_right_answer_passes_in_every_honest_spelling(judge: str, raw: object) -> None:
    verdict = JUDGES[judge](raw)
    assert verdict.earned == 1.0, (raw, verdict.feedback)


@pytest.mark.parametrize(("judge", "raw"), FORMULAS, ids=lambda value: str(value)[:40])
def test_a_right_formula_passes_with_words_and_signs_around_it(judge: str, raw: str) -> None:
    written = [wrapper.replace("ANSWER", raw) for wrapper in around()]
    assert [text for text in written if JUDGES[judge](text).earned != 1.0] == []


@pytest.mark.parametrize(("judge", "raw"), WRONG_CASES, ids=lambda value: str(value)[:40])
def test_a_near_miss_never_earns_everything_and_says_what_was_found(judge: str, raw: object) -> None:
    verdict = JUDGES[judge](raw)
    assert verdict.earned < 1.0
    assert verdict.feedback.found and verdict.feedback.fix


SLIPS = [
    ("q2a1", 32, 0.5, "without the biases"),
    ("q2a1", 33, 0.5, "one bias for the whole layer"),
    ("q2a1", 5, 0.0, "single filter"),
    ("q2b1", 384, 0.5, "without the biases"),
    ("q2b1", 136, 0.25, "one channel deep"),
    ("q2a2", 99, 0.5, "channels is missing"),
    ("q2a2", "197 x 8", 0.25, "stride of 1"),
    ("q2a2", "100 x 8", 0.25, "padded"),
    ("q2a2", "98 x 8", 0.25, "first place"),
    ("q2b2", "13x13x3", 0.5, "channels of the input"),
    ("q2b2", "3x13x13", 0.5, "channels of the input"),
    ("q2b2", "13x8x13", 0.5, "order"),
    ("q2b2", 1352, 0.5, "number of all entries"),
    ("q2c1", [FIRST, [[0, 0], [0, 0]]], 0.5, "the second does not fit"),
    ("q2c1", [[[0, 0], [0, 0]], THIRDS], 0.5, "the first does not fit"),
    ("q2c1", [THIRDS, FIRST], 0.5, "exchanged"),
    ("q2c1", FIRST, 0.5, "one matrix only"),
    ("q2c1", [[[8, 6], [6, 6]], [[3, 3], [3, 3]]], 0.5, "sums"),
    ("q2c1", [[[0.9, 0.7], [0.7, 0.7]], [[0.3, 0.3], [0.3, 0.3]]], 0.5, "single digit"),
    ("q2c1", [[["3/4", "1/2"], ["1/2", "1/4"]], [["1/4", "1/2"], ["1/2", "3/4"]]], 0.25, "2x2"),
    ("q2c1", [[[1, 1], [1, 1]], [[1, 1], [1, 1]]], 0.0, "max pooling"),
    ("q2c2", [FIRST, THIRDS], 0.0, "average pooling"),
    ("q2c2", [[[0, 0], [0, 0]], [[0, 0], [0, 0]]], 0.0, "smallest"),
    ("q2c2", [[[1]], [[1]]], 0.25, "stride of 3"),
    ("q3a1", "softmax([4/sqrt(3), 7/sqrt(3), 8/sqrt(3)]) V", 0.8, "square root of the dimension"),
    ("q3a1", "softmax([2, 3, 9]) V", 0.6, "query 1"),
    ("q3a1", "softmax([8, 6, 6]) V", 0.6, "query 3"),
    ("q3a1", "softmax([3, 7, 6]) V", 0.4, "key 2"),
    ("q3a1", "softmax([4, 7]) [v1, v2]", 0.6, "first two time steps"),
    ("q3a1", "softmax([4, 7, 8])", 0.6, "weights alone"),
    ("q3a1", "e^4 v1 + e^7 v2 + e^8 v3", 0.8, "not divided"),
    ("q3a1", [4, 7, 8], 0.4, "scores alone"),
    ("q3ca1", "mu^2", 0.5, "one entry"),
    ("q3ca1", "d mu", 0.25, "one of the two vectors"),
    ("q3ca1", "d^2 mu^2", 0.25, "too many"),
    ("q3ca1", "d(mu^2+sigma^2)", 0.5, "with itself"),
    ("q3cb1", "d sigma^4", 0.5, "mean zero"),
    ("q3cb1", "2 d mu^2 sigma^2", 0.5, "does not depend on mu"),
    ("q3cb1", "2 mu^2 sigma^2 + sigma^4", 0.5, "one entry"),
    ("q3cb1", "d^2(2 mu^2 sigma^2 + sigma^4)", 0.5, "too many"),
    ("q3cb1", "d(mu^2+sigma^2)^2", 0.5, "nothing was subtracted"),
    ("q3cb1", "d(2 mu^2 sigma^2+sigma^4) + d^2 mu^4", 0.5, "square of the mean"),
    ("q3cb1", "d mu^2", 0.0, "expectation"),
]


@pytest.mark.parametrize(("judge", "raw", "earned", "says"), SLIPS, ids=lambda value: str(value)[:30])
def test_a_known_slip_is_named_and_keeps_its_fraction_with_a_reason(
    judge: str, raw: object, earned: float, says: str
) -> None:
    verdict = JUDGES[judge](raw)
    assert says in verdict.feedback.found
    assert verdict.earned == earned
    assert any("kept:" in remark for remark in verdict.remarks) == (earned > 0)


REMARKS = [
    ("q2b2", "8 x 13 x 13", "channels first"),
    ("q2a2", [1, 99, 8], "size of 1"),
    ("q3ca1", "mu^T mu", "mu as a vector"),
    ("q2c2", [[1, 1, 1, 1], [1, 1, 1, 1]], "row by row"),
]


@pytest.mark.parametrize(("judge", "raw", "says"), REMARKS)
def test_an_unusual_but_right_form_passes_with_a_remark(judge: str, raw: object, says: str) -> None:
    verdict = JUDGES[judge](raw)
    assert verdict.earned == 1.0 and any(says in remark for remark in verdict.remarks)


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("raw", [None, "", "   ", "?", "TODO", [], [""], ["", ""], "___", "..."])
def test_a_blank_is_told_apart_from_a_wrong_answer(judge: str, raw: object) -> None:
    verdict = JUDGES[judge](raw)
    assert verdict.earned == 0.0 and "not answered yet" in verdict.feedback.found


# What would give an answer away, by judge.
SECRETS = {
    "q2a1": ("40",),
    "q2a2": ("99",),
    "q2b1": ("392",),
    "q2b2": ("13",),
    "q2c1": ("8/9", "0.89"),
    "q2c2": (),
    "q3a1": ("1.58", "0.72"),
    "q3ca1": ("d mu", "d*mu", "dμ", "d * mu"),
    "q3cb1": ("sigma^4", "σ⁴", "2d", "2 d"),
}


@pytest.mark.parametrize(("judge", "raw"), WRONG_CASES, ids=lambda value: str(value)[:40])
def test_no_message_gives_the_answer_away(judge: str, raw: object) -> None:
    feedback = JUDGES[judge](raw).feedback
    ours = feedback.found.rpartition("; you wrote ")[0]
    said = f"{ours} {feedback.fix} {feedback.expected}"
    for secret in SECRETS[judge]:
        assert secret not in said or secret.replace(" ", "") in str(raw).replace(" ", "")


@pytest.mark.parametrize("seed", range(20))
def test_the_verdict_on_a_formula_does_not_depend_on_the_seed(seed: int) -> None:
    for name, truth, slips, right, wrong in (
        ("e", written.expectation, written_moments.expectations(), "d mu^2", "mu^2"),
        ("v", written.variance, written_moments.variances(), "d(2 mu^2 sigma^2 + sigma^4)", "d sigma^4"),
    ):
        assert judge_formula(right, truth, slips, seed).earned == 1.0, name
        assert judge_formula(wrong, truth, slips, seed).earned == 0.5, name


@given(st.integers(2, 8))
def test_any_honest_number_of_digits_is_right_and_one_unit_beyond_is_not(places: int) -> None:
    truth = Fraction(8, 9)
    rounded, cut = round(float(truth), places), math.floor(truth * 10**places) / 10**places
    wrong = f"{rounded + 2 * 10.0**-places:.{places}f}"
    for figure in (f"{rounded:.{places}f}", f"{cut:.{places}f}"):
        assert q2c1([[[figure, "2/3"], ["2/3", "2/3"]], THIRDS]).earned == 1.0
    assert q2c1([[[wrong, "2/3"], ["2/3", "2/3"]], THIRDS]).earned < 1.0


@given(st.integers(-2000, 2000))
def test_no_other_whole_number_passes_for_a_count(count: int) -> None:
    assert (q2a1(count).earned == 1.0) == (count == 40)
    assert (q2b1(str(count)).earned == 1.0) == (count == 392)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=4))
def test_no_other_sizes_pass_for_a_shape(sizes: list[int]) -> None:
    plain = [size for size in sizes if size != 1]
    assert (q2b2(sizes).earned == 1.0) == (plain in ([13, 13, 8], [8, 13, 13]))
    assert (q2b2(" x ".join(map(str, sizes))).earned == 1.0) == (plain in ([13, 13, 8], [8, 13, 13]))


@given(st.fractions(-3, 3, max_denominator=4), st.fractions(-3, 3, max_denominator=4), st.sampled_from([1, 2, 3]))
def test_a_formula_with_other_coefficients_is_wrong(first: Fraction, last: Fraction, power: int) -> None:
    text = f"d*(({first})*mu^2*sigma^2 + ({last})*sigma^4)^{power}"
    assert (q3cb1(text).earned == 1.0) == (first == 2 and last == 1 and power == 1)


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1))
def test_a_vector_far_from_the_right_one_is_wrong(x: float, y: float, z: float) -> None:
    moved = [value + shift for value, shift in zip(written.a2(), (x, y, z))]
    farthest, allowed = max(map(abs, (x, y, z))), 0.012 * max(written.a2())
    assume(abs(farthest - allowed) > 1e-9)
    assert (q3a1(moved).earned == 1.0) == (farthest < allowed)


ALPHABET = "dμσmuvsigaexp0123456789+-*/^()[]{}|,;=≈.\\_ '²T%&x\n"


@settings(max_examples=300)
@given(st.text(ALPHABET, max_size=60))
def test_no_text_makes_a_judge_raise(text: str) -> None:
    for judge in JUDGES.values():
        assert 0.0 <= judge(text).earned <= 1.0


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4),
)


@settings(max_examples=200)
@given(VALUES)
def test_no_value_of_any_type_makes_a_judge_raise(raw: object) -> None:
    for judge in JUDGES.values():
        assert 0.0 <= judge(raw).earned <= 1.0


def test_a_name_may_be_explained_in_a_sentence_of_its_own() -> None:
    assert JUDGES["q3cb1"]("Let v = σ². Var = d·v·(v + 2μ²)").earned == 1.0
    assert JUDGES["q3cb1"]("Let v = σ. Var = d·v·(v + 2μ²)").earned < 1.0
