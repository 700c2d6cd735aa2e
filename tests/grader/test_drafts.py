"""Several drafts in one submission: the one that people would take is graded, the student is told, and staff look."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.core.records import Severity, Submission
from autograder.handin.files.drafts import natural, open_ends, wording
from tests.grader.submission_samples import BOTH, LAYER, SHA, notebook
from tests.grader.test_handed_in_ways import handed

PRINTED = ({"output_type": "stream", "name": "stdout", "text": "epoch 1: loss 0.7451\nepoch 2: loss 0.3502\n"},)
HISTORY = '{"train_loss": [0.74506, 0.35019]}'


def variant(number: int) -> str:
    """Both classes, in code that no other number gives."""
    return BOTH.replace("return x", f"return x + {number}")


def said(found: Submission) -> list[Severity]:
    return [one.severity for one in found.findings if "several files" in one.message]


# Nothing here is a doubt: (files, the one that is graded)
CERTAIN = {
    "the right name": ({"hw6.ipynb": notebook(variant(1)), "hw6_old.ipynb": notebook(variant(2))}, "hw6.ipynb"),
    "the template": (
        {"hw6.ipynb": notebook(variant(1)), "a.ipynb": notebook(BOTH.replace("return x", "pass"))},
        "hw6.ipynb",
    ),
    "copies": ({"hw6_v1.ipynb": notebook(BOTH), "hw6_v2.ipynb": notebook(BOTH)}, "hw6_v1.ipynb"),
    "an export": ({"my.ipynb": notebook(BOTH), "my.py": BOTH + "\nx = 1\n"}, "my.ipynb"),
}
# what stands last would be taken by its name, if nothing spoke for the other one
TAKEN = {
    "final": (["hw6_old", "hw6_v2", "hw6_FINAL", "hw6_FINAL_final (2)"], "hw6_FINAL_final (2)"),
    "a number": (["hw6_v9", "hw6_v10", "hw6_v2"], "hw6_v10"),
    "a download once more": (["vit", "vit (1)"], "vit (1)"),
    "not what is called old": (["hw6_a", "hw6_old_final"], "hw6_a"),
    "not a folder of old things": (["a_folder/vit", "old/vit"], "a_folder/vit"),
    "a date": (["hw6_2022-04-29", "hw6_2022-05-03", "hw6_2021-12-31"], "hw6_2022-05-03"),
    "words that nothing separates": (["hw6FinalFinal", "hw6final", "hw6v2"], "hw6FinalFinal"),
    "nothing but the order": (["a", "b"], "b"),
}


@pytest.mark.parametrize("case", CERTAIN)
def test_what_is_certain_raises_no_doubt(tmp_path: Path, case: str) -> None:
    files, name = CERTAIN[case]
    found = handed(tmp_path, dict(files))
    assert found.file == name and not said(found)


@pytest.mark.parametrize("case", TAKEN)
def test_the_last_draft_is_graded_and_staff_are_told(tmp_path: Path, case: str) -> None:
    names, best = TAKEN[case]
    found = handed(tmp_path, {f"{name}.ipynb": notebook(variant(at)) for at, name in enumerate(names)})
    assert found.file == f"{best}.ipynb" and set(found.programs) == {"4a", "4b"}
    assert said(found) == [Severity.REMARK, Severity.FLAG]


@pytest.mark.parametrize("other", ["hw6 (1)", "HW6_final", "test"])
def test_the_right_name_counts_and_the_draft_beside_it_is_told(tmp_path: Path, other: str) -> None:
    found = handed(tmp_path, {"hw6.ipynb": notebook(variant(1)), f"{other}.ipynb": notebook(variant(2))})
    assert found.file == "hw6.ipynb" and said(found) == [Severity.REMARK, Severity.FLAG]


def test_a_trained_draft_counts_more_than_an_untrained_one_of_the_right_name(tmp_path: Path) -> None:
    files = {"hw6.ipynb": notebook(variant(1)), "hw6_final.ipynb": notebook(variant(2), outputs=PRINTED)}
    found = handed(tmp_path / "1", dict(files))
    assert found.file == "hw6_final.ipynb" and said(found) == [Severity.REMARK, Severity.FLAG]
    files["hw6.ipynb"] = notebook(variant(1), outputs=PRINTED)
    assert handed(tmp_path / "2", dict(files)).file == "hw6.ipynb"
    half = SHA + "\n\n" + LAYER.replace("return x", "raise NotImplementedError")
    files |= {"hw6.ipynb": notebook(variant(1)), "hw6_final.ipynb": notebook(half, outputs=PRINTED)}
    assert handed(tmp_path / "3", dict(files)).file == "hw6.ipynb", "not where it lacks a class"
    plain = {"hw6.ipynb": notebook(variant(1)), "other.ipynb": notebook(variant(2), outputs=PRINTED)}
    assert handed(tmp_path / "4", dict(plain)).file == "hw6.ipynb", "nothing says that it is the later one"
    assert handed(tmp_path / "5", {**plain, "history.json": HISTORY}).file == "other.ipynb"


def test_the_same_classes_in_other_notebooks_are_no_doubt(tmp_path: Path) -> None:
    found = handed(tmp_path, {"a.ipynb": notebook(BOTH), "b.ipynb": notebook(BOTH, "x = 1")})
    assert set(found.programs) == {"4a", "4b"} and said(found) == [Severity.REMARK]


def test_outputs_that_the_history_is_about_count_more_than_a_name(tmp_path: Path) -> None:
    files = {
        "hw6_a.ipynb": notebook(variant(1), outputs=PRINTED),
        "hw6_final.ipynb": notebook(variant(2)),
        "history.json": HISTORY,
    }
    assert handed(tmp_path / "1", dict(files)).file == "hw6_a.ipynb"
    files["hw6_old.ipynb"] = files.pop("hw6_a.ipynb")  # but not than being called old
    assert handed(tmp_path / "2", dict(files)).file == "hw6_final.ipynb"


def test_a_fuller_draft_counts_more_than_a_name(tmp_path: Path) -> None:
    stub = SHA + "\n\n" + LAYER.replace("return x", "raise NotImplementedError")
    found = handed(tmp_path, {"hw6_a.ipynb": notebook(variant(1)), "hw6_final.ipynb": notebook(stub)})
    assert found.file == "hw6_a.ipynb"


def test_saved_outputs_and_nothing_left_to_do_tell_drafts_apart(tmp_path: Path) -> None:
    run = handed(tmp_path / "1", {"a.ipynb": notebook(variant(1), outputs=PRINTED), "b.ipynb": notebook(variant(2))})
    assert run.file == "a.ipynb"
    todo = variant(2) + "# TODO: scale\n"
    assert handed(tmp_path / "2", {"a.py": variant(1), "b.py": todo}).file == "a.py"


def test_one_file_for_each_part_is_read_as_one(tmp_path: Path) -> None:
    found = handed(tmp_path, {"4a.ipynb": notebook(SHA), "4b.ipynb": notebook(LAYER)})
    assert set(found.programs) == {"4a", "4b"} and not found.unusable
    assert {place.file for program in found.programs.values() for place in program.places} == {"4a.ipynb", "4b.ipynb"}
    assert any("read as one" in one.message for one in found.findings)


@pytest.mark.parametrize("name", ["_" * 60_000, "1" * 60_000, "v2" * 30_000, "final" * 12_000, "²" * 9, "٣" * 40])
def test_a_name_of_any_length_is_read_at_once(name: str) -> None:
    assert wording(f"{name}.ipynb") <= wording(f"{name}.ipynb") and natural(f"{name}.ipynb")


def test_words_of_drafts() -> None:
    names = ["hw6_old", "hw6 copy", "hw6", "hw6_v1", "hw6_v2", "hw6_final", "hw6_final_final", "hw6_final_final (2)"]
    assert [wording(name) for name in names] == sorted(map(wording, names))
    assert sorted(["hw6 10", "hw6 9", "HW6 1"], key=natural) == ["HW6 1", "hw6 9", "hw6 10"]
    assert open_ends(["# TODO x", "todo_list = 1", "raise NotImplementedError()"]) == 2


CODE = "model = ViT()\nprint(train(model))"


def test_outputs_of_a_second_notebook_are_read_where_the_first_shows_none(tmp_path: Path) -> None:
    files = {"hw6.ipynb": notebook(BOTH), "train.ipynb": notebook("%run hw6.ipynb", CODE, outputs=PRINTED)}
    found = handed(tmp_path, dict(files))
    assert found.file == "hw6.ipynb" and any("0.3502" in cell.outputs for cell in found.cells)
    assert any("outputs saved in train.ipynb were read" in one.message for one in found.findings)


def test_outputs_of_another_draft_are_not_read(tmp_path: Path) -> None:
    shown = notebook(BOTH, CODE, outputs=PRINTED)
    other = {"hw6.ipynb": notebook(variant(1)), "other.ipynb": shown}
    found = handed(tmp_path / "1", dict(other))
    assert found.file == "hw6.ipynb" and not any(cell.outputs for cell in found.cells)
    both = {"hw6.ipynb": shown, "train.ipynb": notebook(CODE, outputs=({**PRINTED[0], "text": "epoch 1: loss 9"},))}
    assert not any("loss 9" in cell.outputs for cell in handed(tmp_path / "2", dict(both)).cells)
