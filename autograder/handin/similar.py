"""Which programs of a class are alike beyond what this class's programs are anyway. For staff, and never a verdict.

Why separate: pure, over the texts that were executed. A program is the bag of its statements with names, order and
spelling taken away; what the handout gives stands in everybody's and counts nothing. A statement counts as many bits as
it is rare in this very class, so the plain solution, which half of a class writes, makes nobody alike.

copydetect compares tokens in their order and brings numpy and matplotlib; what a renamed or reordered copy keeps of
twenty lines is too short for its windows.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from autograder.core.errors import UNPARSABLE
from autograder.core.names import named

# Alike: so much of what is rare in either is in both, and chance would do that to any pair at all in one of 2**BEYOND
# classes of this size. `benchmarks/similarity.py` measures what happens to honest styles: in one class of ten.
SHARE = 0.85
BEYOND = 3.0
PRIOR = 1.0  # programs' worth: what so few others have is taken for independent
COMMON = 0.5  # of the class: what so many have says nothing
FEWEST = 6  # submissions; in fewer, nothing is rare
MAX_STATEMENTS = 400  # of a program; the homework's classes have some twenty

_GIVEN = Path(__file__).parents[1] / "student_room" / "provided_classes.py"
_LIBRARIES = {"torch", "nn", "F", "math", "np", "numpy", "einops", "rearrange", "repeat", "reduce", "einsum"}
_KEPT = _LIBRARIES | set(dir(builtins))


class Pair(msgspec.Struct, frozen=True):
    """Two submissions whose programs for `question` are alike. `same`: of their lines, so many letter for letter."""

    question: str
    one: str
    other: str
    share: float  # of the rare statements, weighted
    bits: float
    same: float


def pairs(programs: Mapping[str, Mapping[str, str]]) -> tuple[Pair, ...]:
    """The alike pairs, the most alike first. `programs`: question, then id, then text."""
    found = (pair for question, texts in programs.items() for pair in _pairs(question, texts))
    return tuple(sorted(found, key=lambda pair: (-pair.bits, pair.question, pair.one, pair.other)))


def _pairs(question: str, texts: Mapping[str, str]) -> Iterator[Pair]:
    given = frozenset(_marks(ast.parse(named(_GIVEN.read_text(encoding="utf-8")))))
    bags = {name: bag for name, text in texts.items() if (bag := bag_of(text) - given)}
    if len(bags) < FEWEST:
        return
    least = math.log2(len(bags) * (len(bags) - 1) / 2) + BEYOND
    count = Counter(mark for bag in bags.values() for mark in bag)
    weights = {mark: math.log2(len(bags) / n) for mark, n in count.items() if n <= COMMON * len(bags)}
    owners: dict[str, list[str]] = {}
    for name, bag in bags.items():
        for mark in bag & weights.keys():
            owners.setdefault(mark, []).append(name)
    shared: dict[tuple[str, str], float] = {}
    for mark, names in owners.items():
        for index, one in enumerate(names):
            for other in names[index + 1 :]:
                shared[one, other] = shared.get((one, other), 0.0) + weights[mark]
    whole = {name: sum(weights[mark] for mark in bag & weights.keys()) for name, bag in bags.items()}
    having = {mark: frozenset(names) for mark, names in owners.items()}
    for (one, other), bits in shared.items():
        either = whole[one] + whole[other] - bits
        if bits >= least and bits >= SHARE * either:
            known = _surprise(
                [having[mark] for mark in bags[one] & bags[other] & weights.keys()], {one, other}, len(bags)
            )
            if known >= least:
                same = _same(texts[one], texts[other])
                yield Pair(question, one, other, round(bits / either, 3), round(known, 1), same)


def _surprise(having: Iterable[frozenset[str]], pair: set[str], count: int) -> float:
    """Bits of statements that two share, given by those who have each, where some come with others.

    Statements of one choice stand together in other programs, too: each counts as rare as it is among those that have
    the one it goes with most. The two themselves tell nothing of that, so they are left out.
    """
    bits, before = 0.0, list[frozenset[str]]()
    for owners in sorted((names - pair for names in having), key=lambda names: (len(names), sorted(names)[:1])):
        share = (len(owners) + len(pair)) / count
        given = [(len(owners & others) + PRIOR * share) / (len(others) + PRIOR) for others in before]
        bits -= math.log2(min(1.0, max([share, *given])))
        before.append(owners)
    return bits


def _same(one: str, other: str) -> float:
    lines = [{line.strip() for line in text.splitlines() if line.strip()} for text in (one, other)]
    return round(len(lines[0] & lines[1]) / max(1, len(lines[0] | lines[1])), 2)


def groups(found: Iterable[Pair]) -> tuple[tuple[str, ...], ...]:
    """Ids that hang together by pairs, whatever the question; the largest groups first."""
    above: dict[str, str] = {}

    def top(name: str) -> str:
        while above.setdefault(name, name) != name:
            name = above[name]
        return name

    for pair in found:
        above[top(pair.one)] = top(pair.other)
    together: dict[str, list[str]] = {}
    for name in above:
        together.setdefault(top(name), []).append(name)
    return tuple(sorted((tuple(sorted(names)) for names in together.values()), key=lambda names: (-len(names), names)))


def bag_of(text: str) -> frozenset[str]:
    """A mark for each statement of the program; none for what is no program."""
    try:
        return frozenset(_marks(ast.parse(text))[:MAX_STATEMENTS])
    except UNPARSABLE:
        return frozenset()


def _marks(tree: ast.AST) -> list[str]:
    plain = [_form(node, {}) for node in ast.walk(tree) if isinstance(node, ast.stmt) and not _is_aside(node)]
    # the second, third … of one kind is another thing than the first: three projections are not one
    seen: Counter[str] = Counter()
    marks = []
    for mark in plain:
        seen[mark] += 1
        marks.append(hashlib.sha256(f"{mark} {seen[mark]}".encode()).hexdigest()[:16])
    return marks


def _is_aside(node: ast.stmt) -> bool:
    """Imports, `pass`, docstrings: what nobody solves anything with."""
    doc = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return doc or isinstance(node, (ast.Import, ast.ImportFrom, ast.Pass))


def _form(node: object, names: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return node.id if node.id in _KEPT else names.setdefault(node.id, f"v{len(names)}")
    if isinstance(node, ast.Attribute):
        own = isinstance(node.value, ast.Name) and node.value.id == "self"
        if own:
            return names.setdefault(f"self.{node.attr}", f"v{len(names)}")
        return f"{_form(node.value, names)}.{node.attr}"
    if isinstance(node, ast.arg):
        return names.setdefault(node.arg, f"v{len(names)}")
    if isinstance(node, ast.keyword):
        return f"{node.arg}={_form(node.value, names)}"
    if isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.Assign)):
        return _assigned(node, names)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mult)):
        return f"({type(node.op).__name__} {' '.join(_sorted((node.left, node.right), names))})"
    if isinstance(node, list):
        return " ".join(_form(part, names) for part in node)
    if isinstance(node, ast.AST):
        return f"({type(node).__name__} {' '.join(_form(value, names) for value in _parts(node))})"
    return repr(node)


def _assigned(node: ast.AnnAssign | ast.AugAssign | ast.Assign, names: dict[str, str]) -> str:
    """`x += y`, `x: T = x + y` and `x = x + y` are one."""
    if isinstance(node, ast.AugAssign):
        value: ast.expr | None = ast.BinOp(node.target, node.op, node.value)
    else:
        value = node.value
    several = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple)
    return f"({'several' if several else 'one'} = {_form(value, names)})"


def _sorted(sides: Sequence[ast.expr], names: dict[str, str]) -> list[str]:
    """Sides that may change places, in an order that does not depend on their names."""
    return [_form(side, names) for side in sorted(sides, key=lambda side: _form(side, {}))]


def _parts(node: ast.AST) -> Iterator[object]:
    """What a node says, without where it stands, what it is called, its notes, and the statements below it."""
    left_out = {"decorator_list", "returns", "annotation", "type_comment", "name", "ctx", "finalbody", "handlers"}
    if isinstance(node, ast.stmt):
        left_out |= {"body", "orelse"}  # of a lambda or `a if b else c` they are expressions
    for field, value in ast.iter_fields(node):
        if field == "keywords":
            yield sorted(value, key=lambda one: one.arg or "")
        elif field not in left_out:
            yield value
