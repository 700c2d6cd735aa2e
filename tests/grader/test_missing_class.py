"""A class that is not found: where it, or what may be meant, stands, and what to do about it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from autograder.core.records import Severity
from autograder.handin.load import load
from autograder.handin.slicing.newer import newer_python
from tests.grader.submission_samples import BOTH, LAYER, SHA, notebook

INDENTED = "".join(f"    {line}\n" for line in SHA.splitlines())


def book(*cells: tuple[str, str]) -> str:
    made = [{"cell_type": kind, "metadata": {}, "source": source, **({"outputs": []} if kind == "code" else {})}
            for kind, source in cells]  # fmt: skip
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made})


# the notebook, what is said, what is not
ELSEWHERE = {
    "a Markdown cell": (book(("code", LAYER), ("markdown", SHA)), ("stands in cell 2, which is a Markdown cell", "make it a code cell"), ("deleted",)),
    "a fenced Markdown cell": (book(("code", LAYER), ("markdown", f"Here:\n```python\n{SHA}```")), ("cell 2, which is a Markdown cell",), ()),
    "a raw cell": (book(("raw", SHA), ("code", LAYER)), ("stands in cell 1, which is a raw cell",), ()),
    "comments": (book(("code", LAYER), ("code", SHA.replace("\n", "\n# ").replace("from", "# from", 1))), ("hw6.ipynb cell 2 line 4 as a comment", "take the # away"), ()),
    "quotes": (book(("code", LAYER), ("code", f"'''\n{SHA}'''")), ("cell 2 line 5, but not as code of its own", "quotes"), ()),
    "another language's cell": (book(("code", LAYER), ("code", f"%%script echo\n{SHA}")), ("%%script keeps from being run", "delete the %%script line"), ()),
    "what runs as a file": (book(("code", LAYER), ("code", "from torch import nn\nif __name__ == '__main__':\n" + INDENTED)), ("cell 2 line 6, inside `if __name__", "move it out of the `if`"), ("quotes",)),
    "another class": (book(("code", LAYER), ("code", f"from torch import nn\nclass Multi(nn.Module):\n{INDENTED}")), ("inside the class Multi (hw6.ipynb cell 2 line 2)", "Move it out"), ("rename",)),
    "a function": (book(("code", LAYER), ("code", f"def make():\n{INDENTED}    return SingleHeadAttention")), ("inside the function make (hw6.ipynb cell 2 line 1)",), ()),
    "blanks of a web page": (book(("code", LAYER), ("code", SHA.replace("        return", "\u00a0" * 8 + "return"))), ("cell 2 line 6", "U+00A0", "type that line anew"), ("template", "indented")),
    "a sign before it that nobody sees": (book(("code", LAYER), ("code", SHA.replace("class", "\u200bclass"))), ("cell 2 line 4", "U+200B"), ("deleted",)),
    "a comment, and another name": (book(("code", LAYER), ("code", "# class SingleHeadAttention(nn.Module):\n" + SHA.replace("SingleHead", "OneHead"))), ("as a comment", "OneHeadAttention (hw6.ipynb cell 2 line 5)"), ()),
    "nowhere": (book(("code", LAYER), ("markdown", "the class SingleHeadAttention is yours to write")), ("was that cell deleted or renamed?",), ("Markdown",)),
}  # fmt: skip


@pytest.mark.parametrize("case", ELSEWHERE)
def test_the_student_is_told_where_the_class_stands(case: str, tmp_path: Path) -> None:
    text, said, unsaid = ELSEWHERE[case]
    (tmp_path / "hw6.ipynb").write_text(text, encoding="utf-8")
    submission = load(tmp_path)
    assert set(submission.programs) == {"4b"}
    why = submission.unusable["4a"]
    assert not [words for words in said if words not in why], why
    assert not [words for words in unsaid if words in why], why


LONGER = SHA.replace("return x", "q = x\n        return q")
BODY = 6  # the first line of its forward's body, from 1


def with_line(text: str, at: int, *lines: str) -> str:
    every = text.splitlines()
    return "\n".join([*every[: at - 1], *lines, *every[at - 1 :]]) + "\n"


@pytest.mark.parametrize("mark", ["<<<<<<< HEAD", ">>>>>>> theirs", "print(x.shape)", "%debug"])
def test_a_line_at_the_left_edge_that_empties_forward_is_named(mark: str, tmp_path: Path) -> None:
    (tmp_path / "hw6.ipynb").write_text(
        book(("code", LAYER), ("code", with_line(LONGER, BODY, mark))), encoding="utf-8"
    )
    submission = load(tmp_path)
    assert set(submission.programs) == {"4b"}
    assert f"breaks off at hw6.ipynb cell 2 line {BODY}" in submission.unusable["4a"]
    assert "template" not in submission.unusable["4a"]


@pytest.mark.parametrize("mark", ["=======", "print(x.shape)", "q = q + x"])
def test_a_class_that_is_cut_in_two_is_run_and_says_where(mark: str, tmp_path: Path) -> None:
    cut = with_line(LONGER, BODY + 1, mark)
    (tmp_path / "hw6.ipynb").write_text(book(("code", LAYER), ("code", cut)), encoding="utf-8")
    program = load(tmp_path).programs["4a"]
    assert str(program.cut) == f"hw6.ipynb cell 2 line {BODY + 1}"


@pytest.mark.parametrize(
    "code",
    [SHA, SHA + "print(f(1\n    2))\nx = 3\n    y = 4\n", f"<<<<<<< HEAD\n{SHA}=======\n{SHA}>>>>>>> theirs\n"],
    ids=["whole", "scratch below it", "two versions"],
)
def test_a_whole_class_is_not_said_to_break_off(code: str, tmp_path: Path) -> None:
    (tmp_path / "hw6.ipynb").write_text(book(("code", LAYER), ("code", code)), encoding="utf-8")
    submission = load(tmp_path)
    assert set(submission.programs) == {"4a", "4b"}
    assert submission.programs["4a"].cut is None and submission.programs["4b"].cut is None


def test_classes_in_words_alone_were_handed_in_though_nothing_can_be_run(tmp_path: Path) -> None:
    (tmp_path / "hw6.ipynb").write_text(book(("raw", SHA), ("markdown", LAYER)), encoding="utf-8")
    assert not load(tmp_path).programs and not load(tmp_path).absent
    words = "Write the `class SingleHeadAttention(nn.Module):` and the class ViTLayer."
    (tmp_path / "hw6.ipynb").write_text(book(("markdown", words), ("code", BLANK_TEXT)), encoding="utf-8")
    assert set(load(tmp_path).absent) == {"4a", "4b"}


BLANK_TEXT = BOTH.replace("return x", "raise NotImplementedError")
BLANK = notebook(BLANK_TEXT)
FILLED = notebook(BOTH)


def test_a_filled_notebook_beside_a_blank_one_of_the_right_name_is_graded(tmp_path: Path) -> None:
    (tmp_path / "hw6.ipynb").write_text(BLANK, encoding="utf-8")
    (tmp_path / "Copy of hw6.ipynb").write_text(FILLED, encoding="utf-8")
    submission = load(tmp_path)
    assert submission.file == "Copy of hw6.ipynb" and set(submission.programs) == {"4a", "4b"} and not submission.absent
    said = [f.message for f in submission.findings if f.severity is Severity.REMARK]
    assert any(
        "hw6.ipynb is the blank template still" in message and "Copy of hw6.ipynb" in message for message in said
    )


def test_a_blank_copy_beside_the_work_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "hw6.ipynb").write_text(FILLED, encoding="utf-8")
    (tmp_path / "Copy of hw6.ipynb").write_text(BLANK, encoding="utf-8")
    submission = load(tmp_path)
    assert submission.file == "hw6.ipynb" and not [f for f in submission.findings if f.rule == "file-name"]


HALF = SHA + "\n\n" + LAYER.replace("return x", "raise NotImplementedError")


@pytest.mark.parametrize("other", ["from Zoe/hw6.ipynb", "hw6_old.ipynb"])
def test_a_class_that_another_ones_or_an_old_notebook_has_is_told_and_not_taken_from_there(
    tmp_path: Path, other: str
) -> None:
    (tmp_path / "from Zoe").mkdir()
    (tmp_path / "hw6.ipynb").write_text(notebook(HALF), encoding="utf-8")
    (tmp_path / other).write_text(FILLED, encoding="utf-8")
    submission = load(tmp_path)
    assert submission.file == "hw6.ipynb" and set(submission.programs) - set(submission.absent) == {"4a"}


def test_a_fuller_notebook_beside_one_that_was_saved_too_early_is_graded_and_staff_look(tmp_path: Path) -> None:
    (tmp_path / "hw6.ipynb").write_text(notebook(HALF), encoding="utf-8")
    (tmp_path / "hw6 (1).ipynb").write_text(FILLED, encoding="utf-8")
    submission = load(tmp_path)
    assert submission.file == "hw6 (1).ipynb" and not submission.absent
    said = [f.severity for f in submission.findings if "which has more of the classes" in f.message]
    assert said == [Severity.REMARK, Severity.FLAG]


def test_of_two_different_filled_copies_beside_a_blank_one_the_last_is_graded_and_said(tmp_path: Path) -> None:
    (tmp_path / "hw6.ipynb").write_text(BLANK, encoding="utf-8")
    (tmp_path / "Copy of hw6.ipynb").write_text(FILLED, encoding="utf-8")
    (tmp_path / "Copy (2).ipynb").write_text(notebook(BOTH + "\n# another try"), encoding="utf-8")
    found = load(tmp_path)
    assert found.file == "Copy (2).ipynb" and set(found.programs) == {"4a", "4b"}
    assert any("(Copy (2).ipynb, Copy of hw6.ipynb), and they differ" in one.message for one in found.findings)


def test_a_blank_notebook_alone_is_what_is_graded(tmp_path: Path) -> None:
    (tmp_path / "hw6.ipynb").write_text(BLANK, encoding="utf-8")
    (tmp_path / "Copy of hw6.ipynb").write_text(BLANK, encoding="utf-8")
    submission = load(tmp_path)
    assert submission.file == "hw6.ipynb" and set(submission.absent) == {"4a", "4b"}


OLD = (
    "x = f'{a}' + d['b']", "type = 3", "types = (1,)", "x = type (a)", "def f(x): return x[0]", "class A(B[int]):", "except (A, B):",
    "t = 't'", "print(f\"{a['b']}\")", "x = a[1] * b", "print(f'{a}', '#')",
)  # fmt: skip
NEW = {
    'print(f"loss {log["loss"]}")': "3.12",
    "self.note = f'tokens {info['t']}'": "3.12",
    "print(f'{chr(10).join(x) + \"\\n\"}')": "3.12",
    "type Shape = tuple[int, int, int]": "3.12",
    "type Pair[T] = tuple[T, T]": "3.12",
    "class Head[T](nn.Module):": "3.12",
    "def first[T](x: list[T]) -> T:": "3.12",
    "except* ValueError:": "3.11",
    "except ValueError, TypeError:": "3.14",
    "x = t'hello {name}'": "3.14",
}


@pytest.mark.parametrize("line", OLD)
def test_a_spelling_that_every_python_reads_is_left_alone(line: str) -> None:
    assert newer_python(line, (3, 10)) == ""


@pytest.mark.parametrize("line", NEW)
def test_a_spelling_of_a_newer_python_is_told_with_both_versions(line: str) -> None:
    said = newer_python(line, (3, 10))
    assert f"needs Python {NEW[line]}" in said and "the grader runs 3.10" in said
    assert newer_python(line, (3, 14)) == ""


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python reads it")
def test_a_line_that_needs_a_newer_python_says_so_where_it_costs_something(tmp_path: Path) -> None:
    broken = SHA.replace("return x", "except ValueError, TypeError:\n        return x")
    (tmp_path / "hw6.ipynb").write_text(notebook(broken, LAYER), encoding="utf-8")
    assert "probably needs Python 3.14" in load(tmp_path).unusable["4a"]
