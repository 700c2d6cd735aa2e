"""The pure parts of smoke training: what is drawn, the optimiser, what numbers mean, and the bound's false alarms."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
import torch
from torch import nn

from autograder.core.policy import TRAINING
from autograder.judging.training import smoke, trajectory
from autograder.student_room import training

ROOT = Path(__file__).resolve().parents[2]
LABELS = torch.arange(40) % 10
RIGHT = nn.functional.one_hot(LABELS, 10).float() * 5
LAST = torch.randn(4, 10, generator=torch.Generator().manual_seed(1))
TRAINED = smoke.Trained((2.4, 1.5, 0.7), RIGHT, LAST, LAST, LAST, ("layers.0.fc1.weight",))


def but(**fields: object) -> smoke.Trained:
    return msgspec.structs.replace(TRAINED, **fields)


# --- what is drawn ----------------------------------------------------------------------------------------------------


def test_digits_are_drawn_from_the_seed_and_renamed_by_it() -> None:
    one, again, other = smoke.draw(1), smoke.draw(1), smoke.draw(2)
    assert torch.equal(one.images, again.images) and torch.equal(one.held_labels, again.held_labels)
    assert not torch.equal(one.images, other.images)
    assert len(one.images) == smoke.STEPS * smoke.BATCH and len(one.held_images) == smoke.HELD_OUT
    assert set(one.labels.tolist()) == set(range(10))


def test_a_longer_training_sees_every_digit_before_one_comes_again_and_is_judged_on_the_same() -> None:
    short, long = smoke.draw(1), smoke.draw(1, smoke.LONG)
    assert torch.equal(short.held_labels, long.held_labels) and torch.equal(
        short.images, long.images[: len(short.images)]
    )
    assert len(long.images) == smoke.LONG * smoke.BATCH and len(torch.unique(long.images[:8000], dim=0)) > 7900


def test_both_splits_are_renamed_alike_so_that_only_what_was_learned_here_helps() -> None:
    """A model that knew the digits' true names would be right for nobody, and one that learned is right for both."""
    known = {}
    for seed in (1, 2):
        drawn = smoke.draw(seed)
        centres = torch.stack([drawn.images[drawn.labels == c].double().mean(0) for c in range(10)]).flatten(1)
        nearest = torch.cdist(drawn.held_images.double().flatten(1), centres).argmin(1)
        known[seed] = nearest, drawn.held_labels, centres
        assert float((nearest == drawn.held_labels).double().mean()) > 0.7
    foreign = torch.cdist(smoke.draw(2).held_images.double().flatten(1), known[1][2]).argmin(1)
    assert float((foreign == known[2][1]).double().mean()) < TRAINING.smoke_accuracy


def test_no_size_of_the_model_equals_another_and_the_heads_are_not_as_wide_as_the_model() -> None:
    case = smoke.case(1)
    sizes = [case.dim, case.heads * case.dim_head, case.dim_head, case.mlp_dim, case.heads]
    assert len(set(sizes)) == len(sizes)


# --- the optimiser and the loop ---------------------------------------------------------------------------------------


def small(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 5), nn.Tanh(), nn.Linear(5, 10))


def test_our_adam_takes_the_steps_of_torchs() -> None:
    drawn = smoke.draw(3)
    images, labels = drawn.images[:320], drawn.labels[:320]
    ours, theirs = small(1), small(1)
    losses = training.Training(ours, 0.01).steps(images, labels, 32)
    adam = torch.optim.Adam(theirs.parameters(), lr=0.01)
    for some, right, loss in zip(torch.split(images, 32), torch.split(labels, 32), losses):
        expected = nn.functional.cross_entropy(theirs(training.prepared(some)), right)
        adam.zero_grad()
        expected.backward()  # type: ignore[no-untyped-call]
        adam.step()
        assert loss == pytest.approx(expected.item(), rel=1e-4)
    for a, b in zip(ours.parameters(), theirs.parameters()):
        assert torch.allclose(a, b, atol=1e-5)


def test_a_second_call_goes_on_with_the_same_optimiser() -> None:
    drawn = smoke.draw(3)
    whole, parts = training.Training(small(1), 0.01), training.Training(small(1), 0.01)
    expected = whole.steps(drawn.images[:128], drawn.labels[:128], 32)
    halves = [parts.steps(drawn.images[a:b], drawn.labels[a:b], 32) for a, b in ((0, 64), (64, 128))]
    assert halves[0] + halves[1] == expected


def test_a_parameter_without_gradient_or_that_wants_none_stays_where_it_is() -> None:
    used, idle, frozen = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True), torch.ones(1)
    adam = training.Adam([used, idle, frozen], 0.1)
    (used * 2).sum().backward()  # type: ignore[no-untyped-call]
    adam.step()
    assert used.tolist() == pytest.approx([0.9, 0.9]) and idle.tolist() == [1, 1, 1] and frozen.tolist() == [1]


def test_nothing_to_train_is_no_error_of_ours() -> None:
    training.Adam([], 0.1).step()


def test_training_stops_at_a_loss_that_is_no_number() -> None:
    drawn = smoke.draw(3)
    model = small(1)
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    assert len(training.Training(model, 0.01).steps(drawn.images[:320], drawn.labels[:320], 32)) == 1


# --- what the numbers mean --------------------------------------------------------------------------------------------


def test_what_learned_passes_without_a_remark() -> None:
    assert smoke.learned(TRAINED, LABELS) and smoke.remarks(TRAINED) == ()
    assert not smoke.unexplained(TRAINED, LABELS)


def test_an_accuracy_is_that_of_finite_numbers_alone() -> None:
    assert smoke.accuracy(RIGHT, LABELS) == 1.0
    assert smoke.accuracy(-RIGHT, LABELS) == 0.0
    assert smoke.accuracy(torch.where(RIGHT > 0, float("inf"), RIGHT), LABELS) == 0.0


