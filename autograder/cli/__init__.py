"""The command line. It joins the stages and words what people see; it decides nothing.

Exit status: 0 graded (whatever the score; for `check`: nothing to fix; for `preflight`: nothing is missing; for
`verify`: it agrees), 1 `check` found something to fix, `preflight` something missing, or `verify` a difference,
2 usage, 3 the grader itself failed.
"""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from types import FrameType
from typing import Annotated, TextIO

import typer

from autograder import __version__
from autograder.cli import streams, students
from autograder.core.errors import GraderFault, NotWritten, UsageError
from autograder.core.text import printable, wrapped

app = typer.Typer(
    help="Grades CS189 Homework 6: attention, a transformer layer, written answers.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

# In the order in which --help lists them: who needs them, and how soon. What each is for fits a line of 80 columns.
app.command(short_help="Runs the public tests on your work, as often as you like.")(students.check)
app.command(short_help="Says what is still missing before you hand in.")(students.preflight)
app.command(short_help="Makes the code appendix of your write-up, as a PDF.")(students.appendix)
if find_spec("autograder.cli.staff"):  # the students' copy has none of what follows
    from autograder.cli import machine, packaging, platform, staff, training

    app.command(short_help="Grades one submission.")(staff.grade)
    app.command(short_help="Grades a class; run again, only what is new or changed.")(staff.batch)
    app.command(short_help="Makes a page for each student of a graded class.")(staff.feedback)
    app.command(short_help="Trains the handout's whole model with a submission's layers.")(training.train)
    app.command(short_help="Grades as Gradescope's container does: its run_autograder.")(staff.gradescope)
    app.command(short_help="Grades a result again, and says whether it agrees.")(staff.verify)
    app.add_typer(packaging.app, name="package", short_help="Makes the zip for students, or the one for Gradescope.")
    app.command(short_help="Runs a submission as Gradescope would, on this machine.")(platform.emulate)
    app.command(short_help="Shows what this machine has and lacks for grading.")(machine.doctor)
    app.command(short_help="Grades the reference and a wrong solution, as a rehearsal.")(machine.selfcheck)


@app.callback(invoke_without_command=True)
def _top(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        typer.echo(f"autograder {__version__}")
        raise typer.Exit


def main() -> None:
    """The console script: every expected error is one sentence, never a traceback.

    A signal that ends it is an exception, so that whatever it started ends first, and what was opened is put away.
    """
    for ending in ("SIGTERM", "SIGHUP"):  # SIGINT is one already
        if hasattr(signal, ending) and signal.getsignal(getattr(signal, ending)) == signal.SIG_DFL:  # nohup stays
            signal.signal(getattr(signal, ending), _ended)
    with streams.held():
        try:
            try:
                app(prog_name=_completed(sys.argv[1:]))
            finally:
                sys.stdout.flush()  # what cannot be written is told now, not when Python ends
        except UsageError as error:
            typer.echo(_laid_out(printable(f"autograder: {error}"), sys.stderr), err=True)  # may name a student's file
            sys.exit(2)
        except GraderFault as error:
            whose = "" if isinstance(error, NotWritten) else "the grader itself failed: "
            said = printable(f"autograder: {whose}{error}")
            typer.echo(_laid_out(said, sys.stderr), err=True)
            sys.exit(3)


def _completed(words: Sequence[str]) -> str | None:
    """What a shell is to complete; None: the name is as it was typed.

    Typed as `python -m autograder`, the script that typer writes would complete the words `python` and `-m`, for every
    program, with a function that cannot run.
    """
    asked = any(word.startswith(("--install-completion", "--show-completion")) for word in words)
    return "autograder" if asked else None


def _laid_out(text: str, stream: TextIO) -> str:
    """In a terminal no word is cut at its right edge; elsewhere a sentence stays one line, as programs read it."""
    return wrapped(text, shutil.get_terminal_size().columns) if stream.isatty() else text


def _ended(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough
    sys.exit(128 + number)  # as a shell says it
