"""results.json as Gradescope reads it: what it refuses, what it makes of it, and who sees which part when.

Why separate: `results` writes by these rules, and here they are obeyed from the other side, by another hand: for any
file, not only for ours. The rules are those of the platform's specification; what that leaves open is said in `notes`.
No markup and no file is touched here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Literal

import msgspec

When = Literal["before", "due", "published", "staff"]
TIMES: tuple[When, ...] = ("before", "due", "published", "staff")
FORMATS = ("text", "html", "simple_format", "md", "ansi")
# From when on somebody sees what has this visibility; a word that is none of them is taken for "visible", its default.
SEEN = {"visible": "before", "after_due_date": "due", "after_published": "published", "hidden": "staff"}

FAILED = "The autograder failed to execute correctly."
TIMED_OUT = "The autograder timed out: the score is 0, and no tests are shown."


class Text(msgspec.Struct, frozen=True):
    """Something to be shown, and in which of FORMATS."""

    text: str = ""
    format: str = "text"


class Test(msgspec.Struct, frozen=True):
    """One test as the platform shows it. `passed` None: informational, without a mark."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    number: str
    name: Text
    output: Text
    score: float | None
    max_score: float | None
    passed: bool | None
    seen: When
    tags: tuple[str, ...] = ()


class Rank(msgspec.Struct, frozen=True):
    """A line of the leaderboard."""

    name: str
    value: str
    order: str


class Reading(msgspec.Struct, frozen=True):
    """What the platform took from a run. `failure`: why nothing was taken, in its words."""

    failure: str = ""
    score: float | None = None
    possible: float | None = None
    output: Text = Text()
    tests: tuple[Test, ...] = ()
    leaderboard: tuple[Rank, ...] = ()
    log: Text = Text()
    log_seen: When = "staff"
    notes: tuple[str, ...] = ()


class View(msgspec.Struct, frozen=True):
    """What is seen at one time. `score` None: there is none, or it is not shown while tests are (`concealed`)."""

    when: When
    score: float | None
    possible: float | None
    concealed: int
    tests: tuple[Test, ...]
    log: Text | None


def read(data: bytes | None, log: str = "", *, timed_out: bool = False) -> Reading:
    """What the platform makes of a results.json (None: none was left) and of what was printed. Never raises."""
    printed = Text(log, "ansi")
    if timed_out:
        return Reading(TIMED_OUT, score=0.0, log=printed)
    if data is None:
        return Reading(FAILED, log=printed, notes=("there is no results/results.json",))
    try:
        found = json.loads(data.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return Reading(FAILED, log=printed, notes=(f"results.json is not JSON: {str(error)[:200]}",))
    if not isinstance(found, dict):
        return Reading(FAILED, log=printed, notes=("results.json holds no object",))
    return _taken(found, printed)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _taken(found: dict[str, object], printed: Text) -> Reading:
    notes: list[str] = []
    tests = tuple(_test(one, index, found, notes) for index, one in enumerate(_objects(found.get("tests"))))
    scores = [test.score for test in tests if test.score is not None]
    score = _number(found.get("score"))
    if score is None and not scores:
        notes.append("there is no score, neither at the top nor of a test: the specification asks for one of them")
    if found.get("tests") is not None and not isinstance(found["tests"], list):
        notes.append("tests is no list")
    possible = [test.max_score for test in tests if test.max_score is not None]
    return Reading(
        score=math.fsum(scores) if score is None and scores else score,
        possible=math.fsum(possible) if possible else None,
        output=Text(_word(found.get("output")), _format(found, "output_format", "simple_format", notes)),
        tests=tests,
        leaderboard=tuple(_rank(one) for one in _objects(found.get("leaderboard"))),
        log=printed,
        log_seen=_seen(found.get("stdout_visibility"), "hidden", notes),
        notes=tuple(dict.fromkeys(notes)),
    )


def _test(one: dict[str, object], index: int, top: dict[str, object], notes: list[str]) -> Test:
    score, most = _number(one.get("score")), _number(one.get("max_score"))
    status = one.get("status")
    passed = status == "passed" if status in ("passed", "failed") else None
    if passed is None and score is not None and most is not None:
        passed = score >= most
    merged = {"output_format": top.get("test_output_format"), "name_format": top.get("test_name_format")}
    merged |= {key: value for key, value in one.items() if value is not None}
    tags = one.get("tags")
    return Test(
        number=_word(one.get("number")) or str(index + 1),
        name=Text(_word(one.get("name")), _format(merged, "name_format", "text", notes)),
        output=Text(_word(one.get("output")), _format(merged, "output_format", "text", notes)),
        score=score,
        max_score=most,
        passed=passed,
        seen=_seen(one.get("visibility") or top.get("visibility"), "visible", notes),
        tags=tuple(_word(tag) for tag in tags) if isinstance(tags, list) else (),
    )


def _rank(one: dict[str, object]) -> Rank:
    return Rank(_word(one.get("name")), _word(one.get("value")), "asc" if one.get("order") == "asc" else "desc")


def _seen(value: object, default: str, notes: list[str]) -> When:
    word = default if value is None else str(value)
    if word not in SEEN:
        notes.append(f"{word!r} is no visibility: it is one of {', '.join(SEEN)}")
    seen: When = next(when for when in TIMES if when == SEEN.get(word, SEEN[default]))
    return seen


def _format(found: dict[str, object], key: str, default: str, notes: list[str]) -> str:
    word = found.get(key)
    if word is None or word in FORMATS:
        return default if word is None else str(word)
    notes.append(f"{word!r} is no {key}: it is one of {', '.join(FORMATS)}")
    return default


def _objects(value: object) -> list[dict[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _word(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def view(reading: Reading, when: When) -> View:
    """What is seen at one of TIMES: by a student, or by staff, who see all of it at all times."""
    shown = tuple(test for test in reading.tests if _by(test.seen, when))
    concealed = len(reading.tests) - len(shown)
    return View(
        when,
        None
        if concealed
        else reading.score,  # "If test cases are hidden, students will not be able to see their total"
        reading.possible,
        concealed,
        shown,
        reading.log if _by(reading.log_seen, when) else None,
    )


def _by(seen: When, when: When) -> bool:
    return TIMES.index(seen) <= TIMES.index(when)


def differ(views: Iterable[View]) -> bool:
    """Whether it makes a difference when one looks."""
    return len({(view.score, view.tests, view.log) for view in views}) > 1
