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
NOT_OURS = {"a mask of one's own": "(lambda a: a * (torch.rand_like(a) > 0.1) / 0.9)"}


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
@pytest.mark.parametrize("kind", ALWAYS)
def test_dropout_that_does_not_rest_is_charged_once(question: str, kind: str) -> None:
    lost = judged(question, ALWAYS[kind])
    assert lost.keys() == {"4a.7" if question == "4a" else "4b.6"} and "two calls in eval mode differ" in str(lost)


@pytest.mark.parametrize("kind", NOT_OURS)
def test_what_is_random_by_other_means_cannot_be_compared(kind: str) -> None:
    assert judged("4a", NOT_OURS[kind]).keys() == {"4a.4", "4a.5", "4a.7"}


def test_a_wrong_formula_is_told_beside_it() -> None:
    text = ATTENTION["plain"].replace(" * self.scale", "").replace("self.dropout(", "nn.Dropout(0.1)(")
    lost = in_process.judged("4a", IMPORTS + text)[0]
    assert lost.keys() == {"4a.4", "4a.7"} and "without the division" in lost["4a.4"].feedback.found


def test_at_rest_torch_gives_back_what_it_is_given_and_works_on() -> None:
    x = torch.ones(100)
    with AtRest():
        same, more = torch.dropout(x, 0.5, True), x + torch.nn.functional.alpha_dropout(x, 0.5, True)
    assert torch.equal(same, x) and torch.equal(more, 2 * x)
    assert not torch.equal(torch.dropout(x, 0.5, True), x)
