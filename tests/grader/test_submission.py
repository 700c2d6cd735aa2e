"""What is read from a submission's files: cells, outputs, encodings, old notebooks, answers, history, and the digest."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from autograder.core.records import Severity, Submission
from autograder.handin.evidence.printed_run import MAX_TEXT
from autograder.handin.load import load
from tests.grader.pace import calls
from tests.grader.submission_samples import BOTH, SHA, notebook


def loaded(folder: Path, **files: str | bytes) -> Submission:
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return load(folder)


def colab() -> str:
    return notebook(
        "!pip install einops\n%matplotlib inline\nimport torch, torchvision\nfrom torch import nn",
        BOTH,
        "%%time\nmodel = train()",
        colab={"provenance": [], "toc_visible": True},
        accelerator="GPU",
    )


VERSION_3 = json.dumps(
    {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": "hw6"},
        "worksheets": [
            {"metadata": {}, "cells": [{"cell_type": "code", "input": [BOTH], "language": "python", "outputs": []}]}
        ],
    }
)
EXPORTED = "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n# %%\n!pip install einops\n# In[1]:\n"
SCRIPT = f"{EXPORTED}get_ipython().run_line_magic('a', 'b')\n{BOTH}"

HONEST = {
    "Colab": ("hw6__ipynb", colab()),
    "a byte order mark": ("hw6__ipynb", "\ufeff" + notebook(BOTH)),
    "Windows line ends": ("hw6__ipynb", notebook(BOTH.replace("\n", "\r\n"))),
    "an old editor on Windows": ("hw6__py", BOTH.encode() + b"# caf\xe9 \x96 na\xefve\n"),
    "old Mac line ends in a script": ("hw6__py", BOTH.replace("\n", "\r")),
    "a script from Windows": ("hw6__py", "\ufeff" + BOTH.replace("\n", "\r\n")),
    "a script without a last newline": ("hw6__py", BOTH.rstrip()),
    "text after the notebook": ("hw6__ipynb", notebook(BOTH) + "\n}\n"),
    "sources as lists": ("hw6__ipynb", notebook(BOTH).replace(json.dumps(BOTH), json.dumps(BOTH.splitlines(True)))),
    "sources as lists of lines without their ends": (
        "hw6__ipynb",
        notebook(BOTH).replace(json.dumps(BOTH), json.dumps(BOTH.split("\n"))),
    ),
    "version 3": ("hw6__ipynb", VERSION_3),
    "an export of Jupyter": ("hw6__py", SCRIPT),
    "no version": ("hw6__ipynb", notebook(BOTH).replace('"nbformat": 4, ', "")),
    "a lone surrogate": ("hw6__ipynb", notebook(BOTH + "# x").replace("# x", "# \\ud800")),
    "outputs that are null": ("hw6__ipynb", notebook(BOTH).replace('"outputs": []', '"outputs": null')),
    "a latin-1 cookie over plain text": ("hw6__py", "# coding: latin-1\n" + BOTH),
}


@pytest.mark.filterwarnings("ignore")  # nbformat warns about what it fixes in old notebooks
@pytest.mark.parametrize("name, content", HONEST.values(), ids=HONEST)
def test_honest_files_are_read(name: str, content: str, tmp_path: Path) -> None:
    submission = loaded(tmp_path, **{name: content})
    assert submission.problem == ""
    assert sorted(submission.programs) == ["4a", "4b"]
    assert all(finding.severity is Severity.REMARK for finding in submission.findings)
    assert msgspec.json.decode(msgspec.json.encode(submission), type=Submission) == submission


def test_cells_are_counted_as_the_student_sees_them(tmp_path: Path) -> None:
    submission = loaded(tmp_path, hw6__ipynb=colab())
    assert [cell.number for cell in submission.cells] == [2, 3, 4]
    program = submission.programs["4a"]
    assert str(program.place(program.text.split("\n").index("class SingleHeadAttention(nn.Module):") + 1)) == (
        "hw6.ipynb cell 3 line 4"
    )


def test_lines_of_a_script_are_counted_as_the_student_sees_them(tmp_path: Path) -> None:
    submission = loaded(tmp_path, hw6__py=SCRIPT)
    place = submission.programs["4a"].places[1]
    assert str(place) == f"hw6.py line {SCRIPT.splitlines().index('class SingleHeadAttention(nn.Module):') + 1}"


def test_saved_text_and_pictures_are_kept_and_html_is_not(tmp_path: Path) -> None:
    outputs = (
        {"output_type": "stream", "name": "stdout", "text": ["epoch 1\n", "  0%|\r 50%|\r100%|\n"]},
        {"output_type": "execute_result", "data": {"text/plain": "9798", "text/html": "<b>no</b>"}},
        {"output_type": "display_data", "data": {"image/png": "AAAA", "text/plain": ["<Figure>"]}},
        {"output_type": "stream", "text": "\x1b[31mred\x1b[0m\x07"},
        {"output_type": "error", "ename": "E", "traceback": ["no"]},
        7,
    )
    cell = loaded(tmp_path, hw6__ipynb=notebook(BOTH, "1", outputs=outputs)).cells[-1]
    assert cell.outputs == "epoch 1\n100%|\n9798\n<Figure>\nred\n"
    assert cell.images == 1


def test_long_outputs_keep_their_first_and_last_lines(tmp_path: Path) -> None:
    text = "first\n" + "x" * 300_000 + "\nlast\n"
    outputs = ({"output_type": "stream", "text": text},)
    cell = loaded(tmp_path, hw6__ipynb=notebook(BOTH, outputs=outputs)).cells[-1]
    assert cell.outputs.startswith("first\n")
    assert cell.outputs.endswith("last\n")
    assert len(cell.outputs) < MAX_TEXT


@pytest.mark.parametrize(
    "line", ["# -*- coding: utf-7 -*-", "#!/bin/sh\n# vim: set fileencoding=rot13 :", "# coding=punycode"]
)
def test_a_cookie_of_another_codec_is_flagged_and_not_honoured(line: str, tmp_path: Path) -> None:
    submission = loaded(tmp_path, hw6__py=f"{line}\n{BOTH}")
    (finding,) = [f for f in submission.findings if f.rule == "encoding-cookie"]
    assert finding.severity is Severity.FLAG
    assert sorted(submission.programs) == ["4a", "4b"]


@pytest.mark.parametrize(
    "line", ["# -*- coding: utf-8 -*-", "# coding: UTF8", "# encoding without a colon", "x = 1\n\n# coding: utf-7"]
)
def test_other_comments_are_no_cookie(line: str, tmp_path: Path) -> None:
    assert not [f for f in loaded(tmp_path, hw6__py=f"{line}\n{BOTH}").findings if f.rule == "encoding-cookie"]


def test_a_class_written_to_a_file_by_a_magic_is_remarked(tmp_path: Path) -> None:
    submission = loaded(tmp_path, hw6__ipynb=notebook("%%writefile model.py\n" + BOTH, "x = 1"))
    assert any(f.rule == "dropped-cell" and "writefile" in f.construct for f in submission.findings)


def test_a_class_written_to_a_module_that_is_imported_is_read_in_place_of_the_import(tmp_path: Path) -> None:
    submission = loaded(tmp_path, hw6__ipynb=notebook("%%writefile model.py\n" + BOTH, "from model import *"))
    [found] = [f for f in submission.findings if f.rule in ("dropped-cell", "local-import")]
    assert found.rule == "local-import" and "cell 2, which writes model.py" in found.message
    program = submission.programs["4a"]
    line = program.text.split("\n").index(next(t for t in program.text.split("\n") if t.startswith("class SingleHead")))
    assert program.places[line].cell == 2 and program.places[line].line > 1


def test_a_helper_file_beside_the_notebook_is_remarked(tmp_path: Path) -> None:
    code = "from helpers import scale\n" + SHA.replace("return x", "return scale(x)")
    submission = loaded(tmp_path, hw6__ipynb=notebook(code), helpers__py="def scale(x): return x\n")
    assert [f.construct for f in submission.findings if f.rule == "local-import"] == ["helpers"]


def test_history_is_read_as_an_object(tmp_path: Path) -> None:
    submission = loaded(tmp_path, hw6__py=BOTH, history__json='\ufeff{"train_loss": [1.5, NaN, 1e999, -3], "n": 10}')
    assert submission.history == {"train_loss": [1.5, None, None, -3], "n": 10}
    assert submission.history_problem == ""


@pytest.mark.parametrize(
    "content, words",
    [
        ("[1]", "object"),
        ("{", "not JSON"),
        ('{"a":' * 50 + "1" + "}" * 50, "too deeply"),
        ('{"a":' * 100_000, "too deeply"),
        (b"\xff", "not JSON"),
        ('{"a": "' + "x" * 2**20 + '"}', "1 MB"),
        ('{"a": ' + "9" * 5000 + "}", ""),
    ],
)
def test_a_history_that_cannot_be_used_says_why_and_costs_nothing_else(
    content: str | bytes, words: str, tmp_path: Path
) -> None:
    submission = loaded(tmp_path, hw6__py=BOTH, history__json=content)
    assert words in submission.history_problem
    assert submission.history is None or submission.history == {"a": None}
    assert sorted(submission.programs) == ["4a", "4b"]
    msgspec.json.encode(submission)


def test_answers_that_cannot_be_read_cost_nothing_else(tmp_path: Path) -> None:
    submission = loaded(tmp_path, hw6__py=BOTH, answers__toml="[q2a]\nparameters = " + "[" * 5000 + "]" * 5000)
    assert list(submission.answers or {}) == ["q2a"]
    assert "nested more than" in submission.answers_problem
    assert sorted(submission.programs) == ["4a", "4b"]


def test_no_answers_and_no_history_are_no_problem(tmp_path: Path) -> None:
    submission = loaded(tmp_path, hw6__py=BOTH)
    assert (submission.answers, submission.answers_problem, submission.history, submission.history_problem) == (
        None,
        "",
        None,
        "",
    )


def digest(folder: Path, name: str, **files: str | bytes) -> str:
    (folder / name).mkdir()
    return loaded(folder / name, **files).digest


def test_the_digest_depends_on_what_is_graded_alone(tmp_path: Path) -> None:
    first = digest(tmp_path, "a", hw6__ipynb=notebook(BOTH, "train()"))
    stream = ({"output_type": "stream", "text": "epoch 1"},)
    assert digest(tmp_path, "b", hw6__ipynb=notebook(BOTH, "train(2)", outputs=stream, colab={})) == first
    assert digest(tmp_path, "c", hw6__ipynb=notebook(BOTH.replace("x\n", "x + 1\n"))) != first
    assert digest(tmp_path, "d", hw6__ipynb=notebook(BOTH), answers__toml="[q2a]\nparameters = 1") != first
    assert digest(tmp_path, "e", hw6__ipynb=notebook(BOTH), history__json="{}") != first


# 40 cells: counted 107,000, of which the clock says 0.011 s on a machine of 2 cores.
MOST_CALLS = 250_000


def test_a_normal_notebook_is_read_with_little_work_and_twice_the_cells_with_twice_as_much(tmp_path: Path) -> None:
    def work(cells: int) -> int:
        picture = ({"output_type": "display_data", "data": {"image/png": "A" * 300_000}},)
        sources = ["!pip install einops", BOTH, *[f"for i in range({n}):\n    print(i)" for n in range(cells)]]
        (tmp_path / "hw6.ipynb").write_text(notebook(*sources, outputs=picture))
        return calls(lambda: load(tmp_path))

    work(1)  # the imports are paid once
    assert work(40) < MOST_CALLS
    assert work(400) < 10.5 * work(40)


def test_reading_imports_neither_torch_nor_numpy() -> None:
    heavy = "{'torch', 'numpy', 'nbformat', 'IPython'}"
    code = f"import sys, autograder.handin.reader, autograder.handin.rules; print({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
