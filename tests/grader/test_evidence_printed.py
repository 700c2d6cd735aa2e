"""Training runs as notebooks print them: text that must not be taken for one, then wordings to be understood."""

from __future__ import annotations

import pytest

from autograder.core.records import Cell
from autograder.handin.evidence import Evidence, from_outputs


def _of(outputs: str, source: str = "") -> Evidence:
    return from_outputs([Cell(1, source, outputs)])


# No losses at all, whatever it looks like.
NO_LOSSES = [
    "",
    "Downloading train-images-idx3-ubyte.gz: 100%|██████████| 9912422/9912422 [00:00<00:00, 105237.31it/s]",
    "The validation set has 10000 images, the training set 50000",
    "Train: 50000 images, batch size 32",
    "torch.Size([32, 17, 64])",
    "Requirement already satisfied: einops in ./lib (0.8.0)",
    "loss",
    "my best loss so far was 0.3, I am happy",
    "Epoch 1: accuracy: train 0.81, val 0.92",
    "a" * 300_000,
    "1.2.3.4 " * 20_000,
    "[" * 50_000,
    "5%|" * 30_000,
    "Test set: Average loss: 0.0020, Accuracy: 9798/10000 (97.9800)",
]

# Two epochs: training 0.41 then 0.2, validation 0.21 then 0.1.
WORDINGS = {
    "provided": "Epoch 1: train loss 0.41, validation loss 0.21\nEpoch 2: train loss 0.2, validation loss 0.1\n",
    "from nought": "Epoch 0: train loss 0.41, validation loss 0.21\nEpoch 1: train loss 0.2, validation loss 0.1",
    "of how many": "Epoch [1/2], Train Loss: 0.4100, Val Loss: 0.2100\n"
    "Epoch [2/2], Train Loss: 0.2000, Val Loss: 0.1000",
    "keras": "Epoch 1/2 - loss: 0.41 - accuracy: 0.87 - val_loss: 0.21 - val_accuracy: 0.93\n"
    "Epoch 2/2 - loss: 0.2 - accuracy: 0.93 - val_loss: 0.1 - val_accuracy: 0.97",
    "loss first": "epoch 1 | loss: train 0.41, val 0.21\nepoch 2 | loss: train 0.2, val 0.1",
    "no word loss": "Epoch 1: train 0.41 | valid 0.21\nEpoch 2: train 0.2 | valid 0.1",
    "camel": "Epoch1 trainLoss=0.41 valLoss=0.21\nEpoch2 trainLoss=0.2 valLoss=0.1",
    "no epoch": "train loss: 0.41, val loss: 0.21\ntrain loss: 0.2, val loss: 0.1",
    "own lines": "EPOCH 1\nTraining loss: 0.41\nValidation loss: 0.21\n"
    "EPOCH 2\nTraining loss: 0.2\nValidation loss: 0.1",
    "no epoch, own lines": "Training loss 0.41\nValidation loss 0.21\nTraining loss 0.2\nValidation loss 0.1",
    "tensors": "Epoch 1: train loss tensor(0.4100, device='cuda:0'), val loss tensor(0.2100)\n"
    "Epoch 2: train loss tensor(0.2000, device='cuda:0'), val loss tensor(0.1000)",
    "exponents": "Epoch 1: train loss 4.1e-01, val loss 2.1e-1\nEpoch 2: train loss 2e-1, val loss 1E-01",
    "bars": "Epoch 1:  50%|█████     | 800/1600 [00:10<00:10, 80.1it/s, loss=0.7]\r"
    "Epoch 1: 100%|██████████| 1600/1600 [00:20<00:00, 80.1it/s, loss=0.3]\n"
    "Epoch 1: train loss 0.41, validation loss 0.21\n"
    "Epoch 2: 100%|██████████| 1600/1600 [00:20<00:00, 80.1it/s, loss=0.2]Epoch 2: train loss 0.2, validation loss 0.1",
    "only bars": "  0%|          | 0/1600 [00:00<?, ?it/s]\r"
    "Epoch 1: 100%|██████████| 1600/1600 [00:20<00:00, 80.1it/s, train_loss=0.41, val_loss=0.21]\n"
    "Epoch 2: 100%|██████████| 1600/1600 [00:20<00:00, 80.1it/s, train_loss=0.2, val_loss=0.1]",
    "log lines": "Train Epoch: 1 [0/50000 (0%)]\tLoss: 2.30\nTrain Epoch: 1 [25000/50000 (50%)]\tLoss: 0.41\n"
    "Epoch 1 validation loss 0.21\nTrain Epoch: 2 [0/50000 (0%)]\tLoss: 0.3\n"
    "Train Epoch: 2 [25000/50000 (50%)]\tLoss: 0.2\nEpoch 2 validation loss 0.1",
    "test for validation": "Epoch 1: train loss 0.41, test loss 0.21\nEpoch 2: train loss 0.2, test loss 0.1",
    "lists": "train_losses: [0.41, 0.2]\nval_losses: [0.21, 0.1]",
    "time and rate": "Epoch 1 (34.2 s, lr 0.001): train loss 0.41, validation loss 0.21\n"
    "Epoch 2 (33.9 s, lr 0.001): train loss 0.2, validation loss 0.1",
    "windows lines": "Epoch 1: train loss 0.41, val loss 0.21\r\nEpoch 2: train loss 0.2, val loss 0.1\r\n",
    "second try": "Epoch 1: train loss 2.3, val loss 2.3\nEpoch 1: train loss 0.41, val loss 0.21\n"
    "Epoch 2: train loss 0.2, val loss 0.1",
}


