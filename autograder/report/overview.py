"""A class in numbers: how the points fell, which tests tell students apart, what was misunderstood, what needs a look.

Why separate: statistics are pure and tested as such; the page that shows them (`class_page`) computes nothing. What
could not be graded is left out of every mean: it is nobody's zero.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterable, Sequence

import msgspec

from autograder.core.policy import FILES, POLICY
from autograder.core.records import Line, Status, TestResult
from autograder.core.text import one_line
from autograder.report import summary
from autograder.report.class_table import ClassRow
from autograder.report.summary import Summary

# A test is worth a look when so many of the best quarter fail it, and no smaller a share than of the worst quarter.
# Below this many submissions a quarter is too few to say anything.
LEAST_CLASS = 12
LEAST_FAILING = 0.25
# Bars of the histogram of totals: of these widths the least that gives so many bars at most. 3 points for 39.
MOST_BARS = 13
WIDTHS = (0.25, 0.5, 1, 2, 3, 5, 10, 20, 25, 50, 100)


_GIVEN = (FILES.notebook, FILES.script, FILES.answers, FILES.history, FILES.checkpoint)  # everybody's names of files


class Student(msgspec.Struct, frozen=True):
    """One submission: its row, who handed it in, and how each test went ("": it has none of that number)."""

    row: ClassRow
    who: str
    outcomes: dict[str, float | None]  # share of the points that the test gives; None: not graded, or without points
    mistakes: tuple[tuple[str, str], ...]  # (question, what was found), each once
    flags: int
    seconds: float
    curves: tuple[Line, ...] = ()  # losses of the student's own training


class Item(msgspec.Struct, frozen=True):
    """One question or test: the mean share of its points, and how well it tells students apart.

    `discrimination` is the correlation with the points for everything else: near 0 it tells nothing, below 0 those who
    do well elsewhere fail it. None where it cannot be told, as when all earn the same.
    """

    number: str
    name: str
    points: float
    graded: int
    mean: float
    discrimination: float | None
    alarm: str = ""


class Mistake(msgspec.Struct, frozen=True):
    """What several students did, with their ids, and in which questions it cost points."""

    questions: tuple[str, ...]
    found: str
    ids: tuple[str, ...]


class Overview(msgspec.Struct, frozen=True):
    """Everything that the page of a class shows."""

    students: tuple[Student, ...]
    possible: float
    histogram: tuple[tuple[float, float, int], ...]  # (from, to, how many)
    questions: tuple[Item, ...]
    tests: tuple[Item, ...]
    mistakes: tuple[Mistake, ...]
    notes: tuple[str, ...] = ()

    @property
    def totals(self) -> list[float]:
        """Of the submissions that are wholly graded, ascending."""
        return sorted(s.row.total for s in self.students if s.row.total is not None)


def student(row: ClassRow, who: str, whole: Summary) -> Student:
    """One submission's part of the overview."""
    curves = next((test.charts[0].lines for test in whole.tests if test.number == "4c.1" and test.charts), ())
    return Student(
        row=row,
        who=who,
        outcomes={test.number: _share(test) for test in whole.tests if test.number},
        mistakes=tuple(
            dict.fromkeys(pair for test in whole.tests for pair in _mistakes(test, whole.report.submission.name))
        ),
        flags=len(summary.flags(whole)) + len(summary.told_to_staff(whole)),
        seconds=whole.report.seconds,
        curves=curves,
    )


def _share(test: TestResult) -> float | None:
    graded = test.status is not Status.ERROR and test.max_score > 0
    return min(max(summary.earned(test) / test.max_score, 0.0), 1.0) if graded else None


def _mistakes(test: TestResult, file: str) -> Iterable[tuple[str, str]]:
    if test.status is Status.FAILED and test.max_score > 0:
        yield question_of(test.number), essence(test.feedback.found, file)


def question_of(number: str) -> str:
    """The question that a test belongs to; empty for a test of one's own that no question has."""
    try:
        return POLICY.question_of(number).number
    except KeyError:
        return ""


