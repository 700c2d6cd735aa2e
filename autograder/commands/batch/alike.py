"""Programs of a class that are worth a look together: a table and a note, for staff alone.

Why separate: it words what `handin.similar` counts, and with care: a pair is a reason to read two programs side by
side, and no more. The texts are students', so they are parsed in a process that may die; then there is no table.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from autograder.commands.batch.entries import Entry
from autograder.core.errors import AutograderError
from autograder.handin import reader, similar
from autograder.handin.similar import Pair
from autograder.report import results
from autograder.report.summary import Summary

FILE = "similar.csv"  # in the folder of results
SECONDS = 120.0  # a class of 1,000 takes 4 here
MOST_GROUPS = 10  # that the note names

CAUTION = (
    "short programs of one handout look alike, and of independent ones some pairs come out here, too: read both before"
    " you ask anybody"
)


def look(graded: Sequence[tuple[Entry, Summary]], out: Path) -> tuple[str, ...]:
    """Writes OUT/similar.csv; notes for staff: which submissions are worth a look together."""
    programs: dict[str, dict[str, str]] = {}
    for entry, whole in graded:
        for number, program in whole.report.submission.programs.items():
            programs.setdefault(number, {})[entry.id] = program.text
    try:
        found = _found(programs)
    except AutograderError as error:
        return (f"programs could not be compared: {str(error).splitlines()[0]}",)
    results.write_bytes(out / FILE, table(found).encode("utf-8", "replace"))
    return note(found)


def _found(programs: Mapping[str, Mapping[str, str]]) -> list[Pair]:
    answer = reader.apart(Path("programs"), lambda: similar.pairs(programs), SECONDS)
    if isinstance(answer, bytes):
        return msgspec.json.decode(answer, type=list[Pair])
    raise AutograderError(answer)


def note(found: Sequence[Pair]) -> tuple[str, ...]:
    """The groups in a sentence; () without any."""
    together = similar.groups(found)
    if not together:
        return ()
    shown = "; ".join(", ".join(group[:8]) + (" …" if len(group) > 8 else "") for group in together[:MOST_GROUPS])
    more = f"; and {len(together) - MOST_GROUPS} more groups" if len(together) > MOST_GROUPS else ""
    return (f"worth a look together ({FILE} has the pairs): {shown}{more}. This proves nothing: {CAUTION}",)


def table(found: Sequence[Pair]) -> str:
    """similar.csv: a row for each pair, the most alike first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["question", "one", "other", "rare statements in both", "bits", "lines letter for letter"])
    for pair in found:
        names = [f"'{name}" if name.startswith(("-", "=", "+", "@")) else name for name in (pair.one, pair.other)]
        writer.writerow([pair.question, *names, f"{pair.share:.0%}", f"{pair.bits:g}", f"{pair.same:.0%}"])
    return text.getvalue()
