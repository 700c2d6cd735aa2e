"""The student's own files that the code of a kernel comes from: modules that it imported, scripts that a cell ran.

Why separate: which files these are is known to Python and told by the lines of cells; where their copies lie is what a
submission's reader looks for. Nothing here reads what a file says, and nothing is imported.
"""

from __future__ import annotations

import os.path
import re
import sysconfig
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from types import ModuleType

_MOST = 200  # files of one package, and modules in all; a homework's own are a handful
_IMPORTED = re.compile(r"^[ \t]*(?:from|import)[ \t]+(\w+)", re.M)
_RUN = re.compile(r"""^[ \t]*%run[ \t]+(?:-\w+[ \t]+)*(?:"([^"\n]+)"|'([^'\n]+)'|((?:\\ |[^\s"'#])+))""", re.M)
_INSTALLED = ("site-packages", "dist-packages")


def own_files(
    cells: Sequence[str], modules: Mapping[str, ModuleType], working: Path, ours: Path
) -> Iterator[tuple[Path, str]]:
    """Each file with the place at which it is looked for from the notebook on: modules by their dotted names.

    `modules`: those that are imported already, by whichever way they were found. A file that a cell imports and that
    lies in `working` is one of them even where its import failed. Nothing that was installed, of Python's own or below
    `ours` is any. Where there are too many, a library lies on the path: the packages of the fewest modules count.
    """
    packages: dict[str, list[tuple[Path, str]]] = defaultdict(list)
    for name, module in list(modules.items()):
        if (file := _source(module)) and not _foreign(file, ours):
            parts = name.split(".") + (["__init__"] if file.stem == "__init__" else [])
            packages[parts[0]].append((file, "/".join(parts) + ".py"))
    fewest_first = sorted(packages.values(), key=len)
    yield from islice(chain.from_iterable(fewest_first), _MOST)
    text = "\n".join(cells)
    for name in sorted(set(_IMPORTED.findall(text)) - set(modules)):
        for file in (working / f"{name}.py", *sorted(islice((working / name).rglob("*.py"), _MOST))):
            if not _foreign(file, ours):
                yield file, file.relative_to(working).as_posix()
    for found in _RUN.findall(text):
        given = next(filter(None, found)).replace("\\ ", " ")
        named = given if given.endswith((".py", ".ipynb")) else f"{given}.py"  # as IPython completes it
        parts = [part for part in PurePosixPath(named).parts if part not in ("/", "~", "..")]
        yield working / os.path.expanduser(named), "/".join(parts)  # a user that nobody knows stays as typed


def _source(module: ModuleType) -> Path | None:
    """The text that a module was imported from; None for the notebook itself and for what has none."""
    try:
        file = module.__file__
    except Exception:  # whatever stands among the modules may answer as it likes
        return None
    named = isinstance(file, str) and file.endswith(".py") and getattr(module, "__name__", "") != "__main__"
    return Path(file) if named and isinstance(file, str) else None


def _foreign(file: Path, ours: Path) -> bool:
    whole = file.absolute()
    python = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]
    return any(part in whole.parts for part in _INSTALLED) or any(map(whole.is_relative_to, [ours, *python]))
