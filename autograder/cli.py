"""The command line. It joins the stages and words what people see; it decides nothing.

Exit status: 0 graded (whatever the score; for `check`: nothing to fix; for `verify`: it agrees), 1 `check` found
something to fix, or `verify` a difference, 2 usage, 3 the grader itself failed.
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from autograder import __version__
from autograder.core.errors import GraderFault, UsageError

if TYPE_CHECKING:
    from autograder.grading import Options
    from autograder.report.summary import Audience, Summary

app = typer.Typer(
    help="Grades CS189 Homework 6: attention, a transformer layer, written answers.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Tests = Annotated[Path | None, typer.Option(help="A folder of hidden tests other than tests/hidden.")]
Seed = Annotated[int | None, typer.Option(help="Grade with this seed instead of the submission's own.")]
Weak = Annotated[
    bool,
    typer.Option("--allow-weak-isolation", help="Grade although student code could reach what it must not (doctor)."),
]
Policy = Annotated[Path | None, typer.Option(help="A policy other than autograder/policy.toml.")]
Mnist = Annotated[Path | None, typer.Option(help="A folder with MNIST's test images, to measure weights on.")]
Only = Annotated[str, typer.Option(help="Only this question, part or test, e.g. 4a, 4 or 4a.4.")]


def _use(policy: Path | None) -> None:
    """Puts a policy in force, here and in every process that is started from here. Before any import that reads it."""
    if policy is None:
        return
    if not policy.is_file():
        raise UsageError(f"--policy {policy}: there is no such file")
    os.environ["AUTOGRADER_POLICY"] = str(policy.resolve())


def _measure_on(mnist: Path | None) -> None:
    """Names MNIST's folder to every process that is started from here."""
    from autograder.core.mnist import VARIABLE, find

    if mnist is None:
        return
    try:
        find(mnist)
    except LookupError as error:
        raise UsageError(f"--mnist {mnist}: {error}") from None
    os.environ[VARIABLE] = str(mnist.resolve())


@app.callback(invoke_without_command=True)
def _top(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        typer.echo(f"autograder {__version__}")
        raise typer.Exit


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="Your notebook, .py file, folder or zip.")] = Path(),
    question: Annotated[str, typer.Option(help="Only this question, e.g. 4a.")] = "",
    seed: Seed = None,
) -> None:
    """Runs the public tests on your work, as often as you like. Exit status 0 when nothing is to be fixed, 1 else."""
    from autograder.grading import Options, checked, grade
    from autograder.handin import folders
    from autograder.report import unchecked
    from autograder.report.summary import all_well, summarise

    chosen = checked(Options(public=True, only=question, seed=seed))
    again = partial(_check_command, only=chosen.only)
    folders.refuse_class(path, one=again, whole="")
    report = grade(path, chosen)
    whole = summarise(report)
    _show(whole, "student", again=again(path))
    for line in unchecked.lines(report, chosen.only):
        typer.echo(line)
    if not report.complete:
        raise typer.Exit(3)
    raise typer.Exit(0 if all_well(whole) else 1)


