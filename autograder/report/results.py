"""results.json: a `Report` as Gradescope reads it, with the platform's field names, and written so that it is never
half there.

Why separate: this is the one place that knows the platform's schema. A test that we failed to run has no score here
at all, so that no fault of ours can become a zero. Nothing of `Finding`s with Severity.FLAG, of `TestResult.staff` or
of `Report.staff_notes` may reach a field that students see: those go to `extra_data`, which the platform shows to none.

The top-level `score` overrides the platform's own sum. It is always set to that very sum, over the tests that were
graded, rounded to two decimals: twelve times 1/12 must not read 0.9999999. It is left out when nothing was graded by
our fault: the platform then reports an autograder failure and keeps no score, where any number would be a verdict.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec

from autograder.core.errors import NotWritten, UsageError
from autograder.core.policy import POLICY
from autograder.core.records import Feedback, Report, Status, Submission, TestResult
from autograder.core.text import ELLIPSIS, clean, one_line
from autograder.report import for_staff, message, seal, summary
from autograder.report.summary import Summary

# Gradescope documents no limits; ours keep a result loadable in a browser and a class of 800 within 200 MB.
MAX_TEST_BYTES = 8 * 1024
MAX_TOTAL_BYTES = 256 * 1024
MAX_TOP_BYTES = 16 * 1024
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # what an OSError says when there is no room
CUT = f"\n{ELLIPSIS} (shortened here)"

ASK_STAFF = (
    "Part of this result is missing through a fault of the grader, not of yours. The score below is incomplete and "
    "does not count against you. Please tell the course staff; there is no need to hand in again."
)
NOTHING_GRADED = (
    "The grader failed before it could judge anything. That is our fault, not yours: nothing was scored and nothing is "
    "lost. Please tell the course staff; there is no need to hand in again."
)


class TestEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of results.json's tests[]: fields at None are left out of the file."""

    name: str
    output: str
    number: str | None = None
    score: float | None = None
    max_score: float | None = None
    status: str | None = None
    name_format: str | None = None
    output_format: str | None = None
    tags: tuple[str, ...] = ()
    visibility: str | None = None


class Rank(msgspec.Struct, frozen=True):
    """One of results.json's leaderboard[]: the largest value leads."""

    name: str
    value: float
    order: str = "desc"


class Results(msgspec.Struct, frozen=True, omit_defaults=True):
    """The top of results.json."""

    output: str
    tests: tuple[TestEntry, ...]
    execution_time: float
    extra_data: dict[str, object]
    score: float | None = None
    output_format: str | None = None
    test_output_format: str | None = None
    test_name_format: str | None = None
    visibility: str | None = None
    stdout_visibility: str | None = None
    leaderboard: tuple[Rank, ...] = ()


def to_gradescope(whole: Summary) -> dict[str, object]:
    """The report in Gradescope's schema, as plain data, within the caps on size."""
    built: dict[str, object] = msgspec.to_builtins(_fitted(_results(whole)))
    return built


def encode(whole: Summary) -> bytes:
    """results.json as UTF-8, sealed where there is a key: the same bytes for the same report, times and seal aside."""
    fitted = _fitted(_results(whole))
    if key := seal.usable():
        sealed = {seal.NAME: seal.made(msgspec.to_builtins(fitted), key)}
        fitted = msgspec.structs.replace(fitted, extra_data=fitted.extra_data | sealed)
    return _bytes(fitted)


def write(path: Path, whole: Summary) -> None:
    """Write results.json to `path` in one step. Raises NotWritten when it cannot; the old file then stays."""
    write_bytes(path, encode(whole))


def comparable(data: Mapping[str, object]) -> dict[str, object]:
    """`data` without what differs between two runs of the same grading: the times, speeds, and a seal on them."""
    extra = data.get("extra_data")
    kept = {key: value for key, value in data.items() if key not in ("execution_time", "leaderboard")}
    if isinstance(extra, Mapping):
        kept["extra_data"] = {key: value for key, value in extra.items() if key not in ("seconds", seal.NAME)}
    return kept


def failure(text: str, planned: tuple[TestResult, ...] = (), *, staff: str = "", seconds: float = 0.0) -> Report:
    """The report for when the grader as a whole failed: valid, without a single score, asking for staff.

    `text` is read by students and must be fit for them; `staff` (a traceback, say) goes to staff alone.
    """
    told = TestResult("", "The grader could not finish", Status.ERROR, 0.0, 0.0, feedback=Feedback(found=text))
    return Report(
        submission=Submission(name="", file="", digest=""),
        tests=(told,),
        planned=planned,
        seconds=seconds,
        complete=False,
        staff_notes=tuple(note for note in (text, staff) if note),
    )


def _results(whole: Summary) -> Results:
    tests = whole.tests
    return Results(
        output=_capped(_top(whole), MAX_TOP_BYTES),
        tests=tuple(_entry(test) for test in tests),
        execution_time=round(whole.report.seconds, 3),
        extra_data=for_staff.extra_data(whole),
        score=_score(whole, tests),
        output_format="text",
        test_output_format="text",
        test_name_format="text",
        visibility="visible",
        stdout_visibility="hidden",
        leaderboard=_leaderboard(tests) or (),
    )


def _leaderboard(tests: tuple[TestResult, ...]) -> tuple[Rank, ...]:
    """The figures that the policy lets stand there, of those that we measured."""
    wanted = POLICY.leaderboard
    chosen = (
        ("accuracy", "Test accuracy, measured (%)", wanted.accuracy, 2),
        ("steps_per_second", "Training steps per second", wanted.steps_per_second, 1),
    )
    found = {name: value for test in tests for name, value in test.figures.items()}
    return tuple(Rank(title, round(found[name], places)) for name, title, on, places in chosen if on and name in found)


