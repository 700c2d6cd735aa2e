"""The two zips: what students get to check their work, and what staff upload to Gradescope.

Why separate: what goes into a zip is decided here alone, by lists of what is wanted; nothing is in one because nobody
thought of leaving it out. The same tree makes the same bytes.
"""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from autograder.core.errors import GraderFault, UsageError
from autograder.report import results

ROOT = Path(__file__).resolve().parents[3]
# What a zip that is made twice must not differ by: its files have no date (the earliest that a zip can tell).
NO_DATE = (1980, 1, 1, 0, 0, 0)


def write(out: Path, files: Mapping[str, bytes], executable: frozenset[str] = frozenset()) -> int:
    """Writes the zip, whole or not at all; its size in bytes.

    Raises UsageError where it cannot be written, and GraderFault where the disk is full.
    """
    part = out.with_name(f".{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name in sorted(files):
                entry = zipfile.ZipInfo(name, NO_DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3  # Unix, whose modes the next line tells
                entry.external_attr = (0o755 if name in executable else 0o644) << 16
                archive.writestr(entry, files[name])
        part.replace(out)
    except OSError as error:
        with contextlib.suppress(OSError):  # the folder may be none
            part.unlink()
        kind = GraderFault if error.errno in results.FULL else UsageError
        raise kind(f"{out} could not be written: {results.reason(error)}") from None
    return out.stat().st_size
