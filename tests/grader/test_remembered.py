"""A pure function is asked once for each of the last few inputs, and always where a gradient is wanted."""

from __future__ import annotations

import torch
from torch import Tensor

from autograder.judging.code import remembered
from autograder.judging.code.cases import normal


class Counted:
    """Doubles its input, and counts."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, x: Tensor) -> Tensor:
        self.asked += 1
        return x * 2


def test_an_equal_input_is_not_worked_out_again_and_another_one_is() -> None:
    real = Counted()
    quick, x = remembered.remembered(real), normal(1, 3, 4)
    assert torch.equal(quick(x), x * 2) and torch.equal(quick(x.clone()), x * 2) and real.asked == 1
    assert torch.equal(quick(x + 1), (x + 1) * 2) and torch.equal(quick(x.double()), x.double() * 2)
    assert real.asked == 3


def test_only_the_last_few_are_kept_and_none_that_is_large() -> None:
    real = Counted()
    quick = remembered.remembered(real)
    for seed in range(remembered.KEPT + 1):
        quick(normal(seed, 5))
    quick(normal(0, 5))
    assert real.asked == remembered.KEPT + 2
    large = torch.zeros(remembered.LARGEST + 1)
    quick(large), quick(large)
    assert real.asked == remembered.KEPT + 4


def test_what_needs_a_gradient_gets_its_own() -> None:
    real = Counted()
    quick, x = remembered.remembered(real), normal(2, 3)
    quick(x)
    leaf = x.clone().requires_grad_()
    assert torch.equal(torch.autograd.grad(quick(leaf).sum(), leaf)[0], torch.full((3,), 2.0))
    assert quick(x).requires_grad is False and real.asked == 2