def _entry(test: TestResult) -> TestEntry:
    scored = test.status is not Status.ERROR and (test.max_score != 0 or test.score != 0)
    return TestEntry(
        name=one_line(test.name) or "test",
        output=_capped(message.block(message.rows(test)), MAX_TEST_BYTES),
        number=one_line(test.number) or None,
        score=round(summary.earned(test), 4) if scored else None,
        max_score=round(test.max_score, 4) if scored else None,
        status=None if test.status is Status.ERROR else "passed" if test.status is Status.PASSED else "failed",
        name_format="text",
        output_format="text",
        tags=tuple(one_line(tag) for tag in test.tags),
        visibility=test.visibility,
    )


def _score(whole: Summary, tests: tuple[TestResult, ...]) -> float | None:
    """The sum over what was graded; 0 for a submission that cannot be read; None when the failure is ours alone."""
    graded = [test for test in tests if test.status is not Status.ERROR]
    if any(test.max_score != 0 or test.score != 0 for test in graded):
        return summary.total(graded)[0]
    ours = len(graded) < len(tests)
    return 0.0 if whole.report.submission.problem and not ours else None


def _top(whole: Summary) -> str:
    """The text above all tests, for students: what is wrong with the result, the table, what was noticed."""
    tests = summary.shown_tests(whole, "student")
    ours = any(test.status is Status.ERROR for test in whole.tests) or not whole.report.complete
    nothing = all(test.status is Status.ERROR for test in whole.tests)
    parts = [
        (NOTHING_GRADED if nothing else ASK_STAFF) if ours else "",
        *(clean(one, 500) for one in whole.report.notices),
    ]
    parts += [f"Could not be used: {what}.\n{clean(why, 1000)}" for what, why in whole.unusable]
    parts += [f"Next: {message.next_step(whole, 'student')}", _table(whole, tests), _noticed(whole), _hand(tests)]
    return "\n\n".join(part for part in parts if part)


def _table(whole: Summary, tests: tuple[TestResult, ...]) -> str:
    scores = [score for score in summary.question_scores(tests) if score.possible]
    if not scores:
        return ""
    taken = [test for test in tests if test.score < 0]
    lines = [f"{s.question.number:<5} {s.question.title:<32} {message.question_line(s)}" for s in scores]
    earned, possible, ungraded = summary.total(tests)
    open_points = f" ({message.points(ungraded)} not graded yet)" if ungraded else ""
    lines += [f"{one_line(test.name):<38} {message.points(test.score)}" for test in taken]
    lines.append(f"{'total':<38} {message.fraction(earned, possible)}{open_points}")
    concealed = len(whole.tests) - len(tests)
    if concealed:
        lines.append(f"(tests not shown yet: {concealed})")
    return "\n".join([f"{POLICY.title}: points by question", *lines])


def _noticed(whole: Summary) -> str:
    found = summary.findings(whole, "student")
    blocks = [message.block(message.finding_rows(finding), indent=2) for finding in found[: for_staff.MAX_FINDINGS]]
    more = (
        [f"  {ELLIPSIS} and {len(found) - for_staff.MAX_FINDINGS} more"] if len(found) > for_staff.MAX_FINDINGS else []
    )
    return "\n\n".join(["Noticed while reading your code", *blocks, *more]) if blocks else ""


def _hand(tests: tuple[TestResult, ...]) -> str:
    questions, worth = summary.by_hand(tests)
    if not questions:
        return ""
    listed = [f"{q.number:<5} {q.title} ({message.points(q.points)})" for q in questions]
    return "\n".join([f"Graded by hand, not in the score above ({message.points(worth)} points)", *listed])


def _capped(text: str, size: int) -> str:
    """`text` in at most `size` bytes of UTF-8, with a note where something was cut off."""
    if len(text.encode()) <= size:
        return text
    return text.encode()[: max(size - len(CUT.encode()), 0)].decode(errors="ignore").rstrip() + CUT


def _fitted(results: Results) -> Results:
    """`results` within MAX_TOTAL_BYTES: the longest outputs are shortened first, no test is dropped."""
    level = MAX_TEST_BYTES
    while len(_bytes(results)) > MAX_TOTAL_BYTES and level > 64:
        level //= 2
        tests = tuple(msgspec.structs.replace(test, output=_capped(test.output, level)) for test in results.tests)
        results = msgspec.structs.replace(results, tests=tests)
    return results


def _bytes(results: Results) -> bytes:
    return msgspec.json.format(msgspec.json.encode(results, order="deterministic"), indent=1) + b"\n"


def make_folder(path: Path) -> None:
    """The folder for results, with those above it. Raises UsageError when it cannot be made."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise UsageError(f"the folder {path} cannot be made ({why}): give another --out") from error


def write_bytes(path: Path, data: bytes) -> None:
    """Put `data` at `path` in one step: readers see the old file or the new one, never a part.

    The temporary file is new (O_EXCL) under a name that cannot be guessed, so that no planted file or link is written
    through; a link at `path` itself is replaced, not followed. Raises NotWritten in words for a person.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(temporary, flags, 0o644)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), 0o644)  # whatever the umask: the platform reads it as another user
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise NotWritten(f"{path.name} could not be written to {path.parent}: {reason(error)}") from error


def reason(error: OSError) -> str:
    """Why a file could not be written, and what to do about it."""
    if error.errno in FULL:
        return "the disk is full. Free some space there or choose another folder, then run again"
    if error.errno == errno.EROFS:
        return "the disk can only be read now. Make it writable again or choose another folder, then run again"
    if error.errno == errno.ENOENT:
        return "the folder does not exist. Create it first"
    return f"{error.strerror or type(error).__name__}"
