"""What is there of the student's own training run for 4(c): saved outputs, losses, the plot, the accuracy, weights.

Why separate: it is told from the same evidence that the judge counts (`handin.evidence`), so that nothing is called
there which would not count. Points are not its business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from autograder.core.errors import SubmissionError
from autograder.core.inventory import Item, State
from autograder.core.policy import FILES, POLICY, TRAINING
from autograder.core.records import Submission
from autograder.core.text import counted
from autograder.handin.evidence import Evidence, gather, plotted
from autograder.handin.files.decoding import decode
from autograder.handin.files.members import Member
from autograder.handin.files.pictures import Look, Picture, looked_at, saved_pictures

_AGAIN = f"run {FILES.saving_cell}, which writes it"


def items(submission: Submission, members: Sequence[Member]) -> Iterator[Item]:
    """In the order in which the notebook makes them."""
    parts = [question.number for question in POLICY.questions if question.evidence]
    if not parts:
        return
    part, script = parts[0], submission.file and ".ipynb" not in submission.file.lower()
    evidence = gather(submission.history, submission.history_problem, submission.cells)
    outputs = _outputs(part, submission)
    if not script:
        yield outputs
    if script or outputs.state is State.THERE or submission.history is not None:  # else the reason is told already
        yield _curves(part, evidence)
        yield _plot(part, submission, members) if not script else _elsewhere(part, "loss plot")
        yield _accuracy(part, evidence)
    yield _history(part, submission, evidence)
    yield _weights(part, submission)


def _elsewhere(part: str, name: str) -> Item:
    return Item(part, name, State.ELSEWHERE, "a script holds no pictures: it goes into your write-up")


def _outputs(part: str, submission: Submission) -> Item:
    code = [cell for cell in submission.cells if cell.source.strip()]
    shown = sum(bool(cell.outputs.strip()) or cell.images > 0 for cell in code)
    if not shown:
        words = "no cell has one: no losses, no plot and no accuracy" if code else "there is no code in the notebook"
        return Item(part, "outputs", State.MISSING, words, "run the cells, then save the notebook with its outputs")
    return Item(part, "outputs", State.THERE, f"{shown} of {len(code)} code cells have one")


def _curves(part: str, evidence: Evidence) -> Item:
    name, fix = "losses", "run the training cell, with both losses printed, and save the notebook with its outputs"
    counts = {"training": len(evidence.train_loss), "validation": len(evidence.validation_loss)}
    lacking = [which for which, count in counts.items() if not count]
    if lacking:
        refused = f": {evidence.refused_curves[0]}" if evidence.refused_curves else ""
        found = "no losses are" if len(lacking) == 2 else f"no {lacking[0]} losses are"
        return Item(part, name, State.MISSING, f"{found} found{refused}", fix)
    words = f"training and validation, {counted(evidence.epochs, 'epoch')}, from {evidence.source}"
    if evidence.epochs < TRAINING.epochs:
        return Item(part, name, State.LOOK, words, f"the handout asks for {TRAINING.epochs} epochs")
    return Item(part, name, State.THERE, words)


def _plot(part: str, submission: Submission, members: Sequence[Member]) -> Item:
    fix = "run the cell that plots both losses, look at it, and save the notebook with its outputs"
    cells = plotted(submission.cells)
    if not cells:
        return Item(part, "loss plot", State.MISSING, "no saved picture of the losses is found", fix)
    found = _pictures(submission.file, members)
    looks = [looked_at(picture) for cell in cells for picture in found.get(cell.number or 0, ())]
    place = f"cell {cells[-1].number}"
    if looks and all(look is Look.BLANK for look in looks):
        return Item(part, "loss plot", State.MISSING, f"the picture under {place} is blank", fix)
    if looks and all(look is not Look.DRAWN for look in looks) and Look.EMPTY in looks:
        words = f"the picture under {place} seems to be empty axes"
        return Item(part, "loss plot", State.LOOK, words, "look at it: are both curves drawn?")
    return Item(part, "loss plot", State.THERE, f"a picture under {place}; it goes into your write-up, too")


def _pictures(file: str, members: Sequence[Member]) -> Mapping[int, tuple[Picture, ...]]:
    own = next((member for member in members if member.name == file), None)
    try:
        return saved_pictures(decode(own.read(), own.name)) if own else {}
    except (SubmissionError, ValueError, RecursionError):
        return {}  # what cannot be read was told above


def _accuracy(part: str, evidence: Evidence) -> Item:
    name = "test accuracy"
    if evidence.accuracy is None:
        refused = f": {evidence.refused_accuracy[0]}" if evidence.refused_accuracy else ""
        fix = "run the cell that prints it, and save the notebook with its outputs"
        return Item(part, name, State.MISSING, f"none is found{refused}", fix)
    return Item(part, name, State.THERE, f"{evidence.accuracy:.2f} %, from {evidence.claimed_in}")


def _history(part: str, submission: Submission, evidence: Evidence) -> Item:
    name = FILES.history
    printed = evidence.train_loss and evidence.validation_loss and evidence.accuracy is not None
    if submission.history_problem:
        return Item(part, name, State.LOOK, submission.history_problem)
    if submission.history is None:
        words = "is not there; the notebook's outputs tell the same" if printed else "is not there"
        return Item(part, name, State.ELSEWHERE if printed else State.MISSING, words, "" if printed else _AGAIN)
    own = gather(submission.history, "", ())
    lacking = [
        word
        for word, there in (
            ("training losses", own.train_loss),
            ("validation losses", own.validation_loss),
            ("test accuracy", own.accuracy is not None),
        )
        if not there
    ]
    if lacking:
        state = State.LOOK if printed else State.MISSING
        why = _plainly(problem.removesuffix(", so it tells no test accuracy.") for problem in own.problems[:2])
        words = f"is there, and holds no {' and no '.join(lacking)}" + (f": {why}" if why else "")
        return Item(part, name, state, words, _AGAIN)
    told = f"{counted(own.epochs, 'epoch')} and the accuracy"
    if evidence.problems:  # with what the outputs say against it
        fix = f"hand in the file of the run that the notebook shows: {_AGAIN}"
        return Item(part, name, State.LOOK, f"{told}, but look: {_plainly(evidence.problems[:2])}", fix)
    return Item(part, name, State.THERE, told)


def _plainly(problems: Iterable[str]) -> str:
    """Below its own name the file need not be named again."""
    return "; ".join(problem.removeprefix(f"{FILES.history}: ").rstrip(".") for problem in problems)


def _weights(part: str, submission: Submission) -> Item:
    name = FILES.checkpoint
    if submission.weights_problem:
        return Item(part, name, State.LOOK, submission.weights_problem)
    if submission.weights is None:
        words = "is not there; it may be left out: the accuracy then counts as you state it"
        return Item(part, name, State.ELSEWHERE, words)
    if not submission.weights.data.strip(b"\0"):
        return Item(part, name, State.LOOK, "every weight in it is zero", _AGAIN)
    return Item(part, name, State.THERE, f"{len(submission.weights.specs)} tensors")
