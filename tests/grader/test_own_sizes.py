"""Numbers in the place of arguments: what works for the model of 4(c) alone loses the test that asks for the arguments."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autograder.core.records import ExitKind, Status
from autograder.grading import Options, grade
from autograder.judging import Unmet, own_sizes
from autograder.judging.code.cases import Cases
from tests.grader import in_process
from tests.grader.generated_styles import Style
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS
from tests.grader.wrong_styles import HEAD, STRUCTURE, changed, spoilt

HEADS, LAYER = {"input_dim": 64, "inner_dim": 64}, {"dim": 64, "heads": 8, "dim_head": 64, "mlp_dim": 128}
NAMES = {"4a": ("input_dim", "inner_dim"), "4b": ("dim", "heads", "dim_head", "mlp_dim")}
CLASS = {"4a": "SingleHeadAttention", "4b": "ViTLayer"}
# Dropout before the projection, or in the provided Attention alone: with so many features it cannot be told any more.


def pinned(question: str, text: str, sizes: dict[str, int]) -> str:
    """The program with numbers in the place of these arguments, whatever it calls them."""
    found = re.search(rf"class {CLASS[question]}\b.*?def __init__\(([^)]*)\)[^:]*:\n( *)", text, re.DOTALL)
    assert found
    called = [re.split(r"[:=]", each)[0].strip() for each in found[1].split(",")]
    theirs = dict(zip(NAMES[question], [name for name in called if name and name not in ("self", "*")]))
    lines = "".join(f"{theirs[name]} = {size}\n{found[2]}" for name, size in sizes.items())
    return IMPORTS + text[: found.end()] + lines + text[found.end() :]


def lost(question: str, text: str, sizes: dict[str, int]) -> dict[str, Unmet]:
    return in_process.judged(question, "import copy\n" + pinned(question, text, sizes))[0]


@pytest.mark.parametrize("style", ATTENTION)
def test_a_right_head_of_two_numbers_loses_one_point(style: str) -> None:
    found = lost("4a", ATTENTION[style], HEADS)
    assert set(found) == {"4a.1"} and found["4a.1"].own_sizes == HEADS
    assert "made for input_dim 64, inner_dim 64, as in the model of 4(c)" in found["4a.1"].feedback.found


@pytest.mark.parametrize("style", LAYERS)
def test_a_right_layer_of_four_numbers_loses_half_a_point(style: str) -> None:
    found = lost("4b", LAYERS[style], LAYER)
    assert set(found) == {"4b.1"} and found["4b.1"].own_sizes == LAYER


SOME = [("4a", {"input_dim": 64}), ("4a", {"inner_dim": 64}), ("4b", {"dim": 64}), ("4b", {"mlp_dim": 128})]
SOME += [("4b", {"heads": 8}), ("4b", {"dim_head": 64}), ("4b", {"heads": 8, "dim_head": 64, "mlp_dim": 128})]


@pytest.mark.parametrize(("question", "sizes"), SOME, ids=str)
def test_only_what_is_a_number_is_called_one(question: str, sizes: dict[str, int]) -> None:
    text = ATTENTION["plain"] if question == "4a" else LAYERS["plain GELU"]
    found = lost(question, text, sizes)
    assert set(found) == {f"{question}.1"} and found[f"{question}.1"].own_sizes == sizes


def test_a_width_that_follows_from_another_argument_is_as_asked_for_one_of_them() -> None:
    """2 * dim is mlp_dim in the model of 4(c); 4 * dim is not, and is charged as another layer."""
    found = in_process.judged("4b", IMPORTS + _wide("2 * dim"))[0]
    assert set(found) == {"4b.1"} and found["4b.1"].own_sizes == {"dim": 64, "mlp_dim": 128}
    assert set(in_process.judged("4b", IMPORTS + _wide("4 * dim"))[0]) == {"4b.3", "4b.4"}


def _wide(width: str) -> str:
    text = LAYERS["plain GELU"]
    signature, _, body = text.partition("super().__init__()")
    assert "mlp_dim" in body
    return signature + "super().__init__()" + body.replace("mlp_dim", f"({width})")


def test_two_arguments_that_were_exchanged_are_told_by_what_they_do() -> None:
    """It works where both are 64; what to compare is said beside that."""
    text = ATTENTION["plain"].replace("nn.Linear(input_dim, inner_dim", "nn.Linear(inner_dim, input_dim")
    assert text != ATTENTION["plain"]
    found = in_process.judged("4a", IMPORTS + text)[0]
    assert set(found) == {"4a.1"} and found["4a.1"].own_sizes == HEADS


def test_the_words_of_what_was_seen_stand_beside_ours() -> None:
    said = own_sizes.told("4a", HEADS, Unmet("it raised", fix="compare its first argument")).feedback.fix
    assert said.startswith("use the arguments of __init__") and "; or compare its first argument;" in said
    assert own_sizes.told("4a", HEADS, Unmet("it raised", fix="dim is of __init__")).feedback.fix.startswith("dim is")


HEAD_OF_X = {
    "tokens asserted": "assert x.shape[1] == 17",
    "tokens in a view": "x = x.view(-1, 17, x.shape[-1])",
    "a batch asserted": "assert len(x) == 32, 'a batch of 32'",
    "all of it": "assert x.shape == (32, 17, 64)",
}


@pytest.mark.parametrize("kind", HEAD_OF_X)
def test_a_head_for_one_number_of_tokens_or_one_batch_is_for_no_other(kind: str) -> None:
    """x has any number of both: there is no argument that it could have used in its place."""
    text = ATTENTION["plain"].replace("def forward(self, x):\n", f"def forward(self, x):\n        {HEAD_OF_X[kind]}\n")
    found = in_process.judged("4a", IMPORTS + text)[0]
    assert found["4a.1"].own_sizes == {} and "made for" not in found["4a.1"].feedback.found


@pytest.mark.parametrize("kind", HEAD_OF_X)
def test_a_layer_for_one_number_of_tokens_or_one_batch_is_for_no_other(kind: str) -> None:
    text = spoilt(Style(attention="the provided attention", order=4))
    forward = text.index("def forward(self, x):", text.index("class ViTLayer")) + len("def forward(self, x):")
    indent = re.search(r"\n *", text[forward:])
    assert indent
    text = f"{text[:forward]}{indent[0]}{HEAD_OF_X[kind]}{text[forward:]}"
    found = in_process.judged("4b", IMPORTS + text)[0]
    assert found["4b.1"].own_sizes == {} and "made for" not in found["4b.1"].feedback.found


def test_features_that_are_asserted_are_a_number_in_the_place_of_an_argument() -> None:
    text = ATTENTION["plain"].replace(
        "def forward(self, x):\n", "def forward(self, x):\n        assert x.shape[2] == 64\n"
    )
    found = in_process.judged("4a", IMPORTS + text)[0]
    assert set(found) == {"4a.1"} and found["4a.1"].own_sizes == {"input_dim": 64}


DEFAULTS = {
    "dim_head": ("Attention(dim, heads, dropout=dropout)", "heads * 64, dim)", {"dim_head": 64}),
    "heads": ("Attention(dim, dim_head=dim_head, dropout=dropout)", "8 * dim_head, dim)", {"heads": 8}),
    "both": ("Attention(dim, dropout=dropout)", "8 * 64, dim)", {"heads": 8, "dim_head": 64}),
}


@pytest.mark.parametrize("kind", DEFAULTS)
def test_defaults_of_the_provided_attention_are_numbers_too(kind: str) -> None:
    call, out, sizes = DEFAULTS[kind]
    plain = LAYERS["plain GELU"]
    text = plain.replace("Attention(dim, heads, dim_head, dropout)", call).replace("heads * dim_head, dim)", out)
    assert call in text and out in text
    found = in_process.judged("4b", IMPORTS + text)[0]
    assert set(found) == {"4b.1"} and found["4b.1"].own_sizes == sizes
    assert "Attention has defaults of its own" in found["4b.1"].feedback.fix


# --- numbers of the program's own -------------------------------------------------------------------------------------

OTHER_HEADS = [{"input_dim": 512, "inner_dim": 512}, {"input_dim": 96, "inner_dim": 16}, {"input_dim": 512}]
OTHER_LAYERS = [
    {"dim": 512, "heads": 8, "dim_head": 64, "mlp_dim": 512},
    {"dim": 96, "heads": 6, "dim_head": 16, "mlp_dim": 384},
    {"dim": 48, "heads": 4, "dim_head": 20, "mlp_dim": 112},
]


@pytest.mark.parametrize("style", list(ATTENTION)[::6])
@pytest.mark.parametrize("sizes", OTHER_HEADS, ids=str)
def test_a_right_head_of_other_numbers_than_the_notebooks_loses_one_point(style: str, sizes: dict[str, int]) -> None:
    found = lost("4a", ATTENTION[style], sizes)
    assert set(found) == {"4a.1"} and found["4a.1"].own_sizes == sizes
    assert "as in the model" not in found["4a.1"].feedback.found


@pytest.mark.parametrize("style", list(LAYERS)[::8])
@pytest.mark.parametrize("sizes", OTHER_LAYERS, ids=str)
def test_a_right_layer_of_other_numbers_than_the_notebooks_loses_half_a_point(
    style: str, sizes: dict[str, int]
) -> None:
    found = lost("4b", LAYERS[style], sizes)
    assert set(found) == {"4b.1"} and found["4b.1"].own_sizes == sizes


@pytest.mark.parametrize("name", ["no scale", "softmax over queries"])
def test_a_wrong_head_of_other_numbers_loses_what_it_loses_otherwise(name: str) -> None:
    found = lost("4a", changed(ATTENTION["plain"], HEAD[name]), {"input_dim": 512, "inner_dim": 96})
    assert set(found) - {"4a.1"} == HEAD[name].lost


# --- an attention of the layer's own ----------------------------------------------------------------------------------

OF_ITS_OWN = ["three maps (h d)", "fused (three h d)", "fused (d three h)", "one array of four axes"]


@pytest.mark.parametrize("attention", OF_ITS_OWN)
@pytest.mark.parametrize("sizes", [{"heads": 8, "dim_head": 64}, {"dim_head": 64}, LAYER], ids=str)
def test_an_attention_of_its_own_with_numbers_loses_half_a_point(attention: str, sizes: dict[str, int]) -> None:
    found = lost("4b", spoilt(Style(attention=attention, order=5)), sizes)
    assert set(found) == {"4b.1"} and found["4b.1"].own_sizes == sizes
    assert ("Attention has defaults" in found["4b.1"].feedback.fix) == ("dim" in sizes)


@pytest.mark.parametrize("attention", [*OF_ITS_OWN[:3], "the provided attention"])
@pytest.mark.parametrize("only_where_it_divides", [True, False])
def test_heads_that_share_dim_are_said_to(attention: str, only_where_it_divides: bool) -> None:
    """One mistake, one price: whether it works for any sizes, and gives another layer, or for some alone."""
    text = spoilt(Style(attention=attention, order=5))
    first = text.index("super().__init__()")
    stops = "assert dim % heads == 0; " if only_where_it_divides else ""
    text = f"{text[:first]}{stops}dim_head = dim // heads; {text[first:]}"
    found = in_process.judged("4b", IMPORTS + text)[0]
    assert set(found) == {"4b.1"} and found["4b.1"].own_sizes == {"dim": 64, "heads": 8, "dim_head": 8}
    assert found["4b.1"].feedback.found.startswith("it is as asked where heads * dim_head is dim: elsewhere, ")
    assert "as dim // heads or dim // dim_head?" in found["4b.1"].feedback.fix


# Numbers that are not the model's work nowhere; a width that follows from dim is another layer. Charged as they were.
OTHERS = {
    "other heads": ({"heads": 4, "dim_head": 32}, {"4b.2", "4b.3", "4b.4"}),
    "another width": ({"mlp_dim": 96}, {"4b.3", "4b.4"}),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_numbers_are_charged_where_they_show(kind: str) -> None:
    sizes, expected = OTHERS[kind]
    assert set(lost("4b", LAYERS["plain GELU"], sizes)) - {"4b.6"} == expected


@pytest.mark.parametrize("name", ["no scale", "softmax over queries", "softmax twice", "values added"])
def test_a_wrong_head_of_two_numbers_loses_what_it_loses_otherwise(name: str) -> None:
    found = lost("4a", changed(ATTENTION["plain"], HEAD[name]), HEADS)
    assert set(found) - {"4a.1"} == HEAD[name].lost
    assert found["4a.1"].own_sizes == HEADS


@pytest.mark.parametrize("name", ["post-norm", "no second residual", "no activation", "side by side"])
def test_a_wrong_layer_of_four_numbers_loses_what_it_loses_otherwise(name: str) -> None:
    text = spoilt(Style(attention="the provided attention", order=4), STRUCTURE[name])
    assert set(lost("4b", text, LAYER)) - {"4b.1", "4b.5", "4b.6"} == STRUCTURE[name].lost


def test_what_answers_at_no_size_is_told_as_it_was() -> None:
    broken = ATTENTION["plain"].replace("def forward(self, x):\n", "def forward(self, x):\n        raise KeyError(1)\n")
    found = in_process.judged("4a", IMPORTS + broken)[0]
    assert found["4a.1"].own_sizes == {} and "made for" not in found["4a.1"].feedback.found


STUBS = {"4a": "raise NotImplementedError", "4b": "return x + self.missing(x)"}


@pytest.mark.parametrize("question", STUBS)
def test_what_no_size_changes_is_tried_at_one_other_size_alone(question: str) -> None:
    """Each try that raises ends the student's process, and starting another one takes as long as a test."""
    text = ATTENTION["plain"] if question == "4a" else LAYERS["plain GELU"]
    head = "def forward(self, x):\n        "
    begin = text.index(head, text.index(CLASS[question])) + len(head)
    text = IMPORTS + text[:begin] + STUBS[question] + "\n        " + text[begin:]
    unmet = in_process.judged(question, text, only=f"{question}.1")[0][f"{question}.1"]
    assert unmet.error in ("NotImplementedError", "AttributeError") and unmet.own_sizes == {}
    student = in_process.Student({question: text})
    assert own_sizes.found(student, question, Cases(1), unmet) == {}  # type: ignore[arg-type]
    assert student.forwards == 1


