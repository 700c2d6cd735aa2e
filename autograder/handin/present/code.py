"""Whether the classes that students write are there, and more than the template.

Why separate: what they compute is for the tests. A class that nothing can find or read is missing, and so is one that
cannot give an output; one in which a line of the template still says TODO may be finished, and its author should look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from autograder.core.inventory import Item, State
from autograder.core.policy import POLICY, Question
from autograder.core.records import Submission
from autograder.core.text import one_line
from autograder.handin.present.unfinished import unfinished

_TODO = re.compile(r"#\s*(?:TODO|FIXME)\b.*")

# A forward that a class may be given by something that was not followed, e.g. a decorator of a package.
_STRAY = re.compile(r"^(?:async\s+)?def\s+forward\b|\.forward\s*=(?!=)", re.MULTILINE)


def items(submission: Submission) -> Iterator[Item]:
    """One for each class."""
    for question in POLICY.questions:
        if question.class_name:
            yield _of(question, submission)


def _of(question: Question, submission: Submission) -> Item:
    number, name = question.number, question.class_name
    if number not in submission.programs:
        return Item(number, name, State.MISSING, submission.unusable.get(number, "is not there"))
    if number in submission.absent:
        return Item(number, name, State.MISSING, "is still the template's", "write it, then run its public tests")
    if empty := [f for f in submission.findings if f.rule == "unfilled" and f.question == number]:
        return Item(number, name, State.MISSING, f"{empty[0].construct} does nothing yet", str(empty[0].place))
    program = submission.programs[number]
    if short := unfinished(program.text, name):
        place = program.place(short.line)
        fix = "write what is left, then run its public tests"
        if stray := next((cell for cell in submission.cells if _STRAY.search(cell.source)), None):
            words = f"{short.words}; in cell {stray.number} one stands outside of every class"
            return Item(number, name, State.LOOK, words, "move it into its class: there it is found for certain")
        return Item(number, name, State.MISSING, short.words, f"{place}: {fix}" if place else fix)
    for line, text in enumerate(program.text.split("\n"), 1):
        if found := _TODO.search(text):
            place = program.place(line)
            words = f"a line still says {one_line(found[0], 60)!r}"
            return Item(number, name, State.LOOK, words, f"{place}: done? Then delete that comment" if place else "")
    return Item(number, name, State.THERE, "written")
