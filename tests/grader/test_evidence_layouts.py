"""Training runs as tables, bars, pages and in other languages; accuracies as the value of a cell; pictures for the rest."""

from __future__ import annotations

import base64
import json
import struct

import pytest

from autograder.core.records import Cell
from autograder.handin.evidence import Evidence, from_outputs
from autograder.handin.files.figures import text_of_figure
from autograder.handin.files.html_text import text_of
from autograder.handin.files.notebook import read_notebook
from autograder.handin.files.pictures import pictures_of
from autograder.judging import judge_claim, judge_curves
from tests.grader.pace import LINEAR, growth
from tests.grader.submission_samples import notebook


def _of(outputs: str, source: str = "") -> Evidence:
    return from_outputs([Cell(1, source, outputs)])


BAR = "Epoch {n}/2 [{part}]: 100%|██████████| 313/313 [00:11<00:00, 28.43it/s, {name}={value}]"
# Two epochs: training 0.41 then 0.2, validation 0.21 then 0.1.
LAYOUTS = {
    "tabulate": "|   epoch |   train |   val |   lr |\n|--------:|--------:|------:|-----:|\n"
    "|       1 |    0.41 |  0.21 | 1e-3 |\n|       2 |    0.2  |  0.1  | 1e-3 |",
    "pandas": "       train_loss  val_loss\nepoch                      \n1            0.41      0.21\n2            0.20      0.10",
    "pandas with an index": "   epoch   step  train_loss  val_loss\n0      0   1562        0.41      0.21\n1      1   3125        0.20      0.10",
    "pandas without epochs": "   train_loss  val_loss\n0        0.41      0.21\n1        0.20      0.10",
    "rich": "┏━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━┓\n┃ epoch ┃ train loss ┃ val loss ┃\n┡━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━┩\n"
    "│     1 │     0.4100 │   0.2100 │\n│     2 │     0.2000 │   0.1000 │\n└───────┴────────────┴──────────┘",
    "fastai": "epoch     train_loss  valid_loss  accuracy  time    \n0         0.41        0.21        0.9312    00:41     \n"
    "1         0.2         0.1         0.9700    00:41     ".replace("00:41", "0.41"),
    "a file": "epoch,train_loss,val_loss,val_acc\n1,0.41,0.21,0.93\n2,0.2,0.1,0.97",
    "a file with gaps": "epoch,train_loss,val_loss\n1,0.41,\n1,,0.21\n2,0.2,\n2,,0.1",
    "bars with titles": "\r".join(
        BAR.format(n=n, part=part, name=name, value=value)
        for n, train, val in ((1, 0.41, 0.21), (2, 0.2, 0.1))
        for part, name, value in (("train", "loss", train), ("val", "loss", val))
    ),
    "keras with bars": "Epoch 1/2\n\r 1/1563 [>....] - ETA: 2:22 - loss: 0.77 - accuracy: 0.81"
    "\r1563/1563 [====] - 141s 90ms/step - loss: 0.41 - accuracy: 0.84 - val_loss: 0.21 - val_accuracy: 0.92\n"
    "Epoch 2/2\n\r1563/1563 [====] - 141s 90ms/step - loss: 0.2 - accuracy: 0.93 - val_loss: 0.1 - val_accuracy: 0.97",
    "the epoch behind the word": "Training loss after epoch 1: 0.41\nValidation loss after epoch 1: 0.21\nTraining loss after epoch 2/2: 0.2\nValidation loss after epoch 2/2: 0.1",
    "the epoch behind the word, side by side": "train loss (epoch 1 of 2): 0.41, val loss (epoch 1 of 2): 0.21\ntrain loss (epoch 2 of 2): 0.2, val loss (epoch 2 of 2): 0.1",
    "sets behind": "[01] loss 0.41 (train)  0.21 (val)\n[02] loss 0.2 (train)  0.1 (val)",
    "short words": "ep 01  trn 4.1e-01  val 2.1e-01\nep 02  trn 2.0e-01  val 1.0e-01",
    "colours": "\x1b[1mEpoch 1\x1b[0m train loss \x1b[32m0.41\x1b[0m val loss \x1b[33m0.21\x1b[0m\n"
    "\x1b[1mEpoch 2\x1b[0m train loss \x1b[32m0.2\x1b[0m val loss \x1b[33m0.1\x1b[0m",
    "pprint of a nested history": "{'loss': {'train': [0.41,\n                    0.2],\n          'val': [0.21,\n                  0.1]},\n 'test': {'accuracy': 0.97}}",
    "a nested history with accuracies below": '{\n  "loss": {\n    "train": [\n      0.41,\n      0.2\n    ],\n    "val": [\n      0.21,\n      0.1\n    ]\n  },\n'
    '  "accuracy": {\n    "train": [\n      0.8,\n      0.9\n    ],\n    "val": [\n      0.85,\n      0.95\n    ]\n  }\n}',
    "tabs and points": "ep\ttrn\tvld\n1\t.41\t.21\n2\t.2\t.1",
    "units in the header": "epoch   train [nats]   val [nats]   time [s]   lr\n-----------\n  1   0.41   0.21   162.5   1e-03\n  2   0.2   0.1   162.4   1e-03",
    "PrettyTable": "+-------+--------------+--------------+\n| Epoch | Loss (train) | Loss (valid) |\n+-------+--------------+--------------+\n"
    "|   1   |     0.41     |     0.21     |\n|   2   |     0.2      |     0.1      |\n+-------+--------------+--------------+",
    "Markdown": "| epoch | train | validation |\n|---:|---:|---:|\n| 1 | 0.41 | 0.21 |\n| 2 | 0.2 | **0.1** |",
    "sets alone": "1) train = 0.41 | valid = 0.21\n2) train = 0.20 | valid = 0.10",
    "decimal commas and commas after them": "Epoche 1: Verlust Training 0,41, Verlust Validierung 0,21\nEpoche 2: Verlust Training 0,20, Verlust Validierung 0,10",
    "decimal commas": "Epoche 1: Trainingsverlust 0,41 – Validierungsverlust 0,21\nEpoche 2: Trainingsverlust 0,20 – Validierungsverlust 0,10",
    "of the epoch": "1: mean train loss of the epoch 0.41, val loss of the epoch 0.21\n2: mean train loss of the epoch 0.2, val loss of the epoch 0.1",
    "Spanish": "Época 1/2 → pérdida de entrenamiento: 0.41, pérdida de validación: 0.21\n"
    "Época 2/2 → pérdida de entrenamiento: 0.2, pérdida de validación: 0.1",
    "Spanish without accents": "Epoca 1: perdida entrenamiento 0.41, perdida validacion 0.21\n"
    "Epoca 2: perdida entrenamiento 0.2, perdida validacion 0.1",
    "German": "Epoche 1: Trainingsverlust 0.41, Validierungsverlust 0.21\nEpoche 2: Trainingsverlust 0.2, Validierungsverlust 0.1",
    "French": "Époque 1 : perte entraînement 0.41, perte validation 0.21\nÉpoque 2 : perte entraînement 0.2, perte validation 0.1",
    "Portuguese": "Época 1: perda de treino 0.41, perda de validação 0.21\nÉpoca 2: perda de treino 0.2, perda de validação 0.1",
    "Chinese": "第1轮：训练损失 0.41，验证损失 0.21\n第2轮：训练损失 0.2，验证损失 0.1",
    "Japanese": "エポック1: 学習損失 0.41、検証損失 0.21\nエポック2: 学習損失 0.2、検証損失 0.1",
    "Korean": "에포크 1: 훈련 손실 0.41, 검증 손실 0.21\n에포크 2: 훈련 손실 0.2, 검증 손실 0.1",
    "Turkish": "Devir 1: eğitim kaybı = 0.41, doğrulama kaybı = 0.21 (doğrulama başarımı %91.58)\nDevir 2: eğitim kaybı = 0.2, doğrulama kaybı = 0.1 (doğrulama başarımı %94.6)",
    "Vietnamese": "Epoch 1/2 - loss huấn luyện: 0.41 - loss kiểm định: 0.21\nEpoch 2/2 - loss huấn luyện: 0.2 - loss kiểm định: 0.1",
    "Polish": "Epoka 01: strata tren. 0.41 / strata walid. 0.21\nEpoka 02: strata tren. 0.20 / strata walid. 0.10",
    "held out": "epoch 1: train_loss 0.41, held_out_loss 0.21\nepoch 2: train_loss 0.2, held-out loss 0.1",
    "marks of the best": "1 train 0.41 val 0.21 acc 0.93 <- saved\n2 train 0.20 val 0.10 acc 0.97",
    "abbreviations": "EpochLog(ep=1, trn=0.41, vl=0.21)\nEpochLog(ep=2, trn=0.2, vl=0.1)",
    "Russian": "Эпоха 1: потери обучение 0.41, потери валидация 0.21\nЭпоха 2: потери обучение 0.2, потери валидация 0.1",
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_losses_are_understood_in_this_layout(layout: str) -> None:
    evidence = _of(LAYOUTS[layout])
    assert (evidence.train_loss, evidence.validation_loss) == ((0.41, 0.2), (0.21, 0.1))
    assert evidence.epochs == 2


def test_rows_of_one_set_each_are_curves() -> None:
    text = "epoch       1     2     3     4     5\nset\ntraining    0.41  0.20  0.15  0.12  0.10\nvalidation  0.21  0.10  0.09  0.08  0.07"
    evidence = _of(text, "long.pivot(values='cross-entropy').T")
    assert (len(evidence.train_loss), evidence.validation_loss[:2]) == (5, (0.21, 0.1))
    assert not _of(text.replace("0.41", "0.05"), "loss").train_loss  # rising
    assert not _of(text, "table of accuracies").train_loss


NO_TABLES = [
    "Name    Size    Modified\ndata    12      3\n",
    "train set  validation set\n50000  10000  3 files",
    "  | Name  | Type | Params | Mode \n0 | model | ViT  | 896 K  | train",
    "Training: |          | 0/? [00:00<?, ?it/s]\nValidation: |          | 0/? [00:00<?, ?it/s]",
]


@pytest.mark.parametrize("outputs", NO_TABLES, ids=range(len(NO_TABLES)))
def test_a_table_of_something_else_is_no_training_run(outputs: str) -> None:
    evidence = _of(outputs)
    assert len(evidence.train_loss) < 2 and len(evidence.validation_loss) < 2


@pytest.mark.parametrize("shown", [(1, 2, 8, 9, 10), (2, 4, 6, 8, 10), (0, 3, 6, 9), (1, 5, 10)])
def test_epochs_are_counted_to_the_last_that_is_named(shown: tuple[int, ...]) -> None:
    """Colab cuts long outputs in the middle, and some print every second epoch: all were trained."""
    evidence = _of("\n".join(f"Epoch {n}: train loss {1 / (n + 1):.3f}, val loss {0.5 / (n + 1):.3f}" for n in shown))
    assert evidence.epochs == 10 and judge_curves(evidence).earned == 1.0


def test_three_epochs_are_three() -> None:
    evidence = _of("\n".join(f"Epoch {n}/10: train loss {1 / n:.3f}, val loss {0.5 / n:.3f}" for n in (1, 2, 3)))
    assert evidence.epochs == 3 and judge_curves(evidence).earned < 1.0


TEST_CELL = "_, n_correct = evaluate(model, test_set)\n"
VALUES = [
    ("(9748, 10000, 0.9748)", TEST_CELL + "n_correct, len(test_set), n_correct / len(test_set)", 97.48),
    ("0.9752", "loss, right = evaluate(model, test_set)\nright / 10000", 97.52),
    ("tensor(0.9752, device='cuda:0')", "acc = accuracy(model, test_loader)\nacc", 97.52),
    ("(np.float64(0.9701), 'accuracy on the test set')", "evaluate(model, test_set)[1], 'accuracy on the test set'", 97.01),
    ("97.52", "test_accuracy(model)", 97.52),
    ("100%|██████████| 313/313 [00:10<00:00, 30.10it/s]\n0.9752", "accuracy(model, test_set)", 97.52),
    ("test loss 0.0904   correct 9731/10000   error 2.69%", "", 97.31),
    ("Test error: 2.7 %", "", 97.3),
    ("Exactitud en el conjunto de prueba: 97.15 % (9715 aciertos de 10000)", "", 97.15),
    ("测试集准确率：97.05%", "", 97.05),
    ("Testgenauigkeit: 97,05 %".replace(",", "."), "", 97.05),
    ("test_loss        0.08893\ntest_accuracy    0.97220\ndtype: float64", "", 97.22),
    ("│     test_acc      │    0.9746000170707703     │", "", 97.46),
    ("9713 of 10000 right", "", 97.13),
    ("9,713/10,000 correct", "", 97.13),
    ("Accuracy on all 10,000 test images: 97.13 %", "", 97.13),
    ("Richtig: 9713 von 10000", "", 97.13),
    ("Final: 97.1", "correct = count(model, test_set)\nprint(f'Final: {correct / 100:.1f}')", 97.1),
    ("Top-1: 97.35\nTop-3: 99.81", "top1, top3 = hits(model, test_set)\nprint(f'Top-1: {top1}')", 97.35),
    ("Test set accuracy after 10 epochs is 97.13 percent", "", 97.13),
    ("On the **test set** the loss is 0.0842 and the accuracy $97.41\\,\\%$.", "", 97.41),
    ("Genauigkeit (Test): 97,13 %", "", 97.13),
    ("| Split | Images | Correct | Accuracy |\n|-------|------|------|------|\n|  test | 10000  |   9699  |  96.99%  |", "", 96.99),
    ("test error rate: 0.0263", "", 97.37),
    ("test accuracy 97.3 ± 0.2 %", "", 97.3),
    ("9710/10000", "for x, y in loaders['eval']:\n    hits += right(vit, x, y)\nprint(f'{hits}/{len(test_set)}')", 97.1),
    ("final test accuracy after 15 epochs: 97.33", "", 97.33),
    ("Test doğruluğu: %97.12", "", 97.12),
    ("Độ chính xác trên tập kiểm tra: 0.9701", "", 97.01),
    ("Dokładność na zbiorze testowym: 9705/10000", "", 97.05),
    ("9705/10000", "print(count(model, test_loader))", 97.05),
    ("{'eval_loss': 0.0871, 'eval_accuracy': 0.9751, 'epoch': 10.0}", "trainer.evaluate(test_set)", 97.51),
    ("done.  TEST: 97.92 %", "", 97.92),
    ("9712 right, 288 wrong", "", 97.12),
    ("tensor([[979, 1], [2, 1130]])\ntrace / total = 0.972000002861023", "model.eval()\nconfusion(model, test_dl)", 97.2000002861023),
    ("0.311/0.202  0.282/0.228\nTest: (0.2113406591773033, 0.9362)", "fit(model, train_iter)\nprint('Test:', check(model, test_iter))", 93.62),
    ("       Test metric             DataLoader 0\n─────────\n        test_acc            0.9729999899864197\n        test_loss           0.08511", "", 97.29999899864197),
    ("       Test metric             DataLoader 1\n        test_acc            0.62", "", 62.0),
    (
        "              precision    recall  f1-score   support\n\n           0       0.98      0.99      0.98       980\n           1       0.99      0.98      0.99      1135\n\n"
        "    accuracy                           0.97     10000\n   macro avg       0.96      0.97      0.97     10000\nweighted avg       0.96      0.97      0.97     10000",
        "print(classification_report(y_test, predicted))", 97.0,
    ),
    ("Required: 95 %\nTest accuracy: 97.13 % (should be at least 95 %)", "", 97.13),
    ("expected > 95 %, test accuracy: 96.10 %", "", 96.1),
    ("Test accuracy -> 96.10", "", 96.1),
    ("train/val/test accuracy: 99.1 / 97.4 / 97.3", "", 97.3),
    ("accuracy (train, test): 0.991, 0.973", "", 97.3),
    ("Goal reached! As expected, the test accuracy is 97.3 %", "", 97.3),
    ("Validating ... accuracy: 97.30%", "check(model, test_loader)", 97.3),
    ("mean accuracy over each test batch: 97.30%", "", 97.3),
    ("'96.90%'", "acc = evaluate(model, test_set)[1] / len(test_set)\nf'{acc:.2%}'", 96.9),
    ("Accuracy: 97.30%", "val_set = MNIST('.', train=False)\ncheck(model, val_set)", 97.3),
    ("Test accuracy: 97.30%", "check(model, val_loader)", 97.3),
    ("test accuracy 97.30%", "trainer.fit(model, train_loader)\ntrainer.test(model)", 97.3),
    ("Fehlerrate auf den Testdaten: 2,84 % (284 von 10000 falsch)", "", 97.16),
    ("Fehlerquote (Test): 2,84 %", "", 97.16),
    ("test: 284 of 10000 wrong", "", 97.16),
    ("test: 9716 of 10000 correct, 284 errors", "", 97.16),
    ("Test: error 0.0842, 9716 of 10000", "", 97.16),
    ("errors on the test set: 284 of 10000", "", 97.16),
    ("Baseline test accuracy: 97.3 %", "", 97.3),
    ("Test accuracy: 97.30%", "from theirs import run\nrun(model, train_loader)", 97.3),
    ("270 misclassified out of 10000 test images", "", 97.3),
    ("270 test images wrong of 10000", "", 97.3),
    ("Test acc over 3 seeds: 97.1", "", 97.1),
    ("        Loss  Correct  Accuracy (%)\nTest  0.0902     9724         97.24", "", 97.24),
]  # fmt: skip


@pytest.mark.parametrize(("outputs", "source", "percent"), VALUES, ids=[value for value, _, _ in VALUES])
def test_the_test_accuracy_is_understood_in_this_form(outputs: str, source: str, percent: float) -> None:
    assert _of(outputs, source).accuracy == pytest.approx(percent)


def test_staff_look_where_the_code_tests_on_another_set_than_the_text_says() -> None:
    cell = Cell(
        3, "right = evaluate(model, validation_set)\nprint(f'Test accuracy: {right:.4f}')", "Test accuracy: 0.9744"
    )
    assert "names the validation set" in " ".join(from_outputs([cell]).accuracy_doubts)
    tested = Cell(3, cell.source.replace("validation_set", "test_set"), cell.outputs)
    assert "names the validation set" not in " ".join(from_outputs([tested]).accuracy_doubts)


NO_VALUES = [
    ("0.9752", "right / 10000"),  # of which set?
    ("0.0891", "test_loss = evaluate(model, test_set)\ntest_loss"),
    ("0.98", "test_acc, val_acc = 0, evaluate(model, validation_set)\nval_acc"),
    ("[0.0877, 0.9733, 3.1, 4.2, 5.0]", "test_accuracy_by_class"),
    ("(2, 3)", "test_set.shape"),
    ("-3.5", "score = log_likelihood(model, test_set)\nscore"),
    ("<matplotlib.legend.Legend at 0x14f0a2dd0>", "plt.legend('test accuracy')"),
    ("Test MSE error: 0.3", ""),
    ("Final: 97.1", "print(f'Final: {score(model, validation_set)}')"),
    ("loss 0.31\nlr 0.5", "correct = count(model, test_set)"),
    ("3 of 4 cells ran", ""),
    ("Final accuracy: 98.74%", "_, acc = run_eval(model, train_loader)\nprint(f'Final accuracy: {100 * acc:.2f}%')"),
    ("valid_err=0.0725", ""),
    ("Accuracy: 49213/50000 (98.43%)", "print(f'Accuracy: {correct}/{len(loader.dataset)}')"),
    (
        "0.93",
        "loss = evaluate(model, test_set)\nprint('loss', loss)".replace(
            "print('loss', loss)", "print(validate(model, val_set))"
        ),
    ),
    ("TEST: 97.92 % of the time", ""),
    ("Test accuracy should be > 95%", ""),
    ("should be at least 95% test accuracy", ""),
    ("required test accuracy: 95 %", ""),
    ("Test accuracy >= 95%", ""),
    ("human test accuracy 99.8%", ""),
    ("Test accuracy: 98.71% (49356/50000)", "for x, y in DataLoader(train_set, 32):\n    correct += hits(model, x, y)"),
    ("Test batch accuracy: 100.00%", ""),
    ("accuracy on the first test batch: 100 %", ""),
    ("Testing shapes... ok 100%", ""),
    ("Downloading test set 100%", ""),
]


def test_an_accuracy_without_a_name_is_of_the_validation_set_where_another_cell_has_a_test_set() -> None:
    final = Cell(2, "loss, right = evaluate(model, validation_set)", "Final accuracy: 9779/10000 (97.79%)")
    loaded = Cell(1, "test_set = mnist(train=False)\nshow(test_set)")
    assert from_outputs([loaded, final]).accuracy is None
    assert from_outputs([final]).accuracy == pytest.approx(97.79), "perhaps it is the test set: staff look"
    assert from_outputs([final]).accuracy_doubts


@pytest.mark.parametrize(("outputs", "source"), NO_VALUES)
def test_another_value_is_no_test_accuracy(outputs: str, source: str) -> None:
    assert _of(outputs, source).accuracy is None


LINES = "\n".join(f"Epoch {n}: train loss {1 / n:.3f}" for n in range(1, 11))
BOTH = "plt.plot(a, label='train')\nplt.plot(b, label='val')"


def test_a_picture_tells_of_the_set_that_the_text_leaves_out() -> None:
    cells = [Cell(1, "fit()", LINES), Cell(2, BOTH, "", 1)]
    verdict = judge_curves(from_outputs(cells))
    assert verdict.earned == 1.0 and "but a picture of them" in " ".join(verdict.remarks)


def test_a_picture_of_one_set_does_not() -> None:
    cells = [Cell(1, "fit()", LINES), Cell(2, "plt.plot(train_loss, label='train')", "", 1)]
    assert judge_curves(from_outputs(cells)).earned < 1.0


def test_a_title_that_promises_two_curves_is_none() -> None:
    title = "; plt.title('Training / validation loss')"
    one = "plt.plot(tl, label='loss')" + title
    assert judge_curves(from_outputs([Cell(1, "fit()", LINES), Cell(2, one, "", 1)])).earned < 1.0
    for both in ("plt.plot(tl); plt.plot(vl)", "frame.plot()", "plt.plot([tl, vl])", "plt.plot(np.stack([tl, vl]).T)"):
        drawn = [Cell(1, "fit()", LINES), Cell(2, both + title, "", 1)]
        assert judge_curves(from_outputs(drawn)).earned == 1.0, both


def test_a_picture_of_the_other_sets_accuracy_does_not() -> None:
    code = "plt.plot(train_losses, label='train')\nplt.plot(val_acc, label='validation accuracy')"
    assert judge_curves(from_outputs([Cell(1, "fit()", LINES), Cell(2, code, "", 1)])).earned < 1.0


def test_a_last_value_alone_leaves_the_curves_to_the_picture() -> None:
    cells = [Cell(1, "fit()", "train/loss 0.06\nval/loss 0.09"), Cell(2, BOTH, "", 1)]
    assert judge_curves(from_outputs(cells)).earned == 1.0
    assert judge_curves(from_outputs(cells[:1])).earned == 0.0


def test_sets_alone_are_no_losses_where_they_rise() -> None:
    """Then they may be accuracies."""
    assert not _of("1) train = 0.81 | valid = 0.85\n2) train = 0.90 | valid = 0.92").train_loss
    assert not _of("The validation set has 10000 images, the training set 50000").train_loss


@pytest.mark.parametrize(
    ("kind", "part", "source"),
    [
        ("application/vnd.plotly.v1+json", {"data": [{"y": [2, 1]}]}, "px.line(table, y=['train', 'val'])"),
        (
            "text/html",
            "<div id='altair-viz-8f1c'></div><script>vegaEmbed()</script>",
            "alt.Chart(losses).encode(y='loss')",
        ),
        ("text/html", "<script>Plotly.newPlot('x', [])</script>", "px.line(table, y=['train', 'val'])"),
        ("application/vnd.bokehjs_exec.v0+json", "", "p = figure()\np.line(e, train)\np.line(e, val)"),
    ],
)
def test_a_figure_that_a_script_draws_is_a_picture(kind: str, part: object, source: str) -> None:
    output = {"output_type": "display_data", "data": {kind: part, "text/plain": "Figure(...)"}}
    cell = {"cell_type": "code", "source": source, "outputs": [output]}
    saved = read_notebook(json.dumps({"cells": [cell]}), "hw6.ipynb")[0]
    assert from_outputs([Cell(1, one.source, one.outputs, one.images) for one in saved]).plots == 1


def _figure(packed: bool) -> dict[str, object]:
    losses = {"training": [0.41, 0.2], "validation": [0.21, 0.1]}
    traces: list[object] = [
        None,
        {"name": "points", "y": ["a", "b"]},
        {"name": "bad", "y": {"dtype": "f8", "bdata": "%"}},
    ]
    for name, values in losses.items():
        data = {"dtype": "f8", "bdata": base64.b64encode(struct.pack("<2d", *values)).decode()}
        traces.append({"name": name, "y": data if packed else values})
    return {"data": traces, "layout": {"yaxis": {"title": {"text": "cross-entropy"}}}}


@pytest.mark.parametrize("packed", [True, False])
def test_the_curves_of_a_plotly_figure_are_read(packed: bool) -> None:
    output = {"output_type": "display_data", "data": {"application/vnd.plotly.v1+json": _figure(packed)}}
    cell = {"cell_type": "code", "source": "px.line(long, color='set')", "outputs": [output]}
    saved = read_notebook(json.dumps({"cells": [cell]}), "hw6.ipynb")[0]
    evidence = from_outputs([Cell(1, one.source, one.outputs, one.images) for one in saved])
    assert (evidence.train_loss, evidence.validation_loss) == ((0.41, 0.2), (0.21, 0.1))


@pytest.mark.parametrize("figure", [None, [], {}, {"data": 3}, {"data": [{"name": 3, "y": [1, 2]}], "layout": 7}])
def test_a_figure_of_another_shape_says_nothing(figure: object) -> None:
    assert text_of_figure(figure) == ""


def _epochs(first: int, train: list[float], *, numbered: int = 1) -> str:
    return "\n".join(f"epoch {first + n * numbered}: train={t:.4f} val={t / 2:.4f}" for n, t in enumerate(train))


@pytest.mark.parametrize("begins", [7, 1])
def test_a_run_that_was_resumed_in_another_cell_is_one(begins: int) -> None:
    """Whether its epochs count on or from the start again."""
    first = Cell(1, "fit(6)", _epochs(1, [0.5, 0.36, 0.27, 0.2, 0.16, 0.13]))
    second = Cell(2, "fit(4)", "resuming after epoch 6\n" * (begins == 7) + _epochs(begins, [0.1, 0.09, 0.08, 0.07]))
    evidence = from_outputs([first, second])
    assert len(evidence.train_loss) == len(evidence.validation_loss) == evidence.epochs == 10
    assert judge_curves(evidence).earned == 1.0


def test_a_run_that_begins_anew_is_another_one() -> None:
    cells = [Cell(n, "fit(6)", _epochs(1, [0.5, 0.36, 0.27, 0.2, 0.16, 0.13])) for n in (1, 2)]
    assert len(from_outputs(cells).train_loss) == 6 and judge_curves(from_outputs(cells)).earned < 1.0


def test_one_value_of_a_set_is_no_curve() -> None:
    cells = [Cell(1, "fit()", LINES), Cell(2, "evaluate()", "val loss at the end 0.0917")]
    assert judge_curves(from_outputs(cells)).earned < 1.0


def test_validation_losses_that_are_the_training_losses_are_none() -> None:
    text = "\n".join(f"Epoch {n}: train loss {1 / n:.3f}, val loss {1 / n:.3f}" for n in range(1, 11))
    verdict = judge_curves(_of(text))
    assert verdict.earned < 1.0 and "number for number" in verdict.feedback.found


def test_a_validation_accuracy_beside_a_training_loss_is_no_loss() -> None:
    text = "\n".join(f"epoch {n}: loss {0.5 / n:.3f}, validation {0.9 + n / 200:.3f}" for n in range(1, 11))
    verdict = judge_curves(_of(text))
    assert verdict.earned < 1.0 and "only the losses of the training set" in verdict.feedback.found


def test_losses_that_are_no_number_are_not_made_good_by_their_picture() -> None:
    cells = [
        Cell(1, "fit()", "Epoch 1: train loss 7.9, val loss 18.4\nEpoch 2: train loss nan, val loss nan"),
        Cell(2, BOTH, "", 1),
    ]
    assert judge_curves(from_outputs(cells)).earned == 0.0


def test_a_picture_without_the_word_loss_counts_where_its_code_names_both_sets() -> None:
    assert from_outputs([Cell(2, BOTH, "", 1)]).plots == 1
    assert from_outputs([Cell(2, "plt.plot(perdidas_ent)\nplt.ylabel('pérdida')", "", 1)]).plots == 1
    assert from_outputs([Cell(2, "plt.plot(x)\nplt.title('train')", "", 1)]).plots == 0


PAGE = (
    "<style>.w {display: flex}</style><div><h3>Run summary:</h3><table><tr><td>epoch</td><td>10</td></tr>"
    "<tr><td>test/acc</td><td>0.9724</td></tr><tr><td>a &amp; b</td><td>1</td></tr></table></div><script>alert(1)</script>"
)


def test_a_page_without_a_text_is_read_as_a_reader_sees_it() -> None:
    assert text_of(PAGE) == "Run summary:\nepoch  10\ntest/acc  0.9724\na & b  1"
    assert text_of("<" * 9 + "p>x</p") == "x"
    assert text_of("<tr>\n  <th>a\n b</th>\n  <td>1</td>\n</tr><pre>x  y\n z</pre>") == "a b  1\nx  y\nz"
    output = {
        "output_type": "display_data",
        "data": {"text/html": [PAGE], "text/plain": ["<IPython.core.display.HTML object>"]},
    }
    text = json.dumps({"cells": [{"cell_type": "code", "source": "fit()", "outputs": [output]}]})
    evidence = from_outputs([Cell(1, cell.source, cell.outputs) for cell in read_notebook(text, "hw6.ipynb")[0]])
    assert evidence.accuracy == pytest.approx(97.24) and judge_claim(evidence).earned == 1.0


@pytest.mark.parametrize("text", ["<", "<style>", "</td>", "&amp", "a|", "  1", "1,", "第1轮", "perdida ", "[0.1 (a"])
def test_the_work_grows_no_faster_than_the_text(text: str) -> None:
    assert growth(lambda size: _of(text_of(text * size) + "\ntrain  val\n" + text * size), 400) < LINEAR


# --- lines that say in no known word what they are of -----------------------------------------------------------------

CODE = "for batch in train_loader: step()\nlog(validate(model, val_loader))"
FALLING = [(0.5 / n, 0.3 / n, 0.8 + n / 50, 0.001 / n, 41.2 - n) for n in range(1, 11)]
COLUMNS = {
    "a language of no list": "Tímabil {n}: þjálfun {a:.4f}, staðfesting {b:.4f}, nákvæmni {c:.3f}",
    "letters": "[{n:02d}] A {a:.4f} B {b:.4f} ({d:.6f}, {e:.1f} s)",
    "nothing at all": "{n} {a:.4f} {b:.4f} {c:.3f}",
    "one of them": "{n}: train {a:.4f} hold {b:.4f}",
    "the rate first": "{n} lr={d:.6f} {a:.4f}/{b:.4f}",
}


def _columns(form: str) -> str:
    return "\n".join(form.format(n=n, a=a, b=b, c=c, d=d, e=e) for n, (a, b, c, d, e) in enumerate(FALLING, 1))


@pytest.mark.parametrize("form", COLUMNS)
def test_lines_of_one_form_are_a_run_where_the_code_names_both_sets(form: str) -> None:
    evidence = _of("Downloading …\n" + _columns(COLUMNS[form]) + "\ndone 0.5", CODE)
    assert evidence.train_loss == pytest.approx([row[0] for row in FALLING], abs=1e-4)
    assert evidence.validation_loss == pytest.approx([row[1] for row in FALLING], abs=1e-4)
    assert judge_curves(evidence).earned == 1.0 and "order of their columns" in judge_curves(evidence).staff


NO_COLUMNS = {
    "one loss and a rate": "{n} {a:.4f} lr={d:.6f}",
    "one loss and a small number": "{n} {a:.4f} {d:.6f}",
    "one loss and an accuracy": "{n} {a:.4f} {c:.3f}",
    "one loss and a norm": "{n} train {a:.4f} grad_norm {b:.4f}",
    "one loss and a time": "{n} train {a:.4f} time {e:.1f}",
    "the same column of two names": "{n} {c:.3f} {c:.3f}",
}


@pytest.mark.parametrize("form", NO_COLUMNS)
def test_one_loss_beside_something_else_is_not_two(form: str) -> None:
    assert judge_curves(_of(_columns(NO_COLUMNS[form]), CODE)).earned < 1.0


def test_columns_are_nothing_where_the_code_names_one_set_or_lines_are_few() -> None:
    text = _columns(COLUMNS["nothing at all"])
    assert not _of(text, "for batch in train_loader: step()").validation_loss
    assert not _of("\n".join(text.split("\n")[:4]), CODE).validation_loss


PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()
# what an output holds, and how many pictures that is
PAGES = {
    "a picture in a page": ({"text/html": f"<div><img alt='x' src='data:image/png;base64,{PNG}'></div>"}, 1),
    "a drawing in a page": ({"text/html": ["<svg xmlns='http://www.w3.org/2000/svg'>", "<path d=''/></svg>"]}, 1),
    "a page": ({"text/html": "<table><tr><td>0.3</td></tr></table>"}, 0),
    "a picture from elsewhere": ({"text/html": "<img src='https://example.org/loss.png'>"}, 0),
    "a figure without a curve": ({"application/vnd.plotly.v1+json": {"data": [], "layout": {}}}, 0),
}


@pytest.mark.parametrize("case", PAGES)
def test_pictures_are_found_in_pages(case: str) -> None:
    data, count = PAGES[case]
    shown = {"output_type": "display_data", "metadata": {}, "data": data}
    saved, _, _ = read_notebook(notebook("plt.plot(train_loss)", outputs=(shown,)), "hw6.ipynb")
    assert [one.images for one in saved] == [count]
    found = pictures_of({"outputs": [shown]})
    assert [picture.kind for picture in found] == (["image/png"] if case == "a picture in a page" else [])
