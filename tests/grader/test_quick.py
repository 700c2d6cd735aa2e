"""What makes a full run's steps quicker: it gives the plain loop's numbers, and what is not sure to is left as it stands."""

from __future__ import annotations

import copy
import random
from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.judging.training import digits
from autograder.student_room import full_run, masks, quick
from autograder.student_room.full_run import FullRun
from autograder.student_room.worker import Conversation
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS
from tests.grader.training_styles import LAYER, PLAIN

pytestmark = pytest.mark.slow

BATCH = 8
SIZES = {"patch_size": 14, "dim": 12, "depth": 2, "heads": 3, "dim_head": 5, "mlp_dim": 14}
RECORDED, AT_ONCE = "recorded once", "in one batched call"
# Losses of two ways to compute the same training drift apart by rounding: over eight steps 2e-6 at most were seen.
DRIFT = 1e-4


def some(count: int) -> tuple[Tensor, Tensor]:
    images, labels = digits.load("train")
    return torch.from_numpy(images[:count].copy()), torch.from_numpy(labels[:count].copy()).long()


def talk(attention: str, layer: str, dropout: float = 0.0, seed: int = 1) -> Conversation:
    """A small model of these classes in this process."""
    own = Conversation(1 << 26)
    given = ["SingleHeadAttention", "Attention", "ViT"]
    own.start(IMPORTS + layer, "ViTLayer", given, 0, heads=IMPORTS + attention)
    own.build({**SIZES, "dropout": dropout, "emb_dropout": dropout}, seed, of="ViT")
    return own


def run_of(own: Conversation, *, quickly: bool) -> tuple[FullRun, tuple[str, ...]]:
    run = FullRun(own.module, *some(full_run.WORTH * BATCH), batch=BATCH, rate=1e-3)
    return run, run.quicken(own.namespace["Attention"], 1) if quickly else ()


STYLES = {
    **{f"4a: {name}": (text, LAYER) for name, text in ATTENTION.items()},
    **{f"4b: {name}": (PLAIN, text) for name, text in LAYERS.items()},
}


@pytest.mark.filterwarnings("ignore:just saying")
@pytest.mark.parametrize("name", STYLES)
def test_a_quick_run_has_the_losses_of_the_plain_one_whatever_the_style(name: str) -> None:
    order = torch.randperm(8 * BATCH + 3, generator=torch.Generator().manual_seed(2))
    losses = []
    for quickly in (False, True):
        own = talk(*STYLES[name])
        run, _ = run_of(own, quickly=quickly)
        losses.append(run.steps(order, 5))
    assert torch.allclose(losses[0][0], losses[1][0], rtol=DRIFT, atol=0)
    assert int((losses[0][1] - losses[1][1]).abs().max()) <= 1


def head(forward: str, init: str = "pass", more: str = "") -> tuple[str, str]:
    """The plain head with more at the beginning of its forward, at the end of its __init__, and before it."""
    scale = "        self.scale = inner_dim ** -0.5\n"
    assert scale in PLAIN
    start = "    def forward(self, x):\n"
    return more + PLAIN.replace(scale, f"{scale}        {init}\n").replace(start, f"{start}        {forward}\n"), LAYER


# What must not be recorded, each with words of the line that says so: its Python would have to run again.
AS_IT_STANDS: dict[str, tuple[tuple[str, str], str]] = {
    "counts its calls": (head("self.calls += 1", "self.calls = 0"), "leaves something behind"),
    "keeps its input": (head("self.seen = x.detach()"), "leaves something behind"),
    "keeps it in a list": (head("self.seen.append(0)", "self.seen = []"), "leaves something behind"),
    "keeps it in the class": (head("type(self).calls += 1", more="", init="type(self).calls = 0"), "leaves something behind"),
    "keeps it in a module's list": (head("SEEN.append(0)", more="SEEN = []\n"), "leaves something behind"),
    "keeps it in a default": (head("seen(0)", more="def seen(x, kept=[]):\n    kept.append(x)\n"), "leaves something behind"),
    "changes a tensor of its own": (head("self.count += 1", "self.count = torch.zeros(())"), "leaves something behind"),
    "draws from random": (head("x = x * (1 + random.random())", more="import random\n"), "leaves something behind"),
    "draws from numpy": (head("x = x * (1 + np.random.rand())", more="import numpy as np\n"), "leaves something behind"),
    "counts by an iterator": (head("next(self.calls)", "self.calls = iter(range(10**9))"), "whose state cannot be told"),
    "a generator of torch's": (head("pass", "self.g = torch.Generator()"), "whose state cannot be told"),
    "batch normalisation": (
        (PLAIN, LAYER.replace("nn.LayerNorm(dim)", "nn.BatchNorm1d(17 if dim == 64 else 5)", 1)),
        "leaves something behind",
    ),
    "looks at its values": (head("x = x if x.abs().max() > 3 else x * 1.5"), "cannot be recorded"),
    "takes a number out": (head("x = x * (1 + 0 * x.mean().item())"), "cannot be recorded"),
    "seeds torch itself": (head("torch.manual_seed(0)"), "cannot be recorded"),
}  # fmt: skip


