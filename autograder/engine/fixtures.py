"""The fixtures of hidden and public tests, and the desk at which one submission is graded.

Why separate: this is what a test author uses; how tests are collected and run is the plugin's. Here, and only here, the
reference is reached: by an engine that plans hidden tests, so after the zygote was forked, and when a test asks for it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import importlib.util
import itertools
import math
import pkgutil
import time
import types
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from autograder.core import policy
from autograder.core.errors import GraderFault
from autograder.core.events import Grade, Setup
from autograder.core.records import Chart, Finding, Line, Panel, Submission, TestResult
from autograder.judging.code.cases import Cases
from autograder.judging.expect import Missing, Unmet
from autograder.judging.smallest import text as smallest_of
from autograder.judging.visit import Student
from autograder.sandbox.rooms import Rooms
from autograder.sandbox.zygote import Zygote

# Seconds. Many tests and little time: rather fewer tests with time to run than all with none; twice the shortest visit.
LEAST_SHARE = 1.0


class Desk:
    """The one submission that is being graded in this process, and what its tests have said so far."""

    def __init__(self, grade: Grade, setup: Setup, zygote: Zygote, seed: int) -> None:
        self.submission = grade.submission
        self.setup = setup
        self.rooms = Rooms(zygote)
        self.seed = seed
        self.deadline = grade.deadline
        self.results: dict[str, TestResult] = {}
        self.remarks: list[str] = []
        self.for_staff: list[str] = []
        self.charts: list[Chart] = []
        self.panels: list[Panel] = []
        self.figures: dict[str, float] = {}
        self.printed: list[str] = []  # by the student's code, in the current test
        self.spoiled: list[str] = []  # visits of the current test whose end need not be the program's fault
        self.current = ""
        self.visible = False  # whether students see the current test
        self.visits_left = 1  # tests that run the student's code, from the current one on
        self.tripped: dict[str, set[str]] = {}  # ready-made attention that ran, by question
        self.remembered: dict[str, Any] = {}  # what experiments showed of this submission's programs

    def own_sizes(self) -> dict[str, dict[str, int]]:
        """By question, the sizes that its class was found to be made for."""
        found = {number: result.own_sizes for number, result in self.results.items() if result.own_sizes}
        return {policy.POLICY.question_of(number).number: sizes for number, sizes in found.items()}

    def until(self) -> float:
        """When the current test's share of the time is used up: what is left, divided by the tests that need some.

        So one that hangs costs itself, and one that finishes early leaves more to the rest.
        """
        now = time.monotonic()
        return min(self.deadline, now + max(LEAST_SHARE, (self.deadline - now) / max(1, self.visits_left)))


class Reference:
    """The reference's modules by name, imported when first asked for: `reference.attention.single_head`."""

    def __getattr__(self, name: str) -> types.ModuleType:
        try:
            return importlib.import_module(f"reference.{name}")
        except ModuleNotFoundError as error:
            raise GraderFault(f"this test needs reference/{name}.py, which is not here: {error}") from None


def read_reference() -> None:
    """Imports all of it. Where that fails, the test that needs it says why."""
    package = importlib.util.find_spec("reference")
    for place in (package and package.submodule_search_locations) or ():
        for module in pkgutil.iter_modules([place]):
            with contextlib.suppress(Exception):
                importlib.import_module(f"reference.{module.name}")


DESK = pytest.StashKey[Desk]()


def _desk(request: pytest.FixtureRequest) -> Desk:
    return request.config.stash[DESK]


@pytest.fixture
def student(request: pytest.FixtureRequest) -> Student:
    """The student's code, at arm's length. See `autograder.judging.visit`."""
    desk = _desk(request)
    return Student(
        desk.rooms,
        desk.submission,
        desk.setup.limits,
        show_text=desk.setup.public,
        until=desk.until(),
        tripped=desk.tripped,
        remembered=desk.remembered,
        printed=desk.printed,
        spoiled=desk.spoiled,
        own_sizes=desk.own_sizes(),
    )


