"""From cells to programs: for each class that is graded, the statements it needs and nothing else.

Why separate: the notebook is never run, so training cells, downloads and plots cost neither time nor points; and the
very text that is checked is the text that is executed. Nothing here reads files or runs anything.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from autograder.core import policy
from autograder.core.errors import UNPARSABLE
from autograder.core.records import Cell, Finding, Place, Program, Run, Severity
from autograder.handin.slicing import remarks
from autograder.handin.slicing.asides import Aside
from autograder.handin.slicing.backward import Slice, backward_slice
from autograder.handin.slicing.beside import Module, unfolded
from autograder.handin.slicing.conditional import of_class, that_run
from autograder.handin.slicing.hyperparameters import read_run
from autograder.handin.slicing.indirect import indirect
from autograder.handin.slicing.missing import missing
from autograder.handin.slicing.statements import Broken, Chunk, statements
from autograder.handin.slicing.trained import traced
from autograder.handin.slicing.training_loop import read_training
from autograder.handin.slicing.write import write_program


@dataclass(frozen=True)
class Sliced:
    """The programs by question, the reasons where there is none, and what reading brought up.

    `absent`: the questions whose class is not there at all, or still the unfilled template. `cells`: those that were
    given, with what their outputs are about. `run`: what its own calls train, as far as it can be told.
    """

    programs: dict[str, Program]
    unusable: dict[str, str]
    findings: tuple[Finding, ...]
    absent: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    run: Run = Run()  # noqa: RUF009  (frozen)
    alternatives: tuple[Program, ...] = ()


def given_names(question: str) -> frozenset[str]:
    """Names that the program of `question` gets from outside, whatever the student defines."""
    return frozenset(policy.POLICY.given(question))


def slice_cells(
    cells: Sequence[Cell],
    file: str,
    *,
    provided: str = "",
    beside: Iterable[str] = (),
    modules: Mapping[str, Module] | None = None,
    asides: Mapping[str, Aside] | None = None,
    also: Sequence[Module] = (),
) -> Sliced:
    """The program of every graded class in `cells`.

    `provided` is the source of our copies of the provided classes; `beside` names the .py files (without the ending)
    that lie next to `file`; `modules` holds those that can be read in place of an import;
    `asides` tells of classes that stand where nothing defines them; `also` stands before `cells`, as if run first.
    """
    several = [*(statements(other.cells, other.file) for other in also), statements(cells, file)]
    read = [chunk for parts, _ in several for chunk in parts]
    unread = [part for _, parts in several for part in parts]
    whole = unfolded(read, modules or {})
    classes = {question.number: question.class_name for question in policy.POLICY.questions if question.class_name}
    chunks, late = remarks.without_late_stubs(whole.chunks, classes)
    running = that_run(chunks)
    broken = (*unread, *whole.broken)
    programs: dict[str, Program] = {}
    unusable: dict[str, str] = {}
    edited = tuple(remarks.edited_provided(chunks, provided))
    names = frozenset(finding.construct for finding in edited)
    changed = frozenset(name for name in names if remarks.same_interface(chunks, provided, name))
    alternatives: list[Program] = []
    findings = [*whole.findings, *remarks.syntax(broken), *edited, *late]
    for question in (q for q in policy.POLICY.questions if q.class_name):
        number, name, given = question.number, question.class_name, given_names(question.number)
        mine = of_class(running, name, frozenset(classes.values()) - {name})
        found = backward_slice(mine, name, given)
        if found is None:  # only under a condition that is off, if at all: better that than nothing
            mine = chunks
            found = backward_slice(mine, name, given)
        if found is None:
            unusable[number] = missing(chunks, broken, name, file, (asides or {}).get(name))
            continue
        kept = [mine[i] for i in found.order]
        findings += remarks.unfilled(mine, number, name)
        findings += remarks.defined_twice(mine, number, name)
        findings += remarks.local_imports(kept, number, frozenset(beside))
        findings += _lost_names(broken, found, number, name)
        try:
            program = write_program(number, name, mine, found, given)
            programs[number] = msgspec.structs.replace(program, cut=remarks.cut_off(mine, broken, name))
        except UNPARSABLE as error:
            unusable[number] = _refused(kept, name, error)
            continue
        alternatives += _alternatives(programs[number], mine, changed & frozenset(question.may_bring))
        alternatives += _with_indirect(programs[number], mine, found)
    absent = tuple(number for number, name in classes.items() if remarks.absent(chunks, broken, name))
    run, differing = read_run(cells, chunks, provided)
    findings += read_training(chunks)
    return Sliced(programs, unusable, (*findings, *differing), absent, traced(cells, chunks), run, tuple(alternatives))


def _alternatives(first: Program, chunks: Sequence[Chunk], own: frozenset[str]) -> Iterator[Program]:
    """The same class with provided classes as the student changed them, over heads that answer in either form."""
    for program in _other(first, chunks, given_names(first.question) - own) if own else ():
        for tuple_heads in (False, True):
            yield msgspec.structs.replace(program, brings=tuple(sorted(own)), tuple_heads=tuple_heads)


def _with_indirect(first: Program, chunks: Sequence[Chunk], found: Slice) -> Iterator[Program]:
    """The same class with the statements that may change it by a way that names do not show."""
    given = given_names(first.question)
    also: tuple[int, ...] = ()
    with contextlib.suppress(RecursionError):  # functions that call each other hundreds deep: then nothing is added
        also = indirect(chunks, found, given)
    for program in _other(first, chunks, given, also) if also else ():
        yield msgspec.structs.replace(program, also=tuple(chunks[index].places[0] for index in also))


def _other(
    first: Program, chunks: Sequence[Chunk], given: frozenset[str], also: Sequence[int] = ()
) -> Iterator[Program]:
    found = backward_slice(chunks, first.class_name, given, also)
    # what cannot be used is said where it costs something: of the first program
    with contextlib.suppress(SyntaxError, ValueError, MemoryError, RecursionError):
        program = write_program(first.question, first.class_name, chunks, found, given) if found else first
        if program.text != first.text:
            yield program


def _lost_names(broken: Sequence[Broken], found: Slice, question: str, class_name: str) -> list[Finding]:
    """Names the class needs whose only definition stands in lines that could not be read."""
    lost = [(part, name) for part in broken for name in sorted(part.names & found.unresolved)]
    return [
        Finding(
            rule="syntax",
            severity=Severity.REMARK,
            message=f"{class_name} uses {name}, but Python cannot read the lines that define it: {part.message}",
            question=question,
            construct=name,
            place=part.place,
            fix="fix these lines: without them your class will probably stop with a NameError",
        )
        for part, name in lost
    ]


def _refused(kept: Sequence[Chunk], class_name: str, error: BaseException) -> str:
    places: list[Place] = [place for chunk in kept for place in chunk.places]
    line = getattr(error, "lineno", None) or 0
    where = f" at {places[line - 1]}" if 1 <= line <= len(places) else ""
    reason = getattr(error, "msg", None) or str(error) or "nested too deeply"
    return f"The lines that {class_name} needs cannot be used{where}: {reason}. Fix that, and hand in again."
