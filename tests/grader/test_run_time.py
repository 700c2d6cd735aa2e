"""What ready-made attention costs that only running brought to light: as much as the rules on the text, and no more."""

from pathlib import Path

import pytest

from autograder.core.records import Finding, Report, Severity, Status, Submission
from autograder.grading import Options, grade_many
from autograder.handin.rules import run_time
from autograder.report import summary
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS

MHA = "torch.nn.MultiheadAttention"
NOTHING = Submission("ada", "hw6.py", "")


def submission(*findings: Finding) -> Submission:
    return Submission("ada", "hw6.py", "", findings=findings)


def read(severity: Severity, question: str = "4a", construct: str = MHA) -> Finding:
    return Finding("ready-made", severity, "found in the text", question, construct)


def pairs(found: tuple[Finding, ...]) -> list[tuple[Severity, str | None, str]]:
    return [(finding.severity, finding.question, finding.construct) for finding in found]


# --- pure -------------------------------------------------------------------------------------------------------------


def test_nothing_that_ran_and_nothing_that_was_read_adds_nothing() -> None:
    assert run_time.findings(NOTHING, {}) == run_time.findings(NOTHING, {"4a": set(), "4b": set()}) == ()


def test_what_reading_found_already_is_not_found_twice() -> None:
    assert run_time.findings(submission(read(Severity.READY_MADE)), {"4a": {MHA}}) == ()


def test_what_reading_missed_or_only_suspected_counts_and_staff_are_told() -> None:
    for known in (NOTHING, submission(read(Severity.FLAG)), submission(read(Severity.READY_MADE, "4b", "numpy.x"))):
        found = run_time.findings(known, {"4a": {MHA}, "4b": set()})
        assert pairs(found) == [(Severity.READY_MADE, "4a", MHA), (Severity.FLAG, "4a", MHA)]


def test_the_outermost_thing_is_named() -> None:
    sdpa, layer = "torch.nn.functional.scaled_dot_product_attention", "torch.nn.TransformerEncoderLayer"
    [finding, flag] = run_time.findings(NOTHING, {"4b": {sdpa, MHA, layer}})
    assert finding.construct == layer and all(name in flag.message for name in (sdpa, MHA, layer))


@pytest.mark.parametrize("name", ["", "torch", "numpy.x", "torch.<b>", "torch." + "x" * 100, "torch.a\n", "Torch.a"])
def test_a_name_that_no_wire_has_is_repeated_to_nobody(name: str) -> None:
    assert run_time.findings(NOTHING, {"4a": {name}}) == ()


def test_staff_hear_of_what_was_read_and_never_ran_and_only_if_anything_ran() -> None:
    known = submission(read(Severity.READY_MADE))
    assert pairs(run_time.findings(known, {"4a": set()})) == [(Severity.FLAG, "4a", MHA)]
    assert run_time.findings(known, {}) == ()
    foreign = submission(read(Severity.READY_MADE, "4a", "xformers.ops.attention"))  # no wire is there to trip
    assert run_time.findings(foreign, {"4a": set()}) == ()


# --- graded -----------------------------------------------------------------------------------------------------------

FOUND = "[c for c in nn.Module.__subclasses__() if len(c.__name__) == 18 and c.__name__[0] == 'M'][0]"
PLAIN, LAYER = ATTENTION["plain"], LAYERS["plain GELU"]
SCORES = "return self.dropout(self.softmax(q @ k.transpose(-2, -1) * self.scale)) @ v"
SUBMISSIONS = {
    "honest": PLAIN + LAYER,
    "made and hidden": PLAIN.replace(
        "    def forward", f"        self.hidden = [{FOUND}(inner_dim, 1)]\n\n    def forward", 1
    )
    + LAYER,
    # shapes, names and the first values are right without it: those tests are over when it first runs
    "only in training": PLAIN.replace(
        SCORES, f"if self.training: {FOUND}(4, 1)\n        " + SCORES
    )
    + LAYER,
    "idle": PLAIN + "    def unused(self, x):\n        return F.scaled_dot_product_attention(x, x, x)\n" + LAYER,
}  # fmt: skip


def submissions(folder: Path) -> list[Path]:
    paths = []
    for name, text in SUBMISSIONS.items():
        path = folder / name.replace(" ", "_") / "hw6.py"
        path.parent.mkdir(parents=True)
        path.write_text(IMPORTS + text, encoding="utf-8")
        paths.append(path)
    return paths


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    """The reports by name, with the hidden tests."""
    paths = submissions(tmp_path_factory.mktemp("hidden"))
    return dict(zip(SUBMISSIONS, grade_many(paths, Options(only="4"))))


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    """The reports by name, with the public tests: what a student sees at home."""
    paths = submissions(tmp_path_factory.mktemp("public"))
    return dict(zip(SUBMISSIONS, grade_many(paths, Options(only="4", public=True))))


def score(report: Report, question: str) -> float:
    return sum(test.score for test in report.tests if test.number.startswith(question))


@pytest.mark.slow
def test_an_honest_hand_in_keeps_its_points_and_hears_nothing(hidden: dict[str, Report]) -> None:
    report = hidden["honest"]
    assert (score(report, "4a"), score(report, "4b")) == (10, 5) and report.submission.findings == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["made and hidden", "only in training"])
def test_hidden_attention_loses_its_question_and_no_other(hidden: dict[str, Report], name: str) -> None:
    report = hidden[name]
    tests = [test for test in report.tests if test.number.startswith("4a") and test.max_score]
    assert tests and all(test.status is Status.FAILED and test.score == 0 for test in tests)
    assert all(MHA in test.feedback.found and "nn.Linear" in test.feedback.fix for test in tests)
    assert any("would have earned" in test.staff for test in tests) and score(report, "4b") == 5
    assert report.complete and [t.number for t in report.tests] == [t.number for t in hidden["honest"].tests]


@pytest.mark.slow
def test_staff_see_that_it_was_found_at_run_time_and_students_see_the_rest(hidden: dict[str, Report]) -> None:
    report = hidden["made and hidden"]
    found = [f for f in report.submission.findings if f.rule == run_time.RULE]
    assert pairs(tuple(found)) == [(Severity.READY_MADE, "4a", MHA), (Severity.FLAG, "4a", MHA)]
    assert found[1] in summary.flags(summary.summarise(report)) and found[1] not in summary.findings(
        summary.summarise(report), "student"
    )
    assert found[0] in summary.findings(summary.summarise(report), "student")


@pytest.mark.slow
def test_text_that_names_it_and_never_runs_it_loses_the_points_and_staff_are_asked(hidden: dict[str, Report]) -> None:
    report = hidden["idle"]
    assert score(report, "4a") == 0 and score(report, "4b") == 5
    assert [f.rule for f in summary.flags(summary.summarise(report))] == [run_time.RULE] and "idle" in summary.flags(
        summary.summarise(report)
    )[0].message


@pytest.mark.slow
def test_a_student_hears_it_at_home_already(public: dict[str, Report]) -> None:
    told = summary.findings(summary.summarise(public["made and hidden"]), "student")
    assert (
        pairs(told) == [(Severity.READY_MADE, "4a", MHA)] and "ran when your code for 4a was tested" in told[0].message
    )
    assert public["honest"].tests and summary.findings(summary.summarise(public["honest"]), "student") == ()