@pytest.fixture
def reference() -> Reference:
    """The reference's modules; a test of a folder of one's own (`--tests`) may do without."""
    return Reference()


@pytest.fixture
def reference_written() -> types.ModuleType:
    """The worked written answers: `reference.written`."""
    return importlib.import_module("reference.written")


@pytest.fixture
def submission(request: pytest.FixtureRequest) -> Submission:
    """What was read of the submission, as plain data."""
    return _desk(request).submission


@pytest.fixture
def findings(request: pytest.FixtureRequest) -> tuple[Finding, ...]:
    """What reading the submission brought up (the AST rules' findings among it)."""
    return _desk(request).submission.findings


@pytest.fixture
def answers(submission: Submission) -> dict[str, dict[str, object]]:
    """answers.toml by table. Without the file the written questions are not met, or are left out, by policy."""
    if submission.answers is not None:
        return submission.answers
    if policy.POLICY.written == "optional":
        raise Missing(
            f"no {policy.FILES.answers} was handed in; the written questions are graded elsewhere", waived=True
        )
    if submission.answers_problem:
        raise Unmet(submission.answers_problem)  # it was handed in, and this says what to do about it
    raise Unmet(
        submission.problem or f"no {policy.FILES.answers} was handed in",
        fix=f"hand in {policy.FILES.answers} beside the notebook: the template has one to fill in",
    )


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """This test's own seed: from the submission's and the test's number, so that a new test shifts no other."""
    desk = _desk(request)
    return int.from_bytes(hashlib.sha256(f"{desk.seed}:{desk.current}".encode()).digest()[:4], "little")


@pytest.fixture
def cases(request: pytest.FixtureRequest, seed: int) -> Cases:
    """Seeded cases of different sizes; a test's own, since its seed is. What a class is made for is theirs, too."""
    desk = _desk(request)
    return Cases(seed).at(desk.own_sizes().get(policy.POLICY.question_of(desk.current).number, {}))


@pytest.fixture
def remark(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Says something to the student beside the verdict, passed or not."""
    return _desk(request).remarks.append


@pytest.fixture
def smallest(request: pytest.FixtureRequest, student: Student) -> Callable[..., str]:
    """`smallest("4b", "mlp")`: the smallest input on which the module is seen to differ; "" in a hidden test."""
    return functools.partial(smallest_of, student) if _desk(request).visible else lambda *asked: ""


@pytest.fixture
def for_staff(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Says something to staff alone, beside a pass, too. (`Unmet` has `staff=`.)"""
    return _desk(request).for_staff.append


@pytest.fixture
def show_chart(request: pytest.FixtureRequest) -> Callable[[Chart], None]:
    """Shows curves beside the verdict, passed or not; values that are not finite end their curve."""
    charts = _desk(request).charts
    return lambda chart: charts.extend(finite(chart))


@pytest.fixture
def show_panel(request: pytest.FixtureRequest) -> Callable[[Panel], None]:
    """Shows small grey pictures beside the verdict, in the report alone."""
    return _desk(request).panels.append


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str, float], None]:
    """Keeps a figure beside the verdict, such as one for the leaderboard: what we measured, never what was claimed."""
    figures = _desk(request).figures
    return lambda name, value: figures.update({name: float(value)} if math.isfinite(value) else {})


def finite(chart: Chart) -> tuple[Chart, ...]:
    """The chart with each curve up to its first value that is not finite; none without any."""
    lines = (Line(line.name, tuple(itertools.takewhile(math.isfinite, line.values))) for line in chart.lines)
    kept = tuple(line for line in lines if line.values)
    return (msgspec.structs.replace(chart, lines=kept),) if kept else ()


@pytest.fixture
def set_score() -> None:
    """Satisfies pytest; gradescope-utils' @partial_credit passes the real one."""
