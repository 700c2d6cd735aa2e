"""Evidence of this homework's training, told from that of other tasks: what is paid in full, then what is not."""

from __future__ import annotations

import importlib
from functools import partial
from typing import NamedTuple

import pytest

from autograder.core.records import THIS_HOMEWORK, Cell, Submission
from autograder.handin.evidence import from_history, gather
from autograder.handin.slicing import slice_cells
from autograder.judging.expect import Missing
from autograder.judging.training.judge import judge_claim, judge_curves

TRAIN = [0.412, 0.204, 0.151, 0.122, 0.101, 0.09, 0.082, 0.07, 0.063, 0.052]
VALIDATION = [0.214, 0.142, 0.121, 0.11, 0.103, 0.09, 0.091, 0.083, 0.09, 0.1]
EPOCHS = list(enumerate(zip(TRAIN, VALIDATION), 1))
LINES = "".join(f"Epoch {n}: train loss {a:.4f}, validation loss {b:.4f}\n" for n, (a, b) in EPOCHS)
TESTED = "Test set: Average loss: 0.0702, Accuracy: 9712/10000 (97.1200)\n"

CLASSES = """
import torch
from torch import nn
class SingleHeadAttention(nn.Module):
    def forward(self, x): return x
class Attention(nn.Module):
    def __init__(self): self.heads = [SingleHeadAttention()]
class ViTLayer(nn.Module):
    def __init__(self): self.attention = Attention()
    def forward(self, x): return x
class ViT(nn.Module):
    def __init__(self, dropout=0.0): self.layers = [ViTLayer()]
def run_training_loop(model, epochs=10):
    for _ in range(epochs): loss = model(1)
    return {"train_loss": [], "validation_loss": []}
def test_performance(model): return model(1)
"""
TRAINING = "model = ViT(dropout=0.1)\nhistory = run_training_loop(model)"


class Shown(NamedTuple):
    """Cells of a notebook: (source, outputs), a third element being the number of pictures."""

    cells: tuple[tuple[str, str] | tuple[str, str, int], ...]

    def read(self, before: str = CLASSES) -> tuple[Cell, ...]:
        cells = [Cell(1, before)] + [
            Cell(number, shown[0], shown[1], shown[2] if len(shown) == 3 else 0)
            for number, shown in enumerate(self.cells, 2)
        ]
        return slice_cells(cells, "hw6.ipynb").cells


def shown(*cells: tuple[str, str] | tuple[str, str, int]) -> Shown:
    return Shown(cells)


