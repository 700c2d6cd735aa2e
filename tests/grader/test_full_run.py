"""A full run, without a process: what is sent to the student's room, what is asked for, and in which order."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from autograder.core.errors import UsageError
from autograder.core.events import Epoch, Measured, Stepped, Train
from autograder.core.records import Submission
from autograder.judging import full_run
from autograder.judging.expect import Unmet
from autograder.judging.training import full_data
from autograder.judging.training.full_data import Digits
from autograder.sandbox.wire import Reply
from tests.grader.train_samples import few_digits


class Visit:
    """Answers like a child whose logits are those of the pixels' sums, and keeps whatever it was sent."""

    def __init__(self, loss: float = 1.0) -> None:
        self.sent: list[tuple[str, tuple[Tensor, ...]]] = []
        self.loss = loss

    def build(self, case: object) -> None:
        pass

    def save(self) -> dict[str, Tensor]:
        return {"weight": torch.ones(3)}

    def load(self, weights: dict[str, Tensor]) -> None:
        self.sent.append(("load", tuple(weights.values())))

    def ask(
        self, op: str, fields: object, tensors: tuple[Tensor, ...] = (), **more: object
    ) -> tuple[Reply | None, list[Tensor]]:
        self.sent.append((op, tuple(tensors)))
        if op == "hold":
            return Reply("ok", made=2, notes=("steps: as ever",)), []
        if op == "steps":
            steps = len(torch.split(tensors[0], 32))
            return None, [torch.full((steps,), self.loss, dtype=torch.float64), torch.ones(steps, dtype=torch.int64)]
        if op == "logits":
            return None, [torch.eye(10)[tensors[0].flatten(1).sum(1) % 10]]
        return None, [torch.zeros(3), torch.zeros(3), torch.zeros(1)] if op == "pause" else []


class Student:
    def __init__(self, **more: float) -> None:
        self.visits: list[Visit] = []
        self.more = more

    @contextlib.contextmanager
    def visit(self, question: str, *, alone: bool = False) -> Iterator[Visit]:
        self.visits.append(Visit(**self.more))
        yield self.visits[-1]


def order(**more: object) -> Train:
    return Train(Submission("x", "", ""), None, **{"epochs": 2, "batch_size": 32, "seed": 3, **more})  # type: ignore[arg-type]


def drawn() -> Digits:
    return full_data.gather("", 1)


@pytest.fixture(autouse=True)
def no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AUTOGRADER_MNIST", raising=False)
    monkeypatch.setattr(full_data, "FETCHED", tmp_path / "none")


def test_labels_of_what_is_held_out_or_tested_on_never_enter_the_students_room() -> None:
    student, digits = Student(), drawn()
    list(full_run.run(student, order(), digits))  # type: ignore[arg-type]
    sent = [tensor for visit in student.visits for _, tensors in visit.sent for tensor in tensors]
    for _, labels in (digits.validation, digits.test):
        parts = [part for size in (full_run.IMAGES, 32) for part in (labels, *torch.split(labels, size))]
        assert not [1 for tensor in sent for part in parts if tensor.shape == part.shape and torch.equal(tensor, part)]
    assert any(torch.equal(tensor, digits.training[1]) for tensor in sent if tensor.shape == digits.training[1].shape)


def test_every_image_is_trained_on_once_in_an_epoch_and_in_another_order_in_the_next() -> None:
    student, digits = Student(), drawn()
    list(full_run.run(student, order(), digits))  # type: ignore[arg-type]
    asked = torch.cat([tensors[0] for op, tensors in student.visits[0].sent if op == "steps"])
    first, second = torch.split(asked, len(digits.training[1]))
    assert torch.equal(first.sort()[0], torch.arange(len(first))) and torch.equal(second.sort()[0], first.sort()[0])
    assert not torch.equal(first, second)


def test_the_mean_loss_of_an_epoch_is_over_images_and_the_accuracies_are_counted_here() -> None:
    student, digits = Student(loss=2.5), drawn()
    events = list(full_run.run(student, order(epochs=1), digits))  # type: ignore[arg-type]
    [epoch] = [event for event in events if isinstance(event, Epoch)]
    assert epoch.train_loss == pytest.approx(2.5)
    [measured] = [event for event in events if isinstance(event, Measured)]
    images, labels = digits.test
    assert measured.correct == int((images.flatten(1).sum(1) % 10 == labels).sum()) and measured.total == len(labels)
    assert measured.low < 100 * measured.correct / measured.total < measured.high
    assert "MNIST's training set" in measured.images
    assert [event.images for event in events if isinstance(event, Stepped)][-1] == len(digits.training[1])


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_run_in_words(loss: float) -> None:
    with pytest.raises(Unmet, match="epoch 1: the loss was nan or infinite"):
        list(full_run.run(Student(loss=loss), order(), drawn()))  # type: ignore[arg-type]


def test_the_three_sets_share_no_image_and_hold_every_one() -> None:
    digits = drawn()
    rows = [image.numpy().tobytes() for images, _ in (digits.training, digits.validation) for image in images]
    assert len(rows) == 8_000 and len(digits.validation[1]) == 8_000 // 6 and len(digits.test[1]) == 2_000
    assert not set(rows) & {image.numpy().tobytes() for image in digits.test[0]}


def test_a_folder_with_test_images_alone_lends_them_to_all_of_the_bundled_digits(tmp_path: Path) -> None:
    data = few_digits(tmp_path / "digits")
    for path in data.glob("train-*"):
        path.unlink()
    digits = full_data.gather(str(data), 1)
    assert digits.mnist and len(digits.training[1]) + len(digits.validation[1]) == 10_000 and len(digits.test[1]) == 40


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there are no t10k-images-idx3-ubyte\(\.gz\)"):
        full_data.gather(str(tmp_path), 1)


def test_what_is_held_out_depends_on_the_seed_alone() -> None:
    assert torch.equal(full_data.gather("", 5).validation[1], full_data.gather("", 5).validation[1])
    assert not torch.equal(full_data.gather("", 5).validation[0], full_data.gather("", 6).validation[0])
