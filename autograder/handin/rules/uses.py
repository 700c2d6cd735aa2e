"""Every place where a program reaches something by a name that can be traced to a module.

Why separate: "what is used, and where" is found once and then judged by every rule. A bare import is no use, nor is an
alias by itself (`Linear, Norm = nn.Linear, nn.LayerNorm` may stand in both questions' programs): what counts is the
place where the name is taken up. Nothing here may know what is permitted.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from autograder.core import records
from autograder.handin.rules import paths
from autograder.handin.rules.calls import getter
from autograder.handin.rules.meaning import Meaning
from autograder.handin.rules.resolve import Resolver
from autograder.handin.rules.scopes import Seen


@dataclass(frozen=True)
class Use:
    """`node` reaches one of `paths` (canonical). `doubt`: or something of the student's own.

    `spelling` is the student's. `trick`: reached by a computed or quoted name (getattr and the like).
    """

    paths: frozenset[str]
    doubt: bool
    line: int
    spelling: str
    trick: bool
    node: ast.expr


def uses(resolver: Resolver) -> tuple[Use, ...]:
    """All uses in the program, in the order of its text."""
    aliases = _alias_values(resolver)
    inner = {id(s.node.value): s.node for s in resolver.program.seen if isinstance(s.node, ast.Attribute)}
    found: list[Use] = []
    for seen in resolver.program.seen:
        if id(seen.node) not in aliases:
            found += _used(resolver, seen, inner)
    return tuple(found)


def _used(resolver: Resolver, seen: Seen, inner: dict[int, ast.Attribute]) -> Iterator[Use]:
    node = seen.node
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in inner:
        if _from_outside(resolver, node):
            yield from _use(resolver.meaning(node), node, trick=False)
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        outer = inner.get(id(node))  # of a.b.c only the whole is reported
        if resolver.meaning(node.value).paths and not (outer and resolver.meaning(outer).paths):
            yield from _use(resolver.meaning(node), node, trick=False)
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        if resolver.meaning(node.value).paths:
            yield from _use(resolver.meaning(node), node, trick=True)
    elif isinstance(node, ast.Match):
        yield from _matched(resolver, node)
    elif isinstance(node, ast.Call):
        function = resolver.meaning(node.func).paths - {"functools.partial"}  # its argument is a use already
        reached = [resolver.meaning(node)] if function else []
        for meaning in [*reached, getter(resolver, node)]:
            yield from _use(meaning, node, trick=True)


def _matched(resolver: Resolver, node: ast.Match) -> Iterator[Use]:
    """`match nn: case object(Parameter=p)` reads an attribute too."""
    for case in node.cases:
        for name in case.pattern.kwd_attrs if isinstance(case.pattern, ast.MatchClass) else ():
            yield from _use(resolver.member(node.subject, (name,)), node.subject, trick=True)


def _use(meaning: Meaning, node: ast.expr, *, trick: bool) -> Iterator[Use]:
    if meaning.paths:
        yield Use(meaning.paths, meaning.doubt, node.lineno, spelled(node), trick, node)


def spelled(node: ast.expr) -> str:
    """The student's own spelling, on one line and short."""
    try:
        text = " ".join(ast.unparse(node).split())
    except RecursionError:
        return "an expression"
    return text if len(text) <= 60 else text[:57] + "..."


def _from_outside(resolver: Resolver, node: ast.Name) -> bool:
    """Whether a name was imported, came with a star import, is a builtin, or is an alias at the top of the program."""
    bindings = resolver.candidates(node)
    if bindings is None:
        return True
    top = resolver.program.module.bindings.get(node.id, [])
    return any(binding.path or any(binding is each for each in top) for binding in bindings)


def _alias_values(resolver: Resolver) -> set[int]:
    """Right sides at the top of the program that only give an imported thing another name (or several, in a tuple)."""
    found: set[int] = set()
    for seen in resolver.program.seen:
        if not isinstance(seen.node, ast.Assign) or seen.scope is not resolver.program.module:
            continue
        for target in seen.node.targets:
            for name, value in _pairs(target, seen.node.value):
                if isinstance(name, ast.Name) and isinstance(value, (ast.Name, ast.Attribute)):
                    if len(seen.scope.bindings.get(name.id, [])) > 1:
                        continue  # it may be something else when it is taken up: then this is the place to report
                    found.update(_chain(value) if resolver.dotted(value) else ())
    return found


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    if isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)):
        return list(zip(target.elts, value.elts)) if len(target.elts) == len(value.elts) else []
    return [(target, value)]


def _chain(node: ast.expr) -> Iterator[int]:
    """The ids of an attribute chain's nodes: a, a.b, a.b.c."""
    yield id(node)
    while isinstance(node, ast.Attribute):
        node = node.value
        yield id(node)


def members(use: Use) -> frozenset[str]:
    """The things of torch.nn among what is reached, as "torch.nn.Linear"."""
    return frozenset(member for path in use.paths if (member := paths.nn_member(path)))


Placed = tuple[int, records.Finding]  # the line of the executed text, and what was found there


@dataclass(frozen=True)
class Source:
    """What every rule is given: the program as record, its resolver and its uses, and the line to report instead of a
    node's own (`line`, for text inside an exec; 0: the node's own).
    """

    program: records.Program
    resolver: Resolver
    uses: tuple[Use, ...]
    line: int = 0

    def finding(
        self, rule: str, severity: records.Severity, construct: str, line: int, message: str, fix: str
    ) -> Placed:
        """A finding of a rule about this program, with its place in the submission."""
        line = self.line or line
        place = self.program.place(line)
        return line, records.Finding(rule, severity, message, self.program.question, construct, place, fix)
