"""Known slips in 3(c): wrong moments of the dot product, as formulas that the judge compares by value.

Why separate: these slips are functions of d, mu and sigma, not values (see `written_slips` for those and for the scale
of the fractions). The first that fits is named. No text here states a right formula: students read it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from autograder.judging.written.verdict import Slip
from reference.written import expectation, variance

Formula = Callable[[float, float, float], float]


def _slip(formula: Formula, found: str, fix: str, earned: float = 0.0, why: str = "") -> Slip:
    return Slip(formula, found, fix, earned, why)


def expectations() -> tuple[Slip, ...]:
    """Slips in 3(c)(a)."""
    one = "the dot product adds up one product for every entry: how many are there?"
    return (
        _slip(
            lambda d, mu, sigma: mu**2,
            "your formula fits one entry of the vectors, not their sum",
            f"{one} (if your mu is a vector, write its square as mu^T mu)",
            0.5,
            "half: the expectation of one product is right, the sum over the entries is missing",
        ),
        _slip(
            lambda d, mu, sigma: d * d * mu**2,
            "your formula has one factor too many of the number of entries",
            f"{one} If you mean the product of two vectors, it already holds the sum",
            0.25,
            "a quarter: product and sum were thought of, the sum is counted twice",
        ),
        _slip(
            lambda d, mu, sigma: d * mu,
            "your formula holds the mean of one of the two vectors only",
            "each term is a product: what is its expectation when the factors are independent?",
            0.25,
            "a quarter: the sum over the entries is right",
        ),
        _slip(
            lambda d, mu, sigma: d * (mu**2 + sigma**2),
            "your formula fits a vector multiplied with itself",
            "q and k are independent: the expectation of a product of independent factors has a simpler form",
            0.5,
            "half: sum and means are right, independence was not used",
        ),
        _slip(lambda d, mu, sigma: mu, "your formula fits the mean of one entry", one),
        _slip(lambda d, mu, sigma: 0.0, "zero would be right for vectors of mean zero", "keep mu general"),
        _slip(
            lambda d, mu, sigma: d * sigma**2, "your formula holds the spread, not the mean", "start from E[q_i k_i]"
        ),
        _slip(lambda d, mu, sigma: d, "mu does not occur in your formula", "start from E[q_i k_i]"),
        _slip(lambda d, mu, sigma: 2 * d * mu, "the means are added, not multiplied", "start from E[q_i k_i]"),
        _slip(
            lambda d, mu, sigma: math.sqrt(d) * mu**2,
            "your formula has the square root of the number of entries",
            f"{one} The scaling comes later, in 3(c)(c)",
            0.25,
            "a quarter: the product of means is right",
        ),
        _slip(
            lambda d, mu, sigma: variance(d, mu, sigma),
            "your formula looks like an answer to the variance",
            "this box asks for the expectation; check that the two boxes are not exchanged",
        ),
    )


def variances() -> tuple[Slip, ...]:
    """Slips in 3(c)(b)."""
    one_right = "half: one of the terms is right"
    missing = "expand E[q_i^2 k_i^2] - E[q_i k_i]^2 again, and keep every term that is left"
    count = "variances of independent terms add up: count the terms"
    return (
        _slip(
            lambda d, mu, sigma: d * sigma**4,
            "your formula would be right for vectors of mean zero",
            "mu is general here: " + missing,
            0.5,
            one_right,
        ),
        _slip(
            lambda d, mu, sigma: 2 * d * mu**2 * sigma**2,
            "a term that does not depend on mu seems to be missing",
            missing,
            0.5,
            one_right,
        ),
        _slip(
            lambda d, mu, sigma: d * (mu**2 * sigma**2 + sigma**4),
            "the factor of the mixed term seems too small",
            "both q and k vary: " + missing,
            0.5,
            one_right,
        ),
        _slip(
            lambda d, mu, sigma: d * mu**2 * sigma**2,
            "your formula fits one of the two vectors held fixed at its mean",
            "both q and k vary: " + missing,
            0.25,
            "a quarter: the variance of a fixed combination is the first step",
        ),
        _slip(
            lambda d, mu, sigma: variance(1, mu, sigma),
            "your formula fits one entry of the vectors, not their sum",
            count,
            0.5,
            "half: the variance of one product is right, the sum over the entries is missing",
        ),
        _slip(
            lambda d, mu, sigma: d * d * variance(1, mu, sigma),
            "your formula has one factor too many of the number of entries",
            count + "; only a common factor is squared",
            0.5,
            "half: the variance of one product is right, the sum is not",
        ),
        _slip(
            lambda d, mu, sigma: 2 * mu**2 * sigma**2 + d * sigma**4,
            "the mixed term does not grow with the number of entries",
            count + " in every part (if your mu is a vector, write its square as mu^T mu)",
            0.5,
            one_right,
        ),
        _slip(
            lambda d, mu, sigma: 2 * d * d * mu**2 * sigma**2 + d * sigma**4,
            "the mixed term grows with the square of the number of entries",
            count + " in every part; the product of two vectors already holds the sum",
            0.5,
            one_right,
        ),
        _slip(
            lambda d, mu, sigma: 2 * d * mu**2 * sigma**2 + sigma**4,
            "the last term does not grow with the number of entries",
            count + " in every part",
            0.5,
            one_right,
        ),
        _slip(
            lambda d, mu, sigma: d * (mu**2 + sigma**2) ** 2,
            "your formula fits the mean of the squares; nothing was subtracted",
            "the variance is the mean of the square less the square of the mean",
            0.5,
            "half: the second moment of each product is right, the subtraction is missing",
        ),
        _slip(
            lambda d, mu, sigma: variance(d, mu, sigma) + expectation(d, mu, sigma) ** 2,
            "your formula fits the mean of the square; the square of the mean was not subtracted",
            "the variance is the mean of the square less the square of the mean",
            0.5,
            "half: the second moment is right, the subtraction is missing",
        ),
        _slip(
            lambda d, mu, sigma: d * (2 * mu**2 * sigma + sigma**2),
            "your formula fits when sigma stands for the variance",
            "in N(mu, sigma^2 I) the variance of an entry is sigma^2",
            0.75,
            "three quarters: the derivation is right, with another meaning of sigma than the handout's",
        ),
        _slip(
            lambda d, mu, sigma: d * (2 * mu**2 * sigma**2 + sigma**2),
            "a power of sigma seems too small in one term",
            "the variance of a product of two independent centred factors is the product of their variances",
            0.5,
            one_right,
        ),
        _slip(
            lambda d, mu, sigma: math.sqrt(variance(d, mu, sigma)),
            "your formula fits the standard deviation",
            "the question asks for the variance",
            0.5,
            "half: the variance was found on the way",
        ),
        _slip(
            lambda d, mu, sigma: variance(1, mu, sigma) / d,
            "your formula shrinks with the number of entries",
            count,
            0.25,
            "a quarter: the variance of one product is right, the sum is turned over",
        ),
        _slip(
            lambda d, mu, sigma: d * (2 * mu**2 * sigma**2 + 2 * sigma**4),
            "the term that does not depend on mu seems too large",
            missing,
            0.5,
            one_right,
        ),
        _slip(
            lambda d, mu, sigma: d * (4 * mu**2 * sigma**2 + 2 * sigma**4),
            "your formula fits a vector multiplied with itself",
            "q and k are independent: expand with two different vectors",
            0.25,
            "a quarter: the method is right for another question",
        ),
        _slip(lambda d, mu, sigma: d * sigma**2, "your formula fits a sum of d entries", "each term is a product"),
        _slip(lambda d, mu, sigma: sigma**2, "your formula fits one entry of q or k", "each term is a product"),
        _slip(
            lambda d, mu, sigma: sigma**4,
            "your formula fits one entry, for vectors of mean zero",
            "mu is general here; " + count,
            0.25,
            "a quarter: right for one product of mean zero",
        ),
        _slip(
            expectation,
            "your formula looks like an answer to the expectation",
            "this box asks for the variance; check that the two boxes are not exchanged",
        ),
    )
