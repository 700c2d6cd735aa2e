"""Which file of the submission is the work: the one with the right name, else the one that defines the classes.

Why separate: losing a submission because of its name would be unfair, taking the wrong one of two would be worse. When
several could be meant, this takes the one that people would take, and says so. Nothing here opens files by itself.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from autograder.core import policy
from autograder.core.errors import SubmissionError
from autograder.core.records import Finding, Severity
from autograder.handin.files import archive, fenced
from autograder.handin.files.cells import Work
from autograder.handin.files.drafts import natural, wording
from autograder.handin.files.members import KEPT_COPY, Member
from autograder.handin.files.other_outputs import outputs_beside, shows_training
from autograder.handin.files.ranking import differs, drafts_beside, is_later, ranked
from autograder.handin.files.tried import Tried, try_file
from autograder.handin.slicing import Sliced

_ENDINGS = (".ipynb", ".py", ".ipynb.txt", ".ipynb.json", ".py.txt")
_TRIED = 20  # files that are read in search of the classes; a submission holds a handful
_NO_WORK = (".pdf", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".docx", ".doc", ".safetensors", ".pt", ".pth", ".npz")


class Chosen(NamedTuple):
    """The work, sliced, with the remarks on how it was found."""

    work: Work
    sliced: Sliced
    remarks: tuple[Finding, ...]


def choose(members: Sequence[Member], provided: str) -> Chosen:
    """The file to grade. Raises SubmissionError when there is none."""
    first: Chosen | None = None
    problem = ""
    for candidates in _groups(members):
        try:
            chosen = _choose(candidates, members, provided)
        except SubmissionError as error:
            problem = problem or str(error)
            continue
        if _written(chosen):
            cells, said = outputs_beside(chosen.work.file, chosen.sliced, members, provided)
            sliced = dataclasses.replace(chosen.sliced, cells=(*chosen.sliced.cells, *cells))
            return chosen._replace(
                sliced=sliced, remarks=(*_in_place(problem, chosen.work.file), *chosen.remarks, *said)
            )
        first = first or chosen
    if first:
        return first
    copies = [member for member in members if member.name.endswith(KEPT_COPY)]
    kept = [one for one in (try_file(copy, members, provided) for copy in copies[:_TRIED]) if one.filled]
    if len(kept) != 1:
        raise SubmissionError(problem or _none_found(members))
    why = problem or _none_found(members)
    message = f"{why} The copy that Jupyter kept, {kept[0].member.name}, is graded in its place."
    fix = "open your notebook, run all cells, save it, and hand in that"
    remark = Finding("file-name", Severity.REMARK, message, construct=kept[0].member.name, fix=fix)
    return _best(kept, members)._replace(remarks=(remark,))


def _groups(members: Sequence[Member]) -> Iterator[list[Member]]:
    """Files that may be the work; each group only counts where none before it has a class that is filled in."""
    code = sorted(code_files(members), key=lambda member: (member.name.count("/"), member.name))
    loose = [member for member in code if not member.packed]
    if loose:
        yield loose
    if len(code) > len(loose):
        yield code
    if texts := _texts(members):
        yield texts


def _texts(members: Sequence[Member]) -> list[Member]:
    """Files of any other name in which a class of the homework begins: Markdown, a notebook without its ending."""
    classes = "|".join(question.class_name for question in policy.POLICY.questions if question.class_name)
    begins = re.compile(rf"class(?:[ \t]|<[^<>]*>)+(?:{classes})\b".encode())  # an export colours each word
    known = {member.name for member in code_files(members)}
    others = [member for member in members if member.name not in known and _may_be_text(member.name.lower())]
    others.sort(key=lambda member: (member.packed, not member.name.lower().endswith(fenced.ENDINGS), member.name))
    return [member for member in others[:_TRIED] if begins.search(_content(member))]


def _may_be_text(name: str) -> bool:
    return (
        not name.endswith((*_NO_WORK, KEPT_COPY))
        and not archive.ending(name)
        and PurePosixPath(name).name
        not in (
            policy.FILES.answers.lower(),
            policy.FILES.history.lower(),
        )
    )


def _content(member: Member) -> bytes:
    try:
        return member.read()
    except SubmissionError:
        return b""


def _written(chosen: Chosen) -> bool:
    return bool(chosen.sliced.programs.keys() - set(chosen.sliced.absent))


def _in_place(problem: str, file: str) -> list[Finding]:
    """What to say when a file that counts more cannot be read, and another is graded."""
    message = f"{problem} {file} is graded in its place."
    fix = f"hand in one notebook, called {policy.FILES.notebook}"
    return [Finding("file-name", Severity.REMARK, message, construct=file, fix=fix)] if problem else []


def _choose(candidates: Sequence[Member], members: Sequence[Member], provided: str) -> Chosen:
    names = (policy.FILES.notebook.lower(), policy.FILES.script.lower())
    exact = [member for name in names for member in candidates if _base(member) == name]
    # what names no class defines none; without a file of the right name it may still say what the classes were called
    others = sorted((member for member in candidates if member not in exact), key=lambda member: not _names_one(member))
    others = [member for member in others if not exact or _names_one(member)]
    tried = [try_file(member, members, provided) for member in exact[:_TRIED]]
    if not any(one.filled for one in tried):
        more = [try_file(member, members, provided) for member in others[:_TRIED]]
        # beside a blank notebook of the right name only a filled one counts
        tried = tried + (more if not any(one.blank for one in tried) else [one for one in more if one.filled])
        return _joined(_best(tried, members), tried, members, provided)
    chosen = _best(tried, members)
    lacks = chosen.sliced.absent
    more = [try_file(member, members, provided) for member in others[:_TRIED]] if lacks else []
    first = next(one for one in tried if one.work is chosen.work)
    if fuller := [one for one in more if _is_fuller(one, first)]:
        order, said = ranked([first, *fuller], members)
        assert order[0].work and order[0].sliced
        return Chosen(order[0].work, order[0].sliced, said)
    if (whole := _joined(chosen, [*tried, *more], members, provided)) is not chosen:
        return whole
    chosen = chosen._replace(remarks=(*chosen.remarks, *_elsewhere(chosen, more)))
    books = [member for member in others[:_TRIED] if member.name.lower().endswith(".ipynb")]
    read = {one.member: one for one in more}
    return _beside(
        chosen, first, members, [read.get(member) or try_file(member, members, provided) for member in books]
    )


def _beside(chosen: Chosen, first: Tried, members: Sequence[Member], books: Sequence[Tried]) -> Chosen:
    """With what is to be said of drafts beside the notebook of the right name.

    A later one that was trained, where the notebook of that name was not, is taken in its place.
    """
    drafts = [one for one in books if one.written and differs(one, first) and wording(one.member.name).in_use]
    if not drafts or not first.base.endswith(".ipynb"):
        return chosen
    trained = [one for one in drafts if shows_training(one) and one.written >= first.written]
    trained = [one for one in trained if not shows_training(first) and is_later(one, first, members)]
    if len(trained) == 1 and trained[0].work and trained[0].sliced:
        said = drafts_beside(trained[0], [first], "shows a training")
        return Chosen(trained[0].work, trained[0].sliced, (*chosen.remarks, *said))
    return chosen._replace(remarks=(*chosen.remarks, *drafts_beside(first, drafts, "has the right name")))


def _names_one(member: Member) -> bool:
    """Whether the name of a class of the homework stands in the file; UTF-16 has a zero beside each letter."""
    content = _content(member).replace(b"\0", b"")
    return any(question.class_name.encode() in content for question in policy.POLICY.questions if question.class_name)


def _is_fuller(one: Tried, first: Tried) -> bool:
    """Whether it has all that the file of the right name has, and more: that one was saved too early."""
    high = one.member.name.count("/") <= first.member.name.count("/")
    return high and one.written > first.written and wording(one.member.name).in_use


def _joined(chosen: Chosen, tried: Sequence[Tried], members: Sequence[Member], provided: str) -> Chosen:
    """With the files that have the classes which it lacks: somebody handed in one file for each part."""
    first = next(one for one in tried if one.work is chosen.work)
    lacks = frozenset(q.number for q in policy.POLICY.questions if q.class_name) - first.written
    others: list[Tried] = []
    for one in sorted(tried, key=lambda one: natural(one.member.name)):
        if one is not first and one.written & lacks and not one.written & first.written:
            others.append(one)
            lacks -= one.written
    if not first.written or not others:
        return chosen
    whole = try_file(first.member, members, provided, others)
    if not whole.work or not whole.sliced or whole.written < first.written:
        return chosen
    names = " and ".join(one.member.name for one in (first, *others))
    message = f"each of {names} has a class that the other has not, so all of it was read as one"
    fix = f"put all your work into one notebook, called {policy.FILES.notebook}, and hand in that"
    remark = Finding("file-name", Severity.REMARK, message, construct=first.member.name, fix=fix)
    return Chosen(whole.work, whole.sliced, (remark,))


def _elsewhere(chosen: Chosen, others: Sequence[Tried]) -> Iterator[Finding]:
    """Remarks on classes that the chosen file leaves out, or unfilled, and that another file has."""
    classes = {question.number: question.class_name for question in policy.POLICY.questions}
    file = chosen.work.file
    for number in chosen.sliced.absent:
        for one in [one for one in others if number in one.written][:1]:
            message = f"{file}, which is graded, has no {classes[number]} yet, and {one.member.name} beside it has one"
            fix = f"put all your work into one notebook, called {policy.FILES.notebook}, and hand in that"
            yield Finding("file-name", Severity.REMARK, message, question=number, construct=one.member.name, fix=fix)


def code_files(members: Sequence[Member]) -> list[Member]:
    """Every file that could be the work, by its name."""
    known = [member for member in members if member.name.lower().endswith(_ENDINGS)]
    return [member for member in known if not member.name.endswith(KEPT_COPY)]


def _best(tried: Sequence[Tried], members: Sequence[Member]) -> Chosen:
    blank = [one for one in tried if one.blank] if any(one.filled for one in tried) else []
    tried = [one for one in tried if one not in blank]
    most = max(one.defines for one in tried)
    readable = [one for one in tried if one.work]
    if not readable:
        raise SubmissionError(tried[0].problem)
    full = [one for one in readable if one.defines == most] if most else readable
    rivals = [one for one in full if _rank(one) == _rank(full[0])] if full[0].right_name else full
    said: tuple[Finding, ...] = ()
    if not _same_work(rivals):
        rivals, said = ranked(rivals, members)
    first = rivals[0]
    partial = [one for one in readable if one.defines and one.defines < most]
    rest = [one for one in (*full, *partial) if one is not first and one.right_name and not (said and one in rivals)]
    assert first.work and first.sliced
    failed = [one for one in tried if one.problem]
    return Chosen(first.work, first.sliced, (*_remarks(first, rest, failed, blank), *said))


def _rank(one: Tried) -> tuple[str, int]:
    return one.base, one.member.name.count("/")


def _same_work(tried: Sequence[Tried]) -> bool:
    """One file; copies of one file; or a notebook beside its own export (my.ipynb, my.py)."""
    texts = {tuple(cell.source for cell in one.work.cells) for one in tried if one.work}
    stems = {one.member.name.lower().rpartition(".")[0] for one in tried}
    return len(texts) == 1 or len(stems) == 1


def _remarks(chosen: Tried, rest: Sequence[Tried], failed: Sequence[Tried], blank: Sequence[Tried]) -> list[Finding]:
    file = chosen.member.name
    messages = []
    if not chosen.right_name:
        messages.append(f"the file is called {file} instead of {policy.FILES.notebook}; it was graded all the same")
    messages += [
        f"{one.member.name} is the blank template still, so {file}, which has the classes, is graded in its place"
        for one in blank
        if one.right_name
    ]
    messages += [f"both {file} and {one.member.name} define the classes; {file} is graded" for one in rest]
    messages += [f"{one.member.name} could not be read, so {file} is graded: {one.problem}" for one in failed]
    fix = f"hand in one notebook, called {policy.FILES.notebook}"
    return [Finding("file-name", Severity.REMARK, message, construct=file, fix=fix) for message in messages]


def _none_found(members: Sequence[Member]) -> str:
    names = ", ".join(member.name for member in members[:5])
    found = f"found only {names}" if names else "found no files"
    closed = archive.not_opened(members)
    return (
        f"Looked for {policy.FILES.notebook} or {policy.FILES.script}, but {found}. {closed}{' ' if closed else ''}"
        f"In Colab use File > Download > Download .ipynb, name it {policy.FILES.notebook}, and hand that in."
    )


def _base(member: Member) -> str:
    return PurePosixPath(member.name).name.lower()
