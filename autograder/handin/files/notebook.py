"""A notebook's JSON to cells: sources, and the saved text outputs. Types are checked, nothing in it is trusted or run.

Why separate: the format is the only thing known here. nbformat converts notebooks older than version 4; version 4 is
read by own checks, because a validator refuses files that every notebook program opens. HTML never leaves this file.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from autograder.core import policy
from autograder.core.errors import SubmissionError
from autograder.core.records import Finding, Place, Severity
from autograder.handin.files.figures import text_of_figure
from autograder.handin.files.html_text import text_of
from autograder.handin.files.pictures import Look, looked_at, pictures_of
from autograder.handin.files.screen import Piece, shown
from autograder.handin.slicing.asides import Text

# Of each end of a cell's output: a loss printed at every tenth batch of ten epochs is 160 KB.
_OBJECT = re.compile(r"<[^<>]*>|[\w.]+\(\.\.\.\)")  # <IPython.core.display.HTML object>, alt.Chart(...)
_PLOTLY = "application/vnd.plotly"
_DRAWN = re.compile(
    r"vegaEmbed|vega-embed|plotly-graph-div|Plotly\.newPlot|altair-viz|<img[^>]{0,200}?src=.data:image/|<svg\b"
)
_PLOTS = re.compile(r"plot|plt\b|semilog", re.IGNORECASE)
# Plots that are looked at, the last ones, and how many bytes of each: 2 s at most here, of a reader's 20.
_LOOKED_AT, _MOST_SEEN = 4, 1 << 20
_HARMLESS = ("KeyboardInterrupt", "SystemExit")  # how people stop a cell
_KEPT_TEXT = 90_000
_AGAIN = "Open it once more, save it, download it (File > Download > Download .ipynb) and hand that in."


class SavedCell(NamedTuple):
    """One code cell as saved: `number` counts every cell from 1, `source` is untouched.

    `empty` of its pictures are blank, or axes without a curve; `raised`: an exception ended it.
    """

    number: int
    source: str
    outputs: str
    images: int
    empty: int = 0
    raised: bool = False


def looks_like_notebook(text: str) -> bool:
    """Whether `text` seems to be a notebook's JSON, whatever the file is called."""
    return text.lstrip().startswith("{") and '"cells"' in text and '"cell_type"' in text


def read_notebook(text: str, file: str) -> tuple[tuple[SavedCell, ...], tuple[Finding, ...], tuple[Text, ...]]:
    """The code cells of a notebook, and its other cells. Raises SubmissionError, with what to do, when it is none."""
    content, findings = _parse(text, file)
    if not isinstance(content, dict):
        raise SubmissionError(f"{file} is JSON, but not a notebook: the outermost thing is not an object. {_AGAIN}")
    if isinstance(content.get("worksheets"), list) and "cells" not in content:
        content = _converted(text, file)
    cells = content.get("cells")
    if not isinstance(cells, list):
        found = "there are none" if cells is None else f"they are {_kind(cells)}"
        raise SubmissionError(f"{file} is not a readable notebook: its cells should be a list, but {found}. {_AGAIN}")
    if len(cells) > policy.CAPS.cells:
        raise SubmissionError(
            f"{file} has {len(cells)} cells; at most {policy.CAPS.cells} are read. Delete the unused ones."
        )
    saved = _with_empty([_cell(cell, number, file) for number, cell in enumerate(cells, start=1)], cells)
    others = (_other(cell, number) for number, cell in enumerate(cells, start=1))
    return tuple(cell for cell in saved if cell), findings, tuple(other for other in others if other)


def _parse(text: str, file: str) -> tuple[Any, tuple[Finding, ...]]:
    text = text.lstrip("\ufeff \t\n")
    try:
        content, end = json.JSONDecoder().raw_decode(text)
    except RecursionError:
        raise SubmissionError(f"{file} is nested too deeply to be a notebook. {_AGAIN}") from None
    except ValueError as error:
        raise SubmissionError(_why_not_json(text, file, error)) from None
    if not text[end:].strip():
        return content, ()
    line = text.count("\n", 0, end) + 1
    message = "there is text after the end of the notebook; it was left out"
    fix = "open the notebook, save it again and check that nothing is missing"
    return content, (Finding("trailing-text", Severity.REMARK, message, place=Place(file, line), fix=fix),)


def _why_not_json(text: str, file: str, error: ValueError) -> str:
    marks = re.search(r"^(?:<<<<<<< |>>>>>>> )", text, re.M)
    if marks:
        line = text.count("\n", 0, marks.start()) + 1
        return (
            f"{file} holds the marks of an unfinished merge (line {line} begins with <<<<<<< or >>>>>>>). "
            "Choose one of the two versions, delete the marks, and hand in again."
        )
    if not text.startswith("{"):
        begins = f"{file} is not a notebook: it begins with {text[:20]!r}"
        return f"{begins}. Is it another file with its name changed? {_AGAIN}"
    where = getattr(error, "pos", 0)
    if where >= len(text.rstrip()) - 1 or "Unterminated" in str(error):
        return f"{file} breaks off in the middle: it seems to be only partly downloaded or saved. {_AGAIN}"
    return f"{file} is a damaged notebook: line {getattr(error, 'lineno', 1)} is not JSON. {_AGAIN}"


