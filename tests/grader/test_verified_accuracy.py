"""Submitted weights, really measured: right, inflated, of another model, damaged, pickled, constant, not finite."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from autograder.commands import batch
from autograder.core import mnist
from autograder.core.policy import TRAINING
from autograder.core.records import Status, TestResult
from autograder.grading import Options, grade_many
from autograder.judging.training import digits
from autograder.student_room.provided import provide
from autograder.student_room.training import Training, prepared
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS
from tests.grader.test_wrong_solutions import swap

pytestmark = pytest.mark.slow

ATTEND, LAYER = ATTENTION["plain"], LAYERS["plain GELU"]
SIZES = {"patch_size": 14, "dim": 32, "depth": 2, "heads": 2, "dim_head": 24, "mlp_dim": 64}
RUN = f"\n\ndef train():\n    return ViT({', '.join(f'{k}={v}' for k, v in SIZES.items())})\n"
CODE = IMPORTS + ATTEND + LAYER + RUN
State = dict[str, Tensor]


@pytest.fixture(scope="module")
def trained() -> tuple[State, float]:
    """(weights of a small ViT after 300 steps, its accuracy on the bundled digits in percent)."""
    namespace: dict[str, object] = {}
    exec(IMPORTS + ATTEND + LAYER, namespace)
    provide(namespace)
    torch.manual_seed(0)
    model: nn.Module = namespace["ViT"](**SIZES)  # type: ignore[operator]
    images, labels = (torch.from_numpy(part.copy()) for part in digits.load("train"))
    Training(model, 0.003).steps(images, labels.long(), 26)
    model.eval()
    images, labels = (torch.from_numpy(part.copy()) for part in digits.load("test"))
    with torch.no_grad():
        right = (model(prepared(images)).argmax(-1) == labels).double().mean()
    return {name: value.clone() for name, value in model.state_dict().items()}, 100 * float(right)


def safetensors(state: State) -> bytes:
    """The format, written by hand: the grader needs no safetensors."""
    header, body = {}, b""
    for name, value in state.items():
        raw = value.contiguous().numpy().tobytes()
        offsets = [len(body), len(body) + len(raw)]
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": offsets}
        body += raw
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def submission(
    folder: Path, data: bytes | None, claim: float, code: str = CODE, name: str = "model.safetensors"
) -> Path:
    folder.mkdir()
    (folder / "hw6.py").write_text(code, encoding="utf-8")
    correct = round(claim * 100)
    (folder / "history.json").write_text(json.dumps({"test_correct": correct, "test_total": 10_000}), encoding="utf-8")
    if data is not None:
        (folder / name).write_bytes(data)
    return folder


def changed(state: State, name: str, change: Callable[[Tensor], Tensor]) -> State:
    return {**state, name: change(state[name])}


def normalised(state: State) -> State:
    """The weights of the same model for images that were normalised first: the shift is folded into the embedding."""
    weight = state["patch_embedding.weight"]
    bias = state["patch_embedding.bias"] + 0.1307 * weight.sum(1)
    return {**state, "patch_embedding.weight": weight * 0.3081, "patch_embedding.bias": bias}


@pytest.fixture(scope="module")
def judged(trained: tuple[State, float], tmp_path_factory: pytest.TempPathFactory) -> dict[str, TestResult]:
    state, right = trained
    root = tmp_path_factory.mktemp("verified")
    good = safetensors(state)
    constant = {**state, "mlp_head.1.weight": torch.zeros(10, 32)}
    raising = swap(CODE, "    def forward(self, x):\n", "    def forward(self, x):\n        x.no_such_thing\n")
    paths = {
        "no weights": submission(root / "a", None, 99),
        "right": submission(root / "b", good, right),
        "inflated": submission(root / "c", good, 99),
        "wrapped": submission(root / "d", safetensors({f"module.{k}": v for k, v in state.items()}), right),
        "normalised": submission(root / "e", safetensors(normalised(state)), right),
        "another architecture": submission(root / "f", good, 99, IMPORTS + ATTENTION["plain"] + LAYERS["plain GELU"].replace("fc1", "up") + RUN),
        "another size": submission(root / "g", good, 99, CODE.replace("mlp_dim=64", "mlp_dim=48")),
        "not finite": submission(root / "h", safetensors(changed(state, "cls_token", lambda v: v * float("nan"))), 99),
        "constant": submission(root / "i", safetensors(constant), 99),
        "exploding": submission(root / "j", safetensors(changed(state, "mlp_head.1.weight", lambda v: v * 3e38)), 99),
        "truncated": submission(root / "k", good[:-100], 99),
        "a pickle": submission(root / "l", b"\x80\x04\x95", 99, name="model.pt"),
        "forward raises": submission(root / "m", good, 99, raising),
        "a class missing": submission(root / "n", good, 99, IMPORTS + ATTEND + RUN),
        "huge": submission(root / "o", bytes(30 << 20), 99),
    }  # fmt: skip
    reports = grade_many(paths.values(), Options(only="4c.2"))
    return {name: next(t for t in report.tests if t.number == "4c.2") for name, report in zip(paths, reports)}


def said(result: TestResult) -> str:
    return " ".join([*(text for _, text in result.feedback.lines()), *result.remarks])


def test_the_model_of_these_tests_has_learned_something_and_not_everything(trained: tuple[State, float]) -> None:
    assert 50 < trained[1] < TRAINING.full_accuracy


def test_without_weights_the_claim_counts(judged: dict[str, TestResult]) -> None:
    assert judged["no weights"].status is Status.PASSED
    assert "as claimed in history.json" in said(judged["no weights"])
    assert judged["no weights"].staff == ""


@pytest.mark.parametrize("name", ["right", "wrapped", "normalised"])
def test_an_honest_claim_is_found_to_be_right(
    judged: dict[str, TestResult], name: str, trained: tuple[State, float]
) -> None:
    assert f"You claimed {trained[1]:.2f} %, measured {trained[1]:.2f} % with your weights" in said(judged[name])
    assert "as claimed in history.json" in said(judged[name])
    assert judged[name].staff == ""
    assert ("normalised by MNIST's own mean" in said(judged[name])) == (name == "normalised")


def test_an_inflated_claim_counts_as_measured(judged: dict[str, TestResult], trained: tuple[State, float]) -> None:
    assert f"{trained[1]:.2f} %, as measured with the submitted weights" in said(judged["inflated"])
    assert "You claimed 99.00 %" in said(judged["inflated"])
    assert judged["inflated"].score == judged["right"].score < judged["no weights"].score
    assert "do not reach the claim" in judged["inflated"].staff


def test_weights_with_one_answer_for_every_image_are_named_and_count_as_measured(
    judged: dict[str, TestResult],
) -> None:
    assert "the same answer for every image" in said(judged["constant"])
    assert judged["constant"].score == 0


NOT_MEASURED = {
    "another architecture": "do not fit the classes handed in: they have no layers.0.up.weight",
    "another size": "has the shape (64, 32), and (48, 32) in your code",
    "not finite": "they hold nan or inf (cls_token)",
    "exploding": "with these weights its outputs are nan or inf",
    "truncated": "is cut off or damaged",
    "a pickle": "model.pt is a pickle, which can run anything when it is opened",
    "forward raises": "your model could not be asked",
    "a class missing": "found none",
    "huge": "30 MB",
}


@pytest.mark.parametrize("name", NOT_MEASURED)
def test_what_cannot_be_measured_is_said_the_claim_counts_and_staff_are_told(
    judged: dict[str, TestResult], name: str
) -> None:
    assert NOT_MEASURED[name] in said(judged[name])
    assert judged[name].status is Status.PASSED
    assert judged[name].score == judged["no weights"].score
    assert judged[name].staff


def idx(array: digits.Bytes) -> bytes:
    sides = b"".join(side.to_bytes(4, "big") for side in array.shape)
    return (0x0800 | array.ndim).to_bytes(4, "big") + sides + array.tobytes()


def test_mnists_own_images_are_used_where_they_are_and_raise_a_claim(
    trained: tuple[State, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = digits.load("test")
    folder = tmp_path / "mnist" / "MNIST" / "raw"
    folder.mkdir(parents=True)
    (folder / mnist.NAMES[0]).write_bytes(idx(images[:1200]))
    (folder / mnist.NAMES[1]).write_bytes(idx(labels[:1200]))
    monkeypatch.setenv(mnist.VARIABLE, str(tmp_path / "mnist"))
    work = submission(tmp_path / "work", safetensors(trained[0]), 40)
    [report] = grade_many([work], Options(only="4c.2"))
    [result] = report.tests
    assert "on 1,200 of MNIST's test images" in said(result)
    assert "as measured with the submitted weights" in said(result)


@pytest.mark.parametrize("content", [None, b"no idx", idx(digits.load("test")[1][:5])])
def test_mnist_that_is_damaged_or_not_there_is_told_to_staff_and_the_bundled_digits_are_used(
    trained: tuple[State, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    (tmp_path / "mnist").mkdir()
    for name in mnist.NAMES if content else ():
        (tmp_path / "mnist" / name).write_bytes(content or b"")
    monkeypatch.setenv(mnist.VARIABLE, str(tmp_path / "mnist"))
    work = submission(tmp_path / "work", safetensors(trained[0]), trained[1])
    [report] = grade_many([work], Options(only="4c.2"))
    [result] = report.tests
    assert "bundled digits" in said(result)
    assert "cannot be used" in result.staff
    assert result.status is not Status.ERROR


def test_maps_show_where_the_model_really_looks(trained: tuple[State, float], tmp_path: Path) -> None:
    """The same as a hook on the softmax of every head sees, in the model as torch runs it."""
    state, right = trained
    [report] = grade_many([submission(tmp_path / "work", safetensors(state), right)], Options(only="4c.2"))
    [panel] = report.tests[0].panels
    digit, *layers = panel.grids
    namespace: dict[str, object] = {}
    exec(IMPORTS + ATTEND + LAYER, namespace)
    provide(namespace)
    model: nn.Module = namespace["ViT"](**SIZES).eval()  # type: ignore[operator]
    model.load_state_dict(state)
    seen: list[Tensor] = []
    for module in model.modules():
        if isinstance(module, nn.Softmax):
            module.register_forward_hook(lambda _, __, weights: seen.append(weights.detach()))
    image = (torch.tensor(digit.rows) * 255).round().to(torch.uint8)
    with torch.no_grad():
        model(prepared(image.unsqueeze(0)))
    expected = torch.stack(seen).view(SIZES["depth"], SIZES["heads"], 5, 5)[:, :, 0, 1:].mean(1)
    expected = expected / expected.amax(1, keepdim=True)
    shown = torch.tensor([layer.rows for layer in layers]).flatten(1)
    assert shown.shape == (2, 4) and torch.allclose(shown, expected, atol=2e-3)  # three digits are kept


def test_equal_weights_in_a_class_are_flagged_for_staff_alone(trained: tuple[State, float], tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    state, right = trained
    other = changed(state, "cls_token", lambda value: value * 1.01)
    for name, weights in {"ada": state, "ben": state, "cat": other}.items():
        submission(tmp_path / "class" / name, safetensors(weights), right)
    graded = batch.run(tmp_path / "class", tmp_path / "out", Options(only="4c.2"), jobs=1)
    assert "the same trained weights in ada, ben" in graded.notes and not any("cat" in note for note in graded.notes)
    flagged = json.loads((tmp_path / "out/results/ben.json").read_text(encoding="utf-8"))
    assert "equal those of ada" in json.dumps(flagged["extra_data"]["flags"])
    assert "equal those of" not in flagged["output"]
    for name in ("ada", "cat"):
        assert "equal those of" not in (tmp_path / f"out/results/{name}.json").read_text(encoding="utf-8")
