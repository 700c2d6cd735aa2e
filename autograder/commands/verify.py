"""Is this result what the submission gets? Grades it again with the recorded seed, and compares test by test.

Why separate: whoever asks (a student who doubts a score, staff who doubt a file) has a results.json from anywhere. It
is foreign data: read with care, believed in nothing but the seed, and every difference is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from autograder.core.errors import UsageError
from autograder.core.lateness import TAG as LATE
from autograder.core.policy import POLICY
from autograder.core.text import one_line
from autograder.grading import Options, grade
from autograder.report import results, seal
from autograder.report.summary import summarise

MOST_BYTES = 4 * results.MAX_TOTAL_BYTES  # of a result that we wrote; others may have formatted it anew
# What a test says that must be the same again. Its seconds are in extra_data and not compared.
FIELDS = ("status", "score", "max_score", "visibility", "output")
MOST_SHOWN = 40


class Verdict(msgspec.Struct, frozen=True):
    """What verifying found. `agrees`: nothing differs, and a seal, where there is a key, is valid."""

    agrees: bool
    complete: bool  # whether it could be graded again without a fault of ours
    lines: tuple[str, ...]


def run(path: Path, submission: Path, options: Options) -> Verdict:
    """Verifies the result at `path`. Raises UsageError when it is none that this grader could have written."""
    data = read(path)
    seed = _seed(data)
    key = seal.key()
    state = seal.state(data, key) if key else ""
    report = grade(submission, msgspec.structs.replace(options, seed=seed))
    again = results.to_gradescope(summarise(report))
    data, given = apart(data)
    found = tuple(differences(data, again, whole=not given)) if report.complete else ()
    agrees = not found and state in ("", seal.VALID)
    lines = [f"Graded again with the seed {seed} of the result.", _SEALS[state]]
    lines += [*given, *circumstances(data, again), *_outcome(found, again, report.complete)]
    return Verdict(agrees and report.complete, report.complete, tuple(lines))


def read(path: Path) -> dict[str, Any]:
    """A results.json as plain data. Raises UsageError for what is none."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
        data = json.loads(text.decode()) if len(text) <= MOST_BYTES else None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is no JSON: give the results.json that is to be verified") from None
    tests = data.get("tests") if isinstance(data, dict) else None
    if not isinstance(tests, list) or not all(isinstance(test, dict) for test in tests):
        raise UsageError(f"{path} is no results.json of this grader")
    return dict(data or {})


def _extra(data: Mapping[str, Any]) -> Mapping[str, Any]:
    found = data.get("extra_data")
    return found if isinstance(found, dict) else {}


def _seed(data: Mapping[str, Any]) -> int:
    try:
        return int(_extra(data)["seed"])
    except (KeyError, TypeError, ValueError):
        raise UsageError("this result says no seed, so it cannot be made again: is it one of this grader?") from None


