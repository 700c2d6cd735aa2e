"""`emulate`: a local Gradescope. The zip is built into an image, a submission runs in a container of a preset's size,
and a page shows what a student would see of it, and when.

Why separate: everything else here grades; this runs what grades from outside, as the platform does, and takes its word
for nothing: the zip, the two scripts, the paths, the limits and the file that is left are the real ones.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from autograder.commands.emulate import harness, image
from autograder.commands.emulate.harness import Ran
from autograder.commands.emulate.presets import PRESETS, Preset
from autograder.commands.package import gradescope
from autograder.core.errors import UsageError
from autograder.report import platform, results
from autograder.report.platform import Reading
from autograder.report.preview import preview

ALWAYS = (
    "no network while a submission is graded, but for a loopback",
    "the kernel and its security modules are this machine's",
)


class Wish(msgspec.Struct, frozen=True):
    """What is asked for. `zip` None: made from the last commit. `tree` None: this machine's system and packages."""

    zip: Path | None = None
    tree: Path | None = None
    metadata: dict[str, object] = {}


class Emulated(msgspec.Struct, frozen=True):
    """One run in one container, and what the platform makes of it."""

    ran: Ran
    reading: Reading

    @property
    def complete(self) -> bool:
        """Whether the platform got a result, and the result does not say that the grader failed in it."""
        if self.reading.failure or self.ran.results is None:
            return False
        extra = json.loads(self.ran.results).get("extra_data")
        return not (isinstance(extra, dict) and extra.get("complete") is False)


def run(
    submission: Path, out: Path, presets: Sequence[Preset], wish: Wish, say: Callable[[str], None]
) -> tuple[Emulated, ...]:
    """Runs the submission once in each preset; OUT/results.json, OUT/stdout and OUT/preview.html are the last one's.

    Raises UsageError for what cannot be used, GraderFault when the image cannot be built.
    """
    if not submission.exists():
        raise UsageError(f"there is no {submission}")
    results.make_folder(out)
    out = out.resolve()
    with _alone(out):
        return _run(submission, out, presets, wish, say)


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Two runs in one folder would take each other's container away."""
    held = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise UsageError(f"another emulation is at work in {out}: wait for it, or give another --out") from None
    finally:
        os.close(held)


def _run(
    submission: Path, out: Path, presets: Sequence[Preset], wish: Wish, say: Callable[[str], None]
) -> tuple[Emulated, ...]:
    archive = wish.zip or _packed(out / "gradescope.zip", say)
    why_not = image.why_no_container(out / "try")
    if why_not and wish.tree:
        raise UsageError(f"--tree needs a container, and none can be made here: {why_not}")
    say("building the image (setup.sh)" if not why_not else f"no container ({why_not}): without one, see the notes")
    built = image.build(archive, out / "image", wish.tree, contained=not why_not)
    found = []
    for preset in presets:
        say(f"running in {preset.words()}")
        ran = harness.run(built, submission, wish.metadata, preset, out / "run")
        found.append(Emulated(ran, platform.read(ran.results, ran.log, timed_out=ran.timed_out)))
    _keep(out, found[-1], (*_without(why_not), *_differs(wish)))
    return tuple(found)


def _packed(target: Path, say: Callable[[str], None]) -> Path:
    for line in gradescope.build(target, dirty=True)[2]:
        say(line)
    return target


def _keep(out: Path, last: Emulated, notes: Iterable[str]) -> None:
    if last.ran.results is None:
        (out / "results.json").unlink(missing_ok=True)
    else:
        results.write_bytes(out / "results.json", last.ran.results)
    results.write_bytes(out / "stdout", last.ran.log.encode())
    page = preview(last.reading, facts(last.ran), tuple(notes))
    results.write_bytes(out / "preview.html", page.encode("utf-8", "replace"))


def _without(why_not: str) -> tuple[str, ...]:
    if not why_not:
        return ALWAYS
    return (
        f"no container could be made here: {why_not}. So the folders are not /autograder, setup.sh did not run, the "
        "network is there, and student code is kept in by what this machine gives the grader",
    )


def _differs(wish: Wish) -> tuple[str, ...]:
    if wish.tree:
        return (f"the system is that of {wish.tree}, where setup.sh installed everything",)
    return ("the system and the installed packages are this machine's: setup.sh found them and installed nothing",)


def facts(ran: Ran) -> list[tuple[str, str]]:
    """(what, how much) of a run."""
    ended = "stopped when the time was over" if ran.timed_out else f"exit status {ran.status}"
    return [
        ("container", ran.preset.words()),
        ("time", f"{ran.seconds:.1f} s; {ended}"),
        ("memory at most", f"{ran.peak_mb:.0f} MB that could not be given back"),
        ("ended for want of memory", f"{ran.killed or 'no'} process{'' if ran.killed == 1 else 'es'}"),
        *ran.held,
    ]


__all__ = ["PRESETS", "Emulated", "Preset", "Wish", "facts", "run"]
