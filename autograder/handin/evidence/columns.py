"""Curves that no known word names: lines of one form, printed once an epoch, of which two numbers fall side by side.

Why separate: people name the two losses in any language, by letters or not at all. What the lines are of is told by
their form and by what their numbers do. It is a guess, which staff are told; nothing here may decide points.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from autograder.handin.evidence import words
from autograder.handin.evidence.printed_run import MAX_TEXT, lines_of

LEAST_LINES = 5  # of one form; fewer may be anything
MOST_LINES = 2_000
LARGEST = 10.0  # a mean loss over ten classes is 2.3 before training
# How many times the other a last loss may be; a learning rate, which falls as well, is a hundred times smaller.
FARTHEST = 6.0

_NUMBER = re.compile(
    r"(?<![\w.])[-+]?\d{1,12}(?:\.\d{1,20})?(?:[eE][-+]?\d{1,3})?(?![\w.])|(?<=[A-Za-z_=:])\d\.\d{1,20}"
)
_LIST = re.compile(r"\[[\s\d.,eE+-]{20,4000}\]")  # of numbers alone, with commas or NumPy's blanks
_DIGIT = re.compile(r"\d")  # "36.1s train": what stands before another number is that one's
_LETTERS = re.compile(r"[^\W\d_]+")
# What else falls beside a loss.
_OTHER = frozenset(
    "grad gradient gradients norm gnorm std var variance gap diff delta mem gb mb eta left remaining temp temperature"
    " ema smooth smoothed running moving momentum decay wd beta eps epsilon alpha gamma noise kl reg regularization"
    " penalty".split()
) | (frozenset(words.QUANTITIES) - words.LOSS - words.EPOCH)


class Columns(NamedTuple):
    """The two curves, in the order in which they are printed unless a word says which is which."""

    train: tuple[float, ...]
    validation: tuple[float, ...]


def of_text(text: str) -> Columns | None:
    """The first two columns of decimals that fall: of the form of which most lines are, of lines by turns, or lists."""
    lines = lines_of(text, bars=False)
    return _of_lines(lines, least=2) or _of_lines(lines, least=1) or _of_lists(text)


def _of_lines(lines: Sequence[str], least: int) -> Columns | None:
    """Of the lines with at least so many numbers; of several forms that are equally many, one after the other."""
    forms: dict[tuple[str, ...], list[list[str]]] = defaultdict(list)
    for line in lines[:MOST_LINES]:
        labels, numbers = _NUMBER.split(line[:500]), _NUMBER.findall(line[:500])
        # brackets and what follows the last number ("saved") are no part of a form: a list's first row begins with two
        if len(numbers) >= least:
            forms[tuple(" ".join(_LETTERS.findall(_DIGIT.split(label)[-1])) for label in labels[:-1])].append(numbers)
    most = max(map(len, forms.values()), default=0)
    if most < LEAST_LINES:
        return None
    falling: dict[str, tuple[float, ...]] = {}
    for named, rows in forms.items():
        if len(rows) == most and (least == 1 or not falling):
            _add(falling, named, rows)
    return _two(falling)


def _add(falling: dict[str, tuple[float, ...]], named: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    for index, column in enumerate(zip(*rows)):
        known, values = words.words(named[index]), tuple(map(float, column))
        if known & _OTHER or not all("." in number for number in column) or not _falls(values):
            continue
        sets = words.sets(named[index])
        name = words.TRAIN if words.TRAIN in sets else words.VALIDATION if sets else f"column {len(falling)} {index}"
        falling.setdefault(name, values)


def _of_lists(text: str) -> Columns | None:
    """Lists or arrays of as many decimals each, two of which fall."""
    falling: dict[str, tuple[float, ...]] = {}
    for match in _LIST.finditer(text[:MAX_TEXT]):
        label = text[max(0, match.start() - 40) : match.start()].rpartition("\n")[2]
        numbers = _NUMBER.findall(match[0])
        if len(numbers) >= LEAST_LINES:
            _add(falling, [label], [[number] for number in numbers])
    return _two({name: values for name, values in falling.items() if len(values) == _longest(falling)})


def _longest(falling: dict[str, tuple[float, ...]]) -> int:
    return max(map(len, falling.values()), default=0)


def _falls(values: Sequence[float]) -> bool:
    return all(0 < value < LARGEST for value in values) and values[-1] < 0.8 * values[0]


def _two(falling: dict[str, tuple[float, ...]]) -> Columns | None:
    unnamed = [values for name, values in falling.items() if name.startswith("column")]
    train = falling.get(words.TRAIN) or (unnamed.pop(0) if unnamed else None)
    validation = falling.get(words.VALIDATION) or (unnamed.pop(0) if unnamed else None)
    if not train or not validation or not 1 / FARTHEST < train[-1] / validation[-1] < FARTHEST:
        return None
    return Columns(train, validation)