# What ties these to the classes, reading can see: full points, and nothing for staff to do.
TIED = {
    "the template": shown((TRAINING, LINES), ("test_performance(model)", TESTED)),
    "all in one cell": shown((f"{TRAINING}\ntest_performance(model)", LINES + TESTED)),
    "own loop at the top": shown(
        (
            "net = ViT()\ntrain_l, val_l = [], []\nfor e in range(10):\n    a, b = one_epoch(net)\n"
            "    train_l.append(a); val_l.append(b)\n    print(e, a, b)\n",
            "".join(f"epoch {n} train={a} val={b}\n" for n, (a, b) in EPOCHS),
        ),
        ("with torch.no_grad():\n    good = sum(net(x) for x in data)\nprint(good)", "Accuracy: 9712/10000\n"),
    ),
    "own class around the layer": shown(
        (
            "class DigitReader(nn.Module):\n    def __init__(self):\n        self.body = nn.Sequential(ViTLayer())\n"
            "digits = DigitReader().to('cuda')\ndigits = nn.DataParallel(digits)\nfit(digits)",
            LINES,
        ),
        ("print(evaluate(digits))", "Test accuracy: 97.12 %\n"),
    ),
    "lightning": shown(
        (
            "class Lit(pl.LightningModule):\n    def __init__(self):\n        self.model = ViT()\n"
            "def main():\n    trainer = pl.Trainer(max_epochs=10)\n    trainer.fit(Lit())\nmain()",
            "".join(f"epoch {n}: train_loss={a} val_loss={b}\n" for n, (a, b) in EPOCHS),
        ),
        ("pl.Trainer().test(Lit())", "test_acc: 0.9712\n"),
    ),
    "lists printed elsewhere": shown(
        (TRAINING, ""),
        ("train_loss = history['train_loss']\nval_loss = history['validation_loss']", ""),
        ("print('train loss', train_loss); print('val loss', val_loss)", f"train loss {TRAIN}\nval loss {VALIDATION}\n"),
        ("n = test_performance(model)\nprint(n)", "9712/10000 correct\n"),
    ),
    "only a plot": shown(
        (TRAINING, ""), ("plt.plot(history['train_loss'])\nplt.show()  # loss", "<Figure>\n", 1), ("test_performance(model)", TESTED)
    ),
    "summed over batches": shown(
        (TRAINING, "".join(f"Epoch {n} train loss: {a * 1563:.1f} val loss: {b * 313:.2f}\n" for n, (a, b) in EPOCHS)),
        ("test_performance(model)", TESTED),
    ),
    "summed over images": shown(
        (TRAINING, "".join(f"Epoch {n} train loss: {a * 5e4:.0f} val loss: {b * 1e4:.0f}\n" for n, (a, b) in EPOCHS)),
        ("test_performance(model)", TESTED),
    ),
    "divided twice": shown(
        (TRAINING, "".join(f"Epoch {n} train loss: {a / 32:.5f} val loss: {b / 32:.5f}\n" for n, (a, b) in EPOCHS)),
        ("test_performance(model)", TESTED),
    ),
    "a slow start": shown((TRAINING, LINES.replace("0.4120", "2.6120")), ("test_performance(model)", TESTED)),
    "toys before and after": shown(
        ("toy = nn.Sequential(nn.Linear(2, 2))\nrun_training_loop(toy)", "Epoch 1: train loss 9.1\nEpoch 2: train loss 8\n"),
        (TRAINING, LINES),
        ("test_performance(model)", TESTED),
        ("print('Test accuracy: 100.00 %', toy)", "Test accuracy: 100.00 %\n"),
    ),
    "the model's name used again": shown(
        (TRAINING, LINES),
        ("test_performance(model)", TESTED),
        ("model = nn.Sequential(nn.Linear(784, 10))\ntest_performance(model)", "Test set: Accuracy: 9999/10000 (99.99)\n"),
    ),
}  # fmt: skip

# Plausible, but nothing in the code says so: full points, and staff are asked to look.
UNTIED = {
    "run as a script": shown(("!python train.py", LINES), ("!python test.py", TESTED)),
    "loaded again": shown(
        ("history = json.load(open('h.json'))\nprint(history['train_loss'])\nprint(history['val_loss'])", LINES),
        ("net = torch.load('vit.pt')\ncheck(net)", "Test accuracy: 97.12 %\n"),
    ),
    "imported": shown(("from my_training import main\nmain()", LINES + TESTED)),
    "a cell that cannot be read": shown(("model = ViT(\nrun(model)", LINES + TESTED)),
    "an own scale": shown(
        (TRAINING, "".join(f"Epoch {n} train loss: {a * 20:.2f} val loss: {b * 20:.2f}\n" for n, (a, b) in EPOCHS)),
        ("!python test.py", TESTED),
    ),
}

