"""A student's own `Attention`, changed to match heads that return their weights, too: judged where ours does not fit."""

from __future__ import annotations

import pytest

from autograder.core.records import Report, Status
from autograder.grading import Options, grade_many
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS

pytestmark = pytest.mark.slow
HEAD, LAYER = ATTENTION["plain"], LAYERS["plain GELU"]


def changed(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


TUPLE_HEAD = """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(input_dim, inner_dim, bias=False) for _ in range(3))
        self.drop = nn.Dropout(dropout)
        self.scale = inner_dim ** -0.5

    def forward(self, x):
        w = self.drop(torch.softmax(self.q(x) @ self.k(x).transpose(-2, -1) * self.scale, dim=-1))
        return w @ self.v(x), w
"""
OWN = """
class Attention(nn.Module):
    def __init__(self, dim, heads=8, dim_head=64, dropout=0.):
        super().__init__()
        self.attention_heads = nn.ModuleList([SingleHeadAttention(dim, dim_head, dropout) for _ in range(heads)])

    def forward(self, x):
        found = [head(x) for head in self.attention_heads]
        return torch.cat([out for out, _ in found], dim=-1), torch.stack([w for _, w in found])
"""
OWN_OF_TENSORS = changed(
    OWN, ("out for out, _ in found", "out for out in found"), ("torch.stack([w for _, w in found])", "len(found)")
)
UNPACKS = changed(
    LAYER,
    (
        "x = x + self.drop(self.proj(self.attn(self.norm1(x))))",
        "out, maps = self.attn(self.norm1(x))\n        x = x + self.drop(self.proj(out))",
    ),
)
POST_NORM = changed(
    UNPACKS,
    ("self.attn(self.norm1(x))", "self.attn(x)"),
    ("x = x + self.drop(self.proj(out))", "x = self.norm1(x + self.drop(self.proj(out)))"),
)
READY = changed(
    OWN,
    (
        "found = [head(x) for head in self.attention_heads]",
        "x = F.scaled_dot_product_attention(x, x, x)\n        found = [head(x) for head in self.attention_heads]",
    ),
)
# Another class that happens to have the name: made in another way, with a projection of its own.
NAMESAKE = """
class Attention(nn.Module):
    def __init__(self, size, width, count):
        super().__init__()
        self.parts = nn.ModuleList([SingleHeadAttention(size, width) for _ in range(count)])
        self.out = nn.Linear(width * count, size)

    def forward(self, x):
        return self.out(torch.cat([part(x) for part in self.parts], -1))
"""
USES_NAMESAKE = changed(
    LAYER,
    ("Attention(dim, heads, dim_head, dropout)", "Attention(dim, dim_head, heads)"),
    ("self.proj(self.attn(self.norm1(x)))", "self.attn(self.norm1(x))"),
)
SHORTER = changed(
    OWN,
    ("dim, heads=8, dim_head=64, dropout=0.)", "dim, heads=8, dim_head=64)"),
    ("SingleHeadAttention(dim, dim_head, dropout)", "SingleHeadAttention(dim, dim_head)"),
)
PLAIN_POST_NORM = changed(
    LAYER, ("x = x + self.drop(self.proj(self.attn(self.norm1(x))))", "x = self.norm1(x + self.drop(self.proj(self.attn(x))))")
)  # fmt: skip
OWN_OF_ONE = changed(
    OWN_OF_TENSORS, (", len(found)", ""), ("torch.cat([out for out in found], dim=-1)", "torch.cat(found, -1)")
)
OWN_OF_THREE = changed(OWN, ("dim=-1), torch", "dim=-1), None, torch"))
MISSPELLED = changed(UNPACKS, ("out, maps =", "out, nothing, maps ="), ("self.proj(out)", "self.porj(out)"))
CASES = {
    "an edit that leaves an argument out": TUPLE_HEAD + SHORTER + changed(UNPACKS, ("Attention(dim, heads, dim_head, dropout)", "Attention(dim, heads, dim_head)")),
    "heads, Attention and layer hand maps through": TUPLE_HEAD + OWN + UNPACKS,
    "heads return one tensor, Attention two": HEAD + OWN_OF_TENSORS + UNPACKS,
    "the layer fits ours although Attention was changed": HEAD + OWN_OF_TENSORS + LAYER,
    "post-norm in a layer that unpacks": TUPLE_HEAD + OWN + POST_NORM,
    "post-norm, with an Attention that does what ours does": HEAD + OWN_OF_ONE + PLAIN_POST_NORM,
    "post-norm, with an Attention that does not fit": HEAD + OWN_OF_TENSORS + PLAIN_POST_NORM,
    "another failure behind the one that ours makes": TUPLE_HEAD + OWN_OF_THREE + MISSPELLED,
    "ready-made attention in one's own Attention": TUPLE_HEAD + READY + UNPACKS,
    "ready-made attention in one that is not used": HEAD + READY + LAYER,
    "a namesake, made in another way": HEAD + NAMESAKE + USES_NAMESAKE,
}  # fmt: skip


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    folder = tmp_path_factory.mktemp("own")
    paths = []
    for number, text in enumerate(CASES.values()):
        path = folder / str(number) / "hw6.py"
        path.parent.mkdir()
        path.write_text(IMPORTS + text, encoding="utf-8")
        paths.append(path)
    return dict(zip(CASES, grade_many(paths, Options(only="4"))))


def lost(report: Report, question: str) -> dict[str, str]:
    tests = [test for test in report.tests if test.number.startswith(question)]
    assert tests, report.staff_notes
    return {t.number: f"{t.status.value} {t.feedback.lines()}" for t in tests if t.status is not Status.PASSED}


@pytest.mark.parametrize("case", list(CASES)[:3])
def test_a_layer_that_fits_ones_own_attention_keeps_every_point_and_trains(
    graded: dict[str, Report], case: str
) -> None:
    assert lost(graded[case], "4a") == {} and lost(graded[case], "4b") == {} and lost(graded[case], "4c.3") == {}
    remarks = [text for test in graded[case].tests if test.number.startswith("4b") for text in test.remarks]
    assert any("judged with your own" in text and "Attention" in text for text in remarks)


@pytest.mark.parametrize(
    "case", ["the layer fits ours although Attention was changed", "ready-made attention in one that is not used"]
)
def test_where_ours_fits_nothing_is_tried_and_nothing_of_the_other_counts(graded: dict[str, Report], case: str) -> None:
    assert lost(graded[case], "4b") == {}
    assert not [r for t in graded[case].tests for r in t.remarks if "your own" in r and "4b" in t.number]


def test_a_wrong_layer_over_ones_own_attention_loses_what_it_gets_wrong_and_is_told_so(
    graded: dict[str, Report],
) -> None:
    report = graded["post-norm in a layer that unpacks"]
    assert lost(report, "4b").keys() == {"4b.2", "4b.4"}
    assert "LayerNorm" in str(lost(report, "4b"))


def remarks_of(report: Report) -> list[str]:
    return [text for test in report.tests if test.number.startswith("4b") for text in test.remarks]


def test_a_failure_that_ones_own_attention_does_not_change_is_told_without_a_word_of_it(
    graded: dict[str, Report],
) -> None:
    for case in [name for name in CASES if name.startswith("post-norm, with an Attention")]:
        assert lost(graded[case], "4b").keys() == {"4b.2", "4b.4"}
        assert not [text for text in remarks_of(graded[case]) if "did no better" in text]


def test_where_ones_own_attention_changes_what_fails_the_student_is_told_that_it_was_tried(
    graded: dict[str, Report],
) -> None:
    told = remarks_of(graded["another failure behind the one that ours makes"])
    assert [text for text in told if "tried with your own, too, and did no better: then" in text], told
    assert any("porj" in text or "AttributeError" in text for text in told)


def test_another_class_of_the_name_is_replaced_and_the_student_is_told(graded: dict[str, Report]) -> None:
    report = graded["a namesake, made in another way"]
    assert sum(test.score for test in report.tests if test.number.startswith("4b")) == 0
    assert any(f.rule == "edited-provided" and f.construct == "Attention" for f in report.submission.findings)
    remarks = [text for test in report.tests if test.number.startswith("4b") for text in test.remarks]
    assert any("the handout's Attention stands here in the place of your class" in text for text in remarks), remarks


def test_ready_made_attention_in_ones_own_attention_gains_nothing(graded: dict[str, Report]) -> None:
    report = graded["ready-made attention in one's own Attention"]
    assert sum(test.score for test in report.tests if test.number.startswith("4b")) == 0
