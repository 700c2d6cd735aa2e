"""Every mistake of the banks of 4(b), made in layers of many styles: charged where it is, and called by its name."""

from __future__ import annotations

import itertools

import pytest
import torch

from reference import layer_misconceptions, misconceptions, own_attention_misconceptions
from tests.grader import in_process
from tests.grader.generated_styles import ATTENTIONS, Style
from tests.grader.honest_styles import IMPORTS
from tests.grader.wrong_styles import ATTENTION, STRUCTURE, Wrong, spoilt

torch.set_num_threads(1)

BANK = {m.name: m for m in (*layer_misconceptions.LAYER, *own_attention_misconceptions.OWN)}
OWN = itertools.cycle([name for name, choice in ATTENTIONS.items() if "mixed =" not in choice.use])
MADE = [
    *((name, wrong, "the provided attention") for name, wrong in STRUCTURE.items()),
    *((name, wrong, next(OWN)) for name, wrong in STRUCTURE.items()),
    *((name, wrong, next(OWN)) for name, wrong in ATTENTION.items()),
]


@pytest.mark.parametrize(
    ("mistake", "wrong", "attention"), MADE, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_mistake_is_charged_where_it_is_and_named(mistake: str, wrong: Wrong, attention: str) -> None:
    text = spoilt(Style(attention=attention, order=4), wrong)
    lost = {
        number: unmet.feedback.found
        for number, unmet in in_process.judged("4b", "import copy\n" + IMPORTS + text)[0].items()
    }
    assert lost.keys() - {"4b.5", "4b.6"} == wrong.lost, lost
    titles = {name for name, each in BANK.items() if f"the reference {each.title} (" in lost["4b.4"]}
    assert titles == ({wrong.name} if wrong.name else set()), lost


def test_the_banks_hold_forty_mistakes_and_more() -> None:
    assert len(misconceptions.ATTENTION) >= 20 and len(layer_misconceptions.LAYER) >= 20 and len(BANK) >= 40
    assert {wrong.name for wrong in (*STRUCTURE.values(), *ATTENTION.values())} >= BANK.keys() - {
        "mlp-first",  # in tests/grader/test_judging_mistakes.py, with its text
        "parallel",
        "own-exchanged-split",
        "own-one-head-scaled",
    }
