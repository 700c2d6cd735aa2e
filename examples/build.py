"""Builds the example class, `examples/class/`, from the sources beside this file.

    python examples/build.py            writes it anew
    python examples/build.py --check    exit status 1 when it is stale

Why separate: the examples are submissions of invented students, as the grader meets them, and notebooks cannot be
reviewed as they are. Each folder of `sources/` is one submission: `hw6.ipynb.txt` becomes a notebook, other files are
copied, less a `.txt` at the end of their name. In a notebook's source, `# %% [output]` gives what the cell above had
printed and `# %% [plot]` a picture under it. A source that begins with `# template` is a filled-in copy of the
template: its cells replace the template's blank of the same class, and `# %% [output TEXT]` belongs to the last cell
with TEXT in it. `# cut: N` as the first line keeps the first N bytes. What the invented students "measured" is
invented too. Nothing is ever run here.
"""

from __future__ import annotations

import base64
import re
import sys
from pathlib import Path

from autograder.commands import template

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "sources"
CLASS = HERE / "class"

# One small picture of ada's two curves stands for every plot.
PLOT = HERE / "plot.png"
_MARK = re.compile(r"^# %%(?: \[(?P<kind>markdown|output|plot)(?: (?P<of>[^\]]+))?\])?[ ]*$", re.MULTILINE)
_CLASS = re.compile(r"^class (\w+)\(", re.MULTILINE)


def cells(text: str) -> list[dict[str, object]]:
    """The notebook cells of one source, in nbformat's terms, outputs attached."""
    found = _template_cells() if text.startswith("# template") else []
    marks = list(_MARK.finditer(text))
    for mark, following in zip(marks, [*marks[1:], None]):
        body = text[mark.end() : following.start() if following else len(text)].strip("\n")
        kind = mark["kind"] or "code"
        if kind in ("output", "plot"):
            _attach(_cell_with(found, mark["of"]), kind, body)
        else:
            _place(found, _cell(kind, _prose(body) if kind == "markdown" else body))
    return found


def _template_cells() -> list[dict[str, object]]:
    blocks = template.blocks(template.SOURCE.read_text(encoding="utf-8"))
    return [_cell(block.kind, block.text) for block in blocks]


def _cell(kind: str, text: str) -> dict[str, object]:
    cell: dict[str, object] = {"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _prose(text: str) -> str:
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in text.splitlines())


def _source(cell: dict[str, object]) -> str:
    return "".join(cell["source"])  # type: ignore[arg-type]


def _place(found: list[dict[str, object]], cell: dict[str, object]) -> None:
    """In the place of the template's blank for the same class; else at the end."""
    names = set(_CLASS.findall(_source(cell)))
    for position, other in enumerate(found):
        if "TODO" in _source(other) and names & set(_CLASS.findall(_source(other))):
            found[position] = cell
            return
    found.append(cell)


def _cell_with(found: list[dict[str, object]], text: str | None) -> dict[str, object]:
    """The code cell that holds `text`; without it, the last one. StopIteration would be a mistake in the source."""
    return next(c for c in reversed(found) if c["cell_type"] == "code" and (text or "") in _source(c))


def _attach(cell: dict[str, object], kind: str, body: str) -> None:
    if kind == "plot":
        data = {
            "image/png": base64.b64encode(PLOT.read_bytes()).decode(),
            "text/plain": ["<Figure size 640x480 with 1 Axes>"],
        }
        output: dict[str, object] = {"output_type": "display_data", "metadata": {}, "data": data}
    else:
        text = _prose(body) + "\n"
        output = {"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)}
    cell["outputs"] = [*cell["outputs"], output]  # type: ignore[misc]


def built() -> dict[str, bytes]:
    """Every file of the class by its path below `examples/class`."""
    files = sorted(path for path in SOURCES.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return dict(map(_file, files))


def _file(path: Path) -> tuple[str, bytes]:
    name = path.relative_to(SOURCES).as_posix()
    if not name.endswith(".ipynb.txt"):
        return name.removesuffix(".txt"), path.read_bytes()
    text = path.read_text(encoding="utf-8")
    content = template.notebook(()) | {"cells": _numbered(cells(text))}
    cut = re.search(r"^# cut: (\d+)", text)
    return name.removesuffix(".txt"), template.encode(content).encode()[: int(cut[1]) if cut else None]


def _numbered(found: list[dict[str, object]]) -> list[dict[str, object]]:
    return [cell | {"id": f"cell-{number:02d}"} for number, cell in enumerate(found, 1)]


def stale() -> list[str]:
    """Paths below `examples/class` that are missing, left over, or differ from what the sources give."""
    wanted = built()
    there = {path.relative_to(CLASS).as_posix(): path.read_bytes() for path in CLASS.rglob("*") if path.is_file()}
    return sorted(name for name in {*wanted, *there} if wanted.get(name) != there.get(name))


def write() -> None:
    """Makes `examples/class` what the sources give; a file that no source gives is removed."""
    wanted = built()
    for name in stale():
        path = CLASS / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wanted[name])
        else:
            path.unlink()


if __name__ == "__main__":
    if "--check" not in sys.argv:
        write()
    print("\n".join(["stale:", *stale()]) if stale() else f"examples/class is fresh: {len(built())} files")
    raise SystemExit(bool(stale()))
