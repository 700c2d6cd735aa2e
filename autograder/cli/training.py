"""The full training run as a command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.options import Policy, Weak, use


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
    policy: Policy = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Trains the handout's whole model with the submission's layers: weights, history.json, curves, the accuracy."""
    use(policy)
    from autograder.commands.train import Wish, shown

    wish = Wish(epochs, batch_size, seed, data, plain, threads, device, resume, allow_weak_isolation)
    raise typer.Exit(shown.run(submission, out, wish, quiet=quiet))
