"""Whether two modules of the student's class have weights in common, as by a cache, a default argument or a class.

Why separate: each module alone computes what it should, so no comparison with the reference shows it; and in a model
the heads, or the layers, are then one.
"""

from __future__ import annotations

import torch

from autograder.judging.code.cases import AttentionCase, LayerCase
from autograder.judging.expect import Unmet
from autograder.judging.visit import Visit

ONE = {"4a": "else all heads of a layer are one", "4b": "else the layers of a model have a part in common"}


def in_common(visit: Visit, case: AttentionCase | LayerCase) -> list[str]:
    """Names of what was set in the module of this visit, and stands in the one of the same case that it then makes.

    What was drawn is no number of the module's own: none but this one can have it.
    """
    first = visit.save()
    visit.build(case)
    second = visit.save()
    drawn = [name for name in first if name in visit.loaded and not (first[name] == first[name].flatten()[:1]).all()]
    return [name for name in drawn if name in second and torch.equal(second[name], first[name])]


def nothing(names: list[str], question: str) -> None:
    """Raises Unmet where two modules of the question's class have these parameters `in_common`."""
    if names:
        raise Unmet(
            "a second module of the class has weights of the first one: what trains one changes the other",
            expected=f"each one that is made has weights of its own: {ONE[question]}",
            fix="make the layers in __init__ itself: is one kept outside (in a cache, a default argument, the class) "
            "and taken again?",
        )
