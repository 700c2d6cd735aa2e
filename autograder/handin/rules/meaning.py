"""What an expression may stand for, as a record: dotted paths, and things of the student's own.

Why separate: the resolver, its treatment of calls and the rules all speak in it. Nothing here may look at a program.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeAlias


@dataclass(frozen=True)
class Own:
    """A thing of the student's own: a function, class or literal (its node), or an instance of the class."""

    node: ast.AST
    instance: bool = False


Thing: TypeAlias = str | Own


@dataclass(frozen=True)
class Meaning:
    """Everything that an expression may stand for. `doubt`: it may as well be something that cannot be told."""

    things: frozenset[Thing] = frozenset()
    doubt: bool = True

    @property
    def paths(self) -> frozenset[str]:
        """The dotted paths among the things, e.g. "torch.nn.functional.softmax"."""
        return frozenset(thing for thing in self.things if isinstance(thing, str))

    @property
    def own(self) -> tuple[Own, ...]:
        """The student's own things among them."""
        return tuple(thing for thing in self.things if isinstance(thing, Own))


class Lookup(Protocol):
    """Who can be asked what an expression stands for: the resolver, as calls and links see it."""

    def meaning(self, node: ast.expr) -> Meaning:
        """What the expression stands for."""

    def dotted(self, node: ast.expr) -> str:
        """The one path that it surely stands for, or ""."""

    def member(self, base: ast.expr, attributes: Iterable[str]) -> Meaning:
        """What `base.attribute` stands for, for any of the attributes."""

    def entry(self, table: str, key: str) -> Meaning:
        """What `table[key]` is, for the tables that hold modules or their names."""

    def texts(self, node: ast.expr) -> tuple[str, ...]:
        """The texts that an expression of constants may have."""

    def returned(self, function: ast.AST) -> Iterable[ast.expr]:
        """What a function of the student's own gives back."""

    def forget(self) -> None:
        """Drops the answers that were kept: something that they rest on has been added."""


UNKNOWN = Meaning()
NOTHING = Meaning(doubt=False)  # a constant: it has no attributes worth following


def exactly(*things: Thing) -> Meaning:
    """It is one of these, for certain."""
    return Meaning(frozenset(things), False)


def any_of(meanings: Iterable[Meaning]) -> Meaning:
    """It may be any of these; nothing to choose from is unknown."""
    parts = list(meanings)
    if not parts:
        return UNKNOWN
    things = frozenset(thing for part in parts for thing in part.things)
    return Meaning(things, any(part.doubt for part in parts))
