"""What staff type to grade, and what a Gradescope container runs."""

from __future__ import annotations

import os
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.options import (
    Mnist,
    Only,
    Policy,
    Seed,
    Tests,
    Weak,
    Without,
    grading_command,
    measure_on,
    show,
    use,
)


class Engine(str, Enum):
    """What grades a class."""

    LANES = "lanes"
    DASK = "dask"


def grade(
    submission: Annotated[Path, typer.Argument(help="A notebook, .py file, folder or zip.")],
    out: Annotated[Path, typer.Option(help="Where results.json and report.html go.")],
    only: Only = "",
    without: Without = "",
    seed: Seed = None,
    tests: Tests = None,
    allow_weak_isolation: Weak = False,
    json: Annotated[bool, typer.Option("--json", help="Print results.json instead of the report.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
    policy: Policy = None,
    mnist: Mnist = None,
) -> None:
    """Grades one submission: writes OUT/results.json (Gradescope's schema) and OUT/report.html."""
    use(policy)
    measure_on(mnist)
    from autograder.commands import asked
    from autograder.grading import Options, checked, grade
    from autograder.report import html, results
    from autograder.report.summary import summarise

    options = checked(
        Options(only=only, without=without, seed=seed, tests=tests, allow_weak_isolation=allow_weak_isolation)
    )
    command = partial(grading_command, out=out, options=options)
    asked.refuse_class(submission, one=partial(command, "grade"), whole=command("batch", submission))
    results.make_folder(out)
    target = out / "results.json"
    report = grade(submission, options, lambda so_far: results.write(target, summarise(so_far)))
    whole = summarise(report)
    results.write(target, whole)
    results.write_bytes(out / "report.html", html.render(whole, audience="staff").encode())
    if json:
        typer.echo(results.encode(whole).decode())
    elif not quiet:
        show(whole, "staff")
    raise typer.Exit(0 if report.complete else 3)


def batch(
    folder: Annotated[Path, typer.Argument(help="A folder (or a zip) with one folder, zip or file per submission.")],
    out: Annotated[Path, typer.Option(help="Where results, reports, tables and index.html go.")],
    jobs: Annotated[
        int | None, typer.Option(help="So many at once.", show_default="cores, within memory", min=1)
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Grade again what OUT has results of already.")] = False,
    against: Annotated[Path | None, typer.Option(help="Earlier results: says whose points change, and where.")] = None,
    hand: Annotated[list[Path] | None, typer.Option(help="A table of points given by hand; may be repeated.")] = None,
    hand_pages: Annotated[
        bool, typer.Option("--hand-pages", help="Write OUT/hand/QUESTION.html: to read answers and give points.")
    ] = False,
    similar: Annotated[bool, typer.Option("--similar", help="Note programs worth a look together, for staff.")] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="Write OUT/tests.parquet, too.")] = False,
    due: Annotated[str, typer.Option(help='Says who was late, e.g. "2026-05-03 23:59"; takes no points.')] = "",
    engine: Annotated[
        Engine, typer.Option(help="What grades: lanes of this machine, or a Dask cluster.")
    ] = Engine.LANES,
    scheduler: Annotated[
        str, typer.Option(help="Dask's: tcp://HOST:8786, slurm or pbs.", show_default="one here")
    ] = "",
    needs: Annotated[str, typer.Option(help="Only on workers with this resource, e.g. GPU=1.")] = "",
    only: Only = "",
    without: Without = "",
    tests: Tests = None,
    allow_weak_isolation: Weak = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar and no table.")] = False,
    policy: Policy = None,
    mnist: Mnist = None,
) -> None:
    """Grades a class, several submissions at once: writes OUT/results/ID.json, OUT/reports/ID.html, OUT/grades.csv and
    OUT/index.html. Run again, it grades only what is new or changed."""
    use(policy)
    measure_on(mnist)
    from autograder.commands.batch import handed, run, shown, unpacking
    from autograder.commands.batch.cluster import places
    from autograder.commands.batch.exports import people
    from autograder.grading import Options, checked
    from autograder.handin import folders

    options = checked(Options(only=only, without=without, tests=tests, allow_weak_isolation=allow_weak_isolation))
    command = partial(grading_command, out=out, options=options)
    folder = unpacking.folder_of(folder, out, partial(command, "grade"))
    folders.refuse_one(folder, partial(command, "grade"), partial(command, "batch"), people.identity)
    place = places.chosen(engine is Engine.DASK, scheduler, jobs, needs)
    grading = partial(
        run, folder, out, options,
        jobs=jobs, fresh=fresh, against=against, by_hand=hand or (), hand_pages=hand_pages, similar=similar,
        parquet=parquet, due=handed.due(due), place=place,
    )  # fmt: skip
    raise typer.Exit(shown.run(grading, out, quiet=quiet))


def feedback(
    graded: Annotated[Path, typer.Argument(metavar="RESULTS", help="The folder that `batch --out` wrote.")],
    out: Annotated[Path, typer.Option(help="Where a page for each student goes, and feedback.csv.")],
    published: Annotated[
        bool,
        typer.Option("--published", help="Show the tests that students see after the due date, or once published."),
    ] = False,
) -> None:
    """Makes a page for each student of a graded class, without what is for staff: to send back or to upload."""
    from autograder.commands.feedback import write

    count, notes = write(graded, out, published)
    typer.echo(f"{out}: {count} page{'' if count == 1 else 's'}, and feedback.csv says whose each is")
    for note in notes:
        typer.echo(f"  {note}")


def gradescope(
    root: Annotated[Path, typer.Option(help="Gradescope's top folder.")] = Path("/autograder"),
    allow_weak_isolation: Weak = False,
    policy: Policy = None,
) -> None:
    """Grades ROOT/submission into ROOT/results/results.json: what run_autograder runs."""
    use(policy)
    from autograder.commands.gradescope import run
    from autograder.grading import Options

    report = run(root, Options(allow_weak_isolation=allow_weak_isolation))
    raise typer.Exit(0 if report.complete else 3)


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
    use(policy)
    measure_on(mnist)
    from autograder.commands.verify import run
    from autograder.grading import Options, checked
    from autograder.report import seal

    if key is not None:
        os.environ[seal.VARIABLE] = str(key)
    found = run(result, submission, checked(Options(only=only, tests=tests, allow_weak_isolation=allow_weak_isolation)))
    typer.echo("\n".join(found.lines))
    raise typer.Exit(3 if not found.complete else 0 if found.agrees else 1)
