"""What a passing student should still hear about: remarks on how the module was made and called.

Why separate: `visit` notes what happened; these are the words for it.
"""

from __future__ import annotations

from autograder.judging.visit import Visit


def remarks_on(visit: Visit) -> list[str]:
    """What a passing student should still hear about."""
    heard = []
    if "by-position" in visit.notes:
        heard.append(
            f"the template calls the arguments of __init__ {', '.join(visit.arguments)}; yours are called "
            f"{', '.join(visit.own_arguments) or 'otherwise'}, so they were passed by position, as the provided code "
            "passes them."
        )
    if visit.tuple_returned:
        heard.append("forward returns a tuple; the template returns only the output. The first part was graded.")
    if "input-modified" in visit.notes:
        heard.append("forward changes its input x in place: work on a new tensor, or the residual connection breaks.")
    return heard
