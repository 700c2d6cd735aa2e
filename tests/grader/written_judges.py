"""The written judges with the reference's values, by box, and the table of spellings: shared by their tests.

Why separate: several test files ask the same judges; the spellings are data, in `written_spellings.toml`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from autograder.judging.expect import Verdict
from autograder.judging.written.judge_attention import judge_vector
from autograder.judging.written.judge_convolution import judge_parameters, judge_shape
from autograder.judging.written.judge_moments import judge_formula
from autograder.judging.written.judge_pooling import judge_pooling
from reference import written, written_moments, written_slips

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SPELLINGS = tomllib.loads((Path(__file__).parent / "written_spellings.toml").read_text(encoding="utf-8"))
SEED = 189
Judge = Callable[[object], Verdict]


def q2a1(raw: object) -> Verdict:
    return judge_parameters(raw, written.conv1d().parameters, written_slips.conv1d_counts())


def q2a2(raw: object) -> Verdict:
    return judge_shape(raw, written.conv1d().output_shape, written_slips.conv1d_shapes())


def q2b1(raw: object) -> Verdict:
    return judge_parameters(raw, written.conv2d().parameters, written_slips.conv2d_counts())


def q2b2(raw: object) -> Verdict:
    return judge_shape(raw, written.conv2d().output_shape, written_slips.conv2d_shapes())


def q2c1(raw: object) -> Verdict:
    return judge_pooling(raw, written.average_pool(), written_slips.average_pools())


def q2c2(raw: object) -> Verdict:
    return judge_pooling(raw, written.max_pool(), written_slips.max_pools())


def q3a1(raw: object) -> Verdict:
    return judge_vector(raw, written.a2(), written_slips.attentions(), written.VALUES)


def q3ca1(raw: object) -> Verdict:
    return judge_formula(raw, written.expectation, written_moments.expectations(), SEED)


def q3cb1(raw: object) -> Verdict:
    return judge_formula(raw, written.variance, written_moments.variances(), SEED)


JUDGES: dict[str, Judge] = {judge.__name__: judge for judge in (q2a1, q2a2, q2b1, q2b2, q2c1, q2c2, q3a1, q3ca1, q3cb1)}


def spellings(kind: str) -> list[tuple[str, object]]:
    """(judge, raw value) for every entry under "right" or "wrong"."""
    return [(judge, raw) for judge, raws in SPELLINGS[kind].items() for raw in raws]


def around() -> list[str]:
    """What people write around a formula; ANSWER stands for it."""
    return list(SPELLINGS["around"])
