r"""Rows and columns that are drawn with signs, as one list: Markdown's tables, brackets of several lines, R's print.

Why separate: what is drawn says by its place what is a row; every later reading knows brackets, commas and semicolons
alone. Text in, text out, linear in the text.
"""

from __future__ import annotations

import re

_TALL = re.compile(r"[⎤⎥]\s*[⎢⎣]")
_TALL_ENDS = str.maketrans({**dict.fromkeys("⎡⎢⎣", "["), **dict.fromkeys("⎤⎥⎦", "]")})
_ROW = re.compile(r"\|(?!\|)(?:[^|\n]{1,80}\|){1,12}")
_RULE = re.compile(r"\|(?:\s*:?-{2,}:?\s*\|)+")
_CELL = re.compile(r"[-+]?[\d.,/\s]*\d[\d.,/\s]*|[A-Za-z#][\w .#()-]*")
_R_PRINT = re.compile(r"^\s*\[1\]\s+(?=-?[\d.])", re.MULTILINE)


def undrawn(text: str) -> str:
    """`text` with what is drawn written in brackets; a text without such signs comes back as it is."""
    if "⎡" in text:
        text = _TALL.sub(" ; ", text).translate(_TALL_ENDS)
    if "|" in text:
        text = _without_tables(text)
    if "\n" in text:
        text = _without_indices(text)
    return _R_PRINT.sub(" ", text)


def _without_indices(text: str) -> str:
    """Each matrix that pandas printed, below 0, 1, ... and beside them, as one list."""
    lines, done = text.split("\n"), list[str]()
    while lines:
        names, rows = lines[0].split(), list[list[str]]()
        if len(names) > 1 and names == [str(n) for n in range(len(names))]:
            for number, line in enumerate(lines[1:]):
                cells = line.split()
                if len(cells) != len(names) + 1 or cells[0] != str(number):
                    break
                rows.append(cells[1:])
        done += _written(rows) if len(rows) > 1 else [lines[0]]
        del lines[: len(rows) + 1 if len(rows) > 1 else 1]
    return "\n".join(done)


def _without_tables(text: str) -> str:
    """Each run of lines that are rows of a table as one list. |a| + |b| is none: its cells hold a lone sign."""
    done: list[str] = []
    rows: list[list[str]] = []
    for line in [*text.split("\n"), ""]:
        cells = _cells(line.strip())
        if cells is None:
            done += [*_written(rows), line]
            rows = []
        elif cells:
            rows.append(cells)
    return "\n".join(done[:-1])


def _cells(line: str) -> list[str] | None:
    """The cells of a row, none for a table's rule; None for a line that is no row."""
    if _RULE.fullmatch(line):
        return []
    if not _ROW.fullmatch(line):
        return None
    cells = [cell.strip() for cell in line[1:-1].split("|")]
    named = cells[1:] if len(cells) > 2 and not cells[0] else cells  # a corner without a name
    return cells if all(_CELL.fullmatch(cell) for cell in named) else None


def _without_names(rows: list[list[str]]) -> list[list[str]]:
    """Without the names of the columns above and of the rows beside, as pandas writes them: the corner is empty."""
    if len(rows) < 3 or rows[0][0] or not all(rows[0][1:]) or len({len(row) for row in rows}) > 1:
        return rows
    return [row[1:] for row in rows[1:]]


def _written(rows: list[list[str]]) -> list[str]:
    """Numbers as one list; "| parameters | 40 |" as "parameters: 40", and one cell alone as it was."""
    if not rows:
        return []
    rows = _without_names(rows)
    if len(rows) == 1 and len(rows[0]) == 1:
        return [f"|{rows[0][0]}|"]
    if any(cell[0].isalpha() for row in rows for cell in row):
        return [": ".join(row) for row in rows]
    return ["[" + " ; ".join(" , ".join(row) for row in rows) + "]"]
