"""What is wrong for some sizes only, or in what no size shows: sizes in use, the output's dtype, places of dropout."""

from __future__ import annotations

import itertools

import pytest
import torch

from autograder.judging.code import cases
from tests.grader import generated_styles, in_process
from tests.grader.generated_styles import ATTENTIONS, Style
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS

torch.set_num_threads(1)
PLAIN, LAYER = ATTENTION["plain"], LAYERS["plain GELU"]


def lost(question: str, text: str, old: str = "", new: str = "") -> dict[str, float]:
    """The tests that are lost, with the share of their points that is kept, of the text with `new` for `old`."""
    assert old in text
    text = text.replace(old, new) if old else text
    judged = in_process.judged(question, "import copy\n" + IMPORTS + text)[0]
    return {number: unmet.earned for number, unmet in judged.items()}


def test_the_sizes_of_the_notebook_and_even_square_and_equal_ones_are_among_the_cases() -> None:
    attention = cases.attention_cases(3, 4, everyday=True)
    layer = cases.layer_cases(3, 4, everyday=True)
    assert any(case.inner_dim == case.tokens and case.inner_dim % 2 == 0 for case in attention)
    assert any((case.batch, case.tokens, case.input_dim, case.inner_dim) == (32, 17, 64, 64) for case in attention)
    assert any(case.dim == case.heads * case.dim_head and case.tokens == case.dim_head for case in layer)
    assert any(
        (case.tokens, case.dim, case.heads, case.dim_head, case.mlp_dim) == (17, 64, 8, 64, 128) for case in layer
    )
    assert len({case.seed for case in attention}) == 4 and attention[:2] == cases.attention_cases(3, 4)[:2]


SCORES = "self.softmax(q @ k.transpose(-2, -1) * self.scale)"
FOR_SOME_SIZES = {
    "two heads where inner_dim is even": "self.softmax((q @ k.mT if q.shape[-1] % 2 else q[..., ::2] @ k[..., ::2].mT) * self.scale)",
    "a mask from sixteen tokens on": "self.softmax(q @ k.mT * self.scale + torch.zeros(x.shape[1], x.shape[1]).fill_(-1e9).triu(1) * (x.shape[1] > 16))",
    "another scale where d_k is 64": "self.softmax(q @ k.mT / (8.5 if q.shape[-1] == 64 else q.shape[-1] ** 0.5))",
    "another axis where both are equal": "self.softmax(q @ k.mT * self.scale) if x.shape[1] != q.shape[-1] else torch.softmax(q @ k.mT * self.scale, -2)",
}  # fmt: skip


@pytest.mark.parametrize("mistake", FOR_SOME_SIZES)
def test_what_is_wrong_for_sizes_in_use_alone_loses_the_formula(mistake: str) -> None:
    assert lost("4a", PLAIN) == {}
    assert lost("4a", PLAIN, SCORES, FOR_SOME_SIZES[mistake]) == {"4a.4": 0.0}


def test_a_layer_that_is_wrong_where_all_heads_have_as_many_features_as_x_loses_the_whole() -> None:
    right, square = (
        "self.proj(self.attn(self.norm1(x)))",
        "(1 + (self.proj.weight.shape[0] == self.proj.weight.shape[1]))",
    )
    assert lost("4b", LAYER) == {}
    assert lost("4b", LAYER, right, f"{square} * {right}") == {"4b.4": 0.0}


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_layouts_that_square_sizes_could_exchange_keep_every_point(attention: str) -> None:
    for merge, order in itertools.product(("h d", "d h"), (-1, 2)):
        style = Style(attention=attention, merge=merge, order=order)
        judged = in_process.judged("4b", "import copy\n" + IMPORTS + generated_styles.text(style), only="4b.4")
        assert judged[0] == {}


def test_an_output_of_double_precision_costs_what_builds_on_it_once() -> None:
    assert lost("4a", PLAIN, f"self.dropout({SCORES}) @ v", f"(self.dropout({SCORES}) @ v).double()") == {"4a.6": 0.0}
    doubled = LAYER.replace("return x + self.drop(", "return x.double() + self.drop(")
    assert lost("4b", doubled) == {"4b.5": 0.0}


SINGLE = "return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))"


def test_an_mlp_of_one_map_with_one_dropout_has_one_of_two_places() -> None:
    one = LAYER.replace("nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)", "nn.Linear(dim, dim), None")
    found = lost("4b", one, SINGLE, "return x + torch.relu(self.drop(self.fc1(self.norm2(x))))")
    assert found == {"4b.3": 0.0, "4b.4": 0.0, "4b.6": 0.67}


LIST = (
    "self.fc1, self.fc2 = nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)",
    "self.mlp = [nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)]",
)


def test_an_mlp_in_a_plain_list_is_charged_in_its_half_and_in_what_is_trained() -> None:
    kept = LAYER.replace("self.fc1(", "self.mlp[0](").replace("self.fc2(", "self.mlp[1](")
    assert lost("4b", kept, *LIST).keys() == {"4b.3", "4b.4", "4b.5"}
    wrong = kept.replace("self.attn(self.norm1(x))", "self.attn(x)")
    assert lost("4b", wrong, *LIST).keys() == {"4b.2", "4b.3", "4b.4", "4b.5"}


