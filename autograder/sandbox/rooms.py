"""The conversations of one submission: a child that ended one well holds the next one, whatever program that is about.

Why separate: a fork of a process that holds torch costs ten times what most tests do in it. A child decides nothing, so
that it may know what it was asked before, about this question or another one: each conversation runs its program anew,
and what another of the student's programs left behind, their own text could as well have brought along. Whatever did
not end well (raised, late, crashed, babbling) is never used again; and `plugin` ends the one of a question that lost
points, before the next. How one conversation goes is `room`'s affair.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from autograder.core.errors import GraderFault
from autograder.core.records import Limits
from autograder.sandbox import taken
from autograder.sandbox.room import Ended, Room
from autograder.sandbox.zygote import Zygote

# Putting a conversation away takes 3 ms here; a fork, which is what happens else, 20.
AGAIN_SECONDS = 0.5


class Rooms:
    """Opens conversations, and keeps at most one child that may hold another one."""

    def __init__(self, zygote: Zygote) -> None:
        self._zygote = zygote
        self._taken = taken.count()  # before this submission: its children may wait, and be taken, at any time
        self._idle: Room | None = None

    def open(self, limits: Limits, *, alone: bool = False) -> tuple[Room, bool]:
        """(a conversation, whether its child held one before). `alone`: one that holds no other, before or after.

        Raises Ended when no child can be started.
        """
        room = self._idle
        if room is not None and not alone:
            self._idle = None
            if _fit(room, limits):
                return room, True
            room.__exit__(None, None, None)
        return Room(self._zygote, limits, self._taken).__enter__(), False

    def give_back(self, room: Room, *, alone: bool = False) -> None:
        """Ends the conversation; its child is kept where it may hold another one, and else ended."""
        room.hear()
        if not alone and room.well and self._idle is None:
            self._idle = room
        else:
            room.__exit__(None, None, None)

    def close(self) -> None:
        """Ends the child that was kept."""
        room, self._idle = self._idle, None
        if room is not None:
            room.__exit__(None, None, None)


def _fit(room: Room, limits: Limits) -> bool:
    """Whether the child has put its last conversation away, and is as it was before. It must say so, soon.

    So nothing that a program leaves behind costs the next test: neither a change, nor an object that ends slowly.
    """
    if not room.renew(msgspec.structs.replace(limits, seconds=AGAIN_SECONDS)):
        return False
    try:
        reply, _ = room.ask("again", {})
    except Ended:
        return False
    return "changed" not in reply.notes and room.renew(limits)


class Conversations(NamedTuple):
    """How visits get their process: one that had a visit before, where there is one and it need not be `alone`."""

    rooms: Rooms
    limits: Limits
    alone: bool  # none other may have been in it, and none may come after

    def open(self) -> tuple[Room, bool]:
        """(a process, whether it was used before). Raises GraderFault when none can be started."""
        try:
            return self.rooms.open(self.limits, alone=self.alone)
        except Ended as ended:
            raise GraderFault(str(ended)) from None

    def close(self, room: Room) -> None:
        """The visit is over, however it ended."""
        self.rooms.give_back(room, alone=self.alone)
