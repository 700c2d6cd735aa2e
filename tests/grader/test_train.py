"""The command `train`: what a run leaves, that an interrupted one goes on as if nothing had been, and what is refused.

The model is the handout's, the digits are few: an epoch has three steps.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.commands import train
from autograder.commands.train import Stopped, Wish, folder
from autograder.core.errors import GraderFault, UsageError
from autograder.core.events import Began, Epoch, Event, Stepped
from autograder.handin.evidence import from_history
from autograder.handin.load import load
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT
from tests.grader.train_samples import LABELLED, TESTED, few_digits, submission
from tests.grader.training_styles import BROKEN, LAYER, PLAIN

pytestmark = [pytest.mark.slow, pytest.mark.boxed]  # kills what it started, and trains what does not end

EVERYTHING = {"checkpoint.safetensors", "model.safetensors", "history.json", "curves.svg"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with digits, a submission, and a whole run of two epochs."""
    base = tmp_path_factory.mktemp("train")
    few_digits(base / "digits")
    submission(base / "work")
    train.run(str(base / "work"), base / "whole", wish(base, epochs=2))
    return base


def wish(place: Path, **more: object) -> Wish:
    return Wish(data=place / "digits", **more)  # type: ignore[arg-type]


def files(out: Path) -> dict[str, bytes]:
    """What a run leaves but its checkpoint, which tells the seconds."""
    return {name: (out / name).read_bytes() for name in EVERYTHING - {"checkpoint.safetensors"}}


def stopped_after(epoch: int) -> Callable[[Event, folder.Run], None]:
    """A Ctrl-C in the middle of the epoch after that one."""

    def watch(event: Event, run: folder.Run) -> None:
        if isinstance(event, Stepped) and event.epoch > epoch:
            raise KeyboardInterrupt

    return watch


def test_a_run_leaves_what_a_submission_hands_in_and_the_readers_of_submissions_accept_it(place: Path) -> None:
    out = place / "whole"
    assert EVERYTHING <= {path.name for path in out.iterdir()} <= EVERYTHING | {"curves.png"}
    evidence = from_history(json.loads((out / "history.json").read_text()))
    assert not evidence.problems and evidence.epochs == 2 and evidence.images == TESTED
    (out / "hw6.py").write_bytes((place / "work" / "hw6.py").read_bytes())
    read = load(out)
    (out / "hw6.py").unlink()
    assert read.weights is not None and not read.weights_problem and not read.history_problem
    assert {spec.dtype for spec in read.weights.specs} == {"F32"}
    assert "layers.5.attn.attention_heads.7.to_q.weight" in {spec.name for spec in read.weights.specs}


@pytest.mark.usefixtures("own_engine")  # the first run took one from the tests' server
def test_the_same_run_again_gives_the_same_bytes_and_another_seed_others(place: Path, tmp_path: Path) -> None:
    train.run(str(place / "work"), tmp_path / "again", wish(place, epochs=2))
    assert files(tmp_path / "again") == files(place / "whole")
    train.run(str(place / "work"), tmp_path / "other", wish(place, epochs=2, seed=1))
    assert files(tmp_path / "other") != files(place / "whole")


