#!/usr/bin/env python3
"""Writes docs/feedback.md: what students read about real mistakes, as `check`, results.json and the report print it.

    python scripts/feedback.py            # says whether the document is what is printed now; exit status 1 when not
    python scripts/feedback.py --write    # writes it

Each mistake is a change of a line or two in right work. It is graded twice, with the public tests and with the hidden
ones, and the first thing that failed is cut out of each output. Nothing is written by hand but the titles.
"""

# ruff: noqa: E501  (lines of a table are left whole)
from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from autograder.core.records import Report, TestResult  # noqa: E402
from autograder.grading import Options, grade_many  # noqa: E402
from autograder.report import html, message, results, terminal  # noqa: E402
from autograder.report.summary import summarise  # noqa: E402

DOCUMENT = ROOT / "docs" / "feedback.md"
SEED = 1  # of every random choice, so that the document is the same on every machine
WIDTH = 100  # columns of a terminal

IMPORTS = "import math\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
HEAD = """class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.0):
        super().__init__()
        self.to_q = nn.Linear(input_dim, inner_dim, bias=False)
        self.to_k = nn.Linear(input_dim, inner_dim, bias=False)
        self.to_v = nn.Linear(input_dim, inner_dim, bias=False)
        self.softmax = nn.Softmax(dim=-1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        weights = self.dropout(self.softmax(scores))
        return weights @ v
"""
LAYER = """class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attention = Attention(dim, heads, dim_head, dropout)
        self.projection = nn.Linear(heads * dim_head, dim)
        self.norm2 = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, mlp_dim)
        self.fc2 = nn.Linear(mlp_dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.dropout(self.projection(self.attention(self.norm1(x))))
        y = self.dropout(F.gelu(self.fc1(self.norm2(x))))
        return x + self.dropout(self.fc2(y))
"""


class Mistake(NamedTuple):
    """What a student did: lines of right work and what stands in their place."""

    title: str
    question: str
    changes: tuple[tuple[str, str], ...]
    markdown: bool = False  # the cell of the head became a text cell


SCORES = "scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])"
FIRST = "x = x + self.dropout(self.projection(self.attention(self.norm1(x))))"
LAST = "return x + self.dropout(self.fc2(y))"
HIDDEN = "y = self.dropout(F.gelu(self.fc1(self.norm2(x))))"
PROJECT = "q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)"
MISTAKES = (
    Mistake("The scores are not divided", "4a", ((SCORES, "scores = q @ k.transpose(-2, -1)"),)),
    Mistake("The softmax runs over the queries", "4a", (("nn.Softmax(dim=-1)", "nn.Softmax(dim=1)"),)),
    Mistake("The projections have biases", "4a", (("self.to_q = nn.Linear(input_dim, inner_dim, bias=False)", "self.to_q = nn.Linear(input_dim, inner_dim)"),)),
    Mistake("A batch is transposed with .T", "4a", ((SCORES, "scores = q @ k.T / math.sqrt(q.shape[-1])"),)),
    Mistake("A tensor is moved to a GPU", "4a", ((PROJECT, f"x = x.cuda()\n        {PROJECT}"),)),
    Mistake("An assert knows the notebook's sizes", "4a", ((PROJECT, f"assert x.shape[1:] == (17, 64)\n        {PROJECT}"),)),
    Mistake("The return is forgotten", "4a", (("return weights @ v", "weights @ v"),)),
    Mistake("An import is forgotten", "4a", (("import math\n", ""),)),
    Mistake("An attribute is misspelled", "4a", (("self.to_k(x)", "self.to_key(x)"),)),
    Mistake("The weights are half precision", "4a", (("self.to_q = nn.Linear(input_dim, inner_dim, bias=False)", "self.to_q = nn.Linear(input_dim, inner_dim, bias=False).half()"),)),
    Mistake("No gradient passes", "4a", (("def forward(self, x):\n        q", "@torch.no_grad()\n    def forward(self, x):\n        q"),)),
    Mistake("A function that 4(a) does not allow", "4a", (("self.softmax(scores)", "F.softmax(scores, dim=-1)"),)),
    Mistake("The class stands in a text cell", "4a", (), markdown=True),
    Mistake("The layer normalises after each sum", "4b", (
        (FIRST, "x = self.norm1(x + self.dropout(self.projection(self.attention(x))))"),
        ("self.norm2(x)", "x"), (LAST, "return self.norm2(x + self.dropout(self.fc2(y)))"))),
    Mistake("A residual connection is missing", "4b", ((LAST, "return self.dropout(self.fc2(y))"),)),
    Mistake("heads and dim_head are exchanged", "4b", (("Attention(dim, heads, dim_head, dropout)", "Attention(dim, dim_head, heads, dropout)"),)),
    Mistake("The MLP has no activation", "4b", (("F.gelu(self.fc1(self.norm2(x)))", "self.fc1(self.norm2(x))"),)),
    Mistake("The MLP has four times dim features", "4b", (("nn.Linear(dim, mlp_dim)", "nn.Linear(dim, 4 * dim)"), ("nn.Linear(mlp_dim, dim)", "nn.Linear(4 * dim, dim)"))),
    Mistake("A dropout is missing", "4b", ((HIDDEN, "y = F.gelu(self.fc1(self.norm2(x)))"),)),
    Mistake("A package is not here", "4b", (("class ViTLayer(nn.Module)", "import torchlayers\n\n\nclass ViTLayer(torchlayers.Block)"),)),
)  # fmt: skip
SHORT = (0, 6, 12, 15)  # a wrong formula, an exception, a class that is not found, a layer of other sizes