@app.command()
def grade(
    submission: Annotated[Path, typer.Argument(help="A notebook, .py file, folder or zip.")],
    out: Annotated[Path, typer.Option(help="Where results.json and report.html go.")],
    only: Only = "",
    seed: Seed = None,
    tests: Tests = None,
    allow_weak_isolation: Weak = False,
    json: Annotated[bool, typer.Option("--json", help="Print results.json instead of the report.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
    policy: Policy = None,
    mnist: Mnist = None,
) -> None:
    """Grades one submission: writes OUT/results.json (Gradescope's schema) and OUT/report.html."""
    _use(policy)
    _measure_on(mnist)
    from autograder.grading import Options, checked, grade
    from autograder.handin import folders
    from autograder.report import html, results
    from autograder.report.summary import summarise

    options = checked(Options(only=only, seed=seed, tests=tests, allow_weak_isolation=allow_weak_isolation))
    command = partial(_grading_command, out=out, options=options)
    folders.refuse_class(submission, one=partial(command, "grade"), whole=command("batch", submission))
    results.make_folder(out)
    target = out / "results.json"
    report = grade(submission, options, lambda so_far: results.write(target, summarise(so_far)))
    whole = summarise(report)
    results.write(target, whole)
    results.write_bytes(out / "report.html", html.render(whole, audience="staff").encode())
    if json:
        typer.echo(results.encode(whole).decode())
    elif not quiet:
        _show(whole, "staff")
    raise typer.Exit(0 if report.complete else 3)


@app.command()
def batch(
    folder: Annotated[Path, typer.Argument(help="A folder (or a zip) with one folder, zip or file per submission.")],
    out: Annotated[Path, typer.Option(help="Where results, reports, tables and index.html go.")],
    jobs: Annotated[
        int | None, typer.Option(help="So many at once.", show_default="cores, within memory", min=1)
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Grade again what OUT has results of already.")] = False,
    against: Annotated[Path | None, typer.Option(help="Earlier results: says whose points change, and where.")] = None,
    only: Only = "",
    tests: Tests = None,
    allow_weak_isolation: Weak = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar and no table.")] = False,
    policy: Policy = None,
    mnist: Mnist = None,
) -> None:
    """Grades a class, several submissions at once: writes OUT/results/ID.json, OUT/reports/ID.html, OUT/grades.csv and
    OUT/index.html. Run again, it grades only what is new or changed."""
    _use(policy)
    _measure_on(mnist)
    from autograder.commands.batch import shown, unpacking
    from autograder.grading import Options, checked
    from autograder.handin import folders

    options = checked(Options(only=only, tests=tests, allow_weak_isolation=allow_weak_isolation))
    command = partial(_grading_command, out=out, options=options)
    folder = unpacking.folder_of(folder, out, partial(command, "grade"))
    folders.refuse_one(folder, single=partial(command, "grade"), whole=partial(command, "batch"))
    raise typer.Exit(shown.run(folder, out, options, jobs=jobs, fresh=fresh, against=against, quiet=quiet))


@app.command()
def train(
    submission: Annotated[str, typer.Argument(help="A submission with 4(a) and 4(b), or the word `reference`.")],
    out: Annotated[Path, typer.Option(help="Where weights, history.json and curves go.")],
    epochs: Annotated[int, typer.Option(help="How often every image is trained on.")] = 10,
    batch_size: Annotated[int, typer.Option(help="Images of one step.")] = 32,
    seed: Annotated[int, typer.Option(help="Of the initial weights, the order of the images, and dropout.")] = 189,
    data: Annotated[Path | None, typer.Option(help="A folder with MNIST's files; else the bundled digits.")] = None,
    device: Annotated[str, typer.Option(help="auto (a GPU where there is one), cpu or cuda.")] = "auto",
    plain: Annotated[bool, typer.Option("--plain", help="The notebook's own loop, step by step: slower.")] = False,
    threads: Annotated[int, typer.Option(help="Of the training process; 0: as many as take least time.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that OUT holds.")] = False,
    allow_weak_isolation: Weak = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Trains the handout's whole model with the submission's layers: weights, history.json, curves, the accuracy."""
    from autograder.commands.train import Wish, shown

    wish = Wish(epochs, batch_size, seed, data, plain, threads, device, resume, allow_weak_isolation)
    raise typer.Exit(shown.run(submission, out, wish, quiet=quiet))


@app.command()
def gradescope(
    root: Annotated[Path, typer.Option(help="Gradescope's top folder.")] = Path("/autograder"),
    allow_weak_isolation: Weak = False,
    policy: Policy = None,
) -> None:
    """Grades ROOT/submission into ROOT/results/results.json: what run_autograder runs."""
    _use(policy)
    from autograder.commands.gradescope import run
    from autograder.grading import Options

    report = run(root, Options(allow_weak_isolation=allow_weak_isolation))
    raise typer.Exit(0 if report.complete else 3)


@app.command()
def verify(
    result: Annotated[Path, typer.Argument(metavar="RESULTS", help="A results.json of this grader.")],
    submission: Annotated[Path, typer.Argument(help="The submission that it is of.")],
    key: Annotated[Path | None, typer.Option(help="The key of its seal; else results_key.txt here.")] = None,
    only: Only = "",
    tests: Tests = None,
    allow_weak_isolation: Weak = False,
    policy: Policy = None,
    mnist: Mnist = None,
) -> None:
    """Grades again with the result's seed and says, test by test, whether it agrees. Exit status 0 if so, 1 if not."""
    _use(policy)
    _measure_on(mnist)
    from autograder.commands.verify import run
    from autograder.grading import Options, checked
    from autograder.report import seal

    if key is not None:
        os.environ[seal.VARIABLE] = str(key)
    found = run(result, submission, checked(Options(only=only, tests=tests, allow_weak_isolation=allow_weak_isolation)))
    typer.echo("\n".join(found.lines))
    raise typer.Exit(3 if not found.complete else 0 if found.agrees else 1)


@app.command()
def doctor() -> None:
    """Shows what this machine has and lacks for grading. Exit status 0 when hidden tests may be run here, 1 else."""
    from autograder.commands.doctor import examine, show
    from autograder.report.terminal import console_of, trimmed

    console, text = console_of(None, colour=sys.stdout.isatty())
    fit = show(examine(), console)
    typer.echo(trimmed(text), nl=False)
    raise typer.Exit(0 if fit else 1)


@app.command()
def selfcheck(allow_weak_isolation: Weak = False) -> None:
    """Grades the reference solution and a wrong one, to see whether this machine grades as it should."""
    from autograder.commands.selfcheck import run

    report = run(allow_weak_isolation)
    typer.echo(
        f"ready: the reference solution gets full marks in {report.seconds:.1f} s; isolation: {report.isolation}"
    )


def _check_command(path: Path, only: str) -> str:
    from autograder.handin.folders import typed

    return typed("check", path, *(["--question", only] if only else []))


def _grading_command(command: str, path: Path, out: Path, options: Options) -> str:
    """A command on another path, with everything else as it was typed."""
    from autograder.core import mnist
    from autograder.core.policy import VARIABLE
    from autograder.handin.folders import typed

    given = {"--only": options.only, "--tests": options.tests, "--policy": os.environ.get(VARIABLE),
             "--mnist": os.environ.get(mnist.VARIABLE),
             "--seed": options.seed if command == "grade" else None}  # fmt: skip
    words = [word for name, value in given.items() if value not in (None, "") for word in (name, str(value))]
    words += ["--allow-weak-isolation"] if options.allow_weak_isolation else []
    return typed(command, path, "--out", str(out), *words)


def _show(whole: Summary, audience: Audience, again: str = "") -> None:
    from autograder.report.terminal import render

    typer.echo(render(whole, colour=sys.stdout.isatty(), audience=audience, again=again), nl=False)


def main() -> None:
    """The console script: every expected error is one sentence, never a traceback.

    A signal that ends it is an exception, so that whatever it started ends first, and what was opened is put away.
    """
    for ending in ("SIGTERM", "SIGHUP"):  # SIGINT is one already
        if hasattr(signal, ending) and signal.getsignal(getattr(signal, ending)) == signal.SIG_DFL:  # nohup stays
            signal.signal(getattr(signal, ending), _ended)
    try:
        app()
    except UsageError as error:
        typer.echo(f"autograder: {error}", err=True)
        sys.exit(2)
    except GraderFault as error:
        typer.echo(f"autograder: the grader itself failed: {error}", err=True)
        sys.exit(3)


def _ended(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough
    sys.exit(128 + number)  # as a shell says it
