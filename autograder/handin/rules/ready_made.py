"""Rule "ready-made": attention or a whole encoder that somebody else wrote, wherever it comes from.

Why separate: it holds for every question that asks for attention or a layer, and costs more than other uses of nn. It
judges only what a name is proved to reach; a name that merely reads like attention is the student's own affair.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from autograder.core.records import Severity
from autograder.handin.rules import fixing, paths
from autograder.handin.rules.uses import Placed, Source, Use

RULE = "ready-made"
# A package that is not known here, and a thing in it that is called attention: for a person to look at.
_ATTENTION_WORDS = re.compile(r"attention|transformer|multi_?head", re.IGNORECASE)
_OWN_NAMES = frozenset({"builtins", "numpy", "einops", "math", "typing", "globals()"})


def find(source: Source) -> Iterator[Placed]:
    """A finding for every use of ready-made attention; a flag where it cannot be told for certain."""
    for use in source.uses:
        certain = sorted(filter(paths.ready_made, use.paths))
        if certain:
            yield _finding(source, use, certain[0])
        else:
            yield from _unknown_package(source, use)


def _finding(source: Source, use: Use, path: str) -> Placed:
    construct = _construct(path)
    fix = fixing.ready_made(source.program.question)
    if use.doubt:
        message = f"`{use.spelling}` may be {construct}, ready-made attention; it could not be told."
        return source.finding(RULE, Severity.FLAG, construct, use.line, message, fix)
    also = f" (written `{use.spelling}`)" if use.spelling not in (construct, construct.removeprefix("torch.")) else ""
    message = f"{construct}{also} is ready-made: this question asks you to write it yourself."
    return source.finding(RULE, Severity.READY_MADE, construct, use.line, message, fix)


def _construct(path: str) -> str:
    """The path up to the ready-made thing: torch.nn.MultiheadAttention for torch.nn.MultiheadAttention.forward."""
    parts = path.split(".")
    for end in range(2, len(parts) + 1):
        head = ".".join(parts[:end])
        if paths.ready_made(head) and not paths.is_namespace(head) and parts[0] == "torch":
            return head
    return path


def _unknown_package(source: Source, use: Use) -> Iterator[Placed]:
    for path in sorted(use.paths):
        root = path.partition(".")[0]
        if root == "torch" or root in _OWN_NAMES or use.doubt:
            continue
        if paths.foreign_model(path) or _ATTENTION_WORDS.search(path.rpartition(".")[2]):
            message = f"`{use.spelling}` comes from the package {root}; a person should see whether it is ready-made."
            fix = fixing.ready_made(source.program.question)
            yield source.finding(RULE, Severity.FLAG, path, use.line, message, fix)
