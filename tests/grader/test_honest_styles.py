"""No honest solution loses a point, whatever its style: each is graded for real, as a student's file."""

import pytest

from autograder.core.records import Report, Status
from autograder.grading import Options, grade_many
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Report]:
    """Every style's report, by (question, style), graded by one engine."""
    folder = tmp_path_factory.mktemp("honest")
    styles = [("4a", name, text) for name, text in ATTENTION.items()] + [
        ("4b", name, text) for name, text in LAYERS.items()
    ]
    paths = []
    for i, (_, _, text) in enumerate(styles):
        path = folder / str(i) / "hw6.py"
        path.parent.mkdir()
        path.write_text(IMPORTS + text, encoding="utf-8")
        paths.append(path)
    reports = grade_many(paths, Options(only="4"))
    return {(q, name): report for (q, name, _), report in zip(styles, reports)}


def lost(report: Report, question: str) -> list[str]:
    return [f"{t.number} {t.status.value}: {t.feedback.lines()} {t.staff}" for t in report.tests
            if t.number.startswith(question) and t.status is not Status.PASSED]  # fmt: skip


@pytest.mark.parametrize("style", ATTENTION)
def test_right_attention_keeps_every_point(graded: dict[tuple[str, str], Report], style: str) -> None:
    report = graded["4a", style]
    assert [t for t in report.tests if t.number.startswith("4a")], report.staff_notes
    assert lost(report, "4a") == []


@pytest.mark.parametrize("style", LAYERS)
def test_right_layer_keeps_every_point(graded: dict[tuple[str, str], Report], style: str) -> None:
    report = graded["4b", style]
    assert [t for t in report.tests if t.number.startswith("4b")], report.staff_notes
    assert lost(report, "4b") == []


def test_a_returned_tuple_is_accepted_with_a_remark(graded: dict[tuple[str, str], Report]) -> None:
    remarks = [r for t in graded["4a", "returns a tuple"].tests for r in t.remarks]
    assert any("tuple" in r for r in remarks)


def test_each_report_says_what_isolation_held(graded: dict[tuple[str, str], Report]) -> None:
    assert all("rlimits" in report.isolation for report in graded.values())
