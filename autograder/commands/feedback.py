"""A page for each student to send back or upload: what they may see of their result, and nothing that is for staff.

Why separate: a class's reports are for staff, with flags, notes and hidden tests in them. These are made again,
from what `batch` keeps of each submission, for another reader; nothing is graded.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import msgspec

from autograder.commands.batch import record
from autograder.core.errors import UsageError
from autograder.report import results
from autograder.report.html import render
from autograder.report.summary import summarise

TABLE = "feedback.csv"  # which page is whose
HEAD = ("file", "name", "sid", "email", "id")
MAX_NAME = 150  # bytes of a page's name: a file system takes 255, and a name in step with another needs some


class _Summary(msgspec.Struct):
    """What is needed of summary.json: its totals by id."""

    totals: dict[str, float | None]


_summaries = msgspec.json.Decoder(_Summary)
Records = dict[str, record.Record]  # by id


class Person(msgspec.Struct, frozen=True):
    """Who a page is for; what no export tells is empty."""

    name: str = ""
    sid: str = ""
    email: str = ""


def write(graded: Path, out: Path, published: bool = False) -> tuple[int, tuple[str, ...]]:
    """Writes the pages and feedback.csv into `out`: (how many, what staff should know).

    `graded` is where `batch` wrote. `published`: with the tests that are shown after the due date, or once published.
    Raises UsageError where nothing was graded, and before anything is written.
    """
    records, notes = _of_the_class(dict(_records(graded)), graded)
    if not records:
        raise UsageError(f"{graded} holds no graded class: give the folder that `batch --out` wrote")
    if out.resolve() in (graded.resolve(), (graded / "reports").resolve()):
        raise UsageError(f"--out {out}: the reports for staff are there; give another folder")
    owners = _owners(graded / "gradescope.csv")
    rows: list[tuple[str, ...]] = []
    taken: set[str] = set()
    results.make_folder(out)
    for identity, known in records.items():
        page = render(summarise(record.whole(known, published)), audience="student").encode("utf-8", "replace")
        for person in owners.get(identity, [Person()]):
            name = _free(person.sid or person.email or identity, taken)
            results.write_bytes(out / name, page)
            rows.append((name, person.name, person.sid, person.email, identity))
    results.write_bytes(out / TABLE, _table(rows).encode("utf-8", "replace"))
    told = (
        ("not wholly graded, by a fault of ours, and their pages say so",
         [identity for identity, known in records.items() if not known.report.complete]),
        (f"pages that were in {out} before, are nobody's now, and were left",
         sorted(path.name for path in out.glob("*.html") if path.name.lower() not in taken)),
    )  # fmt: skip
    return len(rows), (*notes, *(f"{what}: {', '.join(names)}" for what, names in told if names))


def _records(graded: Path) -> Iterator[tuple[str, record.Record]]:
    for path in sorted((graded / "records").glob("*.json")):
        if (known := record.read(path)) is not None:
            yield path.stem, known


def _of_the_class(records: Records, graded: Path) -> tuple[Records, tuple[str, ...]]:
    """(the records of those who stand in the tables of `batch`'s last run, notes on whom that leaves out).

    What an earlier run left of somebody else has points that nobody looked at since.
    """
    path = graded / "summary.json"
    try:
        there = _summaries.decode(path.read_bytes()).totals
    except FileNotFoundError:  # it was ended before it wrote any table
        return records, ()
    except (OSError, msgspec.MsgspecError):
        return records, (
            f"{path} cannot be read, so there may be pages of people who left the class: run `batch` again",
        )
    gone = "no page, for no table of `batch` has them (they left the class, or it was cut short: then run it again)"
    lost = "no page, for their record is lost or damaged: run `batch` again"
    told = ((gone, sorted(records.keys() - there)), (lost, sorted(there - records.keys())))
    notes = tuple(f"{what}: {', '.join(ids)}" for what, ids in told if ids)
    return {identity: known for identity, known in records.items() if identity in there}, notes


def _owners(path: Path) -> dict[str, list[Person]]:
    """Whose each submission is, by id, as an export told: each student of a group. Empty without an export."""
    found: dict[str, list[Person]] = {}
    if path.is_file():
        for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")):
            cells = {key: (value or "").removeprefix("'") for key, value in row.items() if key}
            person = Person(cells.get("Name", ""), cells.get("SID", ""), cells.get("Email", ""))
            found.setdefault(cells.get("Submission ID", ""), []).append(person)
    return found


def _free(wanted: str, taken: set[str]) -> str:
    """A file name that no other page has, on any file system.

    Letters of every script stay: without them a name in another script is a row of underscores, the next student's too,
    and which of them is whose changes when somebody joins the class.
    """
    safe = re.sub(r"[^\w.@+-]+", "_", unicodedata.normalize("NFC", wanted)).lstrip(".")
    safe = safe.encode("utf-8", "replace")[:MAX_NAME].decode("utf-8", "ignore") or "student"
    name, number = f"{safe}.html", 1
    while name.lower() in taken:
        number += 1
        name = f"{safe}-{number}.html"
    taken.add(name.lower())
    return name


def _table(rows: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    # what a spreadsheet would take for a formula gets an apostrophe, as in the class's other tables
    writer.writerows([f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t") else cell for cell in row] for row in rows)
    return text.getvalue()
