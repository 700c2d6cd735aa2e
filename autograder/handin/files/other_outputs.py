"""Saved outputs of a second notebook: somebody wrote the classes in one, and trained in another one beside it.

Why separate: what was run is evidence of 4(c) wherever it was saved, and the program of the classes does not depend on
it. A notebook with other classes than those that are graded is another draft: nothing is taken from it.
"""

from __future__ import annotations

from collections.abc import Sequence

from autograder.core import policy
from autograder.core.records import Cell, Finding, Severity
from autograder.handin.evidence import from_outputs
from autograder.handin.files.drafts import agrees, natural, wording
from autograder.handin.files.extras import read_history
from autograder.handin.files.members import KEPT_COPY, Member
from autograder.handin.files.tried import Tried, try_file
from autograder.handin.slicing import Sliced

_TRIED = 10  # notebooks that are read in search of a training; a submission holds a handful


def outputs_beside(
    file: str, sliced: Sliced, members: Sequence[Member], provided: str
) -> tuple[tuple[Cell, ...], tuple[Finding, ...]]:
    """The cells of the notebook in which the classes of `file` were trained, if `file` shows no training itself."""
    books = [m for m in members if m.name.lower().endswith(".ipynb") and not m.name.endswith(KEPT_COPY)]
    others = [member for member in books[:_TRIED] if member.name != file]
    if not others or _shows(sliced.cells):
        return (), ()
    tried = [try_file(member, members, provided) for member in others]
    trained = [one for one in tried if one.sliced and _shows(one.sliced.cells) and _is_of(one, sliced)]
    if not trained:
        return (), ()
    history = read_history(members, file).content

    def likely(one: Tried) -> tuple[object, ...]:
        text = "\n".join(cell.outputs for cell in one.sliced.cells) if one.sliced else ""
        return agrees(text, history), wording(one.member.name), natural(one.member.name)

    best = max(trained, key=likely)
    message = (
        f"{file}, which has the classes, shows no training, so the outputs saved in {best.member.name} were read, too"
    )
    fix = f"put all your work into one notebook, called {policy.FILES.notebook}, and hand in that"
    remark = Finding("file-name", Severity.REMARK, message, construct=best.member.name, fix=fix)
    return (best.sliced.cells if best.sliced else ()), (remark,)


def shows_training(one: Tried) -> bool:
    """Whether losses, an accuracy or a plot are saved in it."""
    return bool(one.sliced and _shows(one.sliced.cells))


def _shows(cells: Sequence[Cell]) -> bool:
    found = from_outputs(cells)
    return bool(found.train_loss or found.validation_loss or found.accuracy is not None or found.plots)


def _is_of(one: Tried, graded: Sliced) -> bool:
    """Whether it has none of the classes, or by an import the very ones that are graded."""
    own = {number: program.text for number, program in one.sliced.programs.items()} if one.sliced else {}
    return all(number in graded.programs and graded.programs[number].text == text for number, text in own.items())
