"""What staff type to see what Gradescope will do and show, before it does."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated

import typer

from autograder.core.errors import UsageError


def emulate(
    submission: Annotated[Path, typer.Argument(help="What a student would upload: a folder, a zip, or a file.")],
    out: Annotated[Path, typer.Option(help="Where the image, results.json, stdout and preview.html go.")] = Path(
        "build/emulate"
    ),
    container: Annotated[str, typer.Option(help="default, medium, large or largest; or all of them.")] = "default",
    memory: Annotated[int | None, typer.Option(help="MB, in place of the container's.", min=16)] = None,
    cpus: Annotated[float | None, typer.Option(help="Processors, in place of the container's.", min=0.05)] = None,
    seconds: Annotated[float | None, typer.Option(help="In place of the 10 minutes.", min=0.1, max=2400)] = None,
    archive: Annotated[
        Path | None, typer.Option("--zip", help="The zip to try.", show_default="made from the last commit")
    ] = None,
    tree: Annotated[
        Path | None, typer.Option(help="A system to install in, e.g. debootstrap's.", show_default="this one, as it is")
    ] = None,
    late: Annotated[float, typer.Option(help="Handed in so many hours after the due date.")] = -24.0,
    metadata: Annotated[
        Path | None, typer.Option(help="A submission_metadata.json of your own.", show_default="a made-up student's")
    ] = None,
) -> None:
    """A local Gradescope: builds the zip, runs a submission in a container of that size, and shows what a student would
    see before and after the due date. Exit status 3 when the platform gets no complete result."""
    import msgspec

    from autograder.commands import emulate as emulating
    from autograder.commands.emulate.harness import described
    from autograder.commands.emulate.shown import lines

    names = list(emulating.PRESETS) if container == "all" else [container]
    if unknown := [name for name in names if name not in emulating.PRESETS]:
        raise UsageError(f"--container {unknown[0]}: it is one of {', '.join((*emulating.PRESETS, 'all'))}")
    chosen = {"memory_mb": memory, "cpus": cpus, "seconds": seconds}
    given = {name: value for name, value in chosen.items() if value is not None}
    presets = [msgspec.structs.replace(emulating.PRESETS[name], **given) for name in names]
    now = datetime.now(timezone.utc)
    about = described(now, now - timedelta(hours=late), None) if metadata is None else _read(metadata)
    wish = emulating.Wish(archive, tree, about)
    found = emulating.run(submission, out, presets, wish, lambda text: typer.echo(text, err=True))
    for line in lines(found, out):
        typer.echo(line)
    raise typer.Exit(0 if all(one.complete for one in found) else 3)


def _read(path: Path) -> dict[str, object]:
    import msgspec

    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, object])
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"--metadata {path} cannot be used: {error}") from None
