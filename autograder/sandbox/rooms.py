"""The conversations of one submission: a child that ended one well holds the next one about the same program.

Why separate: a fork of a process that holds torch costs ten times what most tests do in it. A child decides nothing, so
that it may know what it was asked before; each conversation runs the program anew. Whatever did not end well (raised,
late, crashed, babbling) is never used again. How one conversation goes is `room`'s affair.
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
        self._idle: dict[str, Room] = {}

    def open(self, program: str, limits: Limits) -> tuple[Room, bool]:
        """(a conversation, whether its child held one before). `program`: about what; empty: nobody else's child.

        Raises Ended when no child can be started.
        """
        room = self._idle.pop(program, None)
        self.close()
        if room is not None:
            if _fit(room, limits):
                return room, True
            room.__exit__(None, None, None)
        return Room(self._zygote, limits, self._taken).__enter__(), False

    def give_back(self, program: str, room: Room) -> None:
        """Ends the conversation; its child is kept where it may hold another one, and else ended."""
        room.hear()
        if program and room.well and program not in self._idle:
            self._idle[program] = room
        else:
            room.__exit__(None, None, None)

    def close(self) -> None:
        """Ends the child that was kept."""
        while self._idle:
            self._idle.popitem()[1].__exit__(None, None, None)


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
    """How visits get their process: one that had a visit with the `same` program before, where there is one."""

    rooms: Rooms
    limits: Limits
    same: str  # ""; none other may have been in it, and none may come after

    def open(self) -> tuple[Room, bool]:
        """(a process, whether it was used before). Raises GraderFault when none can be started."""
        try:
            return self.rooms.open(self.same, self.limits)
        except Ended as ended:
            raise GraderFault(str(ended)) from None

    def close(self, room: Room) -> None:
        """The visit is over, however it ended."""
        self.rooms.give_back(self.same, room)
