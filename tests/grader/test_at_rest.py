"""Dropout that does not rest in eval mode is one mistake: the test of dropout charges it, and no other."""

from __future__ import annotations

import pytest
import torch

from autograder.student_room.at_rest import AtRest
from tests.grader import in_process
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS

torch.set_num_threads(1)

# text of the head -> (what stands in the place of self.dropout, what is lost)
ALWAYS = {
    "a dropout that is made in forward": "nn.Dropout(0.1)",
    "a function without the mode": "(lambda a: F.dropout(a, 0.1))",
    "its default": "F.dropout",
    "torch's, switched on": "(lambda a: torch.dropout(a, 0.2, True))",
    "in place": "(lambda a: F.dropout(a, p=0.2, inplace=True))",
    "by name": "(lambda a: F.dropout(input=a, p=0.2))",
    "of whole features": "(lambda a: F.dropout1d(a, 0.2))",
    "in a plain list": "[nn.Dropout(0.1)][0]",
}
RESTS = {"nn.Dropout": "self.dropout", "with its mode": "(lambda a: F.dropout(a, self.dropout.p, self.training))"}
# masks of one's own, with a probability that is a number
MASKS = {
    "compared, then divided": "(lambda a: a * (torch.rand_like(a) > 0.1) / 0.9)",
    "not divided": "(lambda a: a * (torch.rand_like(a) > 0.1).float())",
    "the mask first": "(lambda a: (torch.rand(a.shape) >= 0.2) * a)",
    "the mask divided": "(lambda a: torch.mul(a, (torch.rand(a.shape) > 0.1).float() / 0.9))",
    "divided first": "(lambda a: a / 0.9 * (torch.rand(a.shape) > 0.1))",
    "negated": "(lambda a: a * ~(torch.rand_like(a) < 0.1))",
    "1 minus what is dropped": "(lambda a: a * (1 - (torch.rand_like(a) < 0.1).float()) / (1 - 0.1))",
    "bernoulli": "(lambda a: a * torch.bernoulli(torch.full_like(a, 0.9)))",
    "bernoulli in place": "(lambda a: a * torch.empty_like(a).bernoulli_(0.9) / 0.9)",
    "a distribution": "(lambda a: a * torch.distributions.Bernoulli(0.9).sample(a.shape) * (1 / 0.9))",
    "rounded down": "(lambda a: a / 0.9 * torch.floor(0.9 + torch.rand(a.shape)))",
    "filled": "(lambda a: a.masked_fill(torch.rand(a.shape) < 0.1, 0.0) * (1 / 0.9))",
    "where": "(lambda a: torch.where(torch.rand_like(a) < 0.2, torch.zeros_like(a), a / 0.8))",
    "where, of numbers": "(lambda a: a * torch.where(torch.rand_like(a) > 0.2, 1.0, 0.0) / 0.8)",
    "set to 0": "(lambda a: [a := a.clone(), a.__setitem__(torch.rand_like(a) < 0.1, 0.0)][0] / 0.9)",
    "of whole features": "(lambda a: a * (torch.rand(a.shape[0], 1, a.shape[2]) > 0.1).float().expand_as(a) / 0.9)",
    "whole numbers": "(lambda a: a * (torch.randint(0, 10, a.shape) > 0) / 0.9)",
    "whole numbers below": "(lambda a: a * (torch.randint(10, a.shape) < 8) / 0.8)",
    "coins": "(lambda a: a * torch.randint(0, 2, a.shape) * 2)",
    "uniform": "(lambda a: a * torch.zeros_like(a).uniform_(0, 1).gt(0.1).to(a.dtype).div(0.9))",
}
# what is random and no mask: added, multiplied as it is, of another range
NOT_OURS = {
    "noise that is added": "(lambda a: a + 0.01 * torch.rand_like(a))",
    "noise that multiplies": "(lambda a: a * torch.rand_like(a))",
    "normal numbers": "(lambda a: a * (torch.randn(a.shape) > 0.1))",
    "another range": "(lambda a: a * (torch.zeros_like(a).uniform_(-1, 1) > 0.1))",
    "probabilities that differ": "(lambda a: a * torch.bernoulli(a.detach().sigmoid()))",
}


def judged(question: str, drop: str) -> dict[str, str]:
    text = ATTENTION["plain"] if question == "4a" else LAYERS["plain GELU"]
    called = "self.dropout(" if question == "4a" else "self.drop("
    made = text.replace(called, f"{drop.replace('self.dropout', 'self.drop') if question == '4b' else drop}(")
    return {number: unmet.feedback.found for number, unmet in in_process.judged(question, IMPORTS + made)[0].items()}


@pytest.mark.parametrize("question", ["4a", "4b"])
@pytest.mark.parametrize("kind", RESTS)
def test_dropout_that_rests_costs_nothing(question: str, kind: str) -> None:
    assert judged(question, RESTS[kind]) == {}


@pytest.mark.parametrize("question", ["4a", "4b"])
@pytest.mark.parametrize("kind", [*ALWAYS, *MASKS])
def test_dropout_that_does_not_rest_is_charged_once(question: str, kind: str) -> None:
    lost = judged(question, (ALWAYS | MASKS)[kind])
    assert lost.keys() == {"4a.7" if question == "4a" else "4b.6"} and "two calls in eval mode differ" in str(lost)


@pytest.mark.parametrize("kind", NOT_OURS)
def test_what_is_random_by_other_means_cannot_be_compared(kind: str) -> None:
    assert judged("4a", NOT_OURS[kind]).keys() == {"4a.4", "4a.5", "4a.7"}


@pytest.mark.parametrize("drop", ["nn.Dropout(0.1)", MASKS["compared, then divided"]])
def test_a_wrong_formula_is_told_beside_it(drop: str) -> None:
    text = ATTENTION["plain"].replace(" * self.scale", "").replace("self.dropout(", f"{drop}(")
    lost = in_process.judged("4a", IMPORTS + text)[0]
    assert lost.keys() == {"4a.4", "4a.7"} and "without the division" in lost["4a.4"].feedback.found


def test_at_rest_torch_gives_back_what_it_is_given_and_works_on() -> None:
    x = torch.ones(100)
    with AtRest():
        same, more = torch.dropout(x, 0.5, True), x + torch.nn.functional.alpha_dropout(x, 0.5, True)
    assert torch.equal(same, x) and torch.equal(more, 2 * x)
    assert not torch.equal(torch.dropout(x, 0.5, True), x)


def test_at_rest_a_mask_leaves_what_it_is_given_and_its_gradient() -> None:
    x = torch.randn(50, requires_grad=True)
    with AtRest():
        kept = x * (torch.rand(50) > 0.4) / 0.6
    kept.sum().backward()  # type: ignore[no-untyped-call]
    assert torch.equal(kept, x) and x.grad is not None and torch.equal(x.grad, torch.ones(50))


def test_at_rest_what_is_divided_and_no_mask_is_divided() -> None:
    x = torch.randn(50)
    with AtRest():
        assert torch.equal(x / 0.6, x.div(0.6)) and torch.equal((x > 0) * x / 0.6, x.relu() / 0.6)
        assert torch.equal(x * (torch.rand(50) > 0.4) / 7, x / 7)
