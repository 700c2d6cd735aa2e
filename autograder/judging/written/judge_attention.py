"""Judge for attention by hand: a vector, as numbers or as a combination of the value vectors.

Why separate: deciding is pure. The right vector and the known slips are arguments, given by the hidden tests alone; no
message here may state a right value.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

from autograder.core.policy import TOLERANCES
from autograder.judging.expect import Verdict
from autograder.judging.written import read
from autograder.judging.written.algebra import Value
from autograder.judging.written.commas import read_either_way
from autograder.judging.written.verdict import Slip, Unreadable, blank, slipped, unread, wrong

_TERM = 0.01  # what an entry of a term may be off by, cut to two decimals


def judge_vector(
    raw: object, expected: Sequence[float], slips: Sequence[Slip], vectors: Sequence[Sequence[float]]
) -> Verdict:
    """Three numbers, or a combination of v1, v2, v3 (`vectors`) with softmax weights, by value."""
    kind = "a vector: three numbers, or numbers times v1, v2, v3 added up"
    if read.is_blank(raw):
        return blank('three numbers, or the combination as text, e.g. a2 = "0.25*v1 + 0.25*v2 + 0.5*v3"')
    try:
        (found, understood), remarks = read_either_way(
            raw,
            lambda typed: _read(typed, vectors),
            lambda read: any(_close(value, expected) for value in read[0]),
        )
    except Unreadable as problem:
        return unread(problem, kind, raw)
    if any(_close(value, expected) for value in found):
        return Verdict(1.0, remarks=remarks)
    for slip in slips:
        if isinstance(slip.value, tuple) and any(_close(value, slip.value) for value in found):
            return slipped(slip, kind, raw, remarks, understood)
    fix = "check the scores first, then the softmax weights (they add up to 1), then the sum"
    return wrong(kind, fix, raw, remarks, understood)


def _read(raw: object, vectors: Sequence[Sequence[float]]) -> tuple[list[tuple[float, ...]], str]:
    typed = read.combinations(raw, _named(vectors))
    return [_flat(value, vectors) for value in typed.values], typed.understood


def _named(vectors: Sequence[Sequence[float]]) -> dict[str, Value]:
    listed: tuple[Value, ...] = tuple(tuple(map(float, vector)) for vector in vectors)
    return {"V": listed, "v": listed, **{f"v{number}": vector for number, vector in enumerate(listed, start=1)}}


def _flat(value: Value, vectors: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """A row, a column, or the terms of the sum, a multiple of one of the vectors each, as one vector."""
    length = len(vectors[0])
    entries = value if isinstance(value, tuple) else (value,)
    while len(entries) == 1 and isinstance(entries[0], tuple):
        entries = entries[0]
    numbers = [entry[0] if isinstance(entry, tuple) and len(entry) == 1 else entry for entry in entries]
    if all(isinstance(entry, tuple) and len(entry) == length and not _nested(entry) for entry in numbers):
        terms = [tuple(map(float, entry)) for entry in numbers]  # type: ignore[arg-type]
        if all(_is_term(term, vectors) for term in terms):
            numbers = [sum(column) for column in zip(*terms)]
    if len(numbers) != length or _nested(tuple(numbers)):
        raise Unreadable(f"this is not a vector with {length} entries", "write the entries, or the whole combination")
    return tuple(float(entry) for entry in numbers)  # type: ignore[arg-type]


def _is_term(term: Sequence[float], vectors: Sequence[Sequence[float]]) -> bool:
    """Whether it is a number times one of the vectors, as far as two decimals tell: a diagonal matrix has no terms."""
    for vector in vectors:
        share = sum(map(operator.mul, term, vector)) / sum(x * x for x in vector)
        if all(abs(x - share * y) <= _TERM + TOLERANCES.vector * abs(x) for x, y in zip(term, vector)):
            return True
    return False


def _nested(entries: tuple[Value, ...]) -> bool:
    return any(isinstance(entry, tuple) for entry in entries)


def _close(found: Sequence[float], value: Sequence[float]) -> bool:
    tolerance = TOLERANCES.vector * max(map(abs, value))
    return len(found) == len(value) and all(abs(x - y) <= tolerance for x, y in zip(found, value))
