"""Markdown with fenced code made a plain script, line for line: MyST, Quarto, R Markdown, jupytext's Markdown.

Why separate: which fences are Python's is known here alone. What stands between them is words, and becomes blank.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

ENDINGS = (".md", ".markdown", ".myst", ".qmd", ".rmd", ".mdx")
_OPEN = re.compile(r"(?P<indent>[ \t>]*)(?P<fence>`{3,}|~{3,})\s*(?P<info>[^`\n]*)$")
# ```python, ```{python label, echo=FALSE}, ```{.python .cell-code}, ```{code-cell} ipython3, ```py tags=["x"]
_PYTHON = re.compile(
    r"\{?[ .]*(?:python3?|py3?|ipython3?)(?![\w-])|\{code(?:-cell|-block)?\}\s*(?:i?python3?\b|$)|code-cell$", re.I
)
_OPTION = re.compile(r"\s*(?::[\w-]+:.*|#\|.*)$")  # MyST's ":tags: [hide]", Quarto's "#| echo: false"


def fenced_python(text: str) -> tuple[str, ...]:
    """Each fenced block of Python, with its lines where they stood in the file; empty when there is none."""
    lines = text.split("\n")
    return tuple("\n".join([""] * first + _plain(block)) for first, block in _blocks(lines))


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """(index of the first line, lines) of each fenced block of Python. One that is never closed goes to the end."""
    at = 0
    while at < len(lines):
        begin = _OPEN.match(lines[at])
        at += 1
        if not begin:
            continue
        fence, first = begin["fence"], at
        while at < len(lines) and not _closes(lines[at], fence):
            at += 1
        if _PYTHON.match(begin["info"].strip()):
            yield first, [_without(begin["indent"], line) for line in lines[first:at]]
        at += 1


def _closes(line: str, fence: str) -> bool:
    bare = line.strip(" \t>")
    return len(bare) >= len(fence) and not bare.strip(fence[0])


def _without(indent: str, line: str) -> str:
    return line[len(indent) :] if line.startswith(indent) else line.lstrip() if not line.strip() else line


def _plain(block: list[str]) -> list[str]:
    """Without the options that stand above the code: they are the format's, and no Python."""
    out, at = list(block), 0
    if block and block[0].strip() == "---":  # a YAML block, as MyST writes longer options
        end = next((i for i, line in enumerate(block[1:], 1) if line.strip() == "---"), 0)
        out[: end + 1], at = [""] * (end + 1), end + 1
    while at < len(out) and _OPTION.match(out[at]):
        out[at] = ""
        at += 1
    return out
