"""The words of an output that is HTML alone, as a reader of the notebook sees them: wandb's summary, a styled table.

Why separate: nothing of the page is kept but its text, its rows and its columns. The work is linear in the source.
"""

from __future__ import annotations

import html
import re

MAX_SOURCE = 100_000  # characters of one output; a table of ten epochs has 3,000
_SPACE = re.compile(r"\s+")
_HIDDEN = ("style", "script", "head")
_LINES = frozenset("br p div li tr table h1 h2 h3 h4 pre hr section".split())
_CELLS = ("td", "th")


def text_of(source: str) -> str:
    """Rows as lines, their cells two spaces apart; no styles and no scripts."""
    first, *pieces = source[:MAX_SOURCE].split("<")
    shown, hidden, as_typed = [first], "", False
    for piece in pieces:
        tag, _, text = piece.partition(">")
        name, closes = (tag.strip("/ ").split(None, 1) or [""])[0].lower(), tag.startswith("/")
        if hidden and not (closes and name == hidden):
            continue
        hidden = name if name in _HIDDEN and not closes else ""
        as_typed = not closes if name == "pre" else as_typed
        shown.append("\n" if name in _LINES else "  " if closes and name in _CELLS else "")
        shown.append(
            ""
            if hidden
            else text
            if as_typed
            else _SPACE.sub(" ", text).rstrip(" ")
            if closes
            else _SPACE.sub(" ", text)
        )
    lines = (line.strip() for line in html.unescape("".join(shown)).splitlines())
    return "\n".join(line for line in lines if line)
