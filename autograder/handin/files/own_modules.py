"""The student's own modules that a work imports: files and packages beside it, or written by its own cells.

Why separate: it is told by names and by the words of imports alone which files are read. Nothing here replaces an
import.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from autograder.core.errors import SubmissionError
from autograder.core.records import Cell
from autograder.handin.files.cells import Work, module_cells, read_work
from autograder.handin.files.magics import as_module
from autograder.handin.files.members import KEPT_COPY, Member
from autograder.handin.slicing.beside import Module, parents, resolved

_MOST = 20  # files that are read for one work; a submission holds a handful
_LONGEST = 200  # characters of a module's dotted name
_FROM = re.compile(
    r"^[ \t]*from[ \t]+(\.{0,9})([^\W\d][\w.]*)?[ \t]+import[ \t]+(\([^)]{0,1000}\)|[^\n#;]*)", re.MULTILINE
)
_IMPORT = re.compile(r"^[ \t]*import[ \t]+([^\n#;]*)", re.MULTILINE)
# A file of such a name that does not lie beside the work is no module of its own: Python would not take it either.
_LIBRARIES = sys.stdlib_module_names | frozenset(
    "IPython PIL cv2 datasets einops google jax lightning matplotlib numpy pandas plotly pytest requests safetensors "
    "scipy seaborn sklearn tensorboard tensorflow timm torch torchinfo torchvision tqdm transformers wandb".split()
)


def beside(member: Member, members: Sequence[Member]) -> frozenset[str]:
    """Modules that lie next to the file: helpers.py, or a folder of .py files."""
    folder = PurePosixPath(member.name).parent
    near = (PurePosixPath(other.name) for other in members if other is not member and other.name.endswith(".py"))
    inside = [path.relative_to(folder) for path in near if path.is_relative_to(folder)]
    return frozenset(path.stem if len(path.parts) == 1 else path.parts[0] for path in inside)


def modules(work: Work, member: Member, members: Sequence[Member]) -> dict[str, Module]:
    """Those that the work imports, or that one of them imports, by their dotted names: packages, their parts, files."""
    found = {name: Module(member.name, cells, name.rpartition(".")[0]) for name, cells in work.written.items()}
    files = _files(member, members)
    waiting = [("", work.cells), *((module.package, module.cells) for module in found.values())]
    while waiting:
        package, cells = waiting.pop(0)
        names = (whole for cell in cells for whole in _imported(cell.source, package) if len(whole) <= _LONGEST)
        for name in dict.fromkeys(part for whole in names for part in parents(whole)):
            other = None if name in found or len(found) >= _MOST else _file_of(name, member, files)
            if other and (read := _cells(other)):
                is_package = PurePosixPath(other.name).stem == "__init__"
                found[name] = Module(other.name, read, name if is_package else name.rpartition(".")[0])
                waiting.append((found[name].package, read))
    return found


def _dotted(path: str) -> str:
    """The name from the top of the submission of the module, or package, that a file is."""
    return as_module(path.rpartition(".")[0].removesuffix("/__init__"))


def _files(member: Member, members: Sequence[Member]) -> list[tuple[str, Member]]:
    """Every file that could be a module, by its dotted name from the top; scripts and what lies high come first."""
    known = [m for m in members if m is not member and m.name.endswith((".py", ".ipynb"))]
    known = [m for m in known if not m.name.endswith(KEPT_COPY) and m.packed in (False, member.packed)]
    known.sort(key=lambda m: (m.name.endswith(".ipynb"), m.name.count("/"), m.name))
    return [(_dotted(m.name), m) for m in known]


def _file_of(name: str, member: Member, files: Sequence[tuple[str, Member]]) -> Member | None:
    """Right beside the work, else wherever it lies: then sys.path, or an installation, led there."""
    folder = PurePosixPath(member.name).parent.as_posix()
    here = name if folder == "." else f"{as_module(folder)}.{name}"
    near = [other for dotted, other in files if dotted == here]
    if not near and name.partition(".")[0] not in _LIBRARIES:
        near = [other for dotted, other in files if dotted == name or dotted.endswith(f".{name}")]
    return near[0] if near else None


def _imported(source: str, package: str) -> Iterator[str]:
    """The full names of all that a text imports; of `from a import b` also a.b, which may be a module."""
    for dots, module, names in _FROM.findall(source):
        base = resolved(module, len(dots), package)
        yield from [base] if base else []
        for name in re.findall(r"\w+", re.sub(r"\bas\s+\w+", "", names)):
            yield f"{base}.{name}" if base else name
    for names in _IMPORT.findall(source):
        yield from (part.split()[0] for part in names.split(",") if part.split())


def _cells(other: Member) -> tuple[Cell, ...]:
    try:
        if other.name.endswith(".ipynb"):
            return read_work(other.read(), other.name).cells
        return module_cells(other.read(), other.name)
    except (SubmissionError, MemoryError, RecursionError):
        return ()
