"""The results of a class on disk: what is kept of an earlier run, what is new, and what only the whole class shows.

Why separate: here files are written and kept whole, whatever interrupts; what is run when, is the command's affair.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from autograder.commands.batch import hand, lanes, record, touched
from autograder.commands.batch.entries import Entry
from autograder.commands.batch.handed import handed
from autograder.commands.batch.record import Record, Task
from autograder.core import policy
from autograder.core.numbering import LEFT_OUT
from autograder.core.records import Status, TestResult
from autograder.core.text import one_line
from autograder.grading import Options
from autograder.report import results
from autograder.report.class_table import ClassRow, class_row
from autograder.report.html import render
from autograder.report.summary import Summary, summarise


class Progress(msgspec.Struct, frozen=True):
    """How far a class is. `now`: what is being graded, and for how many seconds."""

    done: int
    total: int
    kept: int  # of an earlier run, as they were
    faults: int  # not wholly graded, by a fault of ours
    now: dict[str, float] = {}


Watch = Callable[[Progress], None]
Grading = Callable[[Sequence[Task], lanes.Watch], Generator[record.Done, None, None]]


class Shelf:
    """The records of a class, kept and new, and the files that belong to each."""

    def __init__(
        self, entries: Sequence[Entry], out: Path, options: Options, fresh: bool, earlier: Path | None = None
    ) -> None:
        """`earlier`: another run's results, of which single questions may stand."""
        self._entries, self._out = entries, out
        decides = touched.decides(options)
        self._parts = {entry.id: decides.parts(record.content(entry.path)) for entry in entries}
        self._keys = {each: touched.hashed([decides.all.encode(), parts[touched.REST].encode()]) if parts else ""
                      for each, parts in self._parts.items()}  # fmt: skip
        self._stand: dict[str, tuple[TestResult, ...]] = {}
        self._records: dict[str, Record] = {}
        self._wholes: dict[str, tuple[Record, Summary]] = {}
        self._damaged: dict[Path, None] = {}
        for entry in () if fresh else entries:
            known = self._read(out, entry.id)
            if known and known.key and known.key == self._keys[entry.id] and self._files_are_whole(entry.id):
                self._records[entry.id] = known
                continue
            before = self._read(earlier, entry.id) if earlier else None
            parts = self._parts[entry.id]
            self._stand[entry.id] = record.stands(known, parts) or record.stands(before, parts)
        self.kept = len(self._records)
        self._marks: hand.Marks = {}

    def _read(self, place: Path, identity: str) -> Record | None:
        path = place / "records" / f"{identity}.json"
        if (known := record.read(path)) is None and path.exists():
            self._damaged[path.resolve()] = None
        return known

    def _files_are_whole(self, identity: str) -> bool:
        """Whether result and page are there to their ends: what a full disk or a copy cut short is made again."""
        result, page = self._out / "results" / f"{identity}.json", self._out / "reports" / f"{identity}.html"
        try:
            msgspec.json.decode(result.read_bytes(), type=dict[str, object])
            return page.read_bytes().rstrip().endswith(b"</html>")
        except (OSError, msgspec.MsgspecError):
            return False

    @property
    def damaged(self) -> tuple[str, ...]:
        """A note on records that are there and cannot be read, so that nothing of them was kept."""
        paths = [str(path) for path in self._damaged]
        said = f"records that are damaged or of another version, so that these are graded anew: {_few(paths)}"
        return (said,) if paths else ()

    def fill(self, grading: Grading, watch: Watch) -> None:
        """Has graded what no record is there of. A Ctrl-C while files are written is heard after them."""
        todo = [
            Task(entry.id, str(entry.path), self._stand.get(entry.id, ()))
            for entry in self._entries
            if entry.id not in self._records
        ]
        faults = 0

        def tell(now: Mapping[str, float]) -> None:
            watch(Progress(len(self._records), len(self._entries), self.kept, faults, dict(now)))

        with contextlib.closing(grading(todo, tell)) as graded:
            for done in graded:
                with undisturbed():
                    self._keep(done)
                faults += not done.report.complete
        tell({})

    def _keep(self, done: record.Done) -> None:
        """The page first, the record last: where a result is, its page is, too; where a record is, both are."""
        key = self._keys[done.id] if done.report.complete else ""  # what we failed to grade is graded again
        self._records[done.id] = Record(key, done.report, parts=self._parts[done.id] if key else {})
        results.write_bytes(self._out / "reports" / f"{done.id}.html", done.page)
        results.write_bytes(self._out / "results" / f"{done.id}.json", done.results)
        self._write_record(done.id)

    def _write_record(self, identity: str) -> None:
        results.write_bytes(self._out / "records" / f"{identity}.json", record.encode(self._records[identity]))

    def what_stands(self) -> tuple[str, ...]:
        """A note on the questions whose results were taken over as they were, and for how many submissions."""
        taken = [
            {policy.POLICY.question_of(test.number).number for test in kept} for kept in self._stand.values() if kept
        ]
        if not taken:
            return ()
        questions = ", ".join(sorted(set().union(*taken)))
        return (
            f"of {len(taken)} submissions only what a change can touch was graded again; earlier results stand for"
            f" {questions}",
        )

    def graded(self) -> list[tuple[Entry, Summary]]:
        """Each submission that is graded, in the class's order."""
        return [(entry, self._whole(entry.id)) for entry in self._entries if entry.id in self._records]

    def _whole(self, identity: str) -> Summary:
        """The record with all that was added to it, worked out once for each state of it: every table asks for it."""
        known = self._records[identity]
        if identity not in self._wholes or self._wholes[identity][0] is not known:
            self._wholes[identity] = known, summarise(record.whole(known))
        return self._wholes[identity][1]

    def rows(self) -> list[tuple[Entry, ClassRow]]:
        """A row for each of them. Where people's points are still to come, there is no total."""
        return [(entry, self._row(entry.id, whole)) for entry, whole in self.graded()]

    def _row(self, identity: str, whole: Summary) -> ClassRow:
        row = class_row(identity, whole)
        if left := hand.missing(self._marks, identity):
            remark = f"to be graded by hand: {', '.join(left)}"
            return msgspec.structs.replace(row, total=None, remark="; ".join(filter(None, [remark, row.remark])))
        return row

    @property
    def faults(self) -> int:
        """How many could not be graded wholly, by a fault of ours."""
        return sum(class_row(entry.id, whole).total is None for entry, whole in self.graded())

    def what_failed(self) -> tuple[str, ...]:
        """Notes on why submissions are not wholly graded: one for each reason, with those that it holds for."""
        reasons: dict[str, list[str]] = {}
        for identity, known in self._records.items():
            if not known.report.complete:
                failed = (
                    test.staff or test.feedback.found for test in known.report.tests if test.status is Status.ERROR
                )
                notes = (note for note in known.report.staff_notes if not note.startswith(LEFT_OUT))
                why = next(iter([*notes, *failed]), "see its page")
                reasons.setdefault(one_line(why, 300), []).append(identity)
        return tuple(
            f"not wholly graded, and so without a total ({_few(ids)}): {why}" for why, ids in list(reasons.items())[:3]
        )

    def what_was_left_out(self) -> tuple[str, ...]:
        """What each result says of tests whose questions the policy does not have, once for the class."""
        notes = (note for known in self._records.values() for note in known.report.staff_notes)
        return tuple(dict.fromkeys(note for note in notes if note.startswith(LEFT_OUT)))

    def what_was_unusable(self) -> tuple[str, ...]:
        """A note on those who have nothing for their work because none of it could be used, whoever broke it."""
        ids = [one.id for one in self._entries if one.id in self._records]
        lost = [identity for identity in ids if self._records[identity].report.submission.problem]
        told = f"nothing in them could be used, and so they have no points: {_few(lost)}"
        return (f"{told}. See their pages, and whether they came here whole",) if lost else ()

    def add_what_people_gave(self, marks: hand.Marks) -> tuple[str, ...]:
        """Points that were given by hand go into the files concerned; the note says whose are missing."""
        self._marks = marks
        for identity, known in list(self._records.items()):
            self._add(msgspec.structs.replace(known, hand=tuple(hand.tests(marks.get(identity, {})))), identity)
        left = [identity for identity in self._records if hand.missing(marks, identity)]
        return (f"by hand, points are still missing, and so a total, for {_few(left)}",) if left else ()

    def add_what_the_class_shows(self) -> tuple[str, ...]:
        """Flags for staff that only the whole class shows go into the files concerned; the notes name them, too."""
        owners: dict[str, list[str]] = {}  # who handed in the same weights, by their digest
        for entry in self._entries:
            known = self._records.get(entry.id)
            if known is None:
                continue
            weights = known.report.submission.weights
            others = owners.setdefault(weights.digest, []) if weights else []
            self._add(msgspec.structs.replace(known, adds=_same_weights(others)), entry.id)
            others.append(entry.id)
        return tuple(f"the same trained weights in {', '.join(ids)}" for ids in owners.values() if len(ids) > 1)

    def add_when_they_came(self, due: datetime | None) -> None:
        """How late each came goes into the files concerned, where the policy tells students of it."""
        for entry in self._entries:
            if known := self._records.get(entry.id):
                times = handed(entry, due) if policy.POLICY.late.shown else None
                self._add(msgspec.structs.replace(known, times=times), entry.id)

    def _add(self, known: Record, identity: str) -> None:
        before = self._records[identity]
        if (known.adds, known.hand, known.times) == (before.adds, before.hand, before.times):
            return
        self._records[identity] = known
        whole = summarise(record.whole(known))
        page = render(whole, audience="staff").encode("utf-8", "replace")
        results.write_bytes(self._out / "reports" / f"{identity}.html", page)
        results.write(self._out / "results" / f"{identity}.json", whole)
        self._write_record(identity)

    def strangers(self) -> tuple[str, ...]:
        """A note on results that are of nobody in the class: they are left, and stand in no table."""
        there = {path.stem for path in (self._out / "records").glob("*.json")}
        others = sorted(there - {entry.id for entry in self._entries})
        shown = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
        return (
            (f"{self._out} holds results of what is not in the class, and they were left: {shown}",) if others else ()
        )


def _same_weights(others: Sequence[str]) -> str:
    """What staff are told of weights that others before handed in, too: two trainings give two."""
    names = f"{', '.join(others[:5])}{f' and {len(others) - 5} more' if len(others) > 5 else ''}"
    return f"the weights in {policy.FILES.checkpoint} equal those of {names}, number for number" if others else ""


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """A Ctrl-C is heard at the end. Blocking it would not do: another thread, of Dask's, might get it then."""
    heard: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # which is never interrupted
        yield
        return
    ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda number, frame: heard.append(number)) for number in ending}
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)
        for number in heard:
            signal.raise_signal(number)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
