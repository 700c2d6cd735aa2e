"""What is there of a submission before it is handed in: one line for each thing that the handout asks for.

Why separate: the reading process makes it, the supervisor shows it. It says what is there, never what is right.
"""

from __future__ import annotations

from enum import Enum

import msgspec


class State(str, Enum):
    """How one thing stands. What is blank is never `there`."""

    THERE = "there"
    MISSING = "missing"  # it is asked for, and it is not there or blank
    LOOK = "look"  # it is there, and something about it should be looked at: nothing here can tell
    ELSEWHERE = "elsewhere"  # not asked for here, or not to be seen from here: the words say where it goes


class Item(msgspec.Struct, frozen=True):
    """One thing. `part`: where it stands in the handout; `fix`: what to do, where there is something to do."""

    part: str
    name: str
    state: State
    words: str = ""
    fix: str = ""


class Inventory(msgspec.Struct, frozen=True):
    """Everything, in the handout's order. `files`: what to hand in, of what is there."""

    file: str = ""
    items: tuple[Item, ...] = ()
    files: tuple[str, ...] = ()

    def having(self, state: State) -> tuple[Item, ...]:
        """The items in this state."""
        return tuple(item for item in self.items if item.state is state)
