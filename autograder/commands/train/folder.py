"""OUT of a training run: what each finished epoch leaves there, and whether a run may begin or go on in it.

    checkpoint.safetensors   weights, optimiser, and in its header the run so far: written first, and all that counts
    model.safetensors   history.json   curves.svg   curves.png   made from it

Why separate: this alone touches the folder. Every file is written beside its place and renamed, so that a kill leaves
the last whole epoch. What is not of a run stays untouched: a student's own history.json may lie in OUT.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from autograder.core.errors import SubmissionError, UsageError
from autograder.core.policy import CAPS, FILES
from autograder.core.records import Weights
from autograder.core.tensor_file import Stored, encode
from autograder.handin.files.checkpoint import read_run
from autograder.report import curves, results

CHECKPOINT = "checkpoint.safetensors"
MADE = (FILES.checkpoint, FILES.history, "curves.svg", "curves.png")
WEIGHTS = "model."  # what stands before a parameter's own name in the checkpoint
# Weights and the two means of Adam: three times what may be handed in.
LARGEST_MB = 3 * CAPS.checkpoint_mb

_TITLE = "Loss of the Vision Transformer on {data}"


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A run so far. `submission` and `digits` are digests: a run goes on with the same ones or not at all.

    It goes on with the same `threads`, too, since their number moves the last digits of a sum.
    """

    name: str
    submission: str
    seed: int
    batch_size: int
    plain: bool = False
    threads: int = 0
    digits: str = ""
    data: str = ""
    train_loss: tuple[float, ...] = ()
    validation_loss: tuple[float, ...] = ()
    accuracy: tuple[float, ...] = ()  # percent of the held-out images
    seconds: float = 0.0
    correct: int = 0  # of the test images, once it is finished
    total: int = 0

    @property
    def epochs(self) -> int:
        """How many are finished."""
        return len(self.train_loss)


class Saved(msgspec.Struct, frozen=True):
    """A run with its weights and its optimiser, as the checkpoint holds them."""

    run: Run
    weights: Weights


def open_(out: Path, run: Run, *, resume: bool) -> Saved | None:
    """What `out` holds of this run; None to begin it. Raises UsageError when the folder is another's."""
    file = out / CHECKPOINT
    if not file.exists():
        if foreign := [name for name in MADE if (out / name).exists()]:
            raise UsageError(f"{out} holds a {foreign[0]} that is of no such run, and it stays: give another --out")
        results.make_folder(out)
        return None
    if not resume:
        raise UsageError(f"{out} holds a run already: --resume goes on with it, another --out begins anew")
    saved = _read(file)
    if differing := [words for name, words in _SAME.items() if getattr(saved.run, name) != getattr(run, name)]:
        raise UsageError(f"{out} holds a run with another {' and another '.join(differing)}: give another --out")
    return saved


_SAME = {"submission": "submission", "seed": "--seed", "batch_size": "--batch-size", "plain": "--plain"}


def _read(file: Path) -> Saved:
    try:
        if file.stat().st_size > LARGEST_MB << 20:
            raise SubmissionError(f"{file.name} is larger than any that is written")
        weights, said = read_run(file.read_bytes(), LARGEST_MB)
        return Saved(msgspec.json.decode(said.get("run", ""), type=Run), weights)
    except (SubmissionError, msgspec.MsgspecError, OSError) as error:
        raise UsageError(f"{file} cannot be gone on with ({error}): give another --out") from None


def write(out: Path, run: Run, tensors: Sequence[Stored]) -> None:
    """The files after an epoch, the checkpoint first. Raises GraderFault when they cannot be written."""
    results.write_bytes(out / CHECKPOINT, encode(tensors, {"run": msgspec.json.encode(run).decode()}))
    weights = [
        msgspec.structs.replace(tensor, name=tensor.name.removeprefix(WEIGHTS))
        for tensor in tensors
        if tensor.name.startswith(WEIGHTS)
    ]
    results.write_bytes(out / FILES.checkpoint, encode(weights, {"format": "pt"}))
    write_words(out, run)


def write_words(out: Path, run: Run) -> None:
    """What is made from the numbers alone."""
    results.write_bytes(out / FILES.history, json.dumps(_history(run), indent=1).encode() + b"\n")
    drawn = (curves.Curve("training set", run.train_loss), curves.Curve("validation set", run.validation_loss))
    title = _TITLE.format(data=run.data or "digits")
    results.write_bytes(out / "curves.svg", curves.svg(drawn, title=title).encode())
    picture = curves.png(drawn, title=title)
    if picture is not None:
        results.write_bytes(out / "curves.png", picture)


def _history(run: Run) -> Mapping[str, object]:
    """As the template's own cell writes it; the accuracy only once it was measured."""
    history: dict[str, object] = {
        "epochs": run.epochs,
        "batch_size": run.batch_size,
        "train_loss": run.train_loss,
        "validation_loss": run.validation_loss,
    }
    if run.total:
        history |= {"test_correct": run.correct, "test_total": run.total}
    return history
