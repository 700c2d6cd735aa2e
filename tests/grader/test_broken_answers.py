"""An answers.toml that is no TOML, or holds something monstrous: one answer costs itself, and no other one.

Why separate: `test_written_parse` has what is read as TOML and what is refused; here a spoilt file is handed in, and
what is left of it is judged. Nothing here may take time or memory that grows faster than the file.
"""

from __future__ import annotations

import functools
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder import Options, grade
from autograder.core.records import Submission
from autograder.handin.files.broken_answers import MAX_ENTRY, salvaged
from autograder.handin.files.layout import LAYOUT, remarks_on_missing
from autograder.handin.load import load
from tests.grader.pace import LINEAR, calls, growth
from tests.grader.written_judges import JUDGES

BOXES = {
    "q2a1": ("q2a", "parameters"),
    "q2a2": ("q2a", "output_shape"),
    "q2b1": ("q2b", "parameters"),
    "q2b2": ("q2b", "output_shape"),
    "q2c1": ("q2c", "average_pool"),
    "q2c2": ("q2c", "max_pool"),
    "q3a1": ("q3a", "a2"),
    "q3ca1": ("q3c", "expectation"),
    "q3cb1": ("q3c", "variance"),
}
RIGHT = {
    "q2a1": "40",
    "q2a2": '"99 x 8"',
    "q2b1": "392",
    "q2b2": "[13, 13, 8]",
    "q2c1": '[[["8/9", "2/3"], ["2/3", "2/3"]],\n  [["1/3", "1/3"], ["1/3", "1/3"]]]',
    "q2c2": "[[[1, 1], [1, 1]], [[1, 1], [1, 1]]]  # ones",
    "q3a1": "'softmax(4, 7, 8) . (v1, v2, v3)'",
    "q3ca1": "'''\nd mu^2\n'''",
    "q3cb1": "'d(2 mu^2 sigma^2 + sigma^4)'",
}


def typed(**spoilt: str) -> bytes:
    """A whole answers.toml: right answers, but for `spoilt` ones."""
    text = ""
    for table, keys in LAYOUT.items():
        text += f"[{table}]\n"
        for key in keys:
            judge = next((name for name, box in BOXES.items() if box == (table, key)), "")
            text += f"{key} = {spoilt.get(judge, RIGHT.get(judge, chr(39) * 2))}\n"
    return text.encode("utf-8", "surrogateescape")


def handed_in(folder: Path, data: bytes) -> Submission:
    (folder / "answers.toml").write_bytes(data)
    return load(folder)


def lost(submission: Submission) -> set[str]:
    """The judges that give less than everything."""
    tables = submission.answers or {}
    return {name for name, (table, key) in BOXES.items() if JUDGES[name](tables.get(table, {}).get(key)).earned < 1.0}


MONSTROUS = {
    "deep lists": "[" * 50_000 + "]" * 50_000,
    "lists that never close": "[" * 50_000,
    "an endless number": "9" * 100_000,
    "megabytes of text": "'" + "d mu " * 400_000 + "'",
    "megabytes in many lines": "'''\n" + "d mu^2 +\n" * 200_000 + "'''",
    "a tower of powers": "'10**10**10**10'",
    "a huge exponent": "1e999999999",
    "ten thousand entries": "[" + "1, " * 10_000 + "]",
    "a quote that never closes": "'d mu^2",
    "no quotes": "d*(sigma**4))",
    "curly quotes": "“d mu^3”",
    "nothing": "",
    "a name of many dots": "a" + ".a" * 20_000,
    "inline tables": "{a=" * 10_000,
    "bytes that are no text": "'\udcff\udcb5'",  # 0xff 0xb5
}


@pytest.mark.parametrize("judge", ["q2a1", "q2c1", "q3a1", "q3cb1"])
@pytest.mark.parametrize("name", MONSTROUS)
def test_one_monstrous_answer_costs_itself_alone(tmp_path: Path, name: str, judge: str) -> None:
    assert lost(handed_in(tmp_path, typed(**{judge: MONSTROUS[name]}))) == {judge}


def test_what_is_broken_is_told_with_its_line_and_the_rest_is_said_to_count(tmp_path: Path) -> None:
    submission = handed_in(tmp_path, typed(q3cb1="d*sigma**4"))
    assert "Put quotes around" in submission.answers_problem and "for itself" in submission.answers_problem


RAW = [
    ("q3ca1", "d*mu**2"),
    ("q3ca1", "“dμ²”"),
    ("q3ca1", "'d mu^2"),
    ("q3ca1", 'd mu^2"'),
    ("q3cb1", "2 d mu^2 sigma^2 + d sigma^4  # by hand"),
    ("q2a2", "99 x 8"),
    ("q2a1", "4*8 + 8"),
    ("q2a1", "40,0"),
    ("q3a1", "softmax(4, 7, 8) . (v1, v2, v3)"),
    ("q2c1", "[[[8/9, 2/3], [2/3, 2/3]], [[1/3, 1/3], [1/3, 1/3]]]"),
    ("q2c1", "[[[8/9, 2/3],\n  [2/3, 2/3]],\n [[1/3, 1/3],\n  [1/3, 1/3]]]"),
]


@pytest.mark.parametrize(("judge", "text"), RAW)
def test_a_right_answer_without_its_quotes_is_still_right(tmp_path: Path, judge: str, text: str) -> None:
    submission = handed_in(tmp_path, typed(**{judge: text}))
    assert lost(submission) == set() and submission.answers_problem


