"""The curves of a Plotly figure as text: each trace's name, and its numbers in brackets.

Why separate: such a figure is data, so that what it shows need not be taken on trust as a picture's. Nothing here may
fail on what a notebook holds.
"""

from __future__ import annotations

import array
import base64
import binascii
import sys
from collections.abc import Iterator, Mapping
from typing import Any

MOST_TRACES, MOST_NUMBERS = 20, 1000
_TYPES = {"f8": "d", "f4": "f"}  # numpy's names of dtypes, little-endian as Plotly writes them, by array's


def text_of_figure(figure: object) -> str:
    """ "loss training: [0.5, 0.3]", a trace a line, "loss" being the y axis's title; "" where there is none."""
    if not isinstance(figure, Mapping) or not isinstance(figure.get("data"), list):
        return ""
    layout = figure.get("layout")
    title = _title(layout.get("yaxis")) or _title(layout) if isinstance(layout, Mapping) else ""
    traces = [trace for trace in figure["data"][:MOST_TRACES] if isinstance(trace, Mapping)]
    return "\n".join(_lines(traces, title))


def _lines(traces: list[Mapping[str, Any]], title: str) -> Iterator[str]:
    for trace in traces:
        name, numbers = trace.get("name"), _numbers(trace.get("y"))
        if isinstance(name, str) and len(numbers) > 1:
            words = " ".join(f"{title} {name}"[:200].split())
            yield f"{words}: [{', '.join(f'{number:.6g}' for number in numbers)}]"


def _title(part: object) -> str:
    title = part.get("title") if isinstance(part, Mapping) else None
    text = title.get("text") if isinstance(title, Mapping) else title
    return text if isinstance(text, str) else ""


def _numbers(values: Any) -> list[float]:
    """Numbers as a list, or as Plotly 6 packs them: {"dtype": "f8", "bdata": base64}."""
    if isinstance(values, Mapping):
        kind, packed = _TYPES.get(str(values.get("dtype"))), values.get("bdata")
        if kind is None or not isinstance(packed, str):
            return []
        unpacked = array.array(kind)
        try:
            unpacked.frombytes(base64.b64decode(packed[: 16 * MOST_NUMBERS]))
        except (binascii.Error, ValueError):
            return []
        if sys.byteorder == "big":
            unpacked.byteswap()
        return [float(value) for value in unpacked[:MOST_NUMBERS]]
    given = values[:MOST_NUMBERS] if isinstance(values, list) else []
    return list(map(float, given)) if all(type(value) in (int, float) for value in given) else []
