"""Asks a module whether its dropout rests in eval mode, and keeps it at rest for the tests that are not about it.

`F.dropout(x, 0.1)`, or an nn.Dropout that is made in forward, drops in eval mode too. That is one mistake, which the
test of dropout charges; without this, nothing of such a module could be compared with anything.

Why separate: `visit` has every forward run as it is kept here; this finds out. A mask of the student's own making is
kept at rest as far as its steps are known (`student_room.own_masks`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from autograder.judging.code import weights
from autograder.judging.code.attention_roles import Observation
from autograder.judging.code.compare import close
from autograder.judging.code.layer_roles import LayerObservation
from autograder.judging.expect import Missing, Unmet
from autograder.judging.visit import STILL, Student

SAID = (
    "in eval mode your dropout goes on dropping: the other tests were run with it at rest, and the test of dropout says"
    " what to do"
)


def find(student: Student, question: str, seen: Observation | LayerObservation, remark: Callable[[str], None]) -> None:
    """Has the module judged with its dropout at rest, with a remark, if in eval mode nothing else is random.

    `seen`: an observation with what x gave again.
    """
    if seen.again is None or close(seen.output, seen.again):
        return
    case = seen.case
    with contextlib.suppress(Unmet, Missing), student.visit(question, probe_seed=case.seed) as visit:
        visit.load(weights.draw(case.seed, visit.build(case).parameters, biases=False))
        visit.still = True
        if close(visit.forward(case.x(), seed=1).output, visit.forward(case.x(), seed=2).output):
            student.remembered[STILL] = {*student.remembered.get(STILL, ()), question}
            remark(SAID)
