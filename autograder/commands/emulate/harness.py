"""What Gradescope's harness does with one submission: lays it out, runs `run_autograder`, stops it, takes the result.

Why separate: it is the platform's part, and knows nothing of what is graded or shown. A container is made for the one
run and thrown away; when the time is over, everything in it is killed, and what it had written is not looked at.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import time
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from autograder.commands.emulate import amounts, inside
from autograder.commands.emulate.image import TOP, Image, environment
from autograder.commands.emulate.presets import Preset
from autograder.commands.package import ROOT
from autograder.core.errors import GraderFault, UsageError
from autograder.core.policy import CAPS, POLICY
from autograder.sandbox import scratch

MOST_FILES = 10_000  # of a zip that is unpacked here; the grader's own cap is far below


class Ran(msgspec.Struct, frozen=True):
    """How a run went. `killed`: processes ended for want of memory; `results`: what it left, None for nothing."""

    preset: Preset
    seconds: float
    status: int
    timed_out: bool
    killed: int
    peak_mb: float
    held: tuple[tuple[str, str], ...]  # (what, how it was limited)
    results: bytes | None
    log: str


def described(when: datetime, due: datetime, late_due: datetime | None) -> dict[str, object]:
    """submission_metadata.json of a made-up student, as Gradescope writes it."""
    stamp = "%Y-%m-%dT%H:%M:%S.%f"
    text = {
        name: f"{time.strftime(stamp)}{time.strftime('%z')[:3]}:{time.strftime('%z')[3:]}"
        for name, time in {"when": when, "due": due, "release": due - timedelta(weeks=2)}.items()
    }
    points = sum(question.points for question in POLICY.questions)
    assignment = {
        "due_date": text["due"], "group_size": None, "group_submission": False, "id": 25828, "course_id": 1234,
        "late_due_date": late_due.isoformat() if late_due else None, "release_date": text["release"],
        "title": POLICY.title, "total_points": f"{points:.1f}", "submission_method": "upload",
    }  # fmt: skip
    user = {"email": "student@example.com", "id": 1234, "name": "Student User"}
    return {
        "id": 123456, "created_at": text["when"], "assignment": assignment, "users": [user], "previous_submissions": [],
    }  # fmt: skip


def lay_out(submission: Path, metadata: dict[str, object], top: Path) -> None:
    """Puts a submission and its description below Gradescope's folder. A zip is unpacked, as on upload."""
    target = top / "submission"
    target.mkdir(parents=True, exist_ok=True)
    (top / "results").mkdir(exist_ok=True)
    (top / "submission_metadata.json").write_text(json.dumps(metadata, indent=2))
    try:
        if submission.is_dir():
            shutil.copytree(submission, target, dirs_exist_ok=True, symlinks=True)
        elif submission.suffix.lower() == ".zip" and _is_harmless(submission):
            with zipfile.ZipFile(submission) as archive:
                archive.extractall(target)
        else:
            shutil.copy(submission, target)
    except (OSError, shutil.Error, zipfile.BadZipFile, RuntimeError) as error:
        raise UsageError(f"{submission} cannot be laid out: {error}") from None


def _is_harmless(archive: Path) -> bool:
    """A zip that is none, or is too much for the grader, is uploaded as it is: the grader words that."""
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
        return len(members) <= MOST_FILES and sum(one.file_size for one in members) <= 2 * CAPS.zip_total_mb << 20
    except (zipfile.BadZipFile, OSError):
        return False


def run(image: Image, submission: Path, metadata: dict[str, object], preset: Preset, place: Path) -> Ran:
    """Runs one submission in a new container of this size; `place` is scratch, and empty afterwards.

    Raises GraderFault where no container could be made after all.
    """
    if place.exists():
        scratch.remove(str(place))
    layer = inside.layer(place)
    top = Path(layer.upper, TOP) if image.layer else image.top
    if not image.layer:
        for name in ("submission", "results"):
            scratch.remove(str(top / name))
    lay_out(submission, metadata, top)
    group = amounts.group(preset)
    try:
        order = _order(image, top, layer, group, preset)
        ran = _watched(order, preset, group, place / "stdout", top / "results" / "results.json")
    finally:
        group.remove()
        scratch.remove(str(place))
    return ran


def _order(image: Image, top: Path, layer: inside.Layer, group: amounts.Group, preset: Preset) -> inside.Order:
    cores = () if group.processors else amounts.cores(preset)
    groups = tuple(str(path) for path in group.places)
    if image.layer is None:
        command = (str(top / "run_autograder"),)
        return inside.Order(command, environment(AUTOGRADER_ROOT=str(top)), groups, cores, folder=str(top))
    return inside.Order(
        ("/autograder/run_autograder",), environment(), groups, cores,
        tree=image.tree, layers=(image.layer, layer), shown=image.shown, folder="/autograder",
    )  # fmt: skip


def _watched(order: inside.Order, preset: Preset, group: amounts.Group, log: Path, left: Path) -> Ran:
    start = time.monotonic()
    timed_out = False
    with log.open("wb") as file:
        process = subprocess.Popen(
            inside.words(order), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
        watch = amounts.Watch(process.pid, preset, group)
        try:
            while process.poll() is None and not timed_out:
                watch.look()
                timed_out = time.monotonic() - start > preset.seconds
        finally:
            watch.end(process)
    text = log.read_text(errors="replace")
    if process.returncode == inside.NO_CONTAINER and "container: " in text:
        raise GraderFault(f"no container could be made: {text.strip()}")
    found = left.read_bytes() if left.is_file() and not left.is_symlink() and not timed_out else None
    return Ran(
        preset, time.monotonic() - start, process.returncode, timed_out, watch.killed, watch.peak / amounts.MB,
        _how(group, preset), found, text,
    )  # fmt: skip


def _how(group: amounts.Group, preset: Preset) -> tuple[tuple[str, str], ...]:
    memory = "by a control group" if group.memory else "by looking at the processes ten times a second"
    if group.processors:
        processors = "by a control group"
    else:
        there = len(amounts.cores(preset))
        processors = f"by keeping the run on {there} core{'' if there == 1 else 's'}"
        if preset.cpus < there:
            processors += f", and holding it for {1 - preset.cpus / there:.0%} of the time"
    held = [("memory is held", memory), ("processors are held", processors)]
    if (there := len(os.sched_getaffinity(0))) < math.ceil(preset.cpus):
        held.append(("this machine", f"has {there} cores, fewer than the {preset.cpus:g} of the container"))
    return tuple(held)
