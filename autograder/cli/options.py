"""The options that several commands share, and what must be in force before a command imports the rest."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.core.errors import UsageError

if TYPE_CHECKING:
    from autograder.grading import Options
    from autograder.report.summary import Audience, Summary

Tests = Annotated[Path | None, typer.Option(help="A folder of hidden tests other than tests/hidden.")]
Seed = Annotated[int | None, typer.Option(help="Grade with this seed instead of the submission's own.")]
Weak = Annotated[
    bool,
    typer.Option("--allow-weak-isolation", help="Grade although student code could reach what it must not (doctor)."),
]
Policy = Annotated[Path | None, typer.Option(help="A policy other than autograder/policy.toml.")]
Mnist = Annotated[Path | None, typer.Option(help="A folder with MNIST's test images, to measure weights on.")]
Only = Annotated[str, typer.Option(help="Only this question, part or test, e.g. 4a, 4 or 4a.4.")]
Without = Annotated[str, typer.Option(help="All but this one, e.g. 4c.3, the short training.")]


def use(policy: Path | None) -> None:
    """Puts a policy in force, here and in every process that is started from here. Before any import that reads it."""
    if policy is None:
        return
    if not policy.is_file():
        raise UsageError(f"--policy {policy}: there is no such file")
    os.environ["AUTOGRADER_POLICY"] = str(policy.resolve())


def measure_on(mnist: Path | None) -> None:
    """Names MNIST's folder to every process that is started from here."""
    from autograder.core.mnist import VARIABLE, find

    if mnist is None:
        return
    try:
        find(mnist)
    except LookupError as error:
        raise UsageError(f"--mnist {mnist}: {error}") from None
    os.environ[VARIABLE] = str(mnist.resolve())


def grading_command(command: str, path: Path, out: Path, options: Options) -> str:
    """A command on another path, with everything else as it was typed."""
    from autograder.core import mnist
    from autograder.core.policy import VARIABLE
    from autograder.handin.folders import typed

    given = {"--only": options.only, "--without": options.without, "--tests": options.tests,
             "--policy": os.environ.get(VARIABLE), "--mnist": os.environ.get(mnist.VARIABLE),
             "--seed": options.seed if command == "grade" else None}  # fmt: skip
    words = [word for name, value in given.items() if value not in (None, "") for word in (name, str(value))]
    words += ["--allow-weak-isolation"] if options.allow_weak_isolation else []
    return typed(command, path, "--out", str(out), *words)


def show(whole: Summary, audience: Audience, again: str = "", left: Sequence[str] = (), then: str = "") -> None:
    """Prints the report for the terminal; `again`: the command that a student types next, or `then` when all is well;
    `left`: what was not checked.
    """
    from autograder.core.screen import coloured
    from autograder.report.terminal import render

    typer.echo(
        render(whole, colour=coloured(sys.stdout), audience=audience, again=again, left=left, then=then), nl=False
    )
