"""What the student's own text says at a line: the words of an assert, a name, an import, a forgotten `return`.

Why separate: hidden tests show nothing that the program made while it ran, its exception's text least of all. What is
quoted to the student is cut from the text that they handed in, and the exception only says which piece. Nothing here
runs anything.
"""

from __future__ import annotations

import ast
import difflib
import functools
from collections.abc import Iterator
from typing import NamedTuple

from autograder.core.errors import UNPARSABLE
from autograder.core.text import one_line

QUOTED = 100  # characters of a line that are quoted
_LONGEST = 400_000  # characters of a program that are looked at; the longest notebook that we know has 60,000
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Import(NamedTuple):
    """A name that an import statement binds: `from typing import override as o` is ("o", "typing", "override")."""

    bound: str
    module: str
    name: str
    line: int


class Piece(NamedTuple):
    """Something in the text: its words, on one line, and the line where it stands."""

    words: str
    line: int


class OwnText:
    """A program's text, parsed. What cannot be parsed has nothing to say."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = _parsed(text)

    def statement(self, line: int) -> ast.stmt | None:
        """The innermost statement that the line belongs to."""
        found = [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
        ]
        return max(found, key=lambda node: (node.lineno, -(node.end_lineno or 0), node.col_offset), default=None)

    def quoted(self, node: ast.AST) -> str:
        """The words of a piece of the text, on one line."""
        words = ast.get_source_segment(self.text, node) if len(self.text) <= _LONGEST else ""
        return one_line(" ".join((words or "").split()), QUOTED)

    def asserted(self, line: int) -> str:
        """What is asserted at the line, without its message; "" when there is no assert."""
        node = self.statement(line)
        return f"assert {self.quoted(node.test)}" if isinstance(node, ast.Assert) else ""

    def raised(self, line: int) -> str:
        """The `raise` of the student's own at the line; "" when there is none, or it raises what was caught."""
        node = self.statement(line)
        return self.quoted(node) if isinstance(node, ast.Raise) and node.exc is not None else ""

    def condition(self, line: int) -> str:
        """What the innermost `if` around the line asks; "" when there is none."""
        around = [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.If) and node.lineno <= line <= (node.end_lineno or node.lineno)
        ]
        inner = max(around, key=lambda node: node.lineno, default=None)
        return self.quoted(inner.test) if inner else ""

    def class_named(self, name: str) -> Piece | None:
        """The class of that name."""
        found = (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef) and node.name == name)
        return next((Piece(node.name, node.lineno) for node in found), None)

    def made_with(self, class_name: str) -> list[str]:
        """The arguments of the class's __init__, without self."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef) and node.name == class_name:
                for part in node.body:
                    if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                        return [argument.arg for argument in (*part.args.posonlyargs, *part.args.args)][1:]
        return []

    def method_like(self, class_name: str, name: str) -> str:
        """A method of the class whose name reads much like `name`; "" for none."""
        methods = [
            part.name
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ClassDef) and node.name == class_name
            for part in node.body
            if isinstance(part, _FUNCTIONS)
        ]
        return next(iter(difflib.get_close_matches(name, methods, n=1)), "")

    def arguments(self, class_name: str, method: str) -> list[str] | None:
        """The arguments of a class's method that have to be given, without self; None where it has none of the name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef) and node.name == class_name:
                for part in node.body:
                    if isinstance(part, _FUNCTIONS) and part.name == method:
                        given = [argument.arg for argument in (*part.args.posonlyargs, *part.args.args)]
                        return given[1 : len(given) - len(part.args.defaults)]
        return None

    def empty(self, name: str) -> Piece | None:
        """A function of that name in which nothing stands but `pass`, `...` and text."""
        for node in ast.walk(self.tree):
            if isinstance(node, _FUNCTIONS) and node.name == name and all(map(_says_nothing, node.body)):
                return Piece(node.name, node.lineno)
        return None

    def local(self, name: str) -> bool:
        """Whether a function assigns to that name, as a local one."""
        return any(
            isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, ast.Store)
            for node in ast.walk(self.tree)
            if isinstance(node, _FUNCTIONS)
            for part in _of_its_own(node)
        )

    def falls_through(self, name: str) -> Piece | None:
        """A function of that name which returns something on some ways and comes to its end on others."""
        for node in ast.walk(self.tree):
            if (
                isinstance(node, _FUNCTIONS)
                and node.name == name
                and not isinstance(node.body[-1], (ast.Return, ast.Raise))
            ):
                return Piece(node.name, node.lineno)
        return None

    def names(self, line: int) -> list[str]:
        """Every name and attribute of the statement at the line."""
        node = self.statement(line)
        parts = ast.walk(node) if node is not None else ()
        return [part.id if isinstance(part, ast.Name) else part.attr for part in parts
                if isinstance(part, (ast.Name, ast.Attribute))]  # fmt: skip

    def named_in(self, text: str, line: int) -> str:
        """The name of the statement at the line that `text` quotes: 'name', as Python writes it; "" for none."""
        return next((name for name in self.names(line) if f"'{name}'" in text), "")

    def imports(self) -> Iterator[Import]:
        """Every name that an import binds, wherever it stands."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.asname or alias.name.split(".")[0], alias.name, "", node.lineno)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield Import(alias.asname or alias.name, node.module or "", alias.name, node.lineno)

    def without_return(self) -> list[Piece]:
        """Functions that are used for what they give, by their name, and give nothing: the line of each."""
        used = {"forward", *self._used_for_their_value()}
        return [
            Piece(node.name, node.lineno)
            for node in ast.walk(self.tree)
            if isinstance(node, _FUNCTIONS) and node.name in used and not _gives_something(node)
        ]

    def _used_for_their_value(self) -> Iterator[str]:
        """The names of functions and methods that are called anywhere but as a statement of their own."""
        alone = {id(node.value) for node in ast.walk(self.tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and id(node) not in alone:
                yield node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")

    def calls(self, *names: str) -> list[Piece]:
        """Where a function, method or attribute of one of these names stands."""
        return [
            Piece(self.quoted(node), node.lineno)
            for node in ast.walk(self.tree)
            if (isinstance(node, ast.Attribute) and node.attr in names)
            or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names)
        ]

    def turned(self, line: int) -> Piece | None:
        """A `.T` at the line, or in what a name of that line was set to, of something that may have three axes.

        Not of a parameter, nor of one sample of a batch: those have two.
        """
        named = set(self.names(line))
        statements = [node for node in ast.walk(self.tree) if isinstance(node, ast.Assign) and _binds(node) & named]
        here = self.statement(line)
        for statement in (*([here] if here else ()), *statements):
            for node in ast.walk(statement):
                if isinstance(node, ast.Attribute) and node.attr == "T" and not _has_two_axes(node.value):
                    return Piece(self.quoted(node), node.lineno)
        return None

    def nearest(self, name: str) -> str:
        """The attribute of self that is set somewhere and reads most like `name`; "" for none."""
        known = {
            node.attr
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_self(node.value)
        }
        return next(iter(difflib.get_close_matches(name, sorted(known - {name}), n=1)), "")

    def sets(self, name: str) -> bool:
        """Whether self.name is set somewhere."""
        return any(
            isinstance(node, ast.Attribute)
            and node.attr == name
            and isinstance(node.ctx, ast.Store)
            and _is_self(node.value)
            for node in ast.walk(self.tree)
        )


@functools.lru_cache(8)
def _parsed(text: str) -> ast.Module:
    if len(text) <= _LONGEST:
        try:
            return ast.parse(text)
        except UNPARSABLE:
            pass
    return ast.Module([], [])


def _says_nothing(part: ast.stmt) -> bool:
    return isinstance(part, ast.Pass) or (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))


def _gives_something(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the function returns or yields something, or never comes to its end."""
    own = list(_of_its_own(node))
    gives = any(isinstance(part, (ast.Yield, ast.YieldFrom)) or _returns(part) for part in own)
    return gives or all(isinstance(part, (ast.Raise, ast.Pass, ast.Expr)) for part in node.body)


def _returns(part: ast.AST) -> bool:
    return isinstance(part, ast.Return) and part.value is not None


def _of_its_own(node: ast.AST) -> Iterator[ast.AST]:
    """What stands in the function itself, not in one that it defines."""
    stack = list(ast.iter_child_nodes(node))
    while stack:
        part = stack.pop()
        if isinstance(part, (*_FUNCTIONS, ast.Lambda, ast.ClassDef)):
            continue
        yield part
        stack.extend(ast.iter_child_nodes(part))


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _binds(node: ast.Assign) -> set[str]:
    return {part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)}


def _has_two_axes(node: ast.expr) -> bool:
    """self.w, self.to_q.weight: made in __init__; q[i]: one sample."""
    if isinstance(node, ast.Subscript):
        return True
    while isinstance(node, ast.Attribute):
        node = node.value
        if _is_self(node):
            return True
    return False
