"""How a visit to the student's room ended, in the student's words: what we did, what happened, where, how to fix it.

Hidden tests do not echo the text of an exception: it is the student's, and could carry hidden inputs out. Its type is
named when it is one of Python's or torch's own, and what it means is said in words of ours (`mends`); staff see all.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Sequence

from autograder.core.records import Exit, ExitKind, Program
from autograder.core.text import clean, one_line
from autograder.judging import mends, raised
from autograder.judging.expect import Unmet
from autograder.judging.own_text import OwnText

# Where the student's program runs: a folder of ours, whose name tells them nothing.
_ROOM = re.compile(r"/[^\s'\"]{0,200}?/autograder-[\w.-]{1,40}/room-[\w.-]{1,40}")
# Kinds of exceptions that may be named: Python's, and those of libraries that have a line among the mends.
KNOWN = frozenset(
    name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)
) | frozenset(mends.KINDS)
PLAIN = frozenset(f"a {name}" for name in ("tuple", "list", "dict", "str", "int", "float", "bool", "ndarray"))


def explain(exit: Exit, program: Program, doing: str, *, show_text: bool) -> Unmet:
    """The failure as the student reads it."""
    found, fix, line = _found(exit, program, doing, show_text)
    place = program.place(line or exit.line)
    inside = "" if line and line != exit.line else one_line(exit.function, 80)
    if program.cut:
        found += f"; the class breaks off before {program.cut}, where a line stands at the left edge"
        fix = "indent that line as those around it are, or delete it: what is indented below it belongs to nothing now"
    where = f"{place}" + (f", in {inside}" if _defines(program, inside) else "") if place else ""
    return Unmet(found, where=where, fix=fix, staff=_for_staff(exit, found), ending=exit.kind, error=exit.error)


def _defines(program: Program, function: str) -> bool:
    """Whether the program has a function of that name. A name can be changed while it runs, and carry anything out."""
    return bool(function) and re.search(rf"\bdef\s+{re.escape(function)}\b", program.text) is not None


def _found(exit: Exit, program: Program, doing: str, show_text: bool) -> tuple[str, str, int]:
    """What happened, how to mend it, and the line to look at (0: where it was raised)."""
    own = OwnText(program.text)
    if exit.kind is ExitKind.RAISED and exit.error == "returned":
        return _returned(exit, own, doing, show_text)
    if exit.kind is ExitKind.RAISED:
        name = exit.error if exit.error in KNOWN else "an exception of its own"
        told = raised.told(exit, own, program.question)
        text = clean(_ROOM.sub(".", exit.detail), 400, lines=4) if show_text else ""
        said = f"{told.what} ({text})" if told.what and text else told.what or text
        return f"{doing}: your code raised {name}" + (f": {said}" if said else ""), told.fix, told.line
    return _ENDINGS[exit.kind].format(doing=doing, detail=one_line(exit.detail, 60)), _MENDS.get(exit.kind, ""), 0


def _returned(exit: Exit, own: OwnText, doing: str, show_text: bool) -> tuple[str, str, int]:
    """forward gave something that is no plain tensor; only the usual kinds of that are named in hidden tests."""
    if exit.detail == "a NoneType":
        told = raised.forgotten_return(own, 0)
        return f"{doing}: forward returned None: {told.what}", told.fix, told.line
    plain = exit.detail in PLAIN
    what = one_line(exit.detail, 120) if show_text or plain else "something that is not a plain tensor"
    return f"{doing}: forward returned {what}", "return one torch.Tensor of floats", 0


_ENDINGS = {
    ExitKind.TIMEOUT: "{doing}: not finished in time ({detail})",
    ExitKind.MEMORY: "{doing}: asked for more memory than a grading process has",
    ExitKind.DISK: "{doing}: kept more on disk than a grading process may ({detail})",
    ExitKind.KILLED: "{doing}: the process died ({detail})",
    ExitKind.VANISHED: "{doing}: the process ended without an answer",
    ExitKind.PROTOCOL: "{doing}: the process answered with something that is no answer",
}
_MENDS = {
    ExitKind.TIMEOUT: "look for a loop that does not end, and for what is slow: sleep, prints, a loop over all entries",
    ExitKind.MEMORY: "look for a tensor that grows with batch x tokens x tokens x features; none is needed",
    ExitKind.DISK: "remove what writes files from your classes and what they use; no solution needs any",
    ExitKind.KILLED: "endless recursion is the usual reason",
    ExitKind.VANISHED: "remove exit(), quit() and os._exit() from your classes and what they use",
}


def _for_staff(exit: Exit, found: str) -> str:
    how = f" ({_INSTALL})" if raised.NOT_HERE in found else ""
    return clean(f"{exit.kind.value} {exit.error} {exit.detail}", 600) + how


_INSTALL = "if your course allows this package, install it beside the grader (docs/gradescope.md), and grade again"


def printed(outputs: Sequence[str]) -> str:
    """What the student's code printed in the visits of one test, for staff, whether it passed or not; maybe ""."""
    text = clean("\n".join(outputs), 1500, lines=30)
    return f"printed:\n{text}" if text else ""
