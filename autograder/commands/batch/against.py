"""Two gradings of a class side by side: whose points change, by how much, and through which test.

Why separate: an instructor looks at this before anything is published, after a test or the policy was changed. It reads
what any version wrote (results/ID.json), and grades nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import msgspec

from autograder.core.errors import UsageError
from autograder.core.text import one_line
from autograder.report import message

Scores = Mapping[str, float | None]  # by test; None: not graded, by a fault of ours


class Change(msgspec.Struct, frozen=True):
    """One submission whose result is another than before. `before` and `after`: its points; None: not graded."""

    id: str
    before: float | None
    after: float | None
    tests: tuple[tuple[str, float | None, float | None], ...]  # (number, before, after) of each that changed

    @property
    def by(self) -> float:
        """How many points it gains."""
        return round((self.after or 0.0) - (self.before or 0.0), 4)


class Graded(msgspec.Struct, frozen=True):
    """One grading: (points, score of each test) by id, and whose result is there and cannot be read."""

    scores: Mapping[str, tuple[float | None, Scores]]
    unread: tuple[str, ...] = ()


class Changes(msgspec.Struct, frozen=True):
    """What differs: the changed ones in the class's order, how many stayed, who is on one side only, and whose result
    could not be read on one of them."""

    changed: tuple[Change, ...]
    same: int
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


class _Test(msgspec.Struct):
    number: str = ""
    name: str = ""
    score: float | None = None


class _Result(msgspec.Struct):
    tests: list[_Test] = []
    score: float | None = None


_decoder = msgspec.json.Decoder(_Result)


def read(old: Path) -> Graded:
    """The grading in a folder of results. Raises UsageError where there is none, or nothing of it can be read."""
    found = look(old)
    if not found.scores:
        raise UsageError(f"--against {old}: there are no results in it; give the --out of an earlier `batch`")
    return found


def look(place: Path, ids: Collection[str] | None = None) -> Graded:
    """What of a grading is there. `ids`: of these alone, for earlier runs leave results of who left the class."""
    folder = place / "results" if (place / "results").is_dir() else place
    paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
    found = {path.stem: _scores(path) for path in paths if ids is None or path.stem in ids}
    return Graded(
        {identity: scores for identity, scores in found.items() if scores is not None},
        tuple(identity for identity, scores in found.items() if scores is None),
    )


def _scores(path: Path) -> tuple[float | None, Scores] | None:
    try:
        result = _decoder.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None
    tests = {one_line(test.number or test.name, 60): test.score for test in result.tests}
    return result.score, tests


def compare(old: Graded, new: Graded) -> Changes:
    """What changed from `old` to `new`, in the order of `new`."""
    before, after = old.scores, new.scores
    both = [identity for identity in after if identity in before]
    changed = tuple(change for identity in both if (change := _change(identity, before[identity], after[identity])))
    unread = tuple(sorted({*old.unread, *new.unread}))
    return Changes(
        changed,
        len(both) - len(changed),
        tuple(identity for identity in after if identity not in before and identity not in unread),
        tuple(identity for identity in before if identity not in after and identity not in unread),
        unread,
    )


def _change(identity: str, old: tuple[float | None, Scores], new: tuple[float | None, Scores]) -> Change | None:
    names = dict.fromkeys([*old[1], *new[1]])
    tests = tuple(
        (name, old[1].get(name), new[1].get(name)) for name in names if not _equal(old[1].get(name), new[1].get(name))
    )
    if not tests and _equal(old[0], new[0]):
        return None
    return Change(identity, old[0], new[0], tests)


def _equal(one: float | None, other: float | None) -> bool:
    return one == other if one is None or other is None else abs(one - other) < 1e-4  # results keep four digits


def lines(changes: Changes, limit: int = 40) -> list[str]:
    """The comparison as text, the largest changes first."""
    if not changes.changed:
        told = [f"against the earlier results: no points change ({changes.same} compared)"]
    else:
        told = [f"against the earlier results: {len(changes.changed)} change, {changes.same} stay as they were"]
    for change in sorted(changes.changed, key=lambda change: -abs(change.by))[:limit]:
        tests = ", ".join(f"{name} {_shown(old)} → {_shown(new)}" for name, old, new in change.tests[:6])
        more = f" and {len(change.tests) - 6} more" if len(change.tests) > 6 else ""
        told.append(f"  {change.id}: {_shown(change.before)} → {_shown(change.after)} ({change.by:+g})  {tests}{more}")
    if len(changes.changed) > limit:
        told.append(f"  and {len(changes.changed) - limit} more: changes.csv has all")
    apart = (
        ("not in the earlier results", changes.new),
        ("in the earlier results only", changes.gone),
        ("not compared, for a result is damaged", changes.unread),
    )
    for what, ids in apart:
        if ids:
            told.append(f"  {what}: {', '.join(ids[:8])}{f' and {len(ids) - 8} more' if len(ids) > 8 else ''}")
    return told


def _shown(points: float | None) -> str:
    return "–" if points is None else message.points(points)


def table(changes: Changes) -> str:
    """changes.csv: a row for each test that changed, and one for each total."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "test", "before", "after", "change"])
    for change in changes.changed:
        rows: Sequence[tuple[str, float | None, float | None]] = [("total", change.before, change.after), *change.tests]
        for name, old, new in rows:
            cells = ["" if value is None else f"{value:g}" for value in (old, new)]
            writer.writerow([change.id, name, *cells, f"{(new or 0.0) - (old or 0.0):+g}"])
    return text.getvalue()
