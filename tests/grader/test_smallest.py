"""The smallest input that shows what is wrong: right by hand, silent for right work, and repeated by its own lines."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest
import torch

from autograder.core.records import Report
from autograder.core.text import clean
from autograder.grading import grade_many
from autograder.judging.code.cases import AttentionCase
from autograder.judging.smallest import head, layer
from autograder.judging.smallest.filled import differs, numbers
from autograder.report.message import ROW_LIMIT, ROW_LINES
from reference.attention import single_head
from tests.grader import in_process, layers_alone
from tests.grader.attention_styles import ATTENTIONS
from tests.grader.encoder_styles import ENCODERS
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS
from tests.grader.test_judging_mistakes import MISTAKES
from tests.grader.test_reshaped import RIGHT
from tests.grader.test_wrong_solutions import PLAIN, WRONG, swap


def example(question: str, text: str, half: str = "") -> str:
    student = in_process.Student({question: "import copy\n" + IMPORTS + text})
    if question == "4a":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with student.visit("4a") as visit:
                return head.smallest(visit, "SingleHeadAttention")  # type: ignore[arg-type]
    with student.visit("4b", probe_seed=layer.PLAIN_HEADS) as visit:
        found = layer.smallest(visit, "ViTLayer")  # type: ignore[arg-type]
    if not any(found.values()):
        with student.visit("4b", probe_seed=layer.NUMBERED_HEADS) as visit:
            found = layer.with_two_heads(visit, "ViTLayer")  # type: ignore[arg-type]
    return found.get(half, "")


@pytest.mark.parametrize("size", head.SIZES)
def test_what_is_expected_of_a_head_is_what_the_reference_gives(size: tuple[int, int, int, int]) -> None:
    case = AttentionCase(1, *size)
    for first in (0, 1):
        x, ones = head.whole_numbers(case, first), torch.ones(case.inner_dim, case.input_dim).double()
        for weights in ((1, 1, 1), (1, 2, 3), (3, 1, 2)):
            right = single_head(x.double(), *(factor * ones for factor in weights))
            assert torch.allclose(head.by_hand(x, case.inner_dim, *weights), right), weights


@pytest.mark.parametrize("style", [*ATTENTION, *ATTENTIONS])
def test_a_right_head_has_no_example(style: str) -> None:
    assert example("4a", (ATTENTION | ATTENTIONS)[style]) == ""


@pytest.mark.parametrize("style", [*LAYERS, *ENCODERS])
def test_a_right_layer_has_no_example(style: str) -> None:
    for half in ("", "attention", "mlp"):
        assert example("4b", (LAYERS | ENCODERS)[style], half) == ""


def shown(example: str, name: str) -> torch.Tensor:
    """A tensor of the example, by the word in front of it."""
    [line] = re.findall(rf"^{name} +(\[.*\])$", example, re.MULTILINE)
    return torch.tensor(ast.literal_eval(line), dtype=torch.float64)


def repeated(example: str, text: str) -> torch.Tensor:
    """What the lines for a cell of the notebook give there: below the student's classes and the handout's."""
    lines = example.partition("in a cell of your notebook:\n")[2]
    *made, last = lines.splitlines()
    attention = "class Attention(nn.Module):\n    def __init__(self, dim, heads=8, dim_head=64, dropout=0.0):\n        super().__init__()\n        self.heads = nn.ModuleList([SingleHeadAttention(dim, dim_head, dropout) for _ in range(heads)])\n    def forward(self, x):\n        return torch.cat([head(x) for head in self.heads], -1)\n"
    notebook = ModuleType("__main__")
    namespace = notebook.__dict__
    exec("import copy\n" + IMPORTS + attention + text, namespace)
    if "SingleHeadAttention" not in namespace:
        exec("SingleHeadAttention = lambda dim, size, dropout=0.0: nn.Linear(dim, size)", namespace)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", notebook)
        own = namespace["SingleHeadAttention"]
        exec("\n".join(made), namespace)
    assert namespace["SingleHeadAttention"] is own, "the cell leaves the student's class as it was"
    output = eval(last, namespace)
    assert isinstance(output, torch.Tensor)
    return output.detach().double()


FORMULAS = {name: WRONG[name] for name in WRONG if WRONG[name][2] & {"4a.4", "4b.2", "4b.3"} and "random" not in name}
# random; right where all weights are equal, all scores whole numbers, or nothing is negative; off by less than is shown
NONE_SHOWS = {
    *("dropout in eval too", "ready-made attention", "rounded scores", "rectified projections", "rectified values"),
    *("an eps in the scale", "scores in half precision"),
}


@pytest.mark.parametrize("name", sorted(FORMULAS.keys() - NONE_SHOWS))
def test_a_wrong_formula_has_an_example_that_its_own_lines_repeat(name: str) -> None:
    question, text, lost, _ = FORMULAS[name]
    half = {"4b.2": "attention", "4b.3": "mlp"}.get(min(lost), "")
    found = example(question, text, half)
    assert found and clean(found, ROW_LIMIT, lines=ROW_LINES) == found, found
    expected, yours = shown(found, "expected"), shown(found, "yours")
    assert differs(yours, expected)
    assert torch.allclose(repeated(found, text), yours, atol=6e-3), found  # two digits after the point


def test_most_other_mistakes_have_an_example_too() -> None:
    wrong = [(name, *each[:3]) for name, each in MISTAKES.items() if each[2] & {"4a.4", "4b.2", "4b.3", "4b.4"}]
    silent = [name for name, question, text, _ in wrong if not example(question, text)]
    assert len(wrong) >= 24 and len(silent) <= 4, silent


def test_a_layer_that_mixes_samples_shows_with_two_of_them() -> None:
    text = RIGHT.replace("self.proj(self.attn(self.norm1(x)))", "self.proj(self.attn(self.norm1(x))[0])")
    found = example("4b", text, "attention")
    assert shown(found, "expected").tolist() == [[[3, 9], [5, 9]], [[1, -5], [1, -3]]]
    assert shown(found, "yours").tolist() == [[[3, 9], [5, 9]], [[1, 11], [1, 13]]]


def test_heads_that_are_exchanged_with_dim_head_show_with_two_of_them() -> None:
    text = RIGHT.replace("Attention(dim, heads, dim_head,", "Attention(dim, dim_head, heads,")
    found = example("4b", text, "attention")
    assert shown(found, "yours").tolist() == [[[3, 17], [5, 17]]]
    assert torch.allclose(repeated(found, text), shown(found, "yours"), atol=1e-3), found
    assert clean(found, ROW_LIMIT, lines=ROW_LINES) == found


def test_the_example_grows_only_as_far_as_it_has_to() -> None:
    assert example("4a", WRONG["no softmax"][1]).startswith("batch 1, tokens 2, input_dim 1, inner_dim 1;")
    assert example("4a", WRONG["no scale"][1]).startswith("batch 1, tokens 2, input_dim 1, inner_dim 4;")
    assert "to_q.weight 1, to_k.weight 2, to_v.weight 3" in example("4a", WRONG["one projection for two"][1])


def test_numbers_are_written_as_one_writes_them() -> None:
    tensor = torch.tensor([[0.5, 1.0], [-0.00001, 2 / 3]])
    assert numbers(tensor) == "[[0.5, 1], [0, 0.6667]]"
    assert numbers(tensor, code=True) == "[[0.5, 1.], [0., 0.6667]]"
    assert numbers(torch.tensor(float("nan"))) == "nan"


# --- through the wall -------------------------------------------------------------------------------------------------

REMEMBERS = swap(
    PLAIN,
    "        q, k, v =",
    """        import sys
        kept = sys.__dict__.setdefault("kept", [])
        kept.append(float(x.flatten()[0]))
        if x.numel() <= 2:
            return x * 0 + 1000 * len(kept) + sum(kept)
        q, k, v =""",
).replace("* self.scale", "* self.scale * 2")
FRAGILE = swap(
    PLAIN,
    "        q, k, v =",
    """        if x.numel() <= 2:
            raise KeyError(x.shape)
        q, k, v =""",
).replace("* self.scale", "* self.scale * 2")
SLOW = FRAGILE.replace("raise KeyError(x.shape)", "while True: pass")
BAD = {"remembers": REMEMBERS, "fragile": FRAGILE, "slow": SLOW, "no scale": WRONG["no scale"][1]}


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    folder = tmp_path_factory.mktemp("smallest")
    paths = []
    for number, text in enumerate(BAD.values()):
        path = folder / str(number) / "hw6.py"
        path.parent.mkdir()
        path.write_text(IMPORTS + text + RIGHT, encoding="utf-8")
        paths.append(path)
    return dict(zip(BAD, grade_many(paths, layers_alone.options(folder))))


def smallest_of(report: Report, number: str = "4a.4") -> str:
    [test] = [test for test in report.tests if test.number == number]
    assert test.feedback.found, report.staff_notes
    return test.feedback.smallest


@pytest.mark.slow
def test_a_test_that_students_see_shows_it(graded: dict[str, Report]) -> None:
    assert "yours" in smallest_of(graded["no scale"])


@pytest.mark.slow
def test_what_runs_it_saw_no_hidden_input(graded: dict[str, Report]) -> None:
    """The first build of sizes that differ asks for no forward, so the only number that was ever seen is the own 0."""
    assert shown(smallest_of(graded["remembers"]), "yours").tolist() == [[[1000.0]]]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fragile", "slow"])
def test_what_goes_wrong_there_leaves_the_verdict_as_it_was(graded: dict[str, Report], name: str) -> None:
    assert smallest_of(graded[name]) == ""
    own, other = (
        {
            test.number: (test.status, test.score, test.feedback.found)
            for test in graded[which].tests
            if test.number != "4a.7"
        }
        for which in (name, "fragile")
    )
    assert own == other
    assert sum(test.score for test in graded[name].tests if test.number.startswith("4b")) == 5.0


@pytest.mark.slow
def test_a_hidden_test_shows_no_numbers(tmp_path: Path) -> None:
    options = layers_alone.options(tmp_path)
    assert options.tests is not None
    for file in Path(options.tests).glob("*.py"):
        text = file.read_text(encoding="utf-8").replace('@number("4a.4")', '@visibility("hidden")\n@number("4a.4")')
        file.write_text(
            text.replace("decorators import number", "decorators import number, visibility"), encoding="utf-8"
        )
    path = tmp_path / "hw6.py"
    path.write_text(IMPORTS + WRONG["no scale"][1] + RIGHT, encoding="utf-8")
    [report] = grade_many([path], options)
    assert smallest_of(report) == ""
