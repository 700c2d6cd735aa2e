"""How often a student's work is graded: whether this submission is, and what stands when it is not.

Why separate: it is decided before anything is graded, from the metadata alone, and by the submission's own time: a
re-run says the same. Which submissions were graded is carried from result to result in `extra_data`: one that was not
must not count. What cannot be told from the metadata limits nobody, and staff are told.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from autograder.core.lateness import moment
from autograder.core.metadata import Metadata, Previous, time_of
from autograder.core.policy import POLICY, Again
from autograder.report import seal

GRADED, REASON = "graded_at", "not_graded"  # in extra_data
KEPT = 100  # times; no window that a course would set holds more


class Standing(msgspec.Struct, frozen=True):
    """`graded`: when what was graded was handed in, this one too. `reason`: why this one is not, "" when it is.
    `standing`: what stands in its place. `notice`: for the student of one that is graded. `note`: for staff.
    """

    graded: tuple[datetime, ...] = ()
    reason: str = ""
    standing: Mapping[str, object] = {}
    notice: str = ""
    note: str = ""


def standing(about: Metadata, rules: Again = POLICY.again) -> Standing:
    """Where this submission stands by the policy's limit; an empty record while there is none."""
    if not rules.most:
        return Standing()
    now = about.created_at
    if now is None:
        return Standing(note="the limit on submissions was not applied: submission_metadata.json has no usable time")
    earlier = sorted((one for one in about.previous if _before(one.submission_time, now)), key=_time)
    latest = earlier[-1] if earlier else None
    times = _graded(latest, earlier, now)
    window = timedelta(hours=rules.hours)
    within = [time for time in times if now - time < window]
    if len(within) < rules.most:
        within_words = f"{len(within) + 1} of {rules.most} submissions that are graded within {rules.hours:g} hours"
        return Standing((*times, now), notice=f"This is number {within_words}.")
    stands = latest.results if latest else None
    if stands is None or not (isinstance(stands.get("tests"), list) or _is_number(stands.get("score"))):
        return Standing(
            (*times, now),
            note="over the limit on submissions, and graded all the same: the earlier result is not there",
        )
    were = f"{len(within)} {'was' if len(within) == 1 else 'were'} graded within {rules.hours:g} hours"
    reason = (
        f"This submission was not graded: {were}, and {rules.most} is the course's limit. The result below is that of "
        f"your submission of {moment(within[-1])}: its score stands. One that is handed in "
        f"{_after(within, window, rules)} is graded."
    )
    return Standing(times, reason, stands)


def _after(within: list[datetime], window: timedelta, rules: Again) -> str:
    try:
        return f"after {moment(within[-rules.most] + window)}"
    except OverflowError:  # a window of thousands of years: no date is so late
        return "later"


def result(found: Standing) -> bytes:
    """results.json of a submission that is not graded: the earlier result, with the reason above it."""
    data = dict(found.standing)
    extra = data.get("extra_data")
    more = dict(extra) if isinstance(extra, Mapping) else {}
    output = data.get("output")
    text = output if isinstance(output, str) else ""
    before = more.get(REASON)
    if isinstance(before, str) and text.startswith(before):
        text = text[len(before) :].lstrip("\n")
    more.pop(seal.NAME, None)
    more |= {REASON: found.reason, GRADED: written(found.graded)}
    data |= {"output": f"{found.reason}\n\n{text}".rstrip("\n"), "extra_data": more}
    if key := seal.usable():
        more[seal.NAME] = seal.made(data, key)
    return msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n"


def written(times: tuple[datetime, ...]) -> list[str]:
    """The times as extra_data carries them to the next result."""
    return [time.isoformat() for time in times[-KEPT:]]


def _graded(latest: Previous | None, earlier: list[Previous], now: datetime) -> tuple[datetime, ...]:
    """As the latest result tells it; where that tells nothing, every submission without an error counts."""
    extra = (latest.results or {}).get("extra_data") if latest else None
    told = extra.get(GRADED) if isinstance(extra, Mapping) else None
    if isinstance(told, list):
        times = [time_of(one) for one in told]
    else:
        times = [one.submission_time for one in earlier if not one.autograder_error]
    return tuple(sorted(time for time in times if time is not None and _before(time, now)))


def _before(time: datetime | None, now: datetime) -> bool:
    return time is not None and (time.tzinfo is None) == (now.tzinfo is None) and time < now


def _time(one: Previous) -> datetime:
    assert one.submission_time is not None  # sorted out before
    return one.submission_time


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
