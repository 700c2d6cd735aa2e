"""results.json against the platform's contract: first what must be in it, then what must never be."""

from __future__ import annotations

import json
import os
import stat
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from autograder.core.errors import GraderFault, UsageError
from autograder.core.policy import POLICY
from autograder.core.records import Feedback, Finding, Report, Severity, Status, TestResult
from autograder.report.results import (
    MAX_TEST_BYTES,
    MAX_TOTAL_BYTES,
    comparable,
    failure,
    make_folder,
    write_bytes,
)
from tests.grader import example_reports, outputs

TOP: dict[str, Any] = {
    "score": (int, float),
    "execution_time": (int, float),
    "output": str,
    "output_format": str,
    "test_output_format": str,
    "test_name_format": str,
    "visibility": str,
    "stdout_visibility": str,
    "extra_data": dict,
    "tests": list,
    "leaderboard": list,
}
TEST: dict[str, Any] = {
    "score": (int, float),
    "max_score": (int, float),
    "status": str,
    "name": str,
    "name_format": str,
    "number": str,
    "output": str,
    "output_format": str,
    "tags": list,
    "visibility": str,
    "extra_data": dict,
}
FORMATS = {"text", "html", "simple_format", "md", "ansi"}
VISIBILITIES = {"hidden", "after_due_date", "after_published", "visible"}

REPORTS: dict[str, Callable[[], Report]] = {
    **example_reports.ALL,
    "nothing": lambda: failure("the tests could not be read"),
    "empty": lambda: example_reports.report((), example_reports.submission()),
}


def check_contract(data: dict[str, Any]) -> None:
    """Gradescope's specification, field by field: nothing unknown, nothing of another type, no null."""
    for key, value in data.items():
        assert isinstance(value, TOP[key]), key
    for test in data["tests"]:
        for key, value in test.items():
            assert isinstance(value, TEST[key]), key
        assert test.get("status", "passed") in ("passed", "failed")
        assert ("score" in test) == ("max_score" in test)
        assert test["visibility"] in VISIBILITIES
        assert {test["name_format"], test["output_format"]} <= FORMATS
    assert {data["output_format"], data["test_output_format"], data["test_name_format"]} <= FORMATS
    assert {data["visibility"], data["stdout_visibility"]} <= VISIBILITIES


def student_texts(data: dict[str, Any]) -> Iterator[str]:
    yield data["output"]
    for test in data["tests"]:
        yield from (test["name"], test["output"], test.get("number", ""), *test.get("tags", []))


def by_number(report: Report) -> dict[str, dict[str, Any]]:
    tests: Any = outputs.to_gradescope(report)["tests"]
    return {test.get("number", ""): test for test in tests}


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_every_report_meets_the_contract_and_the_caps(name: str) -> None:
    data = outputs.encode(REPORTS[name]())
    check_contract(json.loads(data))
    assert len(data) <= MAX_TOTAL_BYTES
    assert all(len(test["output"].encode()) <= MAX_TEST_BYTES for test in json.loads(data)["tests"])


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_the_plain_data_and_the_bytes_are_the_same(name: str) -> None:
    assert json.loads(outputs.encode(REPORTS[name]())) == json.loads(json.dumps(outputs.to_gradescope(REPORTS[name]())))


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_no_text_for_students_can_be_obeyed_or_hides_anything(name: str) -> None:
    for text in student_texts(json.loads(outputs.encode(REPORTS[name]()))):
        assert not set(text) & set("<>")
        assert all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in text)


def test_full_marks_are_the_sum_of_the_questions() -> None:
    data = outputs.to_gradescope(example_reports.full_marks())
    assert data["score"] == sum(question.points for question in POLICY.questions) == 39
    assert "total                                  39/39" in str(data["output"])


def test_the_tests_stand_in_the_handouts_order_with_ten_after_nine() -> None:
    numbers = list(by_number(example_reports.wrong_attention()))
    assert numbers == [number for number, _, _ in example_reports.SUITE]


def test_a_failed_test_shows_its_message_block_with_aligned_labels() -> None:
    test = by_number(example_reports.wrong_attention())["4a.4"]
    assert (test["score"], test["max_score"], test["status"]) == (0.0, 4.0, "failed")
    lines = test["output"].split("\n")
    assert lines[0].startswith("found     your output equals the reference")
    assert lines[2] == "where     hw6.ipynb cell 14 line 13, in __init__"
    assert lines[4] == "           [0.55, 0.45]], yours [[0.42, 0.81],"
    assert lines[-1] == "again     python -m autograder grade . --only 4a.4 --seed 7"


def test_a_skipped_test_scores_nothing_and_says_what_it_needs() -> None:
    test = by_number(example_reports.wrong_attention())["4a.10"]
    assert (test["score"], test["max_score"], test["status"]) == (0.0, 1.0, "failed")
    assert test["output"] == "skipped   needs 4a.4 to pass: fix that one first"


