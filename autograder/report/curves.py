"""Curves over epochs as a picture: SVG without any dependency, PNG where matplotlib is installed.

Why separate: `train` writes them as files and reports show them inline, and both want the same picture. Pure: numbers
go in, text comes out. The SVG holds no script, no link and no style sheet, so that it may stand in a page as it is.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

import msgspec

WIDTH, HEIGHT = 640, 400  # pixels; about 2 KB for two curves of ten epochs
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 36, 48
_TICKS = 6
_LARGEST = 1e12  # beyond it no axis is left to read the other values on
# Okabe and Ito's colours, told apart by colour-blind people too: blue, vermilion, green, purple.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


class Curve(msgspec.Struct, frozen=True):
    """One value for each epoch from 1 on; what is not finite, or beyond any loss, is a gap."""

    name: str
    values: tuple[float, ...]
    dashed: bool = False


class Band(msgspec.Struct, frozen=True):
    """Between `low` and `high` at each epoch, in grey behind the curves."""

    name: str
    low: tuple[float, ...]
    high: tuple[float, ...]


class _Frame(msgspec.Struct, frozen=True):
    """Where a value stands in the picture."""

    epochs: int
    low: float
    high: float
    width: int
    height: int

    def x(self, epoch: float) -> float:
        return _LEFT + (epoch - 1) / max(1, self.epochs - 1) * (self.width - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return self.height - _BOTTOM - (value - self.low) / (self.high - self.low) * (self.height - _TOP - _BOTTOM)


def svg(
    curves: Sequence[Curve],
    bands: Sequence[Band] = (),
    *,
    title: str = "",
    x: str = "epoch",
    y: str = "mean cross-entropy",
    width: int = WIDTH,
    height: int = HEIGHT,
) -> str:
    """The picture as an <svg> element; without any finite value, an empty frame with its title."""
    frame = _frame(curves, bands, width, height)
    said = "; ".join(f"{c.name}: {c.values[-1]:.4g} at the end" for c in curves if c.values and _drawn(c.values[-1]))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label={quoteattr(f"{title}. {said}")} font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        _text(width / 2, 20, title, 'text-anchor="middle" font-size="14"'),
        *_axes(frame, x, y),
        *(_band(frame, band) for band in bands),
        *(line for index, curve in enumerate(curves) for line in _curve(frame, curve, _colour(index))),
        *_legend(frame, curves, bands),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def png(curves: Sequence[Curve], *, title: str = "", x: str = "epoch", y: str = "mean cross-entropy") -> bytes | None:
    """The same curves by matplotlib; None where it is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError:
        return None
    figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=200, layout="constrained")
    FigureCanvasAgg(figure)  # no window and no display, whatever the surroundings prefer
    axes = figure.add_subplot(xlabel=x, ylabel=y, title=title)
    for index, curve in enumerate(curves):
        epochs = range(1, len(curve.values) + 1)
        axes.plot(
            epochs,
            curve.values,
            marker="o",
            ms=4,
            color=_colour(index),
            label=curve.name,
            ls="--" if curve.dashed else "-",
        )
    axes.grid(alpha=0.3)
    axes.legend()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    data = io.BytesIO()
    figure.savefig(data, format="png", metadata={"Software": None})  # the same curves give the same bytes
    return data.getvalue()


def _drawn(value: float) -> bool:
    return math.isfinite(value) and abs(value) < _LARGEST


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def _frame(curves: Sequence[Curve], bands: Sequence[Band], width: int, height: int) -> _Frame:
    rows = [curve.values for curve in curves] + [row for band in bands for row in (band.low, band.high)]
    values = [value for row in rows for value in row if _drawn(value)] or [0.0, 1.0]
    low, high = min(values), max(values)
    if low > 0 and low < high / 2:
        low = 0.0  # losses fall towards zero: it belongs to the picture
    room = (high - low or abs(high) or 1.0) * 0.05
    return _Frame(max([1, *map(len, rows)]), low if low == 0.0 else low - room, high + room, width, height)


def ticks(low: float, high: float, most: int = _TICKS) -> tuple[float, ...]:
    """Round numbers (1, 2 or 5 times a power of ten apart) from `low` to `high`, at most `most` of them."""
    rough = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10, 20) if _count(low, high, power * factor) <= most)
    first = math.ceil(low / step - 1e-9)
    return tuple((first + index) * step for index in range(_count(low, high, step)))


def _count(low: float, high: float, step: float) -> int:
    return math.floor(high / step + 1e-9) - math.ceil(low / step - 1e-9) + 1


def _axes(frame: _Frame, x: str, y: str) -> Iterable[str]:
    right, bottom = frame.width - _RIGHT, frame.height - _BOTTOM
    for value in ticks(frame.low, frame.high):
        at = f"{frame.y(value):.1f}"
        yield f'<line x1="{_LEFT}" y1="{at}" x2="{right}" y2="{at}" stroke="#ddd"/>'
        yield _text(_LEFT - 8, frame.y(value) + 4, f"{value:.4g}", 'text-anchor="end"')
    for epoch in dict.fromkeys(round(value) for value in ticks(1, max(2, frame.epochs), 11)):
        if epoch <= frame.epochs:
            yield _text(frame.x(epoch), bottom + 18, str(epoch), 'text-anchor="middle"')
    yield f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="#444"/>'
    yield _text((_LEFT + right) / 2, frame.height - 10, x, 'text-anchor="middle"')
    middle = (_TOP + bottom) / 2
    yield _text(16, middle, y, f'text-anchor="middle" transform="rotate(-90 16 {middle:.0f})"')


def _curve(frame: _Frame, curve: Curve, colour: str) -> Iterable[str]:
    pen, path = "M", ""
    for epoch, value in enumerate(curve.values, 1):
        if not _drawn(value):
            pen = "M"
            continue
        path, pen = f"{path}{pen}{frame.x(epoch):.1f} {frame.y(value):.1f}", "L"
        yield f'<circle cx="{frame.x(epoch):.1f}" cy="{frame.y(value):.1f}" r="3" fill="{colour}"/>'
    if path:
        dashes = ' stroke-dasharray="6 4"' if curve.dashed else ""
        yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>'


def _band(frame: _Frame, band: Band) -> str:
    both = [(e, low, high) for e, (low, high) in enumerate(zip(band.low, band.high), 1) if _drawn(low) and _drawn(high)]
    corners = [(e, high) for e, _, high in both] + [(e, low) for e, low, _ in reversed(both)]
    points = " ".join(f"{frame.x(epoch):.1f},{frame.y(value):.1f}" for epoch, value in corners)
    return f'<polygon points="{points}" fill="#888" fill-opacity="0.25"/>'


def _legend(frame: _Frame, curves: Sequence[Curve], bands: Sequence[Band]) -> Iterable[str]:
    entries = [(curve.name, _colour(index), 2) for index, curve in enumerate(curves)]
    entries += [(band.name, "#ccc", 8) for band in bands]
    left = frame.width - _RIGHT - 12 - 8 * max([0, *(len(name) for name, _, _ in entries)]) - 28
    for row, (name, colour, thick) in enumerate(entries):
        at = _TOP + 14 + 18 * row
        yield f'<line x1="{left}" y1="{at}" x2="{left + 20}" y2="{at}" stroke="{colour}" stroke-width="{thick}"/>'
        yield _text(left + 28, at + 4, name, "")


def _text(x: float, y: float, text: str, attributes: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(text)}</text>'
