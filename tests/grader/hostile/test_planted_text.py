"""Text that a student made, planted everywhere it can be: no way out of the grader lets it mislead a reader.

What readers must never meet: characters that a terminal or a page obeys or hides, a tag of the student's, a cell that a
spreadsheet takes for a formula; and in what students read of hidden tests, text that the program made while it ran.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autograder.core.records import Exit, ExitKind, Place, Program
from autograder.judging import endings
from tests.grader.hostile.oracles import NOT_CLEAN
from tests.grader.hostile.submissions import HEAD, HEADER, LAYER, LEAK, Attack, program
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

TAG = "hw6evil"
EVIL = f"\x1b[31m\x1b]0;t\x07\u202e\u2066\u200b\x9b2J<{TAG} onload=x>&lt;{TAG}&gt;\r\x00"
FORMULA = "=cmd|' /C calc'!A0"
IN_TEXT = EVIL.replace("\x00", "").replace("\r", "").encode("unicode_escape").decode()

# Each program ends in its own way, and says LEAK and EVIL where it can.
RAISES = {
    "a type's name": f'raise type("{LEAK[:4]}" + "{LEAK[4:]}" + "{IN_TEXT}", (ValueError,), {{}})("x")',
    "a text": f'raise ValueError("{LEAK[:4]}" + "{LEAK[4:]}" + "{IN_TEXT}" * 50)',
    "a known type's name": f'raise type("ValueError", (Exception,), {{}})("{LEAK[:4]}" + "{LEAK[4:]}")',
    "a function's name": f"""
        def inner(): raise ValueError("x")
        inner.__code__ = inner.__code__.replace(co_name="{LEAK[:4]}" + "{LEAK[4:]}" + "{IN_TEXT}")
        inner()
        """,
    "an exit": f'sys.exit("{LEAK[:4]}" + "{LEAK[4:]}" + "{IN_TEXT}")',
    "a printed text": f'leak("{IN_TEXT}"); os._exit(3)',
    "a warning": f'import warnings; warnings.warn("{LEAK[:4]}" + "{LEAK[4:]}" + "{IN_TEXT}"); 1 / 0',
    "a note": f"""
        error = ValueError("x")
        error.add_note("{LEAK[:4]}" + "{LEAK[4:]}" + "{IN_TEXT}") if hasattr(error, "add_note") else None
        raise error
        """,
    "a parameter's name": f'nn.Module.register_parameter(nn.Linear(1, 1), "{LEAK[:4]}" + "{IN_TEXT[:4]}", None); raise KeyError("{LEAK[:4]}" + "{LEAK[4:]}")',
}
RETURNS = {
    "a type of its own": f'type("{LEAK[:4]}" + "{LEAK[4:]}" + "{IN_TEXT}", (), {{}})()',
    "text": f'"{LEAK[:4]}" + "{LEAK[4:]}"',
}


def notebook() -> bytes:
    """Evil in every corner of a notebook that is right."""
    image = {
        "output_type": "display_data",
        "data": {"text/html": f"<{TAG}>", "image/png": EVIL},
        "metadata": {EVIL: EVIL},
    }
    stream = {"output_type": "stream", "name": EVIL, "text": [EVIL, "Epoch 1 loss " + EVIL]}
    error = {"output_type": "error", "ename": EVIL, "evalue": EVIL, "traceback": [EVIL]}
    text = program(Attack()).replace("import os", f"# {EVIL[:-2]}\nimport os")
    cells = [
        {"cell_type": "markdown", "metadata": {EVIL: 1}, "source": EVIL, "attachments": {EVIL: {"text/html": EVIL}}},
        {"cell_type": EVIL, "metadata": {}, "source": EVIL},
        {"cell_type": "code", "metadata": {}, "source": f"%%html\n<{TAG}>\n{EVIL[:-2]}", "outputs": [image], "execution_count": EVIL},
        {"cell_type": "code", "metadata": {}, "source": f"!echo '{EVIL[:-2]}'\n%{TAG} {EVIL[:-2]}", "outputs": [error]},
        {"cell_type": "code", "metadata": {}, "source": text, "outputs": [stream], "execution_count": 1},
    ]  # fmt: skip
    names = {"kernelspec": {"name": EVIL, "display_name": EVIL}, "language_info": {"name": EVIL}, "title": EVIL}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": names, "cells": cells}).encode()


ANSWERS = (
    f'"{IN_TEXT}" = 1\n["2a"]\noutput = "{IN_TEXT}"\n"{IN_TEXT}" = "{FORMULA}"\n["3a"]\nx = ["{IN_TEXT}", "<{TAG}>"]\n'
)
ANSWERS = ANSWERS.replace("\\x1b", "\\u001b").replace("\\x07", "\\u0007").replace("\\x9b", "\\u009b")
HISTORY = json.dumps({EVIL: EVIL, "train_loss": [EVIL], "test_accuracy": EVIL, "config": {EVIL: [EVIL]}})


def submissions(folder: Path) -> None:
    """A class: programs that say evil things, files that hold them, names that are them."""
    for number, (what, text) in enumerate((RAISES | RETURNS).items()):
        one = (
            folder / f"{FORMULA.replace('/', '')}{number}" if number % 2 else folder / f"s{number}\x1b[1m\u202e<{TAG}>"
        )
        one.mkdir()
        attack = Attack(text, "forward") if what in RAISES else Attack(head=text)
        (one / "hw6.py").write_text(program(attack), encoding="utf-8")
    for name, file, data in (
        ("notebook", "hw6.ipynb", notebook()),
        ("broken notebook", "hw6.ipynb", notebook()[:-200]),
        ("syntax", "hw6.py", f"def {EVIL}(:\n".encode()),
        ("names", "hw6.py", (HEADER + f"x = '{EVIL[:-2]}'\n" + HEAD + LAYER).replace("{", "{{").encode()),
        ("class", "hw6.py", f"class SingleHeadAttention:\n    '''{EVIL[:-2]}'''\n    def forward(self): return '<{TAG}>'\n".encode()),
        ("file's name", f"{FORMULA.replace('/', '')} \x1b[1m\u202e<{TAG}>.ipynb", notebook()),
    ):  # fmt: skip
        (folder / name).mkdir()
        (folder / name / file).write_bytes(data)
        (folder / name / "answers.toml").write_text(ANSWERS, encoding="utf-8")
        (folder / name / "history.json").write_text(HISTORY, encoding="utf-8")
    with zipfile.ZipFile(folder / f"zip \x1b<{TAG}>.zip", "w") as archive:
        archive.writestr(f"<{TAG}>\x1b[2J/hw6.py", program(Attack()))
        archive.writestr(f"{FORMULA}.py", f"# {EVIL[:-2]}")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a class run leaves; what it printed lies beside it."""
    base = tmp_path_factory.mktemp("text")
    (base / "class").mkdir()
    submissions(base / "class")
    command = [
        sys.executable,
        "-m",
        "autograder",
        "batch",
        str(base / "class"),
        "--out",
        str(base / "out"),
        "--only",
        "4a",
    ]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, timeout=patience(300), check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (base / "out" / "printed.txt").write_bytes(done.stdout + done.stderr)
    return base / "out"


