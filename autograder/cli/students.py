"""What a student types."""

from __future__ import annotations

import contextlib
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.options import Seed, show


def check(
    path: Annotated[Path, typer.Argument(help="Your notebook, .py file, folder or zip.")] = Path(),
    question: Annotated[str, typer.Option(help="Only this question, e.g. 4a.")] = "",
    seed: Seed = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not say how far it is.")] = False,
) -> None:
    """Runs the public tests on your work, as often as you like. Exit status 0 when nothing is to be fixed, 1 else."""
    from autograder.cli import progress
    from autograder.grading import Options, checked, grade
    from autograder.handin import folders
    from autograder.report import unchecked
    from autograder.report.summary import all_well, summarise

    chosen = checked(Options(public=True, only=question, seed=seed))
    again = partial(_check_command, only=chosen.only)
    folders.refuse_elsewhere(path, again)
    folders.refuse_class(path, one=again, whole="")
    with contextlib.nullcontext() if quiet else progress.shown(path.resolve().name) as watch:
        report = grade(path, chosen, watch)
    whole = summarise(report)
    show(
        whole,
        "student",
        again=again(path),
        left=tuple(unchecked.lines(report, chosen.only)),
        then=folders.typed("preflight", path),
    )
    if not report.complete:
        raise typer.Exit(3)
    raise typer.Exit(0 if all_well(whole) else 1)


def preflight(
    path: Annotated[Path, typer.Argument(help="Your notebook, .py file, folder or zip.")] = Path(),
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Says what is still missing before you hand in. Runs nothing. Exit status 0 when nothing is missing, 1 else."""
    from autograder.commands.preflight import look
    from autograder.core.inventory import State
    from autograder.handin import folders

    folders.refuse_elsewhere(path, lambda one: folders.typed("preflight", one))
    folders.refuse_class(path, one=lambda one: folders.typed("preflight", one), whole="")
    found = look(path)
    if json:
        import msgspec

        typer.echo(msgspec.json.encode(found).decode())
    else:
        from autograder.core.screen import coloured
        from autograder.report.preflight import render

        typer.echo(render(found, colour=coloured(sys.stdout)), nl=False)
    raise typer.Exit(1 if found.having(State.MISSING) else 0)


def appendix(
    path: Annotated[Path, typer.Argument(help="Your notebook, .py file, folder or zip.")] = Path(),
    out: Annotated[Path, typer.Option(help="The file to write: .pdf, or .html without typst.")] = Path("appendix.pdf"),
    write_up: Annotated[Path | None, typer.Option(help="Your written part as PDF: all is joined into one.")] = None,
    collaborators: Annotated[str, typer.Option(help="With whom you worked; else as answers.toml says.")] = "",
) -> None:
    """Makes the code appendix of your write-up; runs nothing."""
    from autograder.commands.appendix import build
    from autograder.core.text import one_line
    from autograder.handin import folders

    again = partial(_appendix_command, out=out)
    folders.refuse_elsewhere(path, again)
    folders.refuse_class(path, one=again, whole="")
    notes = build(path, out, write_up, collaborators)
    typer.echo(f"wrote {out}")
    for note in notes:
        typer.echo(f"look at: {one_line(note, 300)}")


def _appendix_command(path: Path, out: Path) -> str:
    from autograder.handin.folders import typed

    return typed("appendix", path, "--out", str(out))


def _check_command(path: Path, only: str) -> str:
    from autograder.handin.folders import typed

    return typed("check", path, *(["--question", only] if only else []))
