"""The project's pytest plugin: fixtures for hidden and public tests, and a loop that grades one hand-in after another.

Runs in the engine, in the trusted room, after the zygote was forked. Tests are collected once; each submission is
graded in a fork of this process, so nothing that a test leaves behind reaches the next one.

Mark: `@pytest.mark.requires("4a.1")` skips a test, with the reason, unless those tests passed.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import os
import time
import types
from collections.abc import Callable, Iterator

import msgspec
import pytest

from autograder.core import numbering, policy
from autograder.core.errors import GraderFault
from autograder.core.events import Event, Fault, Grade, Graded, Ready, Setup, Tested
from autograder.core.isolation import Isolation
from autograder.core.records import Finding, Severity, Status, Submission, TestResult
from autograder.engine import one_item, origin, outcome
from autograder.handin.rules import run_time
from autograder.judging.code import cases as case_makers
from autograder.judging.expect import Missing, Unmet
from autograder.judging.visit import SHORTEST_SECONDS, Student
from autograder.sandbox import lockdown
from autograder.sandbox.zygote import Zygote

# Seconds. Many tests and little time: rather fewer tests with time to run than all with none; twice the shortest visit.
LEAST_SHARE = 1.0

# MB that judging may map beyond torch. No frame holds more than 64 MB, and tests keep a few of their tensors at once.
JUDGING_MB = 2048


class Desk:
    """The one submission that is being graded in this process, and what its tests have said so far."""

    def __init__(self, grade: Grade, setup: Setup, zygote: Zygote, seed: int) -> None:
        self.submission = grade.submission
        self.setup = setup
        self.zygote = zygote
        self.seed = seed
        self.deadline = grade.deadline
        self.results: dict[str, TestResult] = {}
        self.remarks: list[str] = []
        self.for_staff: list[str] = []
        self.current = ""
        self.visits_left = 1  # tests that run the student's code, from the current one on
        self.tripped: dict[str, set[str]] = {}  # ready-made attention that ran, by question

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


class Cases:
    """Seeded cases of different sizes: `cases.attention(4)`, `cases.layer(3, dropout=0.5)`."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def attention(self, count: int, *, dropout: float = 0.0) -> tuple[case_makers.AttentionCase, ...]:
        return case_makers.attention_cases(self._seed, count, dropout=dropout)

    def layer(self, count: int, *, dropout: float = 0.0) -> tuple[case_makers.LayerCase, ...]:
        return case_makers.layer_cases(self._seed, count, dropout=dropout)


_DESK = pytest.StashKey[Desk]()


def _desk(request: pytest.FixtureRequest) -> Desk:
    return request.config.stash[_DESK]


@pytest.fixture
def student(request: pytest.FixtureRequest) -> Student:
    """The student's code, at arm's length. See `autograder.judging.visit`."""
    desk = _desk(request)
    return Student(desk.zygote, desk.submission, desk.setup.limits, show_text=desk.setup.public, until=desk.until(),
                   tripped=desk.tripped)  # fmt: skip


@pytest.fixture
def reference() -> Reference:
    return Reference()


@pytest.fixture
def reference_written() -> types.ModuleType:
    return importlib.import_module("reference.written")


@pytest.fixture
def submission(request: pytest.FixtureRequest) -> Submission:
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
        raise Missing("no answers.toml was handed in; the written questions are graded elsewhere", waived=True)
    raise Unmet(
        submission.answers_problem or submission.problem or f"no {policy.FILES.answers} was handed in",
        mend=f"hand in {policy.FILES.answers} beside the notebook: the template has one to fill in",
    )


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """This test's own seed: from the submission's and the test's number, so that a new test shifts no other."""
    desk = _desk(request)
    return int.from_bytes(hashlib.sha256(f"{desk.seed}:{desk.current}".encode()).digest()[:4], "little")


@pytest.fixture
def cases(seed: int) -> Cases:
    return Cases(seed)


