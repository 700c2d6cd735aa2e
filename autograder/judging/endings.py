"""How a visit to the student's room ended, in the student's words: what we did, what happened, where, how to fix it.

Hidden tests do not echo the text of an exception: it is the student's, and could carry hidden inputs out. Its type is
named when it is one of Python's or torch's own; staff see all of it.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Sequence

from autograder.core.records import Exit, ExitKind, Program
from autograder.core.text import clean, one_line
from autograder.judging.expect import Unmet

KNOWN = frozenset(name for name in dir(builtins) if name.endswith(("Error", "Exception", "Interrupt", "Exit"))) | {
    "OutOfMemoryError", "EinopsError",
}  # fmt: skip

HINTS = {
    "NotImplementedError": "this part of the template is not filled in yet: replace the raise by your code",
    "NameError": "a name is used that your classes' cells do not define: is its import or definition in the notebook?",
    "AttributeError": "an attribute is used that does not exist: compare the spelling in __init__ and forward",
    "ImportError": "only torch, numpy, einops and Python's own modules are there when your classes run",
    "ModuleNotFoundError": "only torch, numpy, einops and Python's own modules are there when your classes run",
    "PermissionError": (
        "your classes run where they may make files in the working folder and nothing else: no process, connection or "
        "file elsewhere; none is needed"
    ),
    "RecursionError": "something calls itself without an end: does forward call self(x)?",
    "TypeError": "a call has the wrong arguments: compare the signatures with the template's",
    "RuntimeError": "often a shape mismatch: print x.shape in each step, and use sizes that are all different",
    "IndexError": "an axis or index is out of range: x has three axes, (batch, tokens, features)",
    "EinopsError": "the pattern does not fit the tensor: x has three axes, (batch, tokens, features)",
}

# Words of torch's and Python's own messages that tell more than the exception's type. Only our hint is ever shown.
TEXT_HINTS = {
    "before Module.__init__": "call super().__init__() first thing in __init__",
    "mat1 and mat2 shapes cannot be multiplied": (
        "a linear map meets another number of features than it was made for: compare its first argument with the last "
        "axis of what it is given"
    ),
    "must match the size of tensor b": (
        "two tensors that are added or multiplied have different shapes; in 4(b), remember that Attention gives "
        "heads * dim_head features and x has dim"
    ),
    "Expected size for first two dimensions of batch2": (
        "the axes of a batched product do not fit: one factor needs transpose(-2, -1)"
    ),
    "Dimension out of range": "an axis is named that the tensor does not have: x has (batch, tokens, features)",
    "unexpected keyword argument": "compare the argument names of __init__ with the template's",
    "positional argument": "compare the arguments of __init__ and forward with the template's",
    "view size is not compatible": "use reshape where you use view, or call contiguous() after a transpose",
    "is not callable": "something is called that is no function or layer: is a name used twice?",
    "does not require grad": (
        "nothing that can be trained leads to the output: look for detach(), .data, .item(), torch.no_grad(), or a new "
        "tensor made from numbers"
    ),
    "modified by an inplace operation": (
        "something that the gradient still needs is changed in place: write x = x + ... instead of x += ..."
    ),
    "backward through the graph a second time": (
        "something that forward computed in an earlier call is kept in self and used again: compute it anew each time"
    ),
    "must be Tensor, not": "a layer is made where it should be used: make it in __init__, call it in forward",
}


def hint(exit: Exit) -> str:
    """The most telling hint for an exception; empty when there is none."""
    by_text = (text for words, text in TEXT_HINTS.items() if words in exit.detail)
    return next(by_text, HINTS.get(exit.error, ""))


def explain(exit: Exit, program: Program, doing: str, *, show_text: bool) -> Unmet:
    """The failure as the student reads it."""
    found, fix = _found(exit, doing, show_text)
    place = program.place(exit.line)
    where = (
        f"{place}" + (f", in {one_line(exit.function, 80)}" if _defines(program, exit.function) else "")
        if place
        else ""
    )
    return Unmet(found, where=where, fix=fix, staff=_for_staff(exit))


def _defines(program: Program, function: str) -> bool:
    """Whether the program has a function of that name. A name can be changed while it runs, and carry anything out."""
    return bool(function) and re.search(rf"\bdef\s+{re.escape(function)}\b", program.text) is not None


def _found(exit: Exit, doing: str, show_text: bool) -> tuple[str, str]:
    if exit.kind is ExitKind.RAISED and exit.error == "returned":
        what = one_line(exit.detail, 120) if show_text else "something that is not a plain tensor"
        return f"{doing}: forward returned {what}", "return one torch.Tensor of floats"
    if exit.kind is ExitKind.RAISED:
        name = exit.error if exit.error in KNOWN else "an exception of its own"
        text = f": {clean(exit.detail, 400, lines=4)}" if show_text and exit.detail else ""
        return f"{doing}: your code raised {name}{text}", hint(exit)
    return _ENDINGS[exit.kind].format(doing=doing, detail=one_line(exit.detail, 60)), _MENDS.get(exit.kind, "")


_ENDINGS = {
    ExitKind.TIMEOUT: "{doing}: not finished in time ({detail})",
    ExitKind.MEMORY: "{doing}: asked for more memory than a grading process has",
    ExitKind.DISK: "{doing}: kept more on disk than a grading process may ({detail})",
    ExitKind.KILLED: "{doing}: the process died ({detail})",
    ExitKind.VANISHED: "{doing}: the process ended without an answer",
    ExitKind.PROTOCOL: "{doing}: the process answered with something that is no answer",
}
_MENDS = {
    ExitKind.TIMEOUT: "look for a loop that does not end; a correct solution needs well under a second",
    ExitKind.MEMORY: "look for a tensor that grows with batch x tokens x tokens x features; none is needed",
    ExitKind.DISK: "remove what writes files from your classes and what they use; no solution needs any",
    ExitKind.KILLED: "endless recursion is the usual reason",
    ExitKind.VANISHED: "remove exit(), quit() and os._exit() from your classes and what they use",
}


def _for_staff(exit: Exit) -> str:
    return clean(f"{exit.kind.value} {exit.error} {exit.detail}", 600)


def printed(outputs: Sequence[str]) -> str:
    """What the student's code printed in the visits of one test, for staff, whether it passed or not; maybe ""."""
    text = clean("\n".join(outputs), 1500, lines=30)
    return f"printed:\n{text}" if text else ""
