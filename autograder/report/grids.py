"""Small grey pictures side by side, as SVG: a digit, and where a model looks on it.

Why separate: beside `curves` this is the other kind of picture. Pure: values go in, text comes out; the SVG holds no
script, no link and no style sheet.
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from autograder.core.records import Grid, Panel
from autograder.core.text import one_line

_SIDE, _GAP, _TOP = 84, 14, 46  # pixels
_SHADES = 8  # one path for each: 2 KB for a digit of 28 x 28


def svg(panel: Panel) -> str:
    """The panel as an <svg> element."""
    title = one_line(panel.title)
    width = _GAP + len(panel.grids) * (_SIDE + _GAP)
    height = _TOP + _SIDE + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label={quoteattr(title)} font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{_GAP}" y="18" font-size="13">{escape(title)}</text>',
        *(_grid(grid, _GAP + index * (_SIDE + _GAP)) for index, grid in enumerate(panel.grids)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _grid(grid: Grid, left: int) -> str:
    """The name above a square that is divided into the grid's cells."""
    cell = _SIDE / max(1, len(grid.rows))
    paths = "".join(
        f'<path d="{_cells(grid, shade, cell)}" fill-opacity="{shade / _SHADES:g}"/>' for shade in range(1, _SHADES + 1)
    )
    return (
        f'<text x="{left}" y="{_TOP - 8}">{escape(one_line(grid.name, 20))}</text>'
        f'<g transform="translate({left} {_TOP})" fill="#000">'
        f'<rect width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#999"/>{paths}</g>'
    )


def _cells(grid: Grid, shade: int, cell: float) -> str:
    """One path over all cells of a shade, neighbours in a row together."""
    found = []
    for y, row in enumerate(grid.rows):
        x = 0
        while x < len(row):
            start = x
            while x < len(row) and round(min(max(row[x], 0.0), 1.0) * _SHADES) == shade:
                x += 1
            if x > start:
                found.append(f"M{start * cell:g} {y * cell:g}h{(x - start) * cell:g}v{cell:g}h{(start - x) * cell:g}z")
            x = max(x, start + 1)
    return "".join(found)