@pytest.fixture
def remark(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Says something to the student beside the verdict, passed or not."""
    return _desk(request).remarks.append


@pytest.fixture
def for_staff(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Says something to staff alone, beside a pass, too. (`Unmet` has `staff=`.)"""
    return _desk(request).for_staff.append


@pytest.fixture
def set_score() -> None:
    """Satisfies pytest; gradescope-utils' @partial_credit passes the real one."""


class Grading:
    """Collects, then grades every order. `orders` yields them, `emit` sends events to the supervisor."""

    def __init__(
        self, setup: Setup, zygote: Zygote, orders: Iterator[Grade], emit: Callable[[Event], None], isolation: Isolation
    ) -> None:
        self.setup = setup
        self.zygote = zygote
        self.orders = orders
        self.emit = emit
        self.isolation = isolation
        self.items: list[tuple[pytest.Item, outcome.Item]] = []
        self.collection_errors: list[str] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        config.addinivalue_line("markers", "requires(*numbers): skip unless the tests of these numbers passed")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.collection_errors.append(f"{report.nodeid}: {report.longreprtext}")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        visibility = policy.POLICY.visibility.public if self.setup.public else policy.POLICY.visibility.hidden
        described = [(item, outcome.describe(item, visibility)) for item in session.items]
        self.items = [(item, about) for item, about in described if numbering.selects(self.setup.only, about.number)]
        planned = tuple(outcome.blank(about) for _, about in self.items)
        numbers = tuple(about.number for _, about in described)
        self.emit(Ready(planned, self.isolation, origin.versions(), tuple(self._problems()), numbers))
        gc.freeze()  # a collection in a fork must not touch, and so copy, all of torch's and pytest's objects
        for order in self.orders:
            self._in_a_fork(session.config, order)
        return True

    def _problems(self) -> list[str]:
        problems = [f"a test file could not be collected: {text}" for text in self.collection_errors]
        numbers = [about.number for _, about in self.items]
        if self.setup.listed:
            problems += outcome.disagreements(self.items, whole=not (self.setup.only or self.collection_errors))
        for number in {n for n in numbers if numbers.count(n) > 1}:
            problems.append(f"two tests have the number {number!r}: give each its own")
        for number in numbers:
            try:
                policy.POLICY.question_of(number)
            except KeyError as error:
                problems.append(str(error))
        return problems

    def _in_a_fork(self, config: pytest.Config, order: Grade) -> None:
        engine, pid = os.getpid(), os.fork()
        if pid == 0:
            status = 1
            try:
                lockdown.prctl(lockdown.PR_SET_PDEATHSIG, lockdown.SIGKILL)
                if os.getppid() != engine:  # it died before we asked to die with it
                    os._exit(1)
                lockdown.limit_memory(JUDGING_MB)
                self._grade(config, order)
                status = 0
            except BaseException as error:
                self.emit(Fault(f"{type(error).__name__}: {error}", order.submission.name))
            finally:
                os._exit(status)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            self.emit(Fault(f"the grading process died of signal {os.WTERMSIG(status)}", order.submission.name))

    def _grade(self, config: pytest.Config, order: Grade) -> None:
        seed = order.seed if order.seed is not None else origin.seed_of(order.submission, self.setup.secret)
        desk = config.stash[_DESK] = Desk(order, self.setup, self.zygote, seed)
        for index, (item, about) in enumerate(self.items):
            desk.visits_left = sum(map(_visits, self.items[index:]))
            # prerequisites count what the code does; what it may not use is charged afterwards, in every test alike
            result = self._one(desk, item, about)
            if self.zygote.lost:  # whatever the test says: the supervisor starts afresh, and grades all of it again
                raise GraderFault(f"the zygote was lost in {about.number}: {result.staff or result.feedback.found}")
            desk.results[about.number] = result
            self.emit(Tested(order.submission.name, self._forfeit(desk, result)))
        found = run_time.findings(order.submission, desk.tripped)
        desk.submission = msgspec.structs.replace(desk.submission, findings=desk.submission.findings + found)
        for result in desk.results.values() if found else ():  # those that were finished before it was seen, too
            self.emit(Tested(order.submission.name, self._forfeit(desk, result)))
        self.emit(Graded(order.submission.name, seed, found))

    def _one(self, desk: Desk, item: pytest.Item, about: outcome.Item) -> TestResult:
        if time.monotonic() + SHORTEST_SECONDS > desk.deadline and _visits((item, about)):
            return outcome.skipped(about, "not run: the time for this submission was used up by the tests before it")
        if reason := self._prerequisite(desk, about):
            return outcome.skipped(about, reason)
        desk.remarks, desk.for_staff, desk.current = [], [], about.number
        start = time.monotonic()
        error = one_item.run(item)
        score = getattr(getattr(item, "function", None), "__score__", None)
        result = outcome.judge(about, error, score, tuple(desk.remarks), time.monotonic() - start)
        if desk.for_staff:
            result = msgspec.structs.replace(result, staff="\n".join([*desk.for_staff, result.staff]).strip())
        if self.setup.public and result.status is Status.FAILED:
            again = f"python -m autograder check {desk.submission.file} --question {about.number}"
            return msgspec.structs.replace(result, feedback=msgspec.structs.replace(result.feedback, again=again))
        return result

    def _prerequisite(self, desk: Desk, about: outcome.Item) -> str:
        known = set(desk.results)
        for number in about.requires:
            if number not in known:
                continue  # left out by --only: nothing speaks against running this one
            if desk.results[number].feedback.found.startswith("not run"):
                return f"not run: it builds on {number}, for which the time was used up"
            if desk.results[number].status is not Status.PASSED:
                return f"not judged, since it builds on {number} ({desk.results[number].name}): mend that one first"
        return ""

    def _forfeit(self, desk: Desk, result: TestResult) -> TestResult:
        question = policy.POLICY.question_of(result.number).number
        for finding in desk.submission.findings:
            if finding.severity is Severity.READY_MADE and finding.question == question:
                return outcome.forfeited(result, finding)
        return result


def _visits(pair: tuple[pytest.Item, outcome.Item]) -> bool:
    """Whether the test runs the student's code. The others take milliseconds, and are run even when time is up."""
    return "student" in getattr(pair[0], "fixturenames", ())