def apart(data: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The result without what people gave and lateness took, and that in words: no grading gives it again."""
    hand = {question.number for question in POLICY.by_hand}
    data = _without_notices(data)
    given = [test for test in data["tests"] if test.get("number") in hand or LATE in (test.get("tags") or ())]
    points = [test.get("score") for test in given]
    if not given or not all(isinstance(number, (int, float)) for number in [*points, data.get("score")]):
        return data, []
    told = ", ".join(
        f"{test.get('number') or one_line(str(test.get('name')), 80)}: {number:g}"
        for test, number in zip(given, points)
    )
    tests = [test for test in data["tests"] if test not in given]
    sealed = "a seal tells whether it was changed"
    line = f"Given by hand or taken for lateness, which grading cannot give again ({sealed}): {told}."
    return {**data, "tests": tests, "score": round(data["score"] - sum(points), 2)}, [line]


def _without_notices(data: dict[str, Any]) -> dict[str, Any]:
    """What stood above all else because of when it was handed in: the work does not say that again."""
    output = data.get("output")
    for notice in _extra(data).get("notices") or ():
        if isinstance(output, str) and isinstance(notice, str):
            output = output.removeprefix(notice).lstrip("\n")
    return {**data, "output": output}


def differences(then: Mapping[str, Any], now: Mapping[str, Any], *, whole: bool = True) -> Iterator[str]:
    """Each difference of two results in words: `then` was found, `now` is what grading gives.

    Not `whole`: what people gave is left out of `then`, and so the text above the tests is another one.
    """
    for name, what in (("digest", "the submission's content"), ("programs", "the text that was run")):
        if _extra(then).get(name) != _extra(now).get(name):
            other = _other_policy(then, now)
            yield f"{what} is another one: {_OF_POLICY if other else 'is this the submission that was graded?'}"
    old, new = _by_number(then), _by_number(now)
    for number in [*new, *(n for n in old if n not in new)]:
        yield from _test(number, old.get(number), new.get(number))
    for name, what in (("score", "the total"), ("output", "the text above the tests")):
        if then.get(name) != now.get(name) and (whole or name != "output"):
            yield f"{what}: {_changed(then.get(name), now.get(name))}"


def _by_number(data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The tests by number; of two with one number the second has a mark, so that it is seen."""
    found: dict[str, Mapping[str, Any]] = {}
    for test in data["tests"]:
        number = one_line(str(test.get("number") or test.get("name")), 40)
        while number in found:
            number += " (again)"
        found[number] = test
    return found


def _test(number: str, then: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> Iterator[str]:
    if then is None or now is None:
        where = "is not in the result" if then is None else "is in the result, and was not run now"
        yield f"{number} {where}: was it made with the same tests and the same --only?"
        return
    for name in FIELDS:
        if then.get(name) != now.get(name):
            yield f"{number}, {name}: {_changed(then.get(name), now.get(name))}"


def _changed(then: object, now: object) -> str:
    """The two values; of long texts, the first lines that differ."""
    if isinstance(then, str) and isinstance(now, str) and "\n" in then + now:
        pairs = zip(then.split("\n") + [""] * now.count("\n"), now.split("\n") + [""] * then.count("\n"))
        then, now = next((pair for pair in pairs if pair[0] != pair[1]), (then, now))
    return f"the result says {one_line(repr(then), 160)}, grading again gives {one_line(repr(now), 160)}"


_SEALS = {
    seal.VALID: "Its seal is valid: nothing in it was changed since this course's grader wrote it.",
    seal.BROKEN: "Its seal is broken: it was changed after it was written, or it was sealed with another key.",
    seal.MISSING: "It carries no seal, though this grader has a key: it was not written by it, or before it had one.",
    "": "No key is here, so no seal was looked at.",
}


_OF_POLICY = "that may come of the other policy"  # which says what is read


def circumstances(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What was otherwise when `then` was made; by itself it is no difference of two results."""
    if other := _other_policy(then, now):
        yield other
    for name in ("versions", "isolation"):
        if _extra(then).get(name) != _extra(now).get(name):
            yield f"Other {name}: {_changed(_extra(then).get(name), _extra(now).get(name))}."


def _other_policy(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """That another policy was in force, in words; "" when it was this one, or cannot be told of an older result."""
    theirs, ours = _extra(then).get("policy"), _extra(now).get("policy")
    if not isinstance(theirs, dict) or not isinstance(ours, dict) or theirs.get("sha256") == ours.get("sha256"):
        return ""
    title, here = (one_line(str(one.get("title")), 80) for one in (theirs, ours))
    of = (
        f"of {title!r}, and here is that of {here!r}"
        if title != here
        else f"of {title!r}, too, but says something else"
    )
    return f"Another policy: the result's is {of}. Give the one that it was made with by --policy."


def _outcome(found: tuple[str, ...], now: Mapping[str, Any], complete: bool) -> Iterator[str]:
    if not complete:
        yield "It could not be graded to its end here, by a fault of ours, so nothing was compared."
        return
    yield from found[:MOST_SHOWN]
    if len(found) > MOST_SHOWN:
        yield f"… and {len(found) - MOST_SHOWN} more"
    if found:
        yield f"It does not agree: {len(found)} {'thing differs' if len(found) == 1 else 'things differ'}."
    else:
        yield f"It agrees: {one_line(str(now.get('score')), 20)} points, every test the same."
