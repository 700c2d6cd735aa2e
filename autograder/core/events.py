"""What supervisor and engine say to each other, one JSON line each: orders go in, events come out.

Why separate: both processes import this and nothing of each other. It carries verdicts, so it never crosses the wall.
"""

from __future__ import annotations

import msgspec

from autograder.core.isolation import Isolation
from autograder.core.records import Finding, Limits, Submission, TestResult


class Setup(msgspec.Struct, frozen=True, tag="setup"):
    """The first order of an engine: which tests it is to collect, once, and how it grades with them."""

    tests: tuple[str, ...]  # files or folders of pytest tests
    secret: str  # course secret: seeds derive from it and from the submission
    limits: Limits
    public: bool  # as a student at their own desk: everything may be shown, no reference is needed
    only: str = ""  # run the tests that `numbering.selects` finds with it
    guarded: tuple[str, ...] = ()  # files and folders that the canary tries to read: none must open
    listed: bool = False  # these are the project's own tests, and the policy lists every one with points
    allow_weak: bool = False  # grade with hidden tests although a child could reach what it must not


class Grade(msgspec.Struct, frozen=True, tag="grade"):
    """One submission to grade. `deadline` is time.monotonic(), which is one clock for all processes of a machine."""

    submission: Submission
    deadline: float
    seed: int | None = None


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """Collected. `planned` is every test in its order, not run yet; `isolation` what a first child found closed."""

    planned: tuple[TestResult, ...]
    isolation: Isolation
    versions: dict[str, str]
    problems: tuple[str, ...] = ()  # what could not be collected, and why: every result then is incomplete
    numbers: tuple[str, ...] = ()  # of all tests that were collected, whether they were chosen or not


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """This machine is too weak for hidden tests: nothing was run, and the engine ends."""

    isolation: Isolation


class Tested(msgspec.Struct, frozen=True, tag="tested"):
    """One test is finished. A later one of the same number replaces it."""

    name: str  # of the submission
    result: TestResult


class Graded(msgspec.Struct, frozen=True, tag="graded"):
    """All tests of a submission are finished."""

    name: str
    seed: int
    findings: tuple[Finding, ...] = ()  # what running brought up that reading had not


class Fault(msgspec.Struct, frozen=True, tag="fault"):
    """Something of ours broke, in words for staff. `name` is empty when it concerns the engine as a whole."""

    text: str
    name: str = ""


Order = Setup | Grade
Event = Ready | Refused | Tested | Graded | Fault

_encoder = msgspec.json.Encoder()
order_decoder = msgspec.json.Decoder(Order)
event_decoder = msgspec.json.Decoder(Event)


def line(message: Order | Event) -> bytes:
    """One message as one line."""
    return _encoder.encode(message) + b"\n"
