"""Classes under a condition: what never runs is no definition, and each class is judged by its own question's rules."""

from __future__ import annotations

import pytest

from tests.grader.test_slicing import forwarded, sliced

THREE = "class SingleHeadAttention:\n    def forward(self): return 3"
OLD = "    class SingleHeadAttention:\n        def forward(self): return 1\n    class ViTLayer(Old): pass"
BASE = "class Old:\n    parts = LayerNorm"

NEVER = {
    "False": f"if False:\n{OLD}",
    "0": f"if 0:\n{OLD}",
    "not True": f"if not True:\n{OLD}",
    "a name": f"KEEP = False\nif KEEP:\n{OLD}",
    "not a name": f"DONE = 1\nif not DONE:\n{OLD}",
}


@pytest.mark.parametrize("what", NEVER)
def test_what_never_runs_is_no_definition(what: str) -> None:
    cells = (BASE, THREE, NEVER[what])
    assert forwarded(*cells) == 3
    result = sliced(*cells)
    assert "LayerNorm" not in result.programs["4a"].text and "return 1" not in result.programs["4a"].text
    assert not [finding for finding in result.findings if "defined 2 times" in finding.message]


ON = {
    "True": f"if True:\n{OLD}",
    "a name that is bound again": f"KEEP = False\nKEEP = True\nif KEEP:\n{OLD}",
    "the other branch": f"if False:\n    pass\nelse:\n{OLD}",
}


@pytest.mark.parametrize("what", ON)
def test_what_may_run_is_one(what: str) -> None:
    assert forwarded(BASE, THREE, ON[what]) == 1


def test_a_class_that_stands_nowhere_else_is_taken_from_there() -> None:
    assert "return 1" in sliced(BASE, f"if False:\n{OLD}").programs["4a"].text


@pytest.mark.parametrize("around", ["if MINE:", "try:", "with open_scope():", "for once in (1,):"])
def test_another_questions_class_in_the_same_statement_is_judged_with_that_one(around: str) -> None:
    after = "\nexcept KeyError:\n    pass" if around == "try:" else ""
    both = f"{around}\n    class SingleHeadAttention:\n        def forward(self): return 3\n    class ViTLayer(Old):\n        norm = GELU\n    unit = 1{after}"
    result = sliced("MINE = 2 > 1", BASE, both)
    first, second = result.programs["4a"], result.programs["4b"]
    assert "GELU" not in first.text and "LayerNorm" not in first.text and "return 3" in first.text
    assert "GELU" in second.text and "LayerNorm" in second.text
    assert len(first.text.splitlines()) == len(first.places), "each line still has its place"


def test_one_that_the_other_uses_stays() -> None:
    cell = "if 2 > 1:\n    class ViTLayer:\n        n = 3\n    class SingleHeadAttention:\n        def forward(self): return ViTLayer.n"
    assert forwarded(cell) == 3
