"""What a kernel holds, as a submission: every cell as it was run last, in a folder that `check` can read.

Why separate: a running notebook cannot see its own file (Colab has none in the working folder), and what was saved is
not what runs. IPython keeps the text of each cell that was run; of a class that was defined more than once, the cell
whose code the kernel holds counts, even where a later one failed on the way.
"""

from __future__ import annotations

import json
import linecache
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.core.errors import SubmissionError
from autograder.core.policy import FILES, POLICY

CLASSES = tuple(question.class_name for question in POLICY.questions if question.class_name)
BESIDE = (FILES.answers, FILES.history)
MOST_BYTES = 20 << 20  # of one file, as when it is handed in
_IMPORTS = re.compile(r"^[ \t]*(?:from|import)[ \t]+(\w+)", re.M)


def collect(shell: Any, folder: Path, working: Path) -> tuple[str, ...]:
    """Writes `shell`'s cells as a notebook into `folder`, with what lies beside it in `working`: answers, own modules.

    The n-th cell is In[n], so that messages count cells as the brackets beside them do. Returns the classes that the
    kernel does not hold. Raises SubmissionError when none of the homework's classes is there and no answers are.
    """
    cells = list(_cells(shell))
    beside = [name for name in BESIDE if (working / name).is_file()]
    if not any(name in shell.user_ns for name in CLASSES) and FILES.answers not in beside:
        raise SubmissionError(
            f"This kernel holds none of the classes {', '.join(CLASSES)}, and {working} no {FILES.answers}. "
            "Run the cell with your class first (after a restart: once more), then this one."
        )
    modules = {name for cell in cells for name in _IMPORTS.findall(cell)}
    beside += [f"{name}.py" for name in sorted(modules) if (working / f"{name}.py").is_file()]
    for name in beside:
        if (working / name).stat().st_size <= MOST_BYTES:
            shutil.copyfile(working / name, folder / name)
    (folder / FILES.notebook).write_text(json.dumps(_notebook(cells)), encoding="utf-8")
    return tuple(name for name in CLASSES if name not in shell.user_ns)


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
