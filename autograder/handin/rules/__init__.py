"""Rules: what reading the executed text (never running it) finds. One rule a file; `check` joins them.

Why separate: pure functions from a program to findings, without torch, files or processes, so that they run anywhere
and can be read as policy. Whether a finding costs points is said by its severity and decided elsewhere.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.core.errors import UNPARSABLE
from autograder.core.records import Finding, Program, Severity
from autograder.handin.rules import allowed_nn, dynamic, embedded, ready_made
from autograder.handin.rules.resolve import Resolver
from autograder.handin.rules.uses import Placed, Source, Use, uses

MOST_FINDINGS = 50  # nobody reads more, and a result must stay small
_NESTED = 3  # exec inside exec inside exec
_RULES = (ready_made.find, allowed_nn.find, dynamic.find)
_WEIGHT = {Severity.READY_MADE: 0, Severity.DISALLOWED: 1, Severity.FLAG: 2, Severity.REMARK: 3}


def check(program: Program) -> tuple[Finding, ...]:
    """All findings about one program, in line order, one a construct and line, at most 50 (the gravest are kept)."""
    try:
        tree = embedded.parsed(program.text)
    except UNPARSABLE as error:
        return (_unreadable(program, error),)
    return _sorted(_findings(program, tree, _NESTED))


def _findings(
    program: Program, tree: ast.Module, depth: int, line: int = 0, imported: tuple[Use, ...] = ()
) -> Iterator[Placed]:
    """What every rule finds in `tree`; `line` is that of the exec around it (0: none), `imported` what it brings."""
    resolver = Resolver(tree)
    source = Source(program, resolver, (*uses(resolver), *embedded.pickled(resolver), *imported), line)
    for rule in _RULES:
        yield from rule(source)
    if resolver.exhausted:
        yield line or 1, _tangled(program)
    if depth:
        for where, inner, brought in embedded.programs(resolver):
            yield from _findings(program, inner, depth - 1, line or where, brought)


def _sorted(findings: Iterator[Placed]) -> tuple[Finding, ...]:
    kept: dict[tuple[int, str, str], Placed] = {}
    for line, finding in findings:
        key = (line, finding.rule, finding.construct)
        if key not in kept or _WEIGHT[finding.severity] < _WEIGHT[kept[key][1].severity]:
            kept[key] = (line, finding)
    gravest = sorted(kept.values(), key=lambda pair: _WEIGHT[pair[1].severity])[:MOST_FINDINGS]
    gravest.sort(key=lambda pair: (pair[0], _WEIGHT[pair[1].severity], pair[1].construct))
    return tuple(finding for _, finding in gravest)


def _tangled(program: Program) -> Finding:
    return Finding(
        "dynamic",
        Severity.FLAG,
        f"The program of {program.question} refers to itself in too many ways to be followed; please read it.",
        program.question,
        place=program.place(1),
    )


def _unreadable(program: Program, error: BaseException) -> Finding:
    line = getattr(error, "lineno", None) or 1
    return Finding(
        "syntax",
        Severity.FLAG,
        f"The program of {program.question} could not be read ({type(error).__name__}), so no rule was applied.",
        program.question,
        place=program.place(line),
        fix="Run the notebook from the top with a fresh kernel, and fix what Python reports first.",
    )