INTRODUCTION = """# What students read

Real mistakes, a line or two of right work each, and what is said of them: by `check` with the public tests on the
student's machine, and by the hidden tests on Gradescope and in the HTML report. Made by `python scripts/feedback.py
--write`; the same lines that a student gets, cut to what failed first.

Hidden tests that students see show a diagnosis and the smallest example that shows the mistake, made of numbers that
stand in the code; never a hidden input, and never the text of an exception.
"""


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/feedback.md")
    if parser.parse_args().write:
        DOCUMENT.write_text(whole(), encoding="utf-8")
        return 0
    same = DOCUMENT.read_text(encoding="utf-8") == whole()
    print("docs/feedback.md is what is printed" if same else "docs/feedback.md is another: run it with --write")
    return 0 if same else 1


def whole() -> str:
    """The document."""
    return "\n".join([INTRODUCTION, *sections(range(len(MISTAKES)))])


def sections(chosen: Sequence[int]) -> Iterator[str]:
    """The sections of some mistakes, by their places in the table."""
    with tempfile.TemporaryDirectory() as top:
        paths = [_handed_in(Path(top) / str(number), MISTAKES[number]) for number in chosen]
        public = list(grade_many(paths, Options(public=True, only="4", seed=SEED)))
        hidden = list(grade_many(paths, Options(only="4", seed=SEED)))
    for number, checked, graded in zip(chosen, public, hidden):
        yield _section(number + 1, MISTAKES[number], checked, graded)


def _handed_in(folder: Path, mistake: Mistake) -> Path:
    """A notebook with the mistake: a cell each for the imports, the head and the layer."""
    texts = [IMPORTS, HEAD, LAYER]
    for old, new in mistake.changes:
        assert sum(old in text for text in texts) == 1, old
        texts = [text.replace(old, new) for text in texts]
    kinds = ["code", "markdown" if mistake.markdown else "code", "code"]
    cells: list[dict[str, object]] = [{"cell_type": kind, "metadata": {}, "source": text, **({"outputs": [], "execution_count": None} if kind == "code" else {})}
             for kind, text in zip(kinds, texts)]  # fmt: skip
    folder.mkdir()
    book = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}
    (folder / "hw6.ipynb").write_text(json.dumps(book), encoding="utf-8")
    return folder


def _section(number: int, mistake: Mistake, checked: Report, graded: Report) -> str:
    first = _first_lost(graded, mistake.question)
    data = results.to_gradescope(summarise(graded))
    [entry] = [test for test in data["tests"] if test.get("number") == first.number]  # type: ignore[attr-defined]
    page = _article(html.render(summarise(graded)), first.number)
    said = str(entry["output"])
    report = "The HTML report has the same block." if page == said else f"In the HTML report:\n\n{_fenced(page)}"
    return "\n".join((
        f"## {number}. {mistake.title}\n",
        _changed(mistake),
        f"`check` prints:\n\n{_fenced(_printed(checked, mistake.question))}",
        f"results.json says, for {entry['name']!r} ({message.points(first.score)} of {message.points(first.max_score)} points):",
        f"\n{_fenced(said)}",
        f"{report}\n",
    ))  # fmt: skip


def _changed(mistake: Mistake) -> str:
    if mistake.markdown:
        return "The cell with `SingleHeadAttention` became a Markdown cell.\n"
    removed = [f"-{line}" for old, _ in mistake.changes for line in old.strip("\n").split("\n")]
    added = [f"+{line}" for _, new in mistake.changes for line in new.strip("\n").split("\n") if new]
    return _fenced("\n".join([*removed, *added]), "diff")


def _first_lost(report: Report, question: str) -> TestResult:
    lost = [test for test in report.tests if test.number.startswith(question) and test.score < test.max_score]
    assert lost, (report.staff_notes, question)
    return lost[0]


def _printed(report: Report, question: str) -> str:
    """Of the terminal: what could not be used, or the first test of the question that failed, else the last lines."""
    text = terminal.render(summarise(report), width=WIDTH, colour=False, again="")
    lines = text.splitlines()
    marks = [i for i, line in enumerate(lines) if line.startswith(("! ", f"  ✗ {question}"))]
    if not marks:
        heads = [line for line in lines if line.startswith(f"  ✓ {question}")]
        return "\n".join([*heads, "", lines[-1]]) if heads else text
    start = marks[0]
    ends = (i for i in range(start + 1, len(lines)) if not lines[i].startswith("    "))
    end = next(ends, len(lines)) if not lines[start].startswith("! ") else lines.index("", start)
    return "\n".join(lines[start:end])


class _Blocks(HTMLParser):
    """The labels and texts of each article of the report, with the headings in front of them."""

    def __init__(self) -> None:
        super().__init__()
        self.articles: list[tuple[list[str], list[tuple[str, str]]]] = []
        self._at, self._text = "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "article":
            self.articles.append(([], []))
        self._at, self._text = (tag, "") if tag in ("dt", "dd") or ("class", "num") in attrs else (self._at, self._text)

    def handle_endtag(self, tag: str) -> None:
        if self.articles and self._at == tag == "dt":
            self.articles[-1][1].append((self._text, ""))
        elif self.articles and self._at == tag == "dd":
            rows = self.articles[-1][1]
            rows[-1] = rows[-1][0], self._text
        elif self.articles and self._at and tag == "span":
            self.articles[-1][0].append(self._text)
        if self._at in (tag, "span"):
            self._at = ""

    def handle_data(self, data: str) -> None:
        self._text += data


def _article(page: str, number: str) -> str:
    """The block of a test in the HTML report, laid out as text."""
    parser = _Blocks()
    parser.feed(page)
    [rows] = [rows for numbers, rows in parser.articles if number in numbers]
    return message.block(rows)


def _fenced(text: str, language: str = "text") -> str:
    return f"```{language}\n{text}\n```\n"


if __name__ == "__main__":
    raise SystemExit(main())