def essence(found: str, file: str = "") -> str:
    """What was found without what is one student's alone: typed values, counts of cases, places, the name of `file`."""
    text = one_line(found, 400).split("; you wrote", 1)[0]
    if "." in file and file not in _GIVEN:  # a folder's name may be any word
        text = re.sub(rf"(?<!\w){re.escape(one_line(file, 400))}(?!\w)", "the file", text)
    text = re.sub(r"\s*\((?:all )?\d+ cases\)|\s*\(loss in training: [^)]*\)|\s*\(and \d+ more[^)]*\)", "", text)
    # numbers are one student's; "4(a)" is the handout's
    return re.sub(r"\b\d+([.,]\d+)*\b(?!\()", "n", text).strip().rstrip(".") or "no reason was recorded"


def overview(students: Sequence[Student], names: dict[str, tuple[str, float]], notes: Sequence[str] = ()) -> Overview:
    """The class. `names`: (title, points) of each question and test by number, in the order in which they are shown."""
    tests = {number: [one.outcomes.get(number) for one in students] for number in names}
    questions = {
        number: [_of(one.row.points.get(number), points) for one in students] for number, (_, points) in names.items()
    }
    totals = [one.row.total for one in students]
    possible = sum(points for number, (_, points) in names.items() if any(v is not None for v in questions[number]))
    return Overview(
        tuple(students),
        possible,
        _histogram([total for total in totals if total is not None], possible),
        tuple(_items(questions, names, totals)),
        tuple(_items(tests, names, totals)),
        _counted(students),
        tuple(notes),
    )


def _of(earned: float | None, points: float) -> float | None:
    return None if earned is None or points <= 0 else earned / points


def _items(
    shares: dict[str, list[float | None]], names: dict[str, tuple[str, float]], totals: Sequence[float | None]
) -> Iterable[Item]:
    for number, found in shares.items():
        name, points = names[number]
        pairs = [(s, t - s * points) for s, t in zip(found, totals) if s is not None and t is not None]
        graded = [share for share in found if share is not None]
        if graded:
            mean = statistics.fmean(graded)
            yield Item(number, name, points, len(graded), mean, _correlation(pairs), _alarm(pairs))


def _correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Pearson's; None for fewer than three, or where one side does not vary."""
    if len(pairs) < 3:
        return None
    ours, rest = zip(*pairs)
    try:
        return statistics.correlation(ours, rest)
    except statistics.StatisticsError:
        return None


def _alarm(pairs: Sequence[tuple[float, float]]) -> str:
    """That those who do well elsewhere fail here, in words; empty when nothing is odd."""
    if len(pairs) < LEAST_CLASS:
        return ""
    ranked = [share for share, _ in sorted(pairs, key=lambda pair: pair[1])]
    quarter = len(ranked) // 4
    worst, best = (sum(share < 1 for share in part) / quarter for part in (ranked[:quarter], ranked[-quarter:]))
    if best < LEAST_FAILING or best < worst:
        return ""
    return f"{best:.0%} of the best quarter lose points here, and {worst:.0%} of the worst: is the test right?"


def _histogram(totals: Sequence[float], possible: float) -> tuple[tuple[float, float, int], ...]:
    if not totals or possible <= 0:
        return ()
    width = next((width for width in WIDTHS if possible <= width * MOST_BARS), possible / MOST_BARS)
    count = max(1, min(math.ceil(possible / width), MOST_BARS))
    places = [max(0, min(int(total / width), count - 1)) for total in totals]
    return tuple((i * width, min((i + 1) * width, possible), places.count(i)) for i in range(count))


def _counted(students: Sequence[Student]) -> tuple[Mistake, ...]:
    """Mistakes by how many made them, the most frequent first: one cause that decides several questions is one."""
    ids: dict[str, dict[str, None]] = {}
    where: dict[str, set[str]] = {}
    for one in students:
        for question, text in one.mistakes:
            ids.setdefault(text, {})[one.row.id] = None
            where.setdefault(text, set()).add(question)
    ordered = sorted(ids, key=lambda text: (-len(ids[text]), text))
    return tuple(Mistake(tuple(sorted(where[text])), text, tuple(ids[text])) for text in ordered)
