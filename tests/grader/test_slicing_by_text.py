"""Names that a text binds or looks up, in the module's own table or by setattr: the class is found all the same."""

from __future__ import annotations

import pytest

from tests.grader.test_slicing import SHA, forwarded, sliced

MINE = "class Mine:\n    def forward(self): return 3"
BOUND = {
    "an item of globals()": [MINE, "globals()['SingleHeadAttention'] = Mine"],
    "an item of vars()": [MINE, "vars()['SingleHeadAttention'] = Mine"],
    "one of two at once": [MINE, "globals()['SingleHeadAttention'], other = Mine, 1"],
    "globals().update": [MINE, "globals().update(SingleHeadAttention=Mine)"],
    "globals().update of a dictionary": [MINE, "globals().update({'SingleHeadAttention': Mine})"],
    "globals().update of an unpacked dictionary": [MINE, "globals().update(**{'SingleHeadAttention': Mine})"],
    "globals().setdefault": [MINE, "globals().setdefault('SingleHeadAttention', Mine)"],
    "names in a loop": [MINE, "for name, kind in (('SingleHeadAttention', Mine),):\n    globals()[name] = kind"],
    "names that are worked out": [
        "POWERS = dict(zip(['CUBE', 'ONE'], [3, 1]))\nglobals().update(POWERS)",
        SHA.format("CUBE"),
    ],
    "the same from a comprehension": ["globals().update({f'N_{n}': n for n in range(9)})", SHA.format("N_3")],
    "the same one by one": ["key = 'CU' + 'BE'\nglobals()[key] = 3", SHA.format("CUBE")],
    "the last of two": [SHA.format(1), MINE, "globals()['SingleHeadAttention'] = Mine"],
    "a name looked up at once": [MINE, "SingleHeadAttention = globals()['Mine']"],
    "a name looked up later": ["def helping(): return 3", SHA.format("globals()['helping']()")],
}


@pytest.mark.parametrize("way", BOUND)
def test_a_class_that_a_text_names_is_found(way: str) -> None:
    assert forwarded(*BOUND[way]) == 3


BY_MODULE = [
    "setattr(sys.modules[__name__], 'SingleHeadAttention', Mine)",
    "sys.modules[__name__].SingleHeadAttention = Mine",
    "sys.modules[__name__].__dict__['SingleHeadAttention'] = Mine",
    "vars(sys.modules[__name__])['SingleHeadAttention'] = Mine",
    "setattr(__import__(__name__), 'SingleHeadAttention', Mine)",
    "setattr(__main__, 'SingleHeadAttention', Mine)",
    "__main__.SingleHeadAttention = Mine",
    "sys.modules['__main__'].SingleHeadAttention = Mine",
]


@pytest.mark.parametrize("statement", BY_MODULE)
def test_an_attribute_of_the_module_itself_is_a_name(statement: str) -> None:
    assert statement in sliced("import sys, __main__", MINE, statement).programs["4a"].text


def test_a_name_that_is_looked_up_in_the_module_is_kept() -> None:
    cells = ["import __main__\ndef helping(): return 3", SHA.format("__main__.helping()")]
    assert "def helping" in sliced(*cells).programs["4a"].text


def test_names_that_are_worked_out_are_kept_where_a_name_is_missing_alone() -> None:
    cells = ["globals().update(dict(A=1))", "B = 3"]
    assert "globals" not in sliced(*cells, SHA.format("B")).programs["4a"].text
    assert "globals" in sliced(*cells, SHA.format("A")).programs["4a"].text


NOTHING = ["table['SingleHeadAttention'] = Mine", "table().update(SingleHeadAttention=Mine)", "f(globals())"]


@pytest.mark.parametrize("statement", NOTHING)
def test_a_table_of_the_students_own_binds_no_name(statement: str) -> None:
    assert "4a" not in sliced("table = {}", MINE, statement).programs
