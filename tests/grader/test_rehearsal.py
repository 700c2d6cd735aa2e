"""A rehearsal changes nothing: an engine that graded a submission of ours first says of others what any engine says.

It is done with the project's own tests only, which keep nothing from one submission to the next. To be watched, tests
of a folder of its own are said here to be the project's.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from autograder import grading
from autograder.commands.batch import lane, lanes
from autograder.commands.batch.record import Done, Task
from autograder.core.policy import FILES
from autograder.core.records import Report, Submission
from autograder.grading import Options, grade_many
from tests.grader.source_tree import ROOT

CLASS = ROOT / "examples" / "class"
WHO = ("ada_complete", "gus_softmax_over_queries", "june_unfilled")

# It tells by its remark what it was dealt, and by a file how often it was run.
DRAWS = """
from pathlib import Path
import numpy, torch
from gradescope_utils.autograder_utils.decorators import number

SEEN = []

@number("2a.1")
def test_draws(submission, remark):
    \"\"\"draws\"\"\"
    SEEN.append(submission.file)
    with open({log!r}, "a") as log:
        log.write(submission.name + "\\n")
    remark(f"{{numpy.random.rand()}} {{torch.rand(1).item()}}")  # `random` is dealt anew in every fork
"""


@pytest.fixture(scope="module")
def ours() -> Submission:
    found = lane.of_ours()
    assert found is not None
    return found


@pytest.fixture
def draws(tmp_path: Path) -> tuple[Options, Path]:
    tests, log = tmp_path / "tests", tmp_path / "log"
    tests.mkdir()
    (tests / "test_draws.py").write_text(DRAWS.format(log=str(log)))
    return Options(tests=tests, seed=1), log


@pytest.fixture
def as_the_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = grading.setup_of
    monkeypatch.setattr(grading, "setup_of", lambda options: msgspec.structs.replace(plain(options), listed=True))


def told(report: Report) -> Report:
    """What it says, but for how long it took."""
    tests = tuple(msgspec.structs.replace(test, seconds=0.0) for test in report.tests)
    return msgspec.structs.replace(report, seconds=0.0, tests=tests)


def test_ours_is_what_a_student_would_hand_in_and_gets_its_points(ours: Submission) -> None:
    assert {"4a", "4b"} <= ours.programs.keys() and not ours.problem and ours.file == FILES.script


@pytest.mark.slow
def test_results_are_the_same_and_nothing_is_told_of_ours(ours: Submission) -> None:
    options, seen = Options(only="4", without="4c.3"), list[Report]()
    plain = list(grade_many([CLASS / who for who in WHO], options))
    after = list(grade_many([CLASS / who for who in WHO], options, seen.append, ours))
    assert [told(report) for report in after] == [told(report) for report in plain]
    points = [sum(test.score or 0 for test in report.tests) for report in plain]
    assert points[0] > points[1] > points[2] and all(report.complete for report in after)
    assert {report.submission.name for report in seen} == set(WHO)


@pytest.mark.usefixtures("as_the_projects")
def test_what_is_drawn_at_random_is_the_same_for_each_submission_with_and_without(
    ours: Submission, draws: tuple[Options, Path]
) -> None:
    options, log = draws
    dealt = [
        report.tests[0].remarks
        for rehearsal in (None, ours)
        for report in grade_many([CLASS / who for who in WHO[:2]], options, rehearsal=rehearsal)
    ]
    assert len(dealt) == 4 and len(set(dealt)) == 1 and dealt[0]
    assert log.read_text().split() == [*WHO[:2], ours.name, *WHO[:2]]


@pytest.mark.usefixtures("as_the_projects")
def test_a_submission_of_ours_that_cannot_be_graded_costs_nothing(
    ours: Submission, draws: tuple[Options, Path]
) -> None:
    options, log = draws
    tests = options.tests
    assert tests is not None
    fails = f"    assert submission.name != {ours.name!r}\n"
    (tests / "test_draws.py").write_text((tests / "test_draws.py").read_text() + fails)
    [report] = grade_many([CLASS / WHO[0]], options, rehearsal=ours)
    assert report.tests[0].status.value == "passed"
    assert log.read_text().split() == [ours.name, WHO[0]]


def test_tests_of_ones_own_never_see_it(ours: Submission, draws: tuple[Options, Path]) -> None:
    options, log = draws
    [report] = grade_many([CLASS / WHO[0]], options, rehearsal=ours)
    assert report.tests[0].status.value == "passed" and report.complete
    assert log.read_text().split() == [WHO[0]]


@pytest.mark.parametrize("count, rehearsed", [(lane.WORTH_A_REHEARSAL * 2, 2), (lane.WORTH_A_REHEARSAL * 2 - 1, 0)])
def test_a_class_that_is_large_enough_is_rehearsed_once_a_lane(
    tmp_path: Path, draws: tuple[Options, Path], monkeypatch: pytest.MonkeyPatch, count: int, rehearsed: int
) -> None:
    options, log = draws
    asked = list[bool]()

    class Watched(lanes.Lane):
        def __init__(
            self, options: Options, environment: Mapping[str, str] | None = None, *, rehearse: bool = False
        ) -> None:
            asked.append(rehearse)
            super().__init__(options, environment, rehearse=rehearse)

    monkeypatch.setattr(lanes, "Lane", Watched)
    work = shutil.copytree(CLASS / "june_unfilled", tmp_path / "june")
    done = list(lanes.run([Task(f"s{n}", str(work)) for n in range(count)], options, 2))
    assert all(isinstance(one, Done) and one.report.complete for one in done) and len(done) == count
    assert sum(asked) == rehearsed and len(asked) == 2
    assert len(log.read_text().split()) == count
    assert len({one.report.tests[0].remarks for one in done}) == 1


def test_where_there_is_no_reference_there_is_no_rehearsal(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise FileNotFoundError("reference/attention.py")

    monkeypatch.setattr(lane, "reference_text", missing)
    assert lane.of_ours() is None