def test_a_heading_that_is_missing_costs_its_own_table_and_is_blamed_there(tmp_path: Path) -> None:
    submission = handed_in(tmp_path, typed().replace(b"[q3c]\n", b""))
    assert lost(submission) == {"q3ca1", "q3cb1"}
    answers = submission.answers or {}
    assert "belongs to [q3c], but stands in [q3a]" in remarks_on_missing(answers, "q3c", "variance")[0]
    assert remarks_on_missing(answers, "q3a", "a2") == ()


BLAMED = [
    ({"q2a": {"output_shap": 1}, "q2b": {"parameters": 1}}, ("q2a", "output_shape"), "'output_shape' is meant"),
    ({"q2a": {"output_shap": 1}, "q2b": {"parameters": 1}}, ("q2b", "output_shape"), ""),
    ({"q2a": {"parameters": 1}, "q2d": {"parameters": 1}}, ("q3c", "variance"), ""),
    ({"q3cc": {"variance": 1}}, ("q3c", "variance"), "[q3cc]"),
    ({"": {"a2": 1}}, ("q3a", "a2"), "before the first table"),
    ({"q2b": {"parameters": 1}, "": {"parameters": 1}}, ("q2a", "parameters"), "before the first table"),
    ({"": {"parameters": 1}}, ("q2a", "parameters"), ""),
    ({"q3a": {"expectation": 1}}, ("q3c", "variance"), ""),
    ({"q3c": {"varience": 1, "expectation": 1}}, ("q3c", "variance"), "'variance' is meant"),
    ({"q3c": {"varience": 1, "expectation": 1}}, ("q3c", "expectation"), ""),
]


@pytest.mark.parametrize(("answers", "box", "says"), BLAMED)
def test_a_missing_box_is_blamed_on_what_stands_in_its_own_place(
    answers: dict[str, dict[str, object]], box: tuple[str, str], says: str
) -> None:
    remarks = " ".join(remarks_on_missing(answers, *box))
    assert (says in remarks) if says else remarks == ""


def _salvaged(head: bytes, piece: bytes, size: int) -> None:
    salvaged(head + piece * size)


def test_work_and_memory_grow_as_the_file_does() -> None:
    for piece in (b"[q3c]\nvariance = '1'\n", b"[", b"9", b"'\n", b"variance = ", b"[q3c]\nvariance = [\n"):
        head = b"[q3c]\nvariance = "
        assert growth(functools.partial(_salvaged, head, piece), 500) < LINEAR
    data = typed(q3cb1="'" + "d mu " * 2_000_000 + "'")
    tracemalloc.start()
    kept = salvaged(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(str(kept["q3c"]["variance"])) <= MAX_ENTRY
    assert peak < 6 * len(data)  # the bytes as text, and its lines: measured 3


# Judging a text that is cut at some thousand characters: counted 21,000 for the largest of them.
MOST_CALLS = 400_000


@pytest.mark.parametrize("name", MONSTROUS)
def test_judging_what_is_left_of_it_is_bounded_work(name: str) -> None:
    value = salvaged(typed(q3cb1=MONSTROUS[name]))["q3c"]["variance"]
    assert calls(lambda: [judge(value) for judge in JUDGES.values()]) < MOST_CALLS


@settings(max_examples=200)
@given(st.binary(max_size=300) | st.text("[]{}=\"'\\.,#\nqa2c3 variance19eμ", max_size=300).map(str.encode))
def test_any_bytes_leave_tables_of_known_names(data: bytes) -> None:
    assert all(key in LAYOUT[table] for table, keys in salvaged(data).items() for key in keys)


MERGED = """<<<<<<< HEAD
392
=======
384
>>>>>>> origin/main"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_marks_of_a_merge_are_called_that_and_the_other_answers_count(tmp_path: Path, end: str) -> None:
    text = typed().decode()
    both = MERGED.replace("392", "parameters = 392").replace("384", "parameters = 384")
    submission = handed_in(tmp_path, text.replace("parameters = 392", both).replace("\n", end).encode())
    line = text[: text.index("parameters = 392")].count("\n") + 1
    said = submission.answers_problem
    assert f"answers.toml line {line} holds a mark left by a merge conflict: '<<<<<<< HEAD'" in said
    assert submission.answers is not None and submission.answers["q2a"]["parameters"] == 40


def test_a_line_that_somebody_drew_is_no_mark_of_a_merge(tmp_path: Path) -> None:
    submission = handed_in(tmp_path, typed().replace(b"[q2a]", b"=======\n[q2a]"))
    assert submission.answers_problem and "merge" not in submission.answers_problem


def test_a_remark_behind_the_quotes_belongs_to_the_answer(tmp_path: Path) -> None:
    spoilt = {"q2a2": '"99 x 8" (length x channels)', "q3ca1": "'d mu^2' (by independence)"}
    assert lost(handed_in(tmp_path, typed(**spoilt))) == set()
    assert lost(handed_in(tmp_path, typed(q2a2='"98 x 8" (length x channels)'))) == {"q2a2"}


def test_who_handed_answers_in_that_cannot_be_opened_is_not_told_to_hand_them_in(tmp_path: Path) -> None:
    (tmp_path / "answers.toml").symlink_to("/etc/hostname")
    unread = grade(tmp_path, Options(only="2a.1")).tests[0].feedback
    assert "is a link to another file. Hand in the file itself" in unread.found and unread.fix == ""
    (tmp_path / "answers.toml").unlink()
    (tmp_path / "hw6.py").write_text("x = 1\n")
    absent = grade(tmp_path, Options(only="2a.1")).tests[0].feedback
    assert "no answers.toml was handed in" in absent.found and "the template has one to fill in" in absent.fix