@pytest.mark.parametrize("ending", sorted(own_sizes.HOPELESS, key=str))
def test_what_takes_all_its_time_or_memory_is_not_tried_again(ending: ExitKind) -> None:
    student = in_process.Student({"4a": IMPORTS + ATTENTION["plain"]})
    tried = []

    def judge(cases: Cases) -> None:
        tried.append(cases)
        raise Unmet("not finished in time", ending=ending)

    with pytest.raises(Unmet, match="not finished"):
        own_sizes.judged(student, "4a", Cases(1), judge)  # type: ignore[arg-type]
    assert len(tried) == 1 and not student.messages


@pytest.mark.slow
def test_both_classes_of_numbers_train_in_a_model_of_their_sizes(tmp_path: Path) -> None:
    layer = pinned("4b", LAYERS["plain GELU"], LAYER).removeprefix(IMPORTS)
    (tmp_path / "hw6.py").write_text(pinned("4a", ATTENTION["plain"], HEADS) + layer, encoding="utf-8")
    report = grade(tmp_path, Options(without="q2"))
    results = {test.number: test for test in report.tests if test.number.startswith(("4a", "4b", "4c.3"))}
    assert {number for number, test in results.items() if test.status is not Status.PASSED} == {"4a.1", "4b.1"}
    assert results["4a.1"].own_sizes == HEADS and results["4b.1"].own_sizes == LAYER
    assert "other tests were run with these numbers" in results["4b.1"].feedback.fix
