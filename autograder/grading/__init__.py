"""Grades submissions, as the command line and Python callers use it: read, order, collect events, report.

    for report in grade_many([path, ...], options): ...

Every submission is read in a throw-away process, graded by one engine, and yields a `Report` whatever happens.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from autograder.core import isolation, numbering, policy
from autograder.core.errors import GraderFault, UsageError, WeakIsolation
from autograder.core.events import Fault, Grade, Graded, Ready, Refused, Setup, Tested
from autograder.core.records import Limits, Report, Status, Submission, TestResult
from autograder.grading.supervisor import ROOT, Engine
from autograder.report import results, seal
from autograder.sandbox import landlock

HIDDEN = ROOT / "tests" / "hidden"
INSTALLED = ROOT / "autograder" / "public_tests"  # where pip puts them for students
PUBLIC = INSTALLED if INSTALLED.is_dir() else ROOT / "tests" / "public"
SECRET_FILE = ROOT / "course_secret.txt"

FAULT = "This submission could not be graded through a fault of ours. It costs no points; staff have been told why."

# Time for an engine to say, after its deadline, which tests it did not run; then it is killed. It needs 0.1 s here.
GRACE_SECONDS = 2.0

Watch = Callable[[Report], None]


class Again(NamedTuple):
    """A submission of which the results of whole questions stand: their tests are not run."""

    path: Path
    kept: tuple[TestResult, ...]


class Options(msgspec.Struct, frozen=True):
    """How to grade. `seed` None: derived from the submission and the course secret."""

    public: bool = False
    tests: Path | None = None  # a folder of hidden tests other than tests/hidden
    only: str = ""  # a question or test, as people type it (`numbering.read`); empty: all
    without: str = ""  # leave this question or test out, as a training that takes half of the time; empty: none
    seed: int | None = None
    seconds: float = policy.CAPS.total_seconds
    limits: Limits = policy.CHILD_LIMITS
    allow_weak_isolation: bool = False  # run hidden tests where student code could reach them; every result says so


def grade(path: Path | str, options: Options = Options(), watch: Watch | None = None) -> Report:
    """Grades one submission. `watch` gets the report so far after every test."""
    [report] = grade_many([path], options, watch)
    return report


def grade_many(
    paths: Iterable[Path | str | Again],
    options: Options = Options(),
    watch: Watch | None = None,
    rehearsal: Submission | None = None,
) -> Iterator[Report]:
    """Grades one submission after another with one engine; a broken one never stops the rest.

    `rehearsal`: a submission of ours that every engine grades first, unheard, and is quicker for afterwards. Raises
    UsageError when a path does not exist or the tests are not here, WeakIsolation before anything was graded. An engine
    that fails is started anew: for the same submission once, then for the next.
    """
    from autograder.handin import reader

    if isinstance(paths, (str, Path)):
        raise UsageError(f"grade_many takes several submissions, and {paths} is one: give it to grade, or in a list")
    options = checked(options)
    strong = False  # whether an engine has found this machine fit for the tests
    with _Engines(msgspec.structs.replace(setup_of(options), rehearsal=rehearsal)) as engines:
        for each in paths:
            path, kept = each if isinstance(each, Again) else (Path(each), ())
            engines.at_work()
            reader.import_once()  # while the engine imports torch
            start = time.monotonic()
            try:
                submission = reader.read(path)
            except GraderFault as fault:
                yield results.failure(FAULT, staff=str(fault), seconds=time.monotonic() - start)
                continue
            sheet = Sheet(submission, start, options)
            try:
                _fill(sheet, engines, options, watch, kept)
            except WeakIsolation as refused:
                if not strong and sheet.ready is None:
                    raise
                engines.drop()  # this machine was strong enough a moment ago: only this submission is left out
                yield results.failure(FAULT, staff=str(refused), seconds=time.monotonic() - start)
            else:
                strong = strong or sheet.ready is not None
                yield sheet.report(final=True)


def _fill(
    sheet: Sheet, engines: _Engines, options: Options, watch: Watch | None, kept: tuple[TestResult, ...] = ()
) -> None:
    """Has the submission graded; by a second engine, once, when the first one fails.

    Only while half of the time is left, so that no test is lost for want of time that our fault used up: an honest
    submission needs a tenth of it.
    """
    deadline = sheet.start + options.seconds
    for again in (False, True):
        engine = engines.at_work(alone=again)
        engine.send(Grade(sheet.submission, deadline, options.seed, kept))
        if sheet.fill(engine, deadline + GRACE_SECONDS, engines.ready, watch):
            engines.ready = sheet.ready
            return
        engines.drop()
        if time.monotonic() > sheet.start + options.seconds / 2:
            return


class _Engines:
    """The engine at work, and a fresh one in its place after it failed. Left in order, the last one ends in order."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._engine: Engine | None = None
        self.ready: Ready | None = None  # what the engine at work said

    def __enter__(self) -> _Engines:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._engine is not None:
            self._engine.finish()
        self.drop()  # an interruption leaves no time for an orderly end

    def at_work(self, *, alone: bool = False) -> Engine:
        """The engine; it imports torch, and has its first order, from the first call on. `alone`: see Engine.start."""
        if self._engine is None:
            self._engine, self.ready = Engine.start(alone=alone), None
            self._engine.send(self._setup)
        return self._engine

    def drop(self) -> None:
        """Kills the engine at work, if there is one."""
        if self._engine is not None:
            self._engine.kill()
        self._engine = None


def machine() -> isolation.Machine:
    """What advice on isolation depends on."""
    return isolation.Machine(sys.platform.startswith("linux"), os.geteuid() == 0, landlock.abi())


