"""A wrong solution loses the points of what it got wrong, in its own question, and hears which mistake it is."""

import pytest

from autograder.core.records import Report, Status
from autograder.grading import grade_many
from tests.grader import layers_alone
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS

pytestmark = pytest.mark.slow

PLAIN, LAYER = ATTENTION["plain"], LAYERS["plain GELU"]
KEYS_COLUMNS = "self.softmax(q @ k.transpose(-2, -1) * self.scale)"
ATTEND = "x = x + self.drop(self.proj(self.attn(self.norm1(x))))"
MLP = "return x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))"


def swap(text: str, old: str, new: str) -> str:
    assert old in text, old
    return text.replace(old, new)


# name: (question, text, tests that must be lost, words of the feedback)
WRONG = {
    "no scale": ("4a", swap(PLAIN, " * self.scale", ""), {"4a.4"}, "without the division by √d_k"),
    "scale by d": ("4a", swap(PLAIN, "** -0.5", "** -1.0"), {"4a.4"}, "divided by d_k instead of √d_k"),
    "scale by the input's size": ("4a", swap(PLAIN, "inner_dim ** -0.5", "input_dim ** -0.5"), {"4a.4"}, "√input_dim"),
    "softmax over queries": ("4a", swap(PLAIN, "nn.Softmax(dim=-1)", "nn.Softmax(dim=-2)"), {"4a.4"}, "over the QUERIES"),
    "softmax over the batch": ("4a", swap(PLAIN, "nn.Softmax(dim=-1)", "nn.Softmax(dim=0)"), {"4a.4", "4a.5"}, "over the BATCH"),
    "no softmax": ("4a", swap(PLAIN, KEYS_COLUMNS, "q @ k.transpose(-2, -1) * self.scale"), {"4a.4"}, "without the softmax"),
    "keys reshaped": ("4a", swap(PLAIN, "k.transpose(-2, -1)", "k.view(k.shape[0], k.shape[2], k.shape[1])"), {"4a.4", "4a.5"}, "in the SHAPE of its transpose"),
    "one sum for all": ("4a", swap(PLAIN, KEYS_COLUMNS, "(lambda e: e / e.sum())(torch.exp(q @ k.transpose(-2, -1) * self.scale))"), {"4a.4", "4a.5"}, "one sum over all scores"),
    "batch and tokens exchanged": ("4a", swap(PLAIN, "    def forward(self, x):\n", "    def forward(self, x):\n        return self.attend(x.transpose(0, 1)).transpose(0, 1)\n\n    def attend(self, x):\n"), {"4a.4", "4a.5"}, "samples attending to each other"),
    "x scaled": ("4a", swap(swap(PLAIN, " * self.scale", ""), "    def forward(self, x):\n", "    def forward(self, x):\n        x = x * self.scale ** 0.5\n"), {"4a.4"}, "V divided by the fourth root"),
    "squeezed": ("4a", swap(PLAIN, "@ v", "@ v).squeeze()").replace("return self", "return (self"), {"4a.5"}, "every axis of size 1"),
    "weighed down in eval": ("4a", swap(PLAIN, "@ v", "@ v * (1 - self.dropout.p * (not self.training))"), {"4a.7"}, "depends on the dropout probability"),
    "cosines": ("4a", swap(PLAIN, "q @ k.transpose(-2, -1) * self.scale", "F.cosine_similarity(q[:, :, None], k[:, None], dim=-1)"), {"4a.2", "4a.4"}, "with cosines of Q and K"),
    "itself hidden": ("4a", swap(PLAIN, "q @ k.transpose(-2, -1) * self.scale", "(q @ k.transpose(-2, -1) * self.scale).masked_fill(torch.eye(x.shape[1]).bool(), -1e9)"), {"4a.4"}, "from attending to itself"),
    "neighbours": ("4a", swap(PLAIN, "q @ k.transpose(-2, -1) * self.scale", "(q @ k.transpose(-2, -1) * self.scale).masked_fill((torch.arange(x.shape[1])[:, None] - torch.arange(x.shape[1])).abs() > 1, -1e9)"), {"4a.4", "4a.5"}, "its neighbours only"),
    "features for tokens": ("4a", swap(PLAIN, KEYS_COLUMNS + ") @ v", "torch.softmax(q.transpose(-2, -1) @ k * self.scale, -1)) @ v.mT").replace("return self.drop", "return (self.drop").replace("@ v.mT", "@ v.mT).mT"), {"4a.4"}, "features attending to features"),
    "values by features": ("4a", swap(PLAIN, "return self.dropout(" + KEYS_COLUMNS + ") @ v", "return v @ self.dropout(torch.softmax(q.transpose(-2, -1) @ k * self.scale, -1))"), {"4a.4"}, "features attending to features"),
    "rectified projections": ("4a", swap(PLAIN, "self.to_q(x), self.to_k(x), self.to_v(x)", "self.to_q(x).relu(), self.to_k(x).relu(), self.to_v(x).relu()"), {"4a.4"}, "a ReLU on queries, keys and values"),
    "scores in half precision": ("4a", swap(PLAIN, "q @ k.transpose(-2, -1) * self.scale", "(q.bfloat16() @ k.bfloat16().transpose(-2, -1)).float() * self.scale"), {"4a.4"}, "within 2 % of the reference"),
    "an eps in the scale": ("4a", swap(PLAIN, "@ v", "@ v * 0.999"), {"4a.4"}, "within 2 % of the reference"),
    "all samples flat": ("4a", swap(PLAIN, "    def forward(self, x):\n", "    def forward(self, x):\n        return self.attend(x.flatten(0, 1)[None]).view(*x.shape[:2], -1)\n\n    def attend(self, x):\n"), {"4a.4", "4a.5"}, "tokens of all samples"),
    "rounded scores": ("4a", swap(PLAIN, "q @ k.transpose(-2, -1) * self.scale", "q @ k.transpose(-2, -1) // (1 / self.scale)"), {"4a.4", "4a.6"}, "rounded down"),
    "entry by entry": ("4a", swap(PLAIN, "self.softmax(q @ k.transpose(-2, -1) * self.scale)) @ v", "torch.softmax((q * k).sum(-1, keepdim=True) * self.scale, dim=1)) * v"), {"4a.4"}, "entry by entry"),
    "squared distances": ("4a", swap(PLAIN, "q @ k.transpose(-2, -1) * self.scale", "-((q[:, :, None] - k[:, None]) ** 2).sum(-1)"), {"4a.4"}, "squared distances"),
    "one projection for two": ("4a", swap(PLAIN, "self.to_k(x)", "self.to_q(x)"), {"4a.4"}, "one projection used for two"),
    "rectified values": ("4a", swap(PLAIN, "self.to_v(x)", "self.to_v(x).relu()"), {"4a.4"}, "with a ReLU on the values"),
    "logarithms for weights": ("4a", swap(PLAIN, "nn.Softmax(dim=-1)", "nn.LogSoftmax(dim=-1)"), {"4a.2", "4a.4"}, "the logarithm of the softmax"),
    "a root of the root": ("4a", swap(PLAIN, "inner_dim ** -0.5", "inner_dim ** -0.25"), {"4a.4"}, "the fourth root of d_k instead of √d_k"),
    "later scores zeroed": ("4a", swap(PLAIN, "q @ k.transpose(-2, -1) * self.scale", "(q @ k.transpose(-2, -1) * self.scale).tril()"), {"4a.4", "4a.5"}, "the scores of later tokens set to 0"),
    "biases": ("4a", swap(PLAIN, ", bias=False", ""), {"4a.3"}, "bias"),
    "no dropout": ("4a", swap(PLAIN, "self.dropout(self.softmax", "(self.softmax"), {"4a.7"}, "nothing is dropped"),
    "dropout in eval too": ("4a", swap(PLAIN, "self.dropout(", "torch.dropout("). replace("self.scale)) @ v", "self.scale), 0.5, True) @ v"), {"4a.7"}, "eval mode"),
    "detached": ("4a", swap(PLAIN, "q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)", "q, k, v = self.to_q(x), self.to_k(x).detach(), self.to_v(x)"), {"4a.6"}, "no gradient reaches"),
    "functional softmax": ("4a", swap(PLAIN, "self.softmax(q", "F.softmax(q").replace("* self.scale)) @ v", "* self.scale, dim=-1)) @ v"), {"4a.2"}, "softmax"),
    "not filled in": ("4a", PLAIN.split("    def forward")[0] + "    def forward(self, x):\n        raise NotImplementedError\n", {"4a.1"}, "NotImplementedError"),
    "wrong shape": ("4a", PLAIN + "\n\nclass SingleHeadAttention(nn.Module):\n    def __init__(self, input_dim, inner_dim, dropout=0.):\n        super().__init__()\n        self.l = nn.Linear(input_dim, inner_dim)\n    def forward(self, x):\n        return self.l(x).sum(1)\n", {"4a.1"}, "shape"),
    "post-norm": ("4b", swap(swap(LAYER, ATTEND, "x = self.norm1(x + self.drop(self.proj(self.attn(x))))"), MLP, "return self.norm2(x + self.drop(self.fc2(self.drop(F.gelu(self.fc1(x))))))"), {"4b.2", "4b.3", "4b.4"}, "post-norm"),
    "no first residual": ("4b", swap(LAYER, ATTEND, ATTEND.replace("x = x + ", "x = ")), {"4b.2", "4b.4"}, "without the residual connection around the attention"),
    "no second residual": ("4b", swap(LAYER, MLP, MLP.replace("x + ", "")), {"4b.3", "4b.4"}, "without the residual connection around the MLP"),
    "one LayerNorm": ("4b", swap(LAYER, "self.norm2(x)", "self.norm1(x)"), {"4b.4"}, "one LayerNorm used in both places"),
    "no activation": ("4b", swap(LAYER, "F.gelu(self.fc1(self.norm2(x)))", "self.fc1(self.norm2(x))"), {"4b.3", "4b.4"}, "without a non-linearity"),
    "eps of 1": ("4b", swap(LAYER, "nn.LayerNorm(dim)", "nn.LayerNorm(dim, 1)"), {"4b.4"}, "with LayerNorms whose eps is 1"),
    "eps of a tenth": ("4b", swap(LAYER, "nn.LayerNorm(dim)", "nn.LayerNorm(dim, eps=0.1)"), {"4b.4"}, "with LayerNorms whose eps is 0.1"),
    "softmax for an activation": ("4b", swap(LAYER, "F.gelu(self.fc1(self.norm2(x)))", "torch.softmax(self.fc1(self.norm2(x)), -1)"), {"4b.3", "4b.4"}, "with a softmax as the activation"),
    "attention half twice": ("4b", swap(LAYER, ATTEND, f"{ATTEND}\n        {ATTEND}"), {"4b.2", "4b.4"}, "the attention half applied twice"),
    "MLP half twice": ("4b", swap(LAYER, MLP, MLP.replace("return x", "x = x") + "\n        " + MLP), {"4b.3", "4b.4"}, "the MLP half applied twice"),
    "parallel halves": ("4b", swap(LAYER, ATTEND, "y = x + self.drop(self.proj(self.attn(self.norm1(x))))").replace("return x + ", "return y + "), {"4b.4"}, "side by side"),
    "no dropout inside the MLP": ("4b", swap(LAYER, "self.drop(F.gelu(self.fc1(self.norm2(x))))", "F.gelu(self.fc1(self.norm2(x)))"), {"4b.6"}, "inside the MLP"),
    "no dropout after the MLP": ("4b", swap(LAYER, "self.drop(self.fc2(", "(self.fc2("), {"4b.6"}, "after the MLP"),
    "weighed down in eval, the layer": ("4b", swap(LAYER, "return x + self.drop(", "return x + (1 - self.drop.p * (not self.training)) * self.drop("), {"4b.6"}, "depends on the dropout probability"),
    "no projection": ("4b", swap(LAYER, "self.proj(self.attn(self.norm1(x)))", "self.attn(self.norm1(x))"), {"4b.1"}, "RuntimeError"),
    "ready-made attention": ("4a", "class SingleHeadAttention(nn.Module):\n    def __init__(self, input_dim, inner_dim, dropout=0.):\n        super().__init__()\n        self.q, self.k, self.v = (nn.Linear(input_dim, inner_dim, bias=False) for _ in range(3))\n        self.p = dropout\n    def forward(self, x):\n        return F.scaled_dot_product_attention(self.q(x), self.k(x), self.v(x), dropout_p=self.p if self.training else 0.)\n", {"4a.1", "4a.2", "4a.3", "4a.4", "4a.5", "4a.6", "4a.7"}, "no points"),
}  # fmt: skip


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    folder = tmp_path_factory.mktemp("wrong")
    paths = []
    for i, (question, text, _, _) in enumerate(WRONG.values()):
        path = folder / str(i) / "hw6.py"
        path.parent.mkdir()
        other = LAYER if question == "4a" else PLAIN
        path.write_text(IMPORTS + text + other, encoding="utf-8")
        paths.append(path)
    return dict(zip(WRONG, grade_many(paths, layers_alone.options(folder))))


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_costs_its_own_tests_and_is_named(graded: dict[str, Report], mistake: str) -> None:
    question, _, must_lose, words = WRONG[mistake]
    code = [t for t in graded[mistake].tests if t.number.startswith(("4a", "4b")) and t.max_score]
    failed = {t.number for t in code if t.status is Status.FAILED}
    assert must_lose <= failed, [(t.number, t.status, t.feedback.lines(), t.staff) for t in code]
    assert all(number.startswith(question) for number in failed), "the other question was right"
    said = " ".join(" ".join(text for _, text in t.feedback.lines()) for t in code if t.number in must_lose)
    assert words in said


@pytest.mark.parametrize(
    "mistake", [m for m, (_, _, lost, _) in WRONG.items() if len(lost) == 1 and not lost & {"4a.1", "4b.1"}]
)
def test_one_mistake_is_charged_once(graded: dict[str, Report], mistake: str) -> None:
    lost = {
        t.number for t in graded[mistake].tests if t.number.startswith(("4a", "4b")) and t.status is not Status.PASSED
    }
    assert lost == WRONG[mistake][2]