def test_remarks_stand_beside_a_pass() -> None:
    test = example_reports.passed("4a.1", "shape", 1.0, remarks=("forward returned a tuple; its first item is used",))
    output = by_number(example_reports.report((test,), example_reports.submission()))["4a.1"]["output"]
    assert output == "remark    forward returned a tuple; its first item is used"


def test_a_partly_earned_test_keeps_its_points() -> None:
    half = msgspec.structs.replace(example_reports.SOFTMAX_OVER_QUERIES, score=1.5)
    data = outputs.to_gradescope(example_reports.report((half,), example_reports.submission()))
    assert data["score"] == 1.5


def test_thirds_add_up_to_a_whole() -> None:
    thirds = tuple(example_reports.passed(f"4a.{n}", "third", 1 / 3) for n in range(3))
    assert outputs.to_gradescope(example_reports.report(thirds, example_reports.submission()))["score"] == 1.0


def test_an_informational_test_has_a_status_and_no_scores() -> None:
    test = by_number(
        example_reports.report((example_reports.passed("4a.0", "note", 0.0),), example_reports.submission())
    )
    assert test["4a.0"]["status"] == "passed"
    assert "score" not in test["4a.0"]


def test_a_fault_of_ours_is_never_a_zero() -> None:
    report = example_reports.grader_error()
    tests, data = by_number(report), outputs.to_gradescope(report)
    for number in ("4b.2", "4c.1", "4c.2", "4c.3"):
        assert not {"score", "max_score", "status"} & tests[number].keys()
        assert "our fault" in tests[number]["output"]
        assert "course staff" in tests[number]["output"]
    assert "not run" in tests["4c.1"]["output"]
    assert tests["4b.1"]["score"] == 1.0  # finished, though it was planned too
    assert data["score"] == 32.0
    assert "score below is incomplete" in str(data["output"])
    assert "3/5 (2 not graded yet)" in str(data["output"])


