"""The student's own modules that a work imports: files beside it, or written by its own cells.

Why separate: it is told by names and by the words of imports alone which files are read. Nothing here replaces an
import.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import PurePosixPath

from autograder.core.errors import SubmissionError
from autograder.handin.files.cells import Work, imports_module, module_cells
from autograder.handin.files.members import Member
from autograder.handin.slicing.beside import Module

_MOST = 20  # files that are read for one work; a submission holds a handful


def beside(member: Member, members: Sequence[Member]) -> frozenset[str]:
    """Modules that lie next to the file: helpers.py, or a folder of .py files."""
    folder = PurePosixPath(member.name).parent
    near = (PurePosixPath(other.name) for other in members if other is not member and other.name.endswith(".py"))
    inside = [path.relative_to(folder) for path in near if path.is_relative_to(folder)]
    return frozenset(path.stem if len(path.parts) == 1 else path.parts[0] for path in inside)


def modules(work: Work, member: Member, members: Sequence[Member]) -> dict[str, Module]:
    """The student's own modules that the work imports: files right beside it, or written by its own cells."""
    folder, source = PurePosixPath(member.name).parent, "\n".join(cell.source for cell in work.cells)
    found = {name: Module(member.name, cells) for name, cells in work.written.items()}
    for other in members:
        path = PurePosixPath(other.name)
        near = other is not member and path.parent == folder and path.suffix == ".py" and path.stem.isidentifier()
        if not near or path.stem in found or len(found) >= _MOST:
            continue
        if imports_module(path.stem, source) or any(_mentions(path.stem, module) for module in found.values()):
            with contextlib.suppress(SubmissionError, MemoryError, RecursionError):
                found[path.stem] = Module(other.name, module_cells(other.read(), other.name))
    return found


def _mentions(name: str, module: Module) -> bool:
    return any(imports_module(name, cell.source) for cell in module.cells)
