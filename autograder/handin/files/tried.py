"""One file of a submission tried as the work: read and sliced, or the reason why it cannot be.

Why separate: choosing compares files, and looks at nothing but what is told of each here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from autograder.core import policy
from autograder.core.errors import SubmissionError
from autograder.handin.files.cells import Work, read_work, unreadable
from autograder.handin.files.members import Member
from autograder.handin.files.own_modules import beside, modules
from autograder.handin.slicing import Sliced, slice_cells
from autograder.handin.slicing.beside import Module


class Tried(NamedTuple):
    """A file that may be the work, with what it holds; `problem` says why it could not be read."""

    member: Member
    work: Work | None
    sliced: Sliced | None
    problem: str

    @property
    def defines(self) -> int:
        """How many of the classes stand in it, filled or not."""
        return len(self.sliced.programs) if self.sliced else 0

    @property
    def written(self) -> frozenset[str]:
        """The questions whose class is there, and more than the unfilled template."""
        return frozenset(self.sliced.programs) - set(self.sliced.absent) if self.sliced else frozenset()

    @property
    def filled(self) -> int:
        """How many of the classes are more than the unfilled template."""
        return len(self.written)

    @property
    def blank(self) -> bool:
        """Whether all that it defines is the template."""
        return self.defines > 0 and not self.filled

    @property
    def right_name(self) -> bool:
        """Whether it is called as the handout says."""
        return self.base in (policy.FILES.notebook.lower(), policy.FILES.script.lower())

    @property
    def base(self) -> str:
        """Its name without folders, in small letters."""
        return PurePosixPath(self.member.name).name.lower()


def try_file(member: Member, members: Sequence[Member], provided: str, also: Sequence[Tried] = ()) -> Tried:
    """`member` read and sliced, together with what stands in the files of `also`. Never raises for the student."""
    try:
        work = read_work(member.read(), member.name)
        found = modules(work, member, members)
        others = [Module(one.member.name, one.work.cells) for one in also if one.work]
        sliced = slice_cells(
            work.cells,
            member.name,
            provided=provided,
            beside=beside(member, members),
            modules=found,
            asides=work.asides,
            also=others,
        )
        return Tried(member, work, sliced, "")
    except SubmissionError as error:
        return Tried(member, None, None, str(error))
    except (MemoryError, RecursionError) as error:
        return Tried(member, None, None, str(unreadable(error, member.name)))