@pytest.mark.parametrize("score", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_no_number_is_our_fault_and_spoils_no_other(score: float) -> None:
    odd = TestResult("4a.4", "odd", Status.FAILED, score, 4.0)
    report = example_reports.report((odd, example_reports.passed("4a.1", "fine", 1.0)), example_reports.submission())
    data = json.loads(outputs.encode(report))
    check_contract(data)
    assert data["score"] == 1.0
    assert "score" not in by_number(report)["4a.4"]


def test_a_failure_of_everything_is_valid_without_any_score_and_asks_staff() -> None:
    planned = tuple(
        TestResult(number, name, Status.FAILED, 0.0, worth) for number, name, worth in example_reports.SUITE
    )
    data = json.loads(outputs.encode(failure("the tests could not be read", planned, staff="STAFF-ONLY traceback")))
    check_contract(data)
    assert len(data["tests"]) == len(planned) + 1
    assert "score" not in data
    assert not any("score" in test for test in data["tests"])
    assert "nothing is lost" in data["output"]
    assert "the tests could not be read" in data["tests"][0]["output"]
    assert not any("STAFF-ONLY" in text for text in student_texts(data))
    assert "STAFF-ONLY traceback" in data["extra_data"]["staff_notes"]


def test_a_hand_in_that_cannot_be_read_scores_zero_with_its_reason() -> None:
    report = msgspec.structs.replace(example_reports.unusable(), tests=())
    data = outputs.to_gradescope(report)
    assert data["score"] == 0.0
    assert "ends in the middle of a cell" in str(data["output"])


def test_the_top_lists_what_is_graded_by_hand() -> None:
    output = str(outputs.to_gradescope(example_reports.full_marks())["output"])
    assert "(8 points)" in output
    assert all(question.title in output for question in POLICY.by_hand)


def test_findings_reach_students_with_place_and_fix_and_flags_reach_staff_alone() -> None:
    data = json.loads(outputs.encode(example_reports.wrong_attention()))
    assert "where     hw6.ipynb cell 14 line 9" in data["output"]
    assert "fix       Apply the layers one after the other" in data["output"]
    assert not any("FLAGGED" in text for text in student_texts(data))
    assert "FLAGGED" in data["extra_data"]["flags"][0]


def test_what_is_for_staff_stays_out_of_every_field_for_students() -> None:
    data = json.loads(outputs.encode(example_reports.grader_error()))
    assert not any("STAFF-ONLY" in text for text in student_texts(data))
    assert any("STAFF-ONLY torch" in text for text in data["extra_data"]["staff"])
    assert any("4b.2" in note for note in data["extra_data"]["staff_notes"])


def test_a_test_that_is_not_visible_yet_is_left_out_of_the_table_and_staff_are_warned() -> None:
    hidden = msgspec.structs.replace(example_reports.SOFTMAX_OVER_QUERIES, visibility="after_published")
    done = example_reports.passed("4a.1", "shape", 1.0)
    data = json.loads(outputs.encode(example_reports.report((done, hidden), example_reports.submission())))
    assert "1/1" in data["output"]
    assert "/5" not in data["output"]
    assert "(tests not shown yet: 1)" in data["output"]
    assert any("do not see their total" in note for note in data["extra_data"]["staff_notes"])


def test_a_misspelt_visibility_is_hidden_rather_than_shown() -> None:
    odd = msgspec.structs.replace(example_reports.SOFTMAX_OVER_QUERIES, visibility="after-published")
    data = json.loads(outputs.encode(example_reports.report((odd,), example_reports.submission())))
    assert data["tests"][0]["visibility"] == "hidden"
    assert any("unknown visibility" in note for note in data["extra_data"]["staff_notes"])


def test_provenance_is_recorded() -> None:
    extra: Any = outputs.to_gradescope(example_reports.full_marks())["extra_data"]
    assert extra["seed"] == "7318441902117552341"
    assert extra["isolation"].startswith("uid+rlimits")
    assert list(extra["versions"]) == ["torch", "python", "autograder"]
    assert extra["digest"] == "9f2c" * 16
    assert extra["policy"] == {"sha256": POLICY.sha256, "title": "CS189 Homework 6"}
    assert extra["seconds"]["4a.1"] == 0.04


def test_the_same_grading_gives_the_same_bytes_times_aside() -> None:
    first = example_reports.wrong_attention()
    slower = tuple(msgspec.structs.replace(test, seconds=test.seconds + 1) for test in first.tests)
    versions = dict(reversed(first.versions.items()))
    second = msgspec.structs.replace(first, tests=slower[::-1], seconds=99.0, versions=versions)
    assert outputs.encode(first) == outputs.encode(example_reports.wrong_attention())
    assert outputs.encode(first) != outputs.encode(second)
    one, two = (comparable(json.loads(outputs.encode(report))) for report in (first, second))
    assert json.dumps(one) == json.dumps(two)


def test_the_whole_stays_within_its_cap_by_shortening_the_longest_and_dropping_none() -> None:
    long = Feedback(found="a long line\n" * 20, expected="é" * 1400, smallest="x" * 1400, fix="y" * 1400)
    tests = tuple(
        TestResult(
            f"4a.{n}", "n" * 300, Status.FAILED, 0.0, 1.0, feedback=long, remarks=("z" * 1400,), staff="s" * 9000
        )
        for n in range(100)
    )
    short = example_reports.passed("4b.1", "short", 1.0, remarks=("kept as it is",))
    data = outputs.encode(example_reports.report((*tests, short), example_reports.submission()))
    found = {test["number"]: test for test in json.loads(data)["tests"]}
    assert len(data) <= MAX_TOTAL_BYTES
    assert len(found) == 101
    assert found["4a.7"]["output"].endswith("… (shortened here)")
    assert found["4b.1"]["output"] == "remark    kept as it is"


def test_many_findings_are_counted_not_listed() -> None:
    many = tuple(Finding("r", Severity.REMARK, f"remark number {n}") for n in range(75))
    output = str(outputs.to_gradescope(example_reports.report((), example_reports.submission(findings=many)))["output"])
    assert "… and 15 more" in output


def test_a_test_number_of_no_question_is_kept() -> None:
    data = outputs.to_gradescope(
        example_reports.report((example_reports.passed("9z.1", "odd", 1.0),), example_reports.submission())
    )
    assert data["score"] == 1.0


def test_a_written_file_replaces_the_old_one_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("old")
    mask = os.umask(0o077)
    try:
        outputs.write(path, example_reports.full_marks())
    finally:
        os.umask(mask)
    assert path.read_bytes() == outputs.encode(example_reports.full_marks())
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_planted_at_the_results_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target, path = tmp_path / "target", tmp_path / "results.json"
    target.write_text("untouched")
    path.symlink_to(target)
    write_bytes(path, b"{}")
    assert target.read_text() == "untouched"
    assert not path.is_symlink()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_is_our_fault_in_words_and_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.json"
    path.write_text("old")
    really_open = os.open
    monkeypatch.setattr(os, "open", lambda *_: really_open("/dev/full", os.O_WRONLY))
    with pytest.raises(GraderFault, match=r"results\.json could not be written.*disk is full"):
        outputs.write(path, example_reports.full_marks())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_and_a_folder_in_the_way_are_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(GraderFault, match="folder does not exist"):
        write_bytes(tmp_path / "none" / "results.json", b"{}")
    (tmp_path / "results.json").mkdir()
    with pytest.raises(GraderFault, match=r"results\.json could not be written"):
        write_bytes(tmp_path / "results.json", b"{}")
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_the_text_above_all_tests_names_the_one_thing_to_do_next() -> None:
    top = str(outputs.to_gradescope(example_reports.wrong_attention())["output"])
    assert top.startswith("Next: 4a.4 (hw6.ipynb cell 14 line 13, in __init__): look at the dim argument")
    lost = str(outputs.to_gradescope(example_reports.unusable())["output"])
    assert lost.index("ends in the middle") < lost.index("Next: fix what is said above about the submission")


def test_a_folder_for_results_that_cannot_be_made_is_told_as_a_usage_error(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="give another --out"):
        make_folder(tmp_path / "file" / "b")
