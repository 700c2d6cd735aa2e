"""How faithful the judging of 4(c) is, in numbers: training loops and models that are read, classes that are trained.

Why separate: `fidelity` counts what is judged from a layer's outputs; here notebooks are read, and classes are trained in
the real room.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from autograder.core.records import Cell, Limits, Status
from autograder.grading import Options, grade_many
from autograder.handin.slicing import slice_cells
from autograder.handin.slicing.training_loop import RULE
from tests.grader.fidelity import Count
from tests.grader.honest_styles import IMPORTS
from tests.grader.training_mistakes import HONEST, WRONG
from tests.grader.training_styles import BROKEN, INITIALISATIONS, TRAINS, Pair

# Seconds: what does not end in training is waited for.
LIMITS = Limits(seconds=20.0, memory_mb=512, training_seconds=20.0)


def loops() -> tuple[Count, Count]:
    """Mistakes of a training loop or of the model that are named, and no others; honest ones without a remark."""
    named, quiet = Count("4(c): mistakes of loop and model named, and no other"), Count("4(c): honest loops and models")
    for name, (text, mistake) in WRONG.items():
        named.add(_found(text) == {mistake}, f"{name}: {_found(text)}")
    for name, text in HONEST.items():
        quiet.add(not _found(text), f"{name}: {_found(text)}")
    return named, quiet


def _found(text: str) -> set[str]:
    return {found.construct for found in slice_cells([Cell(1, text)], "hw6.ipynb").findings if found.rule == RULE}


def trained(every: int) -> tuple[Count, Count]:
    """Classes that do not train and lose 4c.3 alone for it, with the reason; those that train and keep it."""
    broken = dict(list(BROKEN.items())[::every])
    right = dict(list((INITIALISATIONS | TRAINS).items())[::every])
    caught, kept = Count("4(c): classes that do not train, caught and named"), Count("4(c): classes that train")
    for name, (status, said) in _graded({name: pair for name, (pair, _) in broken.items()}).items():
        caught.add(status is Status.FAILED and broken[name][1] in said, f"{name}: {status.value} {said[:160]}")
    for name, (status, said) in _graded(right).items():
        kept.add(status is Status.PASSED, f"{name}: {status.value} {said[:160]}")
    return caught, kept


def _graded(pairs: dict[str, Pair]) -> dict[str, tuple[Status, str]]:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, (attention, layer) in enumerate(pairs.values()):
            path = Path(folder) / str(number) / "hw6.py"
            path.parent.mkdir()
            path.write_text(IMPORTS + attention + layer, encoding="utf-8")
            paths.append(path)
        reports = grade_many(paths, Options(only="4c.3", limits=LIMITS))
        tests = [next(test for test in report.tests if test.number == "4c.3") for report in reports]
    return {
        name: (test.status, " ".join(text for _, text in test.feedback.lines())) for name, test in zip(pairs, tests)
    }