def _converted(text: str, file: str) -> dict[str, Any]:
    """Notebooks of version 3 and older. The library's own errors are of many types, all meaning the same."""
    import nbformat

    try:
        return dict(nbformat.reads(text, as_version=4))  # type: ignore[no-untyped-call]
    except Exception as error:
        kind = type(error).__name__
        raise SubmissionError(f"{file} is an old notebook that could not be converted ({kind}). {_AGAIN}") from None


def _cell(cell: Any, number: int, file: str) -> SavedCell | None:
    if not isinstance(cell, dict):
        raise SubmissionError(f"{file} is not a readable notebook: cell {number} is {_kind(cell)}. {_AGAIN}")
    if cell.get("cell_type") != "code":
        return None
    source = cell.get("source", cell.get("input", ""))
    if not _is_text(source):
        what = f"the code of cell {number} should be text, but it is {_kind(source)}"
        raise SubmissionError(f"{file} is not a readable notebook: {what}. {_AGAIN}")
    outputs = cell.get("outputs")
    known = [output for output in outputs if isinstance(output, dict)] if isinstance(outputs, list) else []
    images = sum(any(_is_picture(str(kind), part) for kind, part in _data(output).items()) for output in known)
    raised = any(output.get("output_type") == "error" and output.get("ename") not in _HARMLESS for output in known)
    return SavedCell(number, _text(_lines(source)), _shortened(shown(_pieces(known))), images, raised=raised)


def _with_empty(saved: list[SavedCell | None], cells: list[Any]) -> list[SavedCell | None]:
    """With the number of empty pictures under those that plot; the last few are looked at."""
    left = _LOOKED_AT
    for index in reversed(range(len(saved))):
        cell = saved[index]
        if cell and cell.images and left and _PLOTS.search(cell.source):
            looks = [looked_at(picture, _MOST_SEEN) for picture in list(pictures_of(cells[index]))[-left:]]
            left -= len(looks)
            saved[index] = cell._replace(empty=sum(look in (Look.EMPTY, Look.BLANK) for look in looks))
    return saved


def _other(cell: dict[str, Any], number: int) -> Text | None:
    """A cell that is no code; of those that nobody knows, nothing is said."""
    kind, source = cell.get("cell_type"), cell.get("source", "")
    return Text(kind, number, _text(_lines(source))) if kind in ("markdown", "raw") and _is_text(source) else None


def _data(output: dict[str, Any]) -> dict[str, Any]:
    data = output.get("data")
    return data if isinstance(data, dict) else {}


def _pieces(outputs: list[dict[str, Any]]) -> list[Piece]:
    """The text of each output; display data and results are shown as things of their own, without a stream."""
    pieces = []
    for output in outputs:
        stream = (
            ("stderr" if output.get("name") == "stderr" else "stdout") if output.get("output_type") == "stream" else ""
        )
        text = output.get("text") if stream else _data(output).get("text/plain")
        if not stream and _says_nothing(text):
            marked, page = (_data(output).get(kind) for kind in ("text/markdown", "text/html"))
            text = _text(marked) if _is_text(marked) else text_of(_text(page)) if _is_text(page) else text
        pieces += [Piece(stream, _text(text, ends=False))] if _is_text(text) else []
        figures = [text_of_figure(part) for kind, part in _data(output).items() if kind.startswith(_PLOTLY)]
        pieces += [Piece("", figure) for figure in figures if figure]
    return pieces


def _is_picture(kind: str, part: Any) -> bool:
    """A picture, or a figure that a script draws: Plotly's, Altair's (Vega), Bokeh's."""
    if kind == "text/html" and _is_text(part):
        return bool(_DRAWN.search(_text(part)[:_KEPT_TEXT]))
    if kind.startswith(_PLOTLY) and isinstance(part, dict) and part.get("data") == []:
        return False  # a figure without a curve
    return kind.startswith(("image/", _PLOTLY, "application/vnd.vega", "application/vnd.bokehjs_exec"))


def _says_nothing(text: Any) -> bool:
    """Whether the plain text is only the name of an object that has a page: <IPython.core.display.HTML object>."""
    return not _is_text(text) or (len(said := _text(text).strip()) < 200 and _OBJECT.fullmatch(said) is not None)


def _shortened(text: str) -> str:
    if len(text) <= 2 * _KEPT_TEXT:
        return text
    return f"{text[:_KEPT_TEXT]}\n[... {len(text) - 2 * _KEPT_TEXT} characters left out ...]\n{text[-_KEPT_TEXT:]}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(part, str) for part in value))


def _lines(source: Any) -> Any:
    """A source as lines with their ends, which who writes a notebook by a program of their own may leave out."""
    bare = isinstance(source, list) and len(source) > 1 and not any("\n" in line for line in source)
    return "\n".join(source) if bare else source


def _text(value: Any, *, ends: bool = True) -> str:
    """One text, without lone surrogates (which JSON can spell and UTF-8 cannot)."""
    text = "".join(value).encode("utf-8", "replace").decode("utf-8")
    return text.replace("\r\n", "\n").replace("\r", "\n") if ends else text


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "missing") if value is not None else "missing"
