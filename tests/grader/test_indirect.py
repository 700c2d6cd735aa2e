"""What may change a class by a way that names do not show is found, and tried where points were lost."""

from __future__ import annotations

import sys

import msgspec
import pytest

from autograder.core.records import Alternative, Finding, Program, Severity, Status, TestResult
from autograder.engine import second_try
from autograder.handin.slicing import Sliced
from autograder.student_room import program as run
from tests.grader.test_second_try import FIRST, LOST, results
from tests.grader.test_slicing import SHA, sliced

STUB = "class SingleHeadAttention:\n    pass"
PRINTS = "def shown(build):\n    print(build())"

# cells in which something else than the slice makes SingleHeadAttention().forward() return 3
CHANGED = {
    "an alias": [STUB, "S = SingleHeadAttention\nS.forward = lambda self: 3"],
    "functions put on by an alias and deleted": [
        f"{STUB}\nS = SingleHeadAttention",
        "def forward(self): return 3\nS.forward = forward; del forward",
    ],
    "a function that patches whatever it is given": [
        STUB,
        "def patch(cls):\n    cls.forward = lambda self: 3",
        "patch(SingleHeadAttention)",
    ],
    "the same in a loop over the classes": [
        STUB,
        "def patch(cls):\n    setattr(cls, 'forward', lambda self: 3)",
        "for cls in [SingleHeadAttention]: patch(cls)",
    ],
    "a table that a decorator fills": [
        "TABLE = {}",
        "def keep(name):\n    def inner(f):\n        TABLE[name] = f\n        return f\n    return inner",
        "@keep('three')\ndef three(): return 3\ndel three",
        SHA.format("TABLE['three']()"),
    ],
    "a list of tables": ["A, B = {}, []", "for t in (A, B): t.update(n=3) if t is A else t.append(1)", SHA.format("A['n']")],
    "a table that a base class keeps of its heirs": [
        "class Base:\n    made = {}\n    def __init_subclass__(cls, **more):\n        Base.made[cls.__name__] = cls",
        "class Part(Base):\n    pass",
        "class Three(Part):\n    n = 3",
        SHA.format("Base.made['Three'].n"),
    ],
    "the same by a metaclass": [
        "class Meta(type):\n    made = {}\n    def __new__(m, name, bases, space):\n        Meta.made[name] = type.__new__(m, name, bases, space)\n        return Meta.made[name]",
        "class Base(metaclass=Meta):\n    pass",
        "class Three(Base):\n    n = 3",
        SHA.format("Meta.made['Three'].n"),
    ],
    "heirs that are asked for": [
        "class Base:\n    pass",
        "class Three(Base):\n    n = 3",
        SHA.format("Base.__subclasses__()[0].n"),
    ],
    "constants that are counted out below": [
        SHA.format("len(LETTERS)"),
        "LETTERS = ()",
        "for WORD in ('q', 'k', 'v'):\n    LETTERS += (WORD,)",
    ],
    "a method that is called for what it does": [
        "class Settings:\n    n = 1\n    def merge(self, **values):\n        vars(self).update(values)",
        "S = Settings()",
        "S.merge(n=3)",
        SHA.format("S.n"),
    ],
    "arguments in a group": [
        "import argparse\nparser = argparse.ArgumentParser()",
        "group = parser.add_argument_group('model')\ngroup.add_argument('--n', type=int, default=3)",
        "args = parser.parse_args([])",
        SHA.format("args.n"),
    ],
    "what a function changes through a name of its own": [
        "class Settings:\n    n = 1",
        "def configure(settings, **values):\n    for k, v in values.items(): setattr(settings, k, v)",
        "configure(Settings, n=3)",
        SHA.format("Settings.n"),
    ],
}  # fmt: skip

# cells below a class that have nothing to change in it, or would cost time
LEFT_OUT = {
    "a shape that is printed": [PRINTS, "shown(lambda: SingleHeadAttention())"],
    "an instance that is changed": ["import torch\nmodel = SingleHeadAttention()\nmodel.name = 'try'"],
    "a training": ["import torch\nfor epoch in range(9):\n    loss = f()\n    loss.backward()"],
    "a training in a function": ["def train(m):\n    m.best = 1\n    m.loss().backward()", "train(SingleHeadAttention())"],
    "a download": ["from torchvision import datasets\nDATA = datasets.MNIST('.')\nDATA.seen = 1"],
    "settings of a library": ["import matplotlib.pyplot as plt\nplt.rcParams['figure.dpi'] = 100"],
    "what reads a name that is not there": ["S = SingleHeadAttention if big else None\nS.forward = 1"],
    "scratch that is deleted": ["x = 3\ndel x"],
    "a file that is read": ["cfg = {}\ncfg['text'] = open('notes.txt').read()"],
    "under the file's own guard": ["if __name__ == '__main__':\n    S = SingleHeadAttention\n    S.forward = None"],
    "another function": ["def unused(cls):\n    cls.forward = None"],
}  # fmt: skip
NET = "import torch\nfrom torch import nn\nclass SingleHeadAttention(nn.Module):\n    def forward(self): return 1"


