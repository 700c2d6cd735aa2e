"""What `run_autograder` runs: Gradescope's folders in, results.json out, whatever happens in between.

Facts of the platform: the submission lies in ROOT/submission, ROOT/submission_metadata.json describes it, and the
score is what ROOT/results/results.json says when the process ends. The file is rewritten after every test, so a kill
at any moment leaves a truthful one.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType

import msgspec

from autograder.commands.gradescope import again, handed
from autograder.core import metadata
from autograder.core.errors import AutograderError, GraderFault
from autograder.core.records import Report, Submission
from autograder.grading import Options, grade
from autograder.report import results
from autograder.report.summary import Summary, summarise
from autograder.report.terminal import render

APOLOGY = (
    "The autograder could not finish. This is a fault of ours, not of your work, and it costs you no points. "
    "Your submission is saved; please tell the course staff, who can run it again."
)


class Stopped(BaseException):
    """SIGTERM came: the platform wants its container back. No `except Exception` on the way may take it for a fault."""


def run(root: Path, options: Options | None = None) -> Report:
    """Grades ROOT/submission into ROOT/results/results.json and returns the last report."""
    target = root / "results" / "results.json"
    results.make_folder(target.parent)
    results.write(target, summarise(results.failure(APOLOGY)))  # until the first test is done, this is the truth
    signal.signal(signal.SIGTERM, _stop)
    about = metadata.read(root / "submission_metadata.json")
    found = again.standing(about)
    if found.reason:
        return _not_graded(target, found)
    latest: Report | None = None

    def keep(report: Report) -> None:
        nonlocal latest
        latest = report
        with contextlib.suppress(GraderFault):  # a full disk now may have room at the end; the older file is true
            results.write(target, _whole(report, about, found))

    try:
        final = grade(root / "submission", options or Options(), keep)
    except Stopped:
        final = _cut(latest, "the platform ended the grading (SIGTERM) before it was done")
    except AutograderError as error:
        final = results.failure(APOLOGY, staff=str(error))
    except Exception:
        final = results.failure(APOLOGY, staff=traceback.format_exc())
    final = msgspec.structs.replace(final, staff_notes=final.staff_notes + tuple(about.problems))
    whole = _whole(final, about, found)
    results.write(target, whole)
    sys.stdout.write(render(whole, colour=False, width=110, audience="staff"))
    return final


def _whole(report: Report, about: metadata.Metadata, found: again.Standing) -> Summary:
    """What is written of a report: with the submission's time, and where it stands by the limit."""
    notes, notices = (
        (*report.staff_notes, *filter(None, [found.note])),
        (*report.notices, *filter(None, [found.notice])),
    )
    told = handed.told(msgspec.structs.replace(report, staff_notes=notes, notices=notices), about)
    counts = report.complete and found.graded or found.graded[:-1]  # what we did not finish uses up nothing
    return summarise(
        msgspec.structs.replace(told, carried={again.GRADED: again.written(counts)} if found.graded else {})
    )


def _not_graded(target: Path, found: again.Standing) -> Report:
    results.write_bytes(target, again.result(found))
    print(found.reason)
    return Report(submission=Submission(name="", file="", digest=""), tests=(), notices=(found.reason,))


def _cut(latest: Report | None, why: str) -> Report:
    if latest is None:
        return results.failure(APOLOGY, staff=why)
    return msgspec.structs.replace(latest, complete=False, staff_notes=(*latest.staff_notes, why))


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: what follows writes the last result
    raise Stopped
