"""An answer that is understood and cannot be meant: each refusal says what it met, and what to write instead.

What must not be refused stands in `written_spellings.toml`; the tests of it are in `test_written_answers.py`.
"""

from __future__ import annotations

import pytest

from tests.grader.written_judges import JUDGES

# By what is said: (judge, answer).
REFUSED: dict[str, list[tuple[str, object]]] = {
    "'mu' is not a quantity": [("q3a1", "mu^T mu"), ("q3a1", "||mu||"), ("q3a1", "norm(mu)")],
    "'v_n' is not a quantity": [("q3a1", "v_n")],
    "'v_t' is not a quantity": [("q3a1", "V_t")],
    "'mu_z' is not a quantity": [("q3ca1", "mu_z")],
    "'v_j' is not a quantity": [("q3ca1", "sum_j v_j")],
    "'mu_2' is not a quantity": [("q3ca1", "mu_2")],
    "'mu^T' stands without": [("q3ca1", "mu^T")],
    "a sum in this answer starts at 0": [("q3ca1", "sum_{i=0}^d mu^2"), ("q3cb1", "sum_{i=0}^{d} sigma^4")],
    "a power of a vector": [("q3a1", "V^2"), ("q3a1", "[1, 2, 3]^2")],
    "dot has a wrong number of arguments": [("q3ca1", "dot(mu)"), ("q3a1", "dot(v1)")],
    "pow has a wrong number of arguments": [("q3a1", "pow(e)")],
    "a trace cannot be read": [("q3a1", "trace(V)"), ("q3a1", "tr(v1)"), ("q3a1", "tr(I)")],
    "divides by a vector": [("q3a1", "1/V"), ("q3a1", "1/v1")],
    "multiplies two matrices": [("q3a1", "V V"), ("q3a1", "V V^T")],
    "a list where one formula is asked for": [("q3ca1", "[mu, d]"), ("q3ca1", "softmax(mu, d)")],
    "a number stands where a matrix is due": [("q2c1", [4, [[1, 2], [3, 4]]])],
    "rows of your matrices have different lengths": [("q2c1", [[1, 2], 3]), ("q2c1", [[[1, 2], 3], [[1, 2], [3, 4]]])],
    "and not how many rows and columns there are": [
        ("q2c2", "all ones"),
        ("q2c2", "every entry is 1"),
        ("q2c2", "ones for both"),
    ],
    "this is not two matrices": [("q2c1", 4), ("q2c1", "4")],
    "before the closing ']'": [("q3ca1", "[d mu^2"), ("q3a1", "V[1,")],
    "there is ')' after 'd mu ^ 2'": [("q3ca1", "d mu^2 )")],
    "the answer ends after": [("q3ca1", "\\sum_{i=1")],
    "there is ':' after": [("q3a1", "v1[2,:]")],
}
CASES = [(judge, raw, said) for said, several in REFUSED.items() for judge, raw in several]


@pytest.mark.parametrize(("judge", "raw", "said"), CASES, ids=lambda value: str(value)[:40])
def test_what_cannot_be_meant_earns_nothing_and_says_what_was_met_and_what_to_write(
    judge: str, raw: object, said: str
) -> None:
    verdict = JUDGES[judge](raw)
    assert verdict.earned == 0.0 and said in verdict.feedback.found, verdict.feedback
    assert f"you wrote {raw}" in verdict.feedback.found and verdict.feedback.fix


# 25 brackets behind each other: with two ways to read each, 2**25 ways were tried.
@pytest.mark.parametrize("question", JUDGES)
@pytest.mark.parametrize("answer", ["a (" + "(b)" * 25, "x (" + "d(a) " * 25 + "!", "v0.1 v", "v v", "[v, v]"])
def test_an_answer_that_nobody_would_type_is_judged_all_the_same(question: str, answer: str) -> None:
    assert JUDGES[question](answer).earned == 0.0
