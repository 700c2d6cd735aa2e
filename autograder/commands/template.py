"""Builds the student's notebook, `student_template/hw6.ipynb`, from readable sources.

Why separate: a notebook is JSON that nobody can review; its sources are a text file in percent format, and the provided
classes come from the student's room, so that nothing is written twice. The same sources give the same bytes. No
solution may ever be read here.

    python -m autograder.commands.template build     writes the notebook
    python -m autograder.commands.template check     exit status 1 when it is stale
"""

from __future__ import annotations

import argparse
import ast
import json
from collections.abc import Iterable
from pathlib import Path

import msgspec

from autograder.core.errors import UsageError

FOLDER = Path(__file__).resolve().parents[2] / "student_template"
SOURCE = FOLDER / "source" / "hw6.py"
NOTEBOOK = FOLDER / "hw6.ipynb"
PROVIDED = (
    Path(__file__).resolve().parents[1] / "student_room" / "provided_classes.py"
)  # read, not imported: it would bring torch in

_CODE = "# %%"
_MARKDOWN = "# %% [markdown]"
_PROVIDED = "# provided: "
_METADATA = {
    "accelerator": "GPU",
    "colab": {"name": "hw6.ipynb", "provenance": [], "toc_visible": True},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class Block(msgspec.Struct, frozen=True):
    """One cell of the notebook: "code" or "markdown", and its text."""

    kind: str
    text: str


def blocks(source: str) -> tuple[Block, ...]:
    """The cells of a text in percent format; what stands before the first marker is a note to its editors.

    Raises UsageError for a `# provided: NAME` that is not provided.
    """
    cells: list[tuple[str, list[str]]] = []
    for line in source.splitlines():
        if line.rstrip() in (_CODE, _MARKDOWN):
            cells.append(("markdown" if line.rstrip() == _MARKDOWN else "code", []))
        elif cells:
            cells[-1][1].append(line)
    return tuple(Block(kind, _code(lines) if kind == "code" else _prose(lines)) for kind, lines in cells)


def _prose(lines: Iterable[str]) -> str:
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines).strip()


def _code(lines: Iterable[str]) -> str:
    text = "\n".join(lines).strip()
    if not text.startswith(_PROVIDED):
        return text
    name, texts = text.removeprefix(_PROVIDED), provided_texts()
    if name not in texts:
        raise UsageError(f"{SOURCE.name} asks for the provided class {name!r}; there are {', '.join(texts)}")
    return texts[name]


def provided_texts() -> dict[str, str]:
    """The text of each provided class by its name, as it is run when a submission is graded."""
    text = PROVIDED.read_text(encoding="utf-8")
    classes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    return {node.name: ast.get_source_segment(text, node) or "" for node in classes}


def notebook(cells: Iterable[Block]) -> dict[str, object]:
    """The cells as a notebook of format 4.5, without outputs; a cell's id is its position."""
    return {
        "cells": [_cell(number, block) for number, block in enumerate(cells, 1)],
        "metadata": _METADATA,
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(number: int, block: Block) -> dict[str, object]:
    cell: dict[str, object] = {"cell_type": block.kind, "id": f"hw6-{number:02d}", "metadata": {}}
    if block.kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell | {"source": block.text.splitlines(keepends=True)}


def encode(content: dict[str, object]) -> str:
    """The notebook's JSON as Jupyter writes it: one space of indentation, keys in order, a newline at the end."""
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _built() -> str:
    return encode(notebook(blocks(SOURCE.read_text(encoding="utf-8"))))


def build(out: Path = NOTEBOOK) -> None:
    """Writes the student's notebook to `out`."""
    out.write_text(_built(), encoding="utf-8")


def is_stale(path: Path = NOTEBOOK) -> bool:
    """Whether the notebook is missing or differs from what its sources give."""
    return not path.is_file() or path.read_text(encoding="utf-8") != _built()


def main(arguments: list[str] | None = None) -> int:
    """`build` writes the notebook, `check` only looks; the exit status is 1 when it is stale, else 0."""
    name = "python -m autograder.commands.template"
    parser = argparse.ArgumentParser(prog=name, description="The student's notebook.")
    parser.add_argument("action", choices=["build", "check"])
    action = parser.parse_args(arguments).action
    if action == "build":
        build()
    stale = is_stale()
    print("student_template/hw6.ipynb " + (f"is stale: run `{name} build`" if stale else "is fresh"))
    return int(stale)


if __name__ == "__main__":
    raise SystemExit(main())
