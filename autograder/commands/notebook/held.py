"""What a kernel holds, as a submission: every cell as it was run last, in a folder that `check` can read.

Why separate: a running notebook cannot see its own file (Colab has none in the working folder), and what was saved is
not what runs. IPython keeps the text of each cell that was run; of a class that was defined more than once, the cell
whose code the kernel holds counts, even where a later one failed on the way. What came from files is read from them as
they are now.
"""

from __future__ import annotations

import errno
import json
import linecache
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from autograder.commands.notebook.own_files import own_files
from autograder.core.errors import SubmissionError
from autograder.core.policy import FILES, POLICY

CLASSES = tuple(question.class_name for question in POLICY.questions if question.class_name)
BESIDE = (FILES.answers, FILES.history)
MOST_BYTES = 20 << 20  # of one file, as when it is handed in
OURS = Path(__file__).resolve().parents[2]


def collect(shell: Any, folder: Path, working: Path, modules: Mapping[str, ModuleType]) -> dict[str, tuple[bool, str]]:
    """Writes `shell`'s cells as a notebook into `folder`, with what belongs to them: answers, the student's own files.
    `modules` are those that the kernel has imported.

    The n-th cell is In[n], so that messages count cells as the brackets beside them do. Returns, of each class whose
    text is not there, whether the kernel holds it, and why that is so and what to do. Raises SubmissionError when none
    of the homework's classes is there and no answers are.
    """
    cells = list(_cells(shell))
    beside = [(working / name, name) for name in BESIDE if (working / name).is_file()]
    if not any(name in shell.user_ns for name in CLASSES) and FILES.answers not in (name for _, name in beside):
        raise SubmissionError(
            f"This kernel holds none of the classes {', '.join(CLASSES)}, and {working} no {FILES.answers}. "
            "Run the cell with your class first (after a restart: once more), then this one."
        )
    texts = [*cells, *_copied([*beside, *own_files(cells, modules, working, OURS)], folder)]
    (folder / FILES.notebook).write_text(json.dumps(_notebook(cells)), encoding="utf-8")
    why = {name: (name in shell.user_ns, _unwritten(name, name in shell.user_ns, texts)) for name in CLASSES}
    return {name: told for name, told in why.items() if told[1]}


def _copied(files: Iterable[tuple[Path, str]], folder: Path) -> Iterator[str]:
    """Copies each file to its place in `folder`, the first of each place, and gives its text."""
    for file, name in files:
        kept = folder / (f"run/{name}" if name == FILES.notebook else name)  # the kernel's own cells have that name
        if _copies(file) and not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, kept)
            yield kept.read_text(encoding="utf-8", errors="replace")


def _copies(file: Path) -> bool:
    """Whether there is such a file, and it is one that could be handed in."""
    try:
        return file.is_file() and file.stat().st_size <= MOST_BYTES
    except OSError as problem:
        if problem.errno == errno.ENAMETOOLONG:  # what a cell calls a file is no name that one can have
            return False
        raise


def _unwritten(name: str, held: bool, texts: Sequence[str]) -> str:
    """Why there is no text of a class that is asked for; "" where some text has its name."""
    if not held:
        return (
            f"This kernel holds no class {name}. Run the cell with it (after a restart: once more), see "
            "that it ends without an error, and check again."
        )
    if any(re.search(rf"\b{name}\b", text) for text in texts):
        return ""
    return (
        f"This kernel holds {name}, but its code stands in no cell that was run and in no file that a cell imports or "
        "runs with %run: it cannot be read. Put the class into a cell, run that, and check again."
    )


def _cells(shell: Any) -> Iterator[str]:
    """The text of each cell in the order in which they were run; empty where its class is not the one in force."""
    history = shell.history_manager
    raw, run = list(history.input_hist_raw), list(history.input_hist_parsed)
    live = {name: _where(shell.user_ns.get(name), run) for name in CLASSES}
    for number, text in enumerate(raw[1:], start=1):
        yield (
            "" if any(_defines(text, name) and live[name] != number for name in CLASSES if _known(live, name)) else text
        )


def _known(live: dict[str, int | None], name: str) -> bool:
    return live[name] is not None


def _defines(text: str, name: str) -> bool:
    return re.search(rf"^[ \t]*class[ \t]+{name}\b", text, re.M) is not None


def _where(found: object, run: list[str]) -> int | None:
    """The number of the cell that a class of the kernel was made in; 0: there is no such class; None: cannot be told.

    IPython gives the code of each cell a file name of its own and keeps the text under it.
    """
    if type(found).__name__ in CLASSES:  # a later cell gave the class's name to an object of it
        found = type(found)
    if not isinstance(found, type):
        return 0
    for part in vars(found).values():
        code = getattr(part, "__code__", None)
        if code is not None:
            text = "".join(linecache.getlines(code.co_filename))
            numbers = [number for number, cell in enumerate(run) if cell.rstrip("\n") == text.rstrip("\n") and cell]
            return numbers[-1] if numbers else None
    return None


def _notebook(cells: list[str]) -> dict[str, object]:
    """The cells as nbformat 4."""
    made = [
        {"cell_type": "code", "execution_count": number, "metadata": {}, "outputs": [], "source": text}
        for number, text in enumerate(cells, start=1)
    ]
    return {"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": made}
