"""Mistakes that are easy to miss or to charge twice: what each costs, and that what is said of it is true."""

import pytest

from autograder.core.records import Report, Status
from autograder.grading import grade_many
from tests.grader import layers_alone
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS
from tests.grader.test_wrong_solutions import ATTEND, KEYS_COLUMNS, LAYER, MLP, PLAIN, swap

pytestmark = pytest.mark.slow

WEIGHTS = f"self.dropout({KEYS_COLUMNS}) @ v"
PROJECTED = "self.proj(self.attn(self.norm1(x)))"
DROPPED = "nn.Dropout(dropout)"
EPILOGUE = "        self.softmax ="


def attend(new: str) -> str:
    return swap(PLAIN, WEIGHTS, new)


def block(new: str) -> str:
    return swap(LAYER, ATTEND, new)


def mlp(new: str) -> str:
    return swap(LAYER, MLP, new)


SCORES = "q @ k.transpose(-2, -1) * self.scale"
TAIL = "self.drop(self.fc2(self.drop(F.gelu(self.fc1({})))))"
INNER = TAIL.format("self.norm2(x)")

# name: (question, text, exactly the tests that are lost, words of the feedback)
MISTAKES = {
    # 4(a), the formula
    "transposed weights": ("4a", attend(f"self.dropout({KEYS_COLUMNS}).transpose(-2, -1) @ v"), {"4a.4"}, "attention matrix transposed"),
    "wrong axis through permute": ("4a", attend("self.dropout(self.softmax((" + SCORES + ").permute(0, 2, 1)).permute(0, 2, 1)) @ v"), {"4a.4"}, "over the QUERIES"),
    "softmax twice": ("4a", attend(f"self.dropout(self.softmax(self.softmax({SCORES}))) @ v"), {"4a.4"}, "softmax taken twice"),
    "exp without its sum": ("4a", attend(f"self.dropout(torch.exp({SCORES})) @ v"), {"4a.4"}, "not divided by their sums"),
    "mean of the values": ("4a", attend("self.dropout(torch.softmax(0 * (" + SCORES + "), -1)) @ v"), {"4a.4"}, "the mean of V comes out"),
    "scale of 64": ("4a", swap(PLAIN, "inner_dim ** -0.5", "64 ** -0.5"), {"4a.4"}, "divided by √64"),
    "root of the batch": ("4a", swap(PLAIN, "* self.scale", "/ x.shape[0] ** 0.5"), {"4a.4", "4a.5"}, "divided by 1.41 where √d_k is 2.65"),
    "twice the root": ("4a", swap(PLAIN, "inner_dim ** -0.5", "inner_dim ** -0.5 / 2"), {"4a.4"}, "divided by 5.29 where √d_k is 2.65"),
    "a logarithm": ("4a", swap(PLAIN, "inner_dim ** -0.5", "1 / torch.log(torch.tensor(inner_dim + 1)).item()"), {"4a.4"}, "with the scores divided by 2.08"),
    "right for five tokens": ("4a", swap(PLAIN, "* self.scale", "* (self.scale if x.shape[1] == 5 else 1.0)"), {"4a.4"}, "in 3 of 4 cases"),
    "output projection": ("4a", swap(PLAIN, EPILOGUE, "        self.o = nn.Linear(inner_dim, inner_dim, bias=False)\n" + EPILOGUE).replace("return self.drop", "return self.o(self.drop").replace(") @ v", ") @ v)"), {"4a.4"}, "one more linear map after the attention: a matrix of shape (7, 7)"),
    "projections of x's size": ("4a", swap(PLAIN, "nn.Linear(input_dim, inner_dim", "nn.Linear(input_dim, input_dim"), {"4a.1"}, "shape (2, 5, 11)"),
    # 4(a), the rest
    "bias of the keys alone": ("4a", swap(PLAIN, "self.to_k = nn.Linear(input_dim, inner_dim, bias=False)", "self.to_k = nn.Linear(input_dim, inner_dim)"), {"4a.3"}, "a bias among the parameters: 1 vector"),
    "dropout of the scores": ("4a", attend(f"self.softmax(self.dropout({SCORES})) @ v"), {"4a.7"}, "single token"),
    "dropout of x": ("4a", swap(attend(KEYS_COLUMNS + " @ v"), "        q, k, v =", "        x = self.dropout(x)\n        q, k, v ="), {"4a.7"}, "single token"),
    "half the dropout": ("4a", swap(PLAIN, DROPPED, "nn.Dropout(dropout / 2)"), {"4a.7"}, "yours is 0 or 1.33 times that"),
    "the other probability": ("4a", swap(PLAIN, DROPPED, "nn.Dropout(1 - dropout)"), {"4a.7"}, "is the argument passed on?"),
    "dropped, not rescaled": ("4a", attend(f"(self.softmax({SCORES}) * (torch.rand(x.shape[0], x.shape[1], x.shape[1]) > self.dropout.p * self.training)) @ v"), {"4a.7"}, "yours is 0 or 1 times that"),
    "detached for one projection": ("4a", swap(PLAIN, "self.to_v(x)", "self.to_v(x.detach())"), {"4a.6"}, "a gradient is not"),
    "K that an earlier call made": ("4a", swap(PLAIN, "    def forward(self, x):\n", "    def keys(self, k):\n        if getattr(self, 'kept', k[:0]).shape != k.shape:\n            self.kept = k\n        return self.kept\n\n    def forward(self, x):\n").replace("q @ k.transpose", "q @ self.keys(k).transpose"), {"4a.4", "4a.5"}, "second call of one module"),
    "random numbers": ("4a", attend("torch.randn(x.shape[0], x.shape[1], v.shape[-1])"), {"4a.1"}, "the same whatever the input is"),
    # 4(b): one half is wrong, the other is not charged
    "x added twice first": ("4b", block(ATTEND + " + x"), {"4b.2", "4b.4"}, "x added twice around the attention"),
    "x added twice second": ("4b", mlp(MLP + " + x"), {"4b.3", "4b.4"}, "x added twice around the MLP"),
    "first norm after": ("4b", block("x = self.norm1(x + self.drop(self.proj(self.attn(x))))"), {"4b.2", "4b.4"}, "the first LayerNorm after the residual sum"),
    "second norm after": ("4b", mlp("return self.norm2(x + " + TAIL.format("x") + ")"), {"4b.3", "4b.4"}, "the second LayerNorm after the residual sum"),
    "norm at the end": ("4b", swap(mlp(f"return self.norm3(x + {INNER})"), "        self.drop =", "        self.norm3 = nn.LayerNorm(dim)\n        self.drop ="), {"4b.3", "4b.4"}, "one more LayerNorm at the end"),
    "first residual normalised": ("4b", block("x = self.norm1(x)\n        x = x + self.drop(self.proj(self.attn(x)))"), {"4b.2", "4b.4"}, "the first residual taken from the NORMALISED x"),
    "second residual normalised": ("4b", mlp("x = self.norm2(x)\n        return x + " + TAIL.format("x")), {"4b.3", "4b.4"}, "the second residual taken from the NORMALISED sum"),
    "second residual of the layer's input": ("4b", swap(swap(LAYER, ATTEND, f"first = x\n        {ATTEND}"), "return x + ", "return first + "), {"4b.2", "4b.4"}, "the second residual taken from the layer's input"),
    "no attention": ("4b", block("pass"), {"4b.2", "4b.4"}, "without the attention"),
    "no MLP": ("4b", mlp("return x"), {"4b.3", "4b.4"}, "without the MLP"),
    "MLP first": ("4b", swap(block(f"x = x + {INNER}"), MLP, ATTEND.replace("x = x", "return x")), {"4b.4"}, "MLP before the attention"),
    "MLP of another width": ("4b", swap(LAYER, "nn.Linear(dim, mlp_dim), nn.Linear(mlp_dim, dim)", "nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)"), {"4b.3", "4b.4"}, "an MLP of 4 * dim features instead of mlp_dim"),
    "always eight heads": ("4b", swap(swap(LAYER, "Attention(dim, heads,", "Attention(dim, 8,"), "nn.Linear(heads *", "nn.Linear(8 *"), {"4b.1"}, "it is made for heads 8, as in the model of 4(c)"),
    "always nine heads": ("4b", swap(swap(LAYER, "Attention(dim, heads,", "Attention(dim, 9,"), "nn.Linear(heads *", "nn.Linear(9 *"), {"4b.2", "4b.4"}, "no matrix maps heads * dim_head features to dim"),
    "no projection to learn": ("4b", swap(LAYER, PROJECTED, "self.attn(self.norm1(x))[..., :1].expand_as(x)"), {"4b.2", "4b.4"}, "none of the usual mistakes"),
    "one mistake in each half": ("4b", swap(block(ATTEND.replace("x = x + ", "x = ")), "F.gelu(self.fc1(self.norm2(x)))", "self.fc1(self.norm2(x))"), {"4b.2", "4b.3", "4b.4"}, "without a non-linearity inside the MLP"),
    "activation on the attention": ("4b", swap(LAYER, PROJECTED, f"F.gelu({PROJECTED})"), {"4b.2", "4b.4"}, "an activation on what the attention half adds"),
    "norm without the mean": ("4b", "\n\nclass RMS(nn.Module):\n    def __init__(self, dim):\n        super().__init__()\n        self.weight = nn.Parameter(torch.ones(dim))\n\n    def forward(self, x):\n        return x * (x.square().mean(-1, keepdim=True) + 1e-5).rsqrt() * self.weight\n" + swap(LAYER, "nn.LayerNorm(dim)", "RMS(dim)"), {"4b.2", "4b.3", "4b.4"}, "does not take the mean away"),
    "norms over the tokens": ("4b", swap(swap(LAYER, "self.norm1(x)", "F.instance_norm(x.mT).mT * self.norm1.weight + self.norm1.bias"), "self.norm2(x)", "F.instance_norm(x.mT).mT * self.norm2.weight + self.norm2.bias"), {"4b.2", "4b.3", "4b.4"}, "a normalisation of each feature over the tokens"),
    "norm of a sample in one half": ("4b", swap(LAYER, "self.norm2(x)", "F.layer_norm(x, x.shape[1:]) * self.norm2.weight + self.norm2.bias"), {"4b.3", "4b.4"}, "over the tokens and features of a sample together"),
    "mean of its own heads": ("4b", swap(swap(swap(LAYER, "self.attn = Attention(dim, heads, dim_head, dropout)", "self.qkv = nn.Linear(dim, 3 * heads * dim_head); self.h = heads"), "nn.Linear(heads * dim_head, dim)", "nn.Linear(dim_head, dim)"), "    def forward", "    def attn(self, x):\n        q, k, v = rearrange(self.qkv(x), 'b t (n h d) -> n b h t d', n=3, h=self.h)\n        return (torch.softmax(q @ k.mT * q.shape[-1] ** -0.5, -1) @ v).mean(1)\n\n    def forward"), {"4b.2", "4b.4"}, "are the heads' outputs added up, or is their mean taken?"),
    # the deviation of a single token is nan
    "second norm over the tokens": ("4b", mlp("y = (x - x.mean(1, keepdim=True)) / (x.std(1, keepdim=True) + 1e-5)\n        return x + " + TAIL.format("y")), {"4b.3", "4b.4"}, "none of the usual mistakes"),
    # 4(b), the rest
    "residual detached": ("4b", block(ATTEND.replace("x = x +", "x = x.detach() +")), {"4b.5"}, "the gradient of x is not"),
    "changed in place": ("4b", block(ATTEND.replace("x = x +", "x +=")), {"4b.5"}, "changed in place"),
    "dropout of a tenth": ("4b", swap(LAYER, DROPPED, "nn.Dropout(0.1)"), {"4b.6"}, "is the argument passed on?"),
    "dropout of the sums": ("4b", swap(swap(block(f"x = self.drop(x + {PROJECTED})"), MLP, "return self.drop(x + self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))"), "dim_head, dropout)", "dim_head)"), {"4b.6"}, "no dropout was found after the attention nor after the MLP"),
    "dropout before the attention": ("4b", swap(block("x = x + self.proj(self.attn(self.drop(self.norm1(x))))"), "dim_head, dropout)", "dim_head)"), {"4b.6"}, "no dropout was found after the attention"),
    "dropped and not rescaled": ("4b", "\n\nclass Drop(nn.Dropout):\n    def forward(self, x):\n        return x * (torch.rand_like(x) > self.p) if self.training else x\n" + swap(LAYER, DROPPED, "Drop(dropout)"), {"4b.6"}, "not doubled"),
    "not rescaled within the MLP": ("4b", "\n\nclass Drop(nn.Dropout):\n    def forward(self, x):\n        return x * (torch.rand_like(x) > self.p) if self.training else x\n" + swap(swap(LAYER, "self.drop(F.gelu", "self.inner(F.gelu"), "        self.drop =", "        self.inner = Drop(dropout)\n        self.drop ="), {"4b.6"}, "left of the MLP's half"),
    "half of the dropout": ("4b", swap(LAYER, DROPPED, "nn.Dropout(dropout / 2)"), {"4b.6"}, "is it the probability that was given?"),
    "probability of keeping": ("4b", swap(LAYER, DROPPED, "nn.Dropout(1 - dropout)"), {"4b.6"}, "not that of keeping it"),
    "heads taken for another axis": ("4b", swap(LAYER, PROJECTED, "self.proj((lambda y: y.view(len(x), self.heads, x.shape[1], -1).transpose(1, 2).reshape(y.shape))(self.attn(self.norm1(x))))").replace("        self.drop =", "        self.heads = heads\n        self.drop ="), {"4b.2", "4b.4"}, "mixes them up with the tokens"),
    "x that an earlier call was given": ("4b", swap(LAYER, "    def forward(self, x):\n", "    def first(self, x):\n        if getattr(self, 'kept', x[:0]).shape != x.shape:\n            self.kept = x\n        return self.kept\n\n    def forward(self, x):\n").replace("x = x + ", "x = self.first(x) + "), {"4b.2", "4b.4"}, "second call of one module"),
    "random layer": ("4b", mlp("return torch.randn_like(x)"), {"4b.1"}, "the same whatever the input is"),
}  # fmt: skip


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    folder = tmp_path_factory.mktemp("mistakes")
    paths = []
    for i, (question, text, _, _) in enumerate(MISTAKES.values()):
        path = folder / str(i) / "hw6.py"
        path.parent.mkdir()
        path.write_text(IMPORTS + text + (LAYER if question == "4a" else PLAIN), encoding="utf-8")
        paths.append(path)
    return dict(zip(MISTAKES, grade_many(paths, layers_alone.options(folder))))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_costs_exactly_what_it_spoils(graded: dict[str, Report], mistake: str) -> None:
    _, _, lost, words = MISTAKES[mistake]
    code = [t for t in graded[mistake].tests if t.number.startswith(("4a", "4b")) and t.max_score]
    failed = {t.number for t in code if t.status is Status.FAILED}
    assert failed == lost, [(t.number, t.feedback.lines(), t.staff) for t in code if t.status is not Status.PASSED]
    assert not [t.number for t in code if t.status is Status.ERROR]
    assert words in " ".join(text for t in code for _, text in t.feedback.lines())


def test_the_bank_names_no_mistake_in_a_right_solution(graded: dict[str, Report]) -> None:
    assert ATTENTION["plain"] == PLAIN and LAYERS["plain GELU"] == LAYER
    for mistake, (question, *_) in MISTAKES.items():
        right = [t for t in graded[mistake].tests if t.number[:2] in {"4a", "4b"} - {question}]
        assert right and all(t.status is Status.PASSED for t in right), mistake