@pytest.mark.parametrize("name", AS_IT_STANDS)
def test_what_depends_on_more_than_tensors_is_run_as_it_stands(name: str) -> None:
    (attention, layer), words = AS_IT_STANDS[name]
    run, notes = run_of(talk(attention, layer, dropout=0.1), quickly=True)
    assert words in " ".join(notes) and RECORDED not in " ".join(notes) and run.quick.step is None
    losses, _ = run.steps(torch.arange(2 * BATCH), 1)
    assert len(losses) == 2 and bool(torch.isfinite(losses).all())


# Heads that one call for all would change, or that vmap refuses; their steps may be recorded all the same.
APART: dict[str, tuple[tuple[str, str], str]] = {
    "each with a factor of its own": (
        head("x = x * self.mine", "self.mine = 1.0 + 0.1 * len(MADE); MADE.append(1)", "MADE = []\n"),
        "at once they give other numbers",
    ),
    "each with a dropout of its own": (
        head("pass", "self.dropout.p = 0.1 * (len(MADE) % 3); MADE.append(1)", "MADE = []\n"),
        "at once they give other numbers",
    ),
    "one parameter for all": (
        head("x = x * ONE", "self.one = ONE", "ONE = nn.Parameter(torch.ones(()))\n"),
        "heads share a parameter",
    ),
    "with a buffer": (head("pass", "self.register_buffer('mask', torch.ones(1))"), "a head holds buffers"),
}


@pytest.mark.parametrize("name", APART)
def test_heads_that_are_not_alike_are_called_one_after_another(name: str) -> None:
    (attention, layer), words = APART[name]
    own = talk(attention, layer)
    expected = own.module.eval()(torch.ones(2, 1, 28, 28))
    _, notes = run_of(own, quickly=True)
    assert words in notes[0] and AT_ONCE not in notes[0]
    assert torch.equal(own.module.eval()(torch.ones(2, 1, 28, 28)), expected)


def test_what_makes_a_run_quick_is_found_for_the_plain_style_and_said() -> None:
    run, notes = run_of(talk(PLAIN, LAYER, dropout=0.1), quickly=True)
    assert AT_ONCE in notes[0] and RECORDED in notes[1] and "threads: 1" in notes[2] and run.quick.step is not None


def test_the_products_of_all_heads_are_taken_together_and_nothing_is_copied_into_place() -> None:
    run, _ = run_of(talk(PLAIN, LAYER, dropout=0.1), quickly=True)
    assert run.quick.step is not None
    nodes = run.quick.step.__wrapped__.__self__.graph.nodes  # type: ignore[attr-defined]
    done = Counter(str(getattr(node.target, "__name__", node.target)) for node in nodes)
    layers, projections = SIZES["depth"], 3
    assert done["summed"] == projections * layers  # the gradient of x, from all heads
    assert done["draw"] == 4 * layers + 1  # dropout at four places of a layer, and behind the embedding
    assert done["bmm.default"] == 12 * layers  # two for each projection, two products of attention, four backward


def test_a_short_epoch_is_not_worth_the_trying() -> None:
    own = talk(PLAIN, LAYER)
    run = FullRun(own.module, *some(full_run.WORTH * BATCH - 1), batch=BATCH, rate=1e-3)
    assert "too short" in run.quicken(own.namespace["Attention"], 1)[0] and run.quick.step is None


def test_trying_changes_neither_the_model_nor_what_is_random() -> None:
    own = talk(*head("self.calls += 1", "self.calls = 0"), dropout=0.1)
    before = copy.deepcopy(own.module.state_dict())
    torch.manual_seed(3)
    random.seed(4)
    run_of(own, quickly=True)
    assert all(torch.equal(value, before[name]) for name, value in own.module.state_dict().items())
    assert {module.calls for module in own.module.modules() if hasattr(module, "calls")} == {0}
    assert torch.rand(1).equal(torch.rand(1, generator=torch.Generator().manual_seed(3)))
    assert random.random() == random.Random(4).random()


def test_dropout_of_a_recorded_step_has_the_distribution_of_the_plain_one() -> None:
    means = []
    for quickly in (False, True):
        run, notes = run_of(talk(PLAIN, LAYER, dropout=0.4), quickly=quickly)
        assert not quickly or RECORDED in notes[1]
        step = run.quick.step or quick.gradients(run.model.train())
        run.quick.reseed(7)
        torch.manual_seed(7)
        losses = torch.stack([step(run.images[:BATCH], run.labels[:BATCH])[0] for _ in range(300)]).double()
        assert len(set(losses.tolist())) > 290
        means.append((losses.mean(), losses.std()))
    (plain, spread), (quickly_, quick_spread) = means
    assert abs(plain - quickly_) < 5 * spread / 300**0.5 * 2**0.5  # five standard errors of a difference
    assert 0.75 < spread / quick_spread < 1.33  # a standard deviation of 300 is told to 4 % each