def test_a_run_that_was_interrupted_goes_on_to_the_very_numbers_of_one_that_was_not(
    place: Path, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train.run(str(place / "work"), tmp_path / "out", wish(place, epochs=2), stopped_after(1))
    half = json.loads((tmp_path / "out" / "history.json").read_text())
    assert half["epochs"] == 1 and "test_correct" not in half
    done = train.run(str(place / "work"), tmp_path / "out", wish(place, epochs=2, resume=True))
    assert done.epochs == 2 and files(tmp_path / "out") == files(place / "whole")


def test_a_finished_run_is_not_trained_again_and_can_be_made_longer(place: Path, tmp_path: Path) -> None:
    seen: list[Event] = []
    out = tmp_path / "out"
    train.run(str(place / "work"), out, wish(place, epochs=1))
    before = (out / "model.safetensors").read_bytes()
    train.run(str(place / "work"), out, wish(place, epochs=1, resume=True), lambda event, run: seen.append(event))
    assert not seen and (out / "model.safetensors").read_bytes() == before
    train.run(str(place / "work"), out, wish(place, epochs=2, resume=True), lambda event, run: seen.append(event))
    assert [event.number for event in seen if isinstance(event, Epoch)] == [2]
    assert files(out) == files(place / "whole")


def test_what_is_said_while_it_runs_counts_the_images_of_each_epoch(place: Path, tmp_path: Path) -> None:
    seen: list[Event] = []
    train.run(str(place / "work"), tmp_path / "out", wish(place, epochs=1), lambda event, run: seen.append(event))
    [began] = [event for event in seen if isinstance(event, Began)]
    assert began.images == LABELLED - LABELLED // 6
    assert [event.images for event in seen if isinstance(event, Stepped)][-1] == began.images


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_killed_leaves_the_last_whole_epoch_and_nothing_half(
    place: Path, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    command = [
        "train",
        str(place / "work"),
        "--out",
        str(out),
        "--epochs",
        "500",
        "--data",
        str(place / "digits"),
        "--quiet",
    ]
    process = subprocess.Popen([sys.executable, "-m", "autograder", *command], cwd=ROOT, stderr=subprocess.PIPE)
    end = time.monotonic() + patience(30)
    while not (out / "history.json").exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=patience(10))
    assert process.returncode == {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}[number]
    if number == signal.SIGINT:
        assert b"--resume goes on" in said and b"Traceback" not in said
    left = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    assert "checkpoint.safetensors" in left and left <= EVERYTHING | {"curves.png"}
    done = folder._read(out / "checkpoint.safetensors").run.epochs
    again = train.run(str(place / "work"), out, wish(place, epochs=done + 1, resume=True))
    assert again.epochs == done + 1


def test_a_full_disk_ends_the_run_with_one_sentence_and_the_last_epoch_stays(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, real = tmp_path / "out", os.fsync
    train.run(str(place / "work"), out, wish(place, epochs=1))
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(GraderFault, match=r"checkpoint\.safetensors could not be written .*the disk is full"):
        train.run(str(place / "work"), out, wish(place, epochs=2, resume=True))
    monkeypatch.setattr(os, "fsync", real)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "without --resume": ({}, "holds a run already: --resume goes on"),
    "another seed": ({"resume": True, "seed": 1}, "a run with another --seed: give another --out"),
    "another batch": ({"resume": True, "batch_size": 16}, "a run with another --batch-size"),
    "fewer epochs": ({"resume": True, "epochs": 1}, "holds 2 epochs, more than --epochs 1"),
    "no epoch": ({"epochs": 0}, "--epochs and --batch-size are 1 or more"),
    "no folder of digits": ({"data": Path("/nowhere")}, "--data /nowhere: there are no t10k-images"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wish_that_does_not_fit_is_refused_in_a_sentence_and_nothing_changes(place: Path, name: str) -> None:
    out = place / "whole"
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    change, words = REFUSED[name]
    with pytest.raises(UsageError, match=words):
        train.run(str(place / "work"), out, Wish(**{"data": place / "digits", "epochs": 2, **change}))  # type: ignore[arg-type]
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_run_of_another_submission_or_on_other_digits_is_not_gone_on_with(place: Path, tmp_path: Path) -> None:
    other = submission(tmp_path / "other", PLAIN, LAYER.replace("self.fc1", "self.first"))
    with pytest.raises(UsageError, match="a run with another submission"):
        train.run(str(other), place / "whole", wish(place, epochs=3, resume=True))
    more = few_digits(tmp_path / "more", LABELLED + 6)
    with pytest.raises(UsageError, match="holds a run on other digits"):
        train.run(str(place / "work"), place / "whole", Wish(epochs=3, data=more, resume=True))


def test_a_history_of_the_students_own_is_not_written_over(place: Path) -> None:
    own = place / "work" / "history.json"
    own.write_text("{}")
    try:
        with pytest.raises(UsageError, match=r"holds a history\.json that is of no such run, and it stays"):
            train.run(str(place / "work"), place / "work", wish(place))
        assert own.read_text() == "{}"
    finally:
        own.unlink()


@pytest.mark.parametrize("damage", ["cut off", "empty", "a pickle", "no run in it", "of another run's shape"])
def test_a_checkpoint_that_is_damaged_is_refused_in_a_sentence(place: Path, tmp_path: Path, damage: str) -> None:
    data = (place / "whole" / "checkpoint.safetensors").read_bytes()
    (tmp_path / "checkpoint.safetensors").write_bytes(
        {
            "cut off": data[:-10],
            "empty": b"",
            "a pickle": b"\x80\x02}q\x00." + b"x" * 100,
            "no run in it": (place / "whole" / "model.safetensors").read_bytes(),
            "of another run's shape": data.replace(b"batch_size", b"batch_sins", 1),
        }[damage]
    )
    with pytest.raises(UsageError, match="cannot be gone on with"):
        train.run(str(place / "work"), tmp_path, wish(place, epochs=3, resume=True))


@pytest.mark.parametrize("what", ["labels that are none", "an image file that is cut off"])
def test_files_that_hold_no_digits_are_refused_in_a_sentence(place: Path, tmp_path: Path, what: str) -> None:
    data = few_digits(tmp_path / "digits")
    name = "train-labels-idx1-ubyte.gz" if what == "labels that are none" else "t10k-images-idx3-ubyte.gz"
    (data / name).write_bytes((data / name).read_bytes()[:30])
    with pytest.raises(UsageError, match=f"digits: {name.split('.')[0]}.* cannot be read"):
        train.run(str(place / "work"), tmp_path / "out", Wish(epochs=1, data=data))
    assert not list((tmp_path / "out").iterdir())


UNABLE: dict[str, tuple[tuple[str, str], str]] = {
    "no 4(b)": ((PLAIN, ""), "ViTLayer"),
    "in place": (
        (PLAIN, LAYER.replace("return x", "x = torch.exp(x)\n        x += 1\n        return x")),
        "raised RuntimeError",
    ),
    "nan": ((PLAIN, LAYER.replace("return x", "return x / 0 * 0")), "nan or infinite after 1 steps"),
    "random in eval": (BROKEN["a new layer in each call"][0], "raised"),
}


@pytest.mark.parametrize("name", UNABLE)
def test_classes_that_cannot_be_trained_are_told_why_and_nothing_is_left(
    place: Path, tmp_path: Path, name: str
) -> None:
    (attention, layer), words = UNABLE[name]
    work = submission(tmp_path / "work", attention, layer)
    with pytest.raises(Stopped, match=words):
        train.run(str(work), tmp_path / "out", wish(place, epochs=1))
    assert not list((tmp_path / "out").iterdir())


def test_the_reference_is_trained_by_its_name(place: Path, tmp_path: Path) -> None:
    done = train.run("reference", tmp_path / "out", wish(place, epochs=1))
    assert done.name == "reference" and done.total == TESTED


def test_a_copy_without_the_reference_says_so(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> str:
        raise FileNotFoundError("reference/attention.py")

    monkeypatch.setattr(train, "reference_text", absent)
    with pytest.raises(UsageError, match="the reference is not in this copy"):
        train.run("reference", tmp_path / "out", wish(place))
