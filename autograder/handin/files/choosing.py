"""Which file of the submission is the work: the one with the right name, else the only one that defines the classes.

Why separate: losing a submission because of its name would be unfair, taking the wrong one of two would be worse. When
two could be meant, this says so instead of guessing. Nothing here opens files by itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from autograder.core import policy
from autograder.core.errors import SubmissionError
from autograder.core.records import Finding, Severity
from autograder.handin.files.cells import Work, imports_module, module_cells, read_work, unreadable
from autograder.handin.files.members import KEPT_COPY, Member
from autograder.handin.slicing import Sliced, slice_cells
from autograder.handin.slicing.beside import Module

_ENDINGS = (".ipynb", ".py", ".ipynb.txt", ".ipynb.json", ".py.txt")
_TRIED = 20  # files that are read in search of the classes; a submission holds a handful


class Chosen(NamedTuple):
    """The work, sliced, with the remarks on how it was found."""

    work: Work
    sliced: Sliced
    remarks: tuple[Finding, ...]


class _Tried(NamedTuple):
    member: Member
    work: Work | None
    sliced: Sliced | None
    problem: str

    @property
    def defines(self) -> int:
        return len(self.sliced.programs) if self.sliced else 0

    @property
    def filled(self) -> int:
        """How many of the classes are more than the unfilled template."""
        return len(self.sliced.programs.keys() - set(self.sliced.absent)) if self.sliced else 0

    @property
    def blank(self) -> bool:
        """Whether all that it defines is the template."""
        return self.defines > 0 and not self.filled


def choose(members: Sequence[Member], provided: str) -> Chosen:
    """The file to grade. Raises SubmissionError when there is none, or no telling which."""
    try:
        return _choose(members, provided)
    except SubmissionError as error:
        copies = [member for member in members if member.name.endswith(KEPT_COPY)]
        kept = [one for one in (_try(copy, members, provided) for copy in copies[:_TRIED]) if one.filled]
        if len(kept) != 1:
            raise
        chosen = _best(kept)
        message = f"{error} The copy that Jupyter kept, {kept[0].member.name}, is graded in its place."
        fix = "open your notebook, run all cells, save it, and hand in that"
        remark = Finding("file-name", Severity.REMARK, message, construct=kept[0].member.name, fix=fix)
        return chosen._replace(remarks=(remark,))


def _choose(members: Sequence[Member], provided: str) -> Chosen:
    candidates = sorted(code_files(members), key=lambda member: (member.name.count("/"), member.name))
    if not candidates:
        raise SubmissionError(_none_found(members))
    exact = [m for name in (policy.FILES.notebook, policy.FILES.script) for m in candidates if _base(m) == name]
    others = [member for member in candidates if member not in exact]
    tried = [_try(member, members, provided) for member in exact[:_TRIED]]
    if not any(one.filled for one in tried):
        more = [_try(member, members, provided) for member in others[:_TRIED]]
        # beside a blank notebook of the right name only a filled one counts
        tried = tried + (more if not any(one.blank for one in tried) else [one for one in more if one.filled])
        return _best(tried)
    chosen = _best(tried)
    lacks = chosen.sliced.absent
    more = [_try(member, members, provided) for member in others[:_TRIED]] if lacks else []
    return chosen._replace(remarks=(*chosen.remarks, *_elsewhere(chosen, more)))


def _elsewhere(chosen: Chosen, others: Sequence[_Tried]) -> Iterator[Finding]:
    """Remarks on classes that the chosen file leaves out, or unfilled, and that another file has."""
    classes = {question.number: question.class_name for question in policy.POLICY.questions}
    file = chosen.work.file
    for number in chosen.sliced.absent:
        there = [one for one in others if one.sliced and number in one.sliced.programs.keys() - set(one.sliced.absent)]
        for one in there[:1]:
            message = f"{file}, which is graded, has no {classes[number]} yet, and {one.member.name} beside it has one"
            fix = f"put all your work into one notebook, called {policy.FILES.notebook}, and hand in that"
            yield Finding("file-name", Severity.REMARK, message, question=number, construct=one.member.name, fix=fix)


def code_files(members: Sequence[Member]) -> list[Member]:
    """Every file that could be the work, by its name."""
    known = [member for member in members if member.name.lower().endswith(_ENDINGS)]
    return [member for member in known if not member.name.endswith(KEPT_COPY)]


def _try(member: Member, members: Sequence[Member], provided: str) -> _Tried:
    try:
        work = read_work(member.read(), member.name)
        modules = _modules(work, member, members)
        beside = _beside(member, members)
        sliced = slice_cells(
            work.cells, member.name, provided=provided, beside=beside, modules=modules, asides=work.asides
        )
        return _Tried(member, work, sliced, "")
    except SubmissionError as error:
        return _Tried(member, None, None, str(error))
    except (MemoryError, RecursionError) as error:
        return _Tried(member, None, None, str(unreadable(error, member.name)))


def _beside(member: Member, members: Sequence[Member]) -> frozenset[str]:
    """Modules that lie next to the file: helpers.py, or a folder of .py files."""
    folder = PurePosixPath(member.name).parent
    near = (PurePosixPath(other.name) for other in members if other is not member and other.name.endswith(".py"))
    inside = [path.relative_to(folder) for path in near if path.is_relative_to(folder)]
    return frozenset(path.stem if len(path.parts) == 1 else path.parts[0] for path in inside)


def _modules(work: Work, member: Member, members: Sequence[Member]) -> dict[str, Module]:
    """The student's own modules that the work imports: files right beside it, or written by its own cells."""
    folder, source = PurePosixPath(member.name).parent, "\n".join(cell.source for cell in work.cells)
    found = {name: Module(member.name, cells) for name, cells in work.written.items()}
    for other in members:
        path = PurePosixPath(other.name)
        near = other is not member and path.parent == folder and path.suffix == ".py" and path.stem.isidentifier()
        if not near or path.stem in found or len(found) >= _TRIED:
            continue
        if imports_module(path.stem, source) or any(_mentions(path.stem, module) for module in found.values()):
            with contextlib.suppress(SubmissionError, MemoryError, RecursionError):
                found[path.stem] = Module(other.name, module_cells(other.read(), other.name))
    return found


