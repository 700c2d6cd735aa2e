"""A notebook's export as a web page made cells again: nbconvert's, Quarto's, Jupyter Book's.

Why separate: which elements of a page hold code, and which the output below it, is known here alone. Text is taken from
the page, and nothing else: no script, no style, no link. The work is linear in the page.
"""

from __future__ import annotations

import html
import re

from autograder.core.records import Cell

ENDINGS = (".html", ".htm")
_CODE = frozenset(
    "highlight hl-ipython3 hl-ipython hl-python hl-python3 highlight-ipython3 highlight-ipython highlight-python "
    "highlight-python3".split()
)
_OUTPUT = frozenset(
    "jp-OutputArea-output output_text output_stream output_png cell-output cell-output-stdout cell-output-display "
    "cell_output".split()
)
_CLASS = re.compile(r"""\bclass=["']?([^"'>]*)""")
_LONGEST = 2000  # characters of a tag in which its class is looked for; a picture's data may follow
_KEPT = 200_000  # characters of one cell's output


def exported_cells(text: str) -> tuple[Cell, ...]:
    """The code cells of the page with their outputs, counted from 1; none when it is no export of a notebook."""
    page = _Page()
    for piece in text.split("<")[1:]:
        mark, _, said = piece.partition(">")
        name = mark.strip("/ ").split(None, 1)[:1]
        if name and mark.startswith("/"):
            page.closed(name[0].lower())
        elif name:
            given = _CLASS.search(mark[:_LONGEST])
            page.opened(name[0].lower(), frozenset(given[1].split()) if given else frozenset())
        if page.into is not None:
            page.into.append(html.unescape(said))
    return tuple(
        Cell(number, "".join(cell.code).strip("\n"), "".join(cell.output)[:_KEPT], cell.images)
        for number, cell in enumerate(page.cells, start=1)
    )


class _Found:
    """One cell while its page is read."""

    def __init__(self) -> None:
        self.code: list[str] = []
        self.output: list[str] = []
        self.images = 0


class _Page:
    """Follows one element at a time that holds code or output, to its end."""

    def __init__(self) -> None:
        self.cells: list[_Found] = []
        self.inside = ""  # the tag of the element that is followed
        self.depth = 0
        self.into: list[str] | None = None

    def opened(self, tag: str, classes: frozenset[str]) -> None:
        """An element of code begins a cell; one of output belongs to the last cell."""
        if self.inside:
            self.depth += tag == self.inside
        elif classes & _CODE or {"sourceCode", "python"} <= classes:
            self.cells.append(_Found())
            self.inside, self.depth, self.into = tag, 1, self.cells[-1].code
        elif classes & _OUTPUT and self.cells:
            self.inside, self.depth, self.into = tag, 1, self.cells[-1].output
        if tag == "img" and self.cells and self.into is self.cells[-1].output:
            self.cells[-1].images += 1

    def closed(self, tag: str) -> None:
        """The end of the element that is followed."""
        if self.into is not None and tag == self.inside:
            self.depth -= 1
            if not self.depth:
                self.into.append("\n")
                self.inside, self.into = "", None
