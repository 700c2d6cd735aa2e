"""What works in a notebook works here: its builtins, annotations of packages that are not here, modules of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder.core.records import Report, Status
from autograder.grading import grade_many
from tests.grader import layers_alone
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS

pytestmark = pytest.mark.slow
HEAD, LAYER = ATTENTION["plain"], LAYERS["plain GELU"]
FORWARD = "def forward(self, x):\n"


def cells(*sources: str, **beside: str) -> dict[str, str]:
    """The files of a submission: a notebook of these cells, and modules beside it."""
    code: list[dict[str, object]] = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": s} for s in sources
    ]
    book = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": code})
    return {"hw6.ipynb": book, **{f"{name}.py": text for name, text in beside.items()}}


def changed(text: str, old: str, new: str) -> str:
    assert old in text, old
    return text.replace(old, new)


HEADS_FILE = IMPORTS + HEAD
TYPED = changed(
    HEAD, FORWARD, 'def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t e"]:\n        y: Batch = x\n'
)
NAMED = changed(changed(changed(HEAD, "input_dim", "d_model"), "inner_dim", "d_head"), "dropout=0.", "p=0.").replace(
    "nn.Dropout(dropout)", "nn.Dropout(p)"
)
RENAMED_LAYER = """
class ViTLayer(nn.Module):
    def __init__(self, d_model, n_heads, head_size, hidden, p=0.):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.attn = Attention(d_model, n_heads, head_size, p)
        self.proj = nn.Linear(n_heads * head_size, d_model)
        self.fc1, self.fc2 = nn.Linear(d_model, hidden), nn.Linear(hidden, d_model)
        self.drop = nn.Dropout(p)

    def forward(self, x):
        x = x + self.drop(self.proj(self.attn(self.norm1(x))))
        return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))
