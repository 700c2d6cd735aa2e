"""`package student` and `package gradescope`: the two zips."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.options import Policy, use

app = typer.Typer(help="Makes the zip for students, or the one for Gradescope.", no_args_is_help=True)


@app.command(short_help="What students get: it holds no solution, no hidden test.")
def student(
    out: Annotated[Path, typer.Option(help="The zip to write.")] = Path("build/hw6-student.zip"),
    template: Annotated[
        Path | None, typer.Option(help="The folder with another term's notebook and answers, in place of ours.")
    ] = None,
    policy: Policy = None,
) -> None:
    """Template, answers.toml, public tests and what `check` needs: no solution, no hidden test (it looks)."""
    use(policy)
    from autograder.commands.package.student import build

    files, size = build(out, template=template)
    typer.echo(f"{out}: {files} files, {size / 1e6:.2f} MB. Students unpack it, or:  pip install {out.name}")


@app.command(short_help="What grades in Gradescope's container.")
def gradescope(
    out: Annotated[Path, typer.Option(help="The zip to write.")] = Path("build/gradescope.zip"),
    dirty: Annotated[
        bool, typer.Option("--dirty", help="Leave out what is not committed, in place of refusing.")
    ] = False,
) -> None:
    """What grades in Gradescope's container, from the last commit, with the course's secrets where there are some."""
    from autograder.commands.package.gradescope import build

    files, size, said = build(out, dirty)
    typer.echo(f"{out}: {files} files, {size / 1e6:.2f} MB")
    for line in said:
        typer.echo(f"  {line}")
