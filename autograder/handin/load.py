"""From what was handed in to a `Submission`: found, read, sliced; never run.

Why separate: the only package that meets the submission's files. The student's mistakes become words in the record;
only a path that is not there is an error of whoever called. Nothing here imports torch or keeps a secret: a hostile
file may crash the process it is read in (`autograder.handin.reader` makes that a throw-away one).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from autograder.core import policy
from autograder.core.errors import SubmissionError, UsageError
from autograder.core.names import named
from autograder.core.records import Alternative, Finding, Place, Run, Severity, Submission, Weights
from autograder.handin.files.answers import Tables
from autograder.handin.files.answers_in_code import answers_in_code
from autograder.handin.files.archive import ending, not_opened
from autograder.handin.files.checkpoint import read_weights
from autograder.handin.files.choosing import Chosen, choose, code_files
from autograder.handin.files.extras import Read, read_answers, read_history
from autograder.handin.files.large import slimmed
from autograder.handin.files.members import Member, folder_members, read_file, without_ours
from autograder.handin.files.opening import archive_members, opened

_PROVIDED = Path(__file__).parents[1] / "student_room" / "provided_classes.py"


def load(path: Path) -> Submission:
    """The submission at `path`: a folder, a zip, a notebook or a script. Raises UsageError when nothing is there."""
    if not path.exists():
        raise UsageError(f"There is nothing at {path}. Give the path of a folder, a zip, a notebook or a script.")
    name = path.resolve().name
    try:
        members = members_of(path)
    except SubmissionError as error:
        return refused(name, str(error))
    chosen, problem = _chosen(members)
    near = chosen.work.file if chosen else ""
    answers, answers_problem, of_answers = _answers(members, near, chosen)
    history, history_problem, of_history = read_history(members, near)
    weights, weights_problem = read_weights(members, near)
    whole = "" if chosen or answers is not None or history is not None else problem
    sliced = chosen.sliced if chosen else None
    programs = sliced.programs if sliced else {}
    return Submission(
        name=name,
        file=near,
        digest=_digest([program.text for _, program in sorted(programs.items())], answers, history, weights),
        cells=sliced.cells if sliced else (),
        programs=programs,
        alternatives=tuple(map(Alternative, sliced.alternatives)) if sliced else (),
        unusable=sliced.unusable if sliced else _unusable(problem),
        absent=_absent(chosen) if chosen else () if code_files(members) else tuple(_unusable(problem)),
        findings=(*_findings(chosen), *of_answers, *of_history),
        answers=answers,
        answers_problem=answers_problem,
        history=history,
        history_problem=history_problem,
        run=sliced.run if sliced else Run(),
        weights=weights,
        weights_problem=weights_problem,
        problem=whole,
    )


def _absent(chosen: Chosen) -> tuple[str, ...]:
    """Questions whose class was not handed in. One in a cell of words was, though nothing there defines it."""
    classes = {question.number: question.class_name for question in policy.POLICY.questions}
    aside = {number for number in chosen.sliced.unusable if classes[number] in chosen.work.asides}
    return tuple(number for number in chosen.sliced.absent if number not in aside)


def _answers(members: Sequence[Member], near: str, chosen: Chosen | None) -> Read:
    """Those of the file; where there is none, a dictionary of them in the notebook."""
    found = read_answers(members, near)
    written = answers_in_code(chosen.work.cells) if chosen and found.content is None and not found.problem else None
    if not written:
        missing = found.content is None and not found.problem
        return found._replace(problem=not_opened(members)) if missing else found
    tables, cell = written
    message = f"there is no {policy.FILES.answers}, so the answers in this cell were read"
    fix = f"hand in a file called {policy.FILES.answers}"
    place = Place(chosen.work.file, 1, cell.number) if chosen else None
    return Read(tables, "", (Finding("file-name", Severity.REMARK, message, place=place, fix=fix),))


def refused(name: str, problem: str) -> Submission:
    """A submission of which nothing can be used, and why."""
    return Submission(name=name, file="", digest=_digest([], None, None), unusable=_unusable(problem), problem=problem)


def _unusable(problem: str) -> dict[str, str]:
    return {question.number: problem for question in policy.POLICY.questions if question.class_name}


def _chosen(members: Sequence[Member]) -> tuple[Chosen | None, str]:
    try:
        return choose(members, named(_PROVIDED.read_text(encoding="utf-8"))), ""
    except SubmissionError as error:
        return None, str(error)


def _findings(chosen: Chosen | None) -> tuple[Finding, ...]:
    return (*chosen.remarks, *chosen.work.findings, *chosen.sliced.findings) if chosen else ()


def members_of(path: Path) -> tuple[Member, ...]:
    """Its files, and those of the archives among them, without the folders that a zip program wraps around them all."""
    if path.is_dir():
        members = folder_members(path)
    elif ending(path.name):
        members = archive_members(read_file(path.resolve(), path.name), path.name)
    else:
        real = path.resolve()  # whoever called chose this path: a link of theirs is meant
        members = (Member(path.name, lambda: read_file(real, path.name)),)
    return slimmed(without_ours(opened(members)))


def _digest(
    texts: Sequence[str], answers: Tables | None, history: dict[str, object] | None, weights: Weights | None = None
) -> str:
    """sha256 over what is graded: not over saved outputs or metadata, so that saving again changes nothing."""
    own = [weights.digest] if weights else []
    content = msgspec.json.encode([texts, answers, history, *own], order="sorted")
    return hashlib.sha256(content).hexdigest()
