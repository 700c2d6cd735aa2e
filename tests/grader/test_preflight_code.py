"""Classes that cannot give an output: what may be finished, in any form, comes first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autograder.commands.preflight import look
from autograder.core.inventory import State
from autograder.handin.present.unfinished import unfinished
from tests.grader.attention_styles import ATTENTIONS
from tests.grader.encoder_styles import ENCODERS
from tests.grader.honest_styles import ATTENTION, LAYERS
from tests.grader.test_preflight import copy, found, in_cells

HEAD = "from torch import nn\nclass ViTLayer(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
FINISHED = {
    "a raise that one branch meets": "    def forward(self, x):\n        if x is None:\n            raise ValueError\n        return x",
    "a raise behind the last branch": "    def forward(self, x):\n        if self.a:\n            return x\n        raise NotImplementedError",
    "a raise behind a return": "    def forward(self, x):\n        return x\n        raise NotImplementedError",
    "a raise behind a loop that is left": "    def forward(self, x):\n        for y in x:\n            return y\n        assert False",
    "an assertion that may hold": "    def forward(self, x):\n        assert x.ndim == 3\n        return x",
    "a forward that is a lambda": "    forward = lambda self, x: x",
    "a forward that is another method": "    def run(self, x):\n        return x\n    forward = run",
    "a class that answers calls itself": "    def __call__(self, x):\n        return x",
    "a forward that is set below": "    def run(self, x):\n        return x\nViTLayer.forward = ViTLayer.run",
    "a forward that is set by its name": "    pass\nsetattr(ViTLayer, 'forward', lambda self, x: x)",
    "a forward that a function is": "    pass\n@patch\ndef forward(self: ViTLayer, x):\n    return x",
    "a stub that is set below": "    def forward(self, x):\n        raise NotImplementedError\nViTLayer.forward = run",
    "a forward of its own in __init__": "        self.forward = self.run\n    def run(self, x):\n        return x",
    "a forward under an if": "    if True:\n        def forward(self, x):\n            return x",
    "a stub that a decorator replaces": "    @replaced\n    def forward(self, x):\n        raise NotImplementedError",
    "a base that is not there": "    pass\nclass ViTLayer(Elsewhere):\n    pass",
    "a base that has it": "    def forward(self, x):\n        return x\nclass ViTLayer(ViTLayer):\n    pass",
}
STOPPED = {
    "a raise below the first half": ("    def forward(self, x):\n        x = self.a(x)\n        raise NotImplementedError('mlp')", "forward always stops"),
    "any exception": ("    def forward(self, x):\n        raise Exception('finish me')", "`raise Exception('finish me')`"),
    "an assertion that never holds": ("    def forward(self, x):\n        assert False, 'todo'", "`assert False, 'todo'`"),
    "a zero": ("    def forward(self, x):\n        y = x\n        assert 0", "`assert 0`"),
    "in __init__": ("        raise NotImplementedError\n    def forward(self, x):\n        return x", "__init__ always stops"),
    "above the return": ("    def forward(self, x):\n        raise ValueError(x)\n        return x", "forward always"),
    "a forward that is misspelled": ("    def foward(self, x):\n        return x", "is `foward` meant to be it?"),
    "no forward at all": ("    def helper(self, x):\n        return x", "has no method `forward`"),
    "none in its base either": ("    pass\nclass ViTLayer(ViTLayer):\n    y = 1", "has no method `forward`"),
}  # fmt: skip


@pytest.mark.parametrize("name", FINISHED)
def test_a_class_that_may_give_an_output_is_left_alone(name: str) -> None:
    assert unfinished(HEAD + FINISHED[name], "ViTLayer") is None


def test_no_class_of_any_honest_style_is_unfinished() -> None:
    texts = [*ATTENTION.values(), *LAYERS.values(), *ATTENTIONS.values(), *ENCODERS.values()]
    assert len(texts) > 50
    for text in texts:
        assert not unfinished(text, "ViTLayer") and not unfinished(text, "SingleHeadAttention"), text


@pytest.mark.parametrize("name", STOPPED)
def test_a_class_that_cannot_give_one_is_told_with_the_line(name: str) -> None:
    body, said = STOPPED[name]
    short = unfinished(HEAD + body, "ViTLayer")
    assert short is not None and said in short.words and short.line >= 2


def test_a_text_that_is_no_program_is_no_fault_of_ours() -> None:
    assert unfinished("class ViTLayer(:", "ViTLayer") is None and unfinished("x = 1", "ViTLayer") is None


@pytest.mark.parametrize("stop", ["raise NotImplementedError('todo mlp')", "assert False, 'todo mlp'"])
def test_half_a_forward_is_missing_and_its_line_is_named(tmp_path: Path, stop: str) -> None:
    folder = copy(tmp_path)

    def change(cell: dict[str, Any]) -> None:
        text = "".join(cell["source"])
        if "class ViTLayer" in text:
            start, found, rest = text.partition("def forward(self, x")
            end = rest.index("\n") + 1
            cell["source"] = start + found + rest[:end] + f"        x = x + 1\n        {stop}\n"

    in_cells(folder, change)
    item = found(look(folder), "ViTLayer")
    assert item.state is State.MISSING and f"forward always stops at `{stop}`" in item.words
    assert "cell" in item.fix and "line" in item.fix


def test_a_forward_outside_of_the_class_is_to_be_looked_at(tmp_path: Path) -> None:
    folder = copy(tmp_path)

    def change(cell: dict[str, Any]) -> None:
        text = "".join(cell["source"])
        if "class SingleHeadAttention" in text:
            start, _, _ = text.partition("    def forward(self, x")
            patched = "@patch\ndef forward(self: SingleHeadAttention, x):\n    return self.value(x)\n"
            cell["source"] = "from fastcore.basics import patch\n" + start + patched

    in_cells(folder, change)
    item = found(look(folder), "SingleHeadAttention")
    assert item.state is State.LOOK and "stands outside of every class" in item.words and "into its class" in item.fix
