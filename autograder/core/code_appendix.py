"""A submission's code by question, with what its training showed: what the appendix of the write-up is made of.

Why separate: the reading process makes it, the supervisor lays it out. All text in it is the student's own.
"""

from __future__ import annotations

import msgspec

from autograder.core.records import Line


class Shown(msgspec.Struct, frozen=True):
    """A picture: its ending ("png", "jpg" or "svg") and its bytes. `words`: what it is, for who cannot see it."""

    ending: str
    data: bytes
    words: str


class Block(msgspec.Struct, frozen=True):
    """Code in one piece. `place`: "cell 14"; `first`: the number of its first line; `printed`: what came of it."""

    place: str
    text: str
    first: int = 1
    printed: str = ""
    pictures: tuple[Shown, ...] = ()


class Section(msgspec.Struct, frozen=True):
    """The code of one question, on pages of its own. `number`: "" for what comes before all questions."""

    number: str
    title: str
    blocks: tuple[Block, ...] = ()


class Appendix(msgspec.Struct, frozen=True):
    """Everything, in the handout's order. `losses`: of 4(c); `notes`: what was left out; `problem`: why all is."""

    file: str = ""
    sections: tuple[Section, ...] = ()
    losses: tuple[Line, ...] = ()
    signed_by: str = ""
    collaborators: str = ""
    notes: tuple[str, ...] = ()
    problem: str = ""