def test_the_same_seed_gives_the_same_masks_and_another_one_others() -> None:
    run, _ = run_of(talk(PLAIN, LAYER, dropout=0.4), quickly=True)
    assert run.quick.step is not None
    losses = []
    for seed in (1, 1, 2):
        run.quick.reseed(seed)
        losses.append(float(run.quick.step(run.images[:BATCH], run.labels[:BATCH])[0]))
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_a_mask_keeps_each_element_with_its_probability_and_independently(p: float) -> None:
    count = 400_000
    mask = masks.maker(1)((count,), p)
    assert set(mask.tolist()) <= {0.0, 1.0} and mask.dtype == torch.float32
    assert abs(float(mask.mean()) - p) <= 5 * (p * (1 - p) / count) ** 0.5  # five standard deviations
    for distance in (1, 2, 64):  # neighbours share 64 random bits
        both = float((mask[distance:] * mask[:-distance]).mean())
        assert abs(both - p * p) <= 5 * (p * p * (1 - p * p) / count) ** 0.5 + 1e-9
    assert tuple(masks.maker(1)((3, 5, 7), p).shape) == (3, 5, 7)


def test_a_run_that_was_put_aside_goes_on_to_the_very_numbers() -> None:
    order = torch.arange(6 * BATCH)
    whole, _ = run_of(talk(PLAIN, LAYER, dropout=0.1), quickly=True)
    first = [whole.steps(part, seed)[0] for seed, part in enumerate(torch.split(order, 3 * BATCH))]
    half, _ = run_of(talk(PLAIN, LAYER, dropout=0.1), quickly=True)
    half.steps(order[: 3 * BATCH], 0)
    own = talk(PLAIN, LAYER, dropout=0.1, seed=9)
    own.module.load_state_dict(half.model.state_dict())
    later, _ = run_of(own, quickly=True)
    later.restore(*half.saved())
    assert torch.equal(later.steps(order[3 * BATCH :], 1)[0], first[1])


def test_adam_in_one_call_has_the_numbers_of_the_notebooks() -> None:
    def trained(make: object) -> nn.Linear:
        torch.manual_seed(0)
        model = nn.Linear(5, 3)
        adam = make(list(model.parameters()))  # type: ignore[operator]
        for step in range(20):
            adam.zero_grad()
            F.mse_loss(model(torch.full((2, 5), step / 7)), torch.ones(2, 3)).backward()  # type: ignore[no-untyped-call]
            adam.step()
        return model

    plain = trained(lambda parameters: torch.optim.Adam(parameters, lr=0.01))
    one_call = trained(lambda parameters: full_run.fused(parameters, 0.01))
    assert torch.allclose(plain.weight, one_call.weight, rtol=1e-5)


def test_a_parameter_that_no_gradient_reaches_stays_and_is_no_hindrance() -> None:
    run, notes = run_of(talk(*head("pass", "self.unused = nn.Parameter(torch.ones(2))")), quickly=True)
    run.steps(torch.arange(3 * BATCH), 0)
    assert RECORDED in notes[1]
    unused = [p for name, p in run.model.named_parameters() if name.endswith("unused")]
    assert unused and all(torch.equal(p, torch.ones(2)) for p in unused)
    assert set(run.saved()[2].tolist()) == {0.0, 3.0}


@pytest.mark.parametrize(("cost", "best"), [({1: 3.0, 4: 1.0}, 4), ({1: 1.0, 4: 3.0}, 1)])
def test_the_number_of_threads_is_the_one_that_takes_less_time(
    monkeypatch: pytest.MonkeyPatch, cost: dict[int, float], best: int
) -> None:
    now, threads = [0.0], [1]
    monkeypatch.setattr(torch, "set_num_threads", lambda count: threads.__setitem__(0, count))
    monkeypatch.setattr(quick.time, "perf_counter", lambda: now[0])  # type: ignore[attr-defined]
    found, words = quick.fastest(lambda: now.__setitem__(0, now[0] + cost[threads[0]]), 4)
    assert found == best == threads[0] and f"threads: {best} (" in words


def test_a_gradient_that_lies_otherwise_in_memory_moves_the_right_elements() -> None:
    """Adam's one call goes through memory: a transposed or an expanded gradient would move others."""
    parameter = nn.Parameter(torch.zeros(2, 3))
    for gradient in (
        torch.tensor([[1.0, -1.0], [2.0, -2.0], [3.0, -3.0]]).t(),
        torch.tensor([[1.0], [-1.0]]).expand(2, 3),
    ):
        with torch.no_grad():
            parameter.zero_()
        parameter.grad = full_run.laid_out_as(parameter, gradient)
        full_run.fused([parameter], 1.0).step()
        assert torch.equal(parameter.detach().sign(), -gradient.sign())
    assert full_run.laid_out_as(parameter, None) is None
