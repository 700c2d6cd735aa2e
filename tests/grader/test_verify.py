"""A result can be made again: `verify` agrees with what the grader wrote, and names whatever was changed since."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.commands import verify
from autograder.core.errors import UsageError
from autograder.report import results, seal
from tests.grader import example_reports, outputs
from tests.grader.honest_styles import ATTENTION, IMPORTS

KEY = "a key of thirty-two letters or so"


def result() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(outputs.encode(example_reports.wrong_attention()))
    return data


# --- the comparison ---------------------------------------------------------------------------------------------------


def test_a_result_differs_in_nothing_from_itself_whatever_the_times_are() -> None:
    other = result()
    other["execution_time"] = 99.0
    other["extra_data"]["seconds"] = {}
    assert list(verify.differences(result(), other)) == []


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a point more": (lambda data: data["tests"][-1].update(score=99.0), "score: the result says 99.0"),
    "a verdict": (lambda data: data["tests"][-1].update(status="failed"), "status: the result says 'failed'"),
    "fewer points to win": (lambda data: data["tests"][0].update(max_score=0.5), "max_score: the result says 0.5"),
    "a word": (lambda data: data["tests"][0].update(output="well done"), "output: the result says 'well done'"),
    "a test less": (lambda data: data["tests"].pop(), "is not in the result"),
    "a test more": (lambda data: data["tests"].append({"number": "9z.1"}), "9z.1 is in the result, and was not run"),
    "a test twice": (lambda data: data["tests"].append(data["tests"][0]), "(again) is in the result"),
    "the total": (lambda data: data.update(score=39.0), "the total: the result says 39.0"),
    "the text above": (lambda data: data.update(output="all\nfine"), "the text above the tests: the result says 'all'"),
    "another submission": (lambda data: data["extra_data"].update(digest="0"), "the submission's content is another"),
    "another text": (lambda data: data["extra_data"].update(programs={}), "the text that was run is another"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_named(what: str) -> None:
    changed = result()
    change, said = CHANGES[what]
    change(changed)
    found = list(verify.differences(changed, result()))
    assert len(found) == 1 and said in found[0]


def test_what_another_policy_reads_otherwise_is_no_question_about_the_submission() -> None:
    changed = result()
    changed["extra_data"].update(policy={"sha256": "0", "title": "CS182"}, digest="0", programs={})
    found = "\n".join(verify.differences(changed, result()))
    assert found.count("may come of the other policy") == 2 and "is this the submission" not in found
    assert list(verify.circumstances(changed, result())) == [
        "Another policy: the result's is of 'CS182', and here is that of 'CS189 Homework 6'. "
        "Give the one that it was made with by --policy."
    ]


def test_another_policy_that_changes_nothing_is_named_and_is_no_difference() -> None:
    changed = result()
    changed["extra_data"]["policy"]["sha256"] = "0"
    assert list(verify.differences(changed, result())) == []
    [said] = verify.circumstances(changed, result())
    assert "is of 'CS189 Homework 6', too, but says something else" in said
    assert list(verify.circumstances(result(), result())) == []


@pytest.mark.parametrize("policy", [None, "x", 5, []])
def test_a_result_that_names_no_policy_is_compared_all_the_same(policy: object) -> None:
    older = result()
    older["extra_data"].update(policy=policy, digest="0")
    assert list(verify.circumstances(older, result())) == []
    assert list(verify.differences(older, result())) == [
        "the submission's content is another one: is this the submission that was graded?"
    ]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"tests": 1}', '{"tests": [1]}', "[" * 100_000, "\udcff", '"' + "x" * verify.MOST_BYTES]
)
def test_what_is_no_result_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text, errors="surrogateescape")
    with pytest.raises(UsageError, match=r"results\.json"):
        verify.read(tmp_path / "results.json")


def test_what_a_result_says_reaches_nobodys_terminal_as_it_is() -> None:
    evil = "\x1b[2J\u202e<b>"
    changed = result()
    changed["tests"][0].update(number=evil, output=evil, status=evil)
    said = "\n".join(verify.differences(changed, result()))
    assert said and not any(mark in said for mark in ("\x1b", "\u202e", "<b>"))


# --- the seal ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "key.txt"
    file.write_text(KEY + "\n")
    monkeypatch.setenv(seal.VARIABLE, str(file))
    return file


def test_every_result_is_sealed_where_there_is_a_key_and_none_where_not(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert seal.state(result(), KEY.encode()) == seal.VALID
    monkeypatch.delenv(seal.VARIABLE)
    monkeypatch.setattr(seal, "FILE", key.with_name("none.txt"))
    assert seal.state(result(), KEY.encode()) == seal.MISSING


def test_a_seal_stands_however_the_file_is_laid_out(key: Path) -> None:
    again = json.loads(json.dumps(result(), indent=8, sort_keys=True))
    assert seal.state(again, KEY.encode()) == seal.VALID


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_result_has_a_broken_seal(key: Path, what: str) -> None:
    changed = result()
    CHANGES[what][0](changed)
    assert seal.state(changed, KEY.encode()) == seal.BROKEN


@pytest.mark.parametrize("forged", ["", "0" * 64, 5, ["x"], "\udc80"])
def test_a_forged_seal_and_another_key_are_broken(key: Path, forged: object) -> None:
    changed = result()
    assert seal.state(changed, KEY.upper().encode()) == seal.BROKEN
    changed["extra_data"][seal.NAME] = forged
    assert seal.state(changed, KEY.encode()) == seal.BROKEN


def test_a_key_that_cannot_be_used_is_said_and_costs_nobody_a_result(key: Path) -> None:
    key.write_text("short")
    with pytest.raises(UsageError, match="shorter than 16"):
        seal.key()
    assert results.comparable(result())["tests"] and seal.state(result(), KEY.encode()) == seal.MISSING
    key.unlink()
    with pytest.raises(UsageError, match="there is no such file"):
        seal.key()
    key.mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        seal.key()
    assert seal.usable() == b""


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.boxed
def test_the_command_agrees_with_the_grader_and_names_what_was_changed(tmp_path: Path, key: Path) -> None:
    work, out = tmp_path / "work", tmp_path / "out"
    work.mkdir()
    text = IMPORTS + ATTENTION["plain"].replace("-0.5", "-1.0")
    (work / "hw6.py").write_text(text)
    runner = CliRunner()
    made = runner.invoke(app, ["grade", str(work), "--out", str(out), "--only", "4a", "--seed", "77", "--quiet"])
    assert made.exit_code == 0, made.output
    file = out / "results.json"
    ask = ["verify", str(file), str(work), "--only", "4a"]
    same = runner.invoke(app, ask)
    assert same.exit_code == 0, same.output
    assert "with the seed 77" in same.output and "seal is valid" in same.output and "It agrees" in same.output

    data = json.loads(file.read_text())
    lost = next(test for test in data["tests"] if test["status"] == "failed")
    lost.update(score=lost["max_score"], status="passed")
    file.write_text(json.dumps(data))
    changed = runner.invoke(app, ask)
    assert changed.exit_code == 1
    assert (
        "seal is broken" in changed.output and f"{lost['number']}, status: the result says 'passed'" in changed.output
    )

    (work / "hw6.py").write_text(text.replace("-1.0", "-0.5"))
    assert "the submission's content is another one" in runner.invoke(app, ask).output
    file.write_text("{}")
    assert isinstance(runner.invoke(app, ask).exception, UsageError)
