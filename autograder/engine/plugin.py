"""The project's pytest plugin: a loop that grades one submission after another with tests that are collected once.

Runs in the engine, in the trusted room, after the zygote was forked. Tests are collected once; each submission is
graded in a fork of this process, so nothing that a test leaves behind reaches the next one.

Mark: `@pytest.mark.requires("4a.1")` skips a test, with the reason, unless those tests passed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence

import msgspec
import numpy
import pytest
import torch

from autograder.core import numbering, policy
from autograder.core.errors import GraderFault
from autograder.core.events import Event, Fault, Grade, Graded, Ready, Setup, Tested
from autograder.core.isolation import Isolation
from autograder.core.records import Alternative, Severity, Status, Submission, TestResult
from autograder.engine import fixtures, one_item, origin, outcome, planning, second_try
from autograder.engine.fixtures import DESK, Desk
from autograder.handin.rules import run_time
from autograder.judging import endings
from autograder.judging.training import digits
from autograder.judging.visit import SHORTEST_SECONDS
from autograder.sandbox import lockdown
from autograder.sandbox.zygote import Zygote

# MB that judging may map beyond torch. No frame holds more than 64 MB, and tests keep a few of their tensors at once.
JUDGING_MB = 2048

# The reference takes half a second here, with its training. A machine on which it takes longer has no time for it.
REHEARSAL_SECONDS = 5.0


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
        self.caught = one_item.Caught()

    def pytest_configure(self, config: pytest.Config) -> None:
        """Names the marker `requires`, so that a misspelled one is an error."""
        config.pluginmanager.register(self.caught)
        config.addinivalue_line("markers", "requires(*numbers): skip unless the tests of these numbers passed")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Notes what could not be collected: staff are told which file."""
        if report.failed:
            self.collection_errors.append(f"{report.nodeid}: {report.longreprtext}")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Plans the selected tests, then grades each order in a fork. True: pytest's own loop does not run."""
        visibility = policy.POLICY.visibility.public if self.setup.public else policy.POLICY.visibility.hidden
        described = [(item, outcome.describe(item, visibility)) for item in session.items]
        left_out: tuple[str, ...] = ()
        if self.setup.listed or self.setup.public:  # the project's own, which a term with fewer questions has, too
            described, left_out = planning.asked(described)
        self.items = [pair for pair in planning.fit(described) if self._chosen(pair[1].number)]
        wanted = {about.number: about for _, about in planning.placed(described) if self._chosen(about.number)}
        planned = tuple(outcome.blank(about) for about in wanted.values())  # of those with one number none is graded
        numbers = tuple(about.number for _, about in described if about.number)
        problems, said = tuple(self._problems(described)), () if self.setup.public else left_out
        self.emit(Ready(planned, self.isolation, origin.versions(), problems, numbers, said))
        if not self.setup.public:  # only hidden tests train and compare; each fork would read them anew
            _read_digits()
            fixtures.read_reference()
        if self.setup.rehearsal is not None and self.setup.listed:  # tests of others may keep what they saw of it
            self._rehearse(session.config, self.setup.rehearsal)
        gc.freeze()  # a collection in a fork must not touch, and so copy, all of torch's and pytest's objects
        for order in self.orders:
            self._in_a_fork(session.config, order)
        return True

    def _chosen(self, number: str) -> bool:
        left_out = self.setup.without and numbering.selects(self.setup.without, number)
        return numbering.selects(self.setup.only, number) and not left_out

    def _problems(self, described: Sequence[planning.Pair]) -> list[str]:
        problems = [f"a test file could not be collected: {text}" for text in self.collection_errors]
        known = (lambda number: False) if self.collection_errors else self._chosen
        if self.setup.listed:
            problems += outcome.disagreements([pair for pair in described if self._chosen(pair[1].number)], known)
        return [*problems, *planning.unplaced(described, self._chosen), *planning.unmet_order(described, known)]

    def _rehearse(self, config: pytest.Config, submission: Submission) -> None:
        """Grades a submission of ours in this very process, unheard, so that each fork finds what it uses made.

        Forks find expressions compiled, caches filled, and bytecode that Python has specialised for what it meets. What
        is drawn at random goes on where it was, so that a submission's results are the same without.
        """
        told, self.emit = self.emit, lambda event: None
        drawn = numpy.random.get_state(), torch.random.get_rng_state()
        try:
            with contextlib.suppress(Exception):  # where it fails, a submission's grading says so
                self._grade(config, Grade(submission, time.monotonic() + REHEARSAL_SECONDS, seed=0))
        finally:
            self.emit = told
            numpy.random.set_state(drawn[0])
            torch.random.set_rng_state(drawn[1])
            if DESK in config.stash:  # it may have failed before
                del config.stash[DESK]
            gc.collect()

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
        desk = config.stash[DESK] = Desk(order, self.setup, self.zygote, seed)
        todo = self._begin(desk, order)
        for index, (item, about) in enumerate(todo):
            desk.visits_left = sum(map(_visits, todo[index:]))
            # prerequisites count what the code does; what it may not use is charged afterwards, in every test alike
            result = desk.results[about.number] = self._judged(desk, item, about)
            self.emit(Tested(order.submission.name, self._forfeit(desk, result)))
            if index + 1 == len(todo) or _question(todo[index + 1]) != _question((item, about)):
                self._second_try(desk, _question((item, about)))
                self._leave(desk, _question((item, about)))
        desk.rooms.close()
        brought = tuple(f for f in desk.submission.findings if f not in order.submission.findings)  # by another program
        found = run_time.findings(desk.submission, desk.tripped)
        if found:
            desk.submission = run_time.settled(desk.submission, found)
            self._read_again(desk, {finding.question for finding in found})
        for result in desk.results.values() if found else ():  # those that were finished before it was seen, too
            self.emit(Tested(order.submission.name, self._forfeit(desk, result)))
        self.emit(Graded(order.submission.name, seed, (*brought, *found)))

    def _begin(self, desk: Desk, order: Grade) -> list[tuple[pytest.Item, outcome.Item]]:
        """The tests to run: all but those of which the order brings results along, which are told as they are."""
        kept = {result.number: result for result in order.kept}
        for _, about in self.items:
            if about.number in kept:
                desk.results[about.number] = kept[about.number]
                self.emit(Tested(order.submission.name, kept[about.number]))
        return [pair for pair in self.items if pair[1].number not in kept]

    def _read_again(self, desk: Desk, questions: set[str | None]) -> None:
        """Judges once more what is judged from the text alone, now that it is known what ran."""
        for item, about in self.items:
            if "findings" in getattr(item, "fixturenames", ()) and _question((item, about)) in questions:
                desk.results[about.number] = self._judged(desk, item, about)

    def _second_try(self, desk: Desk, question: str) -> None:
        """Judges a question again with the submission's other programs where the first one lost points."""
        items = [pair for pair in self.items if _question(pair) == question]
        first = {about.number: desk.results[about.number] for _, about in items}
        asked: list[Alternative] = []
        tried: list[dict[str, TestResult]] = []
        for other in second_try.wanted(question, first, desk.submission):
            if asked and second_try.needless(other, asked[-1], tried[-1]):
                continue
            asked.append(other)
            before = desk.submission, dict(desk.results), {name: set(ran) for name, ran in desk.tripped.items()}
            desk.submission, desk.visits_left = second_try.with_program(desk.submission, other), len(items)
            desk.tripped.pop(question, None)
            for item, about in items:
                desk.results[about.number] = self._judged(desk, item, about)
            tried.append({number: desk.results[number] for number in first})
            costs_all = desk.tripped.get(question) and not before[2].get(question)  # what is ready-made only here
            if not costs_all and (new := second_try.better(tried[-1], first, other)):
                desk.results.update(new)
                break
            desk.submission, desk.results, tripped = before
            desk.tripped.clear()
            desk.tripped.update(tripped)
        else:
            brings = any(other.program.brings for other in asked)
            replaced = second_try.replaced(first, desk.submission, question)
            new = second_try.in_vain(first, tried, asked) if brings else replaced
            desk.results.update(new)
        for result in new.values():
            self.emit(Tested(desk.submission.name, self._forfeit(desk, result)))

    def _leave(self, desk: Desk, question: str) -> None:
        """The next question gets a child that knows this one only where all was well: nothing was failed or hidden.

        What ready-made attention ran is told by the process for its whole life, and so must not reach another question.
        """
        results = [desk.results[about.number] for item, about in self.items if _question((item, about)) == question]
        if desk.tripped.get(question) or any(result.status is not Status.PASSED for result in results):
            desk.rooms.close()

    def _judged(self, desk: Desk, item: pytest.Item, about: outcome.Item) -> TestResult:
        result = self._one(desk, item, about)
        if self.zygote.lost:  # whatever the test says: the supervisor starts afresh, and grades all of it again
            raise GraderFault(f"the zygote was lost in {about.number}: {result.staff or result.feedback.found}")
        return result

    def _one(self, desk: Desk, item: pytest.Item, about: outcome.Item) -> TestResult:
        if time.monotonic() + SHORTEST_SECONDS > desk.deadline and _visits((item, about)):
            return outcome.skipped(about, "not run: the time for this submission was used up by the tests before it")
        if ours := [number for number in about.requires if _is_ours(desk.results.get(number))]:
            return outcome.ungraded(about, f"it builds on {ours[0]}, which we failed to judge")
        if reason := self._prerequisite(desk, about):
            return outcome.skipped(about, reason)
        desk.current, start = about.number, time.monotonic()
        desk.visible = about.visibility == "visible"
        error = self._run(desk, item)
        score = getattr(getattr(item, "function", None), "__score__", None)
        result = outcome.judge(about, error, score, tuple(desk.remarks), time.monotonic() - start)
        staff = "\n".join(filter(None, [*desk.for_staff, result.staff, endings.printed(desk.printed)]))
        shown = {"charts": tuple(desk.charts), "panels": tuple(desk.panels), "figures": dict(desk.figures)}
        result = msgspec.structs.replace(result, staff=staff, **shown)
        if self.setup.public and result.status is Status.FAILED:
            again = f"python -m autograder check {desk.submission.file} --question {about.number}"
            return msgspec.structs.replace(result, feedback=msgspec.structs.replace(result.feedback, again=again))
        return result

    def _run(self, desk: Desk, item: pytest.Item) -> BaseException | None:
        """What the test raised; run again where a visit ended badly and the program need not be to blame.

        The kernel kills a child when the machine's memory runs out, whosever fault that is; and what an earlier visit
        left in a child may end a later one. The one that was kept and the one in waiting may both be dead: the third
        is a fresh one.
        """
        for _ in range(3):
            desk.remarks, desk.for_staff, desk.printed, desk.spoiled = [], [], [], []
            desk.charts, desk.panels, desk.figures = [], [], {}
            error = one_item.run(item, self.caught)
            if not desk.spoiled:
                break
        return error

    def _prerequisite(self, desk: Desk, about: outcome.Item) -> str:
        known = set(desk.results)
        for number in about.requires:
            if number not in known:
                continue  # left out by --only: nothing speaks against running this one
            if desk.results[number].feedback.found.startswith("not run"):
                return f"not run: it builds on {number}, for which the time was used up"
            if desk.results[number].status is not Status.PASSED and not desk.results[number].own_sizes:
                return f"not judged, since it builds on {number} ({desk.results[number].name}): fix that one first"
        return ""

    def _forfeit(self, desk: Desk, result: TestResult) -> TestResult:
        question = policy.POLICY.question_of(result.number).number
        for finding in desk.submission.findings:
            if finding.severity is Severity.READY_MADE and finding.question == question:
                return outcome.forfeited(result, finding)
        return result


def _read_digits() -> None:
    """Reads what a training needs. Where that fails, the test that needs them says why."""
    with contextlib.suppress(GraderFault):
        for split in ("train", "test"):
            digits.load(split)


def _question(pair: tuple[pytest.Item, outcome.Item]) -> str:
    try:
        return policy.POLICY.question_of(pair[1].number).number
    except KeyError:  # said in the results' problems
        return ""


def _is_ours(result: TestResult | None) -> bool:
    """Whether a test could not be judged by our fault."""
    return result is not None and result.status is Status.ERROR


def _visits(pair: tuple[pytest.Item, outcome.Item]) -> bool:
    """Whether the test runs the student's code. The others take milliseconds, and are run even when time is up."""
    return "student" in getattr(pair[0], "fixturenames", ())
