"""What is kept of a graded submission, and what it was graded with: so a class can go on where it was interrupted.

A record is good for as long as its key is: the hash of the submission's bytes, of the tests, the policy, this grader,
and the options. It is written last, after the result and the page: where a record is, its files are.

Why separate: nothing here grades, and no clock is read. What cannot be read is as if it were not there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from autograder.commands.batch.handed import Handed, told
from autograder.commands.batch.touched import REST, hashed
from autograder.core import policy
from autograder.core.records import Finding, Report, Severity, TestResult
from autograder.grading import Options

# A submission beyond these is graded each time: reading all of it would cost more than grading what is read of it.
MAX_FILES = 2_000
MAX_BYTES = 512 * 2**20


class Task(msgspec.Struct, frozen=True):
    """A submission to grade: its id in the class, where it lies, and the results of tests that need not run again."""

    id: str
    path: str
    kept: tuple[TestResult, ...] = ()


class Done(msgspec.Struct, frozen=True, tag="done"):
    """What became of a task: the report without cells and weights, results.json, and the page for staff."""

    id: str
    report: Report
    results: bytes
    page: bytes


class Stopped(msgspec.Struct, frozen=True, tag="stopped"):
    """The lane cannot go on: nothing is wrong with the submission, but with how the command was given."""

    text: str
    kind: str  # name of the exception


class Record(msgspec.Struct, frozen=True):
    """OUT/records/ID.json."""

    key: str
    report: Report
    adds: str = ""  # what the class added to the files: they are written anew when that changes
    hand: tuple[TestResult, ...] = ()  # what people gave; the same
    times: Handed | None = None  # when it came and was due, where that was asked; the same
    parts: dict[str, str] = {}  # the key in parts, see `touched`


_encoder = msgspec.json.Encoder(enc_hook=str)  # of what is no data, only paths occur
_records = msgspec.json.Decoder(Record)
task_decoder = msgspec.json.Decoder(Task)
answer_decoder = msgspec.json.Decoder(Done | Stopped)
options_decoder = msgspec.json.Decoder(Options, dec_hook=lambda kind, text: kind(text))


def encode(message: Task | Done | Stopped | Options | Record) -> bytes:
    """A message or a record as JSON, on one line, without its end."""
    return _encoder.encode(message)


def read(path: Path) -> Record | None:
    """The record in that file; None when there is none, or none that this version understands."""
    try:
        return _records.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None


# Gradescope's words for tests that students see at last; what is `hidden` stays so.
_LATER = ("after_due_date", "after_published")


def whole(known: Record, published: bool = False) -> Report:
    """The report with what the class and people added; `published`: with what students see once grades are out."""
    report, adds = known.report, known.adds
    tests = (*report.tests, *known.hand)
    if published:
        tests = tuple(
            msgspec.structs.replace(test, visibility="visible") if test.visibility in _LATER else test for test in tests
        )
    report = told(msgspec.structs.replace(report, tests=tests), known.times)
    if not adds:
        return report
    fix = "ask who trained them: even one person's two trainings give other weights"
    flag = Finding("same-weights", Severity.FLAG, adds, "4c", policy.FILES.checkpoint, fix=fix)
    findings = (*report.submission.findings, flag)
    return msgspec.structs.replace(report, submission=msgspec.structs.replace(report.submission, findings=findings))


def content(path: Path) -> str:
    """The hash of a submission as it lies there; empty when it is too large, or cannot be read whole."""
    try:
        return hashed(_content(path))
    except (OSError, OverflowError):
        return ""


def stands(known: Record | None, parts: Mapping[str, str]) -> tuple[TestResult, ...]:
    """The results that a record holds of questions about which nothing that decides is another than it was.

    None where ready-made attention was found, since a test is charged for it afterwards: what others require of it is
    not in the record.
    """
    if known is None or not known.key or not parts or known.parts.get(REST) != parts[REST]:
        return ()
    if any(found.severity is Severity.READY_MADE for found in known.report.submission.findings):
        return ()
    same = {question for question, part in parts.items() if known.parts.get(question) == part} - {REST}
    return tuple(test for test in known.report.tests if policy.POLICY.question_of(test.number).number in same)


def _content(path: Path) -> Iterator[bytes]:
    """Names and bytes of everything in it, links not followed. Raises OverflowError beyond the bounds."""
    left = MAX_BYTES
    for count, (name, file) in enumerate(_files(path)):
        about = os.stat(file, follow_symlinks=False)
        left -= about.st_size
        if left < 0 or count > MAX_FILES:
            raise OverflowError
        yield name.encode("utf-8", "surrogateescape")
        yield Path(file).read_bytes() if stat.S_ISREG(about.st_mode) else str(about.st_mode).encode()


def _files(path: Path) -> Iterator[tuple[str, str]]:
    """(name below `path`, path) in order; depth first without recursion."""
    if not path.is_dir():
        yield path.name, str(path)
        return
    todo = [("", str(path))]
    while todo:
        below, folder = todo.pop()
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            name = f"{below}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if len(name) > 4_000:  # deeper than a path can be
                    raise OverflowError
                todo.append((name, entry.path))
            yield name, entry.path
