"""One file of a submission to code cells that are plain Python, whatever the file is called.

Why separate: it is the step between bytes and slicing, the same for a notebook and a script. Nothing here chooses a
file or looks for classes.
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from autograder.core.errors import UNPARSABLE, SubmissionError
from autograder.core.records import Cell, Finding, Place, Severity
from autograder.handin.files import exported, fenced
from autograder.handin.files.decoding import cookie_findings, decode
from autograder.handin.files.magics import dropped_language, plain_python
from autograder.handin.files.marimo import plain_marimo
from autograder.handin.files.notebook import SavedCell, looks_like_notebook, read_notebook
from autograder.handin.slicing.asides import Aside, Text, asides

_MOST_NOTES = 30_000  # characters below a cell
_WRITES = re.compile(
    r"\s*%%(?:writefile|file)\s+(?P<more>-a\s+|--append\s+)?(?P<quote>['\"]?)(?P<path>.+)\.py(?P=quote)\s*$"
)


class Work(NamedTuple):
    """The code of one file, and what reading it brought up."""

    file: str
    cells: tuple[Cell, ...]
    findings: tuple[Finding, ...]
    written: Mapping[str, tuple[Cell, ...]] = MappingProxyType({})  # modules that cells write, by name
    asides: Mapping[str, Aside] = MappingProxyType({})  # classes in its words that nothing defines, by name


def read_work(data: bytes, file: str) -> Work:
    """The cells of a notebook or script. Raises SubmissionError, with what to do, when it is neither."""
    if file.lower().endswith(exported.ENDINGS):
        return _exported(data, file)
    text = decode(data, file)
    named_notebook = ".ipynb" in file.lower()
    is_notebook = looks_like_notebook(text) or (named_notebook and not _is_python(text))
    misnamed = () if is_notebook == named_notebook else (_misnamed(file, is_notebook),)
    if not is_notebook:
        parts = _scripts(text, file)
        cells = tuple(Cell(None, plain_python(part)) for part in parts)
        aside = asides([Text("code", None, part) for part in parts], file)
        return Work(file, cells, (*misnamed, *cookie_findings(text, file)), asides=aside)
    saved, findings, others = read_notebook(text, file)
    notes = _notes([cell.number for cell in saved], others)
    cells = tuple(
        Cell(
            cell.number,
            plain_python(cell.source),
            cell.outputs,
            cell.images,
            empty=cell.empty,
            raised=cell.raised,
            notes=notes.get(cell.number, ""),
        )
        for cell in saved
    )
    written = _written(saved)
    lost = [cell for cell in saved if not any(cell.number == part.number for own in written.values() for part in own)]
    code = [Text("code", cell.number, cell.source, dropped_language(cell.source)) for cell in saved]
    return Work(file, cells, (*misnamed, *findings, *_dropped(lost, file)), written, asides([*others, *code], file))


def _exported(data: bytes, file: str) -> Work:
    """The cells of a notebook's export as a web page. Raises SubmissionError when it holds none."""
    found = exported.exported_cells(data.decode("utf-8", "replace").replace("\r\n", "\n"))
    if not found:
        raise SubmissionError(f"{file} is a web page without a notebook's code cells. Hand in the notebook itself.")
    cells = tuple(Cell(cell.number, plain_python(cell.source), cell.outputs, cell.images) for cell in found)
    message = f"{file} is a notebook's export as a web page; its code and outputs were read all the same"
    fix = "hand in the notebook itself (File > Download > Download .ipynb)"
    remark = Finding("file-name", Severity.REMARK, message, place=Place(file, 1), fix=fix)
    return Work(file, cells, (remark,))


def _scripts(text: str, file: str) -> tuple[str, ...]:
    """A script as it is; the code of what other notebook programs save as text, each part with its lines in place."""
    if file.lower().removesuffix(".txt").endswith(fenced.ENDINGS):
        return fenced.fenced_python(text) or (text,)
    return plain_marimo(text) or (text,)


