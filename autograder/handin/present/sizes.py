"""Which files are there, and whether they are small enough to be read.

Why separate: a file that is too large is told at the time of reading, one by one; a student wants to know of all before
handing in. What a zip says of itself is checked where zips are opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from autograder.core.errors import SubmissionError
from autograder.core.inventory import Item, State
from autograder.core.policy import CAPS, FILES, POLICY
from autograder.core.records import Severity, Submission
from autograder.handin.files.members import Member, is_ignored, most_mb

PART = "Files"
_MB = 2**20


def items(path: Path, submission: Submission, members: Sequence[Member]) -> Iterator[Item]:
    """The work, answers.toml, sizes, and where the write-up goes. What only 4(c) is judged from stands with 4(c)."""
    if submission.problem:
        yield Item(PART, "your work", State.MISSING, submission.problem)
    elif not submission.file:
        why = next(iter(submission.unusable.values()), "")
        yield Item(PART, FILES.notebook, State.MISSING, why or "there is no notebook")
    else:
        yield _work(submission)
    if members or not submission.problem:  # of an archive that cannot be opened nothing is known
        yield _answers(submission)
    yield from _sizes(path, members)
    words = "a PDF, is handed in by itself: `appendix` makes its code pages, and joins them to your written part"
    yield Item(PART, "write-up", State.ELSEWHERE, words)


def _work(submission: Submission) -> Item:
    name = submission.file
    for found in submission.findings:
        if found.rule == "file-name" and found.construct == name and found.severity is Severity.REMARK:
            return Item(PART, name, State.LOOK, found.message, found.fix)
    if PurePosixPath(name).name in (FILES.notebook, FILES.script):
        return Item(PART, name, State.THERE, _wordy(name))
    fix = f"call it {FILES.notebook}, so that nobody has to look for it"
    return Item(PART, name, State.LOOK, f"your work, as it seems, is not called {FILES.notebook}", fix)


def _wordy(name: str) -> str:
    return (
        "" if name.lower().endswith(".ipynb") else "a script holds no outputs: hand in the notebook where you have one"
    )


def _answers(submission: Submission) -> Item:
    if submission.answers is None and not submission.answers_problem:
        state = State.MISSING if POLICY.written == "required" else State.ELSEWHERE
        fix = "take the template's, fill it in, and put it beside your notebook" if state is State.MISSING else ""
        return Item(PART, FILES.answers, state, "is not there", fix)
    if submission.answers_problem:
        return Item(PART, FILES.answers, State.MISSING, submission.answers_problem)
    if renamed := [f for f in submission.findings if f.rule == "file-name" and FILES.answers in f.message + f.fix]:
        return Item(PART, FILES.answers, State.LOOK, renamed[0].message, renamed[0].fix)
    return Item(PART, FILES.answers, State.THERE)


def _sizes(path: Path, members: Sequence[Member]) -> Iterator[Item]:
    """One item: what is too large, or that nothing is."""
    wanted = (FILES.notebook, FILES.script, FILES.answers, FILES.history, FILES.checkpoint)
    sizes: dict[str, int] = {}
    for member in members:
        if PurePosixPath(member.name).name in wanted or member.name.lower().endswith((".ipynb", ".pdf")):
            try:
                sizes[member.name] = max(len(member.read()), member.size)
            except SubmissionError as error:
                yield Item(PART, member.name, State.MISSING, str(error))
    count, total = _whole(path) if path.is_dir() else (len(members), sum(sizes.values()))
    if count > CAPS.zip_files or total > CAPS.zip_total_mb * _MB:
        words = f"the folder holds {count} files with {total / _MB:.0f} MB, too much for one zip"
        fix = (
            f"zip your files alone, not the folder: at most {CAPS.zip_files} files and {CAPS.zip_total_mb} MB are read"
        )
        yield Item(PART, "sizes", State.LOOK, words, fix)
    elif sizes:
        largest = max(sizes, key=lambda name: sizes[name])
        words = f"the largest, {largest}, has {_shown(sizes[largest])} of {most_mb(largest)} MB"
        yield Item(PART, "sizes", State.THERE, words)


def _shown(size: int) -> str:
    return f"{size / _MB:.1f} MB" if size >= _MB else f"{-(-size // 1024)} KB"


def _whole(folder: Path) -> tuple[int, int]:
    """(files, bytes) of everything in a folder that a zip program would take along."""
    count = total = 0
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_ignored(name)]
        for name in (name for name in names if not is_ignored(name)):
            count += 1
            try:
                total += os.lstat(os.path.join(at, name)).st_size
            except OSError:
                continue  # it went away
        if count > 50 * CAPS.zip_files:  # enough is known
            break
    return count, total
