"""What a layer's normalisations add to the variance, and what its activation is: worked out from its outputs.

Handout 4(b) names neither, so neither may cost anything. Both are told by numbers: how much less a normalisation makes
of an input of little variance is a matter of eps alone; and weights can be chosen so that each hidden unit is given one
number of ours, and its value comes out at a feature of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from autograder.judging.code.activations import Measured
from autograder.judging.code.cases import LayerCase, normal
from autograder.judging.code.layer_parts import USUAL_EPS
from autograder.judging.code.layer_weights import AffineSource, is_turned
from autograder.judging.code.weights import Weights

ROWS = 16
SMALL = 0.05  # the small inputs' deviation: its square stands between 1e-5, torch's eps, and 1e-2, the largest allowed
HALF = 0.2  # another's, for which a layer normalisation has the same eps
AGREE = 0.1  # how far apart the two estimates may be; above the rounding's part of an eps near 0, see `_eps`
LARGEST_EPS = 1e-2 * 1.02  # Keras takes 1e-3; with more than 1e-2 it is no layer normalisation; 2 % are the estimate's
# In the MLP's trial the first map's weights are so small that the activation is linear, or of degree two, in what
# reaches it, and the second's so large that what comes out of it is no rounding beside x.
LITTLE, MUCH = 1e-3, 1e3


def spreads(dim: int) -> Tensor:
    """(4 * ROWS, 1, dim): normalised rows, the same ones small and not so small, and zeros."""
    x = normal(7, ROWS, 1, dim).double()
    x = torch.nn.functional.layer_norm(x, (dim,), eps=0.0)
    return torch.cat([x, x * SMALL, x * HALF, x * 0]).float()


def eps(added: Tensor) -> tuple[float, float]:
    """eps by what a half added to `spreads`: if it is linear in what was normalised, and if it is of degree two."""
    large, small, halved, none = added.double().chunk(4)
    shares = [_share(part - none, large - none) for part in (small, halved)]
    roots = [math.sqrt(max(share, 0.0)) for share in shares]
    return _agreed(*shares), _agreed(*roots)


def _share(part: Tensor, large: Tensor) -> float:
    return float((part * large).sum() / (large * large).sum().clamp_min(1e-30))


def _agreed(small: float, halved: float) -> float:
    """The eps of which both shares tell; the usual one where they tell of none."""
    found, other = _eps(small, SMALL**2), _eps(halved, HALF**2)
    agree = abs(found - other) <= AGREE * abs(found) + USUAL_EPS
    if not agree or abs(found - USUAL_EPS) < USUAL_EPS / 4 or not -USUAL_EPS < found <= LARGEST_EPS:
        return USUAL_EPS
    return max(found, 0.0)


def _eps(share: float, variance: float) -> float:
    """The eps for which normalising makes `share` as much of rows of this variance as of those of variance 1."""
    square = share * share
    return variance * (1 - square) / (square - variance) if variance < square else math.inf


Ask = Callable[[Weights, Tensor], Tensor]

LIMIT = 12.0  # what reaches an activation under our weights stays within 8 standard deviations of 1.5
SAMPLES = 256
UNITS = 20  # of many hidden units the first ones: the points of so many samples are enough
SHARP = 20.0  # a second derivative beyond this is a corner: there the grid is made finer
CORNERS = 40
FINER = 32  # parts of a cell beside a corner: 1e-4 wide, where rounding of 1e-6 still leaves a slope
SCALE = 27.0  # hidden unit = SCALE * feature, so that all features together keep mean 0 and variance 1
LOUD = 100.0  # so much larger than one are x and what the MLP adds: no eps matters then


def activation(ask: Ask, silent: Weights, first: AffineSource, second: AffineSource, case: LayerCase) -> Measured:
    """The function between two maps of the MLP, on a grid that is finer where it has corners. Two forwards."""
    count = SAMPLES * _units(case)
    grid = torch.linspace(-LIMIT, LIMIT, count, dtype=torch.float64)
    weights = {
        **silent,
        first.weight: _stored(SCALE * torch.eye(case.mlp_dim, case.dim), silent[first.weight], first),
        second.weight: _stored(LOUD * torch.eye(case.dim, case.mlp_dim), silent[second.weight], second),
    }
    values = _values(ask, weights, grid, case)
    step = grid[1] - grid[0]
    bends = (values[2:] - 2 * values[1:-1] + values[:-2]).abs() / step**2
    sharp = [int(i) + 1 for i in bends.topk(CORNERS).indices if bends[i] > SHARP]
    if sharp:
        cells = torch.tensor(sorted({i + side for i in sharp for side in (-1, 0)}))
        finer_by = min(FINER, count // len(cells))
        inner = torch.arange(1, finer_by) / finer_by
        finer = (grid[cells][:, None] + step * inner).flatten()
        finer = torch.cat([finer, finer.new_zeros(count - len(finer))])
        more = _values(ask, weights, finer, case)
        grid, values = torch.cat([grid, finer]), torch.cat([values, more])
    order = grid.argsort()
    grid, values = grid[order], values[order]
    kept = torch.cat([torch.tensor([True]), grid.diff() > 0])
    return Measured(grid[kept], values[kept])


def _units(case: LayerCase) -> int:
    """How many hidden units are looked at: what is left of the features are an even number, 4 at least."""
    units = min(case.mlp_dim, case.dim - 4, UNITS)
    return units - (case.dim - units) % 2


def _values(ask: Ask, weights: Weights, points: Tensor, case: LayerCase) -> Tensor:
    """The activation's values at the points: each stands at a unit of its own in one of the samples."""
    places = torch.randperm(len(points), generator=torch.Generator().manual_seed(11))
    features = torch.zeros(SAMPLES, case.dim, dtype=torch.float64)
    units = _units(case)
    features[:, :units] = points[places].reshape(SAMPLES, units) / SCALE
    rest = case.dim - units  # an even number of features, which make the mean 0 and the variance 1
    total, squares = features.sum(1), features.square().sum(1)
    centre = -total / rest
    apart = ((case.dim - squares) / rest - centre.square()).clamp_min(0).sqrt()
    features[:, units:] = centre[:, None] + apart[:, None] * torch.tensor([1.0, -1.0]).repeat(rest // 2)
    x = (features * LOUD).float()[:, None]
    added = (ask(weights, x) - x)[:, 0, :units].double() / LOUD
    values = torch.empty_like(points)
    values[places] = added.flatten()
    return values


def _stored(matrix: Tensor, like: Tensor, source: AffineSource) -> Tensor:
    return (matrix.T if is_turned(source.layout) else matrix).reshape(like.shape).contiguous()