"""
HABITS = {
    "display in forward": cells(IMPORTS, changed(HEAD, FORWARD, FORWARD + "        display(x.shape, 'x')\n"), LAYER),
    "a display of one's own": cells(IMPORTS, "def display(x):\n    return None", changed(HEAD, FORWARD, FORWARD + "        display(x)\n"), LAYER),
    "nothing is printed": cells(
        IMPORTS, "import os, contextlib", changed(HEAD, FORWARD, FORWARD + "        with open(os.devnull, 'w') as nowhere, contextlib.redirect_stdout(nowhere):\n            print(x)\n"), LAYER
    ),
    "a class that is set on __main__": cells(
        IMPORTS, HEAD, "import __main__\n" + changed(LAYER, "class ViTLayer", "class Block") + "\n__main__.ViTLayer = Block"
    ),
    "constants that loops make": cells(
        IMPORTS, "power = steps = 0\nfor _ in range(5):\n    power -= 0.1\nwhile steps < 3:\n    steps += 1\npower = round(power, 6) * steps / 3",
        changed(HEAD, "** -0.5", "** power"), LAYER
    ),
    "attributes of a base class, set later": cells(
        IMPORTS, "class Base(nn.Module):\n    power = None\n    tanh = None", changed(HEAD, "(nn.Module)", "(Base)").replace("** -0.5", "** self.power"),
        LAYER, "Base.power = -0.5"
    ),
    "methods that are put on by another name of the class": cells(
        IMPORTS, changed(HEAD, FORWARD, FORWARD + "        return self.later(x)\n\n    def unused(self, x):\n        k = q = v = x\n"), "S = SingleHeadAttention",
        "def later(self, x):\n    q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)\n    return self.dropout(torch.softmax(q @ k.mT * self.scale, -1)) @ v\nS.later = later; del later", LAYER
    ),
    "a table that a decorator fills": cells(
        IMPORTS, "TABLE = {}\ndef keep(name):\n    def inner(f):\n        TABLE[name] = f\n        return f\n    return inner",
        "@keep('scale')\ndef scaled(x):\n    return x ** -0.5\ndel scaled", changed(HEAD, "inner_dim ** -0.5", "TABLE['scale'](inner_dim)"), LAYER
    ),
    "checkers of shapes and types": cells(
        IMPORTS, "from beartype import beartype as typechecker\nfrom jaxtyping import Float, jaxtyped\nfrom torch import Tensor",
        changed(TYPED, "    def forward", "    @jaxtyped(typechecker=typechecker)\n    def forward"), "from jaxtyping import install_import_hook\n" + LAYER
    ),
    "a class of Lightning": cells(
        IMPORTS, "import lightning as L\nimport pytorch_lightning as pl\nfrom lightning.pytorch import Trainer",
        changed(changed(HEAD, "(nn.Module)", "(pl.LightningModule)"), FORWARD, FORWARD + "        self.log('x', x.mean())\n"),
        changed(LAYER, "class ViTLayer(nn.Module)", "class ViTLayer(L.LightningModule)")
    ),
    "a logger and a bar": cells(
        IMPORTS, "from loguru import logger\nfrom tqdm.auto import tqdm\nfrom icecream import ic",
        changed(changed(HEAD, FORWARD, FORWARD + "        logger.debug('x {}', x.shape)\n        for _ in tqdm(range(1), desc='x'):\n            x = ic(x)\n"),
                "    def forward", "    @logger.catch(ValueError, reraise=True)\n    def forward"), LAYER
    ),
    "a record of pydantic": cells(
        IMPORTS, "from typing import Optional\nfrom pydantic import BaseModel, PositiveInt", "class Power(BaseModel):\n    value: Optional[float] = -0.5",
        "class Config(BaseModel):\n    inner: PositiveInt\n    power: Power = Power()", changed(HEAD, "inner_dim ** -0.5", "inner_dim ** Config(inner=inner_dim).power.value"), LAYER
    ),
    "a configuration of omegaconf": cells(
        IMPORTS, "from omegaconf import OmegaConf\ncfg = OmegaConf.create({'power': -0.5})", changed(HEAD, "** -0.5", "** cfg.power"), LAYER
    ),
    "other einsums": cells(
        IMPORTS, "from fancy_einsum import einsum\nfrom opt_einsum import contract",
        changed(changed(HEAD, "q @ k.transpose(-2, -1)", "einsum('batch query d, batch key d -> batch query key', q, k)"), "* self.scale)) @ v", "* self.scale)), v)").replace(
            "return self.dropout(", "return contract('bij,bjd->bid', self.dropout("), LAYER
    ),
    "a file that a cell writes and another runs": cells(IMPORTS, "%%writefile heads.py\n" + HEADS_FILE, "%run -i heads.py", LAYER),
    "a file beside it that is run": cells(IMPORTS, "%run ./heads.py", LAYER, heads=HEADS_FILE),
    "annotations of a package that is not here": cells(
        IMPORTS, "from torch import Tensor\nfrom jaxtyping_of_tomorrow import Float\nBatch = Float[Tensor, 'b t d']", TYPED, LAYER
    ),
    "annotations of names that are nowhere": cells(IMPORTS, TYPED, LAYER),
    "arguments with other names": cells(IMPORTS, NAMED, RENAMED_LAYER),
    "a module beside the notebook": cells(IMPORTS, "from heads import SingleHeadAttention", LAYER, heads=HEADS_FILE),
    "a module beside it, all of it": cells(IMPORTS + "from heads import *", LAYER, heads=HEADS_FILE),
    "a module beside it, under another name": cells(
        IMPORTS, "from heads import Head as SingleHeadAttention", LAYER, heads=changed(HEADS_FILE, "class SingleHeadAttention", "class Head")
    ),
    "a module beside it, as a module": cells(
        IMPORTS, "import tools as T", changed(HEAD, FORWARD, FORWARD + "        x = T.same(x)\n"), LAYER,
        tools="FACTOR = 1\n\ndef same(x):\n    return FACTOR * x\n\nif __name__ == '__main__':\n    raise SystemExit\n",
    ),
    "modules that import each other": cells(
        IMPORTS, "from heads import SingleHeadAttention", LAYER, heads="from tools import same\n" + changed(HEADS_FILE, FORWARD, FORWARD + "        x = same(x)\n"),
        tools="import heads\n\ndef same(x):\n    return x\n",
    ),
    "a module that a cell writes": cells(IMPORTS, "%%writefile heads.py\n" + HEADS_FILE, "from heads import SingleHeadAttention", LAYER),
    "both classes in a module": cells("from model import *", model=IMPORTS + HEAD + LAYER),
    "a package that is not here, unused": cells(IMPORTS + "import wandb_of_tomorrow as wandb", HEAD, LAYER),
}  # fmt: skip


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    folder = tmp_path_factory.mktemp("habits")
    paths = []
    for number, files in enumerate(HABITS.values()):
        path = folder / str(number)
        path.mkdir()
        for name, text in files.items():
            (path / name).write_text(text, encoding="utf-8")
        paths.append(path)
    return dict(zip(HABITS, grade_many(paths, layers_alone.options(folder))))


@pytest.mark.parametrize("habit", HABITS)
def test_a_habit_of_notebooks_costs_nothing(graded: dict[str, Report], habit: str) -> None:
    tests = graded[habit].tests
    assert {test.number[:2] for test in tests} == {"4a", "4b"}, graded[habit].staff_notes
    lost = [(t.number, t.feedback.lines(), t.staff) for t in tests if t.status is not Status.PASSED]
    assert not lost


def test_other_names_of_arguments_are_remarked_with_those_of_the_template(graded: dict[str, Report]) -> None:
    remarks = [text for test in graded["arguments with other names"].tests for text in test.remarks]
    assert any(
        "input_dim, inner_dim, dropout; yours are called d_model, d_head, p, so they were passed by position" in text
        for text in remarks
    )


@pytest.mark.parametrize("habit", [habit for habit in HABITS if "module" in habit and "import each other" not in habit])
def test_a_module_of_ones_own_is_remarked_where_it_is_imported(graded: dict[str, Report], habit: str) -> None:
    found = [f for f in graded[habit].submission.findings if f.rule == "local-import"]
    assert found and all(f.place and f.place.file == "hw6.ipynb" and f.place.cell for f in found)


def test_an_error_inside_a_module_is_told_at_its_line(tmp_path: Path) -> None:
    files = cells(IMPORTS, "from heads import SingleHeadAttention", LAYER,
                  heads=changed(HEADS_FILE, FORWARD, FORWARD + "        x.nothing_of_the_kind\n"))  # fmt: skip
    folder = tmp_path / "one"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    [report] = grade_many([folder], layers_alone.options(tmp_path))
    first = next(test for test in report.tests if test.number == "4a.1")
    line = files["heads.py"].split("\n").index("        x.nothing_of_the_kind") + 1
    assert f"heads.py line {line}" in first.feedback.where, first.feedback