def others(result: Sliced, question: str = "4a") -> list[Program]:
    return [program for program in result.alternatives if program.question == question and program.also]


def forwarded(program: Program) -> object:
    namespace: dict[str, object] = {"__name__": "hw6"}
    exec(compile(program.text, "<test>", "exec", dont_inherit=True), namespace)
    return namespace["SingleHeadAttention"]().forward()  # type: ignore[operator]


@pytest.mark.parametrize("what", CHANGED)
def test_what_names_do_not_show_stands_in_another_program_in_its_order(what: str) -> None:
    result = sliced(*CHANGED[what])
    values: list[object] = []
    for program in (result.programs["4a"], *others(result)):
        try:
            values.append(forwarded(program))
        except (AttributeError, IndexError, KeyError, NameError):
            values.append(None)
    assert values[-1] == 3, values  # the slice found some of them by itself
    assert len(others(result)) <= 1


def test_a_script_that_looks_for_arguments_finds_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["engine", "--of-ours"])
    run.prepare()
    cells = ["import argparse\np = argparse.ArgumentParser()\np.add_argument('--n', default=3)\nargs = p.parse_args()"]
    assert forwarded(sliced(*cells, SHA.format("args.n")).programs["4a"]) == 3


def test_most_of_them_are_what_the_slice_alone_does_not_find() -> None:
    assert sum(bool(others(sliced(*cells))) for cells in CHANGED.values()) >= 6


@pytest.mark.parametrize("what", LEFT_OUT)
def test_what_changes_nothing_or_costs_time_stands_in_none(what: str) -> None:
    assert others(sliced(NET, *LEFT_OUT[what])) == []


# --- what is tried, and what is said ----------------------------------------------------------------------------------


def also(*, finding: Severity | None = None) -> Alternative:
    result = sliced(*CHANGED["an alias"])
    found = (Finding("ready-made", finding, "it is ready-made", "4b"),) if finding else ()
    program = others(result)[0]
    return Alternative(Program("4b", "ViTLayer", program.text, program.places, "0", also=program.also), found)


def test_the_places_are_told_where_it_did_better() -> None:
    passed = results(TestResult("4b.1", "t", Status.PASSED, 1.0, 1.0), TestResult("4b.2", "t", Status.PASSED, 1.0, 1.0))
    told = second_try.better(passed, results(LOST, passed["4b.2"]), also())
    assert "indirect way: hw6.ipynb cell 2 line 2" in told["4b.1"].remarks[0]


def test_nothing_is_said_where_it_did_not() -> None:
    assert second_try.in_vain(results(LOST), [results(LOST)], [also()]) == {}


@pytest.mark.parametrize("severity", [Severity.READY_MADE, Severity.DISALLOWED, None])
def test_what_would_cost_every_point_is_not_tried(severity: Severity | None) -> None:
    submission = msgspec.structs.replace(FIRST, alternatives=(also(finding=severity),))
    assert bool(second_try.wanted("4b", results(LOST), submission)) is (severity is not Severity.READY_MADE)


def test_functions_that_call_each_other_are_each_looked_at_once() -> None:
    """Two chains of 60: without a memory there are 2**60 ways through them."""
    chain = "\n".join(
        f"def a{n}(c): a{n + 1}(c); b{n + 1}(c)\ndef b{n}(c): b{n + 1}(c); a{n + 1}(c)" for n in range(60)
    )
    last = "def a60(c): c.forward = lambda self: 3\ndef b60(c): a0(c)\nS = SingleHeadAttention\na0(S)"
    assert others(sliced(STUB, chain, last))


def test_a_chain_of_thousands_of_functions_adds_nothing_and_harms_nothing() -> None:
    chain = "\n".join(f"def a{n}(c): a{n + 1}(c)" for n in range(3000))
    result = sliced(SHA.format(3), chain, "S = SingleHeadAttention\na0(S)")
    assert forwarded(result.programs["4a"]) == 3 and others(result) == []
