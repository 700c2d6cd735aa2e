"""Boxes of answers.toml that hold something which is no answer: every spelling that is read stays untouched first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autograder.commands.preflight import look
from autograder.core.inventory import State
from autograder.handin.files.layout import LAYOUT, remarks_on_administrivia
from autograder.handin.present.wordy import ASKED, words_alone
from tests.grader.test_preflight import copy, found, in_answers
from tests.grader.written_judges import JUDGES, around, spellings

KEYS = {
    "q2a1": "parameters", "q2b1": "parameters", "q2a2": "output_shape", "q2b2": "output_shape",
    "q2c1": "average_pool", "q2c2": "max_pool", "q3a1": "a2", "q3ca1": "expectation", "q3cb1": "variance",
}  # fmt: skip


# --- what is an answer -------------------------------------------------------------------------------------------------


def test_no_spelling_that_is_right_holds_words_alone() -> None:
    right = spellings("right")
    assert len(right) > 1000
    assert not [(judge, raw) for judge, raw in right if words_alone(KEYS[judge], raw)]


@pytest.mark.parametrize("dress", around())
def test_no_formula_in_any_dress_holds_words_alone(dress: str) -> None:
    for judge in ("q3ca1", "q3cb1"):
        for raw in (raw for name, raw in spellings("right") if name == judge and isinstance(raw, str)):
            assert not words_alone(KEYS[judge], dress.replace("ANSWER", raw)), raw


NAMED = [
    "Ada Okafor", "/s/ Ada Okafor", "Ö. Çelik", "王小明", "李明 (Li Ming)", "Vincent van Gogh", "Ludwig von Beethoven",
    "Anne-Marie O'Neil", "أحمد علي", "ADA OKAFOR", "John Smith, Jr.", "X Æ A-12", "राम",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_a_full_name_in_any_script_signs(tmp_path: Path, name: str) -> None:
    assert signed(tmp_path, name) is State.THERE


def signed(tmp_path: Path, name: str) -> State:
    folder = copy(tmp_path)
    in_answers(folder, 'signed_by = "Ada Okafor"', f'signed_by = "{name}"')
    return found(look(folder), "statement").state


def test_every_box_of_the_written_questions_is_asked_about() -> None:
    assert set(ASKED) == {key for table, keys in LAYOUT.items() if table != "administrivia" for key in keys}


# --- what is none ------------------------------------------------------------------------------------------------------

WORDS = ["None", "I don't know", "fill in later", "see write-up", "idk", "asdf", "later", "in the PDF", "I'd say large"]


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("said", WORDS)
def test_words_are_no_answer_and_no_judge_reads_them_as_one(judge: str, said: str) -> None:
    assert words_alone(KEYS[judge], said) and words_alone(KEYS[judge], [said, ""])
    assert JUDGES[judge](said).earned == 0


@pytest.mark.parametrize(("key", "name"), [("variance", "the variance"), ("a2", ""), ("max_pool", "")])
def test_a_box_of_words_is_to_be_looked_at_with_what_is_asked_for(tmp_path: Path, key: str, name: str) -> None:
    folder = copy(tmp_path)
    in_answers(folder, f"\n{key} = ", f"\n{key} = 'see write-up'\nx = ")
    [item] = [item for item in look(folder).having(State.LOOK) if item.name != "collaborators"]
    assert f"{key} holds words alone, not {ASKED[key]}: 'see write-up'" in item.words and "`check`" in item.fix


def test_a_blank_beside_a_box_of_words_is_missing_and_both_are_told(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    in_answers(folder, "\naverage_pool = ", "\naverage_pool = ''\nx = ")
    in_answers(folder, "\nmax_pool = ", "\nmax_pool = 'later'\ny = ")
    item = found(look(folder), "Max and average pooling")
    assert item.state is State.MISSING
    assert "average_pool is blank" in item.words and "max_pool holds words alone" in item.words


@pytest.mark.parametrize("name", ["None", "fill in later", "yes", "I agree", "Ada", "ada@berkeley.edu", "signed"])
def test_what_may_be_no_full_name_is_to_be_looked_at(tmp_path: Path, name: str) -> None:
    assert signed(tmp_path, name) is State.LOOK


def test_a_misspelled_box_is_told_by_the_name_that_stands_there(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    file = folder / "answers.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("output_shape", "ouput_shape", 1), encoding="utf-8")
    [item] = look(folder).having(State.MISSING)
    assert "there is no output_shape below [q2a]" in item.words
    assert "nothing reads 'ouput_shape' in [q2a]; perhaps 'output_shape' is meant" in item.fix


CODES = {
    '"k3x9q2m7a"': "copy it again",
    '"k3x9q-2m7ad"': "copy it again",
    "123456789": "in quotes",
    '"0a1b2c3d4e"': "copy yours from the survey",
}


@pytest.mark.parametrize("code", CODES)
def test_the_fix_of_a_survey_code_fits_what_was_typed_and_check_says_the_same(tmp_path: Path, code: str) -> None:
    folder = copy(tmp_path)
    file = folder / "answers.toml"
    text = re.sub(r"(?m)^survey_code = .*$", f"survey_code = {code}", file.read_text(encoding="utf-8"))
    file.write_text(text, encoding="utf-8")
    item = found(look(folder), "survey code")
    typed: object = code.strip('"') if code.startswith('"') else int(code)
    [said] = remarks_on_administrivia({"administrivia": {"survey_code": typed, "signed_by": "Ada Okafor"}})
    assert item.state is State.MISSING and CODES[code] in item.fix and CODES[code] in said
