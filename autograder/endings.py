"""How a visit to the student's room ended, said to the student: what we were doing, what happened, where, how to mend it.

Hidden tests do not echo the text of an exception: it is the student's, and could carry hidden inputs out. Its type is
named when it is one of Python's or torch's own; staff see all of it.
"""

from __future__ import annotations

import builtins

from autograder.expect import Unmet
from autograder.records import Exit, ExitKind, Program
from autograder.text import clean, one_line

KNOWN = frozenset(name for name in dir(builtins) if name.endswith(("Error", "Exception", "Interrupt", "Exit"))) | {
    "OutOfMemoryError", "EinopsError",
}  # fmt: skip

HINTS = {
    "NotImplementedError": "this part of the template is not filled in yet: replace the raise by your code",
    "NameError": "a name is used that your classes' cells do not define: is its import or definition in the notebook?",
    "AttributeError": "an attribute is used that does not exist: compare the spelling in __init__ and forward",
    "ImportError": "only torch, numpy, einops and Python's own modules are there when your classes run",
    "ModuleNotFoundError": "only torch, numpy, einops and Python's own modules are there when your classes run",
    "RecursionError": "something calls itself without an end: does forward call self(x)?",
    "TypeError": "a call has the wrong arguments: compare the signatures with the template's",
    "RuntimeError": "often a shape mismatch: print x.shape in each step, and use sizes that are all different",
    "IndexError": "an axis or index is out of range: x has three axes, (batch, tokens, features)",
    "EinopsError": "the pattern does not fit the tensor: x has three axes, (batch, tokens, features)",
}


def explain(exit: Exit, program: Program, doing: str, *, show_text: bool) -> Unmet:
    """The failure as the student reads it."""
    found, mend = _found(exit, doing, show_text)
    place = program.place(exit.line)
    where = f"{place}" + (f", in {one_line(exit.function, 80)}" if exit.function not in ("", "<module>") else "") if place else ""
    return Unmet(found, where=where, mend=mend, staff=_for_staff(exit))


def _found(exit: Exit, doing: str, show_text: bool) -> tuple[str, str]:
    if exit.kind is ExitKind.RAISED and exit.error == "returned":
        what = one_line(exit.detail, 120) if show_text else "something that is not a plain tensor"
        return f"{doing}: forward returned {what}", "return one torch.Tensor of floats"
    if exit.kind is ExitKind.RAISED:
        name = exit.error if exit.error in KNOWN else "an exception of its own"
        text = f": {clean(exit.detail, 400, lines=4)}" if show_text and exit.detail else ""
        return f"{doing}: your code raised {name}{text}", HINTS.get(exit.error, "")
    return _ENDINGS[exit.kind].format(doing=doing, detail=one_line(exit.detail, 60)), _MENDS.get(exit.kind, "")


_ENDINGS = {
    ExitKind.TIMEOUT: "{doing}: not finished in time ({detail})",
    ExitKind.MEMORY: "{doing}: asked for more memory than a grading process has",
    ExitKind.KILLED: "{doing}: the process died ({detail})",
    ExitKind.VANISHED: "{doing}: the process ended without an answer",
    ExitKind.PROTOCOL: "{doing}: the process answered with something that is no answer",
}
_MENDS = {
    ExitKind.TIMEOUT: "look for a loop that does not end; a correct solution needs well under a second",
    ExitKind.MEMORY: "look for a tensor that grows with batch x tokens x tokens x features; none is needed",
    ExitKind.KILLED: "endless recursion is the usual reason",
    ExitKind.VANISHED: "remove exit(), quit() and os._exit() from your classes and what they use",
}


def _for_staff(exit: Exit) -> str:
    said = clean(f"{exit.kind.value} {exit.error} {exit.detail}", 600)
    printed = clean(exit.output, 1500, lines=30)
    return said + (f"\nprinted:\n{printed}" if printed else "")