pytestmark = [pytest.mark.slow, pytest.mark.boxed]


def files(out: Path) -> dict[str, str]:
    found = {str(path.relative_to(out)): path.read_text(encoding="utf-8") for path in out.rglob("*") if path.is_file()}
    found = {name: text for name, text in found.items() if not name.startswith("records/")}  # for the next run alone
    assert len(found) > 30 and {"grades.csv", "index.html", "printed.txt"} <= found.keys()
    return found


def test_no_file_or_line_holds_what_a_terminal_or_a_page_obeys(out: Path) -> None:
    for name, text in files(out).items():
        assert not NOT_CLEAN.search(name) and TAG not in name.replace(f"_{TAG}", ""), name
        assert (found := NOT_CLEAN.search(text)) is None, (name, text[max(0, found.start() - 80) : found.end() + 20])


def test_no_tag_of_a_students_is_one_anywhere(out: Path) -> None:
    for name, text in files(out).items():
        assert f"<{TAG}" not in text and f"\\u003c{TAG}" not in text, name


def test_no_cell_of_a_table_is_a_formula(out: Path) -> None:
    tables = list(out.rglob("*.csv"))
    assert tables
    for path in tables:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))], (path, row)


def test_students_read_nothing_that_the_program_made_while_it_ran(out: Path) -> None:
    looked = 0
    for path in (out / "results").glob("*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        told = json.dumps(data.pop("extra_data"))
        looked += LEAK in told  # staff do
        assert LEAK not in json.dumps(data), path.name
    assert looked >= 5
    for path in (out / "reports").glob("*.html"):
        assert f"<{TAG}" not in path.read_text(encoding="utf-8")


def test_a_function_is_named_only_if_the_programs_text_names_it() -> None:
    places = (Place("hw6.py", 1), Place("hw6.py", 2))
    text = Program("4a", "C", "def forward(self):\n    pass\n", places, "")
    said = [
        endings.explain(Exit(ExitKind.RAISED, "ValueError", "", 2, name), text, "one forward", show_text=False)
        for name in ("forward", "secret_0_1_2", "forward|x", "")
    ]
    assert [unmet.feedback.where for unmet in said] == ["hw6.py line 2, in forward", *["hw6.py line 2"] * 3]