@pytest.mark.parametrize("outputs", NO_LOSSES, ids=range(len(NO_LOSSES)))
def test_what_is_no_training_run_gives_no_losses(outputs: str) -> None:
    evidence = _of(outputs)
    assert (evidence.train_loss, evidence.validation_loss) == ((), ())


@pytest.mark.parametrize("wording", WORDINGS)
def test_the_losses_are_understood_in_this_wording(wording: str) -> None:
    evidence = _of(WORDINGS[wording])
    assert (evidence.train_loss, evidence.validation_loss) == ((0.41, 0.2), (0.21, 0.1))
    assert evidence.epochs == 2


def test_ten_epochs_printed_with_padding_keep_their_order() -> None:
    lines = [f"Epoch {n:2d}: train loss {1 / n:.4f}, validation loss {0.5 / n:.4f}" for n in range(1, 11)]
    evidence = _of("\n".join(lines))
    assert evidence.train_loss == tuple(round(1 / n, 4) for n in range(1, 11))
    assert evidence.validation_loss[-1] == 0.05


def test_bare_lists_are_named_by_the_cell_that_shows_them() -> None:
    cells = [Cell(9, "val_losses", "[0.21, 0.1]"), Cell(3, "print(train_losses)", "[0.41,\n 0.2]\n")]
    evidence = from_outputs(cells)
    assert (evidence.train_loss, evidence.validation_loss) == ((0.41, 0.2), (0.21, 0.1))


def test_of_two_runs_the_longer_counts_whatever_the_order_of_the_cells() -> None:
    short = Cell(7, "", "Epoch 1: train loss 9, val loss 8")
    long = Cell(2, "", WORDINGS["provided"])
    assert from_outputs([short, long]).train_loss == from_outputs([long, short]).train_loss == (0.41, 0.2)


def test_a_loss_of_nan_is_a_problem_in_words() -> None:
    evidence = _of("Epoch 1: train loss nan, val loss 0.2\nEpoch 2: train loss nan, val loss 0.1")
    assert evidence.train_loss == () and evidence.validation_loss == (0.2, 0.1)
    assert "training losses hold a value that is no cross-entropy" in evidence.problems[0]


# Not the accuracy on the test set.
NO_ACCURACY = [
    "",
    "Epoch 10/10",
    "Train accuracy: 99.1 %",
    "Epoch 3: validation accuracy 0.97",
    "Accuracy: 12000/10000",
    "accuracy: 250 %",
    "accuracy is what we are after",
    "Epoch 1 - loss: 0.4 - val_accuracy: 0.93",
]