TRANSLATION = "".join(
    f"Epoch: {n:02}\n\tTrain Loss: {7 - n / 2:.3f} | Train PPL: {2.7 ** (7 - n / 2):7.3f}\n\t Val. Loss: {7.1 - n / 2:.3f}\n"
    for n in range(1, 11)
)
SEQ2SEQ = "class Seq2Seq(nn.Module):\n    def forward(self, src, trg): return src\n"
# (cells, what the message names): another task, whatever classes were handed in.
OTHERS = {
    "translation": (
        shown((SEQ2SEQ + "model = Seq2Seq()\nfor e in range(10): train(model)", TRANSLATION),
              ("evaluate(model)", "| Test accuracy: 0.971 | Test PPL: 33.9\n")), "Seq2Seq"),
    "translation with our head": (
        shown(("class Translator(nn.Module):\n    def __init__(self, src_vocab): self.a = SingleHeadAttention()\n"
               "model = Translator(1)\nfit(model)", TRANSLATION), ("net = fetch()\nbleu(net)", "test acc 97 % BLEU 31\n")),
        "ppl"),
    "a toy, reversing": (
        shown(("class ReversePredictor(TransformerPredictor):\n    def loss(self): pass\n"
               "class TransformerPredictor(pl.LightningModule):\n    def __init__(self): pass\n"
               "def train_reverse(**kw):\n    model = ReversePredictor(**kw)\n    return model, fit(model)\n"
               "reverse_model, reverse_result = train_reverse(dim=32)", LINES),
              ("print(f\"Test accuracy: {100 * reverse_result['test_acc']:.2f} %\")", "Test accuracy: 100.00 %\n")),
        "TransformerPredictor"),
    "another network on the digits": (
        shown(("net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\nrun_training_loop(net)", LINES),
              ("test_performance(net)", TESTED)), "nn.Sequential"),
    "the other model under the same name": (
        shown((TRAINING, ""), ("model = nn.LSTM(1, 2)\nrun_training_loop(model)", LINES), ("test_performance(model)", TESTED)),
        "nn.LSTM"),
    "its pictures": (
        shown((SEQ2SEQ + "m = Seq2Seq()\nlosses = train(m)", ""), ("plt.plot(losses)  # loss", "", 1),
              ("print(m.score())", "accuracy 0.99\n")), "Seq2Seq"),
    "films": (
        shown(("history = train(get('imdb'), criterion=BCELoss())", LINES.replace("0.41", "0.69")),
              ("print(sentiment_accuracy())", "Test binary accuracy: 0.9712\n")), "binary"),
}  # fmt: skip


@pytest.mark.parametrize("name", TIED)
def test_evidence_of_the_classes_is_paid_in_full_and_staff_are_left_in_peace(name: str) -> None:
    evidence = gather(None, "", TIED[name].read())
    curves, claim = judge_curves(evidence), judge_claim(evidence)
    assert (curves.earned, claim.earned, curves.staff, claim.staff) == (1.0, 1.0, "", "")
    assert evidence.plots or evidence.train_loss[0] < 3 or evidence.train_loss[0] > 300
    assert evidence.accuracy == pytest.approx(97.12)


@pytest.mark.parametrize("name", UNTIED)
def test_plausible_evidence_is_paid_in_full_and_staff_are_asked_to_look(name: str) -> None:
    evidence = gather(None, "", UNTIED[name].read())
    curves, claim = judge_curves(evidence), judge_claim(evidence)
    assert (curves.earned, claim.earned) == (1.0, 1.0)
    assert "please look" in curves.staff and "please look" in claim.staff


@pytest.mark.parametrize("name", OTHERS)
def test_evidence_of_another_task_is_not_paid_and_the_message_names_the_sign(name: str) -> None:
    cells, sign = OTHERS[name]
    evidence = gather(None, "", cells.read())
    curves, claim = judge_curves(evidence), judge_claim(evidence)
    assert (curves.earned, claim.earned) == (0.0, 0.0)
    assert sign in curves.feedback.found + claim.feedback.found and "of this homework's model" in curves.feedback.found
    assert "cell 2" in curves.feedback.found or "cell 3" in curves.feedback.found


def test_words_of_another_task_near_our_own_model_cost_nothing_and_staff_hear_of_them() -> None:
    cells = shown((f"vocab = 10\n{TRAINING}", LINES), ("test_performance(model)", TESTED)).read()
    curves = judge_curves(gather(None, "", cells))
    assert curves.earned == 1.0 and "vocab" in curves.staff


def test_comments_and_texts_are_no_words_of_another_task() -> None:
    source = f"# no vocab here, no BLEU: one token for each patch\nprint('sentiment')\n{TRAINING}"
    assert judge_curves(gather(None, "", shown((source, LINES)).read())).staff == ""


def test_losses_in_history_that_begin_where_ten_classes_cannot_are_left_to_staff() -> None:
    history = {"train_loss": [7.0 - n / 2 for n in range(10)], "validation_loss": VALIDATION}
    verdict = judge_curves(from_history(history))
    assert verdict.earned == 1.0 and "begin at 7; guessing among ten classes costs 2.30" in verdict.staff
    assert judge_curves(from_history({**history, "train_loss": TRAIN})).staff == ""


