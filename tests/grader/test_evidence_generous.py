"""Ways to show a run that no list of words knows: what must earn nothing stands first, then what must earn all."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from autograder.core.records import Cell
from autograder.handin.evidence import from_outputs
from autograder.handin.evidence.record import Evidence
from autograder.judging import judge_claim, judge_curves
from tests.grader.pace import LINEAR, growth

TRAIN = [0.412, 0.204, 0.151, 0.122, 0.101, 0.09, 0.082, 0.07, 0.063, 0.052]
HELD = [0.214, 0.142, 0.121, 0.11, 0.103, 0.09, 0.091, 0.083, 0.08, 0.077]
BOTH = list(enumerate(zip(TRAIN, HELD), 1))
LOADERS = (
    "train_loader = DataLoader(train_set, 32)\nval_loader = DataLoader(val_set)\ntest_loader = DataLoader(test_set)"
)
FIT = "for x, y in train_loader:\n    step(x, y)\nheld = mean_loss(model, val_loader)"


class Shown(NamedTuple):
    """One cell, and the Markdown below it."""

    source: str
    outputs: str = ""
    images: int = 0
    empty: int = 0
    raised: bool = False
    notes: str = ""


def _of(*shown: Shown) -> Evidence:
    cells = [Shown(LOADERS), *shown]
    return from_outputs(
        [
            Cell(n, c.source, c.outputs, c.images, empty=c.empty, raised=c.raised, notes=c.notes)
            for n, c in enumerate(cells, 1)
        ]
    )


def _tests(source: str, outputs: str = "", **more: object) -> Shown:
    return Shown(source, outputs, **more)  # type: ignore[arg-type]


LOG = Shown(FIT, "\n".join(f"epoch {n} train {a} val {b}" for n, (a, b) in BOTH))
EVALUATE = "for x, y in test_loader:\n    good += right(model(x), y)\nprint(good)"
NO_TEST = {
    "the training set in another language": [_tests("prüfe(model, train_loader)", "Trainingsgenauigkeit 98,2 %")],
    "the validation set, without a word": [_tests("check(model, val_loader)", "0.9741")],
    "a training set behind another name": [
        Shown("a = DataLoader(train_set)\nb = DataLoader(test_set)"),
        _tests("check(model, a)", "0.9841"),
    ],
    "what is expected": [LOG, _tests(EVALUATE, notes="We expect about 97 % on the test set.")],
    "the handout's bound": [LOG, _tests(EVALUATE, notes="**Deliverable.** The test accuracy: at least 94 % (± 1 %) is expected.")],
    "a blank": [LOG, _tests(EVALUATE, notes="**Test accuracy:** ____ % (at least 94 % expected)")],
    "a claim below a test that failed": [LOG, _tests(EVALUATE, raised=True, notes="The test accuracy is 97.4 %.")],
    "a claim where the run tests nothing": [
        _tests(FIT, "\n".join(f"epoch {n} train {a} val {b}" for n, (a, b) in BOTH), notes="Test accuracy: 97.4 %")
    ],
    "a claim beside a function that nobody calls": [
        Shown("def test_performance(model):\n    print(evaluate(model, test_set))"),
        _tests(FIT, "\n".join(f"epoch {n} train {a} val {b}" for n, (a, b) in BOTH), notes="Test accuracy: 97.4 %"),
    ],
    "a claim without a run": [_tests(EVALUATE, notes="The test accuracy is 97.4 %.")],
    "another's result": [LOG, _tests(EVALUATE, notes="The best published result on the test set is 99.8 %.")],
    "a loss": [_tests(EVALUATE, "test loss 0.9312")],
    "chance": [_tests(EVALUATE, "0.1135")],
    "an epoch's number where test data are only made": [
        _tests("test_loader = DataLoader(test_set)\nfit(model, train_loader, val_loader)", "9 0.951\n10 0.974")
    ],
    "the fifth best": [_tests(EVALUATE, "Test top-5: 99.93 %")],
    "how fast it is": [_tests(EVALUATE, "test: 98.3 images/s, 95.2 s")],
    "how large it is": [_tests(EVALUATE, "test data: 9.8 MB, 8192 kB free, http://127.0.0.1:8888/test")],
    "one for each digit": [_tests(EVALUATE, "0.99 0.99 0.98 0.97 0.96 0.97 0.98 0.96 0.97 0.95")],
    "how many there are": [_tests("len(test_set), len(test_loader)", "(9999, 313)")],
    "a pixel of one of them": [_tests("test_set[0][0].max()", "tensor(0.9961)")],
    "how sure it is of one of them": [
        _tests("img, y = test_set[3]\nprint(torch.softmax(net(img[None]), -1).max())", "tensor(0.9887)")
    ],
    "a goal": [LOG, _tests(EVALUATE, notes="Goal: reach 97.4 % on the test set. TODO")],
    "the training accuracy in a sentence": [
        LOG,
        _tests(EVALUATE, notes="Training accuracy 99.1 %, validation accuracy 97.2 %. I could not run the test."),
    ],
    "a test at chance, by counts": [_tests(EVALUATE, "Correct predictions: 1135\nIncorrect predictions: 8865")],
    "a validation accuracy beside the word test": [_tests("fit()", "val acc 0.974 (no test yet)")],
}  # fmt: skip

DRAW = "plt.plot(train_losses, label='train')\nplt.plot(val_losses, label='val')\nplt.ylabel('loss')"
ONE = "\n".join(f"Epoch {n}: train loss {a}" for n, a in enumerate(TRAIN, 1))
NO_CURVES = {
    "empty axes": [_tests(DRAW, images=1, empty=1)],
    "curves of accuracies": [
        _tests("plt.plot(train_acc); plt.plot(val_acc)\nplt.legend(['training set', 'validation set'])", images=1)
    ],
    "accuracies drawn where the model is trained": [
        _tests("loss.backward()\nax.plot(hist['train_acc'], label='train')\nax.plot(hist['val_acc'], label='val')", images=1)
    ],
    "an axis of accuracies": [
        _tests("plt.plot(a, label='train'); plt.plot(b, label='val')\nplt.ylabel('accuracy (%)')", images=1)
    ],
    "one curve, and the same smoothed": [
        _tests(FIT, ONE),
        _tests("plt.plot(losses, alpha=0.3)\nplt.plot(smooth(losses))", images=1),
    ],
    "the training set twice": [
        _tests(FIT, ONE),
        _tests("plt.plot(train_batch_losses)\nplt.plot(train_epoch_losses)", images=1),
    ],
    "a loss and its running mean": [
        _tests(FIT, "\n".join(f"{n} loss {a:.4f} running {1.1 * a:.4f}" for n, (a, b) in BOTH))
    ],
    "one curve and the learning rate": [
        _tests(FIT, ONE),
        _tests("ax.plot(losses)\nax.twinx().plot(lrs)", images=1),
    ],
    "one curve, typed": [_tests("# on the cluster", notes=ONE)],
    "losses that are no number": [
        _tests(FIT, "\n".join(f"epoch {n}: train loss nan, val loss nan" for n in range(1, 11))),
        _tests(DRAW, images=1),
    ],
    "one epoch, and its points": [
        _tests(FIT, "Epoch 1: train loss 0.4519, validation loss 0.2204"),
        _tests(DRAW, images=1),
    ],
    "losses that rise": [
        _tests(FIT, "\n".join(f"epoch {n}: train {b} val {a}" for n, (a, b) in enumerate(zip(HELD[::-1], TRAIN[::-1]), 1)))
    ],
    "three epochs of columns": [_tests(FIT, "\n".join(f"{n} {a} {b}" for n, (a, b) in BOTH[:3]))],
}  # fmt: skip


@pytest.mark.parametrize("name", NO_TEST)
def test_no_test_accuracy_is_found_in(name: str) -> None:
    verdict = judge_claim(_of(*NO_TEST[name]))
    assert verdict.earned == 0.0


@pytest.mark.parametrize("name", NO_CURVES)
def test_the_curves_are_not_paid_in_full_for(name: str) -> None:
    assert judge_curves(_of(*NO_CURVES[name])).earned < 1.0


HELPER = "def report(net):\n    for x, y in test_loader:\n        n += good(net, x, y)\n    return n / 100\n"
PER_CENT = {  # (cells, percent)
    "a language of no list": (
        [_tests("tulos = arvioi(malli, test_loader)\nprint(tulos)", "Testijoukon osumatarkkuus: 97,41 prosenttia")],
        97.41,
    ),
    "another one": ([_tests("print(f'teszt pontosság = {mer(test_loader)}')", "teszt pontosság = 0.9741")], 97.41),
    "three bare numbers": ([_tests("print(*run(model, test_loader))", "0.0841 0.9741 3.2")], 97.41),
    "a dictionary in lines": (
        [_tests("show()", '{\n "train": {"loss": 0.05},\n "test": {"loss": 0.0841,\n          "top1": 0.9741}\n}')],
        97.41,
    ),
    "a sign for a word": ([_tests("print('🎯', score(net, test_loader))", "🎯 97.41")], 97.41),
    "French thousands": ([_tests(EVALUATE, "bien classés : 9\u202f741 sur 10\u202f000")], 97.41),
    "points as thousands": ([_tests("print(prueba(test_loader))", "97,41 % (9.741 de 10.000)")], 97.41),
    "how many are wrong": ([_tests(EVALUATE, "misclassified: 259 / 10000")], 97.41),
    "a share that is wrong": ([_tests(EVALUATE, "wrong on test: 2.59e-02")], 97.41),
    "a bar of letters": ([_tests(EVALUATE, "test  |##################  | 97.41")], 97.41),
    "a logger": ([_tests("log.info('x')", "INFO:root:test finished, hit_ratio=0.9741")], 97.41),
    "a function of another cell": ([Shown(HELPER), _tests("report(vit)", "97.41")], 97.41),
    "a name without meaning": (
        [Shown("c = DataLoader(test_set, 64)"), _tests("print(check(model, c))", "(0.0812, 0.9741)")],
        97.41,
    ),
    "a set by its argument": (
        [Shown("rest = MNIST('.', train=False)"), _tests("check(model, rest)", "0.9741")],
        97.41,
    ),
    "a tensor on a GPU": ([_tests("for x, y in test_loader:\n    m.update(x, y)\nm.compute()", "tensor(0.9741, device='cuda:0')")], 97.41),
    "a count in a tensor": ([_tests(EVALUATE, "test correct: tensor(9741, device='cuda:0') of 10000")], 97.41),
    "a sentence": ([LOG, _tests(EVALUATE, notes="On the ten thousand test digits the network was right 97.41 % of the time.")], 97.41),
    "a typed table": ([LOG, _tests(EVALUATE, notes="| what | value |\n|---|---|\n| **Test error** | **2.59 %** |")], 97.41),
    "both rates in a sentence": (
        [LOG, _tests(EVALUATE, notes="The error rate on the 10 000 test images is **2.59 %**, i.e. 97.41 % are recognised.")],
        97.41,
    ),
    "the trace of a matrix": ([_tests(EVALUATE, "[[ 971 2]\n [ 3 1127]]\ntrace: 9741")], 97.41),
    "beside validation": ([_tests("fit()", "best checkpoint -> test: 97.41 (val 97.12)")], 97.41),
    "beside its time": ([_tests(EVALUATE, "done in 3.1 s; 97.41 % right")], 97.41),
    "below a heading": (
        [_tests("summary()", "Test Set Results\n----------------\nLoss ........ 0.0812\nHit rate .... 0.9741")],
        97.41,
    ),
    "a bar's postfix": (
        [_tests("run()", "test: 100%|████████| 313/313 [00:03<00:00, 88.1it/s, acc=97.41%]")],
        97.41,
    ),
    "an unknown metric's key": ([_tests("tr.evaluate(eval_dataset=test_set)", "{'eval_loss': 0.08,\n 'eval_hits': 0.9741}")], 97.41),
    "error rates as a dictionary": ([_tests("run.metrics", "{'val_err': 0.0287,\n 'test_loss': 0.0837,\n 'test_err': 0.0259}")], 97.41),
    "images well told": (
        [_tests("for n, d in (('validation', a), ('test', b)):\n    print(n, f(d))",
                "validation : 97.28% d'images bien classées\ntest       : 97.41% d'images bien classées")],
        97.41,
    ),
    "train and test in one cell": (
        [_tests(f"{FIT}\nprint(check(model, test_loader))", "7 0.31 0.21\n8 0.2 0.19\n9 0.1 0.1\n=> 0.9741")],
        97.41,
    ),
    "a dictionary of sets": (
        [_tests("for k, dl in loaders.items():\n    print(k, f(net, dl))", "train 0.9912\nval 0.9751\ntest 0.9741")],
        97.41,
    ),
    "a list of sets": (
        [_tests("[acc(net, d) for d in (train_loader, val_loader, test_loader)]", "[0.9912, 0.9751, 0.9741]")],
        97.41,
    ),
    "how often it was true": (
        [_tests("pd.Series(preds == test_set.targets).value_counts()", "True     9741\nFalse     259\nName: count")],
        97.41,
    ),
    "digits of another script": ([_tests(EVALUATE, "دقت آزمون: ۹۷٫۴۱٪")], 97.41),
    "a German sentence": (
        [LOG, _tests(EVALUATE, notes="## Ergebnis\nAuf den 10.000 Testbildern liegt die Trefferquote bei 97,41 %.")],
        97.41,
    ),
    "a Chinese sentence": ([LOG, _tests(EVALUATE, notes="测试集上的准确率为 97.41%。")], 97.41),
    "an answer below the question": (
        [LOG, _tests(EVALUATE, notes="The test accuracy: at least 94 % (± 1 %) is expected.\n\n**My answer: 97.41 %**")],
        97.41,
    ),
    "a formula": ([LOG, _tests(EVALUATE, notes="$$\\text{acc}_{\\text{test}} = 0.9741$$")], 97.41),
    "the mean of ten lines": (
        [_tests(EVALUATE, "\n".join(f"digit {d}: 97.{d}" for d in range(10)) + "\nmean over digits: 97.41")],
        97.41,
    ),
    "a script's own output": ([_tests("!python evaluate.py --split test", "9741/10000 [97.41]")], 97.41),
    "a loader made in place": (
        [Shown("holdout = MNIST('.', train=False)"), _tests("evaluate(net, DataLoader(holdout, 500))", "(0.08, 0.9741)")],
        97.41,
    ),
    "a set by its key": (
        [Shown("ds = {'tr': train_set, 'te': test_set}"), _tests("measure(net, ds['te'])", "0.9741")],
        97.41,
    ),
    "a record's fields": ([_tests("Metrics.of(net, test_loader)", "Metrics(ce=0.08, top1=0.9741, seconds=3.21)")], 97.41),
    "a score": ([_tests("submit()", "public test score: 0.97410")], 97.41),
}  # fmt: skip


def _alternating() -> str:
    return "\n".join(f"<{n}>\n  T {a:.4f}\n  H {b:.4f}" for n, (a, b) in BOTH)


def _array(values: list[float]) -> str:
    return "[" + " ".join(f"{value:.4f}" for value in values) + "]"


POUTYNE = "\n".join(
    f"Epoch: {n}/10 Train steps: 1563 Val steps: 313 34.6s loss: {a} acc: 97.2 val_loss: {b} val_acc: 96.9"
    for n, (a, b) in BOTH
)
TYPED = (
    "```\n"
    + "\n".join(f"[{n:02d}/10] train {a} | val {b} | 36.2s" for n, (a, b) in BOTH)
    + "\n```\n| final loss | 0.05 |"
)
CURVES = {
    "a bar's last state, with steps of both": [_tests(FIT, POUTYNE)],
    "a line for each": [_tests(FIT, _alternating())],
    "arrays without commas": [_tests(f"{FIT}\nprint(a)\nprint(b)", f"{_array(TRAIN)}\n{_array(HELD)}")],
    "lists under other names": [_tests(FIT, f"{{'a': {TRAIN},\n 'b': {HELD}}}")],
    "a log that was typed in": [_tests("# sbatch train.sh", notes=TYPED)],
    "a picture that was pasted": [_tests("# sbatch train.sh", notes="Losses of both sets:\n![loss](attachment:loss.png)")],
    "one set in words, two curves in the picture": [
        _tests(FIT, ONE),
        _tests("plt.plot(hist[0]); plt.plot(held)\nplt.ylabel('loss')", images=1),
    ],
    "loss beside val_loss in the picture": [
        _tests(FIT, "\n".join(f"epoch {n} val loss {b}" for n, b in enumerate(HELD, 1))),
        _tests("ax.plot([l['loss'] for l in logs], label='loss')\nax.plot([l['val_loss'] for l in logs])", images=1),
    ],
    "losses beside accuracies": [
        _tests("a[0].plot(tl, label='train'); a[0].plot(vl, label='val')\na[1].plot(tacc); a[1].plot(vacc)", images=1)
    ],
    "a trial of one epoch, then a run in silence": [
        _tests(FIT, "Epoch 1: train loss 0.4519, validation loss 0.2204"),
        _tests("losses = fit(model, 10)"),
        _tests(DRAW, images=1),
    ],
    "the first epoch of ten is all that was kept": [
        _tests(FIT, "Epoch 1/10: train loss 0.4519, validation loss 0.2204"),
        _tests(DRAW, images=1),
    ],
    "a list of records": [_tests(f"{FIT}\nhist", str([(n, a, b) for n, (a, b) in BOTH]))],
    "a dictionary of records": [_tests(f"{FIT}\nhist", str({n: {"t": a, "v": b} for n, (a, b) in BOTH}))],
    "beside times and accuracies": [
        _tests(FIT, "\n".join(f"epoch {n} time 36.{n}s train {a} valid {b} acc 0.9{n} lr 1e-03" for n, (a, b) in BOTH))
    ],
    "a picture of a file": [_tests(FIT), _tests("!gnuplot loss.gp\nImage('loss.png')", images=1)],
    "errors in a language of no list": [
        _tests(FIT, "\n".join(f"{n}. korszak: tanítási hiba {a}, ellenőrzési hiba {b}" for n, (a, b) in BOTH))
    ],
    "one empty picture and one that is drawn": [_tests(DRAW, images=2, empty=1)],
}  # fmt: skip


@pytest.mark.parametrize("name", PER_CENT)
def test_the_test_accuracy_is_found_in(name: str) -> None:
    cells, percent = PER_CENT[name]
    evidence = _of(*cells)
    assert evidence.accuracy == pytest.approx(percent)
    assert judge_claim(evidence).earned == 1.0


@pytest.mark.parametrize("name", CURVES)
def test_both_curves_are_found_in(name: str) -> None:
    assert judge_curves(_of(*CURVES[name])).earned == 1.0


@pytest.mark.parametrize(
    "text", ["f'{", "x = DataLoader(", "def a(b):\n", "plt.plot([", "97.4 test ", "test_set[", "(1, 2), "]
)
def test_the_work_grows_no_faster_than_code_and_notes(text: str) -> None:
    assert growth(lambda size: _of(Shown(text * size, text * size, 1, notes=text * size)), 400) < LINEAR