def _mentions(name: str, module: Module) -> bool:
    return any(imports_module(name, cell.source) for cell in module.cells)


def _best(tried: Sequence[_Tried]) -> Chosen:
    blank = [one for one in tried if one.blank] if any(one.filled for one in tried) else []
    tried = [one for one in tried if one not in blank]
    most = max(one.defines for one in tried)
    readable = [one for one in tried if one.work]
    if not readable:
        raise SubmissionError(tried[0].problem)
    full = [one for one in readable if one.defines == most] if most else readable
    first = full[0]
    rivals = [one for one in full if _rank(one) == _rank(first)] if _right_name(first) else full
    if not _same_work(rivals):
        raise SubmissionError(_ambiguous(rivals, most))
    partial = [one for one in readable if one.defines and one.defines < most]
    rest = [one for one in (*full[1:], *partial) if _right_name(one)]
    assert first.work and first.sliced
    failed = [one for one in tried if one.problem]
    return Chosen(first.work, first.sliced, tuple(_remarks(first, rest, failed, blank)))


def _right_name(one: _Tried) -> bool:
    return _base(one.member) in (policy.FILES.notebook, policy.FILES.script)


def _rank(one: _Tried) -> tuple[str, int]:
    return _base(one.member), one.member.name.count("/")


def _same_work(tried: Sequence[_Tried]) -> bool:
    """One file; copies of one file; or a notebook beside its own export (my.ipynb, my.py)."""
    texts = {tuple(cell.source for cell in one.work.cells) for one in tried if one.work}
    stems = {one.member.name.lower().rpartition(".")[0] for one in tried}
    return len(texts) == 1 or len(stems) == 1


def _remarks(
    chosen: _Tried, rest: Sequence[_Tried], failed: Sequence[_Tried], blank: Sequence[_Tried]
) -> list[Finding]:
    file = chosen.member.name
    messages = []
    if not _right_name(chosen):
        messages.append(f"the file is called {file} instead of {policy.FILES.notebook}; it was graded all the same")
    messages += [
        f"{one.member.name} is the blank template still, so {file}, which has the classes, is graded in its place"
        for one in blank
        if _right_name(one)
    ]
    messages += [f"both {file} and {one.member.name} define the classes; {file} is graded" for one in rest]
    messages += [f"{one.member.name} could not be read, so {file} is graded: {one.problem}" for one in failed]
    fix = f"hand in one notebook, called {policy.FILES.notebook}"
    return [Finding("file-name", Severity.REMARK, message, construct=file, fix=fix) for message in messages]


def _ambiguous(tried: Sequence[_Tried], most: int) -> str:
    names = ", ".join(one.member.name for one in tried[:5])
    what = "define the classes" if most else "could be the submission, though none defines the classes"
    return (
        f"Several files {what} ({names}), and nothing says which one is meant. "
        f"Put your work into one notebook, name it {policy.FILES.notebook}, and hand in again."
    )


def _none_found(members: Sequence[Member]) -> str:
    names = ", ".join(member.name for member in members[:5])
    found = f"found only {names}" if names else "found no files"
    zips = [member.name for member in members if member.name.lower().endswith(".zip")]
    inside = f" (a zip within a submission is opened only when it is the only one: unpack {zips[0]})" if zips else ""
    return (
        f"Looked for {policy.FILES.notebook} or {policy.FILES.script}, but {found}{inside}. "
        f"In Colab use File > Download > Download .ipynb, name it {policy.FILES.notebook}, and hand that in."
    )


def _base(member: Member) -> str:
    return PurePosixPath(member.name).name.lower()
