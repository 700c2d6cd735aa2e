"""Whether two modules of the student's class have weights in common, as by a cache, a default argument or a class.

Why separate: each module alone computes what it should, so no comparison with the reference shows it; and in a model
the heads, or the layers, are then one.
"""

from __future__ import annotations

import torch

from autograder.judging.code import weights
from autograder.judging.code.cases import AttentionCase, LayerCase
from autograder.judging.expect import Unmet
from autograder.judging.visit import Student

ONE = {"4a": "else all heads of a layer are one", "4b": "else the layers of a model have a part in common"}


def nothing(student: Student, question: str, case: AttentionCase | LayerCase) -> None:
    """Raises Unmet where a second module has weights that were set in the first one."""
    with student.visit(question, probe_seed=case.seed) as visit:
        built = visit.build(case)
        begun = visit.save()
        visit.load(weights.draw(case.seed, built.parameters, biases=False))
        first = visit.save()
        visit.build(case)
        second = visit.save()
    changed = [name for name, value in first.items() if name in begun and not torch.equal(value, begun[name])]
    if any(name in second and torch.equal(second[name], first[name]) for name in changed):
        raise Unmet(
            "a second module of the class has weights of the first one: what trains one changes the other",
            expected=f"each one that is made has weights of its own: {ONE[question]}",
            fix="make the layers in __init__ itself: is one kept outside (in a cache, a default argument, the class) "
            "and taken again?",
        )