SAME = RIGHT[:1].expand_as(RIGHT)
WRONG = RIGHT.roll(1, 0)
COMPLAINTS = {
    "nan": (
        but(held=WRONG, losses=(2.3, float("nan"))),
        "after 2 steps the loss or the outputs were no longer numbers",
    ),
    "outputs nan": (but(held=RIGHT * float("nan")), "no longer numbers"),
    "no losses": (but(held=WRONG, losses=()), "no longer numbers"),
    "still": (but(idle=("layers.1.fc1.weight",)), "the second ViTLayer does not train: layers.1.fc1.weight"),
    "head": (but(idle=("layers.0.a.attention_heads.0.q",)), "SingleHeadAttention does not train"),
    "lost": (but(held=WRONG, last_there=LAST + 1), "put into a new model"),
    "noisy": (but(held=WRONG, last_again=LAST + 1), "another answer each time"),
    "same": (but(held=SAME), "the same for every image"),
    "exploded": (but(held=WRONG, losses=(2.3, 300.0)), "the loss exploded"),
    "slow": (but(held=WRONG), "it recognises 0% of digits"),
}


def test_losses_that_the_students_process_reports_decide_nothing() -> None:
    assert smoke.learned(but(losses=(2.3, float("nan"))), LABELS)
    assert not smoke.learned(but(held=WRONG, losses=(2.3, 0.01)), LABELS)


@pytest.mark.parametrize("name", COMPLAINTS)
def test_each_way_not_to_learn_has_its_words_the_surest_first(name: str) -> None:
    trained, words = COMPLAINTS[name]
    assert not smoke.learned(trained, LABELS)
    said = smoke.complaint(trained, LABELS, "and so on").feedback
    assert words in said.found and said.fix.endswith("and so on") and "(loss in training: " in said.found
    assert smoke.unexplained(trained, LABELS) == (name in ("slow", "exploded", "same"))


def test_one_matrix_that_stands_still_is_a_remark_and_a_whole_class_is_not() -> None:
    part = but(idle=("layers.0.to_k.weight",))
    assert smoke.learned(part, LABELS) and "layers.0.to_k.weight" in " ".join(smoke.remarks(part))
    assert not smoke.learned(but(idle=("layers.1.to_k.weight",)), LABELS)


def test_matrices_are_the_students_linear_maps_alone() -> None:
    state = {
        "cls_token": torch.ones(1, 1, 32), "mlp_head.1.weight": torch.ones(10, 32), "layers.0.norm.weight": torch.ones(32),
        "layers.0.scale": torch.ones(1), "layers.0.count": torch.ones(3, 4, dtype=torch.int64), "layers.0.fc.weight": torch.ones(5, 7),
    }  # fmt: skip
    assert smoke.matrices(state) == ("layers.0.fc.weight",)


def test_a_name_that_would_mislead_a_reader_is_cleaned() -> None:
    odd = but(idle=("layers.1.\x1b[31m\nTotal 39/39",))
    assert (
        "\x1b" not in smoke.complaint(odd, LABELS).feedback.found
        and "\n" not in smoke.complaint(odd, LABELS).feedback.found
    )


def test_the_first_step_that_departs_from_the_reference_is_found() -> None:
    expected = [2.0, 1.0, 0.5]
    assert trajectory.first_departure((2.0, 1.0 + trajectory.TOLERANCE / 2, 0.5), expected) is None
    assert trajectory.first_departure((2.0, 1.1, 0.5), expected) == 1
    assert trajectory.first_departure((2.0,), expected) == 1
    assert trajectory.first_departure((float("nan"), 1.0, 0.5), expected) == 0


# --- the bound --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def distribution() -> ModuleType:
    spec = importlib.util.spec_from_file_location("smoke_distribution", ROOT / "benchmarks" / "smoke_distribution.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_bound_gives_fewer_than_one_false_alarm_in_a_thousand(distribution: ModuleType) -> None:
    measured = distribution.read()
    assert len(measured) >= 200
    assert distribution.false_alarms(measured, TRAINING.smoke_accuracy) < 1e-3
    assert TRAINING.smoke_accuracy < distribution.quantile(measured, 1e-3) < min(measured) + 0.02


def test_the_tail_is_an_exponential_through_the_lowest_tenth(distribution: ModuleType) -> None:
    values = [0.8 + i / 1000 for i in range(100)]
    at_tenth = sorted(values)[9]
    assert distribution.false_alarms(values, at_tenth) == pytest.approx(0.1)
    share = distribution.false_alarms(values, 0.79)
    assert distribution.quantile(values, share) == pytest.approx(0.79)


def test_the_bound_is_far_above_guessing() -> None:
    """Of 1,024 digits a guess gets 10 %; the bound is more than ten standard deviations above it."""
    deviation = (0.1 * 0.9 / smoke.HELD_OUT) ** 0.5
    assert (TRAINING.smoke_accuracy - 0.1) / deviation > 10


def test_a_wide_model_is_trained_more_gently_and_not_for_longer() -> None:
    """A class that is made for 512 features learns nothing at the usual rate, and 360 steps of it take too long."""
    usual, model = smoke.case(1), smoke.case(1, {"4b": {"dim": 64}})
    assert smoke.rate(usual) == smoke.rate(model) == smoke.RATE
    assert smoke.longer(usual) == smoke.longer(model) == smoke.LONG
    wide = smoke.case(1, {"4a": {"input_dim": 512}})
    assert smoke.rate(wide) < smoke.RATE / 10 and smoke.STEPS < smoke.longer(wide) < smoke.LONG / 3