def _notes(numbers: Sequence[int], others: Sequence[Text]) -> dict[int, str]:
    """The Markdown below each of the code cells with these numbers, up to the next one."""
    below: dict[int, str] = {}
    for text in others:
        at = bisect_left(numbers, text.number or 0)
        if at and text.kind == "markdown":
            below[numbers[at - 1]] = f"{below.get(numbers[at - 1], '')}{text.source}\n\n"[:_MOST_NOTES]
    return below


def module_cells(data: bytes, file: str) -> tuple[Cell, ...]:
    """The text of a .py file as cells. Raises SubmissionError when it is no text."""
    return (Cell(None, plain_python(decode(data, file))),)


def _written(saved: Sequence[SavedCell]) -> dict[str, tuple[Cell, ...]]:
    """Modules that cells write with %%writefile and that some cell imports. Each written text keeps its lines."""
    written: dict[str, tuple[Cell, ...]] = {}
    said: list[str] | None = None
    for cell in saved:
        first, newline, rest = cell.source.partition("\n")
        match = _WRITES.match(first[:300])
        if match is None:
            continue
        if said is None:  # %run is an import in plain Python
            said = [text for other in saved for text in (other.source, plain_python(other.source))]
        if name := _imported_as(match["path"], said):
            text = Cell(cell.number, newline + plain_python(rest))
            written[name] = (*(written.get(name, ()) if match["more"] else ()), text)
    return written


def _imported_as(path: str, said: Sequence[str]) -> str:
    """The dotted name under which some text imports the file, however far up its path the import begins; "" for none.

    /content/src/heads is src.heads in Colab's own folder, and heads where sys.path leads into src.
    """
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".", "..", "~")]
    parts = parts[:-1] if parts[-1:] == ["__init__"] else parts
    names = [".".join(parts[at:]) for at in range(len(parts)) if all(part.isidentifier() for part in parts[at:])]
    return next((name for name in names if any(imports_module(name, text) for text in said)), "")


def imports_module(name: str, source: str) -> bool:
    """Whether a line of the source imports the module, of a dotted name too, or runs its file, by its words."""
    package, _, last = name.rpartition(".")
    module = re.escape(name)
    imports = rf"from\s+\.?{module}\s+import\b|import\s+{module}\b|%run\s+(?:-i\s+)?['\"]?(?:\./)?{module}\.py\b"
    imports += rf"|from\s+{re.escape(package)}\s+import\b[^\n#]*\b{re.escape(last)}\b" if package else ""
    return bool(re.search(rf"^[ \t]*(?:{imports})", source, re.MULTILINE))


def _is_python(text: str) -> bool:
    """Whether a file called .ipynb is a script: it defines or imports something, which no JSON does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text).body
    except UNPARSABLE:
        return False
    return any(isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.Import, ast.ImportFrom)) for node in body)


def _misnamed(file: str, is_notebook: bool) -> Finding:
    kind, ending = ("a notebook", ".ipynb") if is_notebook else ("a Python script", ".py")
    message = f"{file} is {kind} by its content, and was read as one"
    return Finding("file-name", Severity.REMARK, message, place=Place(file, 1), fix=f"let its name end in {ending}")


def _dropped(saved: Sequence[SavedCell], file: str) -> tuple[Finding, ...]:
    """Cells of another language that hold a class: somebody wrote it to a file instead of defining it."""
    return tuple(
        Finding(
            rule="dropped-cell",
            severity=Severity.REMARK,
            message=f"the first line of this cell (%%{language}) keeps its class from being defined in the notebook",
            construct=f"%%{language}",
            place=Place(file, 1, cell.number),
            fix=f"delete the %%{language} line, so that the cell defines the class",
        )
        for cell in saved
        if "class " in cell.source and (language := dropped_language(cell.source))
    )


def unreadable(error: BaseException, file: str) -> SubmissionError:
    """What to say when reading one file exhausted the interpreter."""
    return SubmissionError(f"{file} is nested too deeply or too large to be read ({type(error).__name__}).")
