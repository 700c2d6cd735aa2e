"""A student's Markdown as markup that a page may hold: no script, no link, nothing from elsewhere.

Why separate: what is safe is decided in one place. Nothing is cleaned: raw HTML is shown as the text that it is, so
that only tags which are made here exist. Pictures are those that lie in the notebook itself; formulas stay TeX.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

MAX_TEXT = 100_000  # characters of a cell; the handout asks for sentences
MAX_PICTURES = 8 * 2**20  # of a submission, as text: a photograph of a page has 1 MB
_KINDS = ("image/png", "image/jpeg", "image/gif", "image/webp")
_DATA = re.compile(rf"data:(?:{'|'.join(_KINDS)});base64,[A-Za-z0-9+/=\s]*")
_LEVELS_BELOW = 3  # a student's heading of the first level stands below the page's own of the third


class Pictures:
    """How much of a page one submission's pictures may still take."""

    def __init__(self) -> None:
        self.left = MAX_PICTURES

    def admitted(self, source: str, attached: Mapping[str, Any]) -> str:
        """The picture as a data URL; empty when it lies elsewhere, is of another kind, or too large."""
        data = source if source.startswith("data:") else _attachment(source, attached)
        if len(data) > self.left or not _DATA.fullmatch(data):
            return ""
        self.left -= len(data)
        return re.sub(r"\s", "", data)


def _attachment(source: str, attached: Mapping[str, Any]) -> str:
    kinds = attached.get(source.removeprefix("attachment:"))
    if not source.startswith("attachment:") or not isinstance(kinds, dict):
        return ""
    for kind in _KINDS:
        found = kinds.get(kind)
        text = "".join(part for part in found if isinstance(part, str)) if isinstance(found, list) else found
        if isinstance(text, str):
            return f"data:{kind};base64,{text}"
    return ""


def plain(text: str) -> str:
    """Text as a paragraph."""
    return f"<p>{escape(text[:MAX_TEXT])}</p>"


def rendered(text: str, attached: Mapping[str, Any], pictures: Pictures) -> str:
    """The Markdown as markup. `attached`: the cell's attachments, as the notebook has them."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.inline.ruler.before("escape", "formula", _formula)
    rules: dict[str, Any] = {
        "formula": lambda tokens, index, *_: f'<code class="tex">{escape(tokens[index].content)}</code>',
        "link_open": lambda tokens, index, *_: (
            f'<span class="link" title="{escape(str(tokens[index].attrs.get("href")))}">'
        ),
        "link_close": lambda *_: "</span>",
        "image": lambda tokens, index, *_: _picture(tokens[index], attached, pictures),
    }
    renderer: Any = reader.renderer
    renderer.rules.update(rules)
    cut = "" if len(text) <= MAX_TEXT else plain("(shortened here)")
    tokens = reader.parse(text[:MAX_TEXT])
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + _LEVELS_BELOW)}"
    return str(renderer.render(tokens, reader.options, {})) + cut


def _picture(token: Any, attached: Mapping[str, Any], pictures: Pictures) -> str:
    source, words = str(token.attrs.get("src", "")), escape(token.content or "a picture")
    if data := pictures.admitted(source, attached):
        return f'<img src="{data}" alt="{words}">'
    why = "too large" if source.startswith(("data:image/", "attachment:")) else f"not in the notebook: {source[:200]}"
    return f'<span class="missing">[{words}, which is {escape(why)}]</span>'


def _formula(state: Any, silent: bool) -> bool:
    """Markdown must not take the signs of a formula for its own."""
    text: str = state.src
    if text[state.pos] != "$":
        return False
    mark = "$$" if text.startswith("$$", state.pos) else "$"
    start = state.pos + len(mark)
    end = text.find(mark, start, state.posMax)
    if end <= start:
        return False
    if not silent:
        state.push("formula", "", 0).content = text[state.pos : end + len(mark)]
    state.pos = end + len(mark)
    return True
