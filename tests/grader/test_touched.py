"""A class graded again after a change: what the change can touch is, what it cannot stands, and nobody could tell."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from autograder.commands import batch
from autograder.commands.batch import record, touched
from autograder.commands.batch.touched import REST
from autograder.core.records import Finding, Report, Severity, Status, Submission, TestResult
from autograder.grading import Options
from autograder.report import results
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS
from tests.grader.source_tree import ROOT

WRITTEN, ATTENTIONS = "test_q2_q3_written.py", "test_4a_attention.py"


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    return shutil.copytree(ROOT / "tests" / "hidden", tmp_path / "hidden")


def changed(tests: Path, name: str, old: str, new: str) -> None:
    text = (tests / name).read_text()
    assert text.count(old) == 1, f"{text.count(old)} times {old!r}"
    (tests / name).write_text(text.replace(old, new))


def in_a_test(tests: Path) -> None:
    changed(tests, WRITTEN, '"""gives the output shape of the 1D convolution"""', '"""gives the shape"""')


def in_a_decorator(tests: Path) -> None:
    changed(tests, WRITTEN, '@number("3a.1")', '@number("3a.2")')


def in_a_helper(tests: Path) -> None:
    (tests / WRITTEN).write_text((tests / WRITTEN).read_text() + "\nX = 1\n")


def in_what_another_builds_on(tests: Path) -> None:
    changed(tests, ATTENTIONS, '@number("4a.8")', '@number("4a.9")')


def in_a_shared_file(tests: Path) -> None:
    (tests / "conftest.py").write_text("")


def in_no_python(tests: Path) -> None:
    (tests / WRITTEN).write_text((tests / WRITTEN).read_text() + "\nX = (\n")


def in_what_says_no_number(tests: Path) -> None:
    (tests / WRITTEN).write_text((tests / WRITTEN).read_text() + '\nN = "2a.9"\n\n\n@number(N)\ndef test_it(): ...\n')


def in_what_requires_nothing_known(tests: Path) -> None:
    changed(tests, WRITTEN, '@number("3a.1")', '@pytest.mark.requires("9z.1")\n@number("3a.1")')


EVERY = {"2a", "2b", "2c", "3a", "3c.a", "3c.b", "4a", "4b", "4c"}
CHANGES: dict[Callable[[Path], None], set[str]] = {
    in_a_test: {"2a"},
    in_a_decorator: {"3a"},
    in_a_helper: {"2a", "2b", "2c", "3a", "3c.a", "3c.b"},
    in_what_another_builds_on: {"4a", "4c"},
    in_a_shared_file: {REST},
    in_what_says_no_number: {REST, "2a", "2b", "2c", "3a", "3c.a", "3c.b"},
    in_what_requires_nothing_known: {REST, "2a", "2b", "2c", "3a", "3c.a", "3c.b"},
    in_no_python: {REST, "2a", "2b", "2c", "3a", "3c.a", "3c.b"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_tests_touches_the_questions_that_they_are_of(
    tests: Path, change: Callable[[Path], None]
) -> None:
    before = touched.decides(Options(tests=tests))
    change(tests)
    after = touched.decides(Options(tests=tests))
    parts, then = before.parts("content"), after.parts("content")
    assert {name for name in parts if then[name] != parts[name]} == CHANGES[change]
    assert set(parts) == EVERY | {REST} and before.all != after.all


def test_a_change_of_the_policy_touches_the_questions_that_it_is_of(
    tests: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = touched.decides(Options(tests=tests)).parts("content")
    text = (ROOT / "autograder" / "policy.toml").read_text()
    for old, new, expected in (
        ('title = "1D convolution"', 'title = "Convolution"', {"2a"}),
        ('title = "CS', 'title = "New CS', {REST}),
        ('"SingleHeadAttention"', '"OneHeadAttention"', {REST}),
    ):
        (tmp_path / "policy.toml").write_text(text.replace(old, new))
        monkeypatch.setenv("AUTOGRADER_POLICY", str(tmp_path / "policy.toml"))
        after = touched.decides(Options(tests=tests)).parts("content")
        assert {name for name in before if after[name] != before[name]} == expected


def known(*findings: Finding, key: str = "k", **parts: str) -> record.Record:
    results = tuple(TestResult(number, "", Status.PASSED, 1.0, 1.0) for number in ("2a.1", "2b.1", "4a.1", "4a.2"))
    report = Report(Submission("ada", "hw6.py", "0", findings=findings), results)
    return record.Record(key, report, parts={REST: "r", "2a": "1", "2b": "2", "4a": "3", **parts})


NOW = {REST: "r", "2a": "1", "2b": "other", "4a": "3"}


def test_what_stands_is_of_whole_questions_about_which_nothing_changed() -> None:
    assert [test.number for test in record.stands(known(), NOW)] == ["2a.1", "4a.1", "4a.2"]
    remark = Finding("nn", Severity.REMARK, "", "4a")
    assert record.stands(known(remark), NOW) == record.stands(known(), NOW)


@pytest.mark.parametrize(
    "before",
    [
        None,
        known(key=""),  # it was not wholly graded
        known(**{REST: "other"}),
        msgspec.structs.replace(known(), parts={}),  # by a version that told no parts
        known(Finding("mha", Severity.READY_MADE, "", "4a")),
    ],
)
def test_nothing_stands_where_it_cannot_be_told(before: record.Record | None) -> None:
    assert record.stands(before, NOW) == ()


def test_nothing_stands_of_a_submission_that_cannot_be_read_whole() -> None:
    assert record.stands(known(), {}) == ()


@pytest.fixture
def course(tmp_path: Path) -> Path:
    for name, head in (("ada", ATTENTION["plain"]), ("ben", ATTENTION["plain"].replace("* self.scale", ""))):
        folder = tmp_path / "class" / name
        shutil.copytree(ROOT / "examples" / "class" / "ada_complete", folder)
        for path in folder.glob("hw6.*"):
            path.unlink()
        (folder / "hw6.py").write_text(IMPORTS + head + LAYERS["plain GELU"])
    return tmp_path / "class"


@pytest.mark.slow
def test_what_was_left_out_is_done_later_and_nothing_else(course: Path, tests: Path, tmp_path: Path) -> None:
    now, anew = tmp_path / "now", tmp_path / "anew"
    batch.run(course, now, Options(tests=tests, without="4c.3"), jobs=1)
    before = times(now)
    done = batch.run(course, now, Options(tests=tests), jobs=1)
    after = times(now)
    assert {who: set(after[who]) - set(before[who]) for who in after} == {"ada": {"4c.3"}, "ben": {"4c.3"}}
    assert all(after[who][number] == took for who in before for number, took in before[who].items())
    batch.run(course, anew, Options(tests=tests), jobs=1)
    assert {who: results.comparable(found) for who, found in read(now).items()} == {
        who: results.comparable(found) for who, found in read(anew).items()
    }
    assert done.kept == 0 and any("4a, 4b, 4c" in note for note in done.notes)


def times(out: Path) -> dict[str, dict[str, float]]:
    """How long each test took that was run: by submission and number."""
    known = {path.stem: record.read(path) for path in (out / "records").iterdir()}
    return {who: {test.number: test.seconds for test in each.report.tests} for who, each in known.items() if each}


def read(out: Path) -> dict[str, dict[str, object]]:
    return {path.stem: json.loads(path.read_bytes()) for path in sorted((out / "results").iterdir())}


@pytest.mark.slow
def test_a_class_graded_in_part_is_the_class_graded_anew(course: Path, tests: Path, tmp_path: Path) -> None:
    options = Options(tests=tests)
    first, again, anew = (tmp_path / name for name in ("first", "again", "anew"))
    batch.run(course, first, options, jobs=1)
    changed(tests, WRITTEN, 'box = ("q2a", "output_shape")', 'box = ("q2a", "parameters")')
    done = batch.run(course, again, options, jobs=1, against=first)
    batch.run(course, anew, options, jobs=1)
    assert {who: results.comparable(found) for who, found in read(again).items()} == {
        who: results.comparable(found) for who, found in read(anew).items()
    }
    [note] = [note for note in done.notes if "stand" in note]
    assert note.startswith("of 2 submissions") and "4a, 4b, 4c" in note and "2a" not in note, note
    assert done.changes is not None and {change.id for change in done.changes.changed} == {"ada", "ben"}
