"""answers.toml and history.json under the names that downloads, editors and people give them, and beside copies."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.core.records import Submission
from autograder.handin.load import load
from tests.grader.submission_samples import BOTH, notebook

FILLED = "[q2a]\nparameters = 40\n"
OTHER = "[q2a]\nparameters = 32\n"
BLANK = '[q2a]\nparameters = ""\noutput_shape = ""\n'
ADMINISTRIVIA = '[administrivia]\nsigned_by = "Ada"\n'
BROKEN = '[q2a]\nparameters = "40\noutput_shape = "99 x 8"\n'
LONG = '{"train_loss": [0.5, 0.25]}'


def handed_in(folder: Path, **files: str | bytes) -> Submission:
    """The submission of these files beside a notebook; "/" in a name makes a folder."""
    for name, content in {"hw6.ipynb": notebook(BOTH), **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load(folder)


def told(submission: Submission) -> str:
    return " ".join(finding.message for finding in submission.findings if finding.rule == "file-name")


RENAMED = [
    "answers (1).toml", "answers.txt", "Answers.TOML", "answers.toml.txt", "answers.toml (1).txt", "hw6_answers.toml",
    "answers - Copy.toml", "Copy of answers.toml", "answers_final_v2.toml", "my answer.toml", "answers", "answers.md",
    "jane.toml", "answers.toml.bak", "deep/down/answers (2).toml", "Antworten.toml",
]  # fmt: skip


@pytest.mark.parametrize("name", RENAMED)
def test_answers_that_were_renamed_are_read(tmp_path: Path, name: str) -> None:
    """Nobody loses the written questions because a browser counts its downloads; the right name is told, for nothing."""
    found = handed_in(tmp_path, **{name: FILLED})
    assert found.answers == {"q2a": {"parameters": 40}} and not found.answers_problem
    right = name.lower() in ("answers.toml", "answers.toml.txt")
    assert told(found) == (
        "" if right else f"the file is called {name} instead of answers.toml; it was read all the same"
    )


@pytest.mark.parametrize("blank", [BLANK, "", "[q2b]\n"], ids=["boxes", "nothing", "a heading"])
def test_a_filled_copy_is_read_in_the_place_of_the_blank_template(tmp_path: Path, blank: str) -> None:
    found = handed_in(tmp_path, **{"answers.toml": blank, "answers (1).toml": FILLED})
    assert found.answers == {"q2a": {"parameters": 40}}
    assert "answers.toml is blank, so answers (1).toml is read in its place" in told(found)


def test_of_two_filled_ones_the_right_name_counts_and_the_other_is_told(tmp_path: Path) -> None:
    found = handed_in(tmp_path, **{"answers.toml": FILLED, "answers (1).toml": OTHER})
    assert found.answers == {"q2a": {"parameters": 40}}
    assert told(found) == "both answers.toml and answers (1).toml hold answers; answers.toml is read"


def test_a_copy_that_says_the_same_is_not_worth_a_word(tmp_path: Path) -> None:
    assert not told(handed_in(tmp_path, **{"answers.toml": FILLED, "backup/answers (1).toml": FILLED}))


# what lies there with other answers, and the one that is read
DRAFTS = {
    ("answers (1)", "answers (2)"): "answers (2)",
    ("answers_final", "answers_v2", "answers_draft"): "answers_final",
    ("my answers", "old answers final"): "my answers",
    ("answers_a", "answers_b"): "answers_b",
}


@pytest.mark.parametrize("names", DRAFTS)
def test_of_several_wrong_names_the_last_is_read_and_staff_look(tmp_path: Path, names: tuple[str, ...]) -> None:
    files = {f"{name}.toml": f"[q2a]\nparameters = {at}\n" for at, name in enumerate(names)}
    found = handed_in(tmp_path, **files)
    assert found.answers == {"q2a": {"parameters": names.index(DRAFTS[names])}}
    said = [one.severity.value for one in found.findings if "they differ" in one.message]
    assert said == ["remark", "flag"]


def test_of_two_wrong_names_the_fuller_one_is_read(tmp_path: Path) -> None:
    fuller = "[q2a]\nparameters = 1\noutput_shape = '9 x 8'\n"
    found = handed_in(tmp_path, **{"answers (1).toml": fuller, "answers (2).toml": "[q2a]\nparameters = 2\n"})
    assert found.answers == {"q2a": {"parameters": 1, "output_shape": "9 x 8"}}


def test_the_file_beside_the_work_comes_before_one_elsewhere(tmp_path: Path) -> None:
    found = handed_in(tmp_path, **{"old/answers.toml": OTHER, "answers (1).toml": FILLED})
    assert found.answers == {"q2a": {"parameters": 40}}


def test_an_unreadable_one_gives_way_to_a_readable_one(tmp_path: Path) -> None:
    found = handed_in(tmp_path, **{"answers.toml": b"\x00\x01\x02 = \xff\xfe\xfd", "answers (1).toml": FILLED.encode()})
    assert found.answers == {"q2a": {"parameters": 40}} and not found.answers_problem
    assert "answers.toml could not be read" in told(found)


def test_a_broken_one_keeps_its_answers_under_any_name(tmp_path: Path) -> None:
    found = handed_in(tmp_path, **{"answers (3).toml": BROKEN})
    assert found.answers is not None and found.answers["q2a"]["output_shape"] == "99 x 8"
    assert "line 2" in found.answers_problem


@pytest.mark.parametrize("name", ["pyproject.toml", "config.toml", "notes.txt", "answers.csv", "answers_3b.md"])
def test_what_holds_no_answers_is_not_taken_for_them(tmp_path: Path, name: str) -> None:
    found = handed_in(tmp_path, **{name: '[tool.ruff]\nline-length = 120\n[project]\nname = "x"\n'})
    assert found.answers is None and not found.answers_problem and not told(found)


def test_a_signature_alone_is_something_filled_in(tmp_path: Path) -> None:
    assert handed_in(tmp_path, **{"answers.toml": ADMINISTRIVIA}).answers == {"administrivia": {"signed_by": "Ada"}}


@pytest.mark.parametrize("name", ["Answers.docx", "hw6 answers.pdf", "answers.jpeg"])
def test_a_document_is_named_with_the_way_to_plain_text(tmp_path: Path, name: str) -> None:
    found = handed_in(tmp_path, **{name: b"{\\rtf1 [q2a] parameters = 40}"})
    assert found.answers is None
    assert found.answers_problem.startswith(f"{name} is no plain text") and "as answers.toml" in found.answers_problem


RICH = r"""{\rtf1\ansi\ansicpg1252\cocoartf2639
{\fonttbl\f0\fswiss Helvetica;}
\f0\fs24 [q2a]  # 1D\
parameters = 40   # \'93one\'94 number\
output_shape = "99 \'d7 8"\
\
[q2c]\
average_pool = '\\frac\{8\}\{9\}'\
[q3c]\
variance = 'd(2\uc0\u956 ^2\u963 ^2 + \u963 ^4)'\
}"""


@pytest.mark.parametrize("name", ["answers.toml.rtf", "answers.rtf", "answers.toml"])
def test_rich_text_is_read_line_by_line_and_told(tmp_path: Path, name: str) -> None:
    """What TextEdit saves where it is not told otherwise."""
    found = handed_in(tmp_path, **{name: RICH})
    assert found.answers == {
        "q2a": {"parameters": 40, "output_shape": "99 × 8"},
        "q2c": {"average_pool": r"\frac{8}{9}"},
        "q3c": {"variance": "d(2μ^2σ^2 + σ^4)"},
    }
    assert "not plain text" in found.answers_problem and "Make Plain Text" in found.answers_problem


@pytest.mark.parametrize("name", ["history (1).json", "History.JSON", "history.json.txt", "train_history.json"])
def test_a_history_that_was_renamed_is_read(tmp_path: Path, name: str) -> None:
    assert handed_in(tmp_path, **{name: LONG}).history == {"train_loss": [0.5, 0.25]}


def test_of_histories_the_right_name_counts_then_the_first_that_can_be_read(tmp_path: Path) -> None:
    found = handed_in(tmp_path / "a", **{"history.json": LONG, "history (1).json": "{}"})
    assert found.history == {"train_loss": [0.5, 0.25]} and not told(found)
    found = handed_in(tmp_path / "b", **{"history.json": LONG[:9], "history (1).json": LONG})
    assert found.history == {"train_loss": [0.5, 0.25]} and not found.history_problem
    assert "history.json could not be read, so history (1).json is read in its place" in told(found)
    found = handed_in(tmp_path / "c", **{"history (1).json": LONG[:9], "history_notes.md": "# my runs"})
    assert found.history is None and found.history_problem.startswith("history (1).json is not JSON")


def test_our_own_package_that_was_unpacked_beside_the_work_is_not_looked_at(tmp_path: Path) -> None:
    ours = {"autograder/__main__.py": "", "autograder/a.py": BOTH, "tests/public/test_4a.py": "x = 1"}
    for top in ("", "hw6/"):
        folder = tmp_path / f"in{top}"
        blank = notebook("class SingleHeadAttention(nn.Module):\n    pass")
        found = handed_in(folder, **{"hw6.ipynb": blank, **{top + name: text for name, text in ours.items()}})
        assert found.file == "hw6.ipynb" and "4b" in found.absent
    elsewhere = handed_in(tmp_path / "theirs", **{"hw6.ipynb": blank, "autograder/a.py": BOTH})
    assert elsewhere.file == "autograder/a.py", "a folder of that name may be the student's own"