def checked(options: Options) -> Options:
    """The same options, their number as tests write it. Raises UsageError for an unknown number or where no tests are.

    It is cheap: callers ask before they make a folder, or anything else is done.
    """
    _check_tests(options)
    return msgspec.structs.replace(options, only=numbering.read(options.only), without=numbering.read(options.without))


def _tests(options: Options) -> Path:
    return options.tests or (PUBLIC if options.public else HIDDEN)


def _check_tests(options: Options) -> None:
    tests, chosen = _tests(options), options.tests is not None
    if chosen and not tests.exists():
        raise UsageError(f"there is no folder {tests}: --tests takes a folder of hidden tests")
    if chosen and not tests.is_dir():
        raise UsageError(f"{tests} is a file: --tests takes the folder that holds it, {tests.parent}")
    if any(tests.rglob("test_*.py")):
        return
    if chosen:
        raise UsageError(f"there are no tests in {tests}: --tests takes a folder with at least one test_*.py")
    copy = "this copy is incomplete" if options.public else "this is the students' copy; use `check` instead of `grade`"
    raise UsageError(f"there are no tests in {tests}: {copy}")


def setup_of(options: Options) -> Setup:
    """The engine's first order for these options, which are `checked`."""
    tests = _tests(options)
    secrets = (tests.resolve(), ROOT / "reference", SECRET_FILE, seal.place())
    return Setup(
        (str(tests.resolve()),),
        _secret(),
        options.limits,
        options.public,
        options.only,
        options.without,
        guarded=() if options.public else tuple(map(str, secrets)),
        listed=tests.resolve() == HIDDEN.resolve(),
        allow_weak=options.allow_weak_isolation,
    )


def _secret() -> str:
    """The course secret: from a file beside the grader, else the environment, else empty (seeds are then public)."""
    try:
        return SECRET_FILE.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return os.environ.get("AUTOGRADER_SECRET", "")


def _check_chosen(ready: Ready, options: Options) -> None:
    """Raises UsageError when no test is left by what was chosen, and that is no fault of the tests'.

    A question may well have no public test: nothing of it is checked then, and that is the whole answer.
    """
    if options.without and not any(numbering.selects(options.without, number) for number in ready.numbers):
        raise UsageError(numbering.no_such_test(options.without, ready.numbers))
    if ready.planned or ready.problems:
        return
    if not ready.numbers:
        raise UsageError(f"the files in {_tests(options)} hold no test")
    if any(numbering.selects(options.only, number) for number in ready.numbers):
        raise UsageError(f"no test is left without {options.without}")
    question = numbering.question(options.only)
    if not options.public or any(numbering.selects(question, number) for number in ready.numbers):
        raise UsageError(numbering.no_such_test(options.only, ready.numbers))


class Sheet:
    """What is known so far about one submission's grading."""

    def __init__(self, submission: Submission, start: float, options: Options = Options()) -> None:
        self.submission = submission
        self._options = options
        self.start = start
        self.ready: Ready | None = None
        self._tests: dict[tuple[str, str], TestResult] = {}  # by number and name: a later result replaces an earlier
        self.notes: list[str] = []
        self.seed = 0
        self.complete = False
        self._untried = False  # whether an engine could start no child

    def fill(self, engine: Engine, deadline: float, ready: Ready | None, watch: Watch | None) -> bool:
        """Takes events until this submission is graded; False: it was not, and the engine cannot go on."""
        self.ready = ready or self.ready
        for event in engine.events(deadline):
            if isinstance(event, Ready):
                _check_chosen(event, self._options)
                self.ready = event
            elif isinstance(event, Refused):
                if event.isolation.line == isolation.UNTRIED and not self._untried:
                    self._untried = True  # what could not even be tried says nothing about the machine: once more
                    return False
                raise WeakIsolation(isolation.refusal(event.isolation, machine()))
            elif isinstance(event, Tested):
                self._tests[event.result.number, event.result.name] = event.result
            elif isinstance(event, Graded):
                self.seed, self.complete = event.seed, len(self.tests) > 0 or self._options.public
                if event.findings:
                    from autograder.handin.rules import run_time  # the rules are read by few of those who grade

                    self.submission = run_time.settled(self.submission, event.findings)
                return True
            elif isinstance(event, Fault):
                self.notes.append(event.text)
                if event.name:  # the fork that graded died, maybe between an order and its answer: start afresh
                    return False
            if watch:
                watch(self.report())
        self.notes.append("the grading engine ended before this submission was graded; its messages are on stderr")
        return False

    @property
    def tests(self) -> tuple[TestResult, ...]:
        """The tests that are finished, in the order in which they were."""
        return tuple(self._tests.values())

    def report(self, *, final: bool = False) -> Report:
        """The report as it stands; `final` when nothing more will come."""
        problems, left_out = (self.ready.problems, self.ready.left_out) if self.ready else ((), ())
        held = self.ready.isolation.line if self.ready else ""
        broken = any(test.status is Status.ERROR for test in self.tests)
        finished = {test.number for test in self.tests}
        planned = tuple(t for t in (self.ready.planned if self.ready else ()) if t.number not in finished)
        return Report(
            submission=self.submission,
            tests=self.tests,
            planned=planned,
            seed=self.seed,
            isolation=held,
            versions=self.ready.versions if self.ready else {},
            seconds=round(time.monotonic() - self.start, 3),
            complete=final and self.complete and not problems and not broken,
            staff_notes=(*problems, *isolation.note(held), *self.notes, *left_out),
        )
