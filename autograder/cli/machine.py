"""What one asks of the machine that is to grade."""

from __future__ import annotations

import sys

import typer

from autograder.cli.options import Policy, Weak, use


def doctor(policy: Policy = None) -> None:
    """Shows what this machine has and lacks for grading, and the policy in force. Exit status 0 when hidden tests may
    be run here, 1 else."""
    use(policy)
    from autograder.commands.doctor import examine, show
    from autograder.core.screen import coloured
    from autograder.report.terminal import console_of, trimmed

    console, text = console_of(None, colour=coloured(sys.stdout))
    fit = show(examine(), console)
    typer.echo(trimmed(text), nl=False)
    raise typer.Exit(0 if fit else 1)


def selfcheck(allow_weak_isolation: Weak = False) -> None:
    """Grades the reference solution and a wrong one, to see whether this machine grades as it should."""
    from autograder.commands.selfcheck import run

    report = run(allow_weak_isolation)
    typer.echo(
        f"ready: the reference solution gets full marks in {report.seconds:.1f} s; isolation: {report.isolation}"
    )
