"""Where dropout acted, told from outputs alone: what was dropped is zero, what survived is exactly 1/(1 - p) as large.

Pure functions of a train-mode and an eval-mode output with the same weights. Two dropouts in a row are accepted.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from autograder.core.policy import TOLERANCES
from autograder.judging.code.compare import close, least_squares

P = 0.5
RTOL = TOLERANCES.dropout


def dropped(trained: Tensor, calm: Tensor, p: float = P) -> bool:
    """Whether every value of `calm` came out as 0 or 1/(1 - p) times itself (once or twice), and some as 0."""
    if trained.shape != calm.shape:
        return False
    tolerance = RTOL * calm.abs().max().clamp_min(1e-12)
    gaps = [(trained - calm * factor).abs() for factor in (0.0, 1 / (1 - p), 1 / (1 - p) ** 2)]
    explained = torch.stack(gaps).min(0).values <= tolerance
    gone = (gaps[0] <= tolerance) & (calm.abs() > 10 * tolerance)  # what was small before tells nothing
    return bool(explained.all()) and bool(gone.any())


def factor(trained: Tensor, calm: Tensor) -> float | None:
    """By what everything was multiplied that survived, where some of it did not; None where no number tells."""
    tolerance = RTOL * calm.abs().max().clamp_min(1e-12)
    known, gone = calm.abs() > 10 * tolerance, trained.abs() <= tolerance
    left = known & ~gone
    if not (known & gone).any() or not left.any():
        return None
    found = (trained[left] / calm[left]).median()
    return float(found) if close(trained[left], found * calm[left], RTOL) else None


def zero_share(added: Tensor) -> float:
    """The share of values that are exactly zero, up to the rounding of a sum with x."""
    return float((added.abs() <= TOLERANCES.zero).double().mean())


def of_samples(added: Tensor) -> bool:
    """Whether some samples of what a half adds, (batch, ...), are dropped as a whole, and no single value of others."""
    shares = {zero_share(sample) for sample in added}
    return 1.0 in shares and shares <= {0.0, 1.0}


UNIT = 0.05  # what eps and a few features leave of a variance of 1; a variance of random features is far from it


def normalised(added: Tensor) -> bool:
    """Whether each token's features (..., dim) have mean 0 and variance 1, or are all 0: no dropout shows there."""
    mean, variance = added.double().mean(-1), added.double().var(-1, unbiased=False)
    one = (variance - 1).abs() < UNIT
    return bool((mean.abs() < UNIT).all() and (one | (variance == 0)).all() and one.any())


def before_the_map(trained: Tensor, matrix: Tensor, inside: Tensor) -> bool:
    """Whether `trained` (..., out) is a linear map (out, in) of a dropped-out `inside` (..., in), with out >= in."""
    flat = trained.double().flatten(0, -2)
    solved = least_squares(matrix, flat.T).T
    return close(solved @ matrix.T, flat, RTOL) and dropped(solved, inside.flatten(0, -2))


def missing_around_the_mlp(added: Tensor, calm: Tensor) -> list[str]:
    """Where dropout is missing in an MLP half that adds `added` to x in train mode, and `calm` in eval mode.

    Inside and after are told apart by what is zero and what is exactly doubled, whatever the MLP is.
    """
    if not calm.any():  # no MLP is charged as such
        return []
    after = (zero_share(added) > P / 3 and not of_samples(added)) or (normalised(added) and not close(added, calm))
    survived = added.abs() > TOLERANCES.zero
    factors = (1 / (1 - P),) if after else (1.0, 1 / (1 - P))  # no sample may be dropped where each is as a whole
    doubled = any(close(added[survived], calm[survived] * factor, rtol=TOLERANCES.doubled) for factor in factors)
    return (["inside the MLP"] if doubled else []) + ([] if after else ["after the MLP"])


# What survives is on average as large as it should be, 1.0, where it is enlarged, and 0.5 where it is not. Of 3,000
# right MLPs (dropout inside makes it scatter) one forward gave 1.00 with a deviation of 0.12, of as many wrong ones
# 0.73 at most; the mean of sixteen was 0.92 to 1.09, and 0.45 to 0.55. So one forward asks, and sixteen decide.
LITTLE, FORWARDS = 0.75, 16


def enlarged(added: Sequence[Tensor], calm: Tensor, p: float = P) -> bool:
    """Whether what survived in `added`, in train mode, is as large as it has to be for the mean to be `calm`."""
    shares = [_share(each, calm, p) for each in added]
    return sum(shares) / len(shares) > LITTLE


def _share(added: Tensor, calm: Tensor, p: float) -> float:
    left = added.abs() > TOLERANCES.zero
    due = calm / (1 - p) if zero_share(added) > p / 3 else calm  # of what is dropped further inside, nothing is zero
    return float((added * due)[left].sum() / (due * due)[left].sum().clamp_min(1e-12))