ACCURACIES = [
    ("Test set: Average loss: 0.0020, Accuracy: 9798/10000 (97.9800)", 97.98, 10000),
    ("\nTest set: Accuracy: 9798/10000 (97.9800)\n", 97.98, 10000),
    ("Accuracy: 9798/10000 (97.98%)", 97.98, 10000),
    ("Accuracy: 60/80 (75.0000)", 75.0, 80),
    ("9798/10000 correct", 97.98, 10000),
    ("Test accuracy: 0.9798", 97.98, 0),
    ("test acc = 97.98%", 97.98, 0),
    ("Test Accuracy: 97.98", 97.98, 0),
    ("test_accuracy tensor(0.9798)", 97.98, 0),
    ("Accuracy of the network on the 10000 test images: 97.98 %", 97.98, 0),
    ("97.98% accuracy on the test set", 97.98, 0),
    ("Epoch 10/10, train acc 99.5 %, test acc 97.98 %", 97.98, 0),
    ("100%|██████████| 313/313 [00:04<00:00, 70.8it/s]\nTest Accuracy: 9798/10000 (97.9800)", 97.98, 10000),
    ("Accuracy: 980/10000 (9.8000)\nAccuracy: 9798/10000 (97.9800)", 97.98, 10000),
    ("Accuracy: 0.991\nTest accuracy: 0.9798", 97.98, 0),
    ("Test accuracy: 1.0", 100.0, 0),
    ("Test accuracy: 1 %", 1.0, 0),
]


@pytest.mark.parametrize("outputs", NO_ACCURACY)
def test_what_is_no_test_accuracy_is_not_taken_for_one(outputs: str) -> None:
    assert _of(outputs).accuracy is None


@pytest.mark.parametrize(("outputs", "percent", "images"), ACCURACIES)
def test_the_test_accuracy_is_understood(outputs: str, percent: float, images: int) -> None:
    evidence = _of(outputs)
    assert evidence.accuracy == pytest.approx(percent)
    assert evidence.images == images


def test_an_accuracy_under_a_cell_that_names_the_test_set_wins() -> None:
    cells = [Cell(4, "test_performance(model)", "Accuracy: 0.95"), Cell(2, "check(model)", "Accuracy: 0.99")]
    assert from_outputs(cells).accuracy == pytest.approx(95.0)


# Pictures under cells that plot no losses.
NO_PLOTS = [
    ([Cell(1, "plt.imshow(train_images[0])", "", 1)], "a digit"),
    ([Cell(1, "plt.plot(train_loss)", "", 0)], "never run"),
    ([Cell(1, "def show():\n    plt.plot(train_loss)", "", 0), Cell(2, "other()", "", 1)], "another function"),
]
PLOTS = [
    ([Cell(1, "plt.plot(train_loss)\nplt.plot(val_loss)", "", 1)], 1),
    ([Cell(1, "fig, ax = plt.subplots()\nax.plot(history['loss'])", "", 2)], 2),
    ([Cell(5, "show(history)", "", 1), Cell(2, "def show(h):\n    plt.plot(h['train_loss'])", "")], 1),
]


@pytest.mark.parametrize(("cells", "why"), NO_PLOTS, ids=[why for _, why in NO_PLOTS])
def test_a_picture_of_something_else_is_no_loss_plot(cells: list[Cell], why: str) -> None:
    assert from_outputs(cells).plots == 0


@pytest.mark.parametrize(("cells", "count"), PLOTS)
def test_loss_plots_are_counted(cells: list[Cell], count: int) -> None:
    assert from_outputs(cells).plots == count


# the code above a picture, and whether it is one of losses
IMAGES = {
    "train, val = random_split(train_set, [5, 1])\nplt.imshow(train[0][0][0])": False,
    "losses = train(model, train_loader)\nplt.imshow(test_set[0][0][0])\nplt.title('a digit')": False,
    "loss = fit()\nsns.heatmap(confusion)": False,
    "plt.imshow(plt.imread('loss.png'))": True,
    "plt.imshow(picture)\nplt.title('Training and validation loss')": True,
    "plt.imshow(digit)\nplt.show()\nplt.plot(train_loss)\nplt.plot(val_loss)": True,
}


@pytest.mark.parametrize("code", IMAGES)
def test_a_picture_of_digits_is_none_of_losses(code: str) -> None:
    assert bool(from_outputs([Cell(1, code, "", 1)]).plots) is IMAGES[code]