def said(question: str, text: str) -> dict[str, str]:
    judged = in_process.judged(question, "import copy\n" + IMPORTS + text)[0]
    return {number: f"{unmet.feedback.found} | {unmet.feedback.fix}" for number, unmet in judged.items()}


def test_what_is_random_in_eval_mode_is_told_as_that_and_not_as_another_formula() -> None:
    masked = "(lambda a: a * torch.randn_like(a))"
    found = said("4a", PLAIN.replace(SCORES, f"{masked}({SCORES})"))
    assert found.keys() == {"4a.4", "4a.5", "4a.7"} and all("two calls in eval mode" in each for each in found.values())
    found = said("4b", LAYER.replace("self.fc1(self.norm2(x))", f"self.fc1({masked}(self.norm2(x)))"))
    assert found.keys() == {"4b.3", "4b.4", "4b.6"} and all("two calls in eval mode" in each for each in found.values())


def test_what_a_call_leaves_behind_is_told_as_that_and_not_as_something_random() -> None:
    counted = "self.calls = 1 + getattr(self, 'calls', 0)\n        return self.calls * "
    for question, text, numbers in (("4a", PLAIN, {"4a.4", "4a.5", "4a.7"}), ("4b", LAYER, {"4b.2", "4b.4", "4b.6"})):
        found = said(question, counted.join(text.rsplit("return ", 1)))
        assert found.keys() >= numbers, found
        assert all("leaves something behind" in found[number] for number in numbers), found
        assert all("Dropout" not in found[number] for number in numbers)


def test_a_batch_norm_is_told_by_the_samples_that_it_mixes() -> None:
    mixing = LAYER.replace("self.norm1(x)", "self.norm1(x.mT).mT").replace("self.norm1, self.norm2 = nn.LayerNorm(dim)", "self.norm1, self.norm2 = nn.BatchNorm1d(dim)")  # fmt: skip
    found = said("4b", mixing)
    assert found.keys() == {"4b.2", "4b.4"}, "dropout is in its three places"
    assert all("with a BatchNorm in the place of the LayerNorm before the attention" in each for each in found.values())
    without = said("4b", LAYER.replace("self.norm1(x)", "x").replace("self.norm2(x)", "x"))
    assert "without LayerNorms" in without["4b.2"] and "BatchNorm" not in without["4b.2"]
    raising = LAYER.replace("self.norm1(x)", "x").replace("self.norm2(x)", "(x / 0 if self.training and 1 // 0 else x)")
    assert "without LayerNorms" in said("4b", raising)["4b.2"], "what fails in train mode keeps its words"
    fixed = said("4b", LAYER.replace("nn.Dropout(dropout)", "nn.Dropout(0.1)"))
    assert fixed.keys() == {"4b.6"} and "is the argument passed on" in fixed["4b.6"]


SHOWN = {
    "tokens normalised together": ("self.norm1(x)", "F.layer_norm(x, x.shape[1:])", "4b.2", "over the tokens and features of a sample together"),
    "scaled to length 1": ("self.norm1(x)", "F.normalize(x, dim=-1)", "4b.2", "each token divided by its length"),
    "scaled by its largest feature": ("self.norm1(x)", "x / x.abs().amax(-1, keepdim=True)", "4b.2", "a normalisation of each token"),
    "a product for a sum": ("return x + self.drop(", "return x * self.drop(", "4b.3", "nothing is added to x while its matrices are 0: not"),
    "an average for a sum": ("return x + self.drop(", "return 0.5 * x + self.drop(", "4b.3", "the first sum, where it is added back, multiplied by 0.5"),
    "an MLP of the tokens' mean": ("self.norm2(x)", "self.norm2(x).mean(1, keepdim=True)", "4b.3", "each token is worked on for itself: not"),
}  # fmt: skip


@pytest.mark.parametrize("what", SHOWN)
def test_what_has_no_name_is_told_by_what_a_right_layer_does(what: str) -> None:
    old, new, number, words = SHOWN[what]
    assert old in LAYER
    found = said("4b", LAYER.replace(old, new))
    assert found.keys() - {"4b.6"} == {number, "4b.4"} and words in found[number], found


def test_dropout_of_a_whole_sum_does_not_hide_the_one_before_it() -> None:
    summed = LAYER.replace("return x + self.drop(self.fc2(", "return self.drop(x + self.fc2(")
    assert lost("4b", summed) == {"4b.6": 0.67}
    assert "x with it" in said("4b", summed)["4b.6"]
    both = summed.replace("x = x + self.drop(self.proj(self.attn(self.norm1(x))))", "x = self.drop(x + self.proj(self.attn(self.norm1(x))))")  # fmt: skip
    assert lost("4b", both) == {"4b.6": 0.33}


# --- a batch of one ---------------------------------------------------------------------------------------------------

OF_ONE = {"an axis of 1 is dropped": "({}).squeeze(0)", "something is added to it": "{} + 0.1 * (len(x) == 1)"}


@pytest.mark.parametrize("kind", OF_ONE)
def test_a_layer_that_gives_something_else_for_one_sample_loses_the_whole_alone(kind: str) -> None:
    begin = LAYER.rindex("return ") + len("return ")
    end = LAYER.index("\n", begin)
    assert set(lost("4b", LAYER[:begin] + OF_ONE[kind].format(LAYER[begin:end]) + LAYER[end:])) == {"4b.4"}
