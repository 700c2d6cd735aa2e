"""The process that checks what a notebook asks for: one line of JSON for each test that is done, then the report.

Why separate: the notebook's kernel holds threads, a GPU and the student's objects, and must not be forked; this process
is as the command line's, and the student's code runs in another one still.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.commands.notebook import WIDTH
from autograder.core.errors import GraderFault, UsageError
from autograder.core.needed import missing
from autograder.core.text import wrapped

if TYPE_CHECKING:  # it needs packages of which `missing` says whether they are there
    from autograder.core.records import Report


def main(path: str, question: str, kernel: str, how: str, absent: str) -> None:
    """Prints what `check` finds at `path` as JSON, one line each. `kernel`: the process that it is done for.

    `absent`: of each class without a text, as JSON, whether the kernel holds it, and why there is none.
    """
    if lacking := missing():
        return _tell(text=lacking)
    threading.Thread(target=_end_with, args=(int(kernel),), daemon=True).start()
    try:
        _check(Path(path), question, how == "typed", json.loads(absent))
    except UsageError as error:
        _tell(text=wrapped(str(error), WIDTH))
    except GraderFault as error:
        print(error, file=sys.stderr)
        sys.exit(3)


def _check(path: Path, question: str, typed: bool, absent: Mapping[str, tuple[bool, str]]) -> None:
    from autograder.grading import Options, checked, grade
    from autograder.handin import folders
    from autograder.report import html, terminal, unchecked
    from autograder.report.summary import summarise

    def watch(report: Report) -> None:
        _tell(done=len(report.tests), of=len(report.tests) + len(report.planned))

    options = checked(Options(public=True, only=question))
    if typed:
        folders.refuse_elsewhere(path, _call)
        folders.refuse_class(path, one=_call, whole="")
    report = grade(path, options, watch)
    whole = summarise(_of_the_kernel(report, absent))
    again = f'check("{options.only}")' if options.only else "check()"
    left = tuple(unchecked.lines(report, options.only))
    text = terminal.render(
        whole, width=WIDTH, colour=False, again=_call(path, options.only) if typed else again, left=left
    )
    _tell(text=text, html=html.cell(whole, left))


def _of_the_kernel(report: Report, absent: Mapping[str, tuple[bool, str]]) -> Report:
    """The report, in which a class that only has to be run again is not said to be missing in the notebook."""
    import msgspec

    from autograder.core.policy import POLICY

    unusable = dict(report.submission.unusable)
    for one in POLICY.questions:
        if one.class_name in absent and one.number in unusable:
            held, words = absent[one.class_name]
            unusable[one.number] = words if held else f"{words} {unusable[one.number]}"
    return msgspec.structs.replace(report, submission=msgspec.structs.replace(report.submission, unusable=unusable))


def _call(path: Path, only: str = "") -> str:
    """The call that repeats it on a path."""
    return f'check({only!r}, path="{path}")'


def _tell(**told: object) -> None:
    print(json.dumps(told), flush=True)


def _end_with(kernel: int) -> None:
    """Ends this process, and through it all that it started, when the kernel is gone or was restarted."""
    while os.getppid() == kernel:
        time.sleep(0.5)
    os.kill(os.getpid(), 15)
