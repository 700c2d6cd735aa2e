"""A machine with a GPU: grading does without it, and `train` uses it, inside the whole sandbox.

Skipped where there is none. That grading needs a test here is not obvious: torch's first backward starts a thread for
each GPU, and a process that is forked after that can go backward no more, in whatever it computes on.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autograder import grade
from autograder.commands import train
from autograder.commands.train import Wish
from autograder.commands.train.folder import Run
from autograder.core.events import Began, Event
from autograder.sandbox import devices
from tests.grader.source_tree import ROOT
from tests.grader.train_samples import TESTED, few_digits, submission
from tests.grader.training_styles import first

WITHOUT = devices.missing(other_user=False)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(WITHOUT), reason=WITHOUT)]

EPOCH = 64 * 70  # images: more than the fewest steps that are worth capturing, of 64 each


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests of this process warm a zygote up in it, which hides the GPU from all that is started here later."""
    for name in devices.VISIBLE:
        if os.environ.get(name) == "-1":
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return few_digits(tmp_path_factory.mktemp("data") / "digits", labelled=EPOCH * 6 // 5)


def trained(work: Path, out: Path, digits: Path, **wish: object) -> tuple[Run, tuple[str, ...]]:
    said: list[str] = []

    def watch(event: Event, run: Run) -> None:
        if isinstance(event, Began):
            said.extend((event.device, *event.notes))

    run = train.run(str(work), out, Wish(data=digits, batch_size=64, **wish), watch)  # type: ignore[arg-type]
    return run, tuple(said)


def test_grading_beside_a_gpu_is_grading_without_one() -> None:
    report = grade(ROOT / "examples/class/ada_complete")
    assert not [test for test in report.tests if test.score != test.max_score]


def test_a_run_on_the_gpu_learns_what_one_on_the_cpu_does(digits: Path, tmp_path: Path) -> None:
    work = submission(tmp_path / "work")
    there, said = trained(work, tmp_path / "gpu", digits, device="cuda", epochs=2)
    here, _ = trained(work, tmp_path / "cpu", digits, device="cpu", epochs=2)
    assert said[0].startswith("on the GPU: ") and "steps: captured as one CUDA graph, products in TF32" in said
    assert there.total == here.total == TESTED
    # Other dropout and other rounding: of two seeds on the CPU, the second epoch's losses differ by less than a tenth.
    assert there.train_loss[1] == pytest.approx(here.train_loss[1], rel=0.25)


def test_a_run_on_the_gpu_is_gone_on_with_there_and_on_the_cpu(digits: Path, tmp_path: Path) -> None:
    work = submission(tmp_path / "work")
    trained(work, tmp_path / "out", digits, device="cuda", epochs=1)
    second, _ = trained(work, tmp_path / "out", digits, device="cuda", epochs=2, resume=True)
    third, _ = trained(work, tmp_path / "out", digits, device="cpu", epochs=3, resume=True)
    assert third.train_loss[:2] == second.train_loss and third.train_loss == tuple(sorted(third.train_loss)[::-1])


STYLES = {
    "a tensor moved to the CPU and back": "x = x.cpu().to(x.device)",
    "a number read in each forward": "self.largest = float(x.abs().max())",
    "a device asked for as notebooks do": 'x = x.to(torch.device("cuda" if torch.cuda.is_available() else "cpu"))',
    "a plain number made on the CPU": "x = x * torch.tensor(1.0)",
}


@pytest.mark.parametrize("style", STYLES)
def test_whatever_a_forward_does_with_devices_it_is_trained(style: str, digits: Path, tmp_path: Path) -> None:
    work = submission(tmp_path / "work", *first(STYLES[style]))
    run, said = trained(work, tmp_path / "out", digits, device="cuda", epochs=1)
    assert said[0].startswith("on the GPU: ") and run.total == TESTED, said
    assert run.train_loss[0] < 2.3


def test_a_tensor_left_on_the_cpu_is_named(digits: Path, tmp_path: Path) -> None:
    work = submission(tmp_path / "work", *first("x = x * torch.ones(x.shape[-1])"))
    with pytest.raises(train.Stopped) as stopped:
        trained(work, tmp_path / "out", digits, device="cuda", epochs=1)
    assert "different devices" in stopped.value.unable.feedback.found
