"""The non-linearity of 4(b): handout 4(b) names none, so any function of one number is right.

Frequent ones have names and are tried first. Any other is measured: the layer is asked for its values on a fine grid,
and the reference is worked out with the function as measured. One that looks at other features, a softmax, say, gives
other values among other features, so that the reference with it does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.judging.code.compare import least_squares
from autograder.judging.code.layer_parts import Function

# The frequent ones stand first; the names of the mistakes are looked for with these only.
ACTIVATIONS: Mapping[str, Function] = {
    "GELU": F.gelu,
    "ReLU": F.relu,
    "tanh-GELU": lambda x: F.gelu(x, approximate="tanh"),
    "SiLU": F.silu,
    "LeakyReLU": F.leaky_relu,
    "QuickGELU": lambda x: x * torch.sigmoid(1.702 * x),
    "ELU": F.elu,
    "Tanh": torch.tanh,
    "Sigmoid": torch.sigmoid,
    "Mish": F.mish,
    "Softplus": F.softplus,
    "LeakyReLU(0.2)": lambda x: F.leaky_relu(x, 0.2),
    "PReLU": lambda x: F.leaky_relu(x, 0.25),
}
USUAL = 4
NOISE = 1e-3  # values between -8 and 8 come out within 1e-5


class Measured(msgspec.Struct, frozen=True, eq=False):
    """A function as measured: values at ascending points, both (count,), float64; straight in between and beyond."""

    points: Tensor
    values: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Entry by entry, for any shape."""
        above = torch.searchsorted(self.points, x.detach().double()).clamp(1, len(self.points) - 1)
        left, right = self.points[above - 1], self.points[above]
        slope = (self.values[above] - self.values[above - 1]) / (right - left)
        result: Tensor = self.values[above - 1] + slope * (x - left)
        return result

    @property
    def name(self) -> str:
        """The activation that comes nearest, if there is one with a name: both forms of GELU are near to either's."""
        return self._nearest({name: function(self.points) for name, function in ACTIVATIONS.items()})

    @property
    def multiple(self) -> float | None:
        """How many times an activation with a name it is, the one that comes nearest; None where there is none."""
        plain = {name: function(self.points) for name, function in ACTIVATIONS.items()}
        times = {name: float((p * self.values).sum() / p.square().sum()) for name, p in plain.items()}
        return times.get(self._nearest({name: times[name] * p for name, p in plain.items()}))

    def _nearest(self, candidates: Mapping[str, Tensor]) -> str:
        """The name of the values that are nowhere further away than noise, and of these the nearest; "" for none."""
        allowed = NOISE * (1 + self.values.abs())
        apart = {name: float(((values - self.values).abs() / allowed).max()) for name, values in candidates.items()}
        found = min(apart, key=lambda name: apart[name])
        return found if apart[found] <= 1 else ""

    @property
    def bend(self) -> float:
        """How far it is from any straight line, relative to its largest distance from its mean: 0 for a linear map.

        0 as well where there is nothing but the rounding of what was measured, or what is no number.
        """
        if not bool(torch.isfinite(self.values).all()):
            return 0.0
        columns = torch.stack([torch.ones_like(self.points), self.points], dim=1)
        line = columns @ least_squares(columns, self.values[:, None])
        spread = float((self.values - self.values.mean()).abs().max())
        return float((self.values - line[:, 0]).abs().max()) / spread if spread > NOISE else 0.0


Activation = str | Measured


def function(activation: Activation) -> Function:
    """The function itself."""
    return ACTIVATIONS[activation] if isinstance(activation, str) else activation
