"""`from autograder import check; check("4a")` in a notebook: the public tests, on the classes as the kernel holds them.

Why separate: this runs in the student's own kernel, beside whatever is there. It collects texts, asks a process of its
own to check them, and shows the answer; it imports nothing that could get in the notebook's way, and sends nothing
anywhere.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from autograder.commands.notebook import held
from autograder.core.errors import GraderFault, SubmissionError, UsageError
from autograder.core.policy import FILES
from autograder.core.text import wrapped

# Columns of the text that stands in for the page, e.g. where a notebook is shown without its HTML.
WIDTH = 80
ROOT = Path(__file__).resolve().parents[3]

# -I: no module in the notebook's folder can stand in for one of ours. What pip put into the user's own folder counts.
_START = (
    "import os, sys; sys.path[:0] = sys.argv[1].split(os.pathsep);"
    " from autograder.commands.notebook.serving import main; main(*sys.argv[2:])"
)


def check(question: str | float = "", path: str | os.PathLike[str] | None = None) -> None:
    """Runs the public tests and shows what they found: all of them, or those of one question, e.g. check("4a").

    A number is as good as its text: check(4) is check("4"), all whose numbers begin so.

    In Jupyter and Colab your classes are judged as they stand in the kernel, saved or not; `answers.toml` is read from
    the working folder. `path`: a saved notebook, .py file, folder or zip in their place; outside of a notebook, the
    working folder. Nothing is sent anywhere, and nothing counts.
    """
    shell = _shell()
    show = _Cell() if shell is not None else _Plain()
    try:
        asked, path = _typed(question), _path(path)
        with tempfile.TemporaryDirectory(prefix="check-") as folder:
            working = _working()
            absent: dict[str, tuple[bool, str]] = {}
            if path is None and shell is not None:
                absent = held.collect(shell, Path(folder), working, dict(sys.modules))
            found = Path(folder) if path is None and shell is not None else Path(path or ".")
            for told in _asked(found, asked, typed=path is not None or shell is None, absent=absent):
                show.tell(told)
    except (UsageError, SubmissionError) as error:
        show.say(wrapped(str(error), WIDTH))
    except GraderFault as error:
        said = f"This could not be checked, through a fault of the grader, not of yours. Tell the staff: {error}"
        show.say(wrapped(said, WIDTH))
    except OSError as error:  # a file that may not be read, a full disk, a Python that was moved away
        what = error.filename if isinstance(error.filename, str) else "this computer"
        why = error.strerror or type(error).__name__
        show.say(wrapped(f"This could not be checked here: {what}: {why}. It says nothing about your work.", WIDTH))
    except KeyboardInterrupt:
        show.say("Interrupted: nothing was checked to its end.")


def _typed(question: object) -> str:
    """What was asked for, as text. Raises UsageError for what is neither text nor a number, such as a class."""
    if isinstance(question, str):
        return question
    if isinstance(question, (int, float)) and not isinstance(question, bool):
        return f"{question:g}"
    if question is None:
        return ""
    raise UsageError(
        f'A question is asked for by its number in quotes, e.g. check("4a"); {_kind(question)} is none.'
        " check() runs all public tests."
    )


def _path(path: object) -> str | os.PathLike[str] | None:
    """The same path. Raises UsageError for what is none."""
    if path is None or isinstance(path, (str, os.PathLike)):
        return path
    raise UsageError(f'path is a file or folder in quotes, e.g. path="{FILES.notebook}"; {_kind(path)} is none.')


def _kind(given: object) -> str:
    return f"the class {given.__name__}" if isinstance(given, type) else f"a value of type {type(given).__name__}"


def _shell() -> Any:
    """IPython's shell when this runs in a kernel with cells; None elsewhere."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if shell is not None and hasattr(shell, "kernel") else None


def _working() -> Path:
    """The working folder. Raises UsageError where it is gone, which a kernel notices no earlier."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UsageError(
            "The folder that this notebook works in is not there any more: deleted, moved, or on a drive that is gone."
            " Go to the one with your files, e.g.  %cd ~  and then check again: your classes are still in the kernel."
        ) from None


def _asked(path: Path, question: str, typed: bool, absent: dict[str, tuple[bool, str]]) -> Iterator[dict[str, Any]]:
    """What the checking process tells, as it comes. Raises GraderFault when it ends without an answer."""
    command = [sys.executable, "-I", "-X", "utf8", "-c", _START, _paths(), str(path.absolute()), question]
    command += [str(os.getpid()), "typed" if typed else "kernel", json.dumps(absent)]
    answered = False
    with (
        tempfile.TemporaryFile("w+", errors="replace") as complaints,  # a pipe that nobody reads meanwhile fills up
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                told = json.loads(line)
                answered = answered or "text" in told
                yield told
        except BaseException:
            process.terminate()
            raise
        process.wait()
        complaints.seek(0)
        said = complaints.read()
    if not answered:
        raise GraderFault(f"exit status {process.returncode}. {said.strip()[-500:]}")


def _paths() -> str:
    """Where the process finds this package, and what pip installed for this user alone, which -I leaves out."""
    own = [str(ROOT)]
    return os.pathsep.join(
        [*own, *(entry for entry in sys.path if "site-packages" in entry or "dist-packages" in entry)]
    )


class _Plain:
    """Text on the terminal, at the end."""

    def tell(self, told: dict[str, Any]) -> None:
        if "text" in told:
            self.say(told["text"])

    def say(self, text: str) -> None:
        print(text.rstrip("\n"))


class _Cell:
    """The output of a cell: first how far it is, then the report as a page, with its text for where none is shown."""

    def __init__(self) -> None:
        from IPython.display import display

        shown: Callable[..., Any] = display
        self._handle = shown({"text/plain": "Checking …"}, raw=True, display_id=True)

    def tell(self, told: dict[str, Any]) -> None:
        if "text" in told:
            page = {"text/html": told["html"]} if "html" in told else {}
            self._update({"text/plain": told["text"], **page})
        else:
            self._update({"text/plain": f"Checking … {told['done']} of {told['of']} tests are done"})

    def say(self, text: str) -> None:
        self._update({"text/plain": text})

    def _update(self, bundle: dict[str, str]) -> None:
        update: Callable[..., None] = self._handle.update
        update(bundle, raw=True)