@pytest.mark.parametrize(
    ("images", "earned"), [(4, 0.0), (31, 0.0), (32, 0.5), (999, 0.5), (1_000, 1.0), (10_000, 1.0)]
)
def test_a_handful_of_images_is_no_test_set_and_a_part_of_it_is_half(images: int, earned: float) -> None:
    claim = judge_claim(from_history({"test_correct": images, "test_total": images}))
    assert claim.earned == earned
    assert ("images only" in claim.feedback.found) == (earned < 1)


def test_a_test_of_a_few_images_never_hides_a_whole_one() -> None:
    cells = shown((TRAINING, "Test accuracy: 4/4 (100)\n"), ("test_performance(model)", TESTED)).read()
    assert gather(None, "", cells).images == 10_000


# What a cell trains, by its code; the reading of names is what decides.
MODELS = {
    "net = ViT()\nfit(net)": THIS_HOMEWORK,
    "fit(ViTLayer())": THIS_HOMEWORK,
    "from vit import ViT\nfit(ViT())": THIS_HOMEWORK,
    "fit(build())": "",
    "": "",
    "class Focal(nn.Module): pass\nclass MyLoss(nn.Module): pass\nfit(MyLoss())": "Focal",
    "class MyLoss(nn.Module): pass\nfit(build(), MyLoss())": "",
    "fit(torchvision.models.resnet18())": "",
    "fit(nn.Transformer())": "nn.Transformer",
    "def make():\n    return nn.Sequential()\nfit(make())": "nn.Sequential",
}


@pytest.mark.parametrize("source", MODELS)
def test_the_model_of_a_cell_is_read_from_its_names(source: str) -> None:
    assert shown((source, "an output")).read()[-1].model == MODELS[source]


def test_cells_without_outputs_are_not_followed() -> None:
    assert [cell.model for cell in shown((TRAINING, ""), (TRAINING, "x")).read()] == ["", "", THIS_HOMEWORK]


# -- no class, no evidence -----------------------------------------------------------------------------------------------

BLANK = """
class {}(nn.Module):
    def __init__(self, dim):
        super().__init__()
        # TODO
    def forward(self, x):
        raise NotImplementedError("still to be written")
"""
HEAD, LAYER = BLANK.format("SingleHeadAttention"), BLANK.format("ViTLayer")
WRITTEN = "class {}(nn.Module):\n    def forward(self, x): return x\n"
# (code, questions whose class is absent)
ABSENT = [
    (CLASSES, ()),
    (HEAD + LAYER, ("4a", "4b")),
    ("import torch", ("4a", "4b")),
    (WRITTEN.format("Net"), ("4a", "4b")),
    (WRITTEN.format("ViTLayer"), ("4a",)),
    (HEAD + WRITTEN.format("ViTLayer"), ("4a",)),
    ("class ViTLayer(Block): pass\nclass SingleHeadAttention(Head):\n    'mine'\n", ()),
    ("class ViTLayer(nn.Module):\n    pass\nclass SingleHeadAttention: ...", ("4a", "4b")),
    ("from mine import SingleHeadAttention, ViTLayer", ()),
    ("class SingleHeadAttention(nn.Module:\n    pass", ("4b",)),
]


@pytest.mark.parametrize(("code", "absent"), ABSENT)
def test_a_class_is_absent_only_when_there_is_nothing_of_it(code: str, absent: tuple[str, ...]) -> None:
    assert slice_cells([Cell(1, code)], "hw6.py").absent == absent


def test_nothing_is_paid_for_evidence_when_neither_class_was_handed_in() -> None:
    hidden = importlib.import_module("tests.hidden.test_4c_training")
    cells = shown(("fit()", LINES), ("test()", TESTED)).read()
    for test in (
        partial(hidden.test_4c_1_curves, show_chart=print),
        partial(hidden.test_4c_2_accuracy, show_panel=print, measured=print, seed=0, request=None),
    ):
        test(Submission("x", "hw6.ipynb", "0", cells=cells, absent=("4a",)), print, print)
        with pytest.raises(Missing, match="neither SingleHeadAttention nor ViTLayer was handed in"):
            test(Submission("x", "hw6.ipynb", "0", cells=cells, absent=("4a", "4b")), print, print)
