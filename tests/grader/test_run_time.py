"""What ready-made attention costs that only running brought to light: as much as the rules on the text, and no more."""

import subprocess
import sys
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
    [flag] = run_time.findings(known, {"4a": set()})
    assert (flag.rule, flag.severity, flag.question, flag.construct) == (run_time.IDLE, Severity.FLAG, "4a", MHA)
    assert run_time.findings(known, {}) == ()
    foreign = submission(read(Severity.READY_MADE, "4a", "einops.attention"))  # no wire is there to trip
    assert run_time.findings(foreign, {"4a": set()}) == ()
    absent = submission(read(Severity.READY_MADE, "4a", "no_such_package_here.ops.attention"))  # it cannot have run
    assert [flag.rule for flag in run_time.findings(absent, {"4a": set()})] == [run_time.IDLE]


def test_what_never_ran_becomes_a_remark_in_its_own_question_alone() -> None:
    known = submission(read(Severity.READY_MADE), read(Severity.READY_MADE, "4b"), read(Severity.DISALLOWED))
    found = run_time.findings(known, {"4a": set(), "4b": {MHA}})
    after = run_time.settled(known, found).findings
    assert [(f.severity, f.question) for f in after] == [
        (Severity.REMARK, "4a"), (Severity.READY_MADE, "4b"), (Severity.DISALLOWED, "4a"), (Severity.FLAG, "4a")
    ]  # fmt: skip
    assert "costs no points" in after[0].message and after[3].rule == run_time.IDLE
    assert run_time.settled(known, ()) == known


def test_beside_what_cannot_be_read_silence_proves_nothing() -> None:
    """Whoever patches torch may have cut the wires: the charge stands, and a person looks."""
    patched = Finding("dynamic", Severity.FLAG, "setattr goes round what can be read", "4a", "setattr")
    known = submission(read(Severity.READY_MADE), patched)
    [flag] = found = run_time.findings(known, {"4a": set()})
    assert flag.rule == run_time.RULE and "points are lost" in flag.message
    assert run_time.settled(known, found).findings[0].severity is Severity.READY_MADE


@pytest.mark.parametrize("name", ["torch.nn.attention.flex_attention.flex_attention", "torch.ops.aten._x"])
def test_of_what_no_wire_watches_everywhere_silence_proves_nothing(name: str) -> None:
    mixed = submission(read(Severity.READY_MADE), read(Severity.READY_MADE, construct=name))
    assert run_time.findings(mixed, {"4a": set()}) == ()


def test_what_is_called_watched_is_watched_in_this_torch() -> None:
    code = "from autograder.student_room import tripwires; print(*tripwires.arm().watched)"
    watched = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(watched) >= run_time.WATCHED


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
    "idle beside a patch": PLAIN + "    def cut(self):\n        exec('pass')\n"
    + "    def unused(self, x):\n        return F.scaled_dot_product_attention(x, x, x)\n" + LAYER,
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
def test_text_that_names_it_and_never_runs_it_costs_nothing_and_staff_are_asked(hidden: dict[str, Report]) -> None:
    report = hidden["idle"]
    assert (score(report, "4a"), score(report, "4b")) == (10, 5)
    whole = summary.summarise(report)
    [flag], [told] = summary.flags(whole), summary.findings(whole, "student")
    assert flag.rule == run_time.IDLE and "idle" in flag.message
    assert told.severity is Severity.REMARK and "did not run" in told.message


@pytest.mark.slow
def test_text_that_names_it_and_may_have_cut_the_wires_loses_the_points(hidden: dict[str, Report]) -> None:
    report = hidden["idle beside a patch"]
    assert score(report, "4a") == 0
    assert any("points are lost" in f.message for f in summary.flags(summary.summarise(report)))


@pytest.mark.slow
def test_a_student_hears_it_at_home_already(public: dict[str, Report]) -> None:
    told = summary.findings(summary.summarise(public["made and hidden"]), "student")
    assert (
        pairs(told) == [(Severity.READY_MADE, "4a", MHA)] and "ran when your code for 4a was tested" in told[0].message
    )
    assert public["honest"].tests and summary.findings(summary.summarise(public["honest"]), "student") == ()
