"""What is there of a submission, in the handout's order, for `preflight`: files, forms, answers, code, training.

Why separate: the tests ask whether work is right, this asks whether it is there at all, and a thing may be there and
blank. Nothing is run and nothing is judged; it happens in the reading process, for files of a submission are hostile.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from autograder.core.errors import SubmissionError
from autograder.core.inventory import Inventory, Item
from autograder.core.policy import FILES
from autograder.core.records import Submission
from autograder.handin.files.members import Member
from autograder.handin.load import load, members_of
from autograder.handin.present import code, sizes, training, written


def read(path: Path) -> Inventory:
    """The inventory of the submission at `path`. Raises UsageError when nothing is there."""
    submission = load(path)
    try:
        members = members_of(path)
    except SubmissionError:
        members = ()  # `load` has the reason
    items = tuple(sizes.items(path, submission, members))
    if members or not submission.problem:  # of an archive that cannot be opened no more is known
        items = (*items, *written.items(submission))
    if submission.file:  # else the reason stands above, once
        items = (*items, *code.items(submission), *training.items(submission, members))
    return Inventory(submission.file, _in_order(items), tuple(_to_hand_in(submission, members)))


def _in_order(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """By the parts of the handout: what concerns the files first, then as its questions are numbered."""
    return tuple(sorted(items, key=lambda item: item.part[:1].isdigit() and item.part or ""))


def _to_hand_in(submission: Submission, members: tuple[Member, ...]) -> Iterator[str]:
    if submission.file:
        yield submission.file
    known = (FILES.answers, FILES.history, FILES.checkpoint)
    read = {finding.construct for finding in submission.findings if finding.rule == "file-name"}  # under other names
    yield from (m.name for m in members if (m.name in known or m.name in read) and m.name != submission.file)
