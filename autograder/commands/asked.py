"""What somebody asks to be graded as one submission, by a command or from Python: a class is refused, and never mixed.

Why separate: only a person can mistake a class for a submission. The platform's folder, the entries of a class and what
tests hand over are graded by `autograder.grading` as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from autograder import grading
from autograder.commands.batch import unpacking
from autograder.core.errors import UsageError
from autograder.core.records import Report
from autograder.handin import folders


def refuse_class(path: Path, one: Callable[[Path], str], whole: str) -> None:
    """Raises UsageError when `path` is a class's folder or zip; `one` and `whole` word what to do instead."""
    folders.refuse_class(path, one, whole)
    if path.is_file() and unpacking.is_a_class(path):
        raise UsageError(
            f"{path} holds more than one submission, and this command takes one:\n"
            f"  for all of them:  {whole}\n"
            "For one of them, or if all of it is one person's work, unpack it and give that folder."
        )


def grade(path: Path | str, options: grading.Options = grading.Options(), watch: grading.Watch | None = None) -> Report:
    """Grades one submission, as the command does. `watch` gets the report so far after every test.

    Raises UsageError when there is nothing at `path`, or a class: `grade_many` takes the submissions of one, in a list.
    """
    given = Path(path)
    refuse_class(
        given,
        one=lambda one: f"autograder.grade({str(one)!r})",
        whole=folders.typed("batch", given, "--out", "OUT"),
    )
    return grading.grade(given, options, watch)
